"""Any OpenAI-compatible server as a generator: concurrent, patient, resumable.

Every reply is appended to a record as it comes, keyed by prompt, model and sampling; what
stands there is never asked again, so a run that was cut off goes on where it was. The key
is read from the environment (`OPENAI_API_KEY`) alone and written nowhere.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from bias_inherit import store
from bias_inherit.bias_augment.generators import Request
from bias_inherit.errors import InputError

KEY = "OPENAI_API_KEY"


@dataclass
class ServerGenerator:
    """Writes with a chat model behind a server.

    Attributes:
        model: the server's name of the model.
        base_url: the server's address, such as http://127.0.0.1:8000/v1.
        record: JSON lines of the replies so far; made where absent, only ever appended to.
        concurrency: requests in flight.
        attempts: how often a request is tried on 429, 5xx, a cut connection or a timeout.
        longest_wait: seconds between two attempts at most; they grow and are jittered.
        timeout: seconds for one attempt.
    """

    model: str
    base_url: str
    record: Path
    concurrency: int = 16
    max_new_tokens: int = 160
    temperature: float = 0.8
    seed: int = 0
    attempts: int = 6
    longest_wait: float = 30.0
    timeout: float = 120.0
    name: str = field(init=False)
    _lock: Lock = field(init=False, default_factory=Lock)

    def __post_init__(self) -> None:
        self.name = Path(self.model).name

    def write(self, requests: Sequence[Request]) -> Iterator[str]:
        """Yield the reply to each prompt, in order.

        Raises:
            InputError: the server is not there, refuses the key or the request, or keeps
                failing; what came before stays in the record.
        """
        known = self._replies()
        asked: Counter[str] = Counter()
        keyed: list[tuple[str, str, int]] = []
        for request in requests:
            turn = asked[request.prompt]  # the same prompt twice is two replies
            asked[request.prompt] += 1
            keyed.append((self._key(request.prompt, turn), request.prompt, turn))
        if all(key in known for key, _, _ in keyed):
            yield from (known[key] for key, _, _ in keyed)
            return
        ask = self._asker()
        pool = ThreadPoolExecutor(self.concurrency)
        try:
            waiting = {
                key: pool.submit(self._ask, ask, key, prompt, turn)
                for key, prompt, turn in keyed
                if key not in known
            }
            for key, _, _ in keyed:
                yield known[key] if key in known else waiting[key].result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _key(self, prompt: str, turn: int) -> str:
        sampling = [self.temperature, self.max_new_tokens, self.seed + turn]
        return store.sha256_lines([json.dumps([prompt, self.model, *sampling])])

    def _replies(self) -> dict[str, str]:
        """Return the recorded replies; a last line that a kill cut off is dropped."""
        if not self.record.is_file():
            return {}
        content = self.record.read_bytes()
        whole, _, cut = content.rpartition(b"\n")
        if cut:
            with self.record.open("r+b") as stream:
                stream.truncate(len(content) - len(cut))
        replies = {}
        for i, line in enumerate(whole.splitlines(), start=1):
            try:
                row = json.loads(line)
                replies[row["key"]] = row["reply"]
            except (ValueError, KeyError, TypeError):
                raise InputError(f"{self.record}:{i}: is no record of replies") from None
        return replies

    def _ask(self, ask: Any, key: str, prompt: str, turn: int) -> str:
        reply = str(ask(prompt, self.seed + turn))
        line = json.dumps({"key": key, "model": self.model, "reply": reply}, ensure_ascii=False)
        with self._lock:
            self.record.parent.mkdir(parents=True, exist_ok=True)
            with self.record.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        return reply

    def _asker(self) -> Any:
        """Return a function that asks once and again; its errors are `InputError`s."""
        try:
            import openai
            import tenacity
        except ImportError:
            raise InputError(
                "the generator 'openai' needs two more packages: pip install 'bias-inherit[api]'"
            ) from None
        client = openai.OpenAI(
            base_url=self.base_url,
            api_key=os.environ.get(KEY) or "none",
            max_retries=0,  # tenacity does it
            timeout=self.timeout,
        )
        passing = (
            openai.RateLimitError,
            openai.InternalServerError,
            openai.APIConnectionError,  # and its timeouts
            openai.APIResponseValidationError,
            json.JSONDecodeError,  # half an answer
        )
        patient = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(passing),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=self.longest_wait),
            stop=tenacity.stop_after_attempt(self.attempts),
            reraise=True,
        )

        def once(prompt: str, seed: int) -> str:
            answer = client.chat.completions.create(
                model=self.model,
                messages=[{"role": "user", "content": prompt}],
                temperature=self.temperature,
                max_tokens=self.max_new_tokens,
                seed=seed,
            )
            return str(answer.choices[0].message.content or "") if answer.choices else ""

        def ask(prompt: str, seed: int) -> str:
            try:
                return str(patient.copy()(once, prompt, seed))
            except (openai.AuthenticationError, openai.PermissionDeniedError):
                raise InputError(f"{self.base_url}: refuses the key in {KEY}") from None
            except openai.APIConnectionError:
                reason = "cannot be reached"
            except openai.APIStatusError as error:
                reason = f"answers {error.status_code}"
            except (openai.APIError, ValueError):  # half JSON
                reason = "gives answers that cannot be read"
            raise InputError(
                f"{self.base_url}: {reason}; replies so far are kept in {self.record}: run again"
            )

        return ask
