"""Training rows from mistakes: a wrong query, what is wrong with it, and the right one to write.

    >>> print(hindsight_examples(question, 1)[0].evidence)
    A wrong answer: SELECT nme FROM customers
    What is wrong with it: no such column: nme

The mistake stands in the question's own part of the prompt, where evidence stands: the schema is
still shared, and the loss is on the right SQL alone. A model that was shown such rows can be asked
again with its own mistake as evidence.

Chain of hindsight: Liu et al. 2023, arXiv:2302.02676, which puts feedback in words before the
preferred output. There the loss is on all outputs; here what is wrong is never a label.
"""

from dataclasses import replace

from text2sql.examples import Example
from text2sql.training.feedback import Judged, Question


def hindsight_examples(question: Question, most: int) -> list[Example]:
    """Return examples that show a wrong sample and ask for gold, the commonest mistakes first.

    Args:
        question: with its samples.
        most: how many at most.
    """
    wrong = sorted(question.lessons(question.wrong), key=lambda each: -each.count)
    return [_example(question.example, each) for each in wrong[:most]]


def _example(example: Example, wrong: Judged) -> Example:
    lines = [
        example.evidence,
        f"A wrong answer: {' '.join(wrong.sql.splitlines())}",
        f"What is wrong with it: {wrong.verdict.error}",
    ]
    return replace(example, evidence="\n".join(filter(None, lines)))
