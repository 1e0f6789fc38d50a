"""Make more pairs of those that a user has: by other constants, columns, tables, harder, reworded.

    >>> made = evolve_examples(locate("shop.sqlite"), examples, 200, seed=1)
    >>> made.records[0]["provenance"]["family"], made.records[0]["provenance"]["evolved_from"]
    ('evolved.constants', 'How many gold customers?')

| way | question | SQL |
| --- | --- | --- |
| `constants` | the user's, with another value of the column | the same, with that value |
| `columns` | the user's, with another column's name | the same, with that column |
| `tables` | ours | the same construction on another table |
| `harder` | ours | with a condition, groups, or an order and LIMIT in addition |
| `paraphrased` | ours | the user's own text |

A new pair is kept only where running it tells it from simpler queries, as drawn ones are.

Covered: SQL that `reading` reads and, for our own questions, `telling` words; English. A value or
name is only exchanged where the question holds it once, letter by letter.
Not covered: changing what a question implies without saying it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from random import Random
from typing import Any

from text2sql.data.synthesis.drafting import Pair
from text2sql.data.synthesis.families.parts import COUNT, joint
from text2sql.data.synthesis.making import (
    SAME_SQL,
    Made,
    Progress,
    query_runner,
    read_world,
    record_writer,
    reference,
)
from text2sql.data.synthesis.queries import Col, Compare, Key, Lit, Query
from text2sql.data.synthesis.reading import Unread, read_sql
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.telling import Untold, tell
from text2sql.data.synthesis.verifying import FAILS, judge
from text2sql.data.synthesis.worlds import Field, plural
from text2sql.databases import Database
from text2sql.errors import DataError
from text2sql.examples import Example
from text2sql.execution import Executor
from text2sql.schema.joins import LEAST

_TRIES = 30  # for each pair wanted, at most


@dataclass(frozen=True, slots=True)
class Seed:
    """A user's pair, as a tree."""

    question: str
    sql: str
    query: Query


def evolve_examples(
    database: Database,
    examples: Sequence[Example],
    count: int,
    *,
    seed: int = 0,
    least: float = LEAST,
    timeout: float = 5.0,
    progress: Progress = lambda done, total: None,
) -> Made:
    """Make example records of those that a user has.

    Args:
        database: of the examples; others' are left out.
        examples: the user's.
        count: records wanted.
        seed: of every choice.
        least: confidence with which an undeclared foreign key is used.
        timeout: seconds for one query.
        progress: called with how many records there are and how many are wanted.

    Raises:
        DatabaseError: the database cannot be read.
        DataError: none of the examples can be read as a tree.
    """
    counted: Counter[str] = Counter()
    records: list[dict[str, Any]] = []
    with Executor(database) as executor:
        world, joins = read_world(database, executor, "en", least, timeout)
        seeds = list(_seeds(examples, world.schema, counted))
        if not seeds:
            reasons = ", ".join(f"{number:,} {reason}" for reason, number in counted.items())
            raise DataError(f"none of {len(examples):,} pairs can be evolved: {reasons}")
        run = query_runner(world.schema, executor, timeout)
        write = record_writer(world, seed=seed, database=reference(database))
        known = {_plain(each.question) for each in seeds}
        golds: Counter[Query] = Counter()
        speaker = Speaker(world, Random(seed))
        for _ in range(count * _TRIES):
            if len(records) == count:
                break
            counted["drawn"] += 1
            origin, way = speaker.random.choice(seeds), speaker.random.choice(list(WAYS))
            found = _evolved(origin, way, speaker)
            if isinstance(found, Pair):
                reason = _unusable(found, origin, known, golds, run)
            else:
                reason = found
            if reason is None and isinstance(found, Pair):
                known.add(_plain(found.question))
                golds[found.query] += 1
                own = origin.sql if found.query == origin.query else None
                records.append(write(found, own, evolved_from=origin.question))
                progress(len(records), count)
            else:
                counted[str(reason)] += 1
    drawn = counted.pop("drawn", 0)
    return Made(records, drawn, dict(counted.most_common()), joins)


