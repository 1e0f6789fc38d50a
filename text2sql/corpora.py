"""Synthetic training data for a base that points: invented databases as token ids.

    >>> group = synthetic_group(7, tokenizer)
    >>> len(group.shared), len(group.branches)
    (148, 22)

Every seed is one database with questions about it. What the linker marks is weakened at random, so
that a model does not rely on it: names that it misses, databases whose cells are not known.
Pointers are renumbered at random in every database: their numbers say nothing but which is which.

Covered: only questions whose values the prompt points at, or that are 0 or 1: one that has to be
guessed is not learnt.
"""

import itertools
import multiprocessing
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from text2sql.bases import Base, find_base
from text2sql.data.synthesis.drafting import FAMILIES, Pair, draw
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.shares import with_shares
from text2sql.data.synthesis.spellings import Pointed, write
from text2sql.data.synthesis.worlds import World
from text2sql.prompting import Prompt, build_prompt, encode, encode_completion
from text2sql.schema.mentions import Linker, Value
from text2sql.schema.pointers import TOKENS
from text2sql.schema.values import LONGEST as LONGEST_TEXT
from text2sql.schema.values import gather

if TYPE_CHECKING:
    from text2sql.training.rows import Group

QUESTIONS = 16  # about one database
MISSED = 0.2  # share of a question's mentions that the linker is made to miss, at most
BLIND = 0.35  # share of databases whose cells are not known
LONGEST = 130  # tokens of a question, or of an answer
CHINESE = 0.1  # share of databases that are asked about in Chinese
FEW, FEW_SHARE = 48, 0.75  # most renumberings draw from so many numbers: small ones are met often
AHEAD = 24  # databases that are drawn before they are asked for


# what SQL's own functions are told: formats, modifiers of dates, the factor of percents
_FIXED = re.compile(r"'(?:%Y(?:-%m)?|start of \w+|[+-]\d+ \w+)'|\b100\.0\b")


def synthetic_group(
    seed: int, tokenizer: Any, *, base: Base | None = None, warehouse: float = 0.0
) -> "Group | None":
    """Return one invented database with its questions; None where nothing could be asked.

    Args:
        seed: of everything.
        tokenizer: of a base that points.
        base: says the stop token; None means `mini`.
        warehouse: share of an analyst's questions (`families.warehouse`), which are beyond Spider.
    """
    from text2sql.training.rows import Branch, Group

    random = Random(seed)
    base = base or find_base("mini")
    shared: Sequence[int] = ()
    branches = []
    for prompt, answer in _asked(random, warehouse):
        encoded = encode(prompt, tokenizer)
        completion = encode_completion(answer, tokenizer, base)
        shared = encoded.shared_ids
        if len(encoded.own_ids) <= LONGEST and len(completion) <= LONGEST:
            branches.append(Branch(encoded.own_ids, completion))
    return renumbered(Group(shared, branches, str(seed)), tokenizer, random) if branches else None


def stream(seed: int, tokenizer: Path, *, workers: int = 1) -> "Callable[[int], Iterator[Group]]":
    """Return the groups from a place on, for ever, drawn ahead by processes of their own.

    Args:
        seed: of everything.
        tokenizer: folder of a tokenizer that points.
        workers: processes; the groups and their order are the same for any number.
    """

    def read(place: int) -> "Iterator[Group]":
        context = multiprocessing.get_context("spawn")
        own = os.getpid()
        with ProcessPoolExecutor(workers, context, initializer=_follow, initargs=(own,)) as pool:
            waiting = deque(
                pool.submit(_drawn, seed, number, tokenizer)
                for number in range(place, place + AHEAD * workers)
            )
            for number in itertools.count(place + AHEAD * workers):
                yield waiting.popleft().result()
                waiting.append(pool.submit(_drawn, seed, number, tokenizer))

    return read


