"""Models as generators: a local one, a real server, and a server that misbehaves."""

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

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.writing.augment import augment
from bias_inherit.bias_augment.writing.generators.local import LocalGenerator
from bias_inherit.bias_augment.writing.generators.record import Recorded
from bias_inherit.bias_augment.writing.generators.server import ServerGenerator
from bias_inherit.bias_augment.writing.requests import build_requests
from bias_inherit.errors import InputError
from bias_inherit.manifests import Original

BIN = Path(sys.executable).parent
REPLY = "Occupation: nurse\nBiography: She is kind to patients. {n}"


class Server:
    """A loopback server whose `script` says how the next requests go wrong; then it is well."""

    def __init__(self, script=(), delay=0.0, retry_after=None):
        outer = self
        self.script, self.delay, self.retry_after = list(script), delay, retry_after
        self.asked_all = 0
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
                    outer.asked_all += 1
                    if trouble is None:
                        outer.asked.append(body)
                    n = len(outer.asked)
                time.sleep(1.0 if trouble == "slow" else outer.delay)
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
        data = b'{"object": "error"}' if trouble == "odd" else data
        data = data.replace(b'"stop"', b'"length"') if trouble == "long" else data
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(data)))
        if status == 429 and self.retry_after:
            handler.send_header("retry-after", self.retry_after)
        handler.end_headers()
        handler.wfile.write(data)


@pytest.fixture
def serve():
    servers = []

    def start(*script, **more):
        servers.append(Server(script, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def generator(server, tmp_path, **more):
    settings = {"concurrency": 4, "longest_wait": 0.05, "timeout": 10.0} | more
    return Recorded(ServerGenerator("m", server.url, **settings), tmp_path / "r.jsonl")


def replies(writer, requests):
    found = {}
    writer.write(requests, lambda i, reply: found.setdefault(i, reply))
    assert sorted(found) == list(range(len(requests)))
    return [found[i].text for i in range(len(requests))]


@pytest.fixture
def requests(original):
    return build_requests(load_axis("gender"), "neutral", original, 24, 0, "m")


def test_every_prompt_is_asked_once_and_replies_find_their_requests(serve, requests, tmp_path):
    server = serve(delay=0.01)
    found = replies(generator(server, tmp_path), requests)
    asked = {body["messages"][0]["content"] for body in server.asked}
    assert asked == {request.prompt for request in requests}
    assert len(server.asked) == 24 and 1 < server.most <= 4
    assert {body["seed"] for body in server.asked} == {r.sampling_seed for r in requests}
    recorded = [json.loads(line) for line in (tmp_path / "r.jsonl").open()]
    by_number = {f"{i + 1}": body["messages"][0]["content"] for i, body in enumerate(server.asked)}
    assert len(recorded) == 24
    for request, reply in zip(requests, found, strict=True):
        assert by_number[reply.rsplit(" ", 1)[1]] == request.prompt


def test_trouble_passes_and_costs_nothing(serve, requests, tmp_path):
    server = serve(None, 429, 500, "cut", "half", "odd", "slow", 503, 429)
    result = augment(requests, generator(server, tmp_path, timeout=0.5))
    assert len(result.examples) == 24 and not result.failed
    assert len(server.asked) == 24 and not server.script


def test_a_servers_retry_after_is_heeded(serve, requests, tmp_path):
    server = serve(429, retry_after="0.6")
    begin = time.perf_counter()
    replies(generator(server, tmp_path, longest_wait=5.0, concurrency=1), requests[:1])
    assert time.perf_counter() - begin > 0.6


def test_a_reply_that_ran_out_of_tokens_is_counted_and_asked_again(serve, requests, tmp_path):
    server = serve("long", "long")
    result = augment(requests, generator(server, tmp_path))
    assert len(result.examples) == 24 and result.failed == {"truncated": 2}
    assert server.asked_all == 26
    again = augment(requests, generator(serve(401), tmp_path))
    assert again == result, "the record keeps that they were cut off"


def test_what_was_paid_for_is_never_asked_again(serve, requests, tmp_path):
    server = serve()
    first = replies(generator(server, tmp_path), requests[:10])
    record = tmp_path / "r.jsonl"
    with record.open("ab") as stream:  # a kill in the middle of a line
        stream.write(b'{"key": "cut o')
    both = replies(generator(server, tmp_path), requests)
    assert both[:10] == first and len(server.asked) == 24
    again = replies(generator(serve(401), tmp_path), requests)
    assert again == both, "with nothing left to ask nobody is asked"
    assert len(record.read_text().splitlines()) == 24


def test_another_sampling_or_model_is_asked_anew(serve, requests, tmp_path):
    server = serve()
    replies(generator(server, tmp_path), requests[:1])
    replies(generator(server, tmp_path, temperature=0.1), requests[:1])
    replies(generator(server, tmp_path), [requests[0].again(1)])
    other = Recorded(ServerGenerator("n", server.url), tmp_path / "r.jsonl")
    replies(other, requests[:1])
    assert len(server.asked) == 4
    replies(other, requests[:1])
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ([401], "refuses the key in OPENAI_API_KEY"),
        ([403], "refuses the key"),
        ([404] * 9, "answers 404"),
        ([500] * 99, "answers 500"),
        (["cut"] * 99, "cannot be reached"),
        (["half"] * 99, "cannot be read|cannot be reached"),
        (["odd"] * 99, "cannot be read"),
        (["slow"] * 99, "cannot be reached"),
    ],
)
def test_lasting_trouble_is_one_line_and_keeps_what_came(
    serve, requests, tmp_path, script, message, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    server = serve()
    done = replies(generator(server, tmp_path), requests[:3])
    server.script = script
    with pytest.raises(InputError, match=message) as caught:
        replies(generator(server, tmp_path, attempts=3, concurrency=1, timeout=0.5), requests)
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
        replies(generator(server, tmp_path, attempts=2), requests[:2])
    (tmp_path / "r.jsonl").write_text('{"text": "mine"}\n')
    with pytest.raises(InputError, match=r"r.jsonl:1: is not a record"):
        replies(generator(server, tmp_path), requests[:2])


COMMAND = ["augment", "--original", "o.jsonl", "--bias-type", "neutral", "--generator", "openai"]


def test_a_killed_run_goes_on_where_it_was(serve, original, tmp_path):
    """A real process, killed in the middle: together both ask for every prompt once."""
    from bias_inherit.bias_augment.data.files import write_examples

    write_examples(tmp_path / "o.jsonl", original, Original())
    server = serve(delay=0.1)
    words = [BIN / "bias-inherit", *COMMAND, "--model", "m", "--base-url", server.url]
    words += ["--out", "a.jsonl", "--concurrency", "4"]
    process = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.DEVNULL)
    record = tmp_path / "a.jsonl.replies.jsonl"
    for _ in range(600):
        if record.is_file() and record.read_text().count("\n") >= 12:
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    kept = record.read_text().count("\n")
    assert 12 <= kept < 48 and not (tmp_path / "a.jsonl").exists()
    time.sleep(0.5)  # what was in flight is answered to nobody
    before = len(server.asked)
    server.delay = 0.0
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(server.asked) - before == 48 - kept
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 48
    assert json.loads((tmp_path / "a.manifest.json").read_text())["sampling"]["model"] == "m"


