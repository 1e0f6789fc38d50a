"""Fixed moments in place of the clock, run on SQLite and DuckDB."""

import random
import sqlite3
from datetime import UTC, date, datetime, time, timedelta, timezone
from time import tzset

import duckdb
import pytest

from text2sql.errors import SettingsError
from text2sql.execution.moments import fix_clock, parse_moment

MOMENT = datetime(2021, 3, 4, 5, 6, 7, 654_300, tzinfo=UTC)

SQLITE = {
    "CURRENT_DATE": "2021-03-04",
    "current_time": "05:06:07",
    "CURRENT_TIMESTAMP": "2021-03-04 05:06:07",
    "date('now')": "2021-03-04",
    "DATE( 'NOW' , '-1 day', 'start of month')": "2021-03-01",
    'date("now")': "2021-03-04",
    "time('now')": "05:06:07",
    "datetime('now', '+1 hour')": "2021-03-04 06:06:07",
    "date()": "2021-03-04",
    "time()": "05:06:07",
    "datetime( )": "2021-03-04 05:06:07",
    "unixepoch()": 1614834367,
    "unixepoch('now')": 1614834367,
    "strftime('%Y', 'now')": "2021",
    "strftime('%Y-%m')": "2021-03",
    "strftime('%f', 'now')": "07.654",
    "CAST(strftime('%Y', 'now') AS INTEGER) - 1": 2020,
    "round(julianday('now') - julianday('2021-03-01'), 3)": 3.213,
    "round(julianday() - julianday('2021-03-01'), 3)": 3.213,
    "date(CURRENT_TIMESTAMP)": "2021-03-04",
    "date('2020-01-01')": "2020-01-01",
    "'now'": "now",
    "'CURRENT_DATE'": "CURRENT_DATE",
    "upper('now')": "NOW",
    "date('now', 'nonsense')": None,
    "datetime('now', 'localtime')": "2021-03-04 00:06:07",
    "date('now', 'localtime', '-6 hours')": "2021-03-03",
    "datetime('now', 'localtime', 'utc')": "2021-03-04 05:06:07",
}


@pytest.mark.parametrize("sql", SQLITE)
def test_sqlite_reads_the_moment(sql, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    tzset()
    try:
        fixed = fix_clock(f"SELECT {sql}", "sqlite", MOMENT)
        assert sqlite3.connect(":memory:").execute(fixed).fetchone() == (SQLITE[sql],)
    finally:
        monkeypatch.undo()
        tzset()


def test_a_time_left_out_for_a_modifier_is_filled_in():
    fixed = fix_clock("SELECT unixepoch('subsec'), datetime('subsecond')", "sqlite", "2021-03-04")
    moment = "'2021-03-04 00:00:00.000'"
    assert fixed == f"SELECT unixepoch({moment}, 'subsec'), datetime({moment}, 'subsecond')"


DUCKDB = {
    "now()": MOMENT,
    "main.now()": MOMENT,
    '"now"()': MOMENT,
    "get_current_timestamp()": MOMENT,
    "transaction_timestamp()": MOMENT,
    "CURRENT_TIMESTAMP": MOMENT,
    "current_date": date(2021, 3, 4),
    "current_date()": date(2021, 3, 4),
    "today()": date(2021, 3, 4),
    "today() - 4": date(2021, 2, 28),
    "current_date - INTERVAL 1 DAY": datetime(2021, 3, 3),
    "CURRENT_TIME": MOMENT.timetz(),
    "get_current_time()": MOMENT.timetz(),
    "localtime": time(5, 6, 7, 654_300),
    "current_localtime()": time(5, 6, 7, 654_300),
    "localtimestamp": MOMENT.replace(tzinfo=None),
    "current_localtimestamp()": MOMENT.replace(tzinfo=None),
    "now()::date": date(2021, 3, 4),
    "now().year()": 2021,
    "year(current_date)": 2021,
    "strftime(now(), '%Y-%m')": "2021-03",
    "date_diff('day', DATE '2021-01-01', today())": 62,
    "age(TIMESTAMP '2021-03-01 12:00')": timedelta(days=2, hours=12),
    "age(DATE '2021-03-01')": timedelta(days=3),
    "'now()'": "now()",
}


@pytest.mark.parametrize("sql", DUCKDB)
def test_duckdb_reads_the_moment_in_the_same_type(sql):
    fixed = fix_clock(sql, "duckdb", MOMENT)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        query = f"SELECT {fixed}, typeof({fixed}) = typeof({sql})"
        assert connection.execute(query).fetchone() == (DUCKDB[sql], True)


MYSQL = {
    "SELECT NOW(), NOW(3)": "SELECT TIMESTAMP '2021-03-04 05:06:07', "
    "TIMESTAMP '2021-03-04 05:06:07.654'",
    "SELECT CURDATE() - INTERVAL 1 DAY": "SELECT DATE '2021-03-04' - INTERVAL 1 DAY",
    "SELECT CURTIME(), UTC_TIME": "SELECT TIME '05:06:07', TIME '05:06:07'",
    "SELECT UTC_DATE(), CURRENT_DATE": "SELECT DATE '2021-03-04', DATE '2021-03-04'",
    "SELECT SYSDATE(6)": "SELECT TIMESTAMP '2021-03-04 05:06:07.654300'",
    "SELECT UNIX_TIMESTAMP(), UNIX_TIMESTAMP(d)": "SELECT 1614834367, UNIX_TIMESTAMP(d)",
    'SELECT "now()", `now`, d.now FROM d': 'SELECT "now()", `now`, d.now FROM d',
}


@pytest.mark.parametrize("sql", MYSQL)
def test_mysql_gets_literals(sql):
    assert fix_clock(sql, "mysql", MOMENT) == MYSQL[sql]


UNTOUCHED = [
    ("sqlite", "SELECT now, date, \"now\", [now], `now` FROM t WHERE date = 'now' -- date('now')"),
    ("sqlite", "SELECT t.current_date, 1 AS current_date, 2 current_time FROM t /* now */"),
    ("sqlite", "SELECT now(), today(), getdate(), curdate()"),
    ("sqlite", "SELECT date(now), date(x, 'now'), datetime('2020-01-01', 'now')"),
    ("sqlite", "WITH date(a) AS (SELECT 1) SELECT a FROM date"),
    ("duckdb", "SELECT now, today, t.now, {'now': 1}, current_timestamp(3), getdate() FROM t"),
    ("duckdb", "WITH age(x) AS (SELECT 1) SELECT age.x, age(x, x) FROM age"),
    ("postgres", "SELECT 'now', $$now()$$, E'now', t.now, \"current_date\", \"NOW\"() FROM t"),
    ("postgres", "SELECT today(), curdate(), other.now(), now(1), sysdate, 'today' = x"),
    ("postgres", "SELECT random(), gen_random_uuid()"),
    ("mysql", "SELECT now FROM t WHERE now > 'now()' # now()"),
    ("sqlite", "SELECT 'unfinished FROM date('now')"),
    ("oracle", "SELECT SYSDATE FROM dual"),
]


@pytest.mark.parametrize(("dialect", "sql"), UNTOUCHED)
def test_what_only_looks_like_a_clock_stays_as_it_is(dialect, sql):
    assert fix_clock(sql, dialect, MOMENT) == sql


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [("sqlite", s) for s in SQLITE]
    + [("duckdb", s) for s in DUCKDB]
    + [("mysql", s) for s in MYSQL],
)
def test_fixing_twice_changes_nothing_more(dialect, sql):
    once = fix_clock(sql, dialect, MOMENT)
    assert fix_clock(once, dialect, "1999-01-01") == once


