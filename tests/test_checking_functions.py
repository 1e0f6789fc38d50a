"""The functions that the checker knows: every one of them runs on its engine and in sqlglot."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import zip_longest

import pytest

from text2sql.decoding.checking import Checker, functions
from text2sql.decoding.checking.functions import (
    DISTINCT_TOO,
    FORMS,
    FUNCTIONS,
    GROUPS,
    Function,
    admits,
)
from text2sql.decoding.checking.kinds.forms import ORDERED
from text2sql.decoding.verification import verify
from text2sql.execution import gate
from text2sql.schema.model import Column, Schema, Table

# kind -> a declared type of it in DuckDB and PostgreSQL
TYPES = {
    "int4": "INTEGER",
    "int8": "BIGINT",
    "decimal": "DECIMAL(10, 2)",
    "float": "DOUBLE PRECISION",
    "text": "TEXT",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "time": "TIME",
    "interval": "INTERVAL",
    "boolean": "BOOLEAN",
    "json": "JSON",
    "blob": "BYTEA",
    "timestamptz": "TIMESTAMPTZ",
}
LITERALS = {
    "literal": {"text": "','", "int4": "1", "number": "0.5"},
    "part": "'hour'",
    "format": "'%Y-%m'",
}
LITERALS |= {"fraction": "0.5", "digit": "1"}
LISTS = {name: {"text[]": "TEXT[]", "int4[]": "INTEGER[]"} for name in ("duckdb", "postgres")}
LISTS["duckdb"]["float[]"] = "DOUBLE[]"
LISTS["postgres"]["jsonb"] = "JSONB"
Run = Callable[[str], object]


def types_of(dialect: str) -> dict[str, str]:
    """Return the types of the columns of table k, by kind."""
    return TYPES | LISTS.get(dialect, {})


def named(kind: str) -> str:
    return "c_" + kind.replace("[]", "_list")


def columns_of(takes: str, types: Iterable[str]) -> list[str]:
    """Return the columns of table k that an argument may be, one for each kind."""
    kinds = [k for part in takes.split("|") for k in GROUPS.get(part, (part,))]
    return [named(k) for k in (TYPES if "any" in kinds else kinds) if k in types]


def arguments(form: Function, length: int, types: Iterable[str]) -> Iterator[list[str]]:
    """Yield lists of arguments in which each kind stands at each place at least once."""
    repeated = form.takes + form.takes[-form.step :] * length
    reads = form.reads[:-1] + form.reads[-1:] * length
    if len(form.reads) == form.step > 1:
        reads = form.reads * length
    choices: list[list[str]] = []
    for takes, read in zip(repeated[:length], reads, strict=False):
        literal = LITERALS.get(read)
        if isinstance(literal, dict):
            literal = literal[takes]
        choices.append([literal] if literal else columns_of(takes, types) or [takes])
    for row in zip_longest(*choices):
        filled = [own[0] if one is None else one for one, own in zip(row, choices, strict=True)]
        alike = {"same": filled[0], "element": filled[0].removesuffix("_list")}
        yield [alike.get(one, one) for one in filled]


def calls(dialect: str) -> Iterator[tuple[str, bool]]:
    """Yield queries that call every form with every number of arguments up to five."""
    within = dialect == "postgres"
    for forms in FORMS[dialect].values():
        for form in forms:
            over = " OVER (ORDER BY c_int4)" if form.kind == "window" else ""
            over = " WITHIN GROUP (ORDER BY c_int4)" if within and form.name in ORDERED else over
            most = max(form.least, 5) if form.most is None else form.most
            for length in range(form.least, most + 1, form.step):
                for number, row in enumerate(
                    arguments(form, length, types_of(dialect)) if length else [[]]
                ):
                    call = f"{form.name}({', '.join(row)}){over}"
                    groups = f" GROUP BY {row[0]}" if form.name == "grouping" else ""
                    yield f"SELECT {call} AS x FROM k{groups}", number == 0


def refused(dialect: str, run: Run) -> list[str]:
    """Return the calls that the engine, sqlglot or the gate of execution refuses."""
    columns = tuple(Column(named(kind), t) for kind, t in types_of(dialect).items())
    schema = Schema("s", dialect, (Table("k", columns),))
    found = []
    for sql, first in calls(dialect):
        fault = verify(sql, schema).fault if first else None
        if fault is None:
            fault = run(sql) or gate.check(sql, dialect) if first else run(sql)
        if fault is not None:
            found.append(f"{sql}: {fault}")
    return found


def table(types: dict[str, str]) -> str:
    return f"CREATE TABLE k ({', '.join(f'{named(kind)} {t}' for kind, t in types.items())})"


@pytest.fixture
def sqlite() -> Iterator[Run]:
    connection = sqlite3.connect(":memory:")
    connection.execute(table(TYPES))
    yield lambda sql: error_of(connection.execute, f"EXPLAIN {sql}")
    connection.close()


@pytest.fixture
def duckdb() -> Iterator[Run]:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(table(types_of("duckdb")))
        yield lambda sql: error_of(connection.execute, f"EXPLAIN {sql}")


def error_of(execute: Callable[[str], object], sql: str) -> str | None:
    try:
        execute(sql)
    except Exception as error:
        return str(error)
    return None


def test_every_call_of_the_table_runs_on_sqlite(sqlite: Run) -> None:
    missing = set(FUNCTIONS["sqlite"]) - set(functions.installed_functions("sqlite"))
    assert [c for c in refused("sqlite", sqlite) if c[7:].split("(")[0] not in missing] == []


def test_every_call_of_the_table_runs_on_duckdb(duckdb: Run) -> None:
    assert refused("duckdb", duckdb) == []


def test_every_call_of_the_table_runs_on_postgres(postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA functions; SET search_path TO functions")
        connection.execute(table(types_of("postgres")))
        found = refused("postgres", lambda sql: error_of(connection.execute, f"EXPLAIN {sql}"))
        missing = functions.OPTIONAL["postgres"]
        assert [c for c in found if c[7:].split("(")[0] not in missing] == []


@pytest.mark.parametrize("name", ["sum", "group_concat", "count", "max", "json_group_array"])
def test_aggregates_of_sqlite_take_distinct_filter_and_over(name: str, sqlite: Run) -> None:
    function = FUNCTIONS["sqlite"][name]
    assert (function.distinct, function.filter, function.over) == (True, True, True)
    assert sqlite(f"SELECT {name}(DISTINCT c_int4) FROM k") is None
    assert sqlite(f"SELECT {name}(c_int4) FILTER (WHERE c_int4 > 1) OVER () FROM k") is None


def test_distinct_takes_one_argument_in_sqlite(sqlite: Run) -> None:
    assert not FUNCTIONS["sqlite"]["json_group_object"].distinct
    assert sqlite("SELECT group_concat(DISTINCT c_text, ',') FROM k") is not None


def test_max_of_several_arguments_is_no_aggregate_in_sqlite(sqlite: Run) -> None:
    assert FUNCTIONS["sqlite"]["max"].kind == "aggregate"
    assert functions.SCALAR_TOO["sqlite"]["max"].least == 2
    assert sqlite("SELECT 1 FROM k WHERE max(c_int4, 1) > 0") is None
    assert sqlite("SELECT 1 FROM k WHERE max(c_int4) > 0") is not None


def test_sqlglot_reads_a_comparison_in_trim_only_in_parentheses() -> None:
    schema = Schema("s", "sqlite", (Table("k", (Column("a"),)),))
    assert FUNCTIONS["sqlite"]["trim"].reads == ("operand",)
    assert verify("SELECT trim((a = 1)) FROM k", schema).valid
    assert not verify("SELECT trim(a = 1) FROM k", schema).valid


def test_pairs_repeat_together() -> None:
    function = FUNCTIONS["sqlite"]["json_object"]
    assert (function.least, function.most, function.step) == (0, None, 2)
    assert function.takes == ("text", "any")


@pytest.mark.parametrize(
    ("takes", "kind", "expected"),
    [
        *[("any", "json", True), ("any", "any", True), ("number", "int4", True)],
        *[("number", "date", False), ("date|interval", "interval", True)],
        *[("number", "any", False), ("moment", "timestamp", True), ("int4", "int8", False)],
    ],
)
def test_a_group_admits_its_kinds(takes: str, kind: str, expected: bool) -> None:
    assert admits(takes, kind) is expected


def test_a_star_without_arguments_is_read_where_sqlite_and_sqlglot_read_it(sqlite: Run) -> None:
    columns = tuple(Column(named(kind), declared) for kind, declared in TYPES.items())
    schema = Schema("s", "sqlite", (Table("k", columns),))
    checker = Checker(schema)
    for name in (n for n, f in functions.installed_functions("sqlite").items() if f.over is False):
        sql = f"SELECT {name}(*) FROM k"
        fine = sqlite(sql) is None and verify(sql, schema).valid
        assert checker.accepts(sql) == fine, sql


def test_only_names_of_the_table_are_optional() -> None:
    for dialect, names in functions.OPTIONAL.items():
        assert names <= FUNCTIONS[dialect].keys()


@pytest.mark.parametrize("name", sorted(DISTINCT_TOO & FUNCTIONS["sqlite"].keys()))
def test_a_function_that_is_no_aggregate_may_have_an_idle_distinct(name):
    function = FUNCTIONS["sqlite"][name]
    arguments = ", ".join(["a"] * max(1, function.least))
    sql = f"SELECT {name}(DISTINCT {arguments}) FROM t"
    schema = Schema("made", "sqlite", (Table("t", (Column("a", "TEXT"),)),))
    checker = Checker(schema)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
        known = name in checker.dialect.functions  # this SQLite may lack it
        assert checker.accepts(sql) == known and verify(sql, schema).valid
        if known:
            connection.execute(f"EXPLAIN {sql}")
    assert not checker.accepts(f"SELECT a AS b FROM t ORDER BY {name}(DISTINCT b)")
