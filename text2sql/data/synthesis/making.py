"""Make example records about a real database: survey it, draw questions, keep what running proves.

    >>> made = make_examples(locate("shop.sqlite"), 500, seed=1)
    >>> made.records[0]["question"], made.records[0]["query"]
    ('How many orders were paid?', "SELECT count(*) FROM orders WHERE status = 'paid'")
    >>> made.refused["ties under LIMIT"]
    31

Everything is read through the executor: read-only, under a deadline, from any engine that it knows.
The same seed on the same content makes the same records.

Covered: foreign keys that are declared, said by an overlay, or found out with a confidence; a
database that gives fewer questions than asked for: there are fewer records, and the reasons.
Not covered: a warehouse too large to be asked thousands of questions: work on a snapshot of it
(`data.snapshots`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from random import Random
from typing import Any

from text2sql.data.skeletons import skeleton
from text2sql.data.synthesis.dialects import spell
from text2sql.data.synthesis.drafting import FAMILIES, Pair, propose
from text2sql.data.synthesis.everyday import with_everyday
from text2sql.data.synthesis.families.parts import Family
from text2sql.data.synthesis.hardness import hardness_of
from text2sql.data.synthesis.queries import Query
from text2sql.data.synthesis.surveying import survey
from text2sql.data.synthesis.verifying import Rows, judge
from text2sql.data.synthesis.worlds import World
from text2sql.databases import Database, hide_password
from text2sql.errors import DatabaseError, SettingsError, UnknownName
from text2sql.execution import Executor
from text2sql.execution.sampling import sampler
from text2sql.schema import read_schema
from text2sql.schema.joins import LEAST, Join, infer_joins, with_joins
from text2sql.schema.model import Schema, Table
from text2sql.schema.quoting import quote
from text2sql.scoring.spider.structure import Names

GENERATOR = 2  # raised when the same seed makes other records
LANGUAGES = ("en", "zh")
SAME_SQL = 3  # questions with the same SQL, at most
_ROWS = 10_000  # of a result; what returns more is no question of ours
_ROUND = 64  # pairs that are judged together
_PATIENCE = 40  # draws for each pair wanted, at most
_BARREN = 600  # draws in a row of which nothing is kept: the database gives no more

Progress = Callable[[int, int], None]  # records made, records wanted


Writer = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Made:
    """Records, and what was found out on the way."""

    records: list[dict[str, Any]]
    drawn: int  # questions that were tried
    refused: Mapping[str, int]  # by reason
    joins: list[Join] = field(default_factory=list)  # that nobody declared
    unread: list[str] = field(default_factory=list)  # tables without a row that could be read

    def account(self) -> dict[str, Any]:
        """Return what was drawn, refused and found out, for `--json`."""
        joins = [
            {"join": join.shown, "confidence": round(join.confidence, 3), "reason": join.reason}
            for join in self.joins
        ]
        about = {"questions": len(self.records), "drawn": self.drawn, "refused": dict(self.refused)}
        return about | {"joins": joins, "tables_without_rows": self.unread}


def make_examples(
    database: Database,
    count: int,
    *,
    seed: int = 0,
    language: str = "en",
    families: Mapping[Family, float] = FAMILIES,
    least: float = LEAST,
    workers: int = 2,
    timeout: float = 5.0,
    progress: Progress = lambda done, total: None,
) -> Made:
    """Make example records about one database.

    Args:
        database: of any engine that the executor runs SQL on.
        count: records wanted.
        seed: of every choice.
        language: of the questions: `en` or `zh`.
        families: weights of the families of questions (`shares.with_shares`).
        least: confidence with which an undeclared foreign key is used; above 1 means none.
        workers: queries at the same time.
        timeout: seconds for one query; one that takes longer is no question of ours.
        progress: called with how many records there are and how many are wanted.

    Raises:
        DatabaseError: it cannot be read, or has no table with rows.
        SettingsError: a count below 1.
        UnknownName: no such language.
    """
    if language not in LANGUAGES:
        raise UnknownName("language", language, LANGUAGES)
    if count < 1:
        raise SettingsError(f"at least 1 question, not {count}")
    with Executor(database, workers=workers) as executor:
        world, joins = read_world(database, executor, language, least, timeout)
        drawn: Counter[str] = Counter()
        kept = keep_pairs(
            _proposed(with_everyday(world), seed, count, families),
            query_runner(world.schema, executor, timeout),
            drawn,
            workers=workers,
        )
        write = record_writer(world, seed=seed, database=reference(database))
        records = []
        for pair in islice(kept, count):
            records.append(write(pair))
            progress(len(records), count)
    unread = [name for name, rows in world.rows.items() if rows == 0]
    return Made(records, drawn.pop("drawn", 0), dict(drawn.most_common()), joins, unread)


def read_world(
    database: Database, executor: Executor, language: str, least: float, timeout: float
) -> tuple[World, list[Join]]:
    """Survey a database, with the joins that nobody declared.

    Raises:
        DatabaseError: it cannot be read, or has no table with rows.
    """
    schema = read_schema(database)
    sample = sampler(database)
    asked = {table.full_name: sample(table, 1) for table in schema.tables}
    if not any(asked.values()):
        what = "no table with rows that can be read" if schema.tables else "no tables"
        raise DatabaseError(f"database {database.shown} has {what}", database.shown)

    def run(sql: str) -> Rows | None:
        ran = executor.execute(sql, timeout=timeout)
        return None if ran.error else ran.rows

    def count(table: Table) -> int:
        name = ".".join(quote(part, schema.dialect) for part in table.full_name_parts)
        found = run(f"SELECT count(*) FROM {name}")
        return int(found[0][0]) if found else len(sample(table, 1))

    joins = infer_joins(schema, run, least=least) if least <= 1 else []
    with_rows = tuple(table for table in schema.tables if asked[table.full_name])
    schema = with_joins(schema, joins)
    world = survey(schema, sample=sample, count=count, language=language)
    nouns = {table.full_name: world.nouns[table.full_name] for table in with_rows}
    links = [link for link in world.links if {link.child.table, link.parent.table} <= nouns.keys()]
    return replace(world, nouns=nouns, links=links), joins


def query_runner(
    schema: Schema, executor: Executor, timeout: float
) -> Callable[[Query], Rows | None]:
    """Return the function that runs a drawn query on its database; None where it fails."""

    def run(query: Query) -> Rows | None:
        ran = executor.execute(spell(query, schema), timeout=timeout, max_rows=_ROWS)
        return None if ran.error or ran.truncated else ran.rows

    return run


def _proposed(
    world: World, seed: int, count: int, families: Mapping[Family, float]
) -> Iterator[Pair]:
    return propose(world, Random(seed), count * _PATIENCE + _BARREN, families=families)


def keep_pairs(
    pairs: Iterable[Pair],
    run: Callable[[Query], Rows | None],
    drawn: Counter[str],
    *,
    workers: int = 1,
) -> Iterator[Pair]:
    """Yield the pairs that are worth asking, in the order in which they come.

    Args:
        pairs: to be judged.
        run: gives a query's rows; None where it fails. It must allow that many threads.
        drawn: counts pairs, and those refused by reason.
        workers: pairs that are judged at the same time.
    """
    questions: set[str] = set()
    golds: Counter[Query] = Counter()
    barren, source = 0, iter(pairs)
    with ThreadPoolExecutor(workers) as threads:
        each = threads.map if workers > 1 else map  # in one thread: our own rows, in this process
        while barren < _BARREN and (some := list(islice(source, _ROUND))):
            # what is known already need not run
            known = [_known(pair, questions, golds) for pair in some]
            verdicts = each(lambda pair, why: why or judge(pair.query, run), some, known)
            for pair, reason in zip(some, verdicts, strict=True):
                drawn["drawn"] += 1
                barren += 1
                reason = reason or _known(pair, questions, golds)
                if reason is not None:
                    drawn[reason] += 1
                    continue
                barren = 0
                questions.add(pair.question.lower())
                golds[pair.query] += 1
                yield pair


def _known(pair: Pair, questions: set[str], golds: Counter[Query]) -> str | None:
    if pair.question.lower() in questions:
        return "asked already"
    return "asked often enough" if golds[pair.query] >= SAME_SQL else None


def record_writer(world: World, *, seed: int, database: str | None) -> Writer:
    """Return the function that makes an example record of a pair.

    It takes the pair, its SQL where that is not ours, and what the provenance says beside seed and
    family.

    Args:
        world: of its database.
        seed: for the provenance.
        database: path or URL that the record names; None names none.
    """
    from text2sql import __version__

    schema, names = world.schema, Names.of(world.schema)
    generator = f"text2sql {__version__} synthesis {GENERATOR}"

    def write(pair: Pair, sql: str | None = None, /, **said: str) -> dict[str, Any]:
        sql = sql or spell(pair.query, schema)
        record = {"question": pair.question, "query": sql, "db_id": schema.name}
        if database is not None:
            record["database"] = database
        return record | {
            "dialect": schema.dialect,
            "language": world.language,
            "source": "synthesis",
            "hardness": hardness_of(pair.query, sql, names),
            "skeleton": skeleton(sql, schema.dialect),
            "provenance": {"generator": generator, "seed": seed, "family": pair.family, **said},
        }

    return write


def reference(database: Database) -> str | None:
    """Return how a record names its database: not at all where the URL holds a secret."""
    if database.path is not None:
        return str(database.path)
    return database.url if hide_password(database.url) == database.url else None
