"""Text that would keep a parser busy for minutes is refused before it is read."""

import pytest

from text2sql.decoding.verification import verify
from text2sql.execution import execute
from text2sql.limits import MAX_WAITING, check_joins
from text2sql.schema import canonicalise, read_schema

MANY = 30


@pytest.mark.parametrize(
    "joined",
    [
        " JOIN t",
        " LEFT JOIN t",
        " JOIN t, t",
        " JOIN t CROSS JOIN t",
        " JOIN t JOIN t ON 1",
        " JOIN t AS [on]",
        " JOIN t /* on */",
        " JOIN t -- on\n",
        " JOIN t 'on'",
        " JOIN t `using`",
        " JOIN (SELECT $$ on on $$) AS x",
        " JOIN (SELECT 1 FROM t JOIN t ON 1) AS x",
    ],
)
def test_joins_that_wait_for_a_condition_are_counted(joined):
    check_joins("SELECT 1 FROM t" + joined * 5)
    with pytest.raises(ValueError, match=f"more than {MAX_WAITING} JOINs have no ON or USING"):
        check_joins("SELECT 1 FROM t" + joined * MANY)


@pytest.mark.parametrize("around", ["SELECT ARRAY[({})]", "SELECT $a${}$a$", "SELECT ((({})))"])
def test_no_quotes_of_another_dialect_hide_them(around):
    with pytest.raises(ValueError, match="JOINs"):
        check_joins(around.format("SELECT 1 FROM t" + " JOIN t" * MANY))


@pytest.mark.parametrize(
    "joined",
    [
        " JOIN t ON 1",
        " CROSS JOIN t",
        " NATURAL LEFT JOIN t",
        ", (SELECT 1 FROM t JOIN t)",
        " JOIN t USING (a)",
        ", 'join'",
    ],
)
def test_joins_that_wait_for_nothing_are_not(joined):
    check_joins("SELECT 1 FROM t" + joined * MANY)


@pytest.mark.parametrize("begun", ["/*", "'", '"', "[ ", "$", "$a$ ", "(", ")"])
def test_no_text_takes_long_to_count(begun):
    check_joins(begun * 5000 + " join" * MAX_WAITING)


def test_every_layer_refuses_them(shop):
    schema = read_schema(shop)
    sql = 'SELECT "name" FROM customers' + " JOIN orders" * MANY
    assert "JOINs have no ON" in str(execute(sql, shop).error)
    assert canonicalise(f" {sql} ;", schema) == sql
    fault = verify(sql, schema).fault
    assert fault is not None
    assert "JOINs have no ON" in fault.message
