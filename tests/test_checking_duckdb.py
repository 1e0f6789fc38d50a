"""What DuckDB alone has, judged by DuckDB: rows, ASOF JOIN, RANGE by an interval, ordered sets."""

import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from text2sql.decoding.checking import Checker
from text2sql.schema.model import Column, Schema, Table

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from checker.oracle import open_oracle

TRADES = (("k", "INTEGER"), ("t", "TIMESTAMP"), ("d", "DATE"), ("v", "DOUBLE"), ("s", "VARCHAR"))
QUOTES = (("k", "INTEGER"), ("t", "TIMESTAMP"), ("price", "DOUBLE"), ("tags", "VARCHAR[]"))
FINE = [
    "SELECT a.v, q.price FROM trades a ASOF JOIN quotes q ON a.k = q.k AND a.t >= q.t",
    "SELECT a.v FROM trades a ASOF LEFT JOIN quotes q ON q.t <= a.t WHERE a.v > 1",
    "SELECT sum(v) OVER (ORDER BY d RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND CURRENT ROW)"
    " FROM trades",
    "SELECT avg(v) OVER w FROM trades WINDOW w AS (PARTITION BY s ORDER BY t RANGE"
    " BETWEEN INTERVAL '1 hour' PRECEDING AND INTERVAL '1 hour' FOLLOWING)",
    "SELECT sum(v) OVER (ORDER BY v RANGE 2 PRECEDING) FROM trades",
    "SELECT s FROM trades WHERE (k, s) IN ((1, 'x'), (2, 'y'))",
    "SELECT s FROM trades WHERE (k, d) NOT IN ((1, '2020-01-31'), (k + 1, d))",
    "SELECT s FROM trades WHERE (k, t) IN (SELECT k, max(t) FROM quotes GROUP BY k)",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n",
    "SELECT list(DISTINCT s ORDER BY s DESC) FROM trades",
    "SELECT string_agg(DISTINCT a.s, ', ' ORDER BY a.s) FROM trades a GROUP BY a.k",
    "SELECT count(*) FILTER (v > 1) FROM trades",
    "SELECT k, unnest(string_split(s, ' ')) AS word FROM trades",
    "SELECT k FROM trades WHERE list_contains(['a', 'b'], s) AND [k, 1] = [2, 1]",
    "SELECT s[:3], s[2:], s[:], s[1:len(s) - 1], ['a', s][1] FROM trades GROUP BY ALL",
    "SELECT s[1:2], count(*), list(v ORDER BY t)[1:3] FROM trades GROUP BY s[1:2]",
    "SELECT list_sum([k, 1]), list_sum(list(v)), list_max([s]) FROM trades GROUP BY k, s",
    "SELECT list_concat(string_to_array(s, ' '), ['x']), regexp_extract_all(s, '[A-Z]')"
    " FROM trades",
    "SELECT date_trunc('HOUR', t), 1 // 0.5, 7 % 2, k % 2 FROM trades",
    "SELECT unnest(generate_series(DATE '2024-01-01', DATE '2024-02-01', INTERVAL 1 DAY)) AS day",
    "SELECT unnest(range(0, 24)) AS hour, unnest(['a', 'b'])",
    "SELECT date_part('year', age(t)), date_part('HOUR', t::TIME) FROM trades",
    "SELECT k FROM trades WHERE t::TIME > TIME '22:00:00'",
    "SELECT t + INTERVAL 1 DAY, count(*) FROM trades GROUP BY t + INTERVAL 1 DAY",
    "SELECT x::DATE, count(a.k) FROM generate_series(DATE '2024-01-01', DATE '2024-01-31',"
    " INTERVAL 1 DAY) AS g(x) LEFT JOIN trades a ON a.d = g.x::DATE GROUP BY 1",
    "SELECT n FROM range(1, 11) AS r(n) WHERE n % 2 = 0",
    "SELECT k, word FROM trades, unnest(string_split(s, ' ')) AS u(word)",
    "SELECT a.s, l.price FROM trades a, LATERAL (SELECT price FROM quotes q WHERE q.k = a.k"
    " ORDER BY q.t DESC LIMIT 1) l",
    "SELECT a.s, l.n FROM trades a LEFT JOIN LATERAL (SELECT count(*) AS n FROM quotes q"
    " WHERE q.k = a.k) AS l ON TRUE",
    "WITH range AS (SELECT 1 AS a) SELECT a FROM range",
    "SELECT n FROM generate_series((SELECT min(d) FROM trades), CURRENT_DATE - 7, INTERVAL 1 DAY)"
    " AS g(n)",
    "SELECT n FROM range(1, (SELECT max(k) FROM trades) + 1) AS r(n)",
    "SELECT x FROM unnest(['a', 'b', NULL]) AS u(x), unnest(string_split('c,d', ',')) AS w(y)",
    "SELECT y FROM trades, range(k + 1) AS r(n), unnest([r.n, 1]) AS u(y), range(n) AS w(m)",
    "SELECT r.n + z FROM range(3) AS r(n), LATERAL (SELECT r.n + 1 AS z) l",
    "SELECT a.k FROM trades a ANTI JOIN quotes q ON q.price > (SELECT max(v) FROM trades)"
    " AND (SELECT q.price + v) > 1",
    "SELECT rank() OVER (ORDER BY (SELECT max(k) FROM quotes)) FROM trades",
    "SELECT n FROM quotes q, trades AS price, range(price.k) AS r(n)",
    "SELECT '2020-01-31' BETWEEN t AND '2020-02-01' FROM trades",
    "SELECT n FROM trades a, unnest(string_split(upper(a.s), ' ')) AS r(n)",
    "SELECT n FROM quotes q, range(1, len(q.tags) + 1) AS r(n)",
    "SELECT n FROM generate_series('2024-01-01'::DATE, CAST('2024-01-31' AS DATE), INTERVAL 1 DAY)"
    " AS g(n)",
    "SELECT year('2024-01-01'::DATE), date_diff('day', '2024-01-01 10:00:00'::TIMESTAMP, t)"
    " FROM trades WHERE t >= CAST('2024-01-01' AS DATE) AND k > CAST('5' AS INT)",
    "SELECT regexp_extract(s, '@(.+)$', 1) FROM trades",
    "SELECT date_trunc('month', t), count(*) FROM trades GROUP BY date_trunc('month', t)"
    " ORDER BY date_trunc('month', t) DESC",
    "SELECT dayname(t) AS w, count(*) FROM trades GROUP BY w, dayofweek(t) ORDER BY dayofweek(t)",
    "FROM unnest([1, 2]) AS u(x) SELECT x",
    "SELECT n FROM generate_series(TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-31',"
    " INTERVAL '1 day') AS g(n)",
    "SELECT sum(v) OVER (ORDER BY k RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) FROM trades",
    "SELECT a.s, b.s FROM trades a POSITIONAL JOIN quotes q, trades b WHERE q.k > 1",
    "SELECT * FROM trades USING SAMPLE 10",
    "SELECT k FROM trades a JOIN quotes q USING (k) WHERE v > 1 USING SAMPLE 5% ORDER BY k",
    "SELECT s::TEXT -- as it is\n, CAST(k AS/* whole */BIGINT) FROM trades",
]
REFUSED = [
    "SELECT a.v FROM trades a ASOF JOIN quotes q ON a.k = q.k",
    "SELECT a.v FROM trades a ASOF JOIN quotes q ON a.t >= q.t AND a.v > q.price",
    "SELECT 1 FROM quotes z, trades a ASOF JOIN quotes q ON a.k = q.k AND z.t >= q.t",
    "SELECT sum(v) OVER (ORDER BY s RANGE INTERVAL 7 DAYS PRECEDING) FROM trades",
    "SELECT sum(v) OVER (ORDER BY d, k RANGE INTERVAL 7 DAYS PRECEDING) FROM trades",
    "SELECT s FROM trades WHERE (k, s) IN ((1, 'x', 2))",
    "SELECT s FROM trades WHERE (k, s) IN (SELECT q.k, trades.s FROM quotes q)",
    "SELECT 1 IN ((k, s) IN (SELECT 1, 'x')) FROM trades",
    "WITH RECURSIVE n AS (SELECT k, k FROM trades UNION ALL SELECT 1, 2 FROM n) SELECT 1 FROM n",
    "SELECT list(DISTINCT s ORDER BY k) FROM trades",
    "SELECT rank() OVER (ORDER BY random()) FROM trades",
    "SELECT CASE WHEN k > 1 THEN 'x' WHEN k > 2 THEN d END FROM trades",
    "SELECT [k, s] FROM trades",
    "SELECT list_contains([1, 2], s) FROM trades",
    "SELECT list_sum(list(s)) FROM trades",
    "SELECT to_days(list_sum([k])) FROM trades",
    "SELECT s[1:2], count(*) FROM trades GROUP BY s[1:3]",
    "SELECT date_part('week', age(t)) FROM trades",
    "SELECT date_part('dow', t::TIME) FROM trades",
    "SELECT t + INTERVAL 1 DAY, count(*) FROM trades GROUP BY t + INTERVAL 2 DAY",
    "SELECT s ||-k FROM trades",
    "SELECT 1 FROM trades a JOIN LATERAL (SELECT a.k AS n) l ON (SELECT TRUE)",
    "SELECT 1 FROM trades a RIGHT JOIN LATERAL (SELECT a.k AS n) l ON TRUE",
    "SELECT 1 FROM trades a, range(a.s) AS r(n)",
    "SELECT 1 FROM trades a, unnest(a.k) AS u(x)",
    "SELECT k FROM trades USING SAMPLE 200%",
    "SELECT (SELECT max(q.k) FROM quotes q WHERE q.k = a.k USING SAMPLE 3) FROM trades a"
    " ORDER BY EXISTS (FROM range(1, a.k) AS r(n) SELECT n < a.k USING SAMPLE 1)",
    "SELECT - nullif(k > 1, 1) FROM trades",
    "SELECT rank() OVER (ORDER BY (SELECT lag(k) OVER () FROM quotes LIMIT 1)) FROM trades",
    "SELECT rank() OVER (ORDER BY (SELECT k FROM quotes QUALIFY k > 1)) FROM trades",
    "SELECT s::-- in small letters\nTEXT FROM trades",
    "SELECT to_minutes(list_unique(tags)) FROM quotes",
    "SELECT 1 FROM trades WHERE d IN (SELECT NULL INTERSECT SELECT k FROM quotes)",
    "SELECT n FROM range(array_to_string([(TRUE || '')::DATE::TEXT], '')::INT) AS r(n)",
    "SELECT n FROM range([NULL || 'x']::TEXT::INT) AS r(n)",
    "SELECT n FROM range(mismatches('true', '')) AS r(n)",
    "SELECT n FROM range(list_sort(string_to_array(1e3 || 1e3, 'a' || NULL))[:]::TEXT::INT)"
    " AS r(n)",
    "SELECT 1 FROM quotes q, trades AS price JOIN trades c ON price + 1 = 2",
    "SELECT 1 FROM trades a WHERE EXISTS (FROM quotes q JOIN quotes r ON v > 1"
    " POSITIONAL JOIN quotes s)",
    "SELECT date_trunc('month', t), count(*) FROM trades GROUP BY date_trunc('month', t)"
    " ORDER BY date_trunc('year', t)",
    "SELECT k + 1, count(*) FROM trades GROUP BY k + 1 ORDER BY k",
    "SELECT mode('2020-01-31' ORDER BY v) FROM trades",
    "SELECT 1 FROM quotes q, range(3) AS price(x) CROSS JOIN range(price + 1) AS r(n)",
    "SELECT rank() OVER (ORDER BY (SELECT (SELECT k FROM quotes))) FROM trades",
    "SELECT sum(k) OVER (PARTITION BY 'u' IN (SELECT (SELECT s FROM trades))) FROM trades",
    "SELECT '2020-01-31' BETWEEN '2020-01-31' AND t FROM trades",
    "SELECT '2020-01-31' BETWEEN NULL AND t FROM trades",
    "SELECT x FROM unnest(['a.*b', NULL, 0.5]) AS u(x)",
    "SELECT last(s) FILTER (k > 1) OVER () FROM trades",
    "SELECT k AS x FROM trades GROUP BY k HAVING max(x) > 1",
]


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(schema(), dialect="duckdb")


