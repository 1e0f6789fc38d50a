"""What is read of a database beside its schema: rows of a table, values of a column."""

import sqlite3

import pytest

from text2sql.execution.sampling import MAX_VALUES, sampler, value_lister
from text2sql.schema import read_schema


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "odd.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE "order line" ("the ""kind""" TEXT, n INTEGER, b BLOB)')
        rows = [("a", 1, None), ("b", 1, b"x"), (None, 2, None), ("a", None, None)]
        connection.executemany('INSERT INTO "order line" VALUES (?, ?, ?)', rows)
        connection.execute("CREATE TABLE many (n INTEGER)")
        numbers = ((n // 2,) for n in range(2 * MAX_VALUES))
        connection.executemany("INSERT INTO many VALUES (?)", numbers)
        connection.execute("CREATE VIEW broken AS SELECT nowhere FROM many")
    connection.close()
    return path


def test_the_distinct_values_of_a_column_are_listed_without_null(database):
    values = value_lister(database)

    assert sorted(values("order line", 'the "kind"')) == ["a", "b"]
    assert sorted(values("Order Line", "N")) == [1, 2]


def test_a_column_of_bytes_or_an_unknown_name_has_no_list(database):
    values = value_lister(database, schema=read_schema(database))

    assert values("order line", "b") is None
    assert values("nowhere", "n") is None and values("many", "m") is None


def test_a_column_has_a_list_up_to_the_cap(database):
    assert len(value_lister(database)("many", "n")) == MAX_VALUES
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO many VALUES (-1)")
    connection.close()

    assert value_lister(database)("many", "n") is None


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_both_engines_list_texts_and_numbers(samples, engine):
    values = value_lister(samples / "database" / "shop" / f"shop.{engine}")

    assert "gold" in values("customers", "tier")
    assert all(isinstance(price, int | float) for price in values("products", "price"))


def test_the_first_rows_are_the_same_on_every_call_and_none_where_a_view_is_broken(database):
    schema, sample = read_schema(database), sampler(database)

    assert sample(schema.table("order line"), 2) == [("a", 1, None), ("b", 1, b"x")]
    broken = schema.table("broken")
    assert broken is None or sample(broken, 2) == []
