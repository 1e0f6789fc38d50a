"""What is refused: queries whose result does not tell them from simpler ones."""

import sqlite3
from random import Random

import library
import pytest

from text2sql.data.synthesis.dialects import spell
from text2sql.data.synthesis.drafting import propose
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.queries import (
    Call,
    Col,
    Compare,
    Join,
    Junction,
    Key,
    Lit,
    Query,
    Star,
)
from text2sql.data.synthesis.verifying import EMPTY, FAILS, TIES, judge, same_rows, simplified
from text2sql.schema import read_schema

PAGES, RATING, TITLE, RARE = (Col("books", n) for n in ("pages", "rating", "title", "is_rare"))
MANY = Compare(Call("count", Star()), ">", Lit(1))
AUTHOR = Join("authors", ((Col("books", "author_id"), Col("authors", "author_id")),))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = library.build_sqlite(tmp_path_factory.mktemp("verify") / "library.sqlite")
    schema, connection = read_schema(path), sqlite3.connect(path)

    def rows(query):
        try:
            return connection.execute(spell(query, schema)).fetchall()
        except sqlite3.Error:
            return None

    return rows


def where(*conditions, operator="and", select=(TITLE,), **parts):
    joined = conditions[0] if len(conditions) == 1 else Junction(operator, conditions)
    return Query(select, "books", where=joined, **parts)


CASES = [
    (where(Compare(PAGES, ">", Lit(200))), None),
    (where(Compare(PAGES, ">", Lit(9_999))), EMPTY),
    (
        Query((Call("sum", RARE),), "books", where=Compare(PAGES, "<", Lit(0))),
        EMPTY,
    ),
    (where(Compare(PAGES, ">", Lit(0))), "same without WHERE"),
    (
        where(Compare(PAGES, ">", Lit(200)), Compare(PAGES, ">", Lit(100))),
        "same without a condition",
    ),
    (
        where(Compare(PAGES, ">", Lit(200)), Compare(PAGES, ">", Lit(300)), operator="or"),
        "same without a condition",
    ),
    (Query((TITLE,), "books", True), "same without DISTINCT"),
    (Query((RATING,), "books", True), None),
    (
        Query(
            (RATING,), "books", group=(RATING,), having=Compare(Call("count", Star()), ">", Lit(1))
        ),
        "same without HAVING",
    ),
    (Query((TITLE,), "books", joins=(AUTHOR,)), "same without a join"),
    (Query((TITLE, Col("authors", "name")), "books", joins=(AUTHOR,)), None),
    (Query((TITLE,), "books", order=(Key(RATING, True),), limit=1), TIES),
    (Query((TITLE,), "books", order=(Key(Col("books", "book_id")),), limit=3), None),
    (Query((TITLE,), "books", order=(Key(PAGES),), limit=500), "same without LIMIT"),
    (Query((Col("books", "absent"),), "books"), FAILS),
]


@pytest.mark.parametrize(("query", "reason"), CASES)
def test_a_query_is_judged_by_what_its_parts_change(run, query, reason):
    assert judge(query, run) == reason


def test_ties_are_found_in_a_nested_query_too(run):
    rated = Query((RATING,), "books", group=(RATING,), order=(Key(MANY.left, True),), limit=1)

    assert judge(where(Compare(RATING, "=", rated)), run) == TIES


def test_sides_of_a_set_operation_must_both_matter(run):
    few, many = (where(Compare(PAGES, "<", Lit(n)), select=(PAGES,)) for n in (120, 400))
    union = Query(few.select, "books", where=few.where, then=("union", many))
    difference = Query(many.select, "books", where=many.where, then=("except", few))

    assert judge(union, run) is not None
    assert judge(difference, run) in (None, "same without WHERE")
    assert {what for what, _ in simplified(union)} >= {"UNION", "WHERE"}


def test_distinct_before_a_set_operation_is_a_matter_of_spelling(run):
    others = where(Compare(PAGES, ">", Lit(400)), select=(RATING,))
    query = Query((RATING,), "books", True, then=("except", others))

    assert "DISTINCT" not in {what for what, _ in simplified(query)}
    assert judge(query, run) == judge(Query((RATING,), "books", then=query.then), run)


def test_rows_are_compared_as_a_bag():
    assert same_rows([(1,), (2,)], [(2,), (1,)]) and not same_rows([(1,)], [(1,), (1,)])
    assert not same_rows([(1,)], [("1",)])


def test_what_is_kept_of_an_invented_database_differs_from_every_simpler_query():
    invented = invent(Random(5))
    schema = invented.world.schema

    def rows(query):
        return invented.connection.execute(spell(query, schema)).fetchall()

    kept = [
        p.query for p in propose(invented.world, Random(5), 120) if judge(p.query, rows) is None
    ]
    assert len(kept) > 40
    for query in kept:
        assert all(not same_rows(rows(query), rows(simpler)) for _, simpler in simplified(query))
