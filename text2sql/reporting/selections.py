"""Plain tables of decoding: selections among stored samples, and the settings of a sweep.

    >>> print(selection_table(reselect("runs/ten-samples", k=[1, 10])))
    k   pass@k                      first                       vote
    1   52.1% (49.0% - 55.1%)       52.1% (49.0% - 55.1%)       52.1% (49.0% - 55.1%)
    10  71.4% (69.0% - 74.0%)       53.0% (50.0% - 56.0%)       57.4% (54.4% - 60.4%)

Covered: their records, from sweep.json and selection.json, too.
Not covered: HTML.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from text2sql.reporting.tables import share_cells, text_table


class Selections(Protocol):
    """Anything with a record as `text2sql.reselection.Reselection` has it."""

    def record(self) -> dict[str, Any]: ...


def selection_table(found: Selections | Mapping[str, Any]) -> str:
    """Return accuracy by number of samples and selection, with intervals.

    Args:
        found: what `reselect` returned, or its record.
    """
    record = found if isinstance(found, Mapping) else found.record()
    names = list(record["rows"][0]["selections"])
    rows = [(row["k"], *map(_with_interval, _shares(row))) for row in record["rows"]]
    drawn = "the first k" if record["seed"] is None else f"k drawn by seed {record['seed']}"
    left_out = record["left_out"]
    missing = f"; {left_out} left out: their gold does not run" if left_out else ""
    what = f"{record['metric']} of {record['n']} questions, {drawn} of {record['samples']} samples"
    return f"{text_table(('k', 'pass@k', *names), rows)}\n{what}; 95 % intervals{missing}"


def _shares(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row["pass_at_k"], *row["selections"].values()]


def _with_interval(share: Mapping[str, Any]) -> str:
    """Return a share with Wilson's interval, or that of the bootstrap where it has degrees."""
    if share["accuracy"] is None:
        return "-"
    limits = (share["low"], share["high"]) if share["low"] is not None else share["bootstrap"]
    interval = f" ({limits[0]:.1%} - {limits[1]:.1%})" if limits else ""
    return f"{share['accuracy']:.1%}{interval}"


def sweep_table(record: Mapping[str, Any]) -> str:
    """Return the runs of a sweep side by side, each beside the first one.

    Args:
        record: what `sweep` returned, or the contents of sweep.json.
    """
    header = (
        *("setting", "n", "right", "accuracy", "95 % interval", "first valid", "chosen valid"),
        *("s a question", "against the first", "p, Holm"),
    )
    rows = [(run["name"], *_run_cells(run)) for run in record["runs"]]
    data = " ".join(filter(None, (record["data"], record["split"])))
    base = record["base"] + (f" with {record['adapter']}" if record["adapter"] else "")
    return f"{text_table(header, rows)}\n{record['metric']} on {data}, base {base}"


def _run_cells(run: Mapping[str, Any]) -> tuple[str, ...]:
    figures, contrast = run["run"], run["against_first"]
    valid = [_percent(figures[key]["rate"]) for key in ("first_candidate", "chosen")]
    seconds = f"{figures['seconds_p50']:.3f}"
    if contrast is None:
        return (*share_cells(run["accuracy"]), *valid, seconds, "-", "-")
    low, high = 100 * contrast["low"], 100 * contrast["high"]
    difference = f"{100 * contrast['difference']:+.1f} ({low:+.1f} to {high:+.1f})"
    return (
        *share_cells(run["accuracy"]), *valid, seconds, difference, f"{contrast['p_holm']:.2g}"
    )  # fmt: skip


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1%}"
