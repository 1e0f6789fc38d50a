"""Find the columns that a question is about, and reduce a schema to them.

    >>> [f"{r.table.name}.{r.column.name}" for r in rank("average age of singers", schema)][:2]
    ['singer.Age', 'stadium.Average']
    >>> small = prune(schema, "average age of singers", lambda s: len(render(s)) < 2_000)
    >>> small.left_out
    ('stadium', 'singer.Name', 'singer.Country', 'concert')

Relevance is overlap of words: names, comments, synonyms and meanings against the question, a rare
word counting more than a common one.

Covered: primary and foreign keys of what is kept, and the tables between kept tables, are kept;
equal input gives equal output; thousands of columns.
Not covered: values in the cells; meaning beyond the words; a question in another language than the
names and comments of the schema.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Self

from text2sql.errors import SchemaError
from text2sql.schema.model import Column, ForeignKey, Schema, Table
from text2sql.schema.words import stems

NAME_WEIGHT, SYNONYM_WEIGHT, COMMENT_WEIGHT = 1.0, 1.0, 0.6
PREFIX_WEIGHT = 0.5  # "temp" for "temperature"
PREFIX_LENGTH = 3
TABLE_SHARE = 0.3  # of its table's score that a column takes over
TOUCHED = 0.3  # of the best table's score: from here on the question touches a table

Part = tuple[int, int]  # index of a table and of a column; WHOLE: the table itself
WHOLE = -1


@dataclass(frozen=True, slots=True)
class Ranked:
    """A column and how much the question is about it; `own` leaves its table's words out."""

    score: float
    own: float
    table: Table
    column: Column


def rank(question: str, schema: Schema) -> list[Ranked]:
    """Return all columns, the most relevant first; equals stay in the order of the schema."""
    relevance = Relevance.of(question, schema)
    columns = relevance.columns
    ranked = [
        Ranked(columns[t][c] + TABLE_SHARE * relevance.own[t], columns[t][c], table, column)
        for t, table in enumerate(schema.tables)
        for c, column in enumerate(table.columns)
    ]
    return sorted(ranked, key=lambda r: -r.score)


def prune(schema: Schema, question: str, fits: Callable[[Schema], bool]) -> Schema:
    """Reduce a schema until it fits, the least relevant parts first.

    In this order: columns of tables that the question does not touch, those tables, columns of the
    other tables that it does not touch, those tables. Keys of kept tables stay, and so does a
    shortest path of foreign keys to the tables that were kept before.

    Args:
        schema: what is to fit.
        question: what the reader of the schema will be asked.
        fits: tells whether a schema is small enough, such as by counting the tokens of its text. If
            it says yes to a schema it must say yes to any part of it.

    Returns:
        The schema itself if it fits, else a smaller one whose `left_out` names what is missing.

    Raises:
        SchemaError: not even the most relevant table fits, with its keys and the touched columns.
    """
    if fits(schema):
        return schema
    steps = list(_steps(question, schema))
    low, high = 1, len(steps)  # low fits or nothing does
    if not steps or not fits(_build(schema, steps[:1])):
        what = (
            f"even table {schema.tables[steps[0][0][0]].full_name!r}" if steps else "even no table"
        )
        raise SchemaError(
            f"schema {schema.name!r} does not fit: {what} alone, reduced, is too large"
        )
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(_build(schema, steps[:middle])) else (low, middle - 1)
    return _build(schema, steps[:low])


