"""Where an aggregate makes a query one that HAVING may follow: not inside a window function."""

import pytest

from text2sql.decoding.checking import Checker
from text2sql.execution import Executor
from text2sql.schema import read_schema

SUMMED = [
    "abs(max(amount)) + 1",
    "max(sum(amount), 1)",
    "CASE WHEN count(*) > 1 THEN 2 END",
    "rank() OVER (ORDER BY max(amount)), count(*)",
]
WINDOWED = [
    "ntile(max(amount)) OVER ()",
    "sum(count(*)) OVER (ROWS CURRENT ROW)",
    "rank() OVER (PARTITION BY count(*) ORDER BY method)",
    "lag(max(sum(amount), 1)) OVER ()",
]


@pytest.fixture(scope="module")
def checker(samples):
    return Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"))


@pytest.mark.parametrize("items", SUMMED)
def test_having_may_follow_an_aggregate_beside_windows(checker, shop, items):
    sql = f"SELECT {items} FROM payments HAVING 1"
    with Executor(shop) as executor:
        assert executor.explain(sql).error is None
    assert checker.accepts(sql)


@pytest.mark.parametrize("items", WINDOWED)
def test_having_may_not_follow_an_aggregate_in_a_window_alone(checker, shop, items):
    sql = f"SELECT {items} FROM payments"
    with Executor(shop) as executor:
        assert "non-aggregate" in str(executor.explain(f"{sql} HAVING 1").error)
    assert not checker.prefix_ok(f"{sql} HAVING ")
    assert checker.accepts(f"{sql} ORDER BY max(amount)")
    assert checker.accepts(f"{sql} GROUP BY method HAVING 1")


def test_a_query_in_from_groups_what_is_aggregated_in_windows_alone(checker, shop):
    """SQLite hands it the WHERE around it as a HAVING."""
    within = "SELECT sum(count(*)) OVER (PARTITION BY method) AS n FROM payments"
    with Executor(shop) as executor:
        for around in ("SELECT 1 FROM ({}) AS x WHERE 1", "WITH x AS ({}) SELECT 1 FROM x WHERE 1"):
            assert "non-aggregate" in str(executor.explain(around.format(within)).error)
            assert not checker.accepts(around.format(within))
            fault = checker.explain(around.format(within))
            assert fault is not None
            assert "needs GROUP BY" in fault.message
            grouped = around.format(f"{within} GROUP BY method")
            assert executor.explain(grouped).error is None
            assert checker.accepts(grouped)
            completed = checker.complete(around.format(within).partition(")")[0] + ")")
            assert executor.explain(completed).error is None
    assert checker.accepts(within)


def test_an_empty_list_drops_the_aggregate_before_it(checker, shop):
    sql = "SELECT count(*) IN () FROM payments HAVING 1"
    with Executor(shop) as executor:
        assert "non-aggregate" in str(executor.explain(sql).error)
    assert not checker.accepts(sql)
    assert checker.accepts("SELECT amount IN () FROM payments")


def test_a_string_in_double_quotes_keeps_no_aggregate_in_its_query(checker, shop):
    """With nothing but columns from around in it, an aggregate is that of the query around."""
    inner = "(SELECT sum({} + amount) FROM orders)"
    sql = f"SELECT 1 FROM payments GROUP BY {inner}"
    with Executor(shop) as executor:
        assert "not allowed in the GROUP BY" in str(executor.explain(sql.format('"t3"')).error)
        assert executor.explain(sql.format("shipping_fee")).error is None
    assert not checker.accepts(sql.format('"t3"'))
    assert checker.accepts(sql.format("shipping_fee"))


def test_having_behind_its_from_follows_the_same_aggregates(samples):
    behind = Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"), order="from-first")
    assert all(behind.accepts(f"FROM payments SELECT {items} HAVING 1") for items in SUMMED)
    assert not any(behind.prefix_ok(f"FROM payments SELECT {i} HAVING ") for i in WINDOWED)