def _seeds(examples: Sequence[Example], schema: Any, counted: Counter[str]) -> Iterator[Seed]:
    for example in examples:
        try:
            yield Seed(example.question, example.query, read_sql(example.query, schema))
        except Unread as reason:
            counted[f"seeds with {reason}"] += 1


def _plain(question: str) -> str:
    return " ".join(re.findall(r"\w+", question.casefold()))


def _evolved(origin: Seed, way: str, speaker: Speaker) -> Pair | str:
    """Return a new pair, or why there is none."""
    try:
        found = WAYS[way](origin, speaker)
    except Untold as reason:
        return f"no words for {reason}"
    if found is None:
        return f"nothing to change ({way})"
    return Pair(found[0], found[1], f"evolved.{way}")


def _unusable(
    pair: Pair,
    origin: Seed,
    known: set[str],
    golds: Counter[Query],
    run: Callable[[Query], Any],
) -> str | None:
    if _plain(pair.question) in known:
        return "asked already"
    if golds[pair.query] >= SAME_SQL:
        return "asked often enough"
    if pair.query == origin.query:
        return None if run(pair.query) else FAILS
    return judge(pair.query, run)


# --- the user's own words, with something exchanged ----------------------------------------------

Found = tuple[str, Query] | None


def constants(origin: Seed, speaker: Speaker) -> Found:
    """Exchange the value of a comparison, in SQL and in the question."""
    compared = [
        (part, part.right.value)
        for part in _nodes(origin.query, Compare)
        if isinstance(part.left, Col) and isinstance(part.right, Lit)
    ]
    said = [(p, v) for p, v in compared if v is not None and _times(str(v), origin.question) == 1]
    if not said:
        return None
    part, value = speaker.random.choice(said)
    assert isinstance(part.left, Col)
    field = _field(speaker, part.left)
    others = [v for v in (field.values if field else ()) if v != value and type(v) is type(value)]
    if not others:
        return None
    other = speaker.random.choice(others)
    question = _exchanged(origin.question, str(value), str(other))
    return question, _swapped(origin.query, part, replace(part, right=Lit(other)))


def columns(origin: Seed, speaker: Speaker) -> Found:
    """Exchange a column that is shown, measured or ordered by for one of the same sort."""
    compared = {part.left for part in _nodes(origin.query, Compare)}
    shown = [col for col in _nodes(origin.query, Col) if col not in compared]
    said = [
        (field, name)
        for col in dict.fromkeys(shown)
        if (field := _field(speaker, col)) is not None and not field.key
        for name in (*map(plural, field.names), *field.names)
        if _times(name, origin.question) == 1
    ]
    if not said:
        return None
    field, name = speaker.random.choice(said)
    others = [f for f in speaker.fields(field.col.table) if _sort(f) == _sort(field)]
    others = [f for f in others if f.col not in set(_nodes(origin.query, Col))]
    if not others:
        return None
    other = speaker.random.choice(others)
    new = plural(other.names[0]) if name not in field.names else other.names[0]
    return _exchanged(origin.question, name, new), _swapped(origin.query, field.col, other.col)


def _times(text: str, question: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(text)}(?!\w)", question, re.IGNORECASE))


def _exchanged(question: str, old: str, new: str) -> str:
    pattern = rf"(?<!\w){re.escape(old)}(?!\w)"
    changed = re.sub(pattern, lambda _: new, question, flags=re.IGNORECASE)
    return changed[0].upper() + changed[1:] if question[:1].isupper() else changed


def _sort(field: Field) -> str:
    if field.kind.calendar:
        return "moment"
    return "number" if field.numeric else field.kind.name if field.kind.name == "flag" else "text"


# --- our own words -------------------------------------------------------------------------------


def paraphrased(origin: Seed, speaker: Speaker) -> Found:
    """Word the same query."""
    return tell(origin.query, speaker), origin.query


