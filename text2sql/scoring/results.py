"""Tell whether two results are the same by Spider's rule.

    >>> same_rows([(1, "a"), (2, "b")], [("b", 2), ("a", 1)], ordered=False)
    True

Covered: columns in any order, rows in any order unless asked, duplicates counted, values equal as
Python compares them (1 equals 1.0, 1 does not equal "1"); wide results, by matching columns
instead of trying their permutations. The official program's first test is kept: values of each row
are sorted as text, so that a row (1, 15) and a row (1.0, 15) differ, because "1.0" sorts before
"15" and "1" after it.
Not covered: results in which more than `STEPS` choices among alike columns fail; they count as
different (the official program would need years).

The rule is `result_eq` in exec_eval.py (taoyds/test-suite-sql-eval at e97acc5). Its sampling of 20
rows only drops permutations that cannot fit, so leaving it out changes no verdict.
"""

import marshal
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

STEPS = 10_000

Row = tuple[Any, ...]


def same_rows(gold: Sequence[Row], predicted: Sequence[Row], *, ordered: bool) -> bool:
    """Tell whether the columns of `predicted` can be put in an order that gives the rows of `gold`.

    Args:
        gold: rows of equal length.
        predicted: rows of equal length.
        ordered: whether rows must come in the same order; else they are compared as bags.
    """
    if len(gold) != len(predicted):
        return False
    if not gold or _identical(gold, predicted):
        return True
    if len(gold[0]) != len(predicted[0]):
        return False
    gold, predicted = comparable(gold), comparable(predicted)
    if _quickly_rejected(gold, predicted, ordered):
        return False
    if ordered:  # a permutation exists exactly if both have the same bag of whole columns
        return Counter(zip(*gold, strict=True)) == Counter(zip(*predicted, strict=True))
    return Counter(gold) == Counter(predicted) or _Matching().fits(gold, predicted)


def comparable(rows: Sequence[Row]) -> list[Row]:
    """Make rows hashable: DuckDB's lists and structs become tuples, and NaN equals NaN."""
    types = {type(value) for row in rows for value in row}
    if types & {list, dict, set} or (float in types and any(v != v for row in rows for v in row)):
        return [tuple(map(_hashable, row)) for row in rows]
    return rows if isinstance(rows, list) else list(rows)


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return ("struct", *((key, _hashable(item)) for key, item in value.items()))
    if isinstance(value, list | tuple | set):
        return ("list", *map(_hashable, value))
    return "NaN" if value != value else value


def _identical(gold: Sequence[Row], predicted: Sequence[Row]) -> bool:
    """Tell whether both are the same to the last type: the usual case, decided without a search."""
    try:
        return marshal.dumps(list(gold), 2) == marshal.dumps(list(predicted), 2)
    except ValueError:  # a type that marshal does not know, such as DuckDB's dates
        return False


def _quickly_rejected(gold: Sequence[Row], predicted: Sequence[Row], ordered: bool) -> bool:
    """Apply the official first test: rows with their values sorted as text must agree."""
    collect: Callable[[Iterable[Row]], object] = list if ordered else set
    return collect(map(_sorted_as_text, gold)) != collect(map(_sorted_as_text, predicted))


def _sorted_as_text(row: Row) -> Row:
    return row if len(row) == 1 else tuple(sorted(row, key=_text_and_type))


def _text_and_type(value: Any) -> str:
    return str(value) + str(type(value))


@dataclass(frozen=True, slots=True)
class _Side:
    """One result while its columns are matched."""

    columns: list[tuple[Any, ...]]  # those without a partner yet
    rows: list[int]  # classes: rows with equal values in the matched columns share one


class _Matching:
    """A search for the order of columns that gives up after `STEPS` choices.

    A column can only stand for another one that holds the same bag of (row class, value). Columns
    with one possible partner are settled together; what remains are columns that look alike, of
    which each choice splits the classes further.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.numbers: dict[
            Hashable, int
        ] = {}  # shared by both sides, so that equal things get equal numbers

    def fits(self, gold: Sequence[Row], predicted: Sequence[Row]) -> bool:
        """Tell whether some order of the predicted columns gives the same bag of rows."""
        rows = [0] * len(gold)
        gold_columns, predicted_columns = zip(*gold, strict=True), zip(*predicted, strict=True)
        return self._search(_Side(list(gold_columns), rows), _Side(list(predicted_columns), rows))

    def _search(self, gold: _Side, predicted: _Side) -> bool:
        if not gold.columns:
            return True
        ours, theirs = self._alike(gold), self._alike(predicted)
        if {key: len(ours[key]) for key in ours} != {key: len(theirs[key]) for key in theirs}:
            return False
        settled = [(ours[key][0], theirs[key][0]) for key in ours if len(ours[key]) == 1]
        if settled:
            return self._pair(gold, predicted, settled)
        key = min(ours, key=lambda key: len(ours[key]))
        distinct = {predicted.columns[place]: place for place in theirs[key]}
        return any(self._pair(gold, predicted, [(ours[key][0], i)]) for i in distinct.values())

    def _alike(self, side: _Side) -> dict[int, list[int]]:
        """Group the places of columns by the bag of (row class, value) that they hold."""
        groups: dict[int, list[int]] = defaultdict(list)
        for place, column in enumerate(side.columns):
            bag = Counter(zip(side.rows, column, strict=True))
            groups[self._number(frozenset(bag.items()))].append(place)
        return groups

    def _pair(self, gold: _Side, predicted: _Side, pairs: list[tuple[int, int]]) -> bool:
        self.steps += 1
        if self.steps > STEPS:
            return False
        gold = self._match(gold, [ours for ours, _ in pairs])
        predicted = self._match(predicted, [theirs for _, theirs in pairs])
        return Counter(gold.rows) == Counter(predicted.rows) and self._search(gold, predicted)

    def _match(self, side: _Side, places: list[int]) -> _Side:
        """Take columns out and split the row classes by their values."""
        taken = [side.columns[place] for place in places]
        rows = [self._number(key) for key in zip(side.rows, *taken, strict=True)]
        return _Side([c for place, c in enumerate(side.columns) if place not in places], rows)

    def _number(self, key: Hashable) -> int:
        return self.numbers.setdefault(key, len(self.numbers))
