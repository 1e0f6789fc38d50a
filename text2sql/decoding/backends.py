"""Where text comes from: a model in this process, or a server that speaks OpenAI's protocol.

    >>> backend = ServerBackend("http://127.0.0.1:8000/v1", "my-model", base=base)
    >>> backend.generate([prompt], Decoding())[0][0].text
    'SELECT count(*) FROM orders'

A backend has `base`, `tokenizer` (None where a server has it) and `generate(prompts, decoding)`,
which takes the prompts of one database. The key of a server is read from OPENAI_API_KEY and
sent to that server alone: redirects are not followed.

A server gets the schema as a Lark grammar (`decoding.lark`), in the two fields that vLLM has had
for it: `guided_grammar`, gone in 0.12, and `structured_outputs`. Servers that know neither ignore
them or refuse the request; then it goes on without. Stored values do not constrain a server.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from text2sql.bases.catalogue import Base
from text2sql.databases import hide_password, redact
from text2sql.decoding.generation import Decoding, Generation, Listen
from text2sql.errors import MissingExtra, ModelError
from text2sql.execution.sampling import Values
from text2sql.prompting.encoding import encode, stop_ids
from text2sql.prompting.segments import Prompt
from text2sql.schema.model import Schema

if TYPE_CHECKING:
    from text2sql.decoding.batch import Batch
    from text2sql.decoding.writers import Asked


class Backend(Protocol):
    """What generates; see the module's header."""

    base: Base
    tokenizer: Any

    def generate(
        self,
        prompts: Sequence[Prompt],
        decoding: Decoding,
        *,
        schema: Schema | None = None,
        values: Values | None = None,
        listen: Listen | None = None,
    ) -> list[list[Generation]]:
        """Return the texts of each prompt.

        Args:
            prompts: of one database; as many as the caller likes.
            decoding: samples, temperature, constraint, rows of a batch.
            schema: of that database, for a constraint; None leaves the texts free.
            values: the distinct values of a column, for the constraint `values`.
            listen: is told what has been written so far; never, where that is not known.
        """
        ...

    def close(self) -> None:
        """Release what the backend holds."""
        ...


@dataclass
class LocalBackend:
    """A causal model of transformers in this process, with or without an adapter."""

    model: Any
    tokenizer: Any
    base: Base
    _prefixes: Any = field(default=None, init=False, repr=False)  # schemas that were read last
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)  # one call at a time

    def generate(
        self,
        prompts: Sequence[Prompt],
        decoding: Decoding,
        *,
        schema: Schema | None = None,
        values: Values | None = None,
        listen: Listen | None = None,
    ) -> list[list[Generation]]:
        """Return the texts of each prompt.

        Prompts of one schema share its key-value cache, which is kept for the next call; a row
        that is done makes room for a prompt that waits. So give many at once.

        Raises:
            ModelError: the backend is closed.
            SettingsError: no legal answer fits into `decoding.max_new_tokens`.
        """
        from text2sql.decoding.loop import decode

        with self._lock:
            return decode(
                [encode(prompt, self.tokenizer) for prompt in prompts],
                self._open_model(),
                self.tokenizer,
                decoding,
                stop_ids=stop_ids(self.base, self.tokenizer),
                guides=self._guides(prompts, decoding, schema, values),
                bindings=[self._binding(prompt) for prompt in prompts],
                prefixes=self._kept(),
                listen=listen,
            )

    def ask(
        self,
        prompts: Sequence[Prompt],
        decoding: Decoding,
        *,
        schema: Schema | None = None,
        values: Values | None = None,
        listen: Listen | None = None,
    ) -> "list[Asked]":
        """Return prompts as a batch takes them (`open_batch`); arguments as for `generate`."""
        from text2sql.decoding.loop import reader
        from text2sql.decoding.writers import Asked

        guides = self._guides(prompts, decoding, schema, values) or [None] * len(prompts)
        asked = []
        for place, (prompt, guide) in enumerate(zip(prompts, guides, strict=True)):
            encoded = encode(prompt, self.tokenizer)
            read = reader(self.tokenizer, self._binding(prompt))
            hear = partial(listen, place) if listen is not None else None
            asked.append(Asked(encoded.shared_ids, encoded.own_ids, read, guide, hear))
        return asked

    def open_batch(self, decoding: Decoding) -> "Batch":
        """Return an empty batch of this model, for one thread.

        Raises:
            ModelError: the backend is closed.
        """
        from text2sql.decoding.batch import Batch

        stops = stop_ids(self.base, self.tokenizer)
        return Batch(self._open_model(), decoding, stops, self._kept())

    def _open_model(self) -> Any:
        if self.model is None:
            raise ModelError(f"the model {self.base.name} is closed")
        return self.model

    def _kept(self) -> Any:
        from text2sql.decoding.cache import Prefixes

        if self._prefixes is None:
            self._prefixes = Prefixes()
        return self._prefixes

    def _binding(self, prompt: Prompt) -> Any:
        """Return what a prompt's pointers stand for; None where it has none."""
        from text2sql.decoding.binding import bind_prompt

        return bind_prompt(prompt, self.tokenizer) if prompt.pointers is not None else None

    def _guides(
        self,
        prompts: Sequence[Prompt],
        decoding: Decoding,
        schema: Schema | None,
        values: Values | None,
    ) -> list[Any] | None:
        if schema is None or decoding.constraint == "none":
            return None
        from text2sql.decoding.guides import make_guide

        asked = self.base, self.tokenizer, schema, decoding, values
        return [make_guide(prompt, *asked) for prompt in prompts]

    def close(self) -> None:
        """Let go of the model's memory."""
        self.model = self._prefixes = None


