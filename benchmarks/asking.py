"""Clients of a server in a process of their own: photos over kept connections, as many at once as asked for.

python benchmarks/asking.py ADDRESS PHOTOS CLIENTS SECONDS     prints one JSON object: latencies in ms, and every answer

It writes HTTP by hand, because the clients share the machine's cores with the server that is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

Told = list[tuple[int, float, int, bytes]]
"""Photo, seconds, status, body."""


async def ask(place: tuple[str, int], requests: list[bytes], first: int, until: float, told: Told) -> None:
    """Send one request after another over one connection until the time is over."""
    reader, writer = await asyncio.open_connection(*place)
    number = first
    while time.perf_counter() < until:
        photo = number % len(requests)
        began = time.perf_counter()
        writer.write(requests[photo])
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        told.append((photo, time.perf_counter() - began, int(head[9:12]), body))
        number += 1
    writer.close()


async def main(address: str, photos: list[bytes], clients: int, seconds: float) -> Told:
    """Run all clients, each beginning at another photo."""
    url = urlsplit(address)
    head = "POST /classify HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ncontent-length: {}\r\n\r\n"
    requests = [head.format(len(photo)).encode() + photo for photo in photos]
    told: Told = []
    until = time.perf_counter() + seconds
    place = (str(url.hostname), int(url.port or 80))
    await asyncio.gather(*[ask(place, requests, 7 * client, until, told) for client in range(clients)])
    return told


if __name__ == "__main__":
    files = sorted(Path(sys.argv[2]).iterdir())
    began = time.perf_counter()
    told = asyncio.run(main(sys.argv[1], [file.read_bytes() for file in files], int(sys.argv[3]), float(sys.argv[4])))
    labels = [json.loads(body)["answers"][0]["label"] if status == 200 else None for _, _, status, body in told]
    result = {
        "seconds": time.perf_counter() - began,
        "milliseconds": [round(1000 * seconds, 3) for _, seconds, _, _ in told],
        "statuses": [status for _, _, status, _ in told],
        "answers": [[photo, label] for (photo, *_), label in zip(told, labels, strict=True)],
    }
    print(json.dumps(result))
