"""Claim: the server generator keeps at least 85 % of the ideal rate.

2,000 requests against a loopback server that answers each after 50 ms, 64 in flight: ideal is
64 / 0.05 = 1,280 a second. The server is a process of its own. Counted is the asking and the
recording of every reply, without the imports.

    python benchmarks/ask_server.py [--repeats 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

LATENCY, CONCURRENCY, REQUESTS = 0.05, 64, 2000
REPLY = "Occupation: nurse\nBiography: She is kind to patients and works nights by the river."


class Answering(asyncio.Protocol):
    """Answers every POST after the latency; one connection, one request at a time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport, self.data = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer when the request is whole."""
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        if found and len(body) >= int(length):
            self.data = b""
            loop = asyncio.get_running_loop()
            loop.call_later(LATENCY, self.transport.write, ANSWER)  # type: ignore[attr-defined]


def _answer() -> bytes:
    choice = {"index": 0, "finish_reason": "stop"}
    choice["message"] = {"role": "assistant", "content": REPLY}  # type: ignore[assignment]
    body = json.dumps({"id": "1", "object": "chat.completion", "choices": [choice]}).encode()
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


ANSWER = _answer()


def serve(port: Connection) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=256)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.data.originals import draw_original
    from bias_inherit.bias_augment.writing.generators.record import Recorded
    from bias_inherit.bias_augment.writing.generators.server import ServerGenerator
    from bias_inherit.bias_augment.writing.requests import build_requests

    mine, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{mine.recv()}/v1"
    axis = load_axis("gender")
    requests = build_requests(
        axis, "neutral", draw_original(axis, "mini", 10).rows, REQUESTS, 0, "m"
    )
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(repeats + 1):
            writer = Recorded(ServerGenerator("m", url, CONCURRENCY), Path(folder) / f"{i}.jsonl")
            begin = time.perf_counter()
            writer.write(requests, lambda i, reply: None)
            seconds = time.perf_counter() - begin
            if i:  # the first one pays the imports
                shares.append(REQUESTS / seconds / (CONCURRENCY / LATENCY))
                print(
                    f"{seconds:.2f} s, {REQUESTS / seconds:.0f} a second, {shares[-1]:.1%} of ideal"
                )
    server.terminate()
    print(f"median: {statistics.median(shares):.1%} of the ideal rate (claim: at least 85 %)")


if __name__ == "__main__":
    main()
