"""The door of a user: limit, cost, role, and the walls behind the rewriting."""

import pytest
from worlds import ENGINES, POLICY, doors_of, opened_worlds

from text2sql.access import load_policy, open_door
from text2sql.databases import locate
from text2sql.errors import PolicyError
from text2sql.execution import Executor
from text2sql.execution.walls import Wall
from text2sql.schema import read_schema


@pytest.fixture(scope="module", params=ENGINES)
def world(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    with opened_worlds(request, folder) as databases, Executor() as executor:
        yield databases[0], executor


def door_of(world, **more):
    database, executor = world
    return doors_of([database], executor, POLICY | more)[0]


def test_a_limit_is_put_into_the_statement_and_said(world):
    door = door_of(world, limit=5)
    ran = door.execute("SELECT id FROM orders ORDER BY id")
    assert [row[0] for row in ran.rows] == [1, 2, 3, 4, 5] and ran.truncated
    rewritten = door.rewrite("SELECT id FROM orders LIMIT 900")
    assert rewritten.sql.endswith("LIMIT 5") and "at most 5 rows" in rewritten.said
    assert len(door.execute("SELECT id FROM orders LIMIT (SELECT 20)").rows) == 5


def test_a_smaller_limit_stays(world):
    door = door_of(world, limit=5)
    ran = door.execute("SELECT id FROM orders LIMIT 2")
    assert len(ran.rows) == 2 and not ran.truncated
    assert len(door.read("SELECT id FROM orders").rows) == 24


def test_what_was_kept_back_is_said(world):
    said = door_of(world).rewrite("SELECT o.id FROM orders AS o, products").said
    assert said == (
        'orders: only rows where "tenant" IN (1)',
        "orders.note: masked",
        "orders.card: masked",
    )


def test_a_statement_that_costs_too_much_is_refused(world):
    database, _ = world
    if database.dialect == "sqlite":
        with pytest.raises(PolicyError, match="max_cost: sqlite does not estimate"):
            door_of(world, max_cost=5)
        return
    door = door_of(world, max_cost=1_000)
    assert door.execute("SELECT id FROM products WHERE id = 1").error is None
    ran = door.execute(
        "SELECT 1 FROM products a, products b, products c, orders d, orders e, orders f"
    )
    assert ran.error == "the estimated cost is above 1000" and ran.error_kind == "refused"


def test_a_clause_that_the_engine_refuses_is_named_when_the_door_is_opened(world):
    database, executor = world
    policy = load_policy({"tables": {"orders": {"rows": "id IN (SELECT nothing FROM customers)"}}})
    with pytest.raises(PolicyError, match=r"policy, table 'orders': .*nothing"):
        open_door(executor, database, read_schema(database), policy)


def test_the_wall_of_a_file_holds_without_the_rewriting(world):
    database, executor = world
    if database.dialect == "postgres":
        pytest.skip("a server's wall is a role")
    wall = door_of(world).rewrite("SELECT id FROM orders").wall
    for sql in (
        "SELECT margin FROM orders",
        "SELECT amount FROM salaries",
        "SELECT count(*) FROM salaries",
    ):
        ran = executor.execute(sql, database, wall=wall)
        assert ran.error_kind == "refused" and ran.rows == [], sql
    assert executor.execute("SELECT margin FROM orders", database).error is None


def test_a_macro_of_the_owner_is_refused_unless_the_policy_names_it(world, tmp_path):
    database, executor = world
    if database.dialect != "duckdb":
        pytest.skip("macros are DuckDB's")
    import duckdb

    path = tmp_path / "macro.duckdb"
    with duckdb.connect(str(path)) as file:
        file.execute("CREATE TABLE t (a INTEGER); CREATE MACRO upper(x) AS (SELECT max(a) FROM t)")
        file.execute("INSERT INTO t VALUES (7); CREATE TABLE u (a INTEGER)")
    schema = read_schema(path)
    for functions, kind in ((), "refused"), (("upper",), None):
        policy = load_policy({"tables": {"u": None}, "functions": functions})
        door = open_door(executor, locate(path), schema, policy)
        assert door.execute("SELECT upper('x')").error_kind == kind


def test_a_role_of_the_server_holds_for_the_statement_alone(world):
    database, executor = world
    if database.dialect != "postgres":
        pytest.skip("roles are the server's")
    import psycopg

    with psycopg.connect(database.url, autocommit=True) as server:
        server.execute("DROP ROLE IF EXISTS t2s_reader")
        server.execute("CREATE ROLE t2s_reader; GRANT SELECT ON products TO t2s_reader")
        policy = {"tables": {"products": None}, "database_role": "t2s_reader"}
        door = doors_of([database], executor, policy, {})[0]
        try:
            assert door.execute("SELECT count(*) FROM products").rows == [(3,)]
            refused = executor.execute(
                "SELECT 1 FROM orders", database, wall=Wall(role="t2s_reader")
            )
            assert refused.error == "permission denied for table orders"
            assert executor.execute("SELECT count(*) > 1 FROM orders", database).rows == [(True,)]
        finally:
            server.execute("DROP OWNED BY t2s_reader; DROP ROLE t2s_reader")