def schema() -> Schema:
    named = {"trades": TRADES, "quotes": QUOTES}
    tables = (Table(n, tuple(Column(*one) for one in columns)) for n, columns in named.items())
    return Schema("market", "duckdb", tuple(tables))


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for table in schema().tables:
            columns = ", ".join(f"{one.name} {one.type}" for one in table.columns)
            connection.execute(f"CREATE TABLE {table.name} ({columns})")
        connection.execute("INSERT INTO trades VALUES (1, '2020-01-01', '2020-01-01', 1.5, 'a b')")
        yield connection


@pytest.mark.parametrize("sql", FINE)
def test_what_the_engine_runs_is_let_in_byte_by_byte(checker, engine, sql):
    engine.execute(sql)
    state = checker.start
    for byte in sql.encode():
        state = checker.step(state, bytes((byte,)))
        assert state is not None
    assert checker.may_end(state)


@pytest.mark.parametrize("sql", REFUSED)
def test_what_the_engine_refuses_is_refused(checker, engine, sql):
    with pytest.raises(duckdb.Error):
        engine.execute(f"EXPLAIN {sql}")
    assert not checker.accepts(sql)


@pytest.mark.parametrize("condition", ["d = 1", "t <> k", "v = 'cheap'", "d = 'x'"])
def test_a_comparison_that_fails_when_it_runs_is_refused(checker, engine, condition):
    sql = f"SELECT s FROM trades WHERE {condition}"
    engine.execute(f"EXPLAIN {sql}")
    with pytest.raises(duckdb.Error):
        engine.execute(sql).fetchall()
    assert not checker.accepts(sql)


