"""Plain listings for the terminal: rows of a query, nested settings, data set checks, bases.

>>> print(rows_table(["tier", "n"], [("gold", 12), ("basic", 300)]))
tier     n
gold    12
basic  300
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from text2sql.bases.base import Base
from text2sql.data.checks import Finding, GoldCheck
from text2sql.reporting.tables import coverage_rows, display_width, one_line, text_table

ROWS_SHOWN = 20
LISTED = 20
SQL_SHOWN = 120  # characters
_OUTCOMES = {
    "runs": "run with rows",
    "empty": "come back empty",
    "fails": "fail",
    "timeout": "take too long",
    "no_database": "have no database",
    "clock": "read the clock",
    "random": "are random",
    "tied_limit": "cut between ties",
    "tied_order": "leave ties in their order",
}
_CANDIDATES = {"first_candidate": "first candidate", "chosen": "chosen candidate"}


def rows_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    truncated: bool = False,
    shown: int = ROWS_SHOWN,
) -> str:
    """Align the rows of a result: numbers right, text left; say how many are not shown.

    Args:
        columns: names, one a column.
        rows: as many values as columns; None is printed as NULL.
        truncated: the rows were cut already.
        shown: rows printed at most.
    """
    cells = [["NULL" if v is None else one_line(v) for v in row] for row in rows[:shown]]
    header = [one_line(name) for name in columns]
    right = [
        all(_is_number(row[i]) for row in rows[:shown]) and bool(rows) for i in range(len(header))
    ]
    widths = [max(map(display_width, column)) for column in zip(header, *cells, strict=True)]
    lines = [_line(row, widths, right) for row in (header, *cells)]
    left = len(rows) - len(cells)
    if left or truncated:
        lines.append(f"... and {left:,} rows more" + (" (cut at the row cap)" if truncated else ""))
    return "\n".join(lines) if rows else "\n".join([*lines, "(no rows)"])


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, int | float) or type(value).__name__ == "Decimal"


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        " " * (width - display_width(cell)) + cell
        if to_right
        else cell + " " * (width - display_width(cell))
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()


def names(found: Sequence[str], shown: int = 8) -> str:
    """List names, the first few of many."""
    more = f", ... ({len(found):,} in all)" if len(found) > shown else ""
    return ", ".join(map(one_line, found[:shown])) + more


def printable(text: str) -> str:
    """Return text without what would steer a terminal; line breaks and tabs stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)


def mapping_table(mapping: Mapping[str, Any]) -> str:
    """Print nested settings, one a line: key, then value; what is nested stands below its key."""
    width = max((display_width(key) for key in mapping), default=0)
    return "\n".join(line for key, value in mapping.items() for line in _entry(key, value, width))


def _entry(key: str, value: Any, width: int) -> list[str]:
    if isinstance(value, Mapping) and value:
        inner = max(display_width(str(name)) for name in value)
        return [
            f"{key}:",
            *(f"  {name!s:<{inner}}  {_short(entry)}" for name, entry in value.items()),
        ]
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return [f"{key}:", *(f"  {item}" for item in value)]
    return [f"{key:<{width}}  {_short(value)}"]


def _short(value: Any) -> str:
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    return str(value)


def gold_check(check: GoldCheck) -> str:
    """Say what every gold query of a split did, then each fault in a line: those of no use first.

    Empty results are no fault: they are counted by database.
    """
    counts = check.counts()
    told = [f"{counts[kind]:,} {words}" for kind, words in _OUTCOMES.items() if kind in counts]
    lines = [f"{check.name} {check.split}: {check.examples:,} examples; {', '.join(told)}"]
    by_kind: dict[str, list[Finding]] = {}
    for finding in check.faults():
        by_kind.setdefault(finding.kind, []).append(finding)
    for kind in [kind for kind in _OUTCOMES if kind in by_kind]:
        lines += [_finding_line(finding) for finding in by_kind[kind][:LISTED]]
        if len(by_kind[kind]) > LISTED:
            lines.append(f"  {kind}: and {len(by_kind[kind]) - LISTED:,} more (--json lists all)")
    by_database = Counter(f.db_id for f in check.findings if f.kind == "empty")
    if by_database:
        counted = ", ".join(f"{name} {n}" for name, n in by_database.most_common())
        lines.append(f"  empty by database: {counted}")
    return "\n".join(lines)


def _finding_line(finding: Finding) -> str:
    sql = one_line(finding.sql)
    sql = sql if len(sql) <= SQL_SHOWN else sql[: SQL_SHOWN - 3] + "..."
    where = f"{finding.kind}: example {finding.index} of {finding.db_id}"
    return f"  {where}: {one_line(finding.reason)}: {sql}"


def decoding_summary(scorecard: Mapping[str, Any]) -> str:
    """Say how much of the SQL is valid, first candidates and chosen ones, which layers refused the
    others, what came of several samples, and what abstaining would be worth."""
    run = scorecard["run"]
    lines = [_validity(title, run[key]) for key, title in _CANDIDATES.items()]
    if run["run_errors"]:
        lines.append(f"{run['run_errors']} valid samples failed when they ran")
    if run["abstained"]:
        lines.append(f"abstained from {run['abstained']} questions")
    shares = [
        f"{metric.replace('_', ' ')} {share['accuracy']:.1%}"
        for metric, share in scorecard.get("samples", {}).items()
        if share["n"]
    ]
    lines += [f"all samples: {', '.join(shares)}"] if shares else []
    return "\n".join([*lines, *_coverage(scorecard.get("risk_coverage"))])


def _validity(title: str, found: Mapping[str, Any]) -> str:
    faults = ", ".join(f"{layer} {count}" for layer, count in found["faults"].items())
    rate = "-" if found["rate"] is None else f"{found['rate']:.1%}"
    why = f"; refused at: {faults}" if faults else ""
    return f"{title} valid: {found['valid']} of {found['n']} ({rate}){why}"


def _coverage(curve: Mapping[str, Any] | None) -> list[str]:
    if curve is None:
        return []
    header = ("agreement at least", "answered", "coverage", "right", "accuracy", "95 % interval")
    area = f"area under the risk-coverage curve {curve['aurc']:.3f}"
    bounds = f"{curve['aurc_best']:.3f} at best, {curve['aurc_random']:.3f} without confidence"
    return ["", text_table(header, coverage_rows(curve)), f"{area} ({bounds})"]


def bases_table(bases: Iterable[Base]) -> str:
    """List bases: name, hub id, prompt format, answer format, parameters, context, licence."""
    columns = ["name", "hub id", "prompt", "answer", "parameters", "context", "licence"]
    return rows_table(columns, [_base_cells(base) for base in bases], shown=10_000)


def _base_cells(base: Base) -> tuple[str, ...]:
    size = base.architecture.parameters() if base.architecture else None
    return (
        base.name,
        base.hub_id or "",
        base.prompt_format,
        base.answer_format,
        f"{size / 1e9:.2f} B" if size else "",
        str(base.context_length or ""),
        base.licence,
    )
