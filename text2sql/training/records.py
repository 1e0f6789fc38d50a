"""Turn examples into training rows: token ids and labels, loss on the SQL only, nothing ever cut.

    >>> day = date(2026, 1, 1)
    >>> encoded = encode_examples(dataset, base, tokenizer, recipe, max_length=2048, today=day)
    >>> len(encoded.rows), [skip.reason for skip in encoded.skips]
    (6986, ['prompt and SQL need 2,310 tokens of 2,048', ...])

Not covered: what of a question fits, and how the base writes its answer (`exercises`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from text2sql.bases.catalogue import Base
from text2sql.data.catalog import DataSet
from text2sql.examples import Example
from text2sql.training.exercises import REFUSALS, Skip, pose
from text2sql.training.recipe import Recipe
from text2sql.training.rows import IGNORED, Branch, Group, build_groups


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
    recipe = recipe.model_copy(update={"max_length": max_length, "today": today.isoformat()})
    for done, example in enumerate(dataset.examples, start=1):
        try:
            row, shared, reduced = _encode(example, dataset, base, tokenizer, recipe)
        except REFUSALS as error:
            encoded.skips.append(Skip.of(example, error))
        else:
            encoded.rows.append(row)
            encoded.shared.append(shared)
            encoded.db_ids.append(example.db_id)
            encoded.places.append(done - 1)
            encoded.reduced += reduced
        progress(done)
    return encoded


def _encode(
    example: Example, dataset: DataSet, base: Base, tokenizer: Any, recipe: Recipe
) -> tuple[dict[str, list[int]], int, bool]:
    exercise = pose(example, [example.query], dataset, base, tokenizer, recipe)
    prompt, (answer,) = exercise.prompt, exercise.answers
    row = {"input_ids": prompt.ids + answer, "labels": [IGNORED] * len(prompt.ids) + answer}
    return row, len(prompt.shared_ids), bool(exercise.fitted.schema.left_out)
