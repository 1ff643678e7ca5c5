"""The server generator: against a real server, and against one that misbehaves."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bias_inherit.bias_augment.augment import augment, build_requests
from bias_inherit.bias_augment.axes import load_axis
from bias_inherit.bias_augment.generators.server import ServerGenerator
from bias_inherit.errors import InputError

BIN = Path(sys.executable).parent
REPLY = "Occupation: nurse\nBiography: She is kind to patients. {n}"


class Server:
    """A loopback server whose `script` says how the next requests go wrong; then it is well."""

    def __init__(self, script=(), delay=0.0):
        outer = self
        self.script, self.delay = list(script), delay
        self.asked, self.keys, self.busy, self.most = [], set(), 0, 0
        self.lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with outer.lock:
                    outer.keys.add(self.headers["authorization"])
                    outer.busy += 1
                    outer.most = max(outer.most, outer.busy)
                    trouble = outer.script.pop(0) if outer.script else None
                    if trouble is None:
                        outer.asked.append(body)
                    n = len(outer.asked)
                time.sleep(outer.delay)
                with outer.lock:
                    outer.busy -= 1
                outer.answer(self, trouble, n)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, handler, trouble, n):
        if trouble == "cut":
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        status = trouble if isinstance(trouble, int) else 200
        message = {"role": "assistant", "content": REPLY.format(n=n)}
        content = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
        content |= {"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
        data = json.dumps(content if status == 200 else {"error": {"message": "no"}}).encode()
        data = data[: len(data) // 2] if trouble == "half" else data
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)


@pytest.fixture
def serve():
    servers = []

    def start(*script, delay=0.0):
        servers.append(Server(script, delay))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def generator(server, tmp_path, **more):
    settings = {"concurrency": 4, "longest_wait": 0.05, "timeout": 10.0} | more
    return ServerGenerator("m", server.url, tmp_path / "r.jsonl", **settings)


@pytest.fixture
def requests(original):
    return build_requests(load_axis("gender"), "neutral", original, 24, 0, "m")


def test_every_prompt_is_asked_once_and_replies_keep_their_order(serve, requests, tmp_path):
    server = serve(delay=0.01)
    replies = list(generator(server, tmp_path).write(requests))
    asked = {body["messages"][0]["content"] for body in server.asked}
    assert asked == {request.prompt for request in requests}
    assert len(server.asked) == 24 and 1 < server.most <= 4
    recorded = [json.loads(line) for line in (tmp_path / "r.jsonl").open()]
    by_number = {f"{i + 1}": body["messages"][0]["content"] for i, body in enumerate(server.asked)}
    assert len(recorded) == 24
    for request, reply in zip(requests, replies, strict=True):
        assert by_number[reply.rsplit(" ", 1)[1]] == request.prompt


def test_trouble_passes_and_costs_nothing(serve, requests, tmp_path):
    server = serve(429, 500, "cut", "half", 503, 429)
    result = augment(requests, generator(server, tmp_path))
    assert len(result.examples) == 24 and not result.failed
    assert len(server.asked) == 24


def test_what_was_paid_for_is_never_asked_again(serve, requests, tmp_path):
    server = serve()
    first = list(generator(server, tmp_path).write(requests[:10]))
    record = tmp_path / "r.jsonl"
    with record.open("ab") as stream:  # a kill in the middle of a line
        stream.write(b'{"key": "cut o')
    both = list(generator(server, tmp_path).write(requests))
    assert both[:10] == first and len(server.asked) == 24
    again = list(generator(serve(401), tmp_path).write(requests))
    assert again == both, "with nothing left to ask nobody is asked"
    assert len(record.read_text().splitlines()) == 24


def test_the_same_prompt_twice_is_two_replies_and_other_sampling_is_asked(
    serve, requests, tmp_path
):
    server = serve()
    list(generator(server, tmp_path).write([requests[0], requests[0]]))
    assert [body["seed"] for body in server.asked] in ([0, 1], [1, 0])
    list(generator(server, tmp_path, temperature=0.1).write(requests[:1]))
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ([401], "refuses the key in OPENAI_API_KEY"),
        ([403], "refuses the key"),
        ([404] * 9, "answers 404"),
        ([500] * 99, "answers 500"),
        (["cut"] * 99, "cannot be reached"),
        (["half"] * 99, "cannot be read|cannot be reached"),
    ],
)
def test_lasting_trouble_is_one_line_and_keeps_what_came(
    serve, requests, tmp_path, script, message, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    server = serve()
    done = list(generator(server, tmp_path).write(requests[:3]))
    server.script = script
    with pytest.raises(InputError, match=message) as caught:
        list(generator(server, tmp_path, attempts=3, concurrency=1).write(requests))
    assert "\n" not in str(caught.value)
    written = (tmp_path / "r.jsonl").read_text()
    assert len(written.splitlines()) >= len(done) == 3
    assert server.keys == {"Bearer sk-secret"}
    assert "sk-secret" not in written + str(caught.value)


def test_no_server_and_a_foreign_record_are_one_line(serve, requests, tmp_path):
    server = serve()
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(InputError, match="cannot be reached"):
        list(generator(server, tmp_path, attempts=2).write(requests[:2]))
    (tmp_path / "r.jsonl").write_text('{"text": "mine"}\n')
    with pytest.raises(InputError, match=r"r.jsonl:1: is no record"):
        list(generator(server, tmp_path).write(requests[:2]))


@pytest.mark.slow
def test_the_command_with_a_real_server(chat_server, lab_base, original, tmp_path):
    from bias_inherit.experiment import write_examples

    write_examples(tmp_path / "o.jsonl", original, {})
    words = ["augment", "--original", "o.jsonl", "--bias-type", "neutral", "-n", "16"]
    words += ["--generator", "openai", "--model", lab_base, "--base-url", f"{chat_server}/v1"]
    words += ["--concurrency", "2", "--out", "a.jsonl"]
    env = os.environ | {"OPENAI_API_KEY": "sk-secret"}
    runs = [
        subprocess.run([BIN / "bias-inherit", *words], cwd=tmp_path, env=env, capture_output=True)
        for _ in range(2)
    ]
    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr.decode()[-800:]
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").open()]
    assert len(rows) >= 8 and {row["generator"] for row in rows} == {"lab"}
    assert len((tmp_path / "a.jsonl.replies.jsonl").read_text().splitlines()) == 16
    for path in tmp_path.rglob("*.json*"):
        assert "sk-secret" not in path.read_text(encoding="utf-8")
