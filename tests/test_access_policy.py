"""A policy file: what it says, to whom, and what is wrong with it in one line."""

import pytest

from text2sql.access import load_policy, see
from text2sql.errors import PolicyError
from text2sql.schema.model import Column, ForeignKey, Schema, Table

ORDERS = Table(
    "orders",
    (Column("id", "INTEGER"), Column("tenant", "INTEGER"), Column("total", "INTEGER")),
    ("id",),
    (ForeignKey(("tenant",), "tenants", ("id",)),),
)
TENANTS = Table("tenants", (Column("id", "INTEGER"), Column("name", "TEXT")), ("id",))
DEPOT = Table("stock", (Column("id", "INTEGER"),), namespace="depot")
VIEW = Table("recent", (Column("id", "INTEGER"),), view=True)
SCHEMA = Schema("shop", "sqlite", (ORDERS, TENANTS, DEPOT, VIEW))


def seen(policy, user=None, **options):
    return see(SCHEMA, load_policy(policy), user, **options)


def names(view) -> list[str]:
    return [table.full_name for table in view.schema.tables]


def guard_of(view, name: str = "orders"):
    return next(g for g in view.guards.values() if g.table.full_name == name)


def test_what_no_rule_names_is_hidden_unless_the_policy_allows_it():
    assert names(seen({"tables": {"orders": None}})) == ["orders"]
    assert names(seen({"default": "allow"})) == ["orders", "tenants", "depot.stock"]
    assert names(seen({"tables": {"depot.*": "all"}})) == ["depot.stock"]


def test_a_role_decides_before_what_everybody_sees():
    policy = {
        "tables": {"*": {"rows": "none"}},
        "roles": {"clerk": {"tables": {"orders": {"hide": "total"}}}},
    }
    view = seen(policy, {"role": "clerk"})
    assert names(view) == ["orders", "tenants", "depot.stock", "recent"]
    assert guard_of(view).table.column("total") is None and "WHERE" not in guard_of(view).sql
    assert "WHERE FALSE" in guard_of(view, "tenants").sql


def test_two_roles_show_the_rows_of_both_and_the_columns_that_both_show():
    policy = {
        "roles": {
            "a": {"tables": {"orders": {"rows": "tenant = 1", "hide": "total"}}, "limit": 9},
            "b": {"tables": {"orders": {"rows": "tenant = {{ user.own }}"}}, "limit": 5},
        }
    }
    view = seen(policy, {"roles": ["a", "b"], "own": 7})
    assert view.limit == 5 and guard_of(view).table.column("total") is None
    assert '"tenant" = 1 OR t2s_t."tenant" = 7' in guard_of(view).sql


def test_keys_to_what_is_hidden_are_hidden_too():
    assert seen({"tables": {"orders": None}}).schema.table("orders").foreign_keys == ()
    view = seen({"tables": {"orders": None, "tenants": {"columns": ["name"]}}})
    assert view.schema.table("orders").foreign_keys == ()
    assert view.schema.table("tenants").primary_key == ()
    assert seen({"default": "allow"}).schema.table("orders").foreign_keys


def test_users_who_see_other_rows_have_another_key():
    policy = {"tables": {"orders": {"rows": "tenant IN {{ user.own }}"}}}
    keys = {seen(policy, {"own": own}).key for own in ([1], [2], [1, 2])}
    assert len(keys) == 3 and seen(policy, {"own": [1]}).key in keys


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1) OR (1=1", "'1) OR (1=1'"),
        ("it's", "'it''s'"),
        ("\\' OR 1=1 --", "'\\'' OR 1=1 --'"),
        ("{{ user.other }}", "'{{ user.other }}'"),
        (-3, "-3"),
        (True, "TRUE"),
    ],
)
def test_an_attribute_is_a_value_whatever_it_holds(value, written):
    view = seen({"tables": {"orders": {"rows": "tenant = {{ user.own }}"}}}, {"own": value})
    assert f"= {written} LIMIT" in guard_of(view).sql


def test_a_list_stands_behind_in_and_an_empty_one_holds_nothing():
    for clause in ("tenant IN {{ user.own }}", "tenant IN ({{ user.own }})"):
        policy = {"tables": {"orders": {"rows": clause}}}
        assert "IN (1, 2)" in guard_of(seen(policy, {"own": [1, 2]})).sql
        assert "IN (3)" in guard_of(seen(policy, {"own": 3})).sql
        assert "WHERE FALSE" in guard_of(seen(policy, {"own": []})).sql
    policy = {"tables": {"orders": {"rows": "NOT tenant IN {{ user.blocked }}"}}}
    assert "WHERE NOT FALSE" in guard_of(seen(policy, {"blocked": ()})).sql


