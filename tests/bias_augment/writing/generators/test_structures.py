"""How a server is asked for the form: what it can, found out once, and what each row came by."""

import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from json_server import Json

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.writing.augment import augment
from bias_inherit.bias_augment.writing.generators.record import Recorded
from bias_inherit.bias_augment.writing.generators.server import ServerGenerator
from bias_inherit.bias_augment.writing.labels import Labels
from bias_inherit.bias_augment.writing.requests import build_requests
from bias_inherit.errors import InputError

FIELDS = ("response_format", "structured_outputs", "guided_regex")


class Server:
    """A loopback server that heeds, refuses or ignores each way of asking for a form."""

    def __init__(self, *, heeds=(), ignores=(), status=400, stops_after=None, label=None):
        outer = self
        self.heeds, self.ignores, self.status = heeds, ignores, status
        self.stops_after, self.label = stops_after, label
        self.bodies, self.answered, self.lock = [], 0, threading.Lock()

        class Handler(Json, BaseHTTPRequestHandler):
            def do_POST(self):
                self.send(*outer.answer(self.body()))

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, body):
        with self.lock:
            self.bodies.append(body)
            used = next((field for field in FIELDS if field in body), None)
            stopped = self.stops_after is not None and self.answered >= self.stops_after
            refused = used is not None and used not in (*self.heeds, *self.ignores)
            if refused or (used in self.heeds and stopped):
                return self.status, {"error": {"message": f"{used} is not supported"}}
            self.answered += 1
            n = self.answered
        told = f"She is kind to patients. {n}"
        label = self.label or "nurse"
        if used in self.ignores or used is None:
            text = f"Occupation: {label}\nBiography: {told}"
        elif used == "response_format":
            schema = body["response_format"]["json_schema"]["schema"]
            label = self.label or schema["properties"]["Occupation"]["enum"][-1]
            text = json.dumps({"Occupation": label, "Biography": told})
        else:
            asked = body.get("guided_regex") or body["structured_outputs"]["regex"]
            label = re.search(r"\(([^|)]+)", asked)[1].replace("\\ ", " ")
            text = f"Occupation: {label}\nBiography: {told}"
            assert re.fullmatch(asked, text)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        return 200, {"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}


@pytest.fixture
def serve():
    servers = []

    def start(**more):
        servers.append(Server(**more))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


@pytest.fixture
def requests(original):
    return build_requests(load_axis("gender"), "neutral", original, 12, 0, "m")


def write(server, requests, tmp_path, retries=0, **more):
    settings = {"concurrency": 4, "longest_wait": 0.05, "attempts": 3} | more
    writer = Recorded(ServerGenerator("m", server.url, **settings), tmp_path / "r.jsonl")
    return augment(requests, writer, retries)


def used(server):
    return Counter(next((f for f in FIELDS if f in body), "text") for body in server.bodies)


CASES = {
    "a schema": ({"heeds": FIELDS}, {"json_schema": 12}, {"response_format": 12}),
    "a regex": (
        {"heeds": FIELDS[1:]},
        {"regex": 12},
        {"response_format": 1, "structured_outputs": 12},
    ),
    "an older regex": (
        {"heeds": FIELDS[2:], "status": 422},
        {"regex": 12},
        {"response_format": 1, "structured_outputs": 1, "guided_regex": 12},
    ),
    "nothing, and says so": (
        {"status": 501},
        {"text": 12},
        {"response_format": 1, "structured_outputs": 1, "guided_regex": 1, "text": 12},
    ),
    "nothing, and ignores it": (
        {"ignores": FIELDS},
        {"text": 12},
        {"response_format": 1, "text": 11},
    ),
    "it fails over it": (
        {"heeds": FIELDS[1:], "status": 500},
        {"regex": 12},
        {"response_format": 2, "structured_outputs": 12},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_server_can_is_found_out_once(serve, requests, tmp_path, case):
    kind, ways, asked = CASES[case]
    server = serve(**kind)
    result = write(server, requests, tmp_path)
    assert len(result.examples) == 12 and result.ways == ways
    assert used(server) == asked
    recorded = [json.loads(line) for line in (tmp_path / "r.jsonl").open()]
    assert Counter(row["way"] for row in recorded) == ways
    assert result.tokens == (1200, 240)


def test_the_schema_names_the_labels_and_nothing_beside(serve, requests, tmp_path):
    server = serve(heeds=FIELDS)
    write(server, requests[:1], tmp_path)
    asked = server.bodies[0]["response_format"]
    schema = asked["json_schema"]["schema"]
    assert asked["type"] == "json_schema" and asked["json_schema"]["strict"] is True
    assert list(schema["properties"]) == ["Occupation", "Biography"] == schema["required"]
    assert schema["properties"]["Occupation"]["enum"] == sorted(requests[0].options)
    assert schema["additionalProperties"] is False


def test_a_label_that_is_given_is_the_only_one(serve, original, tmp_path):
    axis = load_axis("gender")
    asked = build_requests(axis, "neutral", original, 6, 0, "m", Labels("given"))
    result = write(serve(heeds=FIELDS), asked, tmp_path)
    assert [row["label"] for row in result.examples] == [r.label for r in asked]
    assert result.places == ()


def test_a_server_that_refuses_half_way_is_asked_in_another_way(serve, requests, tmp_path):
    server = serve(heeds=FIELDS[:1], stops_after=5)
    result = write(server, requests, tmp_path, concurrency=1)
    assert len(result.examples) == 12 and result.ways == {"json_schema": 5, "text": 7}
    asked = used(server)
    assert asked["response_format"] == 6 and asked["text"] == 7


def test_a_way_that_is_asked_for_by_name_is_the_only_one(serve, requests, tmp_path):
    server = serve(heeds=FIELDS[:1], stops_after=5)
    with pytest.raises(InputError, match=r"answers 400; replies so far are kept") as error:
        write(server, requests, tmp_path, concurrency=1, structure="json_schema")
    assert "\n" not in str(error.value)
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 5
    server = serve(heeds=FIELDS)
    assert write(server, requests, tmp_path / "b", structure="text").ways == {"text": 12}
    assert used(server) == {"text": 12}
    with pytest.raises(InputError, match="unknown structure"):
        ServerGenerator("m", server.url, structure="xml")


def test_a_label_outside_the_list_is_no_row_and_no_reason_to_ask_otherwise(
    serve, requests, tmp_path
):
    server = serve(heeds=FIELDS, label="pilot")
    result = write(server, requests, tmp_path)
    assert result.failed == {"unknown-label": 12} and not result.examples
    assert used(server) == {"response_format": 12}


def test_a_record_of_before_is_read_as_text(serve, requests, tmp_path):
    server = serve(heeds=FIELDS)
    first = write(server, requests, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").open()]
    old = [{k: v for k, v in row.items() if k not in ("way", "tokens")} for row in rows]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in old))
    again = write(server, requests, tmp_path)
    assert again.examples == first.examples and again.ways == {"text": 12}
    assert again.tokens is None and len(server.bodies) == 12
