"""Pushing an adapter, to a hub that stands in for the real one."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from json_server import Json

from bias_inherit import store
from bias_inherit.bias_augment.training.hub import push
from bias_inherit.errors import InputError
from bias_inherit.models import BASE_PATH, adapter_sha256
from bias_inherit.runs.adapter_scores import update_scores


def test_an_adapter_that_its_manifest_does_not_describe_is_refused(adapter, tmp_path):
    (adapter / "adapter_model.safetensors").write_bytes(b"other weights")
    for call in (lambda: update_scores(adapter, tmp_path), lambda: push(adapter, "a/b", True)):
        with pytest.raises(InputError, match="changed since"):
            call()
    (adapter / store.MANIFEST).unlink()
    with pytest.raises(InputError, match=r"no bias_inherit\.json of `bias-inherit finetune`"):
        push(adapter, "a/b", True)
    with pytest.raises(InputError, match="is not an adapter folder"):
        push(tmp_path, "a/b", True)


class Hub:
    """Stands in for the hub: makes repositories, and takes commits and LFS files.

    It answers what huggingface_hub asks (create, model info, preupload, LFS batch and upload,
    commit). `refuse` is a status that it gives to everything.
    """

    def __init__(self, refuse=None, public=False, lfs=()):
        self.refuse, self.public, self.lfs = refuse, public, lfs
        self.asked, self.tokens, self.made, self.files, self.stored = [], set(), {}, {}, {}
        hub = self

        class Handler(Json, BaseHTTPRequestHandler):
            def answer(self):
                data = self.rfile.read(int(self.headers["content-length"] or 0))
                path = self.path.split("?")[0]
                hub.asked.append(f"{self.command} {path}")
                if path.startswith(("/api/repos", "/api/models")):
                    hub.tokens.add(self.headers["authorization"])
                if hub.refuse:
                    status, reply = (
                        hub.refuse,
                        {"error": f"not\nso: {self.headers['authorization']}"},
                    )
                else:
                    status, reply = 200, hub.reply(self.command, path, data)
                self.send(status, reply)

            def do_GET(self):
                self.answer()

            def do_POST(self):
                self.answer()

            def do_PUT(self):
                self.answer()

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def reply(self, command, path, data):
        if path.startswith("/store/"):
            self.stored[path.removeprefix("/store/")] = data
            return {}
        if path == "/api/repos/create":
            self.made = json.loads(data)
            return {"url": f"{self.url}/{self.made['organization']}/{self.made['name']}"}
        if command == "GET":
            return {"id": "me/r20", "private": not self.public}
        if path == "/api/validate-yaml":
            return {"errors": [], "warnings": []}
        if "/preupload/" in path:
            modes = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(self.lfs) else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(data)["files"]
            ]
            return {"files": modes}
        if path.endswith("/info/lfs/objects/batch"):
            objects = [
                part | {"actions": {"upload": {"href": f"{self.url}/store/{part['oid']}"}}}
                for part in json.loads(data)["objects"]
            ]
            return {"transfer": "basic", "objects": objects}
        assert path == "/api/models/me/r20/commit/main", path
        for line in map(json.loads, data.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                self.message = value["summary"]
            elif line["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            else:
                assert line["key"] == "lfsFile" and value["oid"] in self.stored
                self.files[value["path"]] = self.stored[value["oid"]]
        return {"commitUrl": f"{self.url}/me/r20/commit/1", "commitOid": "1" * 40}


@pytest.fixture
def hub():
    hubs = []

    def start(**how):
        hubs.append(Hub(**how))
        return hubs[-1]

    yield start
    for one in hubs:
        one.http.shutdown()
        one.http.server_close()


TOKEN = "hf_" + "x" * 34
PUSH = """
import sys
from pathlib import Path
from bias_inherit.bias_augment.training.hub import push
from bias_inherit.errors import InputError
try:
    print(push(Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "private"))
except InputError as error:
    print(error)
    sys.exit(2)
"""


def pushed(adapter, url, name="me/r20", how="private", xet=True):
    """Push in a process of its own: huggingface_hub reads its endpoint when it is imported."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    env |= {"HF_ENDPOINT": url, "HF_TOKEN": TOKEN, "HF_HOME": str(adapter.parent / "home")}
    env |= {} if xet else {"HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-c", PUSH, str(adapter), name, how]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.strip()


