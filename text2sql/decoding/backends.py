"""Where text comes from: a model in this process, or a server that speaks OpenAI's protocol.

    >>> backend = ServerBackend("http://127.0.0.1:8000/v1", "my-model", base=base)
    >>> backend.generate([prompt], Decoding())[0][0].text
    'SELECT count(*) FROM orders'

A backend has `base`, `tokenizer` (None where a server has it) and `generate(prompts, decoding)`,
which takes the prompts of one batch. The key of a server is read from OPENAI_API_KEY and
sent to that server alone: redirects are not followed.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from text2sql.bases.catalogue import Base
from text2sql.databases import hide_password, redact
from text2sql.decoding.generation import Decoding, Generation, generate
from text2sql.errors import MissingExtra, ModelError
from text2sql.prompting.encoding import encode, stop_ids
from text2sql.prompting.segments import Prompt


class Backend(Protocol):
    """What generates; see the module's header."""

    base: Base
    tokenizer: Any

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding) -> list[list[Generation]]:
        """Return the texts of each prompt of one batch."""
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

    def __post_init__(self) -> None:
        """Drop the generation settings that came with the weights.

        transformers fills from them what a call leaves open, so that a repetition penalty in a hub
        repository would change a score (`GenerationMixin._prepare_generation_config`).
        """
        from transformers import GenerationConfig

        self.model.generation_config = GenerationConfig()
        if hasattr(self.model, "get_base_model"):  # of an adapter, which asks both
            self.model.get_base_model().generation_config = GenerationConfig()

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding) -> list[list[Generation]]:
        """Return the texts of each prompt of one batch.

        Raises:
            ModelError: the backend is closed.
        """
        if self.model is None:
            raise ModelError(f"the model {self.base.name} is closed")
        encoded = [encode(prompt, self.tokenizer) for prompt in prompts]
        stops = stop_ids(self.base, self.tokenizer)
        return generate(encoded, self.model, self.tokenizer, decoding, stop_ids=stops)

    def close(self) -> None:
        """Let go of the model's memory."""
        self.model = None


@dataclass
class ServerBackend:
    """An OpenAI-compatible server: `t2s serve`, vLLM, Ollama, `transformers serve` or OpenAI."""

    url: str  # up to and including /v1
    model: str
    base: Base
    timeout: float = 120.0  # seconds for one answer
    tokenizer: None = None

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

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding) -> list[list[Generation]]:
        """Ask for each prompt, one request a sample: not every server knows `n`.

        Raises:
            ModelError: the server is away, refuses, or answers in another form.
        """
        samples = range(decoding.num_samples)
        return [[self._ask(prompt, decoding, sample) for sample in samples] for prompt in prompts]

    def _ask(self, prompt: Prompt, decoding: Decoding, sample: int) -> Generation:
        answer = self._post(
            {
                "model": self.model,
                "messages": [{"role": "user", "content": prompt.text}],
                "temperature": decoding.effective_temperature,
                "top_p": decoding.top_p,
                "max_tokens": decoding.max_new_tokens,
                "seed": decoding.seed + sample,
                "stream": False,
            }
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

    def _post(self, body: dict[str, Any]) -> Any:
        import httpx

        try:
            response = self._client.post(f"{self.url.rstrip('/')}/chat/completions", json=body)
        except httpx.TimeoutException:
            raise ModelError(f"{self.shown} gave no answer within {self.timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ModelError(f"cannot reach {self.shown}: {redact(str(error), self.url)}") from None
        if response.status_code != httpx.codes.OK:
            reason = redact(" ".join(response.text.split())[:300], self.url)
            raise ModelError(f"{self.shown} refused the request ({response.status_code}): {reason}")
        try:
            return response.json()
        except (ValueError, RecursionError):
            raise ModelError(f"{self.shown} did not answer with JSON") from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
