"""ON is left out where foreign keys say it, and put there again: the same rows, always."""

import sqlite3
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql.data.synthesis.drafting import draw
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.spellings import Pointed, Spelled, write
from text2sql.decoding.guides import checker_of
from text2sql.decoding.joining import lengthen
from text2sql.decoding.pointing import to_pointers, to_sql
from text2sql.errors import Unsayable
from text2sql.schema import Column, ForeignKey, Schema, Table
from text2sql.schema.join_paths import completed, join_path
from text2sql.schema.pointers import number


def table(name: str, columns: str, **keys: str) -> Table:
    foreign = tuple(ForeignKey((own,), *_target(there)) for own, there in keys.items())
    return Table(name, tuple(map(Column, columns.split())), (columns.split()[0],), foreign)


def _target(there: str) -> tuple[str, tuple[str]]:
    name, column = there.split(".")
    return name, (column,)


CITY = table("city", "id name")
FLIGHT = table("flight", "no source target", source="city.id", target="city.id")
SEAT = table("seat", "id flight price", flight="flight.no")
LOOSE = table("loose", "id city")
SCHEMA = Schema("air", "sqlite", (CITY, FLIGHT, SEAT, LOOSE))


@pytest.fixture
def database():
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        "CREATE TABLE city(id, name); CREATE TABLE flight(no, source, target);"
        "CREATE TABLE seat(id, flight, price); CREATE TABLE loose(id, city);"
        "INSERT INTO city VALUES (1, 'Oslo'), (2, 'Bonn'); INSERT INTO loose VALUES (1, 2), (2, 2);"
        "INSERT INTO flight VALUES (10, 1, 2), (11, 2, 1), (12, 2, 2);"
        "INSERT INTO seat VALUES (5, 10, 80), (6, 11, 90), (7, 12, 70), (8, 12, 60)"
    )
    yield connection
    connection.close()


def pointed(sql: str) -> str:
    return to_pointers(sql, checker_of(SCHEMA), number(SCHEMA))


def back(text: str) -> str:
    for token, written in sorted(number(SCHEMA).bytes().items(), key=lambda p: -len(p[0])):
        text = text.replace(f" {token}", token).replace(token, written.decode())
    return to_sql(text, checker_of(SCHEMA, "from-first"))


def test_a_path_follows_the_first_key_and_reaches_tables_by_others():
    path = join_path(SCHEMA, ["city", "seat", "flight"])
    assert path is not None and [step.table for step in path] == ["city", "flight", "seat"]
    assert path[1].pairs == ((("flight", "source"), ("city", "id")),)
    assert join_path(SCHEMA, ["city", "loose"]) is None
    assert join_path(SCHEMA, ["seat", "city"]) is None  # flight lies between them


SHORT = [
    "SELECT s.price FROM seat AS s JOIN flight AS f ON s.flight = f.no",
    "SELECT c.name, count(*) FROM flight JOIN city AS c ON c.id = flight.source GROUP BY c.id",
    "SELECT name FROM city WHERE id IN (SELECT f.source FROM seat JOIN flight f ON flight = no)",
    "SELECT price FROM city AS c JOIN flight JOIN seat ON c.id = source AND flight = no",
]
LONG = [
    "SELECT c.name FROM flight AS f JOIN city AS c ON f.target = c.id",
    "SELECT c.name FROM flight AS f LEFT JOIN city AS c ON f.source = c.id",
    "SELECT c.name FROM flight AS f JOIN city AS c ON f.source = c.id AND c.id > 1",
    "SELECT * FROM seat AS s JOIN flight AS f ON s.flight = f.no",
    "SELECT c.name FROM loose AS l JOIN city AS c ON l.city = c.id",
    "SELECT c.name FROM loose AS l, city AS c",
]


@pytest.mark.parametrize("sql", [*SHORT, *LONG])
def test_what_was_shortened_gives_its_rows_again(sql, database):
    text = pointed(sql)
    assert (" ON " in text) == (" ON " in sql and sql in LONG)
    rows, again = (database.execute(s).fetchall() for s in (sql, back(text)))
    assert sorted(rows) == sorted(again) and rows


THROUGH = "FROM seat AS s JOIN flight AS f ON s.flight = f.no JOIN city AS c ON c.id = f.source"


