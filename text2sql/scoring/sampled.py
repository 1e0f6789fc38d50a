"""Score several samples per question: pass@k, and the accuracy of a vote on their results.

    >>> scores = score_samples("predictions.jsonl", "dev.json", "spider/database", k=(1, 5))
    >>> scores.metrics
    ('pass@1', 'pass@5', 'majority_vote')
    >>> scores.verdicts[0].values
    {'pass@1': 0.4, 'pass@5': 1.0, 'majority_vote': 1}

Covered: the unbiased estimator of pass@k (Chen et al. 2021, arXiv:2107.03374, equation 1);
self-consistency by execution result (Wang et al. 2023, arXiv:2203.11171); both by level, with
intervals and manifest, as any other score; SQL that comes up in several samples runs once.
Not covered: votes weighted by probability; files that do not fit in memory.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import cache
from math import comb
from pathlib import Path
from typing import Any

from text2sql.databases import Database
from text2sql.errors import DataError, SettingsError
from text2sql.examples import Example
from text2sql.execution.executor import Executor
from text2sql.scoring.inputs import read_cases, read_gold
from text2sql.scoring.judging import Judge, Options, Verdict
from text2sql.scoring.manifests import described, manifest
from text2sql.scoring.pairs import Metric, Ran
from text2sql.scoring.predictions import Prediction
from text2sql.scoring.results import Row, same_rows
from text2sql.scoring.runners import RunSQL, names_finder, runner
from text2sql.scoring.scorecards import scorecard
from text2sql.scoring.scores import Scores, find_metrics
from text2sql.scoring.shared_results import Nothing, Results
from text2sql.scoring.suites import FindDatabase, database_finder

USUAL = (1, 2, 5, 10, 20, 50, 100)  # the k of pass@k, as far as there are samples
VOTE = "majority_vote"

Samples = tuple[Example, tuple[str, ...]]  # what was predicted for an example, in order


def pass_at_k(n: int, c: int, k: int) -> float:
    """Estimate without bias how often at least one of k samples is right.

    Args:
        n: samples drawn.
        c: those that are right.
        k: samples that one may look at, at most n.

    Returns:
        1 - C(n-c, k) / C(n, k), correctly rounded.

    Raises:
        SettingsError: k is not in 1..n, or c not in 0..n.

    Chen et al. 2021, arXiv:2107.03374, equation 1.
    """
    if not 1 <= k <= n:
        raise SettingsError(f"pass@{k} of {n} samples: k must be at least 1 and at most {n}")
    if not 0 <= c <= n:
        raise SettingsError(f"{c} of {n} samples cannot be right")
    draws = comb(n, k)
    return (draws - comb(n - c, k)) / draws


def majority_vote(results: Sequence[Ran]) -> int:
    """Return the place of the sample that is elected: the first with the commonest result.

    Results are the same if they have the same bag of rows with columns in some order (Spider's
    rule for gold without ORDER BY). Samples that fail or whose result is cut do not vote. Of two
    results with as many votes, the one that came up first wins; where nothing votes, sample 0.

    Args:
        results: one per sample, at least one.
    """
    parties: list[tuple[Sequence[Row], list[int]]] = []  # a result, places of samples with it
    for place, ran in enumerate(results):
        if ran.error is not None or ran.truncated:
            continue
        rows = ran.rows
        same = (places for other, places in parties if _same(other, rows))
        places = next(same, None)
        if places is None:
            parties.append((rows, [place]))
        else:
            places.append(place)
    return max((places for _, places in parties), key=len, default=[0])[0]


def _same(one: Sequence[Row], other: Sequence[Row]) -> bool:
    return one is other or same_rows(one, other, ordered=False)


def score_samples(
    candidates: str | Path | Sequence[Sequence[str | None]],
    gold: str | Path | Sequence[Example],
    databases: str | Path | Database | FindDatabase,
    *,
    k: Sequence[int] = (),
    metric: str | Metric = "execution_accuracy",
    tables: str | Path | None = None,
    keep_distinct: bool = False,
    plug_value: bool = False,
    skip_bad_gold: bool = False,
    as_of: date | str | None = None,
    workers: int = 2,
    timeout: float = 30.0,
    progress: Callable[[int, int], None] | None = None,
    about: Mapping[str, Any] | None = None,
    run: RunSQL | None = None,
    executor: Executor | None = None,
) -> Scores:
    """Judge every sample of every question; give pass@k and the accuracy of the majority vote.

    A question with fewer samples than the others (a prompt that was refused has none) is filled up
    with empty ones, which are wrong, so that no question weighs less for being hard.

    Args:
        candidates: one list of SQL per question, or a file of predictions whose records have
            `candidates`: texts, or objects with `sql` (what an evaluation writes). A record
            without them has one sample, its `sql`.
        gold: a file or a list of examples.
        databases: as `score` takes them.
        k: which pass@k; by default those of USUAL and the number of samples.
        metric: says which samples are right: a name in METRICS, or a function of a `Pair`.
        tables: Spider's tables.json; without it schemas are read from the databases.
        keep_distinct: the official option, as `score` takes it.
        plug_value: the official option: try the gold query's values in every sample as well; the
            vote is on the samples as they are.
        skip_bad_gold: give examples whose gold does not run no value.
        as_of: a moment in the place of the clock, in gold and samples.
        workers: threads, each with a worker process of its own.
        timeout: seconds for each query.
        progress: called with the number of questions so far and of all.
        about: what the manifest is to say beyond data, databases and metrics.
        run: runs SQL on a database, in place of a pool of `text2sql.execution`.
        executor: a pool that is there already; it stays open.

    Returns:
        Scores whose metrics are `pass@k` for each k and `majority_vote`; the manifest's `scoring`
        has the metric, the number of samples and how many were missing.

    Raises:
        DataError: malformed input, or not one list of samples per question.
        GoldError: a gold query does not run.
        SettingsError: a k above the number of samples, or a metric of other values than 0 and 1.
        UnknownName: a metric or database that does not exist.
    """
    started = time.monotonic()
    name, chosen = next(iter(find_metrics([metric], keep_distinct=keep_distinct).items()))
    cases = read_candidates(candidates, gold)
    most = max([1, *(len(samples) for _, samples in cases)])
    ks = _checked(k, most)
    find = cache(database_finder(databases))
    found = {example.db_id: find(example.db_id) for example, _ in cases}
    names = names_finder(found.__getitem__, tables)
    with runner(run, workers=workers, timeout=timeout, as_of=as_of, executor=executor) as pool:
        results, options = Results(pool.fetch), Options(skip_bad_gold, plug_value, keep_distinct)
        judge = Judge({name: chosen}, found.__getitem__, names, results, options, pool.timed)
        verdicts = _judge_all(judge, _filled(cases, most), ks, workers, progress)
    missing = sum(most - len(samples) for _, samples in cases)
    scoring = {"metric": name, "samples": most, "missing": missing, "as_of": as_of and str(as_of)}
    scoring |= {"plug_value": plug_value or None, "keep_distinct": keep_distinct or None}
    card = manifest(
        examples=[example for example, _ in cases],
        databases=found,
        metrics=[*(f"pass@{each}" for each in ks), VOTE],
        scoring={key: value for key, value in scoring.items() if value is not None},
        **(about or described(gold)),
    )
    counted = scorecard([verdict.record() for verdict in verdicts], card)
    seconds = round(time.monotonic() - started, 3)
    return Scores(tuple(verdicts), tuple(card["metrics"]), counted, seconds)


def _checked(k: Sequence[int], samples: int) -> list[int]:
    """Return the k to give, in order; refuse one out of range before anything runs."""
    ks = sorted(set(k)) or sorted({*(each for each in USUAL if each < samples), samples})
    for each in ks:
        pass_at_k(samples, 0, each)
    return ks


def _filled(cases: Sequence[Samples], most: int) -> list[Samples]:
    return [(example, samples + ("",) * (most - len(samples))) for example, samples in cases]


def _judge_all(
    judge: Judge,
    cases: Sequence[Samples],
    ks: Sequence[int],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> list[Verdict]:
    verdicts: list[Verdict] = []
    with ThreadPoolExecutor(workers) as threads:
        try:
            for verdict in threads.map(lambda case: judge_samples(judge, *case, ks=ks), cases):
                verdicts.append(verdict)
                if progress:
                    progress(len(verdicts), len(cases))
        except BaseException:  # the cases not begun are of no use to anyone
            threads.shutdown(wait=True, cancel_futures=True)
            raise
    return verdicts


def judge_samples(
    judge: Judge, example: Example, samples: Sequence[str], *, ks: Iterable[int]
) -> Verdict:
    """Judge the samples for one question by the judge's first metric, and let them vote.

    The vote is on the results of the SQL as it is written.

    Args:
        judge: finds databases, runs SQL; its first metric gives 0 or 1.
        example: with its gold.
        samples: at least one; an empty one is wrong and does not vote.
        ks: which pass@k, each at most the number of samples.

    Returns:
        A verdict with pass@k and majority vote for values; its error is that of the elected sample.

    Raises:
        GoldError: a gold query does not run, and the judge does not skip those.
        SettingsError: the metric has other values than 0 and 1.
    """
    metric, texts = next(iter(judge.metrics)), list(dict.fromkeys(samples))
    verdicts = judge.verdicts([(example, Prediction(sql)) for sql in texts])
    judged = dict(zip(texts, verdicts, strict=True))
    right = [judged[sql].values[metric] for sql in samples]
    values: dict[str, float | None] = dict.fromkeys([*(f"pass@{k}" for k in ks), VOTE])
    if None in right:
        return _verdict(verdicts[0], values)
    if not set(right) <= {0, 1}:
        raise SettingsError(f"pass@k counts samples that are right or wrong; {metric} has degrees")
    elected = judged[samples[majority_vote(_results(judge, example.db_id, samples))]]
    for k in ks:
        values[f"pass@{k}"] = pass_at_k(len(right), right.count(1), k)
    return _verdict(elected, values | {VOTE: elected.values[metric]})


def _verdict(of: Verdict, values: dict[str, float | None]) -> Verdict:
    return replace(of, values=values, components=None)


def _results(judge: Judge, db_id: str, samples: Sequence[str]) -> list[Ran]:
    database = judge.find(db_id)
    texts = [sql for sql in dict.fromkeys(samples) if sql.strip()]
    judge.results.prepare(texts, database)
    ran: dict[str, Ran] = {sql: judge.results.get(sql, database) for sql in texts}
    return [ran.get(sql, Nothing()) for sql in samples]


def read_candidates(
    candidates: str | Path | Sequence[Sequence[str | None]], gold: str | Path | Sequence[Example]
) -> list[Samples]:
    """Pair each example with its samples, of which an empty one is "".

    Args:
        candidates: as `score_samples` takes them.
        gold: a file or a list of examples.

    Raises:
        DataError: as `text2sql.scoring.inputs.read_cases`.
    """
    if isinstance(candidates, str | Path):
        cases = read_cases(candidates, gold)
        return [(example, _samples(prediction)) for example, prediction in cases]
    examples = read_gold(gold)
    if len(candidates) != len(examples):
        raise DataError(f"samples of {len(candidates)} questions for {len(examples)} gold queries")
    samples = [tuple(sql or "" for sql in found) for found in candidates]
    return list(zip(examples, samples, strict=True))


def _samples(prediction: Prediction) -> tuple[str, ...]:
    return prediction.candidates or ((prediction.sql,) if prediction.sql else ())
