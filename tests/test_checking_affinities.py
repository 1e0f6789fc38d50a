"""Declared types, where they are sure: what they forbid, what they leave alone, no dead ends."""

import pytest

from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.affinities import family_of
from text2sql.schema.model import Column, Schema, Table

SCHEMA = Schema(
    "stage",
    "sqlite",
    (
        Table(
            "singer",
            (
                *(Column("id", "INTEGER"), Column("name", "TEXT"), Column("age", "int(11)")),
                *(Column("born", "DATETIME"), Column("active", "BOOL"), Column("fee", "")),
            ),
        ),
        Table("song", (Column("title", "VARCHAR(20)"), Column("age", "TEXT"), Column("born", ""))),
    ),
)
REFUSED = [
    ("SELECT avg(name) FROM singer", "name is declared as text"),
    ("SELECT sum(DISTINCT born) FROM singer", "born is declared as a date or time"),
    ("SELECT id FROM singer GROUP BY id HAVING total(name) > 3", "total() takes numbers"),
    ("SELECT id FROM singer ORDER BY round(`born`, 2)", "round() takes numbers"),
    ("SELECT sum(s.age) FROM song AS s JOIN singer AS t ON 1", "age is declared as text"),
    ("SELECT name - 1 FROM singer", "name is declared as text"),
    ("SELECT 1 FROM singer WHERE 2020 - born > 30", "arithmetic takes numbers"),
    (
        "SELECT 1 FROM singer WHERE age LIKE '2%'",
        "LIKE takes text, and age is declared as a",
    ),
    ("SELECT 1 FROM singer WHERE age NOT LIKE '2%'", "age is declared as a number"),
    ("SELECT 1 FROM singer WHERE age = 'old'", "a number is needed here, and 'old' is none"),
    ('SELECT 1 FROM singer WHERE age = "old"', 'a number is needed here, and "old" is none'),
    ("SELECT 1 FROM singer WHERE singer.id >= '2020-01-01'", "a number is needed here"),
    ("SELECT 1 FROM singer WHERE age IN (1, 'two')", "and 'two' is none"),
    ("SELECT 1 FROM singer WHERE age BETWEEN 18 AND 'x'", "and 'x' is none"),
    ("SELECT 1 FROM singer WHERE age IS NOT ''", "and '' is none"),
]
LEFT_ALONE = [
    "SELECT avg(age), sum(active), total(fee), max(name), count(born) FROM singer",
    "SELECT sum(name = 'x'), avg(length(name)), sum(CASE name WHEN 'x' THEN 1 END) FROM singer",
    "SELECT sum(name || ''), -name, CAST(name AS INTEGER) + 1, substr(age, 1, 2) FROM singer",
    "SELECT sum(t.age) FROM song AS s JOIN singer AS t ON s.age = t.age",
    "SELECT sum(n) FROM (SELECT name AS n FROM singer)",
    "WITH k AS (SELECT * FROM singer) SELECT sum(name) FROM k",
    "SELECT sum(born) FROM song",
    "SELECT 1 FROM singer WHERE born LIKE '20%' AND name = 3 AND born > 2020",
    "SELECT 1 FROM singer WHERE age IN ('1', \"2\") OR age BETWEEN ' 1' AND '-2.5e3 ' OR age = .5",
    "SELECT 1 FROM singer WHERE age = \"id\" AND fee = 'free' AND age IN (SELECT title FROM song)",
]


@pytest.fixture(scope="module")
def checker():
    return Checker(SCHEMA, types=True)


@pytest.mark.parametrize(("sql", "said"), REFUSED)
def test_what_a_type_is_not_for_is_refused_and_explained_only_with_types_on(checker, sql, said):
    assert Checker(SCHEMA).accepts(sql) and not checker.accepts(sql)
    fault = checker.explain(sql)
    assert said in fault.message and sql.startswith(fault.found, fault.position)


@pytest.mark.parametrize("sql", LEFT_ALONE)
def test_what_is_not_sure_is_left_alone(checker, sql):
    assert checker.accepts(sql)


@pytest.mark.parametrize("sql", [sql for sql, _ in REFUSED] + LEFT_ALONE)
@pytest.mark.parametrize("invented", [True, False])
def test_every_beginning_that_is_let_in_has_an_end(sql, invented):
    checker = Checker(SCHEMA, types=True, invented=invented)
    for end in range(len(sql) + 1):
        if checker.prefix_ok(sql[:end]):
            assert checker.accepts(checker.complete(sql[:end])), sql[:end]


def test_a_model_is_stopped_where_no_table_has_a_column_of_that_type():
    held = Checker(SCHEMA, types=True, invented=False)
    assert held.prefix_ok("SELECT sum(name") and not held.prefix_ok("SELECT sum(name)")
    assert held.prefix_ok("SELECT sum(age)") and held.prefix_ok("SELECT sum(born)")
    assert held.prefix_ok("SELECT 1 FROM singer WHERE age = '1")
    assert not held.prefix_ok("SELECT 1 FROM singer WHERE age = 'o")
    assert not held.prefix_ok('SELECT 1 FROM singer WHERE age = "o')


def test_from_takes_only_what_pays_the_type_too(checker):
    assert checker.complete("SELECT sum(age) FROM ") == "SELECT sum(age) FROM singer"
    assert not checker.prefix_ok("SELECT sum(age) FROM so")
    assert checker.accepts(checker.complete("SELECT sum(title)"))  # by a subquery


def test_from_first_knows_the_types_at_once():
    first = Checker(SCHEMA, order="from-first", types=True)
    assert first.accepts("FROM singer SELECT avg(age)")
    assert not first.prefix_ok("FROM singer SELECT avg(name)")


def test_stored_values_hold_beside_types():
    checker = Checker(SCHEMA, types=True, values=lambda _, column: [7] if column == "age" else None)
    assert checker.accepts("SELECT 1 FROM singer WHERE age = 7 AND id > '3'")
    for wrong in ("age = 8", "age IN (7, 8)", "id > 'x'", "age > 'x'"):
        assert not checker.accepts(f"SELECT 1 FROM singer WHERE {wrong}")


def test_a_strict_dialect_has_types_of_its_own(samples):
    schema = Schema("stage", "duckdb", (Table("t", (Column("a", "VARCHAR"),)),))
    for types in (True, False):
        assert not Checker(schema, dialect="duckdb", types=types).accepts("SELECT sum(a) FROM t")


@pytest.mark.parametrize(
    ("declared", "family"),
    [
        *(("INTEGER", "number"), ("DECIMAL(10,2)", "number"), ("int unsigned", "number")),
        *(("VARCHAR2(20)", "text"), ("NATIVE CHARACTER(70)", "text"), ("TIMESTAMP", "moment")),
        *(("BOOLEAN", "any"), ("", "any"), ("POINT", "any"), ("interval", "any"), ("(3)", "any")),
    ],
)
def test_a_declared_type_is_known_by_its_first_word(declared, family):
    assert family_of(declared) == family