def test_a_table_that_only_leads_to_another_is_not_named(database):
    for sql in (
        f"SELECT s.price {THROUGH} WHERE c.name = 'Oslo'",
        f"SELECT c.name, count(*) {THROUGH} GROUP BY f.source",
        f"SELECT name FROM city WHERE id IN (SELECT c.id {THROUGH} WHERE s.price > 60)",
    ):
        text = pointed(sql)
        assert "<t0>, <t2>" in text and "<t1>" not in text
        rows = database.execute(back(text)).fetchall()
        assert rows and sorted(rows) == sorted(database.execute(sql).fetchall())


def test_a_table_whose_column_is_asked_for_is_named():
    shown = pointed(f"SELECT s.price {THROUGH} WHERE f.target = 2 AND c.name = 'Oslo'")
    starred = pointed(f"SELECT * {THROUGH}")
    assert "<t1>" in shown and "<t1>" in starred


def test_tables_are_reached_by_the_fewest_others():
    assert completed(SCHEMA, ["seat", "city"]) == ["city", "flight", "seat"]
    assert completed(SCHEMA, ["seat"]) == ["seat"]
    assert completed(SCHEMA, ["seat", "loose"]) is None
    chain = [table("a", "id")]
    chain += [table(n, "id up", up=f"{before}.id") for before, n in pairwise("abcdef")]
    schema = Schema("chain", "sqlite", tuple(chain))
    assert completed(schema, ["a", "d"]) == ["a", "b", "c", "d"]
    assert completed(schema, ["a", "e"]) is None  # too far to be meant


def test_groups_are_named_by_the_key_that_is_referred_to():
    grouped = "SELECT count(*) FROM flight AS f JOIN city AS c ON f.source = c.id GROUP BY f.source"
    assert pointed(grouped) == pointed(grouped.replace("GROUP BY f.source", "GROUP BY c.id"))
    shown = grouped.replace("count(*)", "f.source")
    assert pointed(shown) != pointed(shown.replace("GROUP BY f.source", "GROUP BY c.id"))


def test_a_group_keeps_the_key_that_another_clause_needs():
    text = pointed(
        "SELECT count(*) FROM flight AS f JOIN city AS c ON f.source = c.id"
        " GROUP BY f.source HAVING f.source > 1 ORDER BY f.source"
    )
    assert text.partition("GROUP BY ")[2].startswith(number(SCHEMA).of_column("flight", "source"))


def test_all_pairs_of_joined_tables_cannot_be_said():
    with pytest.raises(Unsayable, match="all pairs"):
        pointed("SELECT c.name FROM flight AS f, city AS c")


def test_text_that_is_no_query_is_left_alone():
    for text in ("SELECT FROM WHERE", "", "SELECT 1", "SELECT a FROM nowhere, city"):
        assert lengthen(text, SCHEMA) == text


@pytest.mark.parametrize("table", ["city", "seat"])
def test_a_table_stands_once_in_a_from_that_points(table):
    checker = checker_of(SCHEMA, "from-first")
    assert checker.prefix_ok("FROM city, flight")
    assert not checker.prefix_ok(f"FROM {table}, {table} ")
    for alias in ("x", "AS x", '"x"', "AS", "null5"):
        assert not checker.prefix_ok(f"FROM {table} {alias}"), alias
    assert checker.accepts("FROM (FROM seat SELECT price) AS x SELECT x.price")
    assert checker_of(SCHEMA).prefix_ok("SELECT 1 FROM city x, city y")


@given(st.integers(0, 10**6))
@settings(max_examples=12, deadline=None)
def test_a_drawn_query_is_written_as_its_sql_is(seed):
    from random import Random

    random = Random(seed)
    made = invent(random)
    schema = made.world.schema
    for pair in draw(made.world, made.connection, 4, random):
        direct = write(pair.query, Pointed(number(schema), schema))
        checker = checker_of(schema, "from-first")
        named = direct
        for token, text in sorted(number(schema).bytes().items(), key=lambda p: -len(p[0])):
            named = named.replace(f" {token}", token).replace(token, text.decode())
        rows = made.connection.execute(to_sql(named, checker)).fetchall()
        sql = write(pair.query, Spelled(schema))
        assert sorted(map(repr, rows)) == sorted(map(repr, made.connection.execute(sql).fetchall()))
    made.connection.close()