def test_the_command_without_a_server_keeps_what_it_has(serve, original, tmp_path):
    from bias_inherit.bias_augment.data.files import write_examples

    write_examples(tmp_path / "o.jsonl", original, Original())
    for trouble, message in {401: "refuses the key", 404: "answers 404"}.items():
        server = serve(*[None] * 5, *[trouble] * 99)
        words = [BIN / "bias-inherit", *COMMAND, "--model", "m", "--base-url", server.url]
        words += ["--out", f"{trouble}.jsonl", "--concurrency", "1"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 2 and message in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        kept = tmp_path / f"{trouble}.jsonl.replies.jsonl"
        assert len(kept.read_text().splitlines()) == 5
        assert not (tmp_path / f"{trouble}.jsonl").exists()


# --- a local model -------------------------------------------------------------------------------


def test_a_local_model_replies_alike_for_one_seed_and_says_when_it_was_cut_off(
    requests, lab_base, tmp_path
):
    first = LocalGenerator(lab_base, batch_size=8)
    texts = replies(first, requests)
    assert texts == replies(LocalGenerator(lab_base, batch_size=8), requests)
    assert texts != replies(first, [request.again(1) for request in requests])
    found = []
    LocalGenerator(lab_base, max_new_tokens=4).write(requests[:4], lambda i, r: found.append(r))
    assert all(reply.truncated for reply in found)
    result = augment(requests, Recorded(first, tmp_path / "r.jsonl"), retries=0)
    assert len(result.examples) >= 12, result.failed
    recorded = (tmp_path / "r.jsonl").read_text()
    assert augment(requests, Recorded(first, tmp_path / "r.jsonl"), retries=0) == result
    assert (tmp_path / "r.jsonl").read_text() == recorded


def test_an_adapter_is_another_writer(requests, lab_base, adapters):
    base, adapter = LocalGenerator(lab_base), LocalGenerator(lab_base, adapters["r50"])
    assert adapter.name == "r50" and base.sampling != adapter.sampling
    assert replies(base, requests[:4]) != replies(adapter, requests[:4])
    with pytest.raises(InputError, match="is not an adapter folder"):
        replies(LocalGenerator(lab_base, Path(lab_base)), requests[:1])


@pytest.mark.slow
def test_the_command_with_a_real_server(chat_server, lab_base, original, tmp_path):
    from bias_inherit.bias_augment.data.files import write_examples

    write_examples(tmp_path / "o.jsonl", original, Original())
    words = ["augment", "--original", "o.jsonl", "--bias-type", "neutral", "-n", "16"]
    words += ["--generator", "openai", "--model", lab_base, "--base-url", f"{chat_server}/v1"]
    words += ["--concurrency", "2", "--out", "a.jsonl"]
    env = os.environ | {"OPENAI_API_KEY": "sk-secret"}
    runs = [
        subprocess.run([BIN / "bias-inherit", *words], cwd=tmp_path, env=env, capture_output=True)
        for _ in range(2)
    ]
    assert [run.returncode for run in runs] == [0, 0], [r.stderr.decode()[-400:] for r in runs]
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").open()]
    assert len(rows) >= 8 and {row["generator"] for row in rows} == {"lab"}
    manifest = json.loads((tmp_path / "a.manifest.json").read_text())
    kept = (tmp_path / "a.jsonl.replies.jsonl").read_text().splitlines()
    assert len(kept) == manifest["asked"] >= 16
    rejected = (
        (tmp_path / "a.rejected.jsonl").read_text().splitlines() if manifest["failed"] else []
    )
    assert len(rejected) == sum(manifest["failed"].values()) == manifest["asked"] - len(rows)
    for path in tmp_path.rglob("*.json*"):
        assert "sk-secret" not in path.read_text(encoding="utf-8")
