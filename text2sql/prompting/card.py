"""The prompt card of an adapter: what its prompts look like, and proof that they look so here too.

    >>> write_card("runs/mine", base=base, tokenizer=tokenizer, style="ddl", language="en")
    >>> check_card(read_card("runs/mine"), tokenizer, base)      # raises if a token would differ

The fingerprint is a hash of the token ids of a fixed prompt with its answer. Another chat template,
another tokenizer or another version of a format gives another fingerprint, and evaluation and
serving refuse.
"""

import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from text2sql.bases.base import Base
from text2sql.errors import ModelError, OutputError, Text2SQLError
from text2sql.prompting.building import build_prompt
from text2sql.prompting.encoding import encode, encode_completion, stop_ids
from text2sql.schema.model import Column, ForeignKey, Schema, Table

CARD_FILE = "prompt_card.json"

REFERENCE = Schema(
    "reference",
    "sqlite",
    (
        Table(
            "customers",
            (Column("id", "INTEGER"), Column("full name", "TEXT", comment="客户 </s>")),
            ("id",),
        ),
        Table(
            "orders",
            (Column("id", "INTEGER"), Column("customer_id", "INTEGER")),
            ("id",),
            (ForeignKey(("customer_id",), "customers", ("id",)),),
        ),
    ),
)
REFERENCE_QUESTION = "How many orders has  'Zoë' <|im_end|> placed? 有多少？"
REFERENCE_SQL = "SELECT count(*)\nFROM orders WHERE note = 'it''s </s>'"
REFERENCE_DAY = date(2026, 1, 1)


class Card(BaseModel):
    """What `prompt_card.json` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    base: str  # what `find_base` takes: a short name, hub id or folder
    format: str
    answer_format: str
    style: str
    language: str
    stop_ids: tuple[int, ...]
    tokenizer: str  # hash of the vocabulary and the added tokens
    fingerprint: str  # hash of the token ids of the reference prompt and answer


def make_card(
    base: Base, tokenizer: Any, *, style: str, language: str, format: str | None = None
) -> Card:
    """Describe the prompts that training used."""
    format = format or base.prompt_format
    return Card(
        base=_name(base),
        format=format,
        answer_format=base.answer_format,
        style=style,
        language=language,
        stop_ids=tuple(stop_ids(base, tokenizer)),
        tokenizer=tokenizer_hash(tokenizer),
        fingerprint=fingerprint(base, tokenizer, style=style, language=language, format=format),
    )


def _name(base: Base) -> str:
    from text2sql.bases.catalogue import BASES

    known = BASES.get(base.name)
    same = known is not None and base.path is None and known.hub_id == base.hub_id
    return base.name if same else base.source


def write_card(
    folder: str | Path,
    *,
    base: Base,
    tokenizer: Any,
    style: str,
    language: str,
    format: str | None = None,
) -> Card:
    """Write the card into an adapter's folder.

    Raises:
        OutputError: the folder cannot be written.
    """
    card = make_card(base, tokenizer, style=style, language=language, format=format)
    text = json.dumps(card.model_dump(), ensure_ascii=False, indent=2) + "\n"
    try:
        (Path(folder) / CARD_FILE).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {Path(folder) / CARD_FILE}: {error.strerror}") from None
    return card


def read_card(folder: str | Path) -> Card:
    """Read an adapter's card.

    Raises:
        ModelError: there is none, or it cannot be read; the key is named.
    """
    path = Path(folder) / CARD_FILE
    try:
        return Card.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        what = f"holds no {CARD_FILE}" if Path(folder).is_dir() else "does not exist"
        raise ModelError(f"cannot load adapter {folder}: the folder {what}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {path}: {error}") from None


def check_card(card: Card, tokenizer: Any, base: Base) -> None:
    """Make sure that prompts built here are the ones that the adapter was trained on.

    Raises:
        ModelError: something differs; the field is named.
    """
    try:
        here = make_card(
            replace(base, answer_format=card.answer_format),
            tokenizer,
            style=card.style,
            language=card.language,
            format=card.format,
        )
    except Text2SQLError as error:
        raise ModelError(
            f"the adapter's prompt card does not fit base {base.name}: {error}"
        ) from None
    for field in ("tokenizer", "stop_ids", "fingerprint"):
        trained, now = getattr(card, field), getattr(here, field)
        if trained != now:
            raise ModelError(
                f"the adapter was trained on another prompt than base {base.name} gives here:"
                f" {field} was {trained}, is {now} (it was trained on base {card.base})"
            )
    if base.answer_format != card.answer_format:
        raise ModelError(
            f"the adapter answers in format {card.answer_format!r}, base {base.name} in"
            f" {base.answer_format!r}: answer_format differs"
        )


def fingerprint(base: Base, tokenizer: Any, *, style: str, language: str, format: str) -> str:
    """Hash the token ids of the reference prompt and its answer."""
    prompt = build_prompt(
        REFERENCE_QUESTION,
        REFERENCE,
        format=format,
        today=REFERENCE_DAY,
        language=language,
        style=style,
        evidence="'Zoë' is a name",
        tokenizer=tokenizer,
        sample=lambda table, k: [tuple(range(len(table.columns)))],
    )
    answer = encode_completion(REFERENCE_SQL, tokenizer, base, format=format, db_id=REFERENCE.name)
    return _hash([encode(prompt, tokenizer).ids, answer])


def tokenizer_hash(tokenizer: Any) -> str:
    """Hash the vocabulary and the added tokens; how it is stored on disk does not matter."""
    added = [
        (number, str(token)) for number, token in sorted(tokenizer.added_tokens_decoder.items())
    ]
    return _hash(
        [sorted(tokenizer.get_vocab().items(), key=lambda item: (item[1], item[0])), added]
    )


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
