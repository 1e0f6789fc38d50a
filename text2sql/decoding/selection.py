"""Choose one SQL among a model's samples: by validity, by running them, by vote, by least risk.

    >>> found = select(candidates, executor.execute, selection="vote")
    >>> found.candidate.sql, found.agreement
    ('SELECT count(*) FROM orders', 0.8)

| selection | chooses | where nothing has a result |
| --- | --- | --- |
| `first` | the first valid sample | sample 0 |
| `executes` | the first valid sample that runs within its deadline | as `first` |
| `vote` | the first sample with the commonest result | as `executes` |
| `mbr` | the sample whose result is nearest to all others' in the mean | as `executes` |

Covered: SQL that comes up several times runs once; samples that fail verification never run;
results are compared as execution accuracy compares them (bags of rows, columns in any order); ties
go to the sample that the model gave first; agreement as confidence, and abstention below a
threshold.
Not covered: weights by probability. A result that was cut at a cap neither votes nor takes part in
the mean; a single sample is chosen without being run.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from text2sql.decoding.candidates import Candidate
from text2sql.decoding.generation import Decoding
from text2sql.errors import SettingsError, UnknownName
from text2sql.execution import Execution
from text2sql.execution.results import failed
from text2sql.scoring.results import comparable, same_rows
from text2sql.scoring.sampled import majority_vote

Run = Callable[[str], Execution]  # under a deadline; what fails is in the result
Rule = Callable[[Sequence[Candidate], Sequence[Execution]], int]  # the place of the chosen one


@dataclass(frozen=True, slots=True)
class Selected:
    """The chosen sample, how many others say the same, and what was run to find out."""

    place: int  # in the model's order
    candidate: Candidate
    agreement: float | None  # share of samples with its result; None: there is one sample alone
    ran: dict[str, Execution]  # by SQL

    def run_error(self, candidate: Candidate) -> str | None:
        """Return why a sample failed when it ran; None where it ran, or was not run."""
        execution = self.ran.get(candidate.sql)
        return execution.error if execution else None


def select(candidates: Sequence[Candidate], run: Run | None, *, selection: str) -> Selected:
    """Choose one of the samples for one question.

    Args:
        candidates: at least one, in the model's order, judged.
        run: runs SQL on the database that was asked; None runs nothing: samples then agree where
            their SQL is the same, and only `first` can choose.
        selection: a name in SELECTIONS.

    Raises:
        SettingsError: the selection compares results, and nothing may be run.
        UnknownName: there is no such selection.
    """
    rule = find_selection(selection)
    if run is None and rule is not first:
        raise SettingsError(f"selection {selection!r} runs the samples: without running, use first")
    if run is None or len(candidates) == 1:
        place = first(candidates, [])
        return Selected(place, candidates[place], _same_sql(place, candidates), {})
    ran = {sql: run(sql) for sql in dict.fromkeys(c.sql for c in candidates if c.valid)}
    results = [ran.get(c.sql) or _refused(c) for c in candidates]
    place = rule(candidates, results)
    return Selected(place, candidates[place], _same_result(place, results), ran)


def first(candidates: Sequence[Candidate], results: Sequence[Execution]) -> int:
    """Return the place of the first sample that passes every layer of verification, else 0."""
    return next((place for place, candidate in enumerate(candidates) if candidate.valid), 0)


def executes(candidates: Sequence[Candidate], results: Sequence[Execution]) -> int:
    """Return the place of the first sample that runs, else that of the first valid one.

    Wang et al. 2018, "Robust Text-to-SQL Generation with Execution-Guided Decoding",
    arXiv:1807.03100, with whole queries in the place of partial ones.
    """
    ran = (place for place, result in enumerate(results) if result.error is None)
    return next(ran, first(candidates, results))


def vote(candidates: Sequence[Candidate], results: Sequence[Execution]) -> int:
    """Return the place of the first sample with the commonest result.

    Self-consistency by execution result: Wang et al. 2023, arXiv:2203.11171.
    """
    if not any(map(_has_result, results)):
        return executes(candidates, results)
    return majority_vote(results)


def mbr(candidates: Sequence[Candidate], results: Sequence[Execution]) -> int:
    """Return the place of the sample whose result has the least expected distance to the others'.

    Minimum Bayes risk over execution results: Shi et al. 2022, "Natural Language to Code
    Translation with Execution", arXiv:2204.11454 (MBR-exec). Their loss is 0 or 1; ours is
    `distance`, so that results that share rows or cells support each other in part. Samples without
    a result are equally far from all and change nothing.
    """
    distinct = {_identity(r): r for r in results if _has_result(r)}
    if not distinct:
        return executes(candidates, results)
    weights = Counter(map(_identity, results))
    contents = {key: Content(result.rows) for key, result in distinct.items()}

    def risk(key: int) -> float:
        here = contents[key]
        total = sum(weights[other] * distance(here, there) for other, there in contents.items())
        return round(total, 9)  # sums in another order must not break a tie

    best = min(distinct, key=risk)
    return next(place for place, result in enumerate(results) if _identity(result) == best)


SELECTIONS: dict[str, Rule] = {"first": first, "executes": executes, "vote": vote, "mbr": mbr}


def find_selection(name: str) -> Rule:
    """Return a rule by its name.

    Raises:
        UnknownName: there is no such selection.
    """
    if name not in SELECTIONS:
        raise UnknownName("selection", name, SELECTIONS)
    return SELECTIONS[name]


class Content:
    """What a result holds, as bags: its cells, and its rows with their cells in any order."""

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._rows = comparable(rows)

    @cached_property
    def cells(self) -> Counter[Hashable]:
        """How often each value occurs."""
        return Counter(value for row in self._rows for value in row)

    @cached_property
    def rows(self) -> Counter[Hashable]:
        """How often each row occurs."""
        return Counter(frozenset(Counter(row).items()) for row in self._rows)


def distance(one: Content, other: Content) -> float:
    """Return how far two results are from each other.

    Returns:
        1 less the mean of two F1 scores, that of the cells and that of the rows as bags: 0 for
        results that are the same but for the order of rows and columns, 1 where no cell is shared.
    """
    return 1 - (_f1(one.cells, other.cells) + _f1(one.rows, other.rows)) / 2


def _f1(one: Counter[Hashable], other: Counter[Hashable]) -> float:
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0


def _identity(result: Execution) -> int:
    """Return what equal SQL shares: it ran once, and its samples have that one result."""
    return id(result)


def _has_result(result: Execution) -> bool:
    return result.error is None and not result.truncated


def _refused(candidate: Candidate) -> Execution:
    return failed("refused", candidate.fault.message if candidate.fault else "not run")


def _same_sql(place: int, candidates: Sequence[Candidate]) -> float | None:
    if len(candidates) < 2:
        return None
    chosen = candidates[place]
    return chosen.valid * sum(c.sql == chosen.sql for c in candidates) / len(candidates)


def _same_result(place: int, results: Sequence[Execution]) -> float:
    chosen = results[place]
    if chosen.error is not None:
        return 0.0
    return sum(_agree(chosen, result) for result in results) / len(results)


def _agree(one: Execution, other: Execution) -> bool:
    if one is other:
        return True
    both = _has_result(one) and _has_result(other)
    return both and same_rows(one.rows, other.rows, ordered=False)


def check_selection(decoding: Decoding, abstain_below: float | None = None) -> None:
    """Refuse a selection or threshold that cannot work, before a model is loaded.

    Args:
        decoding: names the selection, and says how many samples there will be.
        abstain_below: the least agreement with which a question is answered; None answers all.

    Raises:
        UnknownName: there is no such selection.
        SettingsError: the threshold is no share, or there is one sample alone.
    """
    find_selection(decoding.selection)
    if abstain_below is None:
        return
    if not 0 <= abstain_below <= 1:
        raise SettingsError(f"abstain_below is a share between 0 and 1, not {abstain_below:g}")
    if decoding.num_samples < 2:
        raise SettingsError("abstain_below compares samples: give num_samples of at least 2")


def abstention(agreement: float | None, abstain_below: float | None) -> str | None:
    """Say why a question is not answered; None where it is."""
    if agreement is None or abstain_below is None or agreement >= abstain_below:
        return None
    return f"abstained: {agreement:.0%} of the samples agree, below {abstain_below:.0%}"