def test_the_rest_of_the_text_stays_byte_for_byte():
    around = ["/* é now() */ SELECT\t'客户 now()' ,", '  -- today()\r\n FROM\n"t" ;\n']
    fixed = fix_clock(f"{around[0]}now( ){around[1]}", "duckdb", "2021-03-04")
    assert fixed == f"{around[0]}TIMESTAMPTZ '2021-03-04 00:00:00.000000+00'{around[1]}"


def test_many_clocks_in_one_statement_are_all_fixed():
    parts = ["date('now')", "CURRENT_DATE", "x", "'now'", "strftime('%Y', date())"] * 40
    random.Random(7).shuffle(parts)
    fixed = fix_clock(f"SELECT {', '.join(parts)}", "sqlite", MOMENT)
    assert "CURRENT_DATE" not in fixed and fixed.count("'now'") == parts.count("'now'")
    assert fixed.count("2021-03-04") == 120


MOMENTS = {
    "2021-03-04": datetime(2021, 3, 4, tzinfo=UTC),
    " 2021-03-04 05:06 ": datetime(2021, 3, 4, 5, 6, tzinfo=UTC),
    "2021-03-04T05:06:07Z": datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC),
    "2021-03-04T05:06:07.5+02:00": datetime(2021, 3, 4, 3, 6, 7, 500_000, tzinfo=UTC),
    date(2021, 3, 4): datetime(2021, 3, 4, tzinfo=UTC),
    datetime(2021, 3, 4, 5): datetime(2021, 3, 4, 5, tzinfo=UTC),
    datetime(2021, 3, 4, tzinfo=timezone(timedelta(hours=-3))): datetime(2021, 3, 4, 3, tzinfo=UTC),
}


@pytest.mark.parametrize("value", MOMENTS)
def test_moments_are_read_in_utc(value):
    parsed = parse_moment(value)
    assert parsed == MOMENTS[value] and parsed.tzinfo is UTC


@pytest.mark.parametrize("value", ["", "yesterday", "2021-13-01", 5, None, "0001-01-01T00:00+02"])
def test_what_is_no_moment_is_named(value):
    with pytest.raises(SettingsError, match="as_of must be a moment"):
        parse_moment(value)
    with pytest.raises(SettingsError, match="as_of must be a moment"):
        fix_clock("SELECT 1", "sqlite", value)
