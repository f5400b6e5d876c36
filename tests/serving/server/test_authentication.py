"""Who may ask: a token, the names of a host, and a warning where everybody may."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import tritonclient.http as triton

from tests.bundle.making import make_bundle
from tests.serving.server.processes import ENVIRONMENT, Served, plain, served
from visionft.cli import main
from visionft.serving.server.authentication import Access, allowed_hosts, is_loopback
from visionft.serving.server.http_error import RefusalError

TOKEN = "0123456789abcdef-right"
BY_TOKEN = (
    "this server answers with its token alone: send the header `Authorization: Bearer TOKEN`, "
    "or the token as the password of any user"
)


@pytest.fixture(scope="module")
def guarded(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server on all addresses that wants a token and a name."""
    flags = ("--token", TOKEN, "--allow-host", "Shop.example", "--max-bytes", "200000")
    with served(bundle, tmp_path_factory.mktemp("guarded") / "log", *flags) as found:
        yield found


def basic(password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("headers", [bearer(TOKEN), basic(TOKEN), {"authorization": f"bearer  {TOKEN}"}])
def test_who_brings_the_token_is_answered(guarded: Served, headers: dict[str, str]) -> None:
    for place in ("/", "/metrics", "/v2", "/v2/models/colours"):
        assert guarded.client.get(place, headers=headers).status_code == 200
    assert guarded.client.post("/classify", content=plain(9), headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer(TOKEN[:-1]),
        bearer(TOKEN + "x"),
        {"authorization": "Bearer"},
        basic("wrong"),
        {"authorization": TOKEN},
        {"authorization": f"Digest {TOKEN}"},
        {"authorization": "Basic !"},
        {"authorization": "Basic " + base64.b64encode(TOKEN.encode()).decode()},
    ],
)
def test_who_does_not_is_told_how_and_nothing_else(guarded: Served, headers: dict[str, str]) -> None:
    for place in ("/", "/metrics", "/v2", "/v2/models/colours", "/nowhere", "/classify"):
        answer = guarded.client.get(place, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"error": BY_TOKEN})
        assert answer.headers["www-authenticate"] == 'Basic realm="visionft", charset="UTF-8"'
    assert guarded.client.post("/classify", content=plain(9), headers=headers).status_code == 401


def test_a_body_without_the_token_is_refused_and_never_held(guarded: Served) -> None:
    answer = guarded.client.post("/classify", content=(b"x" * 10_000 for _ in range(30)))
    assert answer.status_code == 401


def test_health_is_told_to_everybody_under_any_name(guarded: Served) -> None:
    for place in ("/v2/health/live", "/v2/health/ready"):
        assert guarded.client.get(place, headers={"host": "10.1.2.3:8000"}).status_code == 200


@pytest.mark.parametrize(
    "host", ["shop.example", "SHOP.example:443", "localhost", "127.0.0.1:1", "[::1]:80", "a.localhost"]
)
def test_a_name_that_is_allowed(guarded: Served, host: str) -> None:
    assert guarded.client.get("/v2", headers=bearer(TOKEN) | {"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "shop.example.evil.example", "evilshop.example", "10.0.0.1", "::1x", ""]
)
def test_a_name_that_is_not(guarded: Served, host: str) -> None:
    answer = guarded.client.get("/v2", headers=bearer(TOKEN) | {"host": host})
    assert (answer.status_code, answer.json()["error"]) == (
        403,
        f"this server does not answer under the name {host}: ask by its own address, "
        "or serve with --allow-host and that name",
    )


def test_a_page_elsewhere_cannot_let_its_name_point_to_this_machine(server: Served) -> None:
    """The server of the other tests, without a flag: a browser that was led here by a name says that name."""
    assert server.client.get("/v2", headers={"host": "rebound.example"}).status_code == 403
    assert server.client.get("/v2").status_code == 200


def test_the_public_client_brings_the_token(guarded: Served) -> None:
    with triton.InferenceServerClient(guarded.address.removeprefix("http://")) as client:
        assert client.get_model_metadata("colours", headers={"Authorization": f"Bearer {TOKEN}"})["name"] == "colours"


def test_the_log_and_the_list_of_metrics_know_no_token(guarded: Served) -> None:
    assert TOKEN not in guarded.client.get("/metrics", headers=bearer(TOKEN)).text
    assert TOKEN not in guarded.log.read_text()
    assert any(line.get("status") == 401 for line in guarded.lines())


def test_hosts_by_the_address_that_is_bound() -> None:
    assert allowed_hosts("127.0.0.1", ()) == {"127.0.0.1"}
    assert allowed_hosts("0.0.0.0", ()) is None
    assert allowed_hosts("0.0.0.0", ("Shop.example",)) == {"shop.example", "0.0.0.0"}
    assert allowed_hosts("127.0.0.1", ("*",)) is None
    assert [is_loopback(host) for host in ("127.8.8.8", "::1", "[::1]", "localhost", "0.0.0.0", "x", "")] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip


def test_every_host_header_counts() -> None:
    access = Access(hosts=frozenset({"shop.example"}))
    access.check("/v2", [])
    with pytest.raises(RefusalError, match="under the name evil"):
        access.check("/v2", [(b"host", b"shop.example"), (b"host", b"evil")])


def test_a_token_from_the_environment_and_a_warning_without_one(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(bundle, tmp_path / "open", "--host", "0.0.0.0") as server:
        (line,) = [line for line in server.lines() if line["event"] == "open"]
        assert line["level"] == "warning"
        assert re.fullmatch(
            r"whoever reaches http://0\.0\.0\.0:\d+ may ask: give --token, or listen on 127\.0\.0\.1", line["problem"]
        )
        assert server.client.get("/v2", headers={"host": "any.example"}).status_code == 200
    monkeypatch.setitem(ENVIRONMENT, "VISIONFT_TOKEN", TOKEN)
    with served(bundle, tmp_path / "guarded", "--host", "0.0.0.0") as server:
        assert [line for line in server.lines() if line["event"] == "open"] == []
        assert server.client.get("/v2").status_code == 401
        assert httpx.get(f"{server.address}/v2", headers=bearer(TOKEN)).status_code == 200


WRONG = [
    (("--token", "short"), r"--token: it has 5 characters; give 16 or more of printable ASCII without spaces, such .*"),
    (("--token", "ä" * 20), r"--token: it has 20 characters; give 16 or more of printable ASCII without spaces, .*"),
    (("--token", "x" * 20 + " y"), r"--token: it has a space in it, which headers do not carry; give one without"),
    (("--allow-host", "http://a"), r"--allow-host: 'http://a' is no host's name; give one such as shop\.example, .*"),
    (("--name", "a/b"), r"--name: 'a/b' cannot stand in an address; give a name without / and control characters"),
    (("--name", "a\nb"), r"--name: 'a\\nb' cannot stand in an address; give a name without / and control .*"),
    (
        ("--max-held-bytes", "5"),
        r"--max-held-bytes: 5 is less than three times --max-bytes \(64,000,000\), .*",
    ),
    (("--max-photo-seconds", "0"), r"--max-photo-seconds: 0 is out of range; give seconds above 0, up to 3600"),
    (("--max-request-pixels", "0"), r"--max-request-pixels: 0 is less than 1; give a whole number from 1"),
]


@pytest.mark.parametrize(("flags", "sentence"), WRONG)
def test_wrong_flags_are_one_sentence(
    flags: tuple[str, ...], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(make_bundle(tmp_path / "b")), *flags]) == 2
    told = capsys.readouterr().err
    assert re.fullmatch(rf"visionft: {sentence}\n", told), told
