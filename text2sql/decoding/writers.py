"""The texts of a batch while they are written: greedy or drawn ones, and beam searches.

    >>> text = open_writers(asked, plan, range(1))[0]
    >>> text.extend(logits, first=0, proposed=[17])    # (0, token) where the text goes on
    [(0, 17)]

A writer has one row of the batch, or one a beam, and knows nothing of the others: it looks at the
logits of its rows, and its random numbers are its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from text2sql.decoding.generation import Decoding

if TYPE_CHECKING:
    from text2sql.decoding.guides import Guide


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One prompt that is to be answered."""

    shared: Sequence[int]  # ids that other prompts begin with, too
    own: Sequence[int]
    read: Callable[[list[int]], str]  # the text of its ids
    guide: "Guide | None" = None  # what is legal; None leaves it free
    hear: Callable[[int, str], None] | None = None  # of a sample, and its text so far

    @property
    def split(self) -> tuple[Sequence[int], Sequence[int]]:
        """The ids as they are read: something is left to read, so that there are logits."""
        if self.own:
            return self.shared, self.own
        return self.shared[:-1], self.shared[-1:]


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of all texts of a batch."""

    decoding: Decoding
    stops: frozenset[int]

    @property
    def rows(self) -> int:
        """Rows that are busy at most: a beam search is not cut."""
        return max(self.decoding.batch_size, self.decoding.num_beams)


@dataclass(slots=True)
class Text:
    """One text, drawn greedily or at random."""

    plan: Plan
    asked: Asked
    sample: int
    generator: torch.Generator | None  # None: greedy
    cursor: Any
    ids: list[int] = field(default_factory=list)
    texts: list[tuple[int, list[int]]] = field(default_factory=list)  # (sample, ids) when done
    error: Exception | None = None  # of its guide or listener; the text is given up
    width: int = 1  # rows that it may need
    rows: int = 1  # rows that it has

    def extend(self, logits: Tensor, first: int, proposed: Sequence[int]) -> list[tuple[int, int]]:
        """Take the proposed token, or the policy's choice where that is illegal.

        Args:
            logits: (rows, vocabulary) of the whole batch.
            first: the place of this text's row.
            proposed: a token for each row of the batch.

        Returns:
            [(0, token)], or nothing where the text ends.
        """
        token, left = proposed[first], self.plan.decoding.max_new_tokens - len(self.ids)
        guide, hear = self.asked.guide, self.asked.hear
        if guide is not None:
            ending = guide.ending(self.cursor, left)
            if ending is not None:
                self.ids += ending
                return self._end()
            token, self.cursor = self._legal(guide, token, logits[first])
        if token in self.plan.stops:
            return self._end()
        self.ids.append(token)
        if hear is not None:
            hear(self.sample, self.asked.read(self.ids))
        return [(0, token)] if left > 1 else self._end()

    def _legal(self, guide: "Guide", token: int, logits: Tensor) -> tuple[int, Any]:
        """Return the token if it is legal, else another one, with the cursor behind it.

        Drawing first from all tokens, and again from the legal ones where that was illegal, draws
        each token with its probability among the legal ones.
        """
        stops, decoding = self.plan.stops, self.plan.decoding
        if token in stops:
            if guide.may_stop(self.cursor):
                return token, self.cursor
        elif (cursor := guide.advance(self.cursor, token)) is not None:
            return token, cursor
        from text2sql.decoding import policy

        logits = logits.float().cpu()
        if self.generator is None:
            return policy.pick_greedy(logits, guide, self.cursor, stops, refused=True)
        return policy.pick_sample(
            logits / decoding.effective_temperature,
            guide,
            self.cursor,
            stops,
            top_p=decoding.top_p,
            generator=self.generator,
        )

    def uniform(self) -> float:
        """Return the next of this text's own random numbers, in [0, 1)."""
        return torch.rand((), generator=self.generator, dtype=torch.float64).item()

    def _end(self) -> list[tuple[int, int]]:
        self.texts = [(self.sample, self.ids)]
        return []


@dataclass(frozen=True, slots=True)
class _Beam:
    score: float  # sum of log-probabilities
    ids: list[int]
    cursor: Any


class _Pick(NamedTuple):
    """A beam with one more token."""

    score: float
    parent: int
    token: int
    cursor: Any


