"""Schemas to walk over: Spider's, the bundled ones, and made ones that are odd or very wide.

    >>> [schema.name for schema in schemas("sqlite", 100)][-2:]
    ['wide_500', 'wide_2000']

Covered: names with spaces, quotes, brackets and comment signs; reserved words; letters beyond
ASCII; names that differ only in case where the engine tells them apart; 500 and 2,000 columns.
Not covered: empty names; names longer than PostgreSQL's 63 bytes.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

from text2sql.data.catalog import find_dataset
from text2sql.schema.model import Column, Schema, Table

# Spider's and the samples' types, as the engines call them
_TYPES = {
    "duckdb": {"number": "DOUBLE", "time": "TIMESTAMP", "boolean": "BOOLEAN", "text": "VARCHAR"},
    "postgres": {
        "number": "double precision",
        "time": "timestamp",
        "boolean": "boolean",
        "text": "text",
        "real": "double precision",
        "integer": "integer",
        "date": "date",
    },
}
_MADE = {
    "sqlite": ("INTEGER", "TEXT", "REAL", "DATE", "NUMERIC", ""),
    "duckdb": ("INTEGER", "VARCHAR", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN", "DECIMAL(10, 2)"),
    "postgres": (
        *("integer", "text", "double precision", "date", "timestamp", "boolean", "numeric(10,2)"),
        *("varchar(20)", "bigint"),
    ),
}
_PLAIN = """
    id name age city country year price total amount status kind date code title score rank level
    weight start_date end_date customer_id order_id parent_id email phone note region visits a b c
    is_active first_name last_name quantity rate net gross currency language school district
"""
_RESERVED = """
    select from where group order by having limit union join on as case when then else end and or
    not in is null like between exists all distinct table index values with left right full cross
    natural using primary key references check default create drop true false cast collate user
    current_date rowid count sum date time timestamp interval row rows range filter over window
    partition first last offset fetch glob match replace if iif text integer
"""
_ODD = (
    *("a b", "Total Amount", 'say "hi"', "it's", "back`tick", "[bracket]", "half]", "per cent %"),
    *("what?", "a.b", "a-b", "a/b", "(x)", "2019", "1st place", "# of kids", "-- note", "/* c */"),
    *(
        "; drop",
        "北京",
        "客户 名称",
        "prénom",
        "Größe",
        "naïve",
        "имя",
        "🙂",
        "a\\b",
        "$cost",
        "@v",
    ),
    *(":p", "a,b", " lead", "trail ", "MiXeD", "UPPER", "a=b", "x'00'", "e'a'", "__", "_1", "a''b"),
    *("tab\tbed", "q'", '"', '""', "'", "''", 'a""b', "new\nline", "ı", "İ", "ß", "Ⅷ", "é", "ﬁ"),
)
_NAMES = {"plain": _PLAIN.split(), "reserved": _RESERVED.split(), "odd": list(_ODD)}


def schemas(dialect: str, least: int, *, data: Path | None = None, seed: int = 0) -> list[Schema]:
    """Return at least so many schemas of a dialect, the widest last.

    Args:
        dialect: sqlite, duckdb or postgres.
        least: made ones fill up to this number; there are always 30 of them.
        data: data root with Spider's tables.json; None leaves Spider out.
        seed: of the made ones.
    """
    known = [retyped(schema, dialect) for schema in (*_samples(dialect), *_spider(data))]
    number = max(30, least - len(known) - 4)
    special = (table_named_select(dialect), one_column(dialect))
    return [
        *known,
        *islice(made(dialect, Random(seed)), number),
        *special,
        wide(dialect, 500, tables=1),
        wide(dialect, 2000, tables=4),
    ]


def _samples(dialect: str) -> Iterator[Schema]:
    dataset = find_dataset("samples-duckdb" if dialect == "duckdb" else "samples", split="train")
    yield from (dataset.schema(db_id) for db_id in dataset.db_ids())


def _spider(data: Path | None) -> Iterator[Schema]:
    if data is None:
        return
    for split in ("dev", "train"):
        dataset = find_dataset("spider", split=split, data_root=data)
        yield from (dataset.schema(db_id) for db_id in dataset.db_ids())


def retyped(schema: Schema, dialect: str) -> Schema:
    """Return a schema of SQLite with the types of another dialect; its own as it is."""
    if schema.dialect == dialect:
        return schema
    tables = tuple(_retyped(table, dialect) for table in schema.tables)
    return replace(schema, dialect=dialect, tables=tuple(t for t in tables if t is not None))


def _retyped(table: Table, dialect: str) -> Table | None:
    if table.name.casefold().startswith("sqlite_"):
        return None
    known = _TYPES[dialect]
    columns = (
        replace(column, type=_type(column.type.casefold(), known)) for column in table.columns
    )
    return replace(table, columns=tuple(columns), namespace=None)


def _type(declared: str, known: dict[str, str]) -> str:
    """Return what SQLite's affinity of a declared type is called elsewhere."""
    if declared in known:
        return known[declared]
    parts = {"int": "INTEGER", "bool": "BOOLEAN", "datetime": "TIMESTAMP", "timestamp": "TIMESTAMP"}
    numbers = dict.fromkeys(("real", "floa", "doub", "num", "dec"), known["number"])
    found = (
        name for part, name in (parts | {"date": "DATE"} | numbers).items() if part in declared
    )
    return next(found, known["text"])


