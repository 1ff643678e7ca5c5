"""Any OpenAI-compatible server as a generator: concurrent, patient, in the form asked for.

The form is asked for as structured output: `response_format` with a JSON schema whose label is one
of a list; where the server refuses that, a regular expression (vLLM's `structured_outputs` or
`guided_regex`), else the prompt alone. The first request finds out, and a refusal on the way does.

The key is read from the environment (`OPENAI_API_KEY`) alone and written nowhere.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit.bias_augment.writing.generators.contract import (
    TEMPLATE_ARGS_HELP,
    Emit,
    Reply,
    Request,
    check_sampling,
)
from bias_inherit.bias_augment.writing.generators.registry import register
from bias_inherit.bias_augment.writing.generators.structures import Structure, Structures
from bias_inherit.chat import template_args
from bias_inherit.errors import InputError
from bias_inherit.options import check_choices, option

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from tenacity import RetryCallState

KEY = "OPENAI_API_KEY"
_STAGGER = 0.0007
"""Seconds between the first requests of two workers: a burst would be answered as one."""

Ask = Callable[[Request], Awaitable[Reply]]


@register("openai", "Any OpenAI-compatible server, asked concurrently.")
@dataclass
class ServerGenerator:
    """Writes with a chat model behind a server.

    A request is tried again on 429, 5xx, a cut connection or a timeout; the waits grow and are
    jittered, and a server's Retry-After is heeded.
    """

    model: str = option("The server's name of the model.")
    base_url: str = option("Address, such as http://127.0.0.1:8000/v1; key: OPENAI_API_KEY.")
    concurrency: int = option("Requests in flight.", 16)
    max_new_tokens: int = option("Longest reply, in tokens.", 160)
    temperature: float = option("Sampling temperature; 0 takes the likeliest token.", 0.8)
    chat_template_args: str = option(TEMPLATE_ARGS_HELP, "")
    structure: Structure = option("How the form is asked for; auto finds out.", "auto")
    attempts: int = option("How often a request is tried before the run ends.", 6)
    longest_wait: float = option("Longest wait between two attempts, in seconds.", 30.0)
    timeout: float = option("Longest wait for one attempt, in seconds.", 120.0)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        check_sampling(self.temperature, self.max_new_tokens)
        check_choices(self)
        template_args(self.chat_template_args)
        if self.concurrency < 1:
            raise InputError(f"concurrency must be at least 1, not {self.concurrency}")
        self.name = Path(self.model).name

    @property
    def sampling(self) -> Mapping[str, object]:
        """The model, temperature and length; not where the server stands."""
        return {
            "model": self.model,
            "temperature": self.temperature,
            "max_new_tokens": self.max_new_tokens,
            **({"chat_template_args": self.chat_template_args} if self.chat_template_args else {}),
            **({} if self.structure == "auto" else {"structure": self.structure}),
        }

    def write(self, requests: Sequence[Request], emit: Emit) -> None:
        """Emit the reply to each prompt as it comes.

        Raises:
            InputError: the server is not there, refuses the key or the request, or keeps
                failing.
        """
        asyncio.run(self._write(requests, emit))

    async def _write(self, requests: Sequence[Request], emit: Emit) -> None:
        client = self._client()
        ask = self._asker(client, Structures(self.structure))
        waiting = iter(enumerate(requests))
        if requests:  # the first one alone, which tells how the others are to be asked
            i, request = next(waiting)
            try:
                emit(i, await ask(request))
            except BaseException:
                await client.close()
                raise

        async def work(start: float) -> None:
            """Answer requests until none is left."""
            await asyncio.sleep(start)
            for i, request in waiting:
                emit(i, await ask(request))

        many = min(self.concurrency, len(requests) - 1)
        workers = [asyncio.ensure_future(work(j * _STAGGER)) for j in range(many)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await client.close()

    def _client(self) -> AsyncOpenAI:
        try:
            import aiohttp  # noqa: F401  (what the client below sends with)
            import openai
            import tenacity  # noqa: F401
        except ImportError:
            raise InputError(
                "the generator 'openai' needs more packages: pip install 'bias-inherit[api]'"
            ) from None

        return openai.AsyncOpenAI(
            base_url=self.base_url,
            api_key=os.environ.get(KEY) or "none",
            max_retries=0,  # tenacity does it
            timeout=self.timeout,
            http_client=openai.DefaultAioHttpClient(timeout=self.timeout, verify=self._trust()),
        )

    def _trust(self) -> ssl.SSLContext | bool:
        """Whom to trust: nobody for plain http, where reading all authorities takes 50 ms."""
        plain = self.base_url.lower().startswith("http://")
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True

    def _asker(self, client: AsyncOpenAI, structures: Structures) -> Ask:
        """Return a function that asks once and again; its errors are `InputError`s."""
        import openai
        import tenacity

        passing = (
            openai.RateLimitError,
            openai.InternalServerError,
            openai.APIConnectionError,  # and its timeouts
            openai.APIResponseValidationError,
            json.JSONDecodeError,  # half an answer
        )
        refusing = (
            openai.BadRequestError,
            openai.NotFoundError,
            openai.UnprocessableEntityError,
        )
        growing = tenacity.wait_random_exponential(multiplier=0.2, max=self.longest_wait)

        def wait(state: RetryCallState) -> float:
            """Return the longer of the growing wait and what the server asks for."""
            return float(max(growing(state), min(_retry_after(state), self.longest_wait)))

        async def once(request: Request) -> Reply:
            """Ask once."""
            while True:
                structure = structures.now
                body = {**self._body(request), **structure.asks(request)}
                try:
                    # the client's own `chat.completions.create` spends most of its time on types
                    answer = await client.post("/chat/completions", cast_to=object, body=body)
                except refusing:
                    if not structures.refuse(structure):
                        raise
                except openai.InternalServerError as error:
                    refused = error.status_code == 501 and structures.refuse(structure)
                    if not refused and not structures.fail(structure):
                        raise
                else:
                    return structures.see(structure, _read(answer), request)

        async def again(request: Request, error: Exception) -> Reply:
            """Ask patiently, after a first attempt that failed."""
            failed = [error]  # the first attempt, as tenacity is to see it

            async def attempt() -> Reply:
                """Fail as the first attempt did, then ask."""
                if failed:
                    raise failed.pop()
                return await once(request)

            patient = tenacity.AsyncRetrying(
                retry=tenacity.retry_if_exception_type(passing),
                wait=wait,
                stop=tenacity.stop_after_attempt(self.attempts),
                reraise=True,
            )
            reply: Reply = await patient(attempt)
            return reply

        async def ask(request: Request) -> Reply:
            """Ask, and again where that may help."""
            with self._explained():
                try:
                    return await once(request)
                except passing as error:  # tenacity costs time; most requests need none of it
                    return await again(request, error)

        return ask

    def _body(self, request: Request) -> dict[str, object]:
        written = template_args(self.chat_template_args)
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": request.prompt}],
            "temperature": self.temperature,
            "max_tokens": self.max_new_tokens,
            "seed": request.sampling_seed,
            **({"chat_template_kwargs": written} if written else {}),
        }

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the client's errors into one line; it never holds the key."""
        import openai

        try:
            yield
            return
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            raise InputError(f"{self.base_url}: refuses the key in {KEY}") from None
        except openai.APIConnectionError:
            reason = "cannot be reached"
        except openai.APIStatusError as error:
            reason = f"answers {error.status_code}"
        except (openai.APIError, ValueError):  # half JSON
            reason = "gives answers that cannot be read"
        raise InputError(f"{self.base_url}: {reason}; replies so far are kept: run again")


def _read(answer: Any) -> Reply:  # whatever a server sends
    """Return the reply in a chat completion; a body of another form is an error of reading."""
    try:
        choice = answer["choices"][0]
        content = choice["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise json.JSONDecodeError("no chat completion", "", 0) from None
    usage = answer.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    tokens = counts.get("prompt_tokens"), counts.get("completion_tokens")
    return Reply(
        content if isinstance(content, str) else "",
        truncated=choice.get("finish_reason") == "length",
        tokens=(tokens[0], tokens[1])
        if isinstance(tokens[0], int) and isinstance(tokens[1], int)
        else None,
    )


def _retry_after(state: RetryCallState) -> float:
    """Return the seconds that a server asks to wait, 0 where it does not say."""
    response = getattr(state.outcome.exception(), "response", None)
    try:
        return float(response.headers.get("retry-after", 0)) if response is not None else 0.0
    except ValueError:  # a date; the growing wait will do
        return 0.0
