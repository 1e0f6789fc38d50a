"""How many tokens a data set has, example by example, before anything is loaded.

    >>> lengths = measure(dataset, find_base("codellama-7b"), recipe)
    >>> len(lengths.examples), lengths.tokens, lengths.estimated
    (7000, 3604127, True)

The prompts are built as training builds them. Their tokens are counted by the base's own tokenizer
where its tokenizer.json is on this machine and `tokenizers` is installed; otherwise they are
estimated from the number of characters, and marked so.

Not covered: reducing a schema to a length, which needs the real tokenizer: such an example is
counted with `max_length` tokens. One with more names than a base has pointers is reduced.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from text2sql.bases.base import Base
from text2sql.data.catalog import DataSet
from text2sql.decoding.pointing import as_answered
from text2sql.errors import DataError, PromptError, SchemaError
from text2sql.examples import Example
from text2sql.prompting import Prompt, fit
from text2sql.schema import canonicalise
from text2sql.schema.model import Schema

# Characters of DDL per token of a 32,000-token byte-level BPE that was trained on Python: ours.
CHARACTERS_PER_TOKEN = 3.2
STOP = 1  # token that ends every SQL
TODAY = date(2026, 1, 1)  # any date has as many characters
UNLIMITED = 2**40  # tokens

_POINTER = re.compile(r" ?<[tcvw]\d+>")


@dataclass(frozen=True, slots=True)
class Length:
    """Tokens of one example."""

    db_id: str
    shared: int  # up to the end of the schema
    own: int  # the question's part of the prompt
    sql: int  # with its stop; these carry loss

    @property
    def total(self) -> int:
        """Tokens of the example in a row of its own."""
        return self.shared + self.own + self.sql


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of a data set."""

    examples: list[Length]
    estimated: bool
    reduced: int  # examples whose schema is too wide and will be reduced
    # examples for which no prompt can be built, that do not fit without schema, or whose SQL the
    # base's answers have no words for
    skipped: int

    @property
    def tokens(self) -> int:
        """Tokens of one row for each example."""
        return sum(length.total for length in self.examples)


def measure(dataset: DataSet, base: Base, recipe: Any) -> Lengths:
    """Count or estimate the tokens of every example.

    Args:
        dataset: examples with their schemas.
        base: its prompt format, and its tokenizer if it is there.
        recipe: style, language and `max_length`.

    Raises:
        DataError: no example is left.
    """
    counter = find_counter(base)
    count = cache(counter or estimate)
    longest = recipe.max_length or base.context_length or 2048
    found = [_length(example, dataset, base, recipe, count) for example in dataset.examples]
    built = [each for each in found if each and each[0].own + each[0].sql < longest]
    if not built:
        raise DataError("no example is left to train on")
    fitted = [_fitted(length, longest) for length, _ in built]
    reduced = sum(wide or length.total > longest for length, wide in built)
    return Lengths(fitted, counter is None, reduced, len(found) - len(built))


def estimate(text: str) -> int:
    """Estimate the tokens of a text: Latin ones by a ratio, one for each character beyond ASCII.

    A pointer is one token, with the blank before it.
    """
    text, pointers = _POINTER.subn("", text)
    ascii_letters = sum(map(str.isascii, text)) if not text.isascii() else len(text)
    return round(ascii_letters / CHARACTERS_PER_TOKEN) + len(text) - ascii_letters + pointers


def find_counter(base: Base) -> Callable[[str], int] | None:
    """Return what counts tokens with the base's tokenizer; None where it is not on this machine."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None
    path = _tokenizer_file(base)
    if path is None:
        return None
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception:  # the library raises plain Exception for a file that it cannot read
        return None
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _tokenizer_file(base: Base) -> Path | None:
    name = "tokenizer.json"
    if base.path is not None or base.name == "mini":
        from text2sql.bases import mini

        path = (base.path or mini.place()) / name
        return path if path.exists() else None
    if base.hub_id is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(base.hub_id, name)
    return Path(cached) if isinstance(cached, str) else None


def _length(
    example: Example, dataset: DataSet, base: Base, recipe: Any, count: Callable[[str], int]
) -> tuple[Length, bool] | None:
    """Return the tokens of an example, and whether its schema has more names than can be shown."""
    try:
        schema = dataset.schema(example.db_id)
        fitted = fit(
            example.question,
            schema,
            base=base,
            tokenizer=None,
            max_length=UNLIMITED,
            today=TODAY,
            language=recipe.language,
            style=recipe.style,
            evidence=example.evidence,
            sample=dataset.sample(example.db_id),
            cells=dataset.cells(example.db_id),
        )
        sql = _answer(example.query, schema, fitted.prompt, base)
    except (PromptError, SchemaError):
        return None  # training names it
    prompt = fitted.prompt
    written = count(prompt.lead + sql) + STOP
    shared, own = count(prompt.shared_text), count(prompt.own_text)
    return Length(example.db_id, shared, own, written), bool(fitted.schema.left_out)


def _answer(sql: str, schema: Schema, prompt: Prompt, base: Base) -> str:
    if prompt.pointers is None:
        return sql.strip()
    return as_answered(canonicalise(sql, schema), schema, prompt, base)


def _fitted(length: Length, longest: int) -> Length:
    room = longest - length.own - length.sql
    return Length(length.db_id, min(length.shared, room), length.own, length.sql)