@dataclass
class ServerBackend:
    """An OpenAI-compatible server: `t2s serve`, vLLM, Ollama, `transformers serve` or OpenAI."""

    url: str  # up to and including /v1
    model: str
    base: Base
    timeout: float = 120.0  # seconds for one answer
    tokenizer: None = None
    grammar_refused: str | None = field(default=None, init=False)  # in the server's words
    _told: set[str] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        """Open the connection pool.

        Raises:
            MissingExtra: httpx is not installed.
        """
        try:
            import httpx
        except ImportError:
            raise MissingExtra("infer", "httpx") from None
        key = os.environ.get("OPENAI_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(timeout=self.timeout, headers=headers)

    def generate(
        self,
        prompts: Sequence[Prompt],
        decoding: Decoding,
        *,
        schema: Schema | None = None,
        values: Values | None = None,
        listen: Listen | None = None,
    ) -> list[list[Generation]]:
        """Ask for each prompt, one request a sample: not every server knows `n`.

        Raises:
            ModelError: the server is away, refuses, or answers in another form.
        """
        samples = range(decoding.num_samples)
        constraint = self._constraint(decoding, schema)
        return [
            [self._ask(prompt, decoding, sample, constraint) for sample in samples]
            for prompt in prompts
        ]

    def _constraint(self, decoding: Decoding, schema: Schema | None) -> dict[str, Any]:
        """Return the fields of a request that restrict its answer; none where it is free."""
        if decoding.constraint == "none" or schema is None or not schema.tables:
            return {}
        from text2sql.decoding.guides import unconstrained_reason
        from text2sql.decoding.lark import grammar_of

        reason = unconstrained_reason(schema.dialect)
        if reason is not None:
            self._tell(reason)
            return {}
        grammar = grammar_of(schema, dialect=schema.dialect)
        return {"structured_outputs": {"grammar": grammar}, "guided_grammar": grammar}

    def _tell(self, reason: str) -> None:
        if reason not in self._told:
            self._told.add(reason)
            print(f"decoding without a constraint: {reason}", file=sys.stderr)

    def _ask(
        self, prompt: Prompt, decoding: Decoding, sample: int, constraint: dict[str, Any]
    ) -> Generation:
        answer = self._post(
            {
                "model": self.model,
                "messages": [{"role": "user", "content": prompt.text}],
                "temperature": decoding.effective_temperature,
                "top_p": decoding.top_p,
                "max_tokens": decoding.max_new_tokens,
                "seed": decoding.seed + sample,
                "stream": False,
            },
            constraint,
        )
        try:
            text, used = answer["choices"][0]["message"]["content"] or "", answer.get("usage") or {}
            tokens = int(used.get("completion_tokens") or 0)
            if not isinstance(text, str):
                raise TypeError
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            raise ModelError(f"{self.shown} did not answer with a chat completion") from None
        return Generation(text.encode(errors="replace").decode(), tokens)

    @property
    def shown(self) -> str:
        """The address as it may be printed."""
        return hide_password(self.url)

    def _post(self, body: dict[str, Any], constraint: dict[str, Any]) -> Any:
        import httpx

        extra = {} if self.grammar_refused else constraint
        response = self._send(body | extra)
        reason = redact(" ".join(response.text.split())[:300], self.url)
        if extra and _refuses_grammar(response):
            self.grammar_refused = reason
            self._tell(f"{self.shown} takes no grammar ({response.status_code}): {reason}")
            return self._post(body, {})
        if response.status_code != httpx.codes.OK:
            raise ModelError(f"{self.shown} refused the request ({response.status_code}): {reason}")
        try:
            return response.json()
        except (ValueError, RecursionError):
            raise ModelError(f"{self.shown} did not answer with JSON") from None

    def _send(self, body: dict[str, Any]) -> Any:
        import httpx

        try:
            return self._client.post(f"{self.url.rstrip('/')}/chat/completions", json=body)
        except httpx.TimeoutException:
            raise ModelError(f"{self.shown} gave no answer within {self.timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ModelError(f"cannot reach {self.shown}: {redact(str(error), self.url)}") from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _refuses_grammar(response: Any) -> bool:
    """Tell whether a server complains of the grammar, or of the fields that hold it."""
    words = ("structured_outputs", "grammar")
    return response.status_code in (400, 422) and any(word in response.text for word in words)
