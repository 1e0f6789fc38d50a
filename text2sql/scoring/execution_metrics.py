"""Metrics that run predicted and gold SQL side by side; the rule is part of the name.

    >>> execution_accuracy(pair)
    1

| metric | rows | columns | DISTINCT | `value` in a prediction |
| --- | --- | --- | --- | --- |
| `execution_accuracy` | bag; list if gold has ORDER BY | any order | removed | becomes 1 |
| `execution_accuracy_keep_distinct` | the same | any order | kept | becomes 1 |
| `bird_execution_accuracy` | set | in place | kept | kept |
| `strict_execution_accuracy` | bag; list if gold's outermost has it | in place | kept | kept |
| `valid_sql` | the prediction runs | | kept | kept |

Covered: the verdicts of the official evaluators on predictions that read. Not covered: predictions
that write. The official evaluators run them; here they are refused and count 0.
"""

from collections import Counter

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from text2sql.scoring.official_text import prepare_gold, prepare_prediction
from text2sql.scoring.pairs import Pair
from text2sql.scoring.results import comparable, same_rows


def execution_accuracy(pair: Pair) -> int:
    """Compare by Spider's rule on one database.

    Raises:
        GoldError: the gold query does not run.

    `eval_exec_match` in exec_eval.py (taoyds/test-suite-sql-eval at e97acc5). Order matters where
    the text "order by" occurs anywhere in the gold query, a string included.
    """
    return _spider(pair, keep_distinct=False)


def execution_accuracy_keep_distinct(pair: Pair) -> int:
    """Compare by Spider's rule with `--keep_distinct`.

    Raises:
        GoldError: the gold query does not run.
    """
    return _spider(pair, keep_distinct=True)


def _spider(pair: Pair, *, keep_distinct: bool) -> int:
    gold = prepare_gold(pair.gold, keep_distinct=keep_distinct)
    gold_rows = pair.gold_rows(gold)
    predicted = prepare_prediction(pair.predicted, keep_distinct=keep_distinct)
    rows = pair.predicted_rows(predicted)
    return int(rows is not None and same_rows(gold_rows, rows, ordered="order by" in gold.lower()))


def bird_execution_accuracy(pair: Pair) -> int:
    """Compare by BIRD's rule: sets of rows, columns in place.

    Raises:
        GoldError: the gold query does not run.

    `calculate_ex` in evaluation_ex.py (bird-bench/mini_dev).
    """
    gold = pair.gold_rows(pair.gold)
    predicted = pair.predicted_rows(pair.predicted)
    return int(predicted is not None and set(comparable(gold)) == set(comparable(predicted)))


def strict_execution_accuracy(pair: Pair) -> int:
    """Compare by our own rule: bags of rows, or lists where gold orders them; columns in place.

    Raises:
        GoldError: the gold query does not run.
    """
    gold = pair.gold_rows(pair.gold)
    predicted = pair.predicted_rows(pair.predicted)
    if predicted is None or len(gold) != len(predicted):
        return 0
    ours, theirs = comparable(gold), comparable(predicted)
    if ours == theirs:
        return 1
    return int(not orders_rows(pair.gold, pair.dialect) and Counter(ours) == Counter(theirs))


def orders_rows(sql: str, dialect: str) -> bool:
    """Tell whether the outermost query (where sqlglot cannot read it: any query) has ORDER BY."""
    try:
        tree = sqlglot.parse_one(sql, read=dialect)
    except (SqlglotError, RecursionError):
        return "order by" in " ".join(sql.lower().split())
    while isinstance(tree, exp.Subquery) and not tree.args.get("order"):
        tree = tree.this
    return tree.args.get("order") is not None


def valid_sql(pair: Pair) -> int:
    """Tell whether the engine runs the prediction as it is written; a result that is cut counts."""
    return int(pair.run(pair.predicted).error is None)
