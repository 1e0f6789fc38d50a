"""Fit a prompt into a number of tokens: what the question needs least of a schema goes.

    >>> fitted = fit(question, schema, base=base, tokenizer=tokenizer, max_length=2048, today=day)
    >>> fitted.schema.left_out
    ('audit_log', 'orders.legacy_code')

A schema that fits beside no question is split once into packs of joined tables (`schema.packs`):
the question chooses one, and the few tables that it needs beside it open its own part. So questions
on a wide schema still share a prefix. A schema that only this question's length pushes out, or that
a published format puts behind the question, is reduced by relevance instead.

The question, its evidence and the instruction are never cut. Without a tokenizer (a server has it)
tokens are estimated from characters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import floor, inf, log2
from typing import Any

from text2sql.bases.base import Base
from text2sql.errors import PromptError, SchemaError
from text2sql.prompting.building import build_prompt, shares_schema
from text2sql.prompting.encoding import encode
from text2sql.prompting.formats import resolve
from text2sql.prompting.segments import Prompt
from text2sql.schema.mentions import StoredCells, linker
from text2sql.schema.model import Schema
from text2sql.schema.pointers import fits as pointable

CHARACTERS_PER_TOKEN = 3.2  # of DDL and English under a 32k byte-level BPE, measured
NARROW_CHARACTERS_PER_TOKEN = 1.0  # of Chinese, counted on the safe side
PACK_SHARE = 0.75  # of the prompt that a pack may take; the rest is for strays and the question


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits, and the schema that it holds."""

    prompt: Prompt
    schema: Schema  # `left_out` names what a reduction removed

    def report(self) -> str:
        """Say what was left out, in one line; empty where nothing was."""
        left_out = self.schema.left_out
        shown = ", ".join(left_out[:8]) + (
            f", ... ({len(left_out)} in all)" if len(left_out) > 8 else ""
        )
        return f"left out of the schema, by relevance: {shown}" if left_out else ""


def fit(
    question: str,
    schema: Schema,
    *,
    base: Base,
    tokenizer: Any,
    max_length: int,
    today: date | None,
    format: str | None = None,
    style: str | None = None,
    cells: StoredCells | None = None,
    **options: Any,
) -> Fitted:
    """Build a prompt of at most `max_length` tokens.

    Args:
        question: never cut.
        schema: reduced by relevance where it is too wide.
        base: says the prompt format and the schema's style.
        tokenizer: of transformers; None estimates.
        max_length: tokens of the prompt, bos included.
        today: see `build_prompt`.
        format: the prompt's, if it is not the base's own.
        style: the schema's, if it is not the base's own.
        cells: texts of the database, for a format that points at them.
        options: what else `build_prompt` takes.

    Raises:
        PromptError: a question that is empty or too long, or not even the smallest useful schema
            fits.
    """
    asked: dict[str, Any] = {"format": format or base.prompt_format, "style": style or base.style}

    def build(candidate: Schema, strays: Schema | None = None) -> Prompt:
        return build_prompt(
            question,
            candidate,
            today=today,
            tokenizer=tokenizer,
            strays=strays,
            **asked,
            **options,
        )

    def fits(candidate: Schema, strays: Schema | None = None) -> bool:
        if points and not pointable(candidate, strays):
            return False
        return count_tokens(build(candidate, strays), tokenizer) <= max_length

    points = resolve(asked["format"]).task.pointers
    if points and "mentions" not in options:
        found = linker(schema, cells)
        options["mentions"] = found.mentions(question.strip())
        options["evidence_mentions"] = found.mentions((options.get("evidence") or "").strip())
    packs = _packs(schema, tokenizer, max_length, **asked, **_shared_options(options))
    if packs and (fitted := _packed(question, schema, packs, build, fits)):
        return fitted
    if not packs and fits(schema):
        return Fitted(build(schema), schema)
    from text2sql.schema.linking import prune

    try:
        reduced = prune(schema, question, fits)
    except SchemaError as error:
        pointed = not points or pointable(schema)
        if pointed:
            tokens = count_tokens(build(schema), tokenizer)
            wanted = f"the prompt needs {tokens:,} tokens of {max_length:,}"
        else:
            wanted = (
                f"the schema has more names than the base can point at, with {max_length:,} tokens"
            )
        raise PromptError(f"{wanted}, and reducing the schema does not help: {error}") from None
    return Fitted(build(reduced), reduced)


Build = Callable[..., Prompt]
Fits = Callable[..., bool]  # of a schema, and of strays beside it


def _shared_options(options: dict[str, Any]) -> dict[str, Any]:
    """Keep what the shared part of a prompt depends on, hashable."""
    return {key: options[key] for key in ("language", "dialect", "sample") if options.get(key)}


@lru_cache(maxsize=32)
def _packs(
    schema: Schema, tokenizer: Any, max_length: int, *, format: str, style: str, **options: Any
) -> tuple[Schema, ...]:
    """Split a schema that fits beside no question; () where it fits, or is the question's own part.

    The size of a pack is a power of two, so that training, which leaves room for the SQL, and
    serving split alike.
    """
    from text2sql.schema.packs import split

    points = resolve(format, tokenizer).task.pointers

    def length(candidate: Schema) -> float:
        if points and not pointable(candidate):
            return inf
        prompt = build_prompt(
            "?",
            candidate,
            today=None,
            tokenizer=tokenizer,
            format=format,
            style=style,
            **options,
        )
        return count_tokens(prompt, tokenizer)

    if not shares_schema(format, tokenizer) or length(schema) <= max_length:
        return ()
    room = 2 ** floor(log2(max(1.0, PACK_SHARE * max_length)))
    try:
        return split(schema, lambda part: length(part) <= room)
    except SchemaError:
        return ()


def _packed(
    question: str,
    schema: Schema,
    packs: tuple[Schema, ...],
    build: Build,
    fits: Fits,
) -> Fitted | None:
    """Return the prompt with the pack that the question chooses; None where it does not fit."""
    from text2sql.schema.packs import choose

    chosen = choose(question, schema, packs)
    if not fits(chosen.pack):
        return None
    strays = chosen.strays(lambda tables: fits(chosen.pack, tables))
    return Fitted(build(chosen.pack, strays), chosen.joined(strays))


def count_tokens(prompt: Prompt, tokenizer: Any) -> int:
    """Count a prompt's tokens; without a tokenizer, estimate them."""
    if tokenizer is not None:
        return len(encode(prompt, tokenizer).ids)
    wide = sum(ord(character) > 0x2E7F for character in prompt.text)
    return round(
        (len(prompt.text) - wide) / CHARACTERS_PER_TOKEN + wide / NARROW_CHARACTERS_PER_TOKEN
    )
