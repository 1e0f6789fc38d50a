"""The gate by itself: what it refuses before any engine has seen it."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from text2sql.execution import gate, policy, words
from text2sql.execution.results import Refusal

HOSTILE = Path(__file__).parent / "data" / "hostile.jsonl"
CASES = [json.loads(line) for line in HOSTILE.read_text().splitlines()]


def refusal(sql: str, dialect: str, catalog: policy.Catalog = policy.NO_CATALOG) -> Refusal | None:
    try:
        gate.check(sql, dialect, catalog)
    except Refusal as error:
        return error
    return None


@pytest.mark.parametrize("case", [c for c in CASES if c["must"] == "allow"], ids=lambda c: c["sql"])
def test_harmless_statements_pass(case: dict[str, str]) -> None:
    assert refusal(case["sql"], case["dialect"], policy.Catalog("t")) is None


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if c["kind"] in ("write", "ddl", "transaction", "session", "multi", "file")],
    ids=lambda c: c["sql"],
)
def test_whatever_is_not_one_reading_query_stops_here(case: dict[str, str]) -> None:
    found = refusal(case["sql"], case["dialect"])
    unread = case["dialect"] == "duckdb" and found is None  # sqlglot could not: the engine's tree
    assert unread or found is not None


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgres", "mysql"])
@pytest.mark.parametrize(
    "statement", ["INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DROP TABLE t"]
)
def test_writes_are_refused_in_every_dialect(dialect: str, statement: str) -> None:
    found = refusal(statement, dialect)
    assert found is not None
    assert found.kind == "refused"


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SELECT pg_read_file('/etc/passwd')", "postgres"),
        ("SELECT pg_catalog.pg_sleep(9)", "postgres"),
        ("SELECT * FROM dblink('x', 'y') AS d(a int)", "postgres"),
        ("SELECT lo_import('/etc/passwd')", "postgres"),
        ("SELECT * FROM information_schema.tables", "postgres"),
        ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", "postgres"),
        ("SELECT * INTO u FROM t", "postgres"),
        ("COPY t TO '/tmp/x'", "postgres"),
        ("SELECT 1; SELECT 2", "postgres"),
        ("SELECT load_file('/etc/passwd')", "mysql"),
        ("SELECT sleep(9)", "mysql"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "mysql"),
        ("SELECT 1 /*! INTO OUTFILE '/tmp/x' */", "mysql"),
        ("SELECT * FROM mysql.user", "mysql"),
    ],
)
def test_servers_are_kept_from_files_sleep_and_catalogs(sql: str, dialect: str) -> None:
    assert refusal(sql, dialect) is not None


def test_ordinary_server_sql_passes() -> None:
    sql = "SELECT o.id, sum(l.n) FROM sales.orders o JOIN lines l ON l.o = o.id GROUP BY 1"
    assert refusal(sql, "postgres") is None
    assert refusal(sql, "mysql") is None
    assert refusal("SELECT pg_typeof(id), id::text FROM t", "postgres") is None


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_a_cte_may_be_named_like_a_table_of_the_system(dialect: str) -> None:
    name = {"sqlite": "sqlite_master", "duckdb": "pg_class"}[dialect]
    named = f"WITH {name} AS (SELECT 1) SELECT * FROM (SELECT * FROM {name}) x"
    assert refusal(named, dialect) is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM pg_class, (WITH pg_class AS (SELECT 1) SELECT * FROM pg_class) x",
        "WITH pg_class AS (SELECT * FROM pg_class) SELECT * FROM pg_class",
        "WITH a AS (SELECT * FROM pg_class), pg_class AS (SELECT 1) SELECT * FROM a",
        "WITH pg_class AS (SELECT 1) SELECT * FROM main.pg_class",
        "SELECT (WITH pg_class AS (SELECT 1) SELECT 1), (SELECT count(*) FROM pg_class)",
    ],
)
def test_a_cte_that_is_not_visible_lends_no_name(sql: str) -> None:
    assert refusal(sql, "duckdb") is not None


def test_size_is_counted_in_bytes() -> None:
    assert refusal(f"SELECT '{'a' * 19_900}'", "sqlite") is None
    found = refusal(f"SELECT '{'名' * 7_000}'", "sqlite")
    assert found is not None
    assert "20,000" in found.message


def test_a_wide_statement_is_judged_and_a_deep_one_does_not_crash() -> None:
    wide = "SELECT * FROM duckdb_tables WHERE 1 IN (" + "1," * 9_000 + "1)"
    assert refusal(wide, "duckdb") is not None
    deep = "SELECT " + "(" * 4_000 + "1" + ")" * 4_000
    assert refusal(deep, "sqlite") is None  # SQLite itself says that its stack overflows
    assert refusal(deep, "postgres") is not None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 /* ; DELETE FROM t",
        "SELECT '; DELETE FROM t'",
        'SELECT "; DELETE FROM t;"',
        "SELECT [delete], `insert` FROM t",
        "SELECT 1 -- ; DROP TABLE t\n",
        "SELECT 'it''s; INSERT'",
        "SELECT replace(a, 'x', 'y') FROM t;  ",
    ],
)
def test_words_inside_quotes_and_comments_are_not_statements(sql: str) -> None:
    assert words.check_words(sql) is None


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["dialect"] == "sqlite"], ids=lambda c: c["sql"][:60]
)
def test_what_the_words_let_pass_the_tree_would_let_pass(case: dict[str, str]) -> None:
    tree = gate._parse(case["sql"], "sqlite") if refusal(case["sql"], "sqlite") is None else None
    if tree is not None:
        gate.check_tree(tree, "sqlite")
    assert refusal(case["sql"], "sqlite") is None or case["must"] != "allow"


names = st.sampled_from(
    ["t", "name", '"n"', "[id]", "'x'", "1", "sum(v)", "-- c\n", "/* c */", "''"]
)


@given(
    st.lists(names, max_size=6),
    st.sampled_from(["INSERT", "DELETE", "uPdAtE", "INTO"]),
    st.lists(names, max_size=6),
)
def test_a_bare_writing_word_never_passes(before: list[str], word: str, after: list[str]) -> None:
    sql = " ".join(["SELECT", *before, word, *after])
    with pytest.raises(Refusal):
        words.check_words(sql)


quoting = st.sampled_from(["{}", '"{}"', "`{}`", "[{}]"])
system = st.sampled_from(["sqlite_master", "SQLITE_schema", "pragma_table_info", "dbstat"])


@given(
    quoting,
    system,
    st.sampled_from(["SELECT * FROM {}", "SELECT 1 FROM t, {}", "SELECT (SELECT 1 FROM main.{})"]),
)
def test_a_system_table_never_passes(quote: str, name: str, sql: str) -> None:
    assert refusal(sql.format(quote.format(name)), "sqlite") is not None


@given(st.sampled_from(sorted(policy.DENIED["duckdb"])), st.booleans())
def test_a_denied_function_never_passes(name: str, quoted: bool) -> None:
    call = f'"{name}"(1)' if quoted else f"{name.upper()}(1)"
    assert refusal(f"SELECT id FROM t ORDER BY {call}", "duckdb") is not None


@example("0?")  # sqlglot, compiled, has a TypeError for it
@given(st.text(max_size=200))
def test_any_text_gets_a_verdict(text: str) -> None:
    for dialect in ("sqlite", "duckdb", "postgres", "mysql"):
        found = refusal(text, dialect)
        assert found is None or found.kind in ("refused", "parse")


@pytest.mark.parametrize("dialect", ["postgres", "mysql", "snowflake"])
def test_what_sqlglot_does_not_read_without_an_error_of_its_own_is_refused(dialect: str) -> None:
    with pytest.raises(Refusal, match="cannot be read as one query"):
        gate.check("SELECT date(``)" if dialect == "mysql" else 'SELECT date("")', dialect)
