"""Turn examples into training rows: token ids and labels, loss on the SQL only, nothing ever cut.

    >>> day = date(2026, 1, 1)
    >>> encoded = encode_examples(dataset, base, tokenizer, recipe, max_length=2048, today=day)
    >>> len(encoded.rows), [skip.reason for skip in encoded.skips]
    (6986, ['prompt and SQL need 2,310 tokens of 2,048', ...])

A schema that is too wide is reduced by relevance, exactly as at prediction time. An example whose
gold needs a column that the reduction left out teaches inventing names, so it counts as one that
does not fit.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from text2sql.bases.catalogue import Base
from text2sql.data.catalog import DataSet
from text2sql.decoding.pointing import as_answered
from text2sql.decoding.verification import verify
from text2sql.errors import DatabaseError, PromptError, SchemaError
from text2sql.examples import Example
from text2sql.prompting import encode, encode_completion, fit
from text2sql.schema import canonicalise
from text2sql.schema.model import Schema
from text2sql.training.recipe import Recipe
from text2sql.training.rows import IGNORED, Branch, Group, build_groups


@dataclass(frozen=True, slots=True)
class Skip:
    """An example that cannot be trained on as it is."""

    index: int
    db_id: str
    reason: str


@dataclass(slots=True)
class Encoded:
    """What a data set became: rows for the trainer, and everything that was left out or reduced."""

    rows: list[dict[str, list[int]]] = field(
        default_factory=list
    )  # input_ids and labels, equal length
    shared: list[int] = field(default_factory=list)  # tokens of each row that its schema has
    db_ids: list[str] = field(default_factory=list)  # of each row
    places: list[int] = field(default_factory=list)  # of each row's example in the data set
    difficulties: list[float] | None = None  # of each row, for an order; None: in any order
    skips: list[Skip] = field(default_factory=list)
    reduced: int = 0  # rows whose schema was reduced by relevance

    @property
    def tokens(self) -> int:
        """Tokens in all rows."""
        return sum(len(row["input_ids"]) for row in self.rows)

    @property
    def labelled(self) -> int:
        """Tokens that carry loss."""
        return sum(label != IGNORED for row in self.rows for label in row["labels"])

    def groups(self) -> list[Group]:
        """Return the rows by what they share: one group for each schema as it was shown."""
        found = []
        for place, (row, shared) in enumerate(zip(self.rows, self.shared, strict=True)):
            ids = row["input_ids"]
            end = row["labels"].count(IGNORED)  # the SQL stands at the end
            difficulty = self.difficulties[place] if self.difficulties is not None else 0.0
            branch = Branch(ids[shared:end], ids[end:], difficulty)
            found.append((ids[:shared], branch, self.db_ids[place]))
        return build_groups(found)


def encode_examples(
    dataset: DataSet,
    base: Base,
    tokenizer: Any,
    recipe: Recipe,
    *,
    max_length: int,
    today: date,
    progress: Callable[[int], None] = lambda done: None,
) -> Encoded:
    """Encode every example of a data set.

    Args:
        dataset: examples with their schemas.
        base: says the prompt's and the answer's format.
        tokenizer: the base's.
        recipe: style, language and `raw_sql`.
        max_length: tokens of prompt and SQL together at most.
        today: the date that the prompts carry.
        progress: called with the number of examples done.
    """
    encoded = Encoded()
    for done, example in enumerate(dataset.examples, start=1):
        try:
            row, shared, reduced = _encode(
                example, dataset, base, tokenizer, recipe, max_length, today
            )
        except (PromptError, SchemaError, DatabaseError) as error:
            encoded.skips.append(Skip(example.index, example.db_id, str(error)))
        else:
            encoded.rows.append(row)
            encoded.shared.append(shared)
            encoded.db_ids.append(example.db_id)
            encoded.places.append(done - 1)
            encoded.reduced += reduced
        progress(done)
    return encoded


def _encode(
    example: Example,
    dataset: DataSet,
    base: Base,
    tokenizer: Any,
    recipe: Recipe,
    max_length: int,
    today: date,
) -> tuple[dict[str, list[int]], int, bool]:
    schema = dataset.schema(example.db_id)
    sql = example.query.strip() if recipe.raw_sql else canonicalise(example.query, schema)
    length = len(encode_completion(sql, tokenizer, base, db_id=example.db_id))
    room = max_length - length  # pointers are never longer than what they stand for
    if room < 1:
        raise PromptError(f"the SQL alone needs {length:,} tokens of {max_length:,}")
    fitted = fit(
        example.question,
        schema,
        base=base,
        tokenizer=tokenizer,
        max_length=room,
        style=recipe.style,
        language=recipe.language,
        today=today,
        evidence=example.evidence,
        sample=dataset.sample(example.db_id),
        cells=dataset.cells(example.db_id),
    )
    refuse_lost_columns(sql, schema, fitted.schema)
    prompt = encode(fitted.prompt, tokenizer)
    answer = as_answered(sql, schema, fitted.prompt, base)
    completion = encode_completion(answer, tokenizer, base, db_id=example.db_id)
    row = {
        "input_ids": prompt.ids + completion,
        "labels": [IGNORED] * len(prompt.ids) + completion,
    }
    return row, len(prompt.shared_ids), bool(fitted.schema.left_out)


def refuse_lost_columns(sql: str, whole: Schema, reduced: Schema) -> None:
    """Make sure that a reduced schema still has what an answer names.

    Raises:
        PromptError: it has not, so that the answer would teach inventing names.
    """
    if not reduced.left_out or not verify(sql, whole).valid:
        return
    fault = verify(sql, reduced).fault
    if fault is not None:
        raise PromptError(f"its gold needs what the reduced schema left out: {fault.message}")
