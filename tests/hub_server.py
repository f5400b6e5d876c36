"""A local server that speaks as much of the Hugging Face hub's protocol as its client needs for models.

Repositories with commits, private ones, tokens, preupload, LFS batches, commits as lines of JSON, trees, and files
with their ETag and commit. It keeps everything in memory, and tests may change what it keeps.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN, READER = "hf_writes", "hf_reads"
LFS_FROM = 20_000
"""Bytes from which a file goes through LFS."""


@dataclass
class Repository:
    """Commits, each a whole tree of files."""

    private: bool
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    summaries: list[str] = field(default_factory=list)
    gated: bool = False

    def commit(self, files: dict[str, bytes], summary: str = "initial commit") -> str:
        """Add a commit; its name hangs on all before it."""
        sha = hashlib.sha1(f"{len(self.commits)}{sorted(files)}".encode()).hexdigest()
        self.commits[sha] = dict(files)
        self.summaries.append(summary)
        return sha

    @property
    def head(self) -> str:
        """The last commit."""
        return list(self.commits)[-1]

    def at(self, revision: str) -> str | None:
        """Return the commit that a revision names."""
        return self.head if revision == "main" else revision if revision in self.commits else None


class Hub:
    """What the server keeps.

    Attributes:
        repositories: by OWNER/NAME.
        blobs: uploaded through LFS, by their SHA-256.
        asked: method and path of each request.
        spoil: names of files whose uploaded bytes are changed on the way.
        fails: path -> status, for what shall fail.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.spoil: set[str] = set()
        self.fails: dict[str, int] = {}
        self.endpoint = ""

    def make(self, name: str, files: dict[str, bytes], *, private: bool = False) -> Repository:
        """Make a repository with one commit."""
        repository = self.repositories[name] = Repository(private)
        repository.commit({".gitattributes": b"* text\n", **files})
        return repository

    def files(self, name: str) -> dict[str, bytes]:
        """Return the files of a repository's head."""
        repository = self.repositories[name]
        return repository.commits[repository.head]


@contextmanager
def serving() -> Iterator[Hub]:
    """Run a hub on a port of 127.0.0.1."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def do_PUT(self) -> None:
        self._answer(self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().strip(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, body: bytes) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        status = next((status for part, status in self.hub.fails.items() if part in path), None)
        if status is not None:
            return self._send(status, {"error": f"HTTP {status}"})
        if path == "/":
            return self._send(200, {})
        if path == "/api/validate-yaml":
            return self._send(200, {"errors": [], "warnings": []})
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path.startswith("/lfs/"):
            return self._upload(path.removeprefix("/lfs/"), body)
        return self._of_repository(path, body)

    def _of_repository(self, path: str, body: bytes) -> None:
        words = path.removeprefix("/api/models").strip("/").split("/")
        name = "/".join(words[:2]).removesuffix(".git")
        rest, repository = words[2:], self.hub.repositories.get(name)
        if repository is None or (repository.private and self._token() not in (TOKEN, READER)):
            return self._refuse("RepoNotFound", 401 if self._token() is None else 404)
        if repository.gated:
            return self._refuse("GatedRepo", 403)
        if rest[:2] == ["info", "lfs"]:
            return self._batch(json.loads(body))
        if rest[:1] == ["preupload"]:
            return self._preupload(json.loads(body))
        if rest[:1] == ["commit"]:
            return self._commit(name, repository, body)
        sha = repository.at(rest[1] if len(rest) > 1 else "main")
        if sha is None:
            return self._refuse("RevisionNotFound", 404)
        if rest[:1] == ["resolve"]:
            return self._resolve(sha, repository.commits[sha].get("/".join(rest[2:])))
        files = [_listed(path, content) for path, content in repository.commits[sha].items()]
        if rest[:1] == ["tree"]:
            return self._send(200, [{"type": "file", **one} for one in files])
        siblings = [
            {"rfilename": one["path"], "size": one["size"], "blobId": one["oid"], "lfs": _lfs(one)} for one in files
        ]
        return self._send(200, {"id": name, "sha": sha, "private": repository.private, "siblings": siblings})

    def _create(self, asked: dict[str, Any]) -> None:
        if self._token() != TOKEN:
            return self._send(401 if self._token() is None else 403, {"error": "no rights"})
        name = f"{asked['organization']}/{asked['name']}"
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.hub.make(name, {}, private=private)
        return self._send(200, {"url": f"{self.hub.endpoint}/{name}", "name": name})

    def _preupload(self, asked: dict[str, Any]) -> None:
        if self._token() != TOKEN:
            return self._send(403, {"error": "no rights"})
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["size"] >= LFS_FROM else "regular",
                "shouldIgnore": False,
                "oid": None,
            }
            for file in asked["files"]
        ]
        return self._send(200, {"files": files})

    def _batch(self, asked: dict[str, Any]) -> None:
        objects = [
            {"oid": one["oid"], "size": one["size"], "authenticated": True}
            | (
                {}
                if one["oid"] in self.hub.blobs
                else {"actions": {"upload": {"href": f"{self.hub.endpoint}/lfs/{one['oid']}", "header": {}}}}
            )
            for one in asked["objects"]
        ]
        return self._send(200, {"transfer": "basic", "objects": objects})

    def _upload(self, oid: str, body: bytes) -> None:
        self.hub.blobs[oid] = body
        return self._send(200, {})

    def _commit(self, name: str, repository: Repository, body: bytes) -> None:
        if self._token() != TOKEN:
            return self._send(403, {"error": "no rights"})
        lines = [json.loads(line) for line in body.splitlines() if line]
        head = lines[0]["value"]
        if head.get("parentCommit") not in (None, repository.head):
            return self._send(412, {"error": "A commit has happened since"})
        files = dict(self.hub.files(name))
        for line in lines[1:]:
            value, path = line["value"], line["value"]["path"]
            if line["key"] == "deletedFile":
                del files[path]
            else:
                content = base64.b64decode(value["content"]) if line["key"] == "file" else self.hub.blobs[value["oid"]]
                files[path] = content[:-1] + bytes([content[-1] ^ 1]) if path in self.hub.spoil else content
        sha = repository.commit(files, head["summary"])
        url = f"{self.hub.endpoint}/{name}/commit/{sha}"
        return self._send(200, {"commitUrl": url, "commitOid": sha, "success": True})

    def _resolve(self, sha: str, content: bytes | None) -> None:
        if content is None:
            return self._refuse("EntryNotFound", 404, {"X-Repo-Commit": sha})
        etag = hashlib.sha256(content).hexdigest()
        headers = {"X-Repo-Commit": sha, "ETag": f'"{etag}"', "X-Linked-Size": str(len(content))}
        return self._send(200, content, headers)

    def _token(self) -> str | None:
        given = self.headers.get("Authorization", "")
        return given.removeprefix("Bearer ") or None

    def _refuse(self, code: str, status: int, headers: dict[str, str] | None = None) -> None:
        self._send(status, {"error": code}, {"X-Error-Code": code, "X-Error-Message": code, **(headers or {})})

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _listed(path: str, content: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    lfs = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return {"path": path, "size": len(content), "oid": blob, **({"lfs": lfs} if len(content) >= LFS_FROM else {})}


def _lfs(one: dict[str, Any]) -> dict[str, Any] | None:
    lfs = one.get("lfs")
    return lfs and {"sha256": lfs["oid"], "size": lfs["size"], "pointerSize": lfs["pointerSize"]}
