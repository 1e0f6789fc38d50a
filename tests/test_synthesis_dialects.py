"""Drawn queries as the SQL of other engines: the same rows from DuckDB as from SQLite."""

import sqlite3
from collections import Counter
from random import Random

import library
import pytest

from text2sql.data.synthesis.dialects import spell
from text2sql.data.synthesis.drafting import propose
from text2sql.data.synthesis.queries import (
    Call,
    Col,
    Compare,
    Join,
    Key,
    Pattern,
    Query,
    Star,
    blocks,
)
from text2sql.data.synthesis.surveying import plain_cell, survey
from text2sql.execution.sampling import sampler
from text2sql.schema import read_schema
from text2sql.schema.joins import infer_joins, with_joins

TITLE, PAGES = Col("books", "title"), Col("books", "pages")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dialects")
    return (
        library.build_sqlite(folder / "library.sqlite"),
        library.build_duckdb(folder / "library.duckdb"),
    )


def rows(found) -> Counter:
    return Counter(
        tuple(round(v, 6) if isinstance(v := plain_cell(cell), float) else v for cell in row)
        for row in found
    )


def test_what_is_drawn_means_the_same_on_duckdb(files):
    import duckdb

    lite = sqlite3.connect(files[0])
    small, large = (read_schema(path) for path in files)
    joined = with_joins(small, infer_joins(small, lambda sql: lite.execute(sql).fetchall()))
    world = survey(joined, sample=sampler(files[0]), count=lambda table: 100)
    compared = refused = 0
    with duckdb.connect(str(files[1]), read_only=True) as engine:
        for pair in propose(world, Random(3), 330):
            # with LIMIT, ties leave it to the engine which row comes
            if any(block.limit is not None for block in blocks(pair.query)):
                continue
            try:
                other = engine.execute(spell(pair.query, large)).fetchall()
            except duckdb.Error:  # a bare column beside an aggregate
                refused += 1
                continue
            one = lite.execute(spell(pair.query, small)).fetchall()
            assert rows(one) == rows(other), spell(pair.query, large)
            compared += 1
    lite.close()
    assert compared > 150 and refused < 0.1 * compared


@pytest.mark.parametrize("operator", ["like", "not like"])
def test_like_ignores_case_everywhere_also_where_it_is_negated(files, operator):
    query = Query((TITLE,), "books", where=Compare(TITLE, operator, Pattern("AMBER")))
    sql = spell(query, read_schema(files[1]))

    assert "ILIKE '%AMBER%'" in sql and ("NOT" in sql) == (operator == "not like")


def test_the_place_of_nulls_is_said_only_where_there_may_be_some(files):
    schema = read_schema(files[1])
    with_nulls = Query((TITLE,), "books", order=(Key(PAGES),))
    without = Query((TITLE,), "books", order=(Key(TITLE), Key(Call("count", Star()), True)))

    assert spell(with_nulls, schema).endswith("ORDER BY pages NULLS FIRST")
    assert "NULLS" not in spell(without, schema)


def test_a_row_is_shown_by_more_than_the_key_it_is_grouped_by(files):
    name, key = Col("authors", "name"), Col("authors", "author_id")
    join = Join("books", ((key, Col("books", "author_id")),))
    query = Query((name, Call("count", Star())), "authors", joins=(join,), group=(key,))

    assert spell(query, read_schema(files[1])).endswith("GROUP BY T1.author_id, T1.name")
    assert spell(query, read_schema(files[0])).endswith("GROUP BY T1.author_id")
