"""How difficult each training row is: the hardness of its SQL, or the base's own loss on it.

>>> find_difficulties(recipe, dataset, encoded, model)
[0.0, 2.0, 1.0, ...]
"""

from typing import Any

from text2sql.data.catalog import DataSet
from text2sql.data.curriculum import by_hardness, signed
from text2sql.training.processes import is_main, on_main
from text2sql.training.recipe import Recipe
from text2sql.training.records import Encoded


def find_difficulties(
    recipe: Recipe, dataset: DataSet, encoded: Encoded, model: Any
) -> list[float] | None:
    """Return a number for each row, the lower to be learnt first; None where the order is random.

    Args:
        recipe: says the order.
        dataset: what was encoded.
        encoded: the rows.
        model: the base, or the adapter that the training goes on from.
    """
    if recipe.order == "random":
        return None
    if recipe.order == "by_loss":
        # losses on two GPUs may differ in the last digit, and the order must not
        losses: list[float] = on_main(is_main(), lambda: row_losses(model, encoded))
        return losses
    levels = by_hardness(dataset)
    return signed([levels[place] for place in encoded.places], order=recipe.order)


def row_losses(model: Any, encoded: Encoded) -> list[float]:
    """Return the mean loss over the SQL tokens of each row, in natural logarithms.

    Args:
        model: of transformers, with or without an adapter; its mode is kept.
        encoded: the rows; each is one forward pass.
    """
    import torch

    training, losses = model.training, list[float]()
    model.eval()
    with torch.no_grad():
        for row in encoded.rows:
            ids, labels = (torch.tensor([row[key]]) for key in ("input_ids", "labels"))
            device = model.device
            output = model(input_ids=ids.to(device), labels=labels.to(device), use_cache=False)
            losses.append(output.loss.item())
    model.train(training)
    return losses
