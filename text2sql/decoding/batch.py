"""A batch that prompts are added to while it is written: one forward pass a step for all of them.

    >>> batch = Batch(model, Decoding(), stop_ids, Prefixes())
    >>> batch.add(asked)
    >>> while batch.busy:
    ...     for done in batch.step():
    ...         print(done.asked is asked, done.texts)
    True [Generation(text='SELECT count(*) FROM orders', tokens=9)]

A row that is done leaves the batch, and a prompt that waits takes its place. Reading a prompt costs
about as much as a step of all rows and hardly more for several prompts, so some are waited for:
they are read when they are a good share of what is being written, or one has waited long enough.

Covered: prompts with different prefixes in one batch; an error of one prompt's guide or listener is
that prompt's own. Not covered: settings that differ from prompt to prompt; models whose rows share
no prefix take in prompts only when all rows are done.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from text2sql.decoding.cache import Prefixes, open_rows
from text2sql.decoding.generation import Decoding, Generation
from text2sql.decoding.writers import Asked, Plan, Text, Writer, draw, open_writers

REFILL_SHARE = 4  # prompts are read when they are one in so many of the rows that are busy
PATIENCE = 6  # steps that a prompt waits for others to be read with


@dataclass(slots=True)
class _Job:
    """What is read once: a prompt, for some of its samples or for its beams."""

    asked: Asked
    samples: range
    width: int  # rows
    waited: int = 0  # steps that were written while there was room for it


@dataclass(frozen=True, slots=True)
class Done:
    """A prompt that has been answered."""

    asked: Asked
    texts: list[Generation]  # samples in order, beams from the best
    error: Exception | None  # of its guide or listener; it has no texts then


def _jobs(plan: Plan, asked: Asked) -> Iterator[_Job]:
    decoding, rows = plan.decoding, plan.rows
    if decoding.num_beams > 1:
        yield _Job(asked, range(1), decoding.num_beams)
        return
    for first in range(0, decoding.num_samples, rows):
        samples = range(first, min(first + rows, decoding.num_samples))
        yield _Job(asked, samples, len(samples))


class Batch:
    """Prompts on their way through one model; one thread at a time."""

    def __init__(
        self, model: Any, decoding: Decoding, stop_ids: Sequence[int], prefixes: Prefixes
    ) -> None:
        """Open an empty batch.

        Args:
            model: a causal model of transformers, in evaluation mode.
            decoding: samples, temperature, beams, seed, most rows.
            stop_ids: ids that end a text.
            prefixes: of this model, kept from batch to batch.
        """
        self._plan = Plan(decoding, frozenset(stop_ids))
        self._rows = open_rows(model, prefixes)
        self._waiting: deque[_Job] = deque()
        self._writers: list[Writer] = []  # in the order of their rows
        self._tokens: list[int] = []  # the last token of each row
        self._written: dict[Asked, dict[int, Generation]] = {}  # of prompts that have more to come

    @property
    def busy(self) -> bool:
        """Whether anything is left to write."""
        return bool(self._waiting or self._writers)

    @property
    def room(self) -> int:
        """Rows that nobody has or waits for."""
        held = sum(writer.width for writer in self._writers)
        return self._plan.rows - held - sum(job.width for job in self._waiting)

    def add(self, asked: Asked) -> None:
        """Let a prompt wait for its turn."""
        self._waiting.extend(_jobs(self._plan, asked))

    def drop(self, asked: Asked) -> None:
        """Forget a prompt; its rows are free from now on."""
        self._written.pop(asked, None)
        self._waiting = deque(job for job in self._waiting if job.asked is not asked)
        writers, firsts = self._writers, self._firsts()
        written = [
            [(beam, self._tokens[first + beam]) for beam in range(writer.rows)]
            for writer, first in zip(writers, firsts, strict=True)
        ]
        self._keep([writer.asked is not asked for writer in writers], firsts, written)

    def step(self) -> list[Done]:
        """Read prompts that wait, or write the next token of every row; return what is done."""
        writers = self._fill() if self._may_fill() else self._write()
        return [done for writer in writers for done in self._collect(writer)]

    def _collect(self, writer: Writer) -> Iterator[Done]:
        """Put the texts of a writer to those of its prompt; yield it when it has all."""
        asked, decoding = writer.asked, self._plan.decoding
        if writer.error is not None:
            self.drop(asked)
            yield Done(asked, [], writer.error)
            return
        found = self._written.setdefault(asked, {})
        found |= {n: Generation(asked.read(ids), len(ids)) for n, ids in writer.texts}
        if len(found) == decoding.num_samples or decoding.num_beams > 1:
            yield Done(asked, [found[n] for n in sorted(found)], None)
            del self._written[asked]

    def _may_fill(self) -> bool:
        if not self._waiting or not self._writers:
            return bool(self._waiting)
        fitting = self._fitting() if self._rows.refills else []
        if not fitting:
            return False
        fitting[0].waited += 1
        busy = sum(writer.width for writer in self._writers)
        enough = REFILL_SHARE * sum(job.width for job in fitting) >= busy
        return enough or fitting[0].waited > PATIENCE

    def _fitting(self) -> list[_Job]:
        """Return the first jobs that wait, as many as there are rows for."""
        room = self._plan.rows - sum(writer.width for writer in self._writers)
        widths = accumulate(job.width for job in self._waiting)
        return [job for job, width in zip(self._waiting, widths, strict=False) if width <= room]

    @torch.inference_mode()
    def _fill(self) -> list[Writer]:
        jobs = self._fitting()
        for _ in jobs:
            self._waiting.popleft()
        logits = self._rows.prefill([job.asked.split for job in jobs])
        new = [
            (place, writer)
            for place, job in enumerate(jobs)
            for writer in open_writers(job.asked, self._plan, job.samples)
        ]
        writers = [writer for _, writer in new]
        picks = self._extend(logits[[place for place, _ in new]], writers, range(len(new)))
        chosen = [
            (place, token) for (place, _), pick in zip(new, picks, strict=True) for _, token in pick
        ]
        self._rows.admit([place for place, _ in chosen])
        self._tokens += [token for _, token in chosen]
        self._writers += [writer for writer in writers if not _is_done(writer)]
        return [writer for writer in writers if _is_done(writer)]

    @torch.inference_mode()
    def _write(self) -> list[Writer]:
        logits = self._rows.step(self._tokens)
        writers, firsts = self._writers, self._firsts()
        picks = self._extend(logits, writers, firsts)
        self._keep([not _is_done(writer) for writer in writers], firsts, picks)
        return [writer for writer in writers if _is_done(writer)]

    def _firsts(self) -> list[int]:
        """Return the first row of each writer."""
        return list(accumulate((writer.rows for writer in self._writers), initial=0))[:-1]

    def _keep(
        self,
        stays: Sequence[bool],
        firsts: Sequence[int],
        picks: Sequence[Sequence[tuple[int, int]]],
    ) -> None:
        """Drop the rows of writers that do not stay; the others go on with their picks.

        Args:
            stays: of each writer.
            firsts: the first row that each had until now.
            picks: of each writer (beam, token) for each row that it is to have.
        """
        order = _packed(stays)
        self._rows.arrange([firsts[i] + parent for i in order for parent, _ in picks[i]])
        self._tokens = [token for i in order for _, token in picks[i]]
        self._writers = [self._writers[i] for i in order]

    def _extend(
        self, logits: Tensor, writers: Sequence[Writer], firsts: Sequence[int]
    ) -> list[list[tuple[int, int]]]:
        """Let every writer choose; what one of them raises is its own."""
        proposed, picks = self._propose(logits, writers), []
        for writer, first in zip(writers, firsts, strict=True):
            try:
                picks.append(writer.extend(logits, first, proposed))
            except Exception as error:  # whatever it is, the other texts go on
                writer.error = error
                picks.append([])
        return picks

    def _propose(self, logits: Tensor, writers: Sequence[Writer]) -> list[int]:
        """Choose a token for each row, all rows at once, as if everything were legal."""
        decoding = self._plan.decoding
        if decoding.num_beams > 1:
            return []
        if decoding.effective_temperature == 0:
            return logits.argmax(-1).tolist()
        points = [writer.uniform() for writer in writers if isinstance(writer, Text)]
        return draw(logits / decoding.effective_temperature, decoding.top_p, points)


def _is_done(writer: Writer) -> bool:
    return bool(writer.texts) or writer.error is not None


def _packed(stays: Sequence[bool]) -> list[int]:
    """Return the places that stay; the last ones fill the holes, so that few rows move."""
    count = sum(stays)
    last = [place for place in range(count, len(stays)) if stays[place]]
    return [place if stays[place] else last.pop() for place in range(count)]
