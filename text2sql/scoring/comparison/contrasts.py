"""Compare runs example by example: who wins, by how much, and whether it may be chance.

    >>> found = compare(["runs/greedy", "runs/beam"])
    >>> found.contrasts[0].wins, found.contrasts[0].losses, found.contrasts[0].p
    (31, 12, 0.0053...)

A run is the folder of an evaluation, or a file of verdicts with its scorecard beside it
(`x.jsonl`, `x.scorecard.json`). Runs compare where they measured the same thing: equal data set,
split, example ids, gold, databases, metric, rule and scorer. What else differs is the treatment.
Runs of one treatment that differ in their seed alone are one group: an example's value is its mean
over the seeds.

Covered: two groups of one run each on a metric of 0 and 1 have McNemar's exact test (McNemar 1947,
"Note on the sampling error of the difference between correlated proportions", Psychometrika 12),
two-sided, on the examples that one of the two has right. Seeds and other metrics have a paired
permutation test (the signs of the differences flip). Both are what Dror et al. 2018 ("The
Hitchhiker's Guide to Testing Statistical Significance in NLP", ACL) advise for paired results. With
more than two groups the p-values of all pairs are corrected after Holm 1979 ("A simple sequentially
rejective multiple test procedure", Scandinavian Journal of Statistics 6). The interval of the
difference is the paired bootstrap's.
With `robustness` the second run answers other questions with the same gold: the drop, and of what
was right the share that still is (relative robustness accuracy in Chang et al. 2023, "Dr.Spider",
ICLR).
Verdicts are read line by line: 100,000 a run take little memory.
Not covered: seeds of training (each is an adapter, hence a treatment, of its own); examples that
depend on each other, such as several questions with one gold, make p-values too small.
"""

import json
import math
from array import array
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from text2sql.errors import DataError, SettingsError
from text2sql.scoring import bootstrap
from text2sql.scoring.comparison.runs import (
    Index,
    StoredRun,
    Table,
    check_equal,
    common_metric,
    open_run,
    read_all,
    read_perturbed,
    records,
)
from text2sql.scoring.comparison.significance import holm, mcnemar, permutation
from text2sql.scoring.scorecards import wilson
from text2sql.scoring.spider.levels import LEVELS

DATA = ("data_hash", "split", "examples", "example_ids", "gold_hash")
JUDGE = ("database_set", "rule", "scorer_version")  # `scoring` as well, where a manifest has it
TREATMENT = ("base", "base_revision", "adapter", "adapter_hash", "prompt_card", "decoding")
_NO_REMARK = {*DATA, *JUDGE, *TREATMENT, "scoring", "data", "metrics", "seed", "prompt_card_hash"}
MCNEMAR = "McNemar's exact test"
PERMUTATION = "paired permutation test"
_SIDE = ("question", "sql", "value", "error", "error_classes")  # of an example, by run


@dataclass(frozen=True, slots=True)
class Group:
    """The runs of one treatment."""

    label: str  # A, B, ...
    runs: tuple[str, ...]
    seeds: tuple[int | None, ...]
    accuracies: tuple[float, ...]  # means of the metric, by run
    mean: float
    deviation: float | None  # standard deviation over the seeds; None for one run


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two groups side by side."""

    one: str
    two: str
    n: int
    wins: int  # examples on which `one` has the greater value
    losses: int
    difference: float  # mean of one less mean of two
    low: float  # of its 95 % interval
    high: float
    test: str
    p: float
    p_holm: float | None  # None where there is one pair alone
    by_hardness: dict[str, dict[str, float]]
    examples: dict[str, list[dict[str, Any]]]  # by label: those that it wins


@dataclass(frozen=True, slots=True)
class Retention:
    """What is left of the right answers once the questions are perturbed."""

    right: int  # on the original questions
    still_right: int
    share: float | None  # None where nothing was right
    low: float | None  # of its 95 % interval, Wilson's
    high: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison of runs found."""

    metric: str
    manifest: dict[str, Any]  # what all runs have in common
    n: int
    left_out: int  # examples without value in some run, because their gold does not run
    groups: tuple[Group, ...]
    treatment: dict[str, dict[str, Any]]  # what differs: setting, then label, then value
    remarks: dict[str, dict[str, Any]]  # versions that differ, by run
    contrasts: tuple[Contrast, ...]
    robustness: Retention | None = None

    def record(self) -> dict[str, Any]:
        """Return the comparison, ready for JSON."""
        return asdict(self)


