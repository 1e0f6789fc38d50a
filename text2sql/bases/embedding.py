"""Turn texts into vectors with any base: the mean of its last hidden states.

    >>> embed = embedder(find_base("qwen2.5-coder-0.5b"))
    >>> embed(["How many singers?", "Count the singers."]).shape
    torch.Size([2, 896])

A causal model's vectors all lie in a narrow cone, so that texts which have nothing in common have
high cosines, too: thresholds are near 1, and another base needs another one.

Covered: every base that can be loaded; texts of any length (cut at `MOST` tokens).
Not covered: models that were trained to embed, with their own pooling and instructions.
"""

from collections.abc import Callable, Sequence
from typing import Any

from text2sql.bases.base import Base
from text2sql.bases.loading import load_model, load_tokenizer

MOST = 256  # tokens of a text
BATCH = 32  # texts at the same time


def embedder(base: Base, **source: Any) -> Callable[[Sequence[str]], Any]:
    """Load a base and return the function that embeds texts with it.

    Args:
        base: what `find_base` returned.
        source: `revision`, `trust_remote_code`, as for `load_model`.

    Returns:
        A function from texts to a tensor (texts, width), float32 on the CPU, rows of length 1.

    Raises:
        ModelError: the base cannot be had.
        MissingExtra: torch or transformers is not installed.
    """
    tokenizer = load_tokenizer(base, **source)
    model = load_model(base, **source)
    tokenizer.padding_side = "right"
    return lambda texts: embed(texts, model, tokenizer)


def embed(texts: Sequence[str], model: Any, tokenizer: Any) -> Any:
    """Return the mean hidden state of each text, of length 1: (texts, width), float32."""
    import torch

    # alike lengths share a batch: padding costs time
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    rows: list[Any] = [None] * len(texts)
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        means = _means([texts[p] for p in places], model, tokenizer)
        for place, row in zip(places, means, strict=True):
            rows[place] = row
    return torch.nn.functional.normalize(torch.stack(rows), dim=1)


def _means(texts: Sequence[str], model: Any, tokenizer: Any) -> Any:
    import torch

    read = tokenizer(
        list(texts), return_tensors="pt", padding=True, truncation=True, max_length=MOST
    ).to(model.device)
    mask = read["attention_mask"]
    with torch.inference_mode():
        states = model.base_model(
            input_ids=read["input_ids"], attention_mask=mask
        ).last_hidden_state
    weights = mask.unsqueeze(-1)
    return ((states.float() * weights).sum(1) / weights.sum(1).clamp(min=1)).cpu()
