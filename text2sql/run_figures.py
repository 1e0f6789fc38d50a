"""What a scorecard says of the decoding: valid SQL by layer, samples, and what abstaining is worth.

    >>> run_figures(predictions)["first_candidate"]
    {'n': 1034, 'valid': 871, 'rate': 0.842..., 'faults': {'columns': 120, 'engine': 43}}

Covered: records of predictions.jsonl, of any selection and constraint.
Not covered: accuracy itself (`text2sql.scoring`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from text2sql import scoring
from text2sql.data.catalog import DataSet
from text2sql.decoding.verification import LAYERS
from text2sql.scoring.risk_coverage import risk_coverage

Records = Sequence[Mapping[str, Any]]


def run_figures(predictions: Records) -> dict[str, Any]:
    """Count what the decoding did.

    Args:
        predictions: records of an evaluation.

    Returns:
        How many of the first candidates, of the chosen ones and of all are valid, and which layer
        refused the others; questions for which the first candidate was passed over; valid samples
        that failed when they ran; abstentions; time and tokens.
    """
    asked = [record for record in predictions if record["candidates"]]
    every = [candidate for record in asked for candidate in record["candidates"]]
    figures = {key: [record[key] for record in predictions] for key in ("seconds", "tokens")}
    return {
        "first_candidate": validity(record["candidates"][0] for record in asked),
        "chosen": validity(record["candidates"][record["chosen"]] for record in asked),
        "all_candidates": validity(every),
        "passed_over": sum(record["chosen"] > 0 for record in asked),
        "run_errors": sum("run_error" in candidate for candidate in every),
        "abstained": sum("error" in record for record in asked),
        "refused_prompts": len(predictions) - len(asked),
        "reduced_schemas": sum(bool(record["left_out"]) for record in predictions),
        **scoring.percentiles(figures),
    }


def validity(candidates: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Count valid candidates, and the others by the layer that refused them.

    Args:
        candidates: records of candidates.

    Returns:
        `n`, `valid`, `rate` (None of none) and `faults`, in the order of the layers.
    """
    layers = [candidate["fault"] and candidate["fault"]["layer"] for candidate in candidates]
    found = Counter(filter(None, layers))
    valid = len(layers) - found.total()
    faults = {layer: found[layer] for layer in LAYERS if found[layer]}
    rate = valid / len(layers) if layers else None
    return {"n": len(layers), "valid": valid, "rate": rate, "faults": faults}


def sample_figures(dataset: DataSet, predictions: Records, **options: Any) -> dict[str, Any]:
    """Return pass@k and the accuracy of the majority vote over all candidates.

    Args:
        dataset: the examples that were predicted.
        predictions: their records, in order.
        **options: skip_bad_gold, workers.
    """
    scores = scoring.score_samples(
        [[c["sql"] for c in record["candidates"]] for record in predictions],
        dataset.examples,
        dataset.database,
        about={"data": dataset.name, "split": dataset.split},
        **options,
    )
    return {metric: groups["all"] for metric, groups in scores.scorecard["metrics"].items()}


def confidence_figures(
    dataset: DataSet, predictions: Records, scores: scoring.Scores, **options: Any
) -> dict[str, Any]:
    """Return the risk-coverage curve of the samples' agreement; nothing where there is one alone.

    A question without candidates, because its prompt was refused, has no confidence and is wrong.

    Args:
        dataset: the examples that were predicted.
        predictions: their records.
        scores: of the predictions as they stand, in which what was withheld is wrong.
        **options: skip_bad_gold, workers.
    """
    if all(record["confidence"] is None for record in predictions):
        return {}
    metric = scores.metrics[0]
    values = {verdict.index: verdict.values[metric] for verdict in scores.verdicts}
    values |= _values_of_withheld(dataset, predictions, metric, options)
    judged = [
        (record["confidence"] or 0.0, value)
        for record in predictions
        if (value := values[record["index"]]) is not None
    ]
    curve = risk_coverage(judged)
    return {"risk_coverage": {"metric": metric} | curve.record()} if curve else {}


def _values_of_withheld(
    dataset: DataSet, predictions: Records, metric: str, options: Mapping[str, Any]
) -> dict[int, float | None]:
    """Score what would have been answered: the curve is of the confidence, not of the threshold."""
    withheld = {
        record["index"]: record["candidates"][record["chosen"]]["sql"]
        for record in predictions
        if record["candidates"] and "error" in record
    }
    examples = [example for example in dataset.examples if example.index in withheld]
    if not examples:
        return {}
    said = [withheld[example.index] for example in examples]
    scores = scoring.score(said, examples, dataset.database, metrics=[metric], **options)
    return {verdict.index: verdict.values[metric] for verdict in scores.verdicts}