@dataclass(slots=True)
class Beams:
    """One beam search; the rules of transformers' `GenerationMixin._beam_search`, 5.23."""

    plan: Plan
    asked: Asked
    running: list[_Beam]
    finished: list[tuple[float, list[int]]] = field(default_factory=list)  # the best first
    texts: list[tuple[int, list[int]]] = field(default_factory=list)  # (rank, ids) when done
    error: Exception | None = None  # of its guide; the search is given up

    @property
    def width(self) -> int:
        """Rows that it may need."""
        return self.plan.decoding.num_beams

    @property
    def rows(self) -> int:
        """Rows that it has."""
        return len(self.running)

    def extend(self, logits: Tensor, first: int, proposed: Sequence[int]) -> list[tuple[int, int]]:
        """Keep the best continuations of all beams.

        Args:
            logits: (rows, vocabulary) of the whole batch.
            first: the place of this search's first row.
            proposed: nothing: a token alone is no proposal here.

        Returns:
            (beam, token) of each beam that goes on, the best first.
        """
        scores = torch.log_softmax(logits[first : first + self.rows].float(), dim=-1).cpu()
        scores = scores + torch.tensor([[beam.score] for beam in self.running])
        written = len(self.running[0].ids) + 1
        last = written == self.plan.decoding.max_new_tokens
        goes_on: list[_Pick] = []
        for rank, pick in enumerate(self._best(scores)):
            if pick.token in self.plan.stops or last:
                if rank < self.width:
                    self._finish(pick.score / written, self._ids(pick))
            elif len(goes_on) < self.width:
                goes_on.append(pick)
        if not goes_on or self._cannot_improve(goes_on[0].score / written):
            return self._end()
        self.running = [_Beam(pick.score, self._ids(pick), pick.cursor) for pick in goes_on]
        return [(pick.parent, pick.token) for pick in goes_on]

    def _ids(self, pick: _Pick) -> list[int]:
        ids = self.running[pick.parent].ids
        return ids if pick.token in self.plan.stops else [*ids, pick.token]

    def _best(self, scores: Tensor) -> list[_Pick]:
        """Return the best continuations; enough go on even if every beam could also stop."""
        count = max(2, 1 + len(self.plan.stops)) * self.width
        if self.asked.guide is not None:
            return self._best_legal(self.asked.guide, scores, count)
        values, places = scores.flatten().topk(min(count, scores.numel()))
        pairs = zip(values.tolist(), places.tolist(), strict=True)
        width = scores.shape[1]
        return [_Pick(value, place // width, place % width, None) for value, place in pairs]

    def _best_legal(self, guide: "Guide", scores: Tensor, count: int) -> list[_Pick]:
        """Return the best legal continuations; a beam that must end has only one."""
        from text2sql.decoding import policy

        left = self.plan.decoding.max_new_tokens - len(self.running[0].ids)
        free: list[int] = []
        picks: list[_Pick] = []
        for place, beam in enumerate(self.running):
            ending = guide.ending(beam.cursor, left)
            if ending is None:
                free.append(place)
            elif ending:
                token = ending[0]
                cursor = guide.advance(beam.cursor, token)
                picks.append(_Pick(scores[place, token].item(), place, token, cursor))
            else:
                self._finish(beam.score / max(1, len(beam.ids)), beam.ids)
        if free:
            cursors = [self.running[place].cursor for place in free]
            found = policy.pick_beams(scores[free], guide, cursors, self.plan.stops, count)
            places = [(free[beam], token, cursor) for beam, token, cursor in found]
            picks += [_Pick(scores[p, token].item(), p, token, c) for p, token, c in places]
        return sorted(picks, key=lambda pick: -pick.score)

    def _finish(self, score: float, ids: list[int]) -> None:
        self.finished.append((score, ids))
        self.finished.sort(key=lambda entry: -entry[0])
        del self.finished[self.width :]

    def _cannot_improve(self, best: float) -> bool:
        return len(self.finished) == self.width and best <= self.finished[-1][0]

    def _end(self) -> list[tuple[int, int]]:
        best = [ids for _, ids in self.finished] or [beam.ids for beam in self.running]
        self.texts = list(enumerate(best[: self.plan.decoding.num_samples]))
        return []


Writer = Text | Beams


def open_writers(asked: Asked, plan: Plan, samples: range) -> list[Writer]:
    """Return the writers of some of a prompt's samples, or of its one beam search."""
    cursor = asked.guide.start() if asked.guide is not None else None
    if plan.decoding.num_beams > 1:
        return [Beams(plan, asked, [_Beam(0.0, [], cursor)])]
    ids = [*asked.shared, *asked.own]
    return [Text(plan, asked, n, _generator(plan.decoding, ids, n), cursor) for n in samples]


def _generator(decoding: Decoding, ids: Sequence[int], sample: int) -> torch.Generator | None:
    """Return the random numbers of one sample of one prompt."""
    if decoding.effective_temperature == 0:
        return None
    text = repr((decoding.seed, sample, list(ids))).encode()
    seed = int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)
    return torch.Generator().manual_seed(seed)


def draw(logits: Tensor, top_p: float, points: Sequence[float]) -> list[int]:
    """Draw one token a row.

    Args:
        logits: (rows, vocabulary), divided by the temperature.
        top_p: the most probable tokens that together reach this much are drawn from
            (nucleus sampling, Holtzman et al. 2020, arXiv:1904.09751).
        points: a number in [0, 1) a row; the token is that at this share of the probability.
    """
    chances = torch.softmax(logits.float(), dim=-1)
    if top_p < 1:
        sorted_chances, tokens = chances.sort(dim=-1, descending=True, stable=True)
        before = sorted_chances.cumsum(-1) - sorted_chances
        # back in the order of ids: rounding swaps neighbours in the sorted one
        chances = torch.zeros_like(chances).scatter(
            -1, tokens, sorted_chances.masked_fill(before >= top_p, 0.0)
        )
    reached = chances.cumsum(-1, dtype=torch.float64)
    at = torch.tensor(points, dtype=torch.float64, device=logits.device)[:, None]
    places = torch.searchsorted(reached, at * reached[:, -1:], right=True)
    return places.clamp(max=logits.shape[-1] - 1)[:, 0].tolist()
