"""Score SQL: execution accuracy, hardness, scorecards with intervals and a manifest.

    >>> from text2sql import scoring
    >>> scores = scoring.score("predictions.sql", "dev_gold.sql", "spider/database")

Covered: the metrics of METRICS; a metric of your own is a function of a `Pair`.
Not covered: test suites, exact set match, timing metrics.
"""

from text2sql.scoring.execution_metrics import (
    bird_execution_accuracy,
    execution_accuracy,
    execution_accuracy_keep_distinct,
    strict_execution_accuracy,
    valid_sql,
)
from text2sql.scoring.judging import Verdict
from text2sql.scoring.levels import LEVELS, hardness
from text2sql.scoring.manifests import databases_hash, ids_hash, manifest
from text2sql.scoring.pairs import Metric, Pair
from text2sql.scoring.results import same_rows
from text2sql.scoring.scorecards import Scorecard, Share, scorecard, wilson
from text2sql.scoring.scores import METRICS, RULES, Scores, score, write_verdicts

__all__ = [
    "LEVELS",
    "METRICS",
    "RULES",
    "Metric",
    "Pair",
    "Scorecard",
    "Scores",
    "Share",
    "Verdict",
    "bird_execution_accuracy",
    "databases_hash",
    "execution_accuracy",
    "execution_accuracy_keep_distinct",
    "hardness",
    "ids_hash",
    "manifest",
    "same_rows",
    "score",
    "scorecard",
    "strict_execution_accuracy",
    "valid_sql",
    "wilson",
    "write_verdicts",
]
