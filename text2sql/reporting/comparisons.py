"""Plain text of a comparison of runs: groups, what differs, who wins, examples of each side.

    >>> print(comparison_table(compare(["runs/greedy", "runs/beam"])))
    execution_accuracy  runs  seeds     mean  deviation
    A                      1      0    61.2%          -
    B                      1      0    63.1%          -
    ...

Covered: comparisons, and robustness to perturbed questions; JSON of either as well.
Not covered: HTML.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from text2sql.reporting.tables import one_line, text_table

_LONGEST = 400  # characters of SQL; what is longer is a runaway output


class Compared(Protocol):
    """Anything with a record as `text2sql.scoring.Comparison` has it."""

    def record(self) -> dict[str, Any]: ...


def comparison_table(comparison: Compared | Mapping[str, Any]) -> str:
    """Return a comparison as text.

    Args:
        comparison: what `compare` returned, or its record.
    """
    found = comparison if isinstance(comparison, Mapping) else comparison.record()
    parts = [_groups(found), _settings(found)]
    if len(found["contrasts"]) > 1:
        parts.append(_overview(found["contrasts"]))
    for contrast in found["contrasts"]:
        parts.append(_contrast(contrast, found["robustness"]))
    return "\n\n".join(filter(None, parts))


def _groups(found: Mapping[str, Any]) -> str:
    rows = [
        (
            group["label"],
            len(group["runs"]),
            " ".join("-" if seed is None else str(seed) for seed in group["seeds"]),
            _percent(group["mean"]),
            "-" if group["deviation"] is None else _percent(group["deviation"]),
        )
        for group in found["groups"]
    ]
    table = text_table((found["metric"], "runs", "seeds", "mean", "deviation"), rows)
    names = [f"{g['label']}: {', '.join(map(one_line, g['runs']))}" for g in found["groups"]]
    return "\n".join([table, *names, _data(found)])


def _data(found: Mapping[str, Any]) -> str:
    manifest = found["manifest"]
    data = " ".join(filter(None, (manifest["data"], manifest["split"])))
    left_out = (
        f"; {found['left_out']} left out: their gold does not run" if found["left_out"] else ""
    )
    return (
        f"{found['n']} examples of {data or 'no named data set'}, rule {manifest['rule']}, "
        f"databases {manifest['database_set']}{left_out}"
    )


def _settings(found: Mapping[str, Any]) -> str:
    """Say what differs between the groups, and what else differs between the runs."""
    labels = [group["label"] for group in found["groups"]]
    rows = [
        (key, *(_short(values[label]) for label in labels))
        for key, values in found["treatment"].items()
    ]
    parts = (
        [text_table(("treatment", *labels), rows)] if rows else ["no setting is known to differ"]
    )
    parts += [
        f"also differs: {key}: {', '.join(map(_short, dict.fromkeys(map(str, values.values()))))}"
        for key, values in found["remarks"].items()
    ]
    return "\n".join(parts)


def _short(value: Any) -> str:
    text = "-" if value is None else one_line(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _overview(contrasts: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            f"{c['one']} - {c['two']}",
            c["wins"],
            c["losses"],
            _points(c["difference"]),
            _interval(c),
            _p(c["p"]),
            _p(c["p_holm"]),
        )
        for c in contrasts
    ]
    header = ("pair", "wins", "losses", "difference", "95 % interval", "p", "p, Holm")
    return text_table(header, rows)


def _contrast(c: Mapping[str, Any], kept: Mapping[str, Any] | None) -> str:
    one, two = c["one"], c["two"]
    rows = [
        (
            level,
            row["n"],
            _percent(row["one"]),
            _percent(row["two"]),
            _points(row["difference"]),
            row["wins"],
            row["losses"],
        )
        for level, row in c["by_hardness"].items()
    ]
    header = (f"{one} - {two}", "n", one, two, "difference", f"{one} wins", f"{two} wins")
    corrected = "" if c["p_holm"] is None else f", {_p(c['p_holm'])} after Holm"
    verdict = (
        f"{one} - {two}: {_points(c['difference'])} (95 % interval {_interval(c)}); "
        f"{one} wins {c['wins']}, {two} wins {c['losses']} of {c['n']}; "
        f"{c['test']}: p = {_p(c['p'])}{corrected}"
    )
    shown = [_example(e, label) for label, some in c["examples"].items() for e in some]
    return "\n".join([text_table(header, rows), verdict, *_robustness(c, kept), *shown])


def _robustness(c: Mapping[str, Any], kept: Mapping[str, Any] | None) -> Iterable[str]:
    if kept is None:
        return
    yield f"drop on perturbed questions: {_points(c['difference'])}"
    if kept["share"] is not None:
        interval = f"{_percent(kept['low'])} to {_percent(kept['high'])}"
        yield (
            f"still right: {kept['still_right']} of {kept['right']} right on the original, "
            f"{_percent(kept['share'])} (95 % interval {interval}); "
            f"{c['wins']} became wrong, {c['losses']} became right"
        )


def _example(example: Mapping[str, Any], winner: str) -> str:
    labels = [key for key in example if isinstance(example[key], Mapping)]
    questions = dict.fromkeys(filter(None, (example[label]["question"] for label in labels)))
    lines = [f"{winner} wins: {example['index']} of {example['db_id']}, {example['hardness']}"]
    lines += [f"  {one_line(question)}" for question in questions]
    lines += [f"  gold: {_sql(example['gold'])}"] if example["gold"] else []
    for label in labels:
        side = example[label]
        why = ", ".join(side["error_classes"] or filter(None, (side["error"],)))
        # a run that was written by hand may hold no SQL
        parts = [_sql(side["sql"] or "")] + ([f"[{one_line(why)}]"] if why else [])
        lines.append(f"  {label} ({side['value']}): {' '.join(filter(None, parts))}".rstrip(": "))
    return "\n".join(lines)


def _sql(sql: str) -> str:
    text = " ".join(one_line(sql).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f} points"


def _interval(c: Mapping[str, Any]) -> str:
    return f"{100 * c['low']:+.1f} to {100 * c['high']:+.1f}"


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 0.0001 else f"{p:.1e}"
