"""A record of replies: what was paid for is never asked again.

Every reply is appended as it comes, one JSON line each, keyed by prompt, model, sampling
and seed. An interrupted run resumes where it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TextIO

from bias_inherit.bias_augment.writing.generators.contract import Emit, Generator, Reply, Request
from bias_inherit.errors import InputError


@dataclass
class Recorded:
    """A generator whose replies are kept in `path` (JSON lines, only ever appended to)."""

    generator: Generator
    path: Path

    @property
    def name(self) -> str:
        """The generator's name."""
        return self.generator.name

    @property
    def sampling(self) -> Mapping[str, object]:
        """The generator's model and settings."""
        return self.generator.sampling

    def write(self, requests: Sequence[Request], emit: Emit) -> None:
        """Emit the recorded replies, and ask the generator for the others only.

        Raises:
            InputError: the file is not a record, or the generator fails; what came before
                that stays in the record.
        """
        known, prefix = self._known, json.dumps(dict(self.sampling), sort_keys=True)
        missing: list[tuple[int, str]] = []
        for i, request in enumerate(requests):
            key = _key(prefix, request)
            if (reply := known.get(key)) is not None:
                emit(i, reply)
            else:
                missing.append((i, key))
        if not missing:
            return

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:

            @lru_cache
            def stream() -> TextIO:  # opened by the first reply: none, no file
                """Open the record once."""
                return stack.enter_context(self.path.open("a", encoding="utf-8"))

            def keep(j: int, reply: Reply) -> None:
                """Append a reply at once, so that a kill loses none that was paid for."""
                i, key = missing[j]
                row: dict[str, object] = {"key": key, "model": self.name, "reply": reply.text}
                row["way"] = reply.way
                if reply.truncated:
                    row["truncated"] = True
                if reply.tokens is not None:
                    row["tokens"] = reply.tokens
                stream().write(json.dumps(row, ensure_ascii=False) + "\n")
                stream().flush()
                known[key] = reply
                emit(i, reply)

            self.generator.write([requests[i] for i, _ in missing], keep)

    @cached_property
    def _known(self) -> dict[str, Reply]:
        """The recorded replies; a last line that a kill cut off is dropped from the file."""
        if not self.path.is_file():
            return {}

        content = self.path.read_bytes()
        whole, _, cut = content.rpartition(b"\n")
        if cut:  # it is asked for again
            with self.path.open("r+b") as stream:
                stream.truncate(len(content) - len(cut))

        replies = {}
        for i, line in enumerate(whole.splitlines(), start=1):
            try:
                row = json.loads(line)
                tokens = row.get("tokens")
                replies[row["key"]] = Reply(
                    row["reply"],
                    row.get("truncated", False),
                    row.get("way", "text"),
                    None if tokens is None else (int(tokens[0]), int(tokens[1])),
                )
            except (ValueError, LookupError, TypeError, AttributeError):
                raise InputError(f"{self.path}:{i}: is not a record of replies") from None
        return replies


def _key(prefix: str, request: Request) -> str:
    asked = f"{prefix}\0{request.sampling_seed}\0{request.prompt}"
    if request.label is not None:
        asked += f"\0{request.label}"
    return hashlib.sha256(asked.encode()).hexdigest()
