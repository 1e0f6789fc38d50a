"""Choose the next token among the legal ones: check the proposed token, not the vocabulary.

    >>> token, cursor = pick_greedy(logits, guide, cursor, stop_ids)

Greedy takes the legal token with the highest logit. Sampling draws from the model's distribution
restricted to the legal tokens. Beam search takes the best legal continuations of all beams. Each
goes down from the best proposal until it meets legal tokens: there is no top-k cut-off, and the
whole vocabulary is sorted only where its first thousands hold none. Equal scores go by lowest id,
so that a result does not depend on the device's order.

Covered: any vocabulary, ids without a token; a stop id is legal where the guide says so.
Not covered: a guide without any legal token, a dead end. The text is ended there with a stop id,
and verification refuses what it finds.

The restriction is local, as everywhere in constrained decoding: each step's distribution is
renormalised, not that over whole texts (Park et al. 2024, arXiv:2405.21047).
"""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from text2sql.decoding.guides import Cursor, Guide

_CHUNKS = (8, 128, 2048)  # proposals looked at before the whole vocabulary is sorted

_DRAWS = 3  # one by one, before all tokens are drawn at once: that takes a variate for each


def pick_greedy(
    logits_row: "Tensor",
    guide: "Guide",
    cursor: "Cursor",
    stop_ids: Collection[int],
    *,
    refused: bool = False,
) -> "tuple[int, Cursor]":
    """Return the legal token with the highest logit, and the cursor behind it.

    Args:
        logits_row: (vocab,).
        guide: says what is legal.
        cursor: where the text stands.
        stop_ids: ids that end a text; behind one the cursor stays as it is.
        refused: the highest logit is known to be that of an illegal token.
    """
    if not refused:
        proposed = int(logits_row.argmax())
        after = _try(proposed, guide, cursor, stop_ids)
        if after is not None and logits_row[proposed] > float("-inf"):
            return proposed, after
    return _first_legal(logits_row, guide, cursor, stop_ids) or _dead_end(cursor, stop_ids)


def pick_sample(
    logits_row: "Tensor",
    guide: "Guide",
    cursor: "Cursor",
    stop_ids: Collection[int],
    *,
    top_p: float = 1.0,
    generator: "Generator | None" = None,
) -> "tuple[int, Cursor]":
    """Return a token drawn from the model's distribution restricted to the legal tokens.

    An illegal draw is taken out and the draw repeated, which leaves the odds of all others as they
    are. The nucleus is that of the model's own distribution, as transformers' TopPLogitsWarper
    takes it, and is then restricted; where it holds no legal token, the best legal one is taken.

    Args:
        logits_row: (vocab,), already divided by the temperature.
        guide: says what is legal.
        cursor: where the text stands.
        stop_ids: ids that end a text.
        top_p: mass of the nucleus; 1 is the whole distribution.
        generator: of the row, on the device of the logits.
    """
    chances = logits_row.float().softmax(-1)
    if top_p < 1:
        chances = _nucleus(chances, top_p)
    for _ in range(_DRAWS):
        token = _draw(chances, generator)
        after = _try(token, guide, cursor, stop_ids) if chances[token] > 0 else None
        if after is not None:
            return token, after
        chances[token] = 0
    # The rest as a race: dividing by exponential variates orders the tokens as draws without
    # putting back would (Efraimidis and Spirakis 2006).
    race = chances / chances.new_empty(chances.shape).exponential_(generator=generator)
    found = _first_legal(race.log(), guide, cursor, stop_ids)
    return found or pick_greedy(logits_row, guide, cursor, stop_ids)


def pick_beams(
    scores: "Tensor",
    guide: "Guide",
    cursors: "list[Cursor]",
    stop_ids: Collection[int],
    count: int,
) -> "list[tuple[int, int, Cursor]]":
    """Return the best legal continuations of all beams of one prompt, best first.

    Args:
        scores: (beams, vocab), log-probabilities summed over each beam.
        guide: says what is legal.
        cursors: one a beam.
        stop_ids: ids that end a text; its cursor stays as it is.
        count: continuations wanted.

    Returns:
        (beam, token, cursor), fewer than `count` where fewer are legal and have a finite score.
    """
    found: list[tuple[int, int, Any]] = []
    width = scores.shape[1]
    for place in _best_first(scores.flatten()):
        beam, token = divmod(place, width)
        after = _try(token, guide, cursors[beam], stop_ids)
        if after is not None:
            found.append((beam, token, after))
            if len(found) == count:
                break
    return found


def _try(
    token: int, guide: "Guide", cursor: "Cursor", stop_ids: Collection[int]
) -> "Cursor | None":
    if token in stop_ids:
        return cursor if guide.may_stop(cursor) else None
    return guide.advance(cursor, token)


def _first_legal(
    scores: "Tensor", guide: "Guide", cursor: "Cursor", stop_ids: Collection[int]
) -> "tuple[int, Cursor] | None":
    for token in _best_first(scores):
        after = _try(token, guide, cursor, stop_ids)
        if after is not None:
            return token, after
    return None


def _dead_end(cursor: "Cursor", stop_ids: Collection[int]) -> "tuple[int, Cursor]":
    return min(stop_ids), cursor


def _best_first(scores: "Tensor") -> Iterator[int]:
    """Yield the places of finite scores, best first, equal ones by lowest place."""
    done = 0
    for count in _CHUNKS:
        if count < scores.numel():
            # Lists at once: each question to a tensor costs more than one to the checker.
            values, places = (found.tolist() for found in scores.topk(count))
            # Which of several equal scores the last places show is up to the device: these wait.
            pairs = zip(values, places, strict=True)
            sure = sorted((-value, place) for value, place in pairs if value > values[-1])
            yield from [place for _, place in sure[done:]]
            done = max(done, len(sure))
    ordered, order = scores.sort(descending=True, stable=True)
    finite = int((ordered > float("-inf")).sum())
    yield from order[done:finite].tolist()


def _nucleus(chances: "Tensor", top_p: float) -> "Tensor":
    """Return the chances with all outside the nucleus at 0.

    A token stays while those before it hold less than `top_p`.
    """
    for count in (*_CHUNKS, chances.numel()):
        values, places = chances.topk(min(count, chances.numel()))
        before = values.cumsum(0) - values
        if before[-1] >= top_p or count >= chances.numel():
            break
    kept = places[before < top_p]
    return chances.new_zeros(chances.shape).index_put((kept,), chances[kept])


def _draw(chances: "Tensor", generator: "Generator | None") -> int:
    """Return one token by its chance: one variate and a search, far cheaper than a race of all."""
    from torch import searchsorted

    sums = chances.double().cumsum(0)
    variate = sums.new_empty(1).uniform_(generator=generator) * sums[-1]
    return min(int(searchsorted(sums, variate, right=True)), chances.numel() - 1)
