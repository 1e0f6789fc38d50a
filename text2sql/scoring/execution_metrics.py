"""Metrics that run predicted and gold SQL side by side; the rule is part of the name.

    >>> execution_accuracy(pair)
    1

| metric | rows | columns | DISTINCT | `value` in a prediction |
| --- | --- | --- | --- | --- |
| `execution_accuracy` | bag; list if gold has ORDER BY | any order | removed | becomes 1 |
| `execution_accuracy_keep_distinct` | the same | any order | kept | becomes 1 |
| `bird_execution_accuracy` | set | in place | kept | kept |
| `test_suite_accuracy` | as `execution_accuracy`, on every database of the folder | | | |
| `strict_execution_accuracy` | bag; list if gold's outermost has it | in place | kept | kept |
| `valid_sql` | the prediction runs | | kept | kept |

Covered: the verdicts of the official evaluators on predictions that read. Not covered: predictions
that write: the official evaluators run them, here they are refused and count 0. Text without a
statement (`;`, a comment): it has no rows to the official program, as some gold has; here it fails.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache

from text2sql.limits import check_joins
from text2sql.scoring.pairs import Metric, Pair, Run
from text2sql.scoring.results import comparable, same_rows
from text2sql.scoring.spider.plugging import plugged
from text2sql.scoring.spider.text import prepare_gold, prepare_prediction
from text2sql.unreadable import UNREADABLE


def execution_accuracy(pair: Pair) -> int:
    """Compare by Spider's rule on one database.

    Raises:
        GoldError: the gold query does not run.

    `eval_exec_match` in exec_eval.py (taoyds/test-suite-sql-eval at e97acc5). Order matters where
    the text "order by" occurs anywhere in the gold query, a string included.
    """
    return _spider(pair, [pair.run], keep_distinct=False)


def execution_accuracy_keep_distinct(pair: Pair) -> int:
    """Compare by Spider's rule with `--keep_distinct`.

    Raises:
        GoldError: the gold query does not run.
    """
    return _spider(pair, [pair.run], keep_distinct=True)


def test_suite_accuracy(pair: Pair) -> int:
    """Compare by Spider's rule on every database of the example's folder; all must agree.

    Raises:
        GoldError: the gold query does not run on one of them.

    Zhong, Yu and Klein 2020, "Semantic Evaluation for Text-to-SQL with Distilled Test Suites",
    arXiv:2010.02840; `eval_exec_match` in exec_eval.py (taoyds/test-suite-sql-eval at e97acc5).
    """
    return _spider(pair, [pair.run, *pair.others()], keep_distinct=pair.keep_distinct)


test_suite_accuracy.__test__ = False  # type: ignore[attr-defined]  # no test, says pytest


def _spider(pair: Pair, runs: list[Run], *, keep_distinct: bool) -> int:
    gold = prepare_gold(pair.gold, keep_distinct=keep_distinct)
    ordered = "order by" in gold.lower()
    return int(
        any(
            all(_agree(pair, run, gold, text, ordered) for run in runs)
            for text in _predicted_texts(pair, keep_distinct)
        )
    )


def _predicted_texts(pair: Pair, keep_distinct: bool) -> Iterator[str]:
    """Yield the forms of the prediction of which one must be right: itself, and the plugged."""
    if pair.plug_value:
        yield from plugged(pair.predicted, pair.gold, keep_distinct=keep_distinct)
    else:
        yield prepare_prediction(pair.predicted, keep_distinct=keep_distinct)


def _agree(pair: Pair, run: Run, gold: str, predicted: str, ordered: bool) -> bool:
    gold_rows = pair.gold_rows_of(run(gold))
    ran = run(predicted)
    failed = ran.error is not None or ran.truncated
    if failed or ran.rows is gold_rows:
        return not failed
    key = run, gold, predicted  # of both forms of most pairs: they hold no DISTINCT
    if key not in pair.shared:
        pair.shared[key] = same_rows(gold_rows, ran.rows, ordered=ordered)
    return bool(pair.shared[key])


def bird_execution_accuracy(pair: Pair) -> int:
    """Compare by BIRD's rule: sets of rows, columns in place.

    Raises:
        GoldError: the gold query does not run.

    `calculate_ex` in evaluation_ex.py (bird-bench/mini_dev).
    """
    gold = pair.gold_rows(pair.gold)
    predicted = pair.predicted_rows(pair.predicted)
    if predicted is None or predicted is gold:
        return int(predicted is gold)
    return int(set(comparable(gold)) == set(comparable(predicted)))


def strict_execution_accuracy(pair: Pair) -> int:
    """Compare by our own rule: bags of rows, or lists where gold orders them; columns in place.

    Raises:
        GoldError: the gold query does not run.
    """
    gold = pair.gold_rows(pair.gold)
    predicted = pair.predicted_rows(pair.predicted)
    if predicted is None or len(gold) != len(predicted):
        return 0
    if gold is predicted:
        return 1
    ours, theirs = comparable(gold), comparable(predicted)
    if ours == theirs:
        return 1
    return int(Counter(ours) == Counter(theirs) and not orders_rows(pair.gold, pair.dialect))


_NO_CODE = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \[[^\]]*\] | --[^\n]* | /\*.*?\*/""",
    re.X | re.S,
)
_OUTER = re.compile(r"[()] | \border\s+by\b", re.X | re.I)


@lru_cache(maxsize=4096)
def orders_rows(sql: str, dialect: str) -> bool:
    """Tell whether the outermost query (where sqlglot cannot read it: any query) has ORDER BY."""
    if "order" not in sql.lower():
        return False
    if not sql.lstrip().startswith("("):
        return _orders_outside_brackets(sql)
    return _orders_by_tree(sql, dialect)


def _orders_by_tree(sql: str, dialect: str) -> bool:
    import sqlglot  # late: only a query in brackets needs a parser
    from sqlglot import exp

    try:
        check_joins(sql)
        tree = sqlglot.parse_one(sql, read=dialect)
    except UNREADABLE:
        return "order by" in " ".join(sql.lower().split())
    while isinstance(tree, exp.Subquery) and not tree.args.get("order"):
        tree = tree.this
    return tree.args.get("order") is not None


def _orders_outside_brackets(sql: str) -> bool:
    depth = 0
    for match in _OUTER.finditer(_NO_CODE.sub("''", sql)):
        if match[0] in "()":
            depth += 1 if match[0] == "(" else -1
        elif depth == 0:
            return True
    return False


def valid_sql(pair: Pair) -> int:
    """Tell whether the engine runs the prediction as it is written; a result that is cut counts."""
    return int(pair.run(pair.predicted).error is None)


# What each metric runs, gold and prediction: known beforehand, statements go to a worker together.
STATEMENTS: dict[Metric, Callable[[Pair], tuple[str, str]]] = {
    execution_accuracy: lambda pair: _prepared(pair, keep_distinct=False),
    execution_accuracy_keep_distinct: lambda pair: _prepared(pair, keep_distinct=True),
    test_suite_accuracy: lambda pair: _prepared(pair, keep_distinct=pair.keep_distinct),
    bird_execution_accuracy: lambda pair: (pair.gold, pair.predicted),
    strict_execution_accuracy: lambda pair: (pair.gold, pair.predicted),
    valid_sql: lambda pair: (pair.gold, pair.predicted),
}


def _prepared(pair: Pair, *, keep_distinct: bool) -> tuple[str, str]:
    return (
        prepare_gold(pair.gold, keep_distinct=keep_distinct),
        prepare_prediction(pair.predicted, keep_distinct=keep_distinct),
    )
