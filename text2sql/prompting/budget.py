"""Fit a prompt into a number of tokens: what the question needs least of a schema goes.

    >>> fitted = fit(question, schema, base=base, tokenizer=tokenizer, max_length=2048, today=day)
    >>> fitted.schema.left_out
    ('audit_log', 'orders.legacy_code')

The question, its evidence and the instruction are never cut. Without a tokenizer (a server has it)
tokens are estimated from characters.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from text2sql.bases.base import Base
from text2sql.errors import PromptError, SchemaError
from text2sql.prompting.building import build_prompt
from text2sql.prompting.encoding import encode
from text2sql.prompting.segments import Prompt
from text2sql.schema.model import Schema

CHARACTERS_PER_TOKEN = 3.2  # of DDL and English under a 32k byte-level BPE, measured
NARROW_CHARACTERS_PER_TOKEN = 1.0  # of Chinese, counted on the safe side


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
        options: what else `build_prompt` takes.

    Raises:
        PromptError: a question that is empty or too long, or not even the smallest useful schema
            fits.
    """
    options |= {"format": format or base.prompt_format, "style": style or base.style}

    def build(candidate: Schema) -> Prompt:
        return build_prompt(question, candidate, today=today, tokenizer=tokenizer, **options)

    prompt = build(schema)
    length = count_tokens(prompt, tokenizer)
    if length <= max_length:
        return Fitted(prompt, schema)
    reduced = _reduced(
        question,
        schema,
        lambda s: count_tokens(build(s), tokenizer) <= max_length,
        max_length,
        length,
    )
    return Fitted(build(reduced), reduced)


def _reduced(question: str, schema: Schema, fits: Any, max_length: int, length: int) -> Schema:
    from text2sql.schema.linking import prune

    try:
        return prune(schema, question, fits)
    except SchemaError as error:
        raise PromptError(
            f"the prompt needs {length:,} tokens of {max_length:,}, and reducing the schema does"
            f" not help: {error}"
        ) from None


def count_tokens(prompt: Prompt, tokenizer: Any) -> int:
    """Count a prompt's tokens; without a tokenizer, estimate them."""
    if tokenizer is not None:
        return len(encode(prompt, tokenizer).ids)
    wide = sum(ord(character) > 0x2E7F for character in prompt.text)
    return round(
        (len(prompt.text) - wide) / CHARACTERS_PER_TOKEN + wide / NARROW_CHARACTERS_PER_TOKEN
    )
