"""The loss head where there is a label, and nowhere else.

    >>> labelled = find_labels(row.labels)
    >>> states = hidden[labelled.places]
    >>> log_probs, entropy, top1 = score_tokens(states, head, labelled.ids, vocabulary=32_016)
    >>> loss = -log_probs.sum() / len(log_probs)

Of a row that shares a schema a quarter of the tokens carries loss, of a row of its own one in ten:
the other rows of the vocabulary-wide product would be thrown away. The sum is that of the whole
head to rounding. Many labels are scored piece by piece, and the pieces computed again in the
backward pass, so that no tensor of all labels times the vocabulary is kept.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from text2sql.training.rows import IGNORED

ENTRIES = 2**26  # logits computed at once: 256 MB in float32


@dataclass(frozen=True, slots=True)
class Labelled:
    """Where a row carries loss."""

    places: Tensor  # of the tokens that predict
    ids: Tensor  # that they should predict


def find_labels(labels: Tensor) -> Labelled:
    """Find a row's labels.

    Args:
        labels: (length,) token ids, not shifted, -100 where there is no loss.
    """
    places = (labels[1:] != IGNORED).nonzero().squeeze(1)
    return Labelled(places, labels[places + 1])


def score_tokens(
    hidden: Tensor, head: nn.Module, ids: Tensor, *, vocabulary: int, entries: int = ENTRIES
) -> tuple[Tensor, Tensor, Tensor]:
    """Score what should come next.

    Args:
        hidden: (labels, width) the last layer's states at the tokens that predict.
        head: of the model, to logits over the vocabulary.
        ids: (labels,) that should come next.
        vocabulary: its size.
        entries: logits that may be held at once.

    Returns:
        (labels,) each: natural logarithm of the probability, float32 (float64 for a float64 model);
        entropy of the distribution, and whether the id is the likeliest, both without gradient.
    """
    size = max(1, entries // vocabulary)
    if len(ids) <= size:
        return _score(hidden, head, ids)
    pieces = [
        checkpoint(_score, states, head, targets, use_reentrant=False)
        for states, targets in zip(hidden.split(size), ids.split(size), strict=True)
    ]
    log_probs, entropy, top1 = (torch.cat(parts) for parts in zip(*pieces, strict=True))
    return log_probs, entropy, top1


def _score(hidden: Tensor, head: nn.Module, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    logits = head(hidden)
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    logarithms = F.log_softmax(logits, dim=-1)
    with torch.no_grad():
        entropy = -(logarithms.exp() * logarithms).sum(-1)
        top1 = logarithms.argmax(-1) == ids
    return logarithms.gather(1, ids[:, None]).squeeze(1), entropy, top1
