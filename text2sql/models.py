"""Open the model that a command or the Predictor names: a base, an adapter on it, or a server.

    >>> with open_model("mini", adapter="runs/first") as model:
    ...     fitted = model.prompt("How many orders?", schema, today=date.today())
    ...     candidates = model.answer([fitted], schema, Decoding(), explain=None)[0].candidates

A model knows its base's prompt and answer format: nothing after it asks which base it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Self

from text2sql.bases import Base, find_base, load_model, load_tokenizer
from text2sql.bundled import ensure_mini
from text2sql.databases import hide_password
from text2sql.decoding.backends import Backend, LocalBackend, ServerBackend
from text2sql.decoding.candidates import Candidate, judge
from text2sql.decoding.generation import Decoding, Generation, Listen
from text2sql.errors import ModelError
from text2sql.execution import Execution
from text2sql.execution.sampling import Values
from text2sql.prompting import Card, Fitted, check_card, fit, read_card
from text2sql.prompting.answers import ANSWERS
from text2sql.prompting.budget import count_tokens
from text2sql.prompting.building import takes_turns
from text2sql.prompting.formats import resolve
from text2sql.schema.mentions import StoredCells
from text2sql.schema.model import Schema
from text2sql.schema.rendering import Sample

DEFAULT_CONTEXT = 4096  # tokens, where neither the base nor its configuration says
SERVER_CONTEXT = 16_384  # tokens; a server does not say, and refuses what is too long
ANSWER_ROOM = 256  # tokens that a prompt leaves for the SQL, where the decoding settings do not say
CALL_BATCHES = 8  # in one call: a batch whose rows are finished takes in the prompts that wait


@dataclass
class Model:
    """A backend with what it needs to be asked: formats, style, language, context."""

    backend: Backend
    base: Base
    style: str
    language: str
    context: int  # tokens of prompt and answer together
    described: dict[str, Any] = field(default_factory=dict)  # for a manifest

    def prompt(
        self,
        question: str,
        schema: Schema,
        *,
        today: date,
        evidence: str | None = None,
        sample: Sample | None = None,
        cells: StoredCells | None = None,
        room: int = ANSWER_ROOM,
        **further: Any,
    ) -> Fitted:
        """Return the prompt for a question; a schema that is too wide is reduced by relevance.

        Args:
            question: as a person asks it.
            schema: of the database that is asked.
            today: the date that the prompt carries.
            evidence: what the question's words mean here.
            sample: rows of a table (`execution.sampler`), for styles that show them.
            cells: texts of the database (`cells.DatabaseCells`), for formats that point at them.
            room: tokens that are left for the answer.
            further: what else `build_prompt` takes: history, time_zone, fiscal_start.

        Raises:
            PromptError: the question is empty or too long, or not even the smallest schema fits.
        """
        return fit(
            question,
            schema,
            base=self.base,
            tokenizer=self.backend.tokenizer,
            max_length=self.context - room,
            style=self.style,
            language=self.language,
            today=today,
            evidence=evidence,
            sample=sample,
            cells=cells,
            **further,
        )

    def count(self, fitted: Fitted) -> int:
        """Return a prompt's tokens; estimated where a server has the tokenizer."""
        return count_tokens(fitted.prompt, self.backend.tokenizer)

    @property
    def takes_turns(self) -> bool:
        """Whether its prompts have a place for earlier questions with their SQL."""
        return takes_turns(self.base.prompt_format, self.backend.tokenizer)

    @property
    def points(self) -> bool:
        """Whether it points at names of the schema, and knows no other words for them."""
        return resolve(self.base.prompt_format, self.backend.tokenizer).task.pointers

    def answer(
        self,
        fitted: Sequence[Fitted],
        schema: Schema,
        decoding: Decoding,
        *,
        explain: Callable[[str], Execution] | None,
        values: Values | None = None,
        listen: Listen | None = None,
    ) -> list[Answered]:
        """Generate for prompts on one database, and judge what came.

        Args:
            fitted: at most `call_size` of them.
            schema: of the database; a local backend lets no other names be written.
            decoding: samples, temperature, constraint, tokens: of a base that points at names
                no more than its answers need.
            explain: the engine's EXPLAIN; None leaves that layer of verification out.
            values: the distinct values of a column, for the constraint `values`.
            listen: is told what has been written of each text so far, where the backend can.

        Returns:
            For each prompt its candidates, in the model's order, and the tokens that they took.
        """
        prompts = [f.prompt for f in fitted]
        most = ANSWERS[self.base.answer_format].longest or decoding.max_new_tokens
        decoding = replace(decoding, max_new_tokens=min(most, decoding.max_new_tokens))
        heard: dict[str, Any] = {} if listen is None else {"listen": _sayable(listen)}
        written = self.backend.generate(prompts, decoding, schema=schema, values=values, **heard)
        return [self._judge(texts, schema, explain) for texts in written]

    def _judge(
        self,
        written: Sequence[Generation],
        schema: Schema,
        explain: Callable[[str], Execution] | None,
    ) -> Answered:
        texts = [_whole(generation.text) for generation in written]
        judged = judge(texts, base=self.base, schema=schema, explain=explain)
        return Answered(judged, sum(generation.tokens for generation in written))

    def call_size(self, decoding: Decoding) -> int:
        """Return how many prompts `answer` takes at once.

        A server answers one request after another, so that more would only delay what is kept of a
        run that is killed.
        """
        batches = CALL_BATCHES if isinstance(self.backend, LocalBackend) else 1
        return batches * decoding.batch_size

    def close(self) -> None:
        """Release the model."""
        self.backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model wrote for one prompt."""

    candidates: list[Candidate]
    tokens: int


def open_model(
    base: str | None = None,
    *,
    adapter: str | Path | None = None,
    style: str | None = None,
    language: str | None = None,
    dtype: str = "auto",
    device_map: str | None = None,
    revision: str | None = None,
    load_in_4bit: bool = False,
    trust_remote_code: bool | None = None,
    load: Callable[..., Any] = load_model,
    backend: Callable[[Any, Any, Base], Backend] = LocalBackend,
) -> Model:
    """Open a base, with or without an adapter.

    Args:
        base: a name, hub id, folder, or `http://host/v1#model`; None means the adapter's own, else
            `mini`.
        adapter: a folder that training wrote; its prompt card decides style and language.
        style: of the schema in the prompt; None means the card's, else the base's.
        language: of the instruction, `en` or `zh`; None means the card's, else `en`.
        dtype: float32, bfloat16, float16 or auto.
        device_map: as in transformers.
        revision: of the base on the hub.
        load_in_4bit: through bitsandbytes.
        trust_remote_code: let the base's repository run its own code; None refuses.
        load: takes what `load_model` takes; that of a `bases.sharing.Pool` shares weights.
        backend: generates with what was loaded, its tokenizer and base.

    Raises:
        UnknownName: no such base or style.
        ModelError: the base cannot be loaded, or the adapter was trained on another prompt or base.
    """
    if base and "://" in base:
        return _open_server(base, adapter, style, language)
    card = read_card(Path(adapter)) if adapter else None
    found = find_base(base or (card.base if card else "mini"))
    if card:
        found = replace(found, prompt_format=card.format, answer_format=card.answer_format)
    if found.name == "mini":
        ensure_mini()
    source: dict[str, Any] = {"revision": revision, "trust_remote_code": trust_remote_code}
    tokenizer = load_tokenizer(found, **source)
    if card:
        check_card(card, tokenizer, found)
        _refuse_other_prompt(card, style, language)
    model = load(
        found,
        dtype=dtype,
        device_map=device_map,
        load_in_4bit=load_in_4bit,
        adapter=adapter,
        **source,
    )
    return Model(
        backend(model, tokenizer, found),
        found,
        card.style if card else style or found.style,
        card.language if card else language or "en",
        context_of(found, model),
        {
            "base": found.name,
            "hub_id": found.hub_id,
            "revision": revision,
            "adapter": str(adapter) if adapter else None,
        }
        | {"dtype": str(model.dtype), "load_in_4bit": load_in_4bit},
    )


def _refuse_other_prompt(card: Card, style: str | None, language: str | None) -> None:
    for name, given, own in (("style", style, card.style), ("language", language, card.language)):
        if given is not None and given != own:
            raise ModelError(
                f"the adapter was trained with {name} {own!r}:"
                f" {name} {given!r} would change its prompt"
            )


def context_of(base: Base, model: Any) -> int:
    """Return how many tokens of prompt and answer a loaded model takes."""
    own = getattr(model.config, "max_position_embeddings", None) or getattr(
        model.config, "n_positions", None
    )
    known = [value for value in (base.context_length, own) if value]
    return min(known, default=DEFAULT_CONTEXT)


def _open_server(
    address: str, adapter: str | Path | None, style: str | None, language: str | None
) -> Model:
    url, mark, name = address.partition("#")
    if not mark or not name:
        shown = hide_password(url)
        raise ModelError(f"a server is named with its model, such as {shown}#my-model")
    if adapter:
        raise ModelError("an adapter cannot be put on a server's model: start the server with it")
    base = replace(find_base("generic"), name=hide_password(address))
    backend = ServerBackend(url, name, base)
    described = {"base": base.name, "hub_id": None, "revision": None, "adapter": None}
    return Model(backend, base, style or "ddl", language or "en", SERVER_CONTEXT, described)


def _whole(text: str) -> str:
    """Return a text without half characters, which a server may send and nobody can write."""
    return text.encode(errors="replace").decode()


def _sayable(listen: Listen) -> Listen:
    return lambda place, sample, text: listen(place, sample, _whole(text))