@pytest.mark.parametrize(
    "user", [None, {}, {"own": None}, {"own": {"a": 1}}, {"own": float("nan")}]
)
def test_an_attribute_that_is_missing_or_no_value_refuses(user):
    with pytest.raises(PolicyError, match="'own'"):
        seen({"tables": {"orders": {"rows": "tenant = {{ user.own }}"}}}, user)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"tabels": {}}, "unknown key 'tabels' .*did you mean 'tables'"),
        ({"tables": {"orders": {"row": "1"}}}, "unknown key 'tables.orders.row'.*'rows'"),
        ({"tables": {"ordrs": None}}, "no table 'ordrs' .*did you mean 'orders'"),
        ({"tables": {"stock": None}}, "no table 'stock' .*'depot.stock'"),
        ({"tables": {"orders": {"hide": ["totl"]}}}, "no column 'totl' .*did you mean 'total'"),
        ({"tables": {"orders": {"mask": {"totl": None}}}}, "no column 'totl'"),
        ({"tables": {"orders": {"rows": "tenent = 1"}}}, "no column 'tenent' .*'tenant'"),
        ({"tables": {"orders": {"rows": "tenant ="}}}, "table 'orders': clause .*cannot be read"),
        ({"tables": {"orders": {"rows": "1; DROP TABLE x"}}}, "is not one condition"),
        ({"tables": {"orders": {"rows": "1 GROUP BY 2"}}}, "is not one condition"),
        ({"tables": {"orders": {"rows": "tenant = {{ tenant }}"}}}, "user.attribute"),
        ({"tables": {"orders": {"rows": "tenant = 'x{{ user.a }}'"}}}, "inside a text"),
        ({"tables": {"orders": {"rows": "tenant = {{ user.l }}"}}}, "'l' is a list"),
        ({"limit": 0, "tables": {}}, "'limit'"),
        ({"default": "maybe"}, "'default'"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said_in_one_line(policy, message):
    with pytest.raises(PolicyError, match=message) as caught:
        seen(policy, {"l": [1]})
    assert "\n" not in str(caught.value)


def test_a_mistake_in_a_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("tables:\n  orders:\n    rowz: tenant = 1\n")
    with pytest.raises(PolicyError, match=r"policy\.yaml:3: unknown key .*rowz.*'rows'"):
        load_policy(path)
    path.write_text("# nothing yet\n")
    with pytest.raises(PolicyError, match="is empty"):
        load_policy(path)
    with pytest.raises(PolicyError, match="no such file"):
        load_policy(tmp_path / "other.yaml")


def test_users_without_a_known_role_are_refused():
    policy = {"roles": {"clerk": {"tables": {"orders": None}}}}
    with pytest.raises(PolicyError, match="no role of the policy"):
        seen(policy, {})
    with pytest.raises(PolicyError, match="has no role 'boss'"):
        seen(policy, {"role": "boss"})


def test_a_pattern_shows_no_table_that_lacks_what_its_condition_needs():
    assert names(seen({"tables": {"*": {"rows": "tenant = 1"}}})) == ["orders"]


def test_a_view_is_hidden_where_what_it_reads_is_hidden_or_unknown():
    policy = {"tables": {"recent": None, "orders": {"rows": "tenant = 1"}}}
    reads_orders, reads_tenants = "SELECT id FROM orders", "SELECT id FROM tenants"
    assert "recent" not in names(seen(policy))
    assert "recent" not in names(seen(policy, definitions={"recent": reads_tenants}))
    view = seen(policy, definitions={"recent": reads_orders})
    assert '"tenant" = 1' in guard_of(view, "recent").sql
    assert "recent" in names(seen({"tables": {"recent": {"rows": "all"}}}))


def test_a_view_that_stands_on_itself_is_hidden():
    policy = {"default": "allow"}
    assert "recent" not in names(seen(policy, definitions={"recent": "SELECT id FROM recent"}))


def test_policies_guard_three_dialects_only():
    with pytest.raises(PolicyError, match="cannot guard mysql"):
        see(Schema("x", "mysql", (ORDERS,)), load_policy({"default": "allow"}))
