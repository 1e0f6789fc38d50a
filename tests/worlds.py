"""Two databases that differ in nothing a user may see: the fixture of the policy tests."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from checker.servers import private_database
from leaks.worlds import POLICY, USER, build_worlds, holds_canary

from text2sql.access import Door, load_policy, open_door
from text2sql.databases import Database
from text2sql.execution import Executor, connections
from text2sql.schema import read_schema

__all__ = ["ENGINES", "POLICY", "doors_of", "holds_canary", "opened_worlds"]

ENGINES = ("sqlite", "duckdb", "postgres")


@contextmanager
def opened_worlds(request: pytest.FixtureRequest, folder: Path) -> Iterator[list[Database]]:
    """Yield both databases on the engine that a fixture asks for."""
    with ExitStack() as stack:
        urls = ("", "")
        if request.param == "postgres":
            server = request.getfixturevalue("postgres_url")
            urls = (
                stack.enter_context(private_database(server)),
                stack.enter_context(private_database(server)),
            )
            stack.callback(connections.close_all)
        yield build_worlds(request.param, folder, urls)


def doors_of(databases: list[Database], executor: Executor, policy=POLICY, user=USER) -> list[Door]:
    """Return the user's door to each database."""
    loaded = load_policy(policy)
    return [
        open_door(executor, database, read_schema(database, name="world"), loaded, user)
        for database in databases
    ]
