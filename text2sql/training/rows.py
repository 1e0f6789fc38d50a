"""Rows that share: one schema once, then every question about it with its SQL.

    >>> group = Group([5, 6, 7], [Branch([8, 9], [10, 1]), Branch([11], [12, 1])])
    >>> row = build_row([group])
    >>> row.input_ids
    [5, 6, 7, 8, 9, 10, 1, 11, 12, 1]
    >>> row.positions
    [0, 1, 2, 3, 4, 5, 6, 3, 4, 5]
    >>> row.reach
    [10, 10, 10, 7, 7, 7, 7, 10, 10, 10]

A row is a forest written in depth-first order: roots are schemas, below them are questions with
their SQL, and below a question that has several SQL texts (sampled or accepted ones) are these.
One number a token says who sees whom: token `j` is seen by the tokens `j` to `reach[j] - 1`, which
are the later ones of its own text and all that hang below it.

An epoch is cut into parts of a group, parts are joined to optimizer steps of about `batch_size`
examples, and the parts of a step are spread over its forward passes so that these have about
equally many tokens. All of it is decided by the seed and the epoch.

Covered: several schemas in one row, several SQL texts for one question, parts of any size.
Not covered: a schema of which only the beginning is shared.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from random import Random
from typing import Literal, NamedTuple

from text2sql.errors import DataError

IGNORED = -100  # the label that the loss skips
CAP = 16  # questions beside one schema: above it the gain is small, and a step has few databases
DATABASES = 4  # that an optimizer step should hold at least
TOKENS = 8192  # of one forward pass


class Branch(NamedTuple):
    """A question about a schema, and SQL that answers it."""

    question: Sequence[int]  # token ids, at least one
    sql: Sequence[int]  # token ids, the stop included; they carry the loss
    difficulty: float = 0.0  # what the order "difficulty" sorts by, easy first


@dataclass(frozen=True, slots=True)
class Group:
    """A schema and the questions about it."""

    shared: Sequence[int]  # token ids of the schema
    branches: list[Branch]
    name: str = ""  # of the database, for messages

    @property
    def tokens(self) -> int:
        """Tokens of its row."""
        return len(self.shared) + sum(_tokens(bundle) for bundle in _bundles(self.branches))

    @property
    def unshared(self) -> int:
        """Tokens of one row for each question."""
        own = sum(len(branch.question) + len(branch.sql) for branch in self.branches)
        return own + len(self.shared) * len(self.branches)


@dataclass(frozen=True, slots=True)
class Row:
    """What one forward pass reads; four lists of one length."""

    input_ids: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)  # of the token itself, not shifted
    positions: list[int] = field(default_factory=list)  # tokens that it sees beside itself
    reach: list[int] = field(default_factory=list)  # end of the tokens that see it


@dataclass(frozen=True, slots=True)
class Partition:
    """How groups become rows.

    Args:
        batch_size: examples in an optimizer step, in the mean over an epoch.
        forwards: forward passes of a step, over all processes.
        cap: questions beside one schema in a row at most.
        tokens: of one forward pass at most.
        seed: of the order and of the cuts.
        order: "random"; "given" keeps the order of groups and branches; "difficulty" is easy first,
            parts of like difficulty together.
    """

    batch_size: int
    forwards: int = 1
    cap: int = CAP
    tokens: int = TOKENS
    seed: int = 0
    order: Literal["random", "given", "difficulty"] = "random"


@dataclass(frozen=True, slots=True)
class Tally:
    """What sharing does to one epoch."""

    examples: int
    tokens: int  # one row for each example, no padding
    shared_tokens: int  # after sharing
    rows: int  # forward passes
    steps: int  # optimizer steps

    @property
    def ratio(self) -> float:
        """Tokens before over tokens after sharing."""
        return self.tokens / self.shared_tokens

    def report(self) -> str:
        """Say it in one line."""
        return (
            f"{self.examples:,} examples, {self.tokens:,} tokens, {self.shared_tokens:,} after"
            f" sharing schemas (ratio {self.ratio:.2f}), {self.rows:,} rows,"
            f" {self.steps:,} steps an epoch"
        )


def usual_cap(batch_size: int) -> int:
    """Return the cap that leaves room for several databases in a step of so many examples."""
    return max(1, min(CAP, batch_size // DATABASES))


def usual_tokens(groups: Iterable[Group], batch: int) -> int:
    """Return how long a row may be: no longer than the longest batch of padded rows could be.

    Args:
        groups: whole ones.
        batch: examples that the user lets a forward pass hold without sharing.
    """
    longest = max(
        len(group.shared) + len(branch.question) + len(branch.sql)
        for group in groups
        for branch in group.branches
    )
    return max(longest, min(TOKENS, batch * longest))


def build_groups(rows: Iterable[tuple[Sequence[int], Branch, str]]) -> list[Group]:
    """Bring the questions of one schema together, in the order in which they come.

    Args:
        rows: token ids of the shared part, the branch, the database's name.
    """
    groups: dict[tuple[int, ...], Group] = {}
    for shared, branch, name in rows:
        groups.setdefault(tuple(shared), Group(list(shared), [], name)).branches.append(branch)
    return list(groups.values())


def cut(groups: Iterable[Group], *, cap: int, tokens: int, random: Random | None) -> list[Group]:
    """Cut every group into parts of at most `cap` questions and `tokens` tokens.

    Args:
        groups: whole ones.
        cap: questions of a part.
        tokens: of a part, the schema included.
        random: shuffles a group's questions first; None keeps their order.

    Raises:
        DataError: one question does not fit beside its schema.
    """
    parts: list[Group] = []
    for group in groups:
        branches = group.branches
        if random is not None:
            branches = random.sample(branches, len(branches))
        parts += _cut(group, branches, cap, tokens)
    return parts


def _cut(group: Group, branches: list[Branch], cap: int, tokens: int) -> Iterator[Group]:
    part: list[Branch] = []
    used = len(group.shared)
    for branch in together(branches):
        own = len(branch.question) + len(branch.sql)
        if len(group.shared) + own > tokens:
            raise DataError(
                f"a question and its SQL need {own:,} tokens beside the {len(group.shared):,} of"
                f" their schema{f' ({group.name})' if group.name else ''}, of {tokens:,} in a row:"
                " raise prefix_tokens"
            )
        if part and (len(part) == cap or used + own > tokens):
            yield Group(group.shared, part, group.name)
            part, used = [], len(group.shared)
        part.append(branch)
        used += own
    if part:
        yield Group(group.shared, part, group.name)


def together(branches: Iterable[Branch]) -> list[Branch]:
    """Move branches of one question next to each other, so that its tokens are shared too."""
    found: dict[tuple[int, ...], list[Branch]] = {}
    for branch in branches:
        found.setdefault(tuple(branch.question), []).append(branch)
    return [branch for bundle in found.values() for branch in bundle]


def partition(groups: Sequence[Group], how: Partition, *, epoch: int) -> list[list[Group]]:
    """Cut an epoch into forward passes.

    Returns:
        The parts of each forward pass, none empty: first the `how.forwards` ones of the first
        optimizer step, then those of the second, and so on.

    Raises:
        DataError: one question does not fit beside its schema.
    """
    steps = join(arrange(groups, how, epoch=epoch), how.batch_size)
    return [parts for step in steps for parts in spread(step, how.forwards)]


def arrange(groups: Sequence[Group], how: Partition, *, epoch: int) -> list[Group]:
    """Return an epoch's parts in the order in which they are learnt from."""
    random = Random(f"{how.seed}/{epoch}") if how.order != "given" else None
    if how.order == "difficulty":
        groups = [_easy_first(group, random) for group in groups]
    cap = min(how.cap, how.batch_size)
    shuffled = random if how.order == "random" else None
    parts = cut(groups, cap=cap, tokens=how.tokens, random=shuffled)
    if random is not None:
        random.shuffle(parts)
    return sorted(parts, key=_difficulty) if how.order == "difficulty" else parts


