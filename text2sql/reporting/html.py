"""One self-contained HTML page about a run: summary, manifest, tables, and every wrong example.

    >>> write_report("runs/mine/report.html", card, predictions, verdicts, examples=examples)

Covered: the risk-coverage curve of a run of several samples, as a plot; everything that comes from
a model or a database is escaped; the page loads nothing and
runs no script, and its content policy forbids both.
Not covered: runs of 100,000 examples (the page lists `MAX_LISTED` wrong ones and says so).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

from text2sql.errors import OutputError
from text2sql.reporting.plots import risk_coverage_plot
from text2sql.reporting.tables import GROUPS, coverage_rows, share_cells
from text2sql.scoring.scorecards import share

MAX_LISTED = 2000


class Gold(Protocol):
    """What the page shows of an example; `text2sql.examples.Example` has it."""

    @property
    def index(self) -> int: ...
    @property
    def question(self) -> str: ...
    @property
    def queries(self) -> tuple[str, ...]: ...


def write_report(
    path: str | Path,
    scorecard: Mapping[str, Any],
    predictions: Iterable[Mapping[str, Any]],
    verdicts: Iterable[Mapping[str, Any]],
    *,
    examples: Sequence[Gold] = (),
) -> None:
    """Write the page.

    Args:
        path: of the file; replaced if it exists.
        scorecard: the contents of scorecard.json.
        predictions: records with `index`, `sql` and, where there are no `examples`, `question` and
            `gold`.
        verdicts: records of verdicts.jsonl.
        examples: give each wrong example its question and its gold SQL.

    Raises:
        OutputError: the file cannot be written.
    """
    page = html_report(scorecard, predictions, verdicts, examples=examples)
    try:
        Path(path).write_text(page, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def html_report(
    scorecard: Mapping[str, Any],
    predictions: Iterable[Mapping[str, Any]],
    verdicts: Iterable[Mapping[str, Any]],
    *,
    examples: Sequence[Gold] = (),
) -> str:
    """Return the page that `write_report` writes."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("text2sql", "reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    verdicts = list(verdicts)
    metric = next(iter(scorecard["metrics"]))
    wrong = _wrong(metric, verdicts, predictions, examples)
    return environment.get_template("report.html.j2").render(
        metric=metric,
        card=scorecard,
        manifest=scorecard["manifest"],
        tables=_tables(scorecard),
        databases=_by_database(metric, verdicts),
        coverage=_coverage(scorecard.get("risk_coverage")),
        wrong=wrong[:MAX_LISTED],
        wrong_count=len(wrong),
    )


def _tables(scorecard: Mapping[str, Any]) -> dict[str, list[tuple[str, ...]]]:
    return {
        metric: [(title, *share_cells(groups[name])) for name, title in GROUPS.items()]
        for metric, groups in scorecard["metrics"].items()
    }


def _coverage(curve: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what the page shows of the risk-coverage curve; the plot is markup of our own."""
    if curve is None:
        return None
    from markupsafe import Markup

    areas = {key: f"{curve[key]:.3f}" for key in ("aurc", "aurc_best", "aurc_random")}
    return areas | {"rows": coverage_rows(curve), "plot": Markup(risk_coverage_plot(curve))}


def _by_database(metric: str, verdicts: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return a row of cells for each database, the weakest first."""
    values: dict[str, list[float]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.get(metric) is not None:
            values[verdict["db_id"]].append(verdict[metric])
    weakest = sorted(values, key=lambda db_id: (fmean(values[db_id]), db_id))
    return [(db_id, *share_cells(asdict(share(values[db_id])))) for db_id in weakest]


def _wrong(
    metric: str,
    verdicts: Iterable[Mapping[str, Any]],
    predictions: Iterable[Mapping[str, Any]],
    examples: Sequence[Gold],
) -> list[dict[str, Any]]:
    """Return what the page says of each example that is not fully right."""
    predicted = {record["index"]: record for record in predictions}
    gold = {example.index: example for example in examples}
    return [
        _entry(verdict, predicted.get(verdict["index"], {}), gold.get(verdict["index"]))
        for verdict in verdicts
        if verdict.get(metric) is None or verdict[metric] < 1
    ]


def _entry(
    verdict: Mapping[str, Any], predicted: Mapping[str, Any], gold: Gold | None
) -> dict[str, Any]:
    queries = list(gold.queries) if gold else [predicted["gold"]] if "gold" in predicted else []
    return {
        "index": verdict["index"],
        "db_id": verdict["db_id"],
        "hardness": verdict["hardness"],
        "question": gold.question if gold else predicted.get("question", ""),
        "gold": queries,
        "sql": predicted.get("sql") or "",
        "error": verdict.get("error"),
    }
