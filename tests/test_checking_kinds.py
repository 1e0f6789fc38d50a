"""Kinds of values: operands that fit are let in, those that do not are refused, GROUP BY covers."""

import pytest

from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.kinds import (
    RULES,
    arithmetic,
    expand,
    interval_begins,
    moment_begins,
    moment_ok,
    pattern_ok,
    reaches,
)
from text2sql.schema.model import Column, Schema, Table

SHOP = Schema(
    "shop",
    "duckdb",
    (
        Table(
            "orders",
            (
                Column("id", "INTEGER"),
                Column("customer", "VARCHAR"),
                Column("total", "DECIMAL(10, 2)"),
                Column("paid", "BOOLEAN"),
                Column("day", "DATE"),
            ),
        ),
        Table("customers", (Column("customer", "VARCHAR"), Column("age", "INTEGER"))),
    ),
)


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(SHOP, dialect="duckdb")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT lower(customer), total * 2 FROM orders WHERE paid AND day > '2024-01-31'",
        "SELECT day - DATE '2024-01-01', day + INTERVAL '3 days' FROM orders",
        "SELECT extract(year FROM day), id::text || '!' FROM orders",
        "SELECT round(100.0 * sum(total) / count(*), 2) FROM orders",
        "SELECT coalesce(q.n, 0) FROM (SELECT count(*) AS n FROM orders) AS q",
        "SELECT CASE WHEN total > 5 THEN 'high' ELSE 'low' END FROM orders",
        "SELECT id FROM orders WHERE customer IN (SELECT customer FROM customers WHERE age > 3)",
    ],
)
def test_operands_that_fit_are_let_in(checker, sql):
    assert checker.accepts(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT -customer FROM orders",
        "SELECT sum(day) FROM orders",
        "SELECT id FROM orders WHERE customer",
        "SELECT id FROM orders WHERE day > 'soon'",
        "SELECT id FROM orders WHERE id LIKE 'a%'",
        "SELECT CASE WHEN paid THEN 1 ELSE 'low' END FROM orders",
        "SELECT date_trunc('fortnight', day) FROM orders",
        "SELECT strftime(day, '%Q') FROM orders",
        "SELECT id FROM orders WHERE id IN (SELECT customer FROM customers)",
        "SELECT DATE '2024-02-30'",
        "SELECT id::date FROM orders",
    ],
)
def test_operands_that_do_not_fit_are_refused(checker, sql):
    assert not checker.accepts(sql)


@pytest.mark.parametrize(
    "group",
    ["customer", "1", "who", "ALL", "orders.customer", "customer, paid"],
)
def test_an_item_is_grouped_by_name_position_alias_or_all(checker, group):
    assert checker.accepts(f"SELECT customer AS who, sum(total) FROM orders GROUP BY {group}")


def test_an_item_is_grouped_by_its_own_text(checker):
    month = "date_trunc('month', day)"
    assert checker.accepts(f"SELECT {month}, count(*) FROM orders GROUP BY {month}")
    assert not checker.accepts(f"SELECT {month}, count(*) FROM orders GROUP BY id")


def test_an_aggregate_query_groups_what_it_names(checker):
    begun = "SELECT customer, count(*) FROM orders"
    assert not checker.accepts(begun)
    assert not checker.accepts(begun + " GROUP BY paid")
    assert not checker.accepts(begun + " GROUP BY customer ORDER BY id")
    assert checker.accepts(begun + " GROUP BY customer ORDER BY max(id)")


def test_what_a_window_names_must_be_grouped_too(checker):
    assert checker.accepts("SELECT *, sum(total) OVER (PARTITION BY customer) FROM orders")
    assert not checker.accepts("SELECT count(*), sum(total) OVER () FROM orders")
    assert checker.accepts("SELECT customer, sum(sum(total)) OVER () FROM orders GROUP BY customer")


@pytest.mark.parametrize(
    "begun",
    [
        "SELECT customer, count(*) FROM orders",
        "SELECT id FROM orders WHERE day >",
        "SELECT id FROM orders WHERE extract(year FROM",
        "SELECT 1 + x.customer",
        "SELECT id FROM orders QUALIFY",
        "SELECT max(total) FROM orders GROUP BY",
    ],
)
def test_a_text_that_owes_kinds_or_groups_is_completed(checker, begun):
    assert checker.accepts(checker.complete(begun))


def test_a_column_that_from_owes_keeps_the_kind_that_was_asked_of_it(checker):
    begun = "SELECT x.label - 1 FROM "
    assert checker.accepts(begun + "(SELECT 3 AS label) AS x")
    assert not checker.accepts(begun + "(SELECT 'a' AS label) AS x")


def test_the_tables_of_kinds_agree_with_the_engine():
    assert arithmetic("-", "date", "date") == "int8"
    assert arithmetic("+", "date", "text") is None
    assert arithmetic("/", "int4", "int4") == "float"
    rules = RULES["duckdb"]
    assert rules.unify("int4", "decimal") == "number"
    assert rules.unify("text", "int4") is None
    assert "string" in rules.ordered("date") and "text" not in rules.ordered("date")
    assert "date" not in (rules.cast("int4") or ()) and rules.cast("text") is None
    assert expand("moment") == {"date", "timestamp"}


def test_an_operand_reaches_what_operators_make_of_it():
    assert reaches("text", frozenset({"boolean"}), 8, 1)
    assert not reaches("text", frozenset({"boolean"}), 8, 5)
    assert reaches("int4", frozenset({"text"}), 8, 5)


def test_literals_are_judged_by_what_they_say():
    assert moment_ok(b"2024-02-29", b"date") and not moment_ok(b"2023-02-29", b"date")
    assert moment_begins(b"2024-1", b"date") and not moment_begins(b"2024-2", b"date")
    assert interval_begins(b"3 mon") and not interval_begins(b"3 moons")
    assert pattern_ok(b"^[a-z]+.*$") and not pattern_ok(b"(a")