def _easy_first(group: Group, random: Random | None) -> Group:
    assert random is not None
    shuffled = random.sample(group.branches, len(group.branches))  # ties fall anew each epoch
    ordered = sorted(shuffled, key=lambda branch: branch.difficulty)
    return Group(group.shared, ordered, group.name)


def _difficulty(part: Group) -> float:
    return sum(branch.difficulty for branch in part.branches) / len(part.branches)


def join(parts: Sequence[Group], batch_size: int) -> list[list[Group]]:
    """Join parts to optimizer steps of about `batch_size` examples, as many as plain batches have.

    No part has more than `batch_size` examples; a step ends at the part whose end is nearest to
    where it should.
    """
    total = sum(len(part.branches) for part in parts)
    count = math.ceil(total / batch_size)
    steps: list[list[Group]] = []
    done = place = 0
    for number in range(1, count + 1):
        target = total * number / count
        step: list[Group] = []
        while place < len(parts) - (count - number):
            size = len(parts[place].branches)
            if step and number < count and done + size / 2 > target:
                break
            step.append(parts[place])
            done += size
            place += 1
        steps.append(step)
    return steps


def spread(parts: Sequence[Group], forwards: int) -> list[list[Group]]:
    """Spread a step's parts over its forward passes: about equally many tokens, none empty."""
    parts = _enough(list(parts), forwards)
    bins: list[list[Group]] = [[] for _ in range(forwards)]
    loads = [0] * forwards
    for part in sorted(parts, key=lambda part: -part.tokens):
        lightest = loads.index(min(loads))
        bins[lightest].append(part)
        loads[lightest] += part.tokens
    return bins


