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


def test_having_behind_its_from_follows_the_same_aggregates(samples):
    behind = Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"), order="from-first")
    assert all(behind.accepts(f"FROM payments SELECT {items} HAVING 1") for items in SUMMED)
    assert not any(behind.prefix_ok(f"FROM payments SELECT {i} HAVING ") for i in WINDOWED)