@pytest.mark.parametrize(
    "items",
    [
        "ifnull('x', (SELECT ''))::DATE",
        "if(TRUE, 'x', (SELECT ''))::DATE",
        "7 // (2 - 2)",
        "1 % 0",
        "[1, NULL]::TEXT::INT",
        "concat('x', NULL)::DATE",
        "(1 < 1 + (SELECT 1))::TEXT::DATE",
        "to_years(0 * (SELECT 1))::TEXT::INT",
        "[(SELECT 1) > 0]::TEXT::INT",
        "((SELECT 1) > 0)::TEXT[1]::DATE",
        "1 < 2 AS truth ORDER BY url_encode(truth::TEXT)::REAL",
    ],
)
def test_what_fails_before_any_row_is_read_is_refused(checker, engine, items):
    with pytest.raises(duckdb.Error):
        engine.execute(f"SELECT {items}")
    assert not checker.accepts(f"SELECT {items}")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT n FROM trades, quotes USING SAMPLE 5",
        "SELECT unnest FROM unnest([1, 2])",
        "SELECT r FROM range(5) AS r",
        "SELECT x FROM range(5) AS r(n), unnest([n]) AS u(x)",
        "WITH a AS (SELECT 1 AS n) SELECT x FROM trades AS a, unnest([a.k]) AS u(x)",
        "FROM unnest([1, 2]) AS u(x), trades SELECT x",
        "FROM LATERAL (SELECT 1 AS x) AS l JOIN trades ON TRUE SELECT x",
        "SELECT z FROM range(5) AS r(n), LATERAL (SELECT n + 1 AS z) l",
        "SELECT k FROM trades ANTI JOIN quotes q ON (SELECT price) > 1",
        "SELECT k AS x FROM trades ORDER BY list(s ORDER BY x) OVER ()",
        "SELECT k AS x FROM trades ORDER BY list(x ORDER BY s) OVER ()",
        "SELECT json_object(INTERVAL 1 HOUR::TEXT, 1)",
        'SELECT q. null FROM (SELECT 1 AS "null") AS q',
        "SELECT time[:] FROM (SELECT 'x' AS time) AS q",
    ],
)
def test_what_sqlglot_reads_otherwise_is_refused(checker, sql):
    with open_oracle(schema()) as oracle:
        fault = oracle.fault(sql)
    assert fault is not None and fault.layer in ("parse", "columns")
    assert not checker.accepts(sql)


