"""Write the answers to many prompts on one local model: our own batched decoding loop.

    >>> decode(prompts, model, tokenizer, Decoding(max_new_tokens=64), stop_ids=[2])
    [[Generation(text='SELECT count(*) FROM orders', tokens=9)], ...]

Prompts with the same shared ids (the schema) are decoded together: the model reads those ids once.
The samples of a prompt share its question as well. A row that is done leaves the batch, and the
next question takes its place, so that `batch_size` rows are busy as long as prompts are left.

A text depends on its prompt, the seed and the number of the sample, and not on the batch that it
was written in, up to rounding: the random numbers of a row are its own.

Covered: greedy decoding, sampling, beam search (as transformers does it by default: scores divided
by length, no early stopping); guides, which say which tokens are legal.
Not covered: sampling within beams; repetition penalties and other changes of the logits.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from text2sql.decoding.binding import Binding
from text2sql.decoding.cache import Prefixes, Rows, open_rows, shares_prefix
from text2sql.decoding.generation import Decoding, Generation, Listen
from text2sql.prompting.encoding import EncodedPrompt

if TYPE_CHECKING:
    from text2sql.decoding.guides import Guide

REFILL_SHARE = 4  # new questions are read when one row in so many is free: reading few is dear


def decode(
    prompts: Sequence[EncodedPrompt],
    model: Any,
    tokenizer: Any,
    decoding: Decoding,
    *,
    stop_ids: Sequence[int],
    guides: "Sequence[Guide | None] | None" = None,
    bindings: Sequence[Binding | None] | None = None,
    prefixes: Prefixes | None = None,
    listen: Listen | None = None,
) -> list[list[Generation]]:
    """Write `decoding.num_samples` texts for each prompt.

    Args:
        prompts: token ids in segments; those with the same shared ids are decoded together.
        model: a causal model of transformers, with or without an adapter, in evaluation mode.
        tokenizer: the model's.
        decoding: samples, temperature, beams, seed, rows of a batch.
        stop_ids: ids that end a text.
        guides: what is legal, one a prompt; None leaves a prompt free.
        prefixes: kept from call to call, so that the next one need not read the schema again.
        listen: is told each text as it grows; a beam search has none until its end.

    Returns:
        For each prompt its texts, without special tokens: samples in order, beams from the best
        (fewer than `num_samples` only where a guide lets fewer be written).

    Raises:
        ModelError: the model keeps no keys and values.
    """
    options: dict[str, Any] = {"stop_ids": stop_ids, "guides": guides}
    options |= {"bindings": bindings, "prefixes": prefixes, "listen": listen}
    found = dict(decode_each(prompts, model, tokenizer, decoding, **options))
    return [found[place] for place in range(len(prompts))]


def decode_each(
    prompts: Sequence[EncodedPrompt],
    model: Any,
    tokenizer: Any,
    decoding: Decoding,
    *,
    stop_ids: Sequence[int],
    guides: "Sequence[Guide | None] | None" = None,
    bindings: Sequence[Binding | None] | None = None,
    prefixes: Prefixes | None = None,
    listen: Listen | None = None,
) -> Iterator[tuple[int, list[Generation]]]:
    """Yield each prompt's place and texts as soon as they are written; see `decode`.

    The order is that of being done, one group of prompts with the same shared ids after another.
    """
    prefixes = prefixes if prefixes is not None else Prefixes(1)

    def read(place: int, ids: list[int]) -> str:
        binding = bindings[place] if bindings else None
        if binding is None:
            return str(tokenizer.decode(ids, skip_special_tokens=True))
        return binding.text_of(ids)

    def hear(place: int, sample: int, ids: list[int]) -> None:
        if listen is not None:
            listen(place, sample, read(place, ids))

    plan = _Plan(decoding, frozenset(stop_ids), guides or [None] * len(prompts), hear)
    for group in _groups(prompts, prefixes, sharing=shares_prefix(model)):
        written: dict[int, dict[int, Generation]] = {place: {} for place in group.own}
        for place, texts in _Run(plan, open_rows(model, group.prefix, prefixes), group):
            for sample, ids in texts:
                text = read(place, ids)
                written[place][sample] = Generation(text, len(ids))
            if len(written[place]) == decoding.num_samples or decoding.num_beams > 1:
                yield place, [written[place][sample] for sample in sorted(written[place])]


@dataclass(frozen=True, slots=True)
class _Group:
    """Prompts that begin alike."""

    prefix: list[int]
    own: dict[int, list[int]]  # place of the prompt -> the ids behind the prefix


def _groups(
    prompts: Sequence[EncodedPrompt], prefixes: Prefixes, *, sharing: bool
) -> Iterator[_Group]:
    """Yield groups in order of first use; prompts that share nothing with another come last."""
    members: dict[tuple[int, ...], list[int]] = {}
    for place, prompt in enumerate(prompts):
        members.setdefault(tuple(prompt.shared_ids) if sharing else (), []).append(place)
    alone: list[int] = []
    for shared, places in members.items():
        if len(places) == 1 < len(members) and shared not in prefixes:
            alone += places
        else:
            # something must be left to read, so that there are logits
            whole = any(not prompts[place].own_ids for place in places)
            yield _group(prompts, places, len(shared) - whole if shared else 0)
    if alone:
        yield _group(prompts, alone, 0)


def _group(prompts: Sequence[EncodedPrompt], places: Sequence[int], length: int) -> _Group:
    # the longest first: a batch that does not fit into memory fails at once
    order = sorted(places, key=lambda place: (-len(prompts[place].ids), place))
    own = {place: prompts[place].ids[length:] for place in order}
    return _Group(prompts[order[0]].ids[:length], own)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The settings of a call."""

    decoding: Decoding
    stops: frozenset[int]
    guides: "Sequence[Guide | None]"
    hear: Callable[[int, int, list[int]], None]  # prompt, sample, ids so far

    @property
    def rows(self) -> int:
        """Rows that are busy at most: a beam search is not cut."""
        return max(self.decoding.batch_size, self.decoding.num_beams)


