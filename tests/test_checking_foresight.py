"""Looking ahead in DuckDB and PostgreSQL, which are strict and work out literals beforehand."""

import pytest

from text2sql.decoding.checking import Checker
from text2sql.schema.model import Column, Schema, Table

COLUMNS = (Column("c", "VARCHAR"), Column("n", "INTEGER"), Column("d", "DATE"))
DEAD = {
    "duckdb": ["SELECT day(-'a'", "SELECT extract(minute FROM 'a' "],
    "postgres": ["SELECT extract(minute FROM 'a' "],
}


@pytest.fixture(params=list(DEAD))
def checker(request: pytest.FixtureRequest) -> Checker:
    schema = Schema("one", request.param, (Table("t", COLUMNS),))
    return Checker(schema, dialect=request.param)


def test_what_could_not_be_ended_is_not_let_in(checker):
    for text in DEAD[checker.dialect.name]:
        assert not checker.prefix_ok(text)


def test_no_token_of_a_text_with_literals_leads_to_a_dead_end(checker):
    sql = "SELECT substr(c, 1, CASE WHEN n > 1 + 2 THEN 3 ELSE n END) FROM t WHERE n IN (1, 2 * 3)"
    for end in range(len(sql) + 1):
        completed = checker.complete(sql[:end])
        assert checker.accepts(completed), completed


def test_sqlite_works_nothing_out_and_needs_no_foresight():
    checker = Checker(Schema("one", "sqlite", (Table("t", COLUMNS),)), dialect="sqlite")
    state = checker.read("SELECT upper('a' ")
    assert checker.lives(state.reading)
    assert checker.complete("SELECT upper('a'") == "SELECT upper('a')"


@pytest.mark.parametrize("dialect", list(DEAD))
def test_an_end_is_found_where_a_table_is_called_as_what_must_be_grouped(dialect):
    schema = Schema("one", dialect, (Table("t", COLUMNS), Table("c", COLUMNS)))
    checker = Checker(schema, dialect=dialect)
    sql = "SELECT c, sum(n), count(x1) FROM t, (SELECT 1 AS a"
    assert checker.accepts(checker.complete(sql))
    assert ",c" not in checker.complete(f"{sql}) AS b").split("AS b")[1].split("GROUP")[0]


def test_an_alias_that_is_owed_with_another_kind_is_not_the_only_one_tried():
    checker = Checker(Schema("one", "postgres", (Table("t", COLUMNS),)), dialect="postgres")
    sql = "SELECT t1 || degrees FROM t RIGHT JOIN (SELECT 1 AS "
    assert checker.accepts(checker.complete(sql))


def test_no_unit_stands_twice_in_an_interval():
    checker = Checker(Schema("one", "postgres", (Table("t", COLUMNS),)), dialect="postgres")
    assert checker.accepts("SELECT INTERVAL '1 week 2 days 3 hours'")
    assert not checker.prefix_ok("SELECT INTERVAL '1 day 2 d")
    assert checker.complete("SELECT INTERVAL '1 day 2 hours 3") == (
        "SELECT INTERVAL '1 day 2 hours 31 week'"
    )