def compare(
    runs: Sequence[str | Path],
    *,
    metric: str | None = None,
    examples: int = 3,
    robustness: bool = False,
) -> Comparison:
    """Compare two or more runs.

    Args:
        runs: folders of evaluations, or files of verdicts with their scorecards.
        metric: a name that every run has; the headline of all by default.
        examples: shown of each side.
        robustness: two runs, of which the second answers perturbed questions; its records tell the
            original's `source_index`, or the indices are the same.

    Raises:
        DataError: a file is missing or malformed, or the runs did not measure the same thing.
        SettingsError: too few runs, or one of them twice.
        UnknownName: a run does not have the metric.
    """
    opened = [open_run(Path(run)) for run in runs]
    if len({run.path.resolve() for run in opened}) < len(opened):
        raise SettingsError("give each run once")
    if len(opened) < 2 or (robustness and len(opened) > 2):
        raise SettingsError("give two runs" if robustness else "give at least two runs")
    check_equal(opened, JUDGE if robustness else (*DATA, *JUDGE))
    chosen = common_metric(opened, metric)
    read = read_perturbed if robustness else read_all
    table = read(opened, chosen)
    groups = [[0], [1]] if robustness else _grouped(opened)
    return _Comparing(opened, groups, table, chosen, examples).comparison(robustness)