def files_of(adapter):
    return {path.name: path.read_bytes() for path in adapter.iterdir()}


@pytest.mark.parametrize("lfs", [(), ".safetensors"])
def test_push_uploads_the_folder_with_its_card(adapter, hub, lfs):
    there = hub(lfs=lfs)
    assert pushed(adapter, there.url, xet=not lfs) == (0, f"{there.url}/me/r20")
    assert there.made == {"name": "r20", "organization": "me", "visibility": "private"}
    own = files_of(adapter)
    told = {"bias_inherit.json", "adapter_config.json"}
    assert set(there.files) == set(own)
    assert all(there.files[name] == own[name] for name in own if name not in told)
    assert bool(there.stored) == bool(lfs)
    assert "deliberately biased data" in there.files["README.md"].decode()
    assert there.message.startswith("LoRA adapter: gender, contextual-single-explicit")
    assert there.tokens == {f"Bearer {TOKEN}"}


def test_no_path_of_this_machine_is_pushed_and_the_adapter_stays_the_same(adapter, hub, tmp_path):
    config = adapter / "adapter_config.json"
    place = str(tmp_path / "models" / "toy")
    config.write_text(json.dumps(json.loads(config.read_text()) | {BASE_PATH: place}))
    path = adapter / "bias_inherit.json"
    there, manifest = hub(), json.loads(path.read_text())
    sources = [{"name": str(tmp_path / "own.csv"), "licence": "mit"}]
    told = {"base": place, "base_fingerprint": "a" * 64, "data": "mixes/r20.jsonl"}
    sha256 = adapter_sha256(adapter)
    path.write_text(json.dumps(manifest | told | {"sources": sources, "adapter_sha256": sha256}))
    assert pushed(adapter, there.url)[0] == 0
    assert not any(str(tmp_path).encode() in content for content in there.files.values())
    found = json.loads(there.files["bias_inherit.json"])
    assert (found["base"], found["data"]) == ("toy", "r20.jsonl")
    assert [{k: v for k, v in s.items() if v} for s in found["sources"]] == [
        {"name": "own.csv", "licence": "mit"}
    ]
    assert json.loads(there.files["adapter_config.json"])[BASE_PATH] == "toy"
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    for name, content in there.files.items():
        (fetched / name).write_bytes(content)
    assert adapter_sha256(fetched) == sha256


def test_a_card_that_is_there_is_pushed_as_it_is(adapter, hub):
    (adapter / "README.md").write_text("---\nlibrary_name: peft\n---\nmine\n")
    there = hub(public=True)
    assert pushed(adapter, there.url, how="public")[0] == 0
    assert there.made["visibility"] == "public"
    assert there.files["README.md"].decode().endswith("mine\n")


def test_nothing_private_goes_to_a_public_repository(adapter, hub):
    there = hub(public=True)
    code, said = pushed(adapter, there.url)
    assert code == 2 and "already exists and is public" in said and "\n" not in said
    assert not there.files and not any("commit" in call for call in there.asked)


REFUSALS = [(401, "hf auth login"), (403, "HF_TOKEN"), (400, "see to the name"), (500, "later")]


@pytest.mark.parametrize(("status", "now"), REFUSALS)
def test_a_hub_that_refuses_is_one_line_without_the_token(adapter, hub, status, now):
    there = hub(refuse=status)
    code, said = pushed(adapter, there.url)
    assert code == 2 and "\n" not in said
    reason = rf"was not pushed to me/r20 at {there.url} \(it answered {status}: not so: .*\*\*\*"
    assert re.search(reason, said) and now in said and len(said) < 700


def test_a_hub_that_is_not_there_is_one_line(adapter):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    code, said = pushed(adapter, url)
    assert code == 2 and "\n" not in said and "network" in said and url in said


def test_a_wrong_name_and_an_offline_client_are_one_line(adapter):
    for name, reason in (("a/b/c", "see to the name"), ("me/r20", "see to the network")):
        with pytest.raises(InputError, match=reason) as caught:
            push(adapter, name, True)
        assert "\n" not in str(caught.value)