@dataclass(frozen=True, slots=True)
class Relevance:
    """How much a question is about each table and column of a schema."""

    own: tuple[float, ...]  # of each table's own words
    columns: tuple[tuple[float, ...], ...]  # of each table's columns
    touched: tuple[int, ...]  # tables, the most relevant first
    rest: tuple[int, ...]  # all others, likewise

    @classmethod
    def of(cls, question: str, schema: Schema) -> Self:
        """Compare the words of a question with those of a schema."""
        texts: dict[Part, dict[str, float]] = {}
        for t, table in enumerate(schema.tables):
            texts[t, WHOLE] = _weights(table.name, table.synonyms, table.comment)
            for c, column in enumerate(table.columns):
                meanings = " ".join(f"{value} {meaning}" for value, meaning in column.meanings)
                comment = f"{column.comment or ''} {meanings}"
                texts[t, c] = _weights(column.name, column.synonyms, comment)
        wanted = _wanted(question, texts.values())
        scores = {part: _overlap(weights, wanted) for part, weights in texts.items()}
        own = tuple(scores[t, WHOLE] for t in range(len(schema.tables)))
        columns = tuple(
            tuple(scores[t, c] for c in range(len(table.columns)))
            for t, table in enumerate(schema.tables)
        )
        totals = [a + max(b, default=0.0) for a, b in zip(own, columns, strict=True)]
        return cls(own, columns, *_by_relevance(totals))

    def by_score(self, table: int) -> list[int]:
        """Return a table's columns, the most relevant first."""
        scores = self.columns[table]
        return sorted(range(len(scores)), key=lambda c: -scores[c])

    def touched_columns(self, table: int) -> list[Part]:
        """Return the columns of a table that the question touches, the most relevant first."""
        return [(table, c) for c in self.by_score(table) if self.columns[table][c] > 0]

    def held_by(self, parts: Iterable[Part]) -> float:
        """Sum over the touched tables among some parts what the question wants of them."""
        touched, best = set(self.touched), dict[int, float]()
        for t, c in parts:
            if t in touched:
                best[t] = max(best.get(t, 0.0), 0.0 if c == WHOLE else self.columns[t][c])
        return sum(self.own[t] + score for t, score in best.items())