def _settings(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the treatment as flat settings, the seed apart."""
    chosen = {key: manifest.get(key) for key in TREATMENT}
    if chosen["adapter_hash"]:
        del chosen["adapter"]  # where it lies does not matter
    flat = dict(_flat(chosen))
    flat.pop("decoding.seed", None)
    return flat


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, entry in value.items():
        if isinstance(entry, Mapping):
            yield from _flat(entry, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", entry


def _grouped(runs: Sequence[StoredRun]) -> list[list[int]]:
    """Put runs together that differ in nothing but their seed; each of unknown make is alone."""
    together: dict[str, list[int]] = {}
    for place, run in enumerate(runs):
        settings, seed = _settings(run.manifest), run.manifest.get("seed")
        known = seed is not None and any(value is not None for value in settings.values())
        key = json.dumps(settings, sort_keys=True, default=str) if known else f"run {place}"
        group = together.setdefault(key, [])
        if any(runs[other].manifest.get("seed") == seed for other in group):
            together[f"run {place}"] = [place]
        else:
            group.append(place)
    return list(together.values())


def _differing(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the settings that are not the same in all rows, each with its value by row."""
    keys = dict.fromkeys(key for row in rows.values() for key in row)
    found = {key: {name: row.get(key) for name, row in rows.items()} for key in keys}
    return {
        key: values
        for key, values in found.items()
        if len({json.dumps(value, default=str) for value in values.values()}) > 1
    }


def _label(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"R{place + 1}"


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def _deviation(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    mean = _mean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


@dataclass(frozen=True, slots=True)
class _Comparing:
    """The runs with their values, and how they are to be shown."""

    runs: Sequence[StoredRun]
    grouped: list[list[int]]
    table: Table
    metric: str
    examples: int

    def comparison(self, robustness: bool) -> Comparison:
        """Compare every pair of groups."""
        columns = self.table.columns
        good = [i for i, values in enumerate(zip(*columns, strict=True)) if not _has_nan(values)]
        if not good:
            raise DataError("the runs have no example in common that has a value")
        groups = tuple(self.group(place, runs, good) for place, runs in enumerate(self.grouped))
        means = [self.means(runs) for runs in self.grouped]
        contrasts = [
            self.contrast(one, two, means, good) for one, two in combinations(range(len(groups)), 2)
        ]
        ps = holm([contrast["p"] for contrast in contrasts])
        several = len(contrasts) > 1
        found = (
            Contrast(**c, p_holm=p if several else None) for c, p in zip(contrasts, ps, strict=True)
        )
        firsts = {g.label: self.runs[runs[0]] for g, runs in zip(groups, self.grouped, strict=True)}
        others = {
            str(run.path): {
                k: v for k, v in _flat(run.manifest) if k.split(".")[0] not in _NO_REMARK
            }
            for run in self.runs
        }
        return Comparison(
            self.metric,
            {key: self.runs[0].manifest.get(key) for key in ("data", *DATA, *JUDGE)},
            len(good),
            len(self.table.places) - len(good),
            groups,
            _differing({label: _settings(run.manifest) for label, run in firsts.items()}),
            _differing(others),
            tuple(found),
            self.kept(good) if robustness else None,
        )

    def group(self, place: int, runs: Sequence[int], good: Sequence[int]) -> Group:
        values = [self.table.columns[run] for run in runs]
        accuracies = tuple(_mean([column[i] for i in good]) for column in values)
        return Group(
            _label(place),
            tuple(str(self.runs[run].path) for run in runs),
            tuple(self.runs[run].manifest.get("seed") for run in runs),
            accuracies,
            _mean(accuracies),
            _deviation(accuracies),
        )

    def means(self, runs: Sequence[int]) -> "array[float]":
        """Return the mean of each example over the runs of a group."""
        columns = [self.table.columns[run] for run in runs]
        if len(columns) == 1:
            return columns[0]
        return array("d", (sum(v) / len(v) for v in zip(*columns, strict=True)))

    def contrast(
        self, one: int, two: int, means: Sequence["array[float]"], good: Sequence[int]
    ) -> dict[str, Any]:
        ones, twos = means[one], means[two]
        differences = array("d", (ones[i] - twos[i] for i in good))
        wins, losses = _signs(differences)
        binary = all(ones[i] in (0, 1) and twos[i] in (0, 1) for i in good)
        single = len(self.grouped[one]) == len(self.grouped[two]) == 1
        exact = binary and single
        low, high = bootstrap.of_values(differences)
        return {
            "one": _label(one),
            "two": _label(two),
            "n": len(good),
            "wins": wins,
            "losses": losses,
            "difference": _mean(differences),
            "low": low,
            "high": high,
            "test": MCNEMAR if exact else PERMUTATION,
            "p": mcnemar(wins, losses) if exact else permutation(differences),
            "by_hardness": self.by_hardness(ones, twos, good),
            "examples": self.shown(one, two, means, good),
        }

    def by_hardness(
        self, ones: "array[float]", twos: "array[float]", good: Sequence[int]
    ) -> dict[str, dict[str, float]]:
        places: dict[str, list[int]] = {level: [] for level in LEVELS}
        for i in good:
            places.setdefault(self.table.levels[i], []).append(i)
        found = {}
        for level, some in places.items():
            if some:
                one, two = (_mean([values[i] for i in some]) for values in (ones, twos))
                wins, losses = _signs([ones[i] - twos[i] for i in some])
                counts = {"n": len(some), "wins": wins, "losses": losses}
                found[level] = counts | {"one": one, "two": two, "difference": one - two}
        return found

    def shown(
        self, one: int, two: int, means: Sequence["array[float]"], good: Sequence[int]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the examples that each side wins most clearly; of equal ones the first."""
        ones, twos = means[one], means[two]
        chosen = {
            _label(one): sorted(
                (i for i in good if ones[i] > twos[i]), key=lambda i: twos[i] - ones[i]
            ),
            _label(two): sorted(
                (i for i in good if ones[i] < twos[i]), key=lambda i: ones[i] - twos[i]
            ),
        }
        chosen = {label: places[: self.examples] for label, places in chosen.items()}
        wanted = {place for places in chosen.values() for place in places}
        sides = {_label(side): self.details(side, wanted) for side in (one, two)}
        return {
            label: [self.example(place, sides) for place in places]
            for label, places in chosen.items()
        }

    def details(self, group: int, wanted: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Return what the first run of a group says of a few examples, by place."""
        indices = self.table.indices
        if group == 0 and self.table.originals:
            indices = self.table.originals
        places: dict[Index, list[int]] = {}
        for place in wanted:
            places.setdefault(indices[place], []).append(place)
        found = _details(self.runs[self.grouped[group][0]], places, self.metric)
        return {place: found.get(index, {}) for index, some in places.items() for place in some}

    def example(
        self, place: int, sides: Mapping[str, Mapping[int, dict[str, Any]]]
    ) -> dict[str, Any]:
        table, details = self.table, {label: side[place] for label, side in sides.items()}
        golds = (found["gold"] for found in details.values() if "gold" in found)
        return {
            "index": table.indices[place],
            "db_id": table.db_ids[place],
            "hardness": table.levels[place],
            "gold": next(golds, None),
        } | {label: {key: d.get(key) for key in _SIDE} for label, d in details.items()}

    def kept(self, good: Sequence[int]) -> Retention | None:
        """Count what stays right; None for metrics other than 0 and 1."""
        pairs = Counter((self.table.columns[0][i], self.table.columns[1][i]) for i in good)
        if not all(value in (0, 1) for pair in pairs for value in pair):
            return None
        still = pairs[1.0, 1.0]
        right = still + pairs[1.0, 0.0]
        if not right:
            return Retention(0, 0, None, None, None)
        return Retention(right, still, still / right, *wilson(still, right))


def _has_nan(values: Iterable[float]) -> bool:
    return any(map(math.isnan, values))


def _signs(differences: Iterable[float]) -> tuple[int, int]:
    wins = losses = 0
    for difference in differences:
        wins += difference > 0
        losses += difference < 0
    return wins, losses


def _details(run: StoredRun, wanted: Container[Index], metric: str) -> dict[Index, dict[str, Any]]:
    """Read what a run says of a few examples; its files are read once more."""
    found: dict[Index, dict[str, Any]] = {}
    for path in (run.verdicts, run.predictions) if wanted else ():
        for _, record in records(path) if path else ():
            if record["index"] in wanted:
                known = found.setdefault(record["index"], {})
                known |= {key: record[key] for key in (*_SIDE, "gold") if key in record}
                if metric in record:
                    known["value"] = record[metric]
    return found