def made(dialect: str, random: Random) -> Iterator[Schema]:
    """Yield schemas without end: plain, reserved and odd names in turn, then all together."""
    number = 0
    while True:
        for kind in (*_NAMES, "mixed"):
            number += 1
            tables = _distinct(_names(kind, random, random.randint(1, 5)), dialect)
            yield Schema(
                f"{kind}_{number}",
                dialect,
                tuple(_table(name, kind, dialect, random) for name in tables),
            )


def _table(name: str, kind: str, dialect: str, random: Random) -> Table:
    names = _distinct(_names(kind, random, random.randint(1, 9)), dialect)
    return Table(name, tuple(Column(n, random.choice(_MADE[dialect])) for n in names))


def _names(kind: str, random: Random, count: int) -> list[str]:
    pools = list(_NAMES.values()) if kind == "mixed" else [_NAMES[kind]]
    return [_recased(random.choice(random.choice(pools)), random) for _ in range(count)]


def _recased(name: str, random: Random) -> str:
    return random.choice((str, str, str, str.title, str.upper))(name)


def _distinct(names: list[str], dialect: str) -> list[str]:
    """Leave out what the engine takes for a name that is there; PostgreSQL tells cases apart."""
    key = str if dialect == "postgres" else str.casefold
    return list({key(name): name for name in names}.values())


def table_named_select(dialect: str) -> Schema:
    """Return a schema with a table and columns named by keywords."""
    names = ("select", "from", "where", "id", "order")
    columns = tuple(Column(name, _MADE[dialect][0]) for name in names)
    return Schema("select", dialect, (Table("select", columns), Table("plain", columns[3:])))


def one_column(dialect: str) -> Schema:
    """Return the smallest schema."""
    return Schema("one_column", dialect, (Table("t", (Column("c", _MADE[dialect][1]),)),))


def wide(dialect: str, columns: int, *, tables: int) -> Schema:
    """Return a schema of so many columns in so many tables; neighbours share some of the names."""
    each = columns // tables
    types = _MADE[dialect]
    found = []
    for table in range(tables):
        numbers = range(table * each // 2, table * each // 2 + each)
        plain = _NAMES["plain"]
        named = (f"{plain[n % len(plain)]}_{n}" if n % 7 else f"Percent (%) {n}" for n in numbers)
        own = (Column(name, types[n % len(types)]) for n, name in enumerate(named))
        found.append(Table(f"facts_{table + 1}", tuple(own)))
    return Schema(f"wide_{columns}", dialect, tuple(found))
