"""Foreign keys that nobody declared are found by names and values, and only then."""

import library
import pytest

from text2sql.execution import execute
from text2sql.schema import read_schema
from text2sql.schema.joins import infer_joins, with_joins


def runner(path):
    def run(sql):
        ran = execute(sql, path)
        assert ran.error is None, (sql, ran.error)
        return ran.rows

    return run


@pytest.fixture(scope="module", params=["sqlite", "duckdb"])
def path(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    build = library.build_sqlite if request.param == "sqlite" else library.build_duckdb
    return build(folder / f"library.{request.param}")


def test_keys_named_after_their_table_are_found_whatever_the_form_of_the_name(path):
    found = {join.shown for join in infer_joins(read_schema(path), runner(path))}

    assert {
        "books.author_id -> authors.author_id",
        "loans.book_id -> books.book_id",
        "loans.member -> members.member_id",
        "members.referred_by_member_id -> members.member_id",
        "members.branch_code -> branches.code",
    } <= found


def test_numbers_that_happen_to_be_keys_are_no_join(path):
    found = {
        join.shown.partition(" ->")[0] for join in infer_joins(read_schema(path), runner(path))
    }

    assert not found & {"books.rating", "books.pages", "books.is_rare", "loans.loan_id"}


def test_a_join_says_how_sure_it_is_and_why(path):
    joins = {join.shown: join for join in infer_joins(read_schema(path), runner(path))}
    sure = joins["books.author_id -> authors.author_id"]

    assert 0.9 < sure.confidence <= 1 and "30 of 30 values are keys" in sure.reason
    assert joins["loans.member -> members.member_id"].confidence < sure.confidence
    assert infer_joins(read_schema(path), runner(path), least=1.01) == []


def test_values_that_are_no_keys_rule_a_join_out(tmp_path):
    path = library.build_sqlite(tmp_path / "a.sqlite")
    import sqlite3

    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE books SET author_id = author_id + 1000 WHERE book_id % 4 = 0")
    connection.close()
    found = {join.shown for join in infer_joins(read_schema(path), runner(path))}

    assert "books.author_id -> authors.author_id" not in found


def test_what_is_declared_is_not_found_again(tmp_path):
    books = library.TABLES["books"] + ", FOREIGN KEY (author_id) REFERENCES authors (author_id)"
    path = library.build_sqlite(tmp_path / "a.sqlite", tables={"books": books})
    found = [join.shown for join in infer_joins(read_schema(path), runner(path))]

    assert not any(shown.startswith("books.author_id") for shown in found)


def test_joins_become_undeclared_keys_of_the_schema(path):
    schema = read_schema(path)
    joined = with_joins(schema, infer_joins(schema, runner(path)))
    (key,) = [k for k in joined.find_table("books").foreign_keys if k.table == "authors"]

    assert key.columns == ("author_id",) and not key.declared
    assert [t.name for t in joined.tables] == [t.name for t in schema.tables]