def _enough(parts: list[Group], count: int) -> list[Group]:
    """Halve the longest parts until there is one for each forward pass."""
    while len(parts) < count:
        longest = max(parts, key=lambda part: (len(part.branches) > 1, part.tokens))
        branches, half = longest.branches, len(longest.branches) // 2
        if half == 0:
            # fewer examples than forward passes: these read something and learn nothing from it
            shortest = min(parts, key=lambda part: part.tokens)
            first = shortest.branches[0]
            silent = Branch([*first.question, *first.sql], [])
            return parts + [Group(shortest.shared, [silent])] * (count - len(parts))
        place = parts.index(longest)
        parts[place : place + 1] = [
            Group(longest.shared, branches[:half], longest.name),
            Group(longest.shared, branches[half:], longest.name),
        ]
    return parts


def fewest_forwards(groups: Sequence[Group], how: Partition, *, epochs: int, world: int) -> int:
    """Return the forward passes of a step with which none is longer than `how.tokens`.

    Args:
        groups: whole ones.
        how: `forwards` is the least.
        epochs: that will be trained.
        world: processes; the answer is a multiple.

    Raises:
        DataError: one question does not fit beside its schema.
    """
    forwards = how.forwards
    for epoch in range(epochs):
        for step in join(arrange(groups, how, epoch=epoch), how.batch_size):
            while _longest(step, forwards) > how.tokens:
                forwards += world
    return forwards


def _longest(step: Sequence[Group], forwards: int) -> int:
    return max(sum(part.tokens for part in parts) for parts in spread(step, forwards))


def tally(groups: Sequence[Group], how: Partition) -> Tally:
    """Count what sharing does to the first epoch."""
    rows = partition(groups, how, epoch=0)
    return Tally(
        examples=sum(len(group.branches) for group in groups),
        tokens=sum(group.unshared for group in groups),
        shared_tokens=sum(part.tokens for parts in rows for part in parts),
        rows=len(rows),
        steps=len(rows) // how.forwards,
    )


def build_row(parts: Iterable[Group]) -> Row:
    """Write parts one after the other into one row.

    Raises:
        ValueError: a branch has no question token, so that its SQL's first token could not be
            predicted from a token of its own.
    """
    row = Row()
    for part in parts:
        start = len(row.input_ids)
        _write(row, part.shared, (), 0)
        for bundle in _bundles(part.branches):
            _write_bundle(row, bundle, len(part.shared))
        _close(row, start, start + len(part.shared))
    return row


def _write_bundle(row: Row, bundle: list[Branch], depth: int) -> None:
    question = bundle[0].question
    if not question:
        raise ValueError("a branch needs a question of at least one token")
    stem, tip = _fork(bundle)
    start = len(row.input_ids)
    _write(row, stem, (), depth)
    for branch in bundle:
        leaf = len(row.input_ids)
        _write(row, tip, branch.sql, depth + len(stem))
        _close(row, leaf, len(row.input_ids))
    _close(row, start, start + len(stem))


def _fork(bundle: list[Branch]) -> tuple[Sequence[int], Sequence[int]]:
    """Return what branches of one question share, and what each begins with.

    The question's last token predicts the SQL's first one, which differs: each has its own.
    """
    question = bundle[0].question
    return ((), question) if len(bundle) == 1 else (question[:-1], question[-1:])


def _write(row: Row, ids: Sequence[int], sql: Sequence[int], position: int) -> None:
    """Append a text without loss and one with it, at a position."""
    row.input_ids.extend(ids)
    row.input_ids.extend(sql)
    row.labels.extend([IGNORED] * len(ids))
    row.labels.extend(sql)
    row.positions.extend(range(position, position + len(ids) + len(sql)))


def _close(row: Row, start: int, end: int) -> None:
    """Say that the tokens from start to end are seen by all up to the row's present end."""
    row.reach.extend([0] * (len(row.input_ids) - len(row.reach)))
    row.reach[start:end] = [len(row.input_ids)] * (end - start)


def _bundles(branches: Iterable[Branch]) -> Iterator[list[Branch]]:
    """Yield neighbours that have one question."""
    for _, bundle in groupby(branches, key=lambda branch: list(branch.question)):
        yield list(bundle)


def _tokens(bundle: list[Branch]) -> int:
    stem, tip = _fork(bundle)
    return len(stem) + sum(len(tip) + len(branch.sql) for branch in bundle)
