"""Score SQL: execution accuracy and its kin, hardness, scorecards with intervals and a manifest.

    >>> from text2sql import scoring
    >>> scores = scoring.score("predictions.sql", "dev_gold.sql", "spider/database")

Covered: the metrics of METRICS; a metric of your own is a function of a `Pair`.
Not covered: metrics that ask a model.
"""

from typing import TYPE_CHECKING

from text2sql.exports import late

if TYPE_CHECKING:
    from text2sql.scoring.bird_metrics import r_ves, soft_f1, ves
    from text2sql.scoring.comparison.contrasts import Comparison, compare
    from text2sql.scoring.error_classes import ERROR_CLASSES, classify
    from text2sql.scoring.execution_metrics import (
        bird_execution_accuracy,
        execution_accuracy,
        execution_accuracy_keep_distinct,
        strict_execution_accuracy,
        test_suite_accuracy,
        valid_sql,
    )
    from text2sql.scoring.judging import Verdict
    from text2sql.scoring.manifests import databases_hash, ids_hash, manifest
    from text2sql.scoring.pairs import Metric, Pair
    from text2sql.scoring.results import same_rows
    from text2sql.scoring.sampled import majority_vote, pass_at_k, score_samples
    from text2sql.scoring.scorecards import Scorecard, Share, percentiles, scorecard, wilson
    from text2sql.scoring.scores import METRICS, RULES, Scores, score
    from text2sql.scoring.spider.exact_match import exact_set_match
    from text2sql.scoring.spider.levels import LEVELS, hardness
    from text2sql.scoring.verdict_files import write_verdicts

__all__ = [
    "ERROR_CLASSES",
    "LEVELS",
    "METRICS",
    "RULES",
    "Comparison",
    "Metric",
    "Pair",
    "Scorecard",
    "Scores",
    "Share",
    "Verdict",
    "bird_execution_accuracy",
    "classify",
    "compare",
    "databases_hash",
    "exact_set_match",
    "execution_accuracy",
    "execution_accuracy_keep_distinct",
    "hardness",
    "ids_hash",
    "majority_vote",
    "manifest",
    "pass_at_k",
    "percentiles",
    "r_ves",
    "same_rows",
    "score",
    "score_samples",
    "scorecard",
    "soft_f1",
    "strict_execution_accuracy",
    "test_suite_accuracy",
    "valid_sql",
    "ves",
    "wilson",
    "write_verdicts",
]

_HOMES = {
    "Comparison": "comparison.contrasts",
    "ERROR_CLASSES": "error_classes",
    "LEVELS": "spider.levels",
    "METRICS": "scores",
    "Metric": "pairs",
    "Pair": "pairs",
    "RULES": "scores",
    "Scorecard": "scorecards",
    "Scores": "scores",
    "Share": "scorecards",
    "Verdict": "judging",
    "bird_execution_accuracy": "execution_metrics",
    "classify": "error_classes",
    "compare": "comparison.contrasts",
    "databases_hash": "manifests",
    "exact_set_match": "spider.exact_match",
    "execution_accuracy": "execution_metrics",
    "execution_accuracy_keep_distinct": "execution_metrics",
    "hardness": "spider.levels",
    "ids_hash": "manifests",
    "majority_vote": "sampled",
    "manifest": "manifests",
    "pass_at_k": "sampled",
    "percentiles": "scorecards",
    "r_ves": "bird_metrics",
    "same_rows": "results",
    "score": "scores",
    "score_samples": "sampled",
    "scorecard": "scorecards",
    "soft_f1": "bird_metrics",
    "strict_execution_accuracy": "execution_metrics",
    "test_suite_accuracy": "execution_metrics",
    "valid_sql": "execution_metrics",
    "ves": "bird_metrics",
    "wilson": "scorecards",
    "write_verdicts": "verdict_files",
}

__getattr__ = late(__name__, _HOMES)
