"""An OpenAI-compatible server of a base and its adapters, with real log-likelihoods of prompts.

Used by the tests: `serving(base, adapters)` gives its address.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch
from json_server import Json
from peft import PeftModel

from bias_inherit.chat import chat_prompt, token_ids
from bias_inherit.models import load_model, load_tokenizer


class Models:
    """Each adapter is a model, and so is the base, under the name `base`."""

    def __init__(self, base, adapters):
        self.tokenizer, model = load_tokenizer(base), load_model(base)
        for name, folder in adapters.items():
            if isinstance(model, PeftModel):
                model.load_adapter(str(folder), adapter_name=name)
            else:
                model = PeftModel.from_pretrained(model, str(folder), adapter_name=name)
        self.model, self.names = model.eval(), ["base", *adapters]
        self.lock = threading.Lock()

    @contextmanager
    def worn(self, name):
        with self.lock, torch.inference_mode():
            if name != "base":
                self.model.set_adapter(name)
            with self.model.disable_adapter() if name == "base" else nullcontext():
                yield

    def completion(self, body):
        prompts = body["prompt"]
        if isinstance(prompts, str) or isinstance(prompts[0], int):
            prompts = [prompts]
        choices = []
        for i, prompt in enumerate(prompts):
            ids = self.tokenizer(prompt).input_ids if isinstance(prompt, str) else prompt
            choice = self.echoed(ids) if body.get("echo") else {"text": self.written(ids, body)}
            choices.append({"index": i, **choice})
        return {"object": "text_completion", "choices": choices}

    def echoed(self, ids):
        """The prompt and a token behind it, with the log-likelihood of each but the first."""
        logits = self.model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
        ids = [*ids, int(logits[-1].argmax())]
        own = [None, *logits[torch.arange(len(ids) - 1), torch.tensor(ids[1:])].tolist()]
        best = [None]
        for row in logits:
            best.append({self.tokenizer.decode([int(row.argmax())]): float(row.max())})
        return {"text": "", "logprobs": {"token_logprobs": own, "top_logprobs": best}}

    def written(self, ids, body):
        tokens = list(ids)
        torch.manual_seed(body.get("seed", 0))
        for _ in range(body["max_tokens"]):
            logits = self.model(torch.tensor([tokens])).logits[0, -1].float()
            if body.get("temperature"):
                chances = torch.softmax(logits / body["temperature"], -1)
                tokens.append(int(torch.multinomial(chances, 1)))
            else:
                tokens.append(int(logits.argmax()))
            text = self.tokenizer.decode(tokens[len(ids) :])
            if tokens[-1] == self.tokenizer.eos_token_id:
                return self.tokenizer.decode(tokens[len(ids) : -1])
            for stop in body.get("stop") or ():
                if stop in text:
                    return text.partition(stop)[0]
        return self.tokenizer.decode(tokens[len(ids) :])

    def chat(self, body):
        prompt = chat_prompt(self.tokenizer, body["messages"][0]["content"])
        text = self.written(token_ids(self.tokenizer, prompt), body)
        return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}


class Requests(Json, BaseHTTPRequestHandler):
    def do_GET(self):
        if self.is_allowed():
            models = self.server.models.names
            self.send(200, {"data": [{"id": name, "max_model_len": 900} for name in models]})

    def do_POST(self):
        body = self.body()
        if not self.is_allowed():
            return
        self.server.seen.append((self.path, body))
        with self.server.models.worn(body["model"]):
            if self.path == "/v1/chat/completions":
                self.send(200, self.server.models.chat(body))
            elif self.server.echoes or not body.get("echo"):
                self.send(200, self.server.models.completion(body))
            else:
                self.send(400, {"error": "echo is not supported"})

    def is_allowed(self):
        if self.headers.get("authorization") == f"Bearer {self.server.key}":
            return True
        self.send(401, {"error": "wrong key"})
        return False


@contextmanager
def serving(base, adapters, key):
    """Serve in threads of this process; yield the server, with `address` and what it has seen."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    server.models, server.key, server.echoes, server.seen = Models(base, adapters), key, True, []
    server.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
