"""Score the models that an OpenAI-compatible server offers, such as the adapters of a vLLM.

lm-eval's own classes for such servers ask them; log-likelihoods need the completions endpoint,
which gives them for a prompt that is echoed. What a server lacks is said before anything is scored.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bias_inherit import manifests, store
from bias_inherit.errors import InputError, one_line, shown
from bias_inherit.harness.evaluate import (
    command,
    evaluate,
    new_file,
    quiet_lm_eval,
    results_folder,
)
from bias_inherit.harness.loading import Asked, load_forms
from bias_inherit.harness.options import Options
from bias_inherit.harness.resume import rest_of, settings_of
from bias_inherit.manifests import Score
from bias_inherit.models import load_tokenizer

KEY = "OPENAI_API_KEY"
"""The environment variable that holds the key, as for lm-eval."""
COMPLETIONS, CHAT = "local-completions", "local-chat-completions"
_ENDPOINTS = {COMPLETIONS: "completions", CHAT: "chat/completions"}
_LENGTH = 2048
"""Tokens of a context where the server does not tell: lm-eval's default."""
_PATIENCE = 60
"""Seconds to wait for a first answer."""
_FEW = 8
"""So many models of a server are named in a message."""


@dataclass(frozen=True)
class Server:
    """A server, and how it is asked.

    Attributes:
        url: its address, with or without /v1.
        models: names of models that it offers.
        tokenizer: theirs; None where none is at hand: then they can only write.
        concurrent: requests at once.
    """

    url: str
    models: tuple[str, ...]
    tokenizer: str | None = None
    concurrent: int = 8

    @property
    def root(self) -> str:
        """The address up to /v1."""
        found = re.sub(r"/(chat/)?completions$", "", self.url.rstrip("/"))
        return found if re.search(r"/v\d+$", found) else f"{found}/v1"

    @property
    def kind(self) -> str:
        """lm-eval's class: without a tokenizer the server applies the chat template itself."""
        return COMPLETIONS if self.tokenizer else CHAT


