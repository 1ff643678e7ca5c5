"""An OpenAI-compatible server of one local model, whose replies keep to a JSON schema or a regex.

Decoding is constrained by outlines-core. Used by the tests: python structured_server.py MODEL PORT
"""

from __future__ import annotations

import json
import sys
import threading
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import torch
from outlines_core import Guide, Index, Vocabulary
from outlines_core.json_schema import build_regex_from_schema

from bias_inherit.chat import chat_prompt, token_ids
from bias_inherit.models import load_model, load_tokenizer


class Model:
    def __init__(self, name: str) -> None:
        self.tokenizer, self.model = load_tokenizer(name), load_model(name).eval()
        self.lock = threading.Lock()
        special, known = set(self.tokenizer.all_special_ids), {}
        for i in range(len(self.tokenizer)):
            text = self.tokenizer.decode([i])
            if i not in special and text and "\ufffd" not in text:
                known.setdefault(text, []).append(i)
        self.vocabulary = Vocabulary(self.tokenizer.eos_token_id, known)
        self.index = lru_cache(lambda pattern: Index(pattern, self.vocabulary))

    def reply(self, body: dict) -> dict:
        pattern = body.get("guided_regex") or body.get("structured_outputs", {}).get("regex")
        if "response_format" in body:
            schema = body["response_format"]["json_schema"]["schema"]
            pattern = build_regex_from_schema(json.dumps(schema))
        guide = Guide(self.index(pattern)) if pattern else None
        ids = token_ids(self.tokenizer, chat_prompt(self.tokenizer, body["messages"][0]["content"]))
        random, end = Random(body.get("seed", 0)), self.tokenizer.eos_token_id
        temperature, written = body.get("temperature", 1.0), []
        with torch.inference_mode():
            output = self.model(torch.tensor([ids]), use_cache=True, logits_to_keep=1)
            while len(written) < body.get("max_tokens", 128):
                logits = output.logits[0, -1].float()
                if guide is not None:
                    allowed = torch.tensor(guide.get_tokens())
                    masked = torch.full_like(logits, -torch.inf)
                    masked[allowed] = logits[allowed]
                    logits = masked
                token = int(logits.argmax())
                if temperature > 0:
                    reached = torch.softmax(logits / temperature, -1).double().cumsum(-1)
                    drawn = torch.tensor([random.random() * float(reached[-1])]).double()
                    token = int(torch.searchsorted(reached, drawn))
                if token == end:
                    break
                written.append(token)
                if guide is not None:
                    guide.advance(token)
                    if guide.is_finished():
                        break
                output = self.model(
                    torch.tensor([[token]]),
                    past_key_values=output.past_key_values,
                    use_cache=True,
                    logits_to_keep=1,
                )
            else:
                end = None
        message = {"role": "assistant", "content": self.tokenizer.decode(written)}
        choice = {"index": 0, "message": message}
        choice["finish_reason"] = "length" if end is None else "stop"
        usage = {"prompt_tokens": len(ids), "completion_tokens": len(written)}
        return {"object": "chat.completion", "choices": [choice], "usage": usage}


def serve(name: str, port: int) -> None:
    model = Model(name)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send({"status": "ok"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with model.lock:
                self.send(model.reply(body))

        def send(self, content: dict) -> None:
            data = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
