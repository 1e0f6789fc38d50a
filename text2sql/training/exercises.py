"""A training question as token ids, and its answers as the base writes them.

    >>> exercise = pose(example, [example.query], dataset, base, tokenizer, recipe)
    >>> row = exercise.prompt.ids + exercise.answers[0]

Every stage poses its questions here: fine-tuning with gold, preference with a right and a wrong
answer, reinforcement with none. Of a base that points, the answers point at what the prompt shows,
so they are written once the prompt is there.

Covered: a schema that is too wide is reduced by relevance, exactly as at prediction time. Gold that
needs what the reduction left out would teach inventing names: such a question does not fit.
Nothing is ever cut: what cannot be used is a `Skip` with its reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from text2sql.bases import Base
from text2sql.data.catalog import DataSet
from text2sql.decoding.pointing import as_answered
from text2sql.decoding.verification import verify
from text2sql.errors import (
    DatabaseError,
    DataError,
    PromptError,
    SchemaError,
    Text2SQLError,
    Unsayable,
)
from text2sql.examples import Example
from text2sql.prompting import EncodedPrompt, Fitted, encode, encode_completion, fit
from text2sql.schema import canonicalise
from text2sql.schema.model import Schema
from text2sql.training.processes import tell
from text2sql.training.recipe import Recipe

REFUSALS = (PromptError, SchemaError, DatabaseError)  # what `pose` raises of one question
SHOWN = 5  # skips that are named one by one


@dataclass(frozen=True, slots=True)
class Exercise:
    """A question as the base reads it."""

    fitted: Fitted
    prompt: EncodedPrompt
    answers: list[list[int]]  # ids, stop token included, of each answer that was given


def pose(
    example: Example,
    answers: Sequence[str],
    dataset: DataSet,
    base: Base,
    tokenizer: Any,
    recipe: Recipe,
    *,
    room: int = 0,
) -> Exercise:
    """Return a question and its answers as ids that fit into `recipe.max_length` together.

    Args:
        example: the question; a reduced schema must have what its gold needs.
        answers: SQL to write, right or wrong.
        dataset: its schema.
        base: says the formats.
        tokenizer: the base's.
        recipe: settled: style, language, day, `max_length`, `raw_sql`.
        room: tokens that an answer may need at least.

    Raises:
        Unsayable: the base's answer format has no words for an answer.
        PromptError: not even the smallest schema fits, or what gold needs does not.
    """
    assert recipe.max_length is not None and recipe.today is not None
    schema = dataset.schema(example.db_id)
    texts = [sql.strip() if recipe.raw_sql else canonicalise(sql, schema) for sql in answers]
    written = [encode_completion(sql, tokenizer, base, db_id=example.db_id) for sql in texts]
    longest = max([room, *map(len, written)])
    if longest >= recipe.max_length:
        raise PromptError(f"the SQL alone needs {longest:,} tokens of {recipe.max_length:,}")
    fitted = fit(
        example.question,
        schema,
        base=base,
        tokenizer=tokenizer,
        max_length=recipe.max_length - longest,
        style=recipe.style,
        language=recipe.language,
        today=date.fromisoformat(recipe.today),
        evidence=example.evidence,
        sample=dataset.sample(example.db_id),
        cells=dataset.cells(example.db_id),
    )
    _refuse_lost_columns(canonicalise(example.query, schema), schema, fitted.schema)
    said = [as_answered(sql, schema, fitted.prompt, base) for sql in texts]
    ids = [encode_completion(text, tokenizer, base, db_id=example.db_id) for text in said]
    return _checked(Exercise(fitted, encode(fitted.prompt, tokenizer), ids), recipe.max_length)


def _checked(exercise: Exercise, max_length: int) -> Exercise:
    """Refuse what is too long after all: FROM first and full names may be longer than the SQL."""
    needed = len(exercise.prompt.ids) + max(map(len, exercise.answers), default=0)
    if needed > max_length:
        raise PromptError(f"prompt and SQL need {needed:,} tokens of {max_length:,}")
    return exercise


def _refuse_lost_columns(sql: str, whole: Schema, reduced: Schema) -> None:
    """Make sure that a reduced schema still has what an answer names.

    Raises:
        PromptError: it has not, so that the answer would teach inventing names.
    """
    if not reduced.left_out or not verify(sql, whole).valid:
        return
    fault = verify(sql, reduced).fault
    if fault is not None:
        raise PromptError(f"its gold needs what the reduced schema left out: {fault.message}")


@dataclass(frozen=True, slots=True)
class Skip:
    """An example that cannot be trained on as it is."""

    index: int
    db_id: str
    reason: str
    sayable: bool = True  # False: no setting helps, the base's answers have no words for its SQL

    @classmethod
    def of(cls, example: Example, error: Text2SQLError) -> "Skip":
        """Return why `pose` refused an example."""
        return cls(example.index, example.db_id, str(error), not isinstance(error, Unsayable))


def settle_skips(skips: Sequence[Skip], total: int, *, allowed: bool) -> None:
    """Report what is left out; stop where that is not allowed, or where nothing is left.

    What the base has no words for is left out without asking: no setting would change it.

    Args:
        skips: of the examples.
        total: examples.
        allowed: those that do not fit may be left out.

    Raises:
        DataError: examples do not fit, or none is left.
    """
    too_long = [skip for skip in skips if skip.sayable]
    if too_long and not allowed:
        raise DataError(
            f"{len(too_long)} of {total} examples do not fit;"
            f" leave them out with --allow-skips or raise max_length: {_named(too_long)}"
        )
    if len(skips) == total:
        raise DataError(f"no example is left to train on: {_named(skips)}")
    report_skips(skips)


def report_skips(skips: Sequence[Skip]) -> None:
    """Name the first examples that are left out, and count those that the base cannot say."""
    for skip in skips[:SHOWN]:
        tell(f"left out: {_name(skip)}")
    if unsayable := sum(not skip.sayable for skip in skips):
        tell(f"{unsayable:,} left out because the base's answers have no words for their SQL")


def _named(skips: Sequence[Skip]) -> str:
    return "; ".join(map(_name, skips[:SHOWN]))


def _name(skip: Skip) -> str:
    return f"example {skip.index} ({skip.db_id}): {skip.reason}"