@dataclass(slots=True)
class _Text:
    """One text, drawn greedily or at random."""

    plan: _Plan
    prompt: int
    sample: int
    guide: "Guide | None"
    generator: torch.Generator | None  # None: greedy
    cursor: Any
    ids: list[int] = field(default_factory=list)
    texts: list[tuple[int, list[int]]] = field(default_factory=list)  # (sample, ids) when done
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
        if self.guide is not None:
            ending = self.guide.ending(self.cursor, left)
            if ending is not None:
                self.ids += ending
                return self._end()
            token, self.cursor = self._legal(self.guide, token, logits[first])
        if token in self.plan.stops:
            return self._end()
        self.ids.append(token)
        self.plan.hear(self.prompt, self.sample, self.ids)
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
class _Beams:
    """One beam search; the rules of transformers' `GenerationMixin._beam_search`, 5.23."""

    plan: _Plan
    prompt: int
    guide: "Guide | None"
    running: list[_Beam]
    finished: list[tuple[float, list[int]]] = field(default_factory=list)  # the best first
    texts: list[tuple[int, list[int]]] = field(default_factory=list)  # (rank, ids) when done

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
        if self.guide is not None:
            return self._best_legal(self.guide, scores, count)
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


_Writer = _Text | _Beams


@dataclass(frozen=True, slots=True)
class _Job:
    """What is read once: a prompt, for some of its samples or for its beams."""

    prompt: int
    samples: range
    width: int  # rows


def _jobs(plan: _Plan, prompts: Iterable[int]) -> Iterator[_Job]:
    decoding, rows = plan.decoding, plan.rows
    for prompt in prompts:
        if decoding.num_beams > 1:
            yield _Job(prompt, range(1), decoding.num_beams)
            continue
        for first in range(0, decoding.num_samples, rows):
            samples = range(first, min(first + rows, decoding.num_samples))
            yield _Job(prompt, samples, len(samples))