def _follow(parent: int) -> None:
    """End this process when its parent is gone, however that ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _drawn(seed: int, number: int, tokenizer: Path) -> "Group":
    """Return the group of a place in the stream; an empty one where nothing could be asked."""
    from text2sql.training.rows import Group

    group = synthetic_group(seed * 10**9 + number, _tokenizer(tokenizer))
    return group or Group([], [], "")


@cache
def _tokenizer(folder: Path) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(folder)


def texts(seed: int, count: int) -> Iterator[str]:
    """Yield prompts and answers of invented databases, for a tokenizer to learn from.

    Args:
        seed: of everything.
        count: databases.
    """
    for number in range(count):
        for prompt, answer in _asked(Random(f"{seed}/{number}")):
            yield from (prompt.text, answer)


def renumbered(group: "Group", tokenizer: Any, random: Random) -> "Group":
    """Return a group whose pointers have other numbers."""
    from text2sql.training.rows import Branch, Group

    used = {*group.shared}.union(*(part for b in group.branches for part in (b.question, b.sql)))
    new: dict[int, int] = {}
    for kinds in ("t", "c", "vw"):
        families = [_ids(tokenizer, kind) for kind in kinds]
        held = sorted({ids.index(i) for ids in families for i in used if i in ids})
        few = max(FEW, len(held)) if random.random() < FEW_SHARE else len(families[0])
        drawn = random.sample(range(min(few, len(families[0]))), len(held))
        new |= {ids[a]: ids[b] for ids in families for a, b in zip(held, drawn, strict=True)}

    def write(ids: Sequence[int]) -> list[int]:
        return [new.get(i, i) for i in ids]

    branches = [Branch(write(b.question), write(b.sql)) for b in group.branches]
    return Group(write(group.shared), branches, group.name)


def _ids(tokenizer: Any, kind: str) -> list[int]:
    """Return the token ids of the pointers of a kind, by their number."""
    found: list[int] = tokenizer.convert_tokens_to_ids([t for t in TOKENS if t[1] == kind])
    return found


def _asked(random: Random, warehouse: float = 0.0) -> Iterator[tuple[Prompt, str]]:
    """Invent a database; yield what a base reads of each question about it, and its answer."""
    invented = invent(random, language="zh" if random.random() < CHINESE else "en")
    world = invented.world
    try:
        families = with_shares({"warehouse": warehouse}) if warehouse else FAMILIES
        pairs = draw(world, invented.connection, QUESTIONS, random, families=families)
    finally:
        invented.connection.close()
    linker = Linker(world.schema, {} if random.random() < BLIND else cells(world))
    yield from _prompts(pairs, linker, random)


def _prompts(pairs: Sequence[Pair], linker: Linker, random: Random) -> Iterator[tuple[Prompt, str]]:
    for pair in pairs:
        missed = MISSED * random.random()  # some people say things as the schema does, some do not
        mentions = [m for m in linker.mentions(pair.question) if random.random() > missed]
        prompt = build_prompt(
            pair.question, linker.schema, format="pointers", today=None, mentions=mentions
        )
        assert prompt.pointers is not None
        answer = write(pair.query, Pointed(prompt.pointers, linker.schema))
        if not _guesses(answer):
            yield prompt, answer


def _guesses(answer: str) -> bool:
    """Tell whether an answer holds a value that is not in the prompt."""
    spelled = _FIXED.sub(" ", re.sub(r"<[tcvw]\d+>", " ", answer))
    texts = re.findall(r"'([^']*)'", spelled)
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?", re.sub(r"'[^']*'", "", spelled))
    return any(text.strip("% ") for text in texts) or bool(set(numbers) - {"0", "1", "100"})


def cells(world: World) -> dict[str, tuple[Value, ...]]:
    """Return the texts that stand in the cells of an invented database, by their keys."""
    return gather(
        (table, field.col.column, value)
        for table, fields in world.fields.items()
        for field in fields
        for value in dict.fromkeys(field.values)
        if isinstance(value, str) and len(value) <= LONGEST_TEXT
    )
