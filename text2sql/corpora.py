"""Synthetic training data for a base that points: invented databases as token ids.

    >>> group = synthetic_group(7, tokenizer)
    >>> len(group.shared), len(group.branches)
    (148, 22)

Every seed is one database with questions about it. What the linker marks is weakened at random, so
that a model does not rely on it: names that it misses, databases whose cells are not known.

Covered: only questions whose values the prompt points at, or that are 0 or 1: one that has to be
guessed is not learnt.
"""

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from text2sql.bases import Base, find_base
from text2sql.data.synthesis.drafting import Pair, draw
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.queries import Pointed, write
from text2sql.data.synthesis.worlds import World
from text2sql.prompting import Prompt, build_prompt, encode, encode_completion
from text2sql.schema.mentions import Linker, Value
from text2sql.schema.values import LONGEST as LONGEST_TEXT
from text2sql.schema.values import gather

if TYPE_CHECKING:
    from text2sql.training.rows import Group

QUESTIONS = 24  # about one database
MISSED = 0.05  # share of mentions that the linker is made to miss
BLIND = 0.35  # share of databases whose cells are not known
LONGEST = 110  # tokens of a question, or of an answer


def synthetic_group(seed: int, tokenizer: Any, *, base: Base | None = None) -> "Group | None":
    """Return one invented database with its questions; None where nothing could be asked.

    Args:
        seed: of everything.
        tokenizer: of a base that points.
        base: says the stop token; None means `mini`.
    """
    from text2sql.training.rows import Branch, Group

    random = Random(seed)
    base = base or find_base("mini")
    invented = invent(random)
    try:
        pairs = draw(invented.world, invented.connection, QUESTIONS, random)
    finally:
        invented.connection.close()
    linker = Linker(invented.world.schema, {} if random.random() < BLIND else cells(invented.world))
    shared: Sequence[int] = ()
    branches = []
    for prompt, answer in _prompts(pairs, linker, random):
        encoded = encode(prompt, tokenizer)
        completion = encode_completion(answer, tokenizer, base)
        shared = encoded.shared_ids
        if len(encoded.own_ids) <= LONGEST and len(completion) <= LONGEST:
            branches.append(Branch(encoded.own_ids, completion))
    return Group(shared, branches, str(seed)) if branches else None


def _prompts(pairs: Sequence[Pair], linker: Linker, random: Random) -> Iterator[tuple[Prompt, str]]:
    for pair in pairs:
        mentions = [m for m in linker.mentions(pair.question) if random.random() > MISSED]
        prompt = build_prompt(
            pair.question, linker.schema, format="pointers", today=None, mentions=mentions
        )
        assert prompt.pointers is not None
        answer = write(pair.query, Pointed(prompt.pointers))
        if not _guesses(answer):
            yield prompt, answer


def _guesses(answer: str) -> bool:
    """Tell whether an answer holds a value that is not in the prompt."""
    spelled = re.sub(r"<[tcvw]\d+>", " ", answer)
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