def score_server(
    server: Server,
    results_of: Callable[[str], Path],
    options: Options,
    announce: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Score models of a server; return the folders of their results.

    Args:
        server: with the models.
        results_of: name -> the folder to write; of several forms a folder `form-<number>` each in
            it.
        options: how models are scored; the device and the base are the server's affair.
        announce: told what begins.

    Raises:
        InputError: the server does not answer, lacks a model or what a task needs, or a task is
            unknown: before anything is scored; or it fails later.
    """
    if any(find_spec(package) is None for package in ("aiohttp", "requests", "tenacity")):
        raise InputError("packages that ask a server are missing: pip install 'bias-inherit[api]'")
    lengths = _offered(server)
    quiet_lm_eval()
    asked = load_forms(options, announce)
    _check_tasks(server, asked)

    options = replace(options, batch_size=1)  # the server makes its own batches
    uses_chat = options.apply_chat_template
    if uses_chat is None:
        uses_chat = server.kind == CHAT
    if server.kind == CHAT and not uses_chat:
        raise InputError("without a tokenizer only a server's chat is asked: name it (--tokenizer)")

    folders: list[Path] = []
    parts: list[_Part] = []
    for model in server.models:
        who = {"server": server.root, "model": model, "tokenizer": server.tokenizer}
        for one in asked:
            out = results_of(folder_name(model))
            out = out / f"form-{one.form}" if len(asked) > 1 else out
            store.check_place(out)
            folders.append(out)
            settings = settings_of(options, one.form, **who, chat_template=uses_chat)
            before = None
            if options.resume:
                one, before = rest_of(one, out, settings, announce)
            if one.tasks:
                parts.append(_Part(model, one, out, settings, before))

    for model in dict.fromkeys(part.model for part in parts):
        _check_answers(server, model, [part.asked for part in parts if part.model == model])
    for i, part in enumerate(parts, start=1):
        announce(f"scoring {part.model} ({i} of {len(parts)})")
        _score(server, part, options, uses_chat, lengths[part.model])
    return folders


def folder_name(model: str) -> str:
    """Return the name of a model's folder."""
    return re.sub(r"[^\w.@+-]+", "__", model)


@dataclass(frozen=True)
class _Part:
    """Tasks that a model is asked, and where the results go; see `harness.score`."""

    model: str
    asked: Asked
    out: Path
    settings: Mapping[str, Any]
    before: Score | None


def _offered(server: Server) -> dict[str, int]:
    """Return the length of the context of each model that is asked for.

    Raises:
        InputError: the server does not answer, or lacks one.
    """
    listed = _json(server, "models").get("data")
    known = {one.get("id"): one for one in listed or () if isinstance(one, dict)}
    missing = [model for model in server.models if model not in known]
    if missing:
        there = sorted(map(str, known))
        more = f" and {len(there) - _FEW} more" if len(there) > _FEW else ""
        raise InputError(
            f"{server.root}: has no model '{missing[0]}' (it has {', '.join(there[:_FEW])}{more})"
        )
    return {model: int(known[model].get("max_model_len") or _LENGTH) for model in server.models}


def _check_tasks(server: Server, asked: Iterable[Asked]) -> None:
    """Check that tasks can be asked without a tokenizer, where there is none.

    Raises:
        InputError: one needs log-likelihoods.
    """
    if server.tokenizer is not None:
        load_tokenizer(server.tokenizer)
        return
    for task in (task for one in asked for task in one.tasks):
        if task.OUTPUT_TYPE != "generate_until":
            raise InputError(
                f"task '{task.task_name}' needs log-likelihoods, and they need the models' "
                "tokenizer: --tokenizer NAME; or ask what a model writes (gen_bias_inherit_*)"
            )


def _check_answers(server: Server, model: str, asked: Iterable[Asked]) -> None:
    """Ask a model once in each way that its tasks need.

    Raises:
        InputError: the server does not do that.
    """
    kinds = {task.OUTPUT_TYPE == "generate_until" for one in asked for task in one.tasks}
    if True in kinds:
        prompt: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
        if server.kind == COMPLETIONS:
            prompt = {"prompt": [_some_tokens(server)]}
        found = _json(server, _ENDPOINTS[server.kind], {"model": model, "max_tokens": 1, **prompt})
        if not _choice(found):
            raise InputError(f"{server.root}: '{model}' writes nothing ({shown(found, 80)})")
    if False in kinds:
        tokens = _some_tokens(server)
        body = {"model": model, "prompt": [tokens], "max_tokens": 1, "temperature": 0}
        found = _json(server, "completions", {**body, "logprobs": 1, "echo": True})
        likelihoods = (_choice(found).get("logprobs") or {}).get("token_logprobs") or []
        if len(likelihoods) != len(tokens) + 1 or None in likelihoods[1:]:
            raise InputError(
                f"{server.root}: '{model}' gives no log-likelihoods of a prompt (echo with "
                "logprobs), which these tasks need: ask what it writes (gen_bias_inherit_*)"
            )


def _some_tokens(server: Server) -> list[int]:
    tokens: list[int] = load_tokenizer(server.tokenizer or "")("Hello, who are you?").input_ids
    return tokens


def _choice(found: Mapping[str, Any]) -> dict[str, Any]:
    choices = found.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _json(server: Server, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what the server answers.

    Raises:
        InputError: it does not, or not with a JSON object.
    """
    address = f"{server.root}/{path}"
    headers = {"Content-Type": "application/json"}
    if os.environ.get(KEY):
        headers["Authorization"] = f"Bearer {os.environ[KEY]}"
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(address, data, headers)
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            found = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        said = shown(error.read()[:500].decode("utf-8", "replace"), 200)
        key = f" (the key is read from {KEY})" if error.code in (401, 403) else ""
        raise InputError(f"{address}: answers {error.code}{key}: {said}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{address}: does not answer ({one_line(error)})") from None
    if not isinstance(found, dict):
        raise InputError(f"{address}: answers something else than a JSON object")
    return found


def _score(server: Server, part: _Part, options: Options, uses_chat: bool, length: int) -> None:
    """Score one model: lm-eval's own files, and our manifest, into the part's folder."""
    args: dict[str, Any] = {
        "model": part.model,
        "base_url": f"{server.root}/{_ENDPOINTS[server.kind]}",
        "num_concurrent": server.concurrent,
        "max_length": length,
    }
    if server.tokenizer is not None:
        args |= {"tokenizer": server.tokenizer, "tokenizer_backend": "huggingface"}

    with results_folder(part.out, part.before) as folder:
        tasks = _evaluated(server, part, args, options, uses_chat, folder)
        manifest = Score(
            name=folder_name(part.model),
            results=new_file(folder, part.before),
            command=command(server.kind, args, tasks, options, part.asked.form, uses_chat),
            settings=dict(part.settings),
            tasks={**(part.before.tasks if part.before else {}), **part.asked.digests},
            earlier=part.before.runs if part.before else (),
        )
        manifests.write(folder / store.MANIFEST, manifest)


def _evaluated(
    server: Server,
    part: _Part,
    args: Mapping[str, Any],
    options: Options,
    uses_chat: bool,
    folder: Path,
) -> Sequence[str]:
    try:
        return evaluate(server.kind, args, part.asked, options, uses_chat, folder)
    except InputError:
        raise
    except Exception as error:  # of the connection, or an answer of another form
        raise InputError(
            f"{server.root}: '{part.model}' could not be scored to the end ({one_line(error)}); "
            "what was scored before is kept"
        ) from None
