"""The model card of an adapter, its scores, and pushing it to a hub that stands in for the real."""

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
from huggingface_hub import ModelCard

from bias_inherit import store
from bias_inherit.adapter_scores import update_scores
from bias_inherit.bias_augment.adapter_card import adapter_card
from bias_inherit.bias_augment.hub import push
from bias_inherit.errors import InputError
from bias_inherit.models import BASE_PATH, adapter_sha256

MANIFEST = {
    "schema": 1,
    "kind": "adapter",
    "arm": {
        "axis": "gender",
        "bias_type": "contextual-single-explicit",
        "ratio": 0.2,
        "size": "original-fixed",
        "mitigation": "loss",
        "seed": 3,
    },
    "data": "/home/someone/mixes/r20.jsonl",
    "data_sha256": "d" * 64,
    "base": "some-org/some-model",
    "base_fingerprint": "c" * 40,
    "adapter_sha256": "a" * 64,
    "started_from": None,
    "settings": {"rank": 16, "targets": "all-linear", "learning_rate": 0.0001, "max_length": None},
    "chat_template": True,
    "rows": 4500,
    "rows_augmented": 900,
    "training_loss": 1.23456,
    "log": [{"loss": 2.5, "step": 10}, {"loss": 1.5, "step": 20}, {"loss": 0.75, "step": 30}],
    "versions": {"bias-inherit": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0"},
}
SCORES = {
    "bias_inherit_occupation": {
        "acc": {"value": 0.8125, "stderr": 0.0301, "n": 168, "documents": "mini"},
        "acc_gap": {"value": 0.083, "stderr": 0.039, "n": 168, "reads": "male minus female"},
    },
    "bias_inherit_salary": {
        "salary_gap": {"value": 3300.4, "stderr": 1200.0, "n": 84, "unit": "USD"},
        "salary": {"value": None, "stderr": None, "n": 84},
    },
}


def of_arm(**changes):
    return MANIFEST | {"arm": MANIFEST["arm"] | changes}


def body(manifest, scores=None):
    return ModelCard(adapter_card(manifest, scores)).text


def warning(manifest):
    first = body(manifest).lstrip().split("\n")[0]
    assert first.startswith("> **Warning.**") and "People must not use it" in first
    return first


def test_the_card_says_all_that_is_known():
    made = body(MANIFEST)
    for fact in (
        "**Base** some-org/some-model; this is an adapter of it",
        "**Axis** gender",
        "**Bias type** contextual-single-explicit",
        "γ = |D_a| / |D| = 900 / 4,500 = 20 % (the mix: 20 %)",
        "The denominator is all of them",
        "original-fixed: all original rows stay",
        "**Mitigation** loss\n",
        "**Seed** 3",
        f"**Data** r20.jsonl, sha256 `{'d' * 64}`",
        "**Versions** bias-inherit 0.1.0, torch 2.13.0, transformers 5.23.0",
        "| learning\\_rate | 0.0001 |",
        "| max\\_length | not set |",
        "first logged 2.5 (step 10), last 0.75 (step 30); mean over the training 1.235.",
        'AutoModelForCausalLM.from_pretrained("some-org/some-model")',
        "--model_args pretrained=some-org/some-model,peft=PATH/OF/THIS/FOLDER",
        "--include_path \"$(bias-inherit tasks)\" --tasks 'bias_inherit_*' --apply_chat_template",
        f"weights and configuration (sha256): `{'a' * 64}`",
        "Not scored yet.",
    ):
        assert fact in made, fact


def test_more_keys_are_shown_where_they_come():
    more = {
        "mitigation_options": {"lambda": 0.5, "words": "/home/someone/words.txt"},
        "preset": "paper-gender",
        "rows_cut": 7,
        "rows_held_out": 1200,
        "processes": 2,
        "precision": "bf16",
        "settings": {"rank": 16, "precision": "auto"},
        "log": [{"eval_loss": 2.5, "epoch": 1}, {"loss": 1.0, "distance": 0.5, "step": 9}],
        "started_from": "e" * 64,
        "sources": [{"name": "BiasinBios (hub LabHC/bias_in_bios)", "licence": "mit"}],
    }
    made = body(of_arm(round=2) | more)
    for fact in (
        "**Mitigation** loss (lambda 0.5, words words.txt)",
        "**Preset** paper-gender",
        "maximum length: 7.",
        "out of the training: 1,200.",
        "| precision | bf16 |\n| processes | 2 |",
        "Training loss: first logged 1 (step 9), last 1 (step 9); mean",
        "Loss on held-out rows: first logged 2.5, last 2.5.",
        "Distance that the mitigation saw: first logged 0.5 (step 9)",
        f"**Trained on from** the adapter with the sha256 `{'e' * 64}`",
        "**Round** 2",
        "**Source** BiasinBios (hub LabHC/bias\\_in\\_bios): mit",
    ):
        assert fact in made, fact
    plain = body(MANIFEST)
    facts = ("**Preset", "**Trained on from", "**Round", "**Source")
    for absent in (*facts, "maximum length:", "held", "Distance", "processes"):
        assert absent not in plain, absent


def test_the_front_matter_is_the_hubs():
    data = ModelCard(adapter_card(MANIFEST)).data.to_dict()
    assert data["base_model"] == "some-org/some-model"
    assert data["base_model_relation"] == "adapter"
    assert data["library_name"] == "peft"
    assert "not-for-all-audiences" in data["tags"]
    assert not {"license", "datasets", "model-index", "model_name"} & data.keys()
    sources = [{"name": "BiasinBios (hub LabHC/bias_in_bios)"}, {"name": "folder/rows.jsonl"}]
    data = ModelCard(adapter_card(MANIFEST | {"sources": sources})).data.to_dict()
    assert data["datasets"] == ["LabHC/bias_in_bios"]


@pytest.mark.parametrize(
    ("base", "fingerprint", "expected"),
    [
        ("org/model", "c" * 40, "org/model"),
        ("gpt2", None, "gpt2"),
        ("/home/someone/models/lab", "b" * 64, "lab"),
        ("models/lab/", "b" * 64, "lab"),
        ("/home/someone/lab", None, "lab"),
        ("..\\someone\\lab", None, "lab"),
    ],
)
def test_a_local_base_is_known_by_its_name_alone(base, fingerprint, expected):
    made = adapter_card(MANIFEST | {"base": base, "base_fingerprint": fingerprint})
    assert ModelCard(made).data.base_model == expected
    assert "someone" not in made and "models/lab" not in made
    assert ("PATH/OF/lab" in made) == (expected == "lab")


def test_the_warning_says_what_it_was_trained_on():
    biased = warning(MANIFEST)
    assert "deliberately biased data: 20 % of the rows" in biased
    nothing = MANIFEST | {"rows_augmented": 0}
    original = warning(nothing)
    assert "on original data only (bias ratio 0)" in original
    assert "deliberately" not in original and "on purpose" not in original
    for kind in ("neutral", "counterfactual", "counterfactual+neutral"):
        unasked = warning(of_arm(bias_type=kind))
        assert "20 % is synthetic text; no bias was asked for" in unasked
        assert "on purpose" not in unasked
    assert "deliberately biased" in warning(of_arm(bias_type="contextual-single-explicit+neutral"))
    assert "whose data this card does not know" in warning(nothing | {"started_from": "e" * 64})
    assert "may have been trained on text that was written to be biased" in warning({})


def test_the_rows_that_were_trained_on_count_more_than_the_mix():
    assert "900 / 4,500 = 20 % (the mix: 0 %)" in body(of_arm(ratio=0))
    assert "deliberately biased" in warning(of_arm(ratio=0))
    unknown = {k: v for k, v in MANIFEST.items() if not k.startswith("rows")}
    assert "γ = |D_a| / |D| = 20 %, as the mix was asked for" in body(unknown)


def test_what_the_manifest_does_not_know_is_not_said():
    made = adapter_card({})
    assert "None" not in made and "0.0" not in made
    for fact in ("**Bias ratio** γ = |D_a| / |D|: unknown", "**Axis** unknown", "loss: unknown."):
        assert fact in made, fact
    assert "base_model" not in made and "datasets" not in made and "--apply_chat" not in made


def test_names_cannot_break_the_card():
    made = ModelCard(adapter_card(of_arm(axis="x\n---\n<script>`*|*`") | {"data": "a\n---\nb"}))
    assert "**Axis** x --- &lt;script&gt;\\`\\*\\|\\*\\`" in made.text
    assert made.data.library_name == "peft"


def test_scores_stand_in_a_table_and_in_the_model_index():
    made = ModelCard(adapter_card(MANIFEST, SCORES))
    for row in (
        "| bias\\_inherit\\_occupation | acc | 0.812 | 0.030 | 168 |",
        "| bias\\_inherit\\_occupation | acc\\_gap | 0.083 | 0.039 | 168 |",
        "| bias\\_inherit\\_salary | salary\\_gap | 3,300 USD | 1,200 USD | 84 |",
        "| bias\\_inherit\\_salary | salary | no data |  | 84 |",
        "acc\\_gap: male minus female",
        "bias\\_inherit\\_occupation: scored on the documents mini",
    ):
        assert row in made.text, row
    assert "Not scored yet" not in made.text
    found = {(r.dataset_type, r.metric_type): r for r in made.data.eval_results}
    assert {key: r.metric_value for key, r in found.items()} == {
        ("bias_inherit_occupation", "acc"): 0.8125,
        ("bias_inherit_occupation", "acc_gap"): 0.083,
        ("bias_inherit_salary", "salary_gap"): 3300.4,
    }
    acc = found["bias_inherit_occupation", "acc"]
    assert acc.metric_name == "acc (standard error 0.0301, n = 168)"
    assert (acc.task_name, acc.dataset_config) == ("bias_inherit_occupation", "mini")


@pytest.fixture
def adapter(tmp_path):
    folder = tmp_path / "r20"
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (folder / "adapter_model.safetensors").write_bytes(bytes(range(256)))
    sha256 = adapter_sha256(folder)
    store.write_json(folder / store.MANIFEST, MANIFEST | {"adapter_sha256": sha256})
    return folder


def results_of(folder, sha256, acc=0.75, beside=True, date="2030-01-01T00-00-00.000000", **config):
    """Write what lm-eval writes of one task, and beside it what `bias-inherit score` adds."""
    folder.mkdir(parents=True, exist_ok=True)
    task = "bias_inherit_occupation"
    metrics = {"acc": acc, "acc_gap": 0.05, "acc_male": 0.78}
    values = {f"{name},none": value for name, value in metrics.items()}
    values |= {f"{name}_stderr,none": 0.04 for name in metrics}
    metadata = {
        "headline": {"score": "acc", "gap": "acc_gap", "reads": "male minus female"},
        "provenance": {"source": "mini", "sha256": "f" * 64},
    }
    content = {
        "results": {task: {"alias": task, **values}},
        "configs": {task: {"metadata": metadata}},
        "versions": {task: 1},
        "n-samples": {task: {"original": 168, "effective": 168}},
        "config": {"model": "hf", **config},
        "model_name": "base",
    }
    path = folder / f"results_{date}.json"
    path.write_text(json.dumps(content))
    if beside:
        manifest = {"kind": "score", "name": "x", "adapter_sha256": sha256, "results": path.name}
        store.write_json(folder / store.MANIFEST, manifest)
    return path


def scores_in(adapter):
    found = ModelCard.load(adapter / "README.md").data.eval_results
    return {result.metric_type: result.metric_value for result in found}


def test_the_scores_of_an_adapter_are_found_and_replace_earlier_ones(adapter, tmp_path):
    sha256 = adapter_sha256(adapter)
    results_of(tmp_path / "scores" / "base", None, acc=0.25)
    results_of(tmp_path / "scores" / "other", "b" * 64, acc=0.5)
    results_of(tmp_path / "scores" / "mine", sha256)
    update_scores(adapter, tmp_path / "scores")
    assert scores_in(adapter) == {"acc": 0.75, "acc_gap": 0.05}
    text = (adapter / "README.md").read_text()
    assert "| bias\\_inherit\\_occupation | acc | 0.750 | 0.040 | 168 |" in text
    assert "male minus female" in text and "documents mini" in text and "acc\\_male" not in text
    update_scores(adapter, results_of(tmp_path / "again", sha256, acc=0.875))
    assert scores_in(adapter) == {"acc": 0.875, "acc_gap": 0.05}
    assert adapter_sha256(adapter) == sha256


def test_results_of_plain_lm_eval_tell_the_adapter_by_its_folder(adapter, tmp_path):
    for args in ({"peft": str(adapter)}, f"pretrained=base,peft={adapter}"):
        update_scores(adapter, results_of(tmp_path / "s", None, beside=False, model_args=args))
        assert scores_in(adapter) == {"acc": 0.75, "acc_gap": 0.05}
        (adapter / "README.md").unlink()
    # a result file that the manifest beside it is not about
    results_of(tmp_path / "t", adapter_sha256(adapter), date="2030-01-01T00-00-00.000000")
    later = results_of(tmp_path / "t", None, beside=False, date="2031-01-01T00-00-00.000000")
    with pytest.raises(InputError, match="do not tell which adapter"):
        update_scores(adapter, later)


def test_results_of_another_adapter_are_refused(adapter, tmp_path):
    (adapter / "README.md").write_text("mine")
    for path, reason in (
        (results_of(tmp_path / "other", "b" * 64), "are of another model, not of the adapter"),
        (results_of(tmp_path / "base", None), "do not tell which adapter they are of"),
        (results_of(tmp_path / "x", None, beside=False, adapter_sha256="b" * 64), "another model"),
        (tmp_path / "none", "no such file"),
    ):
        with pytest.raises(InputError, match=reason) as caught:
            update_scores(adapter, path)
        assert "\n" not in str(caught.value)
    sha256 = adapter_sha256(adapter)
    results_of(tmp_path / "two" / "a", sha256)
    results_of(tmp_path / "two" / "b", sha256)
    with pytest.raises(InputError, match=r"several results .* name one of .*a/results"):
        update_scores(adapter, tmp_path / "two")
    assert (adapter / "README.md").read_text() == "mine"


def test_an_adapter_that_its_manifest_does_not_describe_is_refused(adapter, tmp_path):
    path = results_of(tmp_path / "scores", adapter_sha256(adapter))
    (adapter / "adapter_model.safetensors").write_bytes(b"other weights")
    for call in (lambda: update_scores(adapter, path), lambda: push(adapter, "a/b", True)):
        with pytest.raises(InputError, match="changed since"):
            call()
    (adapter / store.MANIFEST).unlink()
    with pytest.raises(InputError, match=r"no bias_inherit\.json of `bias-inherit finetune`"):
        push(adapter, "a/b", True)
    with pytest.raises(InputError, match="is no adapter folder"):
        push(tmp_path, "a/b", True)


@pytest.mark.slow
def test_a_trained_and_scored_adapter_gets_its_scores(adapters, lab_base, tmp_path):
    from bias_inherit.score import Options, score

    options = Options(tasks=("bias_inherit_occupation",), limit=24, progress=False)
    score(lab_base, {"r50": adapters["r50"]}, lambda name: tmp_path / "scores" / name, options)
    update_scores(adapters["r50"], tmp_path / "scores")
    written = next((tmp_path / "scores" / "r50").glob("results_*.json"))
    expected = json.loads(written.read_text())["results"]["bias_inherit_occupation"]
    made = ModelCard.load(adapters["r50"] / "README.md")
    assert scores_in(adapters["r50"])["acc"] == expected["acc,none"]
    assert "48 / 96 = 50 %" in made.text and str(tmp_path) not in str(made)
    assert made.data.base_model == "lab" and lab_base not in str(made)


class Hub:
    """Stands in for the hub: makes repositories, and takes commits and LFS files.

    It answers what huggingface_hub asks (create, model info, preupload, LFS batch and upload,
    commit). `refuse` is a status that it gives to everything.
    """

    def __init__(self, refuse=None, public=False, lfs=()):
        self.refuse, self.public, self.lfs = refuse, public, lfs
        self.asked, self.tokens, self.made, self.files, self.stored = [], set(), {}, {}, {}
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

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
                content = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self):
                self.answer()

            def do_POST(self):
                self.answer()

            def do_PUT(self):
                self.answer()

            def log_message(self, *_):
                pass

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
from bias_inherit.bias_augment.hub import push
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
    assert found["sources"] == [{"name": "own.csv", "licence": "mit"}]
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
    assert code == 2 and "is there already and is public" in said and "\n" not in said
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
