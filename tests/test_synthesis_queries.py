"""Query trees and their spellings."""

import re
import sqlite3

import pytest

from text2sql.data.synthesis.queries import (
    Arithmetic,
    Call,
    Case,
    Cast,
    Col,
    Compare,
    Join,
    Junction,
    Key,
    Lit,
    Pattern,
    Query,
    Star,
    Window,
    blocks,
)
from text2sql.data.synthesis.spellings import Pointed, Spelled, write
from text2sql.decoding.checking import Checker
from text2sql.decoding.pointing import to_sql
from text2sql.schema import Column, ForeignKey, Schema, Table
from text2sql.schema.pointers import number

SINGER = Table("singer", tuple(map(Column, ("id", "full name", "age"))), ("id",))
KEY = ForeignKey(("singer_id",), "singer", ("id",))
CONCERT = Table("concert", tuple(map(Column, ("year", "singer_id"))), (), (KEY,))
SCHEMA = Schema("music", "sqlite", (SINGER, CONCERT))
ID, NAME, AGE = (Col("singer", name) for name in ("id", "full name", "age"))
SHOWN, COUNT = Col("concert", "singer_id"), Call("count", Star())
JOIN = Join("concert", ((ID, SHOWN),))
OLD, LIKE = Compare(AGE, ">", Lit(30)), Compare(NAME, "like", Pattern("O'B"))
BETWEEN = Compare(AGE, "between", (Lit(18), Lit(30)))
MIXED = Junction("and", (OLD, Junction("or", (LIKE, BETWEEN))))
MANY = Query((SHOWN,), "concert", group=(SHOWN,), having=Compare(COUNT, ">", Lit(2)))
MOST = Query((SHOWN,), "concert", group=(SHOWN,), order=(Key(COUNT, True),), limit=1)
QUERIES = [
    Query((Call("avg", AGE),), "singer"),
    Query(
        (NAME, COUNT),
        "singer",
        joins=(JOIN,),
        where=MIXED,
        group=(ID,),
        limit=3,
        having=Compare(COUNT, ">=", Lit(2)),
        order=(Key(COUNT, True), Key(NAME)),
    ),
    Query((NAME,), "singer", where=Compare(AGE, ">", Query((Call("avg", AGE),), "singer"))),
    Query((NAME,), "singer", where=Compare(ID, "not in", Query((SHOWN,), "concert"))),
    Query(
        (NAME,),
        "singer",
        where=Compare(None, "exists", Query((Star(),), "concert", where=Compare(SHOWN, "=", ID))),
    ),
    Query((NAME,), "singer", then=("except", Query((NAME,), "singer", joins=(JOIN,)))),
    Query((Call("count", AGE, distinct=True), Cast(AGE, "REAL")), "singer", distinct=True),
    Query(
        (
            Case(((OLD, Lit("old")),), Lit("young")),
            Arithmetic(Arithmetic(AGE, "+", Lit(1)), "*", Lit(2)),
        ),
        "singer",
    ),
    Query((NAME, Window(Call("sum", AGE), (NAME,), (Key(AGE, True),))), "singer"),
    Query(
        (Call("max", Col("t", "n")),),
        Query((COUNT,), "concert", group=(SHOWN,), names=("n",)),
        alias="t",
    ),
    Query(
        (NAME,),
        "singer",
        joins=(Join("concert", ((ID, SHOWN),), "left join"),),
        where=Compare(SHOWN, "is null"),
    ),
    Query((NAME,), "singer", True, then=("union", Query((NAME,), "singer", joins=(JOIN,)))),
    Query(
        (NAME, Call("max", AGE)),
        "singer",
        joins=(JOIN,),
        group=(Col("concert", "year"),),
        having=Junction(
            "or",
            (
                Compare(COUNT, "between", (Lit(1), Lit(3))),
                Compare(Call("count", SHOWN, distinct=True), ">", Lit(2)),
            ),
        ),
        order=(Key(Call("count", SHOWN), True),),
    ),
    Query(
        (NAME,),
        "singer",
        where=Junction("and", (Compare(ID, "in", MOST), Compare(ID, "not in", MANY))),
    ),
]


@pytest.fixture
def database():
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE singer(id, "full name", age)')
    connection.execute("CREATE TABLE concert(year, singer_id)")
    connection.execute("INSERT INTO singer VALUES (1, 'Ann O''Brien', 41), (2, 'Bo', 19)")
    connection.execute("INSERT INTO concert VALUES (2020, 1), (2021, 1)")
    yield connection
    connection.close()


@pytest.mark.parametrize("query", QUERIES)
def test_every_spelling_of_a_query_gives_the_same_rows(query, database):
    found = [
        database.execute(write(query, Spelled(SCHEMA, aliases))).fetchall()
        for aliases in ("T", "initial", "full")
    ]
    assert found[0] == found[1] == found[2]
    assert found[0] or query.where


@pytest.mark.parametrize("query", QUERIES)
def test_pointers_say_what_the_spelled_query_says(query, database):
    pointers = number(SCHEMA).with_values(["30", "'O''B'", "3"])
    text = write(query, Pointed(pointers, SCHEMA))
    for token, written in sorted(pointers.bytes().items(), key=lambda pair: -len(pair[0])):
        text = text.replace(f" {token}", token).replace(token, written.decode())
    sql = to_sql(text, Checker(SCHEMA, order="from-first"))
    spelled = write(query, Spelled(SCHEMA))
    assert database.execute(sql).fetchall() == database.execute(spelled).fetchall()


def test_aliases_of_an_inner_query_differ_from_one_another_and_from_those_around(database):
    inner = Query((SHOWN,), "singer", joins=(JOIN, Join("venue", ((SHOWN, Col("venue", "id")),))))
    outer = Query((NAME,), "singer", joins=(JOIN,), where=Compare(ID, "in", inner))
    assert write(outer, Spelled(SCHEMA)).count(" AS T") == len(
        set(re.findall(r" AS (T\d)", write(outer, Spelled(SCHEMA))))
    )


def test_a_query_names_its_tables_and_holds_its_inner_ones():
    assert QUERIES[1].tables() == ("singer", "concert")
    assert [block.source for block in blocks(QUERIES[3])] == ["singer", "concert"]
    assert len(list(blocks(QUERIES[5]))) == 2 and len(list(blocks(QUERIES[9]))) == 2


def test_a_value_of_the_question_is_pointed_at_and_another_one_spelled():
    pointers = number(SCHEMA).with_values(["30"])
    assert write(QUERIES[1], Pointed(pointers, SCHEMA)).count("<v0>") == 2
    assert "LIKE '%O''B%'" in write(QUERIES[1], Pointed(pointers, SCHEMA))