def harder(origin: Seed, speaker: Speaker) -> Found:
    """Add a condition, groups, or an order with LIMIT."""
    query = origin.query
    if query.then is not None or not isinstance(query.source, str) or query.limit is not None:
        return None
    groups = speaker.groups(query.source)
    if query.select == (COUNT,) and groups and not query.group and speaker.chance(0.4):
        key = speaker.random.choice(groups).col
        grouped = replace(query, select=(key, COUNT), group=(key,))
        return tell(grouped, speaker), grouped
    numbers = speaker.numbers(query.source)
    plain = all(isinstance(part, Col) for part in query.select) and not query.group
    if plain and numbers and not query.order and not query.distinct and speaker.chance(0.4):
        best = Key(speaker.random.choice(numbers).col, speaker.chance(0.7))
        limited = replace(query, order=(best,), limit=speaker.random.choice((1, 1, 3, 5)))
        return tell(limited, speaker), limited
    drawn = speaker.condition(query.source)
    if drawn is None or drawn[0].left in {part.left for part in _nodes(query, Compare)}:
        return None
    narrowed = replace(query, where=joint(query.where, drawn[0]))
    return tell(narrowed, speaker), narrowed


def tables(origin: Seed, speaker: Speaker) -> Found:
    """Ask the same of another table: each column becomes one of the same sort."""
    query, old = origin.query, origin.query.source
    used = set(_nodes(query, Col))
    if not isinstance(old, str) or any(col.table != old for col in used):
        return None
    others = [t for t in speaker.world.nouns if t != old and speaker.fields(t)]
    if not others:
        return None
    new = speaker.random.choice(others)
    free = speaker.random.sample(speaker.fields(new), len(speaker.fields(new)))
    for col in sorted(used, key=lambda col: col.column):
        field = _field(speaker, col)
        fitting = [f for f in free if field and _sort(f) == _sort(field) and not field.key]
        if not fitting:
            return None
        free.remove(fitting[0])
        query = _swapped(query, col, fitting[0].col)
        query = _with_values_of(query, fitting[0], speaker)
    query = _with_source(query, old, new)
    return tell(query, speaker), query


def _with_values_of(query: Query, field: Field, speaker: Speaker) -> Query:
    for part in _nodes(query, Compare):
        if part.left == field.col and isinstance(part.right, Lit) and part.right.value is not None:
            if not field.values:
                raise Untold("a column without values")
            value = Lit(speaker.random.choice(field.values))
            query = _swapped(query, part, replace(part, right=value))
    return query


def _with_source(query: Query, old: str, new: str) -> Query:
    """Return a query whose blocks stand on another table."""
    for block in _nodes(query, Query):
        if block.source == old:
            query = _swapped(query, block, replace(block, source=new))
    return query


WAYS: dict[str, Callable[[Seed, Speaker], Found]] = {
    "constants": constants,
    "columns": columns,
    "tables": tables,
    "harder": harder,
    "paraphrased": paraphrased,
}


# --- trees ---------------------------------------------------------------------------------------


def _field(speaker: Speaker, col: Col) -> Field | None:
    known = speaker.world.fields.get(col.table, ())
    return next((field for field in known if field.col == col), None)


def _nodes(part: Any, kind: type) -> list[Any]:
    """Return the nodes of one kind in a tree, the inner ones first."""
    found: list[Any] = []
    if isinstance(part, tuple):
        for each in part:
            found += _nodes(each, kind)
    elif is_dataclass(part) and not isinstance(part, type):
        for each in fields(part):
            found += _nodes(getattr(part, each.name), kind)
        if isinstance(part, kind):
            found.append(part)
    return found


def _swapped(part: Any, old: Any, new: Any) -> Any:
    """Return a tree in which a node is another one, wherever it stands."""
    if part == old and type(part) is type(old):
        return new
    if isinstance(part, tuple):
        return tuple(_swapped(each, old, new) for each in part)
    if is_dataclass(part) and not isinstance(part, type):
        changed = {f.name: _swapped(getattr(part, f.name), old, new) for f in fields(part)}
        return replace(part, **changed)
    return part
