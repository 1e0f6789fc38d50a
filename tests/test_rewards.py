"""Rewards and verdicts: right, wrong, hanging and lucky SQL on real databases."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from text2sql.databases import locate
from text2sql.errors import SettingsError
from text2sql.execution import Executor
from text2sql.scoring.suites import database_finder, suite
from text2sql.training.rewards import execution_reward, format_reward, validity_reward
from text2sql.training.verdicts import ExecutionJudge, judge_all

GOLD = "SELECT name FROM pets WHERE age > 2 ORDER BY age"
HANGS = (
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
    " SELECT count(*) FROM c, pets WHERE x < 0"
)


def build(path: Path, rows: list[tuple[str, int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE pets (name TEXT, age INTEGER)")
        connection.executemany("INSERT INTO pets VALUES (?, ?)", rows)
    connection.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder of two databases: pets with a neighbour, lonely without one."""
    folder = tmp_path_factory.mktemp("databases")
    build(folder / "pets" / "pets.sqlite", [("Ada", 3), ("Bo", 5), ("Cy", 1)])
    build(folder / "pets" / "pets_neighbour_01.sqlite", [("Ada", 3), ("Bo", 2), ("Di", 9)])
    build(folder / "lonely" / "lonely.sqlite", [("Ada", 1)])
    return folder


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with Executor(workers=2) as pool:
        yield pool


@pytest.fixture
def judge(folder: Path, executor: Executor) -> ExecutionJudge:
    find = database_finder(folder)
    return ExecutionJudge(
        lambda sql, database: executor.execute(sql, database, timeout=0.5),
        lambda db_id: suite(find(db_id)),
    )


def reward(function, completions: list, *, query: str = GOLD, db_id: str = "pets") -> list:
    columns = {"db_id": [db_id] * len(completions), "query": [query] * len(completions)}
    return function(prompts=["?"] * len(completions), completions=completions, **columns)


def test_execution_pays_for_the_right_rows_and_for_nothing_else(judge):
    right = "SELECT p.name FROM pets AS p WHERE p.age >= 3 ORDER BY p.age ASC;"
    unordered = "SELECT name FROM pets WHERE age > 2 ORDER BY age DESC"
    texts = [right, unordered, "SELECT age FROM pets", "SELECT nme FROM pets", "I do not know", ""]

    assert reward(execution_reward(judge), texts) == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert reward(validity_reward(judge), texts) == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]


def test_a_query_that_is_right_on_the_original_alone_earns_nothing(judge):
    lucky = "SELECT name FROM pets WHERE name IN ('Ada', 'Bo') ORDER BY age"

    verdict = judge(lucky, [GOLD], "pets")

    assert (verdict.valid, verdict.correct, verdict.databases) == (True, False, 2)
    assert verdict.error == "on other rows, its rows are others than the right ones"


def test_nothing_equals_nothing_is_no_proof(judge):
    gold = "SELECT name FROM pets WHERE age > 100"
    texts = ["SELECT name FROM pets WHERE age > 200", "SELECT name FROM pets"]
    assert reward(execution_reward(judge), texts, query=gold, db_id="lonely") == [None, 0.0]

    counted = "SELECT count(*) FROM pets WHERE age > 100"
    other = ["SELECT count(*) FROM pets WHERE name = 'Zed'"]
    assert reward(execution_reward(judge), other, query=counted, db_id="lonely") == [None]
    assert reward(execution_reward(judge), texts[:1], query=gold) == [None]


def test_a_constant_is_never_right_where_gold_reads_a_table(judge):
    verdict = judge("SELECT 1", ["SELECT count(*) FROM pets"], "lonely")

    assert verdict.correct is False and verdict.error == "it reads no table"


def test_hanging_sql_ends_at_its_deadline_runs_once_and_earns_nothing(folder, executor):
    ran = []

    def execute(sql, database):
        ran.append(sql)
        return executor.execute(sql, database, timeout=0.3)

    judge = ExecutionJudge(execute, lambda db_id: suite(database_finder(folder)(db_id)))
    assert reward(execution_reward(judge), [HANGS] * 8) == [0.0] * 8
    assert reward(validity_reward(judge), [HANGS] * 8) == [0.0] * 8
    assert ran == [HANGS]
    assert judge(HANGS, [GOLD], "pets").error == "interrupted"


def test_sql_that_writes_is_refused_and_changes_nothing(judge, folder):
    before = (folder / "pets" / "pets.sqlite").read_bytes()

    assert reward(validity_reward(judge), ["DELETE FROM pets", "DROP TABLE pets"]) == [0.0, 0.0]
    assert (folder / "pets" / "pets.sqlite").read_bytes() == before


def test_a_neighbour_on_which_gold_fails_is_passed_over(executor, folder, tmp_path):
    broken = tmp_path / "empty.sqlite"
    sqlite3.connect(broken).execute("CREATE TABLE other (x)").connection.close()
    original = locate(folder / "pets" / "pets.sqlite")
    judge = ExecutionJudge(executor.execute, lambda db_id: [original, locate(broken)])

    assert judge(GOLD, [GOLD], "pets").correct is True
    verdict = judge("SELECT 1 FROM pets", ["SELECT gone FROM pets"], "pets")
    assert verdict.correct is None and verdict.error == "gold does not run on any database"


def test_one_of_several_golds_has_to_agree_everywhere(judge):
    golds = ["SELECT name FROM pets WHERE age < 0", "SELECT age FROM pets"]

    assert judge("SELECT p.age FROM pets p", golds, "pets").correct is True


def test_verdicts_come_in_order_from_several_threads(judge):
    cases = [(f"SELECT name FROM pets LIMIT {n}", (GOLD,), "pets") for n in range(6)]

    assert judge_all(judge, cases) == [judge(*case) for case in cases]


def test_form_is_one_statement_and_nothing_else():
    plain, fence, select = (format_reward(name) for name in ("plain", "fence", "select"))

    texts = ["SELECT 1", " SELECT 1;\n", "Sure: SELECT 1", "SELECT 1; SELECT 2", "", "sorry"]
    assert plain(texts) == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert fence(["```sql\nSELECT 1\n```", "```sql\nSELECT 1;\n```", "SELECT 1"]) == [1.0, 1.0, 0.0]
    assert select(["count(*) FROM t", "WITH a AS (SELECT 1) SELECT * FROM a"]) == [1.0, 0.0]


def test_messages_are_read_and_a_missing_column_is_named(judge):
    message = [{"role": "assistant", "content": GOLD}]
    assert reward(execution_reward(judge), [message]) == [1.0]

    with pytest.raises(SettingsError, match="needs the column 'query'"):
        execution_reward(judge)(completions=["SELECT 1"], db_id=["pets"])
