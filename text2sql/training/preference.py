"""Direct preference optimisation on pairs from execution: right against wrong on one question.

    >>> pairs = choose_pairs(questions, settings, dialect=dialect)
    >>> pairs[0].chosen, pairs[0].rejected
    ('SELECT count(*) FROM orders', 'SELECT count(*) FROM customers')

The token ids are ours, as everywhere: trl would tokenise prompt and answer as one text, lose the
border between them, and cut at 1,024 tokens. The reference is the adapter that the stage starts
from, kept frozen beside the one that learns (or the base alone, where there is none).

Rafailov et al. 2023, arXiv:2305.18290. Covered: the losses of trl's DPOTrainer, mixtures of them
too (`loss_type: [sigmoid, sft]` is the mixture of RPO, Pang et al. 2024, arXiv:2404.19733).
Not covered: sharing of the schema among pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any

from text2sql.bases import Base
from text2sql.data.catalog import DataSet
from text2sql.examples import Example
from text2sql.training.exercises import REFUSALS, Skip, pose
from text2sql.training.feedback import Question, distinct_builds
from text2sql.training.history import MeasureAt
from text2sql.training.recipe import Recipe
from text2sql.training.sft import new_adapter
from text2sql.training.stage_settings import Dpo
from text2sql.training.trainers import arguments, run_trainer, with_recipe

if TYPE_CHECKING:
    from text2sql.training.following import Outcome

_SAME_NAME = ("beta", "loss_type", "loss_weights", "label_smoothing", "precompute_ref_log_probs")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one question, the right one first."""

    example: Example
    chosen: str
    rejected: str
    reason: str | None  # what is wrong with the rejected one

    def record(self) -> dict[str, Any]:
        """Return what stands in pairs.jsonl."""
        texts = {"chosen": self.chosen, "rejected": self.rejected, "reason": self.reason}
        e = self.example
        return {"index": e.index, "db_id": e.db_id, "question": e.question} | texts


def choose_pairs(
    questions: Sequence[Question], settings: Dpo, *, dialect: Callable[[str], str]
) -> list[Pair]:
    """Return pairs, near misses first: what differs least says most clearly what matters.

    Args:
        questions: with their samples; one that has only right or only wrong ones gives no pair.
        settings: how many pairs of a question, and whether gold may stand in for right samples.
        dialect: of a database.
    """
    return [
        pair
        for question in questions
        for pair in _pairs(question, settings, dialect(question.example.db_id))
    ]


def _pairs(question: Question, settings: Dpo, dialect: str) -> list[Pair]:
    """Pair each wrong build with the right one nearest to it, a right one at most once more often.

    The right ones take turns, so that one of them is not preferred over everything.
    """
    example = question.example
    right = [each.sql for each in distinct_builds(question.lessons(question.right), dialect)]
    right = right or ([example.query] if settings.use_gold else [])
    wrong = distinct_builds(question.lessons(question.wrong), dialect)
    near = sorted(
        ((_likeness(sql, each.sql), sql, each) for sql in right for each in wrong),
        key=lambda entry: (-entry[0], -entry[2].count),
    )
    uses, pairs = dict.fromkeys(right, 0), dict[str, Pair]()
    while len(pairs) < min(len(wrong), settings.max_pairs_per_question) and right:
        least = min(uses.values())
        sql, each = next(
            (sql, each) for _, sql, each in near if each.sql not in pairs and uses[sql] == least
        )
        uses[sql] += 1
        pairs[each.sql] = Pair(example, sql, each.sql, each.verdict.error)
    return list(pairs.values())


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.lower().split(), other.lower().split(), autojunk=False).ratio()


@dataclass(slots=True)
class EncodedPairs:
    """Pairs as token ids: `prompt_ids`, `chosen_ids`, `rejected_ids`."""

    rows: list[dict[str, list[int]]] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """Tokens that one epoch reads: the prompt counts twice."""
        return sum(
            2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"])
            for row in self.rows
        )


def encode_pairs(
    pairs: Sequence[Pair], dataset: DataSet, base: Base, tokenizer: Any, recipe: Recipe
) -> EncodedPairs:
    """Encode pairs; one that does not fit, or that the base cannot say, is left out and named.

    Args:
        pairs: from `choose_pairs`.
        dataset: their schemas.
        base: says the formats.
        tokenizer: the base's.
        recipe: settled.
    """
    encoded = EncodedPairs()
    for pair in pairs:
        try:
            encoded.rows.append(_encode(pair, dataset, base, tokenizer, recipe))
        except REFUSALS as error:
            encoded.skips.append(Skip.of(pair.example, error))
    return encoded


def _encode(
    pair: Pair, dataset: DataSet, base: Base, tokenizer: Any, recipe: Recipe
) -> dict[str, list[int]]:
    example = replace(pair.example, queries=(pair.chosen,))
    answers = [pair.chosen, pair.rejected]
    exercise = pose(example, answers, dataset, base, tokenizer, recipe)
    chosen, rejected = exercise.answers
    return {
        "prompt_ids": exercise.prompt.ids,
        "chosen_ids": chosen,
        "rejected_ids": rejected,
    }


def fit_preferences(
    model: Any,
    tokenizer: Any,
    recipe: Recipe,
    settings: Dpo,
    encoded: EncodedPairs,
    folder: Path,
    *,
    measure: MeasureAt | None = None,
) -> "tuple[Any, Outcome]":
    """Train on pairs, from the last checkpoint in the folder on.

    Args:
        model: with the adapter to go on from, or without one.
        tokenizer: the base's.
        recipe: the stage's.
        settings: of the loss.
        encoded: at least one pair.
        folder: of the stage.
        measure: execution accuracy while it trains.

    Returns:
        The trained model, and how its training ended.

    Raises:
        Interrupted, TrainingError: as `run_trainer`.
    """
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    class Trainer(with_recipe(DPOTrainer, recipe)):  # type: ignore[misc]
        def _prepare_dataset(self, dataset: Any, *unused: Any) -> Any:
            return dataset  # tokenised, and nothing in it is too long

    own = {key: getattr(settings, key) for key in _SAME_NAME}
    trainer = Trainer(
        model=model,
        args=DPOConfig(**arguments(recipe, folder / "checkpoints"), **own, max_length=None),
        train_dataset=Dataset.from_list(encoded.rows),
        processing_class=tokenizer,
        peft_config=new_adapter(model, recipe),
    )
    size = {"examples": len(encoded.rows), "tokens": encoded.tokens}
    ended = run_trainer(trainer, folder, recipe, **size, measure=measure, resume=True)
    return trainer.model, ended