def _by_relevance(totals: Sequence[float]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the tables that the question touches and the others, each the most relevant first."""
    ranked = sorted(range(len(totals)), key=lambda t: -totals[t])
    enough = TOUCHED * max(totals, default=0.0)
    touched = [t for t in ranked if totals[t] > 0 and totals[t] >= enough] or ranked[:1]
    return tuple(touched), tuple(ranked[len(touched) :])


def _weights(name: str, synonyms: Sequence[str], comment: str | None) -> dict[str, float]:
    weights: dict[str, float] = {}
    said = (
        (comment or "", COMMENT_WEIGHT),
        (" ".join(synonyms), SYNONYM_WEIGHT),
        (name, NAME_WEIGHT),
    )
    for text, weight in said:
        for word in stems(text):
            weights[word] = max(weight, weights.get(word, 0.0))
    return weights


def _wanted(question: str, texts: Iterable[dict[str, float]]) -> dict[str, float]:
    """Return what each word of the schema is worth to the question; a rare word is worth more."""
    texts = list(texts)
    counts = Counter(word for weights in texts for word in weights)
    asked = set(stems(question))
    return {
        word: likeness * log(1 + len(texts) / count)
        for word, count in counts.items()
        if (likeness := _likeness(word, asked))
    }


def _likeness(word: str, asked: set[str]) -> float:
    if word in asked:
        return 1.0
    if len(word) < PREFIX_LENGTH or not word.isascii() or word.isdigit():
        return 0.0
    alike = any(
        other.startswith(word) or (len(other) > PREFIX_LENGTH and word.startswith(other))
        for other in asked
        if other.isascii()
    )
    return PREFIX_WEIGHT if alike else 0.0


def _overlap(weights: dict[str, float], wanted: dict[str, float]) -> float:
    """Sum what the question wants; of two names that have it all, the shorter one scores more."""
    found = sum(weight * wanted[word] for word, weight in weights.items() if word in wanted)
    names = sum(weight == NAME_WEIGHT for weight in weights.values())
    return found / (1 + 0.1 * max(names - 1, 0))


def _steps(question: str, schema: Schema) -> Iterator[list[Part]]:
    """Yield what to add to nothing to get the schema back, the most relevant parts first."""
    relevance = Relevance.of(question, schema)
    paths = _Paths(schema)
    touched, rest = relevance.touched, relevance.rest
    for t in touched:
        yield [*paths.add(t), *relevance.touched_columns(t)]
    for t in touched:
        yield from ([(t, c)] for c in relevance.by_score(t) if relevance.columns[t][c] == 0)
    for t in rest:
        yield list(paths.add(t))
    for t in rest:
        yield from ([(t, c)] for c in relevance.by_score(t))


def steps_beside(
    held: Iterable[Part], schema: Schema, relevance: "Relevance"
) -> Iterator[tuple[Part, ...]]:
    """Yield what a question needs beside the parts that are there, the most relevant first.

    A table comes whole, since a question rarely names every column that it needs, and with the keys
    of the tables that join it to what is there.
    """
    there = set(held)
    paths = _Paths(schema, kept={t for t, _ in there})
    for t in relevance.touched:
        wanted = [*paths.add(t), *((t, c) for c in relevance.by_score(t))]
        step = tuple(part for part in wanted if part not in there)
        if step:
            yield step if (t, WHOLE) in step else ((t, WHOLE), *step)


class _Paths:
    """Grows a set of tables; each comes with the tables that join it to the ones before."""

    def __init__(self, schema: Schema, kept: Iterable[int] = ()) -> None:
        self.schema = schema
        self.kept = set(kept)
        self.index = {(t.namespace, t.name): i for i, t in enumerate(schema.tables)}
        self.neighbours: dict[int, list[int]] = defaultdict(list)
        for child, table in enumerate(schema.tables):
            for key in table.foreign_keys:
                parent = self.index.get((key.namespace, key.table))
                if parent is not None:
                    self.neighbours[child].append(parent)
                    self.neighbours[parent].append(child)

    def add(self, table: int) -> Iterator[Part]:
        """Yield the table, the ones on its way to what is kept, and the keys of all of them."""
        for t in self._way(table):
            if t not in self.kept:
                self.kept.add(t)
                yield t, WHOLE

    def _way(self, table: int) -> list[int]:
        ways = {table: [table]}
        queue = deque([table])
        while queue:
            t = queue.popleft()
            if t in self.kept:
                return ways[t]
            for neighbour in self.neighbours[t]:
                if neighbour not in ways:
                    ways[neighbour] = [*ways[t], neighbour]
                    queue.append(neighbour)
        return [table]


def _build(schema: Schema, steps: Sequence[Sequence[Part]]) -> Schema:
    return reduce_to(schema, (part for step in steps for part in step))


def reduce_to(schema: Schema, chosen_parts: Iterable[Part]) -> Schema:
    """Return the schema that some parts make up, with the keys of its tables.

    Args:
        schema: the whole.
        chosen_parts: (table, column) by index; (table, WHOLE) is a table without columns of its
            own choice.

    Returns:
        A schema whose `left_out` names what is missing.
    """
    parts = set(chosen_parts)
    tables = {t for t, _ in parts}
    kept = [table for t, table in enumerate(schema.tables) if t in tables]
    keys = _key_columns(kept)
    reduced, left_out = [], list(schema.left_out)
    for t, table in enumerate(schema.tables):
        if t not in tables:
            left_out.append(table.full_name)
            continue
        names = keys[table.namespace, table.name]
        chosen = [c for i, c in enumerate(table.columns) if (t, i) in parts or c.name in names]
        left_out += [f"{table.full_name}.{c.name}" for c in table.columns if c not in chosen]
        reduced.append(_reduce(table, chosen, keys))
    return replace(schema, tables=tuple(reduced), left_out=tuple(left_out))


def _key_columns(tables: Sequence[Table]) -> dict[tuple[str | None, str], set[str]]:
    """Return the columns of primary keys, foreign keys and what these refer to, by table."""
    found = {(table.namespace, table.name): set(table.primary_key) for table in tables}
    for table in tables:
        for key in table.foreign_keys:
            found[table.namespace, table.name] |= set(key.columns)
            if (key.namespace, key.table) in found:
                found[key.namespace, key.table] |= set(key.referred)
    return found


def _reduce(
    table: Table, columns: Sequence[Column], kept: dict[tuple[str | None, str], set[str]]
) -> Table:
    def leads(key: ForeignKey) -> bool:
        return (key.namespace, key.table) in kept

    return replace(
        table,
        columns=tuple(columns),
        foreign_keys=tuple(key for key in table.foreign_keys if leads(key)),
    )