class _Run:
    """One group of prompts on its way through a batch; iterates over (prompt, texts)."""

    def __init__(self, plan: _Plan, rows: Rows, group: _Group) -> None:
        self.plan, self.rows, self.group = plan, rows, group
        self.waiting = deque(_jobs(plan, group.own))
        self.writers: list[_Writer] = []  # in the order of their rows
        self.tokens: list[int] = []  # the last token of each row

    def __iter__(self) -> Iterator[tuple[int, list[tuple[int, list[int]]]]]:
        while self.waiting or self.writers:
            for writer in self._fill() if self._may_fill() else self._step():
                yield writer.prompt, writer.texts

    def _room(self) -> int:
        return self.plan.rows - sum(writer.width for writer in self.writers)

    def _may_fill(self) -> bool:
        if not self.waiting or not self.writers:
            return bool(self.waiting)
        enough = max(self.waiting[0].width, self.plan.rows // REFILL_SHARE)
        return self.rows.refills and self._room() >= enough

    @torch.inference_mode()
    def _fill(self) -> list[_Writer]:
        """Read waiting prompts and write their first tokens; return who is done already."""
        room, jobs = self._room(), []
        while self.waiting and self.waiting[0].width <= room:
            jobs.append(self.waiting.popleft())
            room -= jobs[-1].width
        logits = self.rows.prefill([self.group.own[job.prompt] for job in jobs])
        new = [(place, writer) for place, job in enumerate(jobs) for writer in self._open(job)]
        writers = [writer for _, writer in new]
        picks = self._extend(logits[[place for place, _ in new]], writers, range(len(new)))
        chosen = [
            (place, token) for (place, _), pick in zip(new, picks, strict=True) for _, token in pick
        ]
        self.rows.admit([place for place, _ in chosen])
        self.tokens += [token for _, token in chosen]
        self.writers += [writer for writer in writers if not writer.texts]
        return [writer for writer in writers if writer.texts]

    def _open(self, job: _Job) -> list[_Writer]:
        guide = self.plan.guides[job.prompt]
        cursor = guide.start() if guide is not None else None
        if self.plan.decoding.num_beams > 1:
            return [_Beams(self.plan, job.prompt, guide, [_Beam(0.0, [], cursor)])]
        ids = self.group.prefix + self.group.own[job.prompt]
        return [
            _Text(self.plan, job.prompt, sample, guide, _generator(self.plan, ids, sample), cursor)
            for sample in job.samples
        ]

    @torch.inference_mode()
    def _step(self) -> list[_Writer]:
        """Write the next token of every row; return who is done."""
        logits = self.rows.step(self.tokens)
        writers = self.writers
        firsts = list(accumulate((writer.rows for writer in writers[:-1]), initial=0))
        picks = self._extend(logits, writers, firsts)
        order = _packed([not writer.texts for writer in writers])
        self.rows.arrange([firsts[i] + parent for i in order for parent, _ in picks[i]])
        self.tokens = [token for i in order for _, token in picks[i]]
        self.writers = [writers[i] for i in order]
        return [writer for writer in writers if writer.texts]

    def _extend(
        self, logits: Tensor, writers: Sequence[_Writer], firsts: Sequence[int]
    ) -> list[list[tuple[int, int]]]:
        proposed = self._propose(logits, writers)
        pairs = zip(writers, firsts, strict=True)
        return [writer.extend(logits, first, proposed) for writer, first in pairs]

    def _propose(self, logits: Tensor, writers: Sequence[_Writer]) -> list[int]:
        """Choose a token for each row, all rows at once, as if everything were legal."""
        decoding = self.plan.decoding
        if decoding.num_beams > 1:
            return []
        if decoding.effective_temperature == 0:
            return logits.argmax(-1).tolist()
        points = [writer.uniform() for writer in writers if isinstance(writer, _Text)]
        return draw(logits / decoding.effective_temperature, decoding.top_p, points)


def _packed(stays: Sequence[bool]) -> list[int]:
    """Return the places that stay; the last ones fill the holes, so that few rows move."""
    count = sum(stays)
    last = [place for place in range(count, len(stays)) if stays[place]]
    return [place if stays[place] else last.pop() for place in range(count)]


def _generator(plan: _Plan, ids: Sequence[int], sample: int) -> torch.Generator | None:
    """Return the random numbers of one sample of one prompt."""
    if plan.decoding.effective_temperature == 0:
        return None
    text = repr((plan.decoding.seed, sample, list(ids))).encode()
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