def test_a_list_that_would_fill_the_memory_is_not_begun(checker):
    assert checker.accepts("SELECT range(1, 10000), range(k, 2 * k) FROM trades")
    assert not checker.accepts("SELECT range(1, 100000000)")
    assert not checker.accepts(
        "SELECT generate_series(DATE '2024-01-01', DATE '2025-01-01', INTERVAL 1 SECOND)"
    )


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgres"])
def test_a_list_behind_in_has_stored_values_alone_from_the_first_on(dialect):
    held = {"s": ["north", "o'er"], "k": [1, 25]}
    checker = Checker(schema(), dialect=dialect, values=lambda table, column: held.get(column))
    for fine in ("s IN ('north', 'o''er')", "k NOT IN (25, 1)", "v IN (3)", "lower(s) IN ('x')"):
        assert checker.accepts(f"SELECT s FROM trades WHERE {fine}")
    for other in ("s IN ('south')", "s NOT IN ('north', 'x')", "k IN (2)", "k IN (1, 2)"):
        assert not checker.accepts(f"SELECT s FROM trades WHERE {other}")
    assert checker.complete("SELECT s FROM trades WHERE s IN ('o").endswith("'o''er')")


def test_a_model_does_not_begin_a_literal_that_only_a_cast_would_make_fit(checker):
    held = Checker(schema(), dialect="duckdb", invented=False)
    text = "SELECT s FROM trades WHERE s < 2"
    assert checker.prefix_ok(text) and not held.prefix_ok(text)
    assert held.prefix_ok("SELECT s FROM trades WHERE d = '2")
    assert held.accepts("SELECT s FROM trades WHERE k = 2 AND s = CAST(2 AS TEXT)")


def test_text_that_begins_with_from_is_turned_round_past_whole_divisions():
    checker = Checker(schema(), dialect="duckdb", order="from-first")
    assert checker.to_sql("FROM trades SELECT k // 2") == "SELECT k // 2 FROM trades"
