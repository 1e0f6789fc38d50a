"""Plain text tables: scores by hardness with counts and intervals.

    >>> print(report(scores))
    execution_accuracy      n  right  accuracy  95 % interval
    easy                  248    232     93.5%  89.8% - 96.0%
    ...

Covered: aligned columns, wide (Chinese) characters included; cells on one line.
Not covered: colours, and tables wider than the terminal.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

GROUPS = {
    "easy": "easy",
    "medium": "medium",
    "hard": "hard",
    "extra": "extra",
    "all": "all",
    "without_empty_gold": "all, gold not empty",
}
_LISTED = 12  # examples or classes named on one line


class Scored(Protocol):
    """Anything with a scorecard as `text2sql.scoring.Scores` has it."""

    @property
    def scorecard(self) -> dict[str, Any]: ...


def report(scores: Scored | Mapping[str, Any]) -> str:
    """Return one table a metric, then what was left out and what failed.

    Args:
        scores: what `score` returned, or the contents of a scorecard.json.
    """
    card = scores if isinstance(scores, Mapping) else scores.scorecard
    tables = [_metric_table(metric, groups) for metric, groups in card["metrics"].items()]
    return "\n\n".join([*tables, _remarks(card)])


def _metric_table(metric: str, groups: Mapping[str, Mapping[str, Any]]) -> str:
    shown = [name for name in GROUPS if groups[name]["n"] or name == "all"]
    rows = [(GROUPS[name], *share_cells(groups[name])) for name in shown]
    return text_table((metric, "n", "right", "accuracy", "95 % interval"), rows)


def share_cells(share: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return count, right ones, accuracy and interval as printed; `-` for what is unknown."""
    correct = share["correct"]
    right = str(correct) if isinstance(correct, int) else f"{correct:.2f}"
    if share["accuracy"] is None:
        return str(share["n"]), right, "-", "-"
    interval = "-" if share["low"] is None else f"{share['low']:.1%} - {share['high']:.1%}"
    return str(share["n"]), right, f"{share['accuracy']:.1%}", interval


def coverage_rows(curve: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the cells of a risk-coverage curve, the surest questions first.

    Args:
        curve: the scorecard's `risk_coverage`.
    """
    rows: list[tuple[str, ...]] = []
    for point in curve["points"]:
        n, right, accuracy, interval = share_cells(point)
        rows.append(
            (f"{point['threshold']:.0%}", n, f"{point['coverage']:.1%}", right, accuracy, interval)
        )
    return rows


def _remarks(card: Mapping[str, Any]) -> str:
    manifest = card["manifest"]
    data = " ".join(filter(None, (manifest.get("data"), manifest.get("split"))))
    lines = [
        f"{card['n']} examples of {data or 'no named data set'}, rule {manifest.get('rule')}, "
        f"databases {manifest.get('database_set')}; intervals: {card['interval']}",
        f"{card['failed']} predictions did not run; gold of {card['empty_gold']} returns no row",
    ]
    parts = (_left_out(card), _options(card), _differences(card), _errors(card))
    return "\n".join([*lines, *chain.from_iterable(parts)])


def _left_out(card: Mapping[str, Any]) -> Iterator[str]:
    if card["bad_gold"]:
        read = next(iter(card["metrics"]), "") == "exact_set_match"
        why = "is beyond Spider's parser" if read else "does not run"
        yield f"{card['bad_gold']} examples left out: their gold SQL {why}"
    for metric, groups in card["metrics"].items():
        missing = card["n"] - card["bad_gold"] - groups["all"]["n"]
        if missing:
            yield f"{metric}: {missing} gold without a value"


def _options(card: Mapping[str, Any]) -> Iterator[str]:
    """Say what makes the figures other ones than those of the same name elsewhere."""
    said = card["manifest"].get("scoring") or {}
    if said.get("samples"):
        lacking = f", {said['missing']} missing and counted as wrong" if said["missing"] else ""
        yield f"{said['samples']} samples a question{lacking}; right by {said['metric']}"
    if said.get("engine"):
        kept = card.get("gold_kept") or {"kept": 0, "n": 0}
        yield f"run on {said['engine']}, gold and predictions ported: no figure of the benchmark"
        yield f"{kept['kept']} of {kept['n']} gold queries keep their result there"
    if said.get("plug_value"):
        yield "the gold query's values were tried in the predictions (--plug-value)"
    if said.get("as_of"):
        yield f"the clock stood at {said['as_of']}"


def _differences(card: Mapping[str, Any]) -> Iterator[str]:
    for side, found in (card.get("differ") or {}).items():
        if found["n"]:
            rule = side.removesuffix("_only")
            listed = ", ".join(map(str, found["examples"][:_LISTED]))
            more = ", ..." if found["n"] > _LISTED else ""
            yield f"right by the {rule} rule only: {found['n']} (examples {listed}{more})"


def _errors(card: Mapping[str, Any]) -> Iterator[str]:
    found = card.get("error_classes") or {}
    if found:
        manifest = card["manifest"]
        judge = (manifest.get("scoring") or {}).get("metric") or manifest["metrics"][0]
        listed = [f"{name} {count}" for name, count in list(found.items())[:_LISTED]]
        yield f"wrong by {judge}, counted by what is wrong first: {', '.join(listed)}"


def text_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Align columns: the first to the left, the others to the right; two spaces between them.

    Args:
        header: one cell a column.
        rows: as many cells as the header; line breaks and control characters become spaces.
    """
    cells = [[one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_line(row, widths) for row in cells)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        (cell, " " * (width - display_width(cell))) for cell, width in zip(row, widths, strict=True)
    )
    return "  ".join([first[0] + first[1], *(pad + cell for cell, pad in others)]).rstrip()


def one_line(cell: object) -> str:
    # control characters of a value would move the terminal's cursor
    return "".join(c if c.isprintable() else " " for c in str(cell))


def display_width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
