"""PostgreSQL in the checker, judged by a real server where one is installed."""

import pytest

from text2sql.decoding.checking import Checker
from text2sql.schema.model import Column, Schema, Table


def table(name: str, columns: str, **options) -> Table:
    pairs = (column.split(" ", 1) for column in columns.split(", "))
    return Table(name, tuple(Column(name, kind) for name, kind in pairs), **options)


SCHEMA = Schema(
    "office",
    "postgres",
    (
        table("people", "id integer, name text, Born date, boss integer"),
        table("invoices", "id integer, owner integer, net numeric(10,2)", namespace="Sales"),
    ),
)


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(SCHEMA, dialect="postgres")


def test_a_table_of_another_namespace_needs_its_prefix(checker):
    assert checker.accepts('SELECT net FROM "Sales".invoices')
    assert checker.accepts('SELECT invoices.net FROM "Sales".invoices JOIN people ON TRUE')
    assert not checker.accepts("SELECT net FROM invoices")
    assert not checker.accepts("SELECT net FROM sales.invoices")


def test_a_table_of_the_default_namespace_may_have_its_prefix(checker):
    assert checker.accepts("SELECT p.name FROM public.people AS p")
    assert not checker.accepts("SELECT 1 FROM public.invoices")
    assert not checker.prefix_ok("SELECT 1 FROM public AS")


def test_a_fault_in_a_namespace_names_its_tables(checker):
    fault = checker.explain('SELECT 1 FROM "Sales".invoice')
    assert fault is not None
    assert fault.message == "no table 'invoice' in 'Sales' (did you mean 'invoices'?)"
    fault = checker.explain('SELECT 1 FROM "Sales" AS s')
    assert fault is not None
    assert fault.message == "'Sales' is no table: say which of its tables"


def test_names_fold_to_lower_case_unless_they_are_quoted(checker):
    assert checker.accepts('SELECT NAME, "Born" FROM People')
    assert not checker.accepts("SELECT Born FROM people")
    assert not checker.accepts('SELECT "Name" FROM people')
