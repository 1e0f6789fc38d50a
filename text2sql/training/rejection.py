"""Choose, among an adapter's own samples, what it is fine-tuned on next.

    >>> chosen = choose(questions, settings, seed=42, dialect=dialect)
    >>> len(chosen.examples), chosen.counts
    (812, {'kept': 590, 'gold': 197, 'hindsight': 25})

Of each question the right samples are kept that differ most in build: a model that already says
one query learns little from saying it again. Gold is mixed in, of the questions first that no
sample answered, so that training on easy questions alone does not narrow the model.

Rejection sampling: Yuan et al. 2023, arXiv:2308.01825, section 3.3, where distinct equations are
kept as distinct queries are here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from text2sql.examples import Example
from text2sql.training.feedback import Judged, Question, build_of, distinct_builds
from text2sql.training.hindsight import hindsight_examples
from text2sql.training.stage_settings import Reject

FindDialect = Callable[[str], str]  # from db_id to sqlglot's name


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to fine-tune on, and where it comes from."""

    examples: list[Example]
    counts: dict[str, int]  # kept samples, gold rows, rows of hindsight


def choose(
    questions: Sequence[Question], settings: Reject, *, seed: int, dialect: FindDialect
) -> Chosen:
    """Return the training examples of a rejection stage, in the order of the questions.

    Args:
        questions: with their samples.
        settings: how many samples of a question, and which share of gold.
        seed: of the choice of gold.
        dialect: of a database.
    """
    kept = [
        replace(question.example, queries=(each.sql,))
        for question in questions
        for each in diverse(
            question.lessons(question.right), settings.max_per_question, dialect(_db(question))
        )
    ]
    gold = _gold(questions, kept, settings.gold_share, Random(seed), dialect)
    hindsight = [
        row
        for question in questions
        for row in hindsight_examples(question, settings.hindsight_per_question)
    ]
    examples = sorted([*kept, *gold, *hindsight], key=lambda example: example.index)
    counts = {"kept": len(kept), "gold": len(gold), "hindsight": len(hindsight)}
    return Chosen(examples, counts)


def diverse(right: Sequence[Judged], most: int, dialect: str) -> list[Judged]:
    """Return samples of different build: the commonest, then always the one least like the others.

    Args:
        right: samples of one question.
        most: how many at most.
        dialect: of their SQL.
    """
    left = sorted(distinct_builds(right, dialect), key=lambda each: -each.count)
    chosen: list[Judged] = []
    while left and len(chosen) < most:
        best = max(left, key=lambda each: _distance(each, chosen))  # of equals the commonest
        left.remove(best)
        chosen.append(best)
    return chosen


def _distance(one: Judged, others: Sequence[Judged]) -> float:
    """Return the Jaccard distance between words to the nearest of others."""
    words = set(one.sql.lower().split())
    shares = (
        len(words & set(other.sql.lower().split())) / len(words | set(other.sql.lower().split()))
        for other in others
    )
    return 1 - max(shares, default=0.0)


def _gold(
    questions: Sequence[Question],
    kept: Sequence[Example],
    share: float,
    random: Random,
    dialect: FindDialect,
) -> list[Example]:
    """Return gold examples that make up their share of all, as far as there are any.

    A question of which gold is already among the kept has no other to give. Without a kept sample
    there is nothing to mix gold into: that would be plain fine-tuning under another name.
    """
    count = round(len(kept) * share / (1 - share))
    there = {(e.index, build_of(e.query, dialect(e.db_id))) for e in kept}
    golds = [
        question
        for question in questions
        if (question.example.index, build_of(question.example.query, dialect(_db(question))))
        not in there
    ]
    random.shuffle(golds)
    golds.sort(key=lambda question: bool(question.right))
    return [question.example for question in golds[:count]]


def _db(question: Question) -> str:
    return question.example.db_id
