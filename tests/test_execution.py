"""What callers of `execute` and `Executor` rely on, on real SQLite and DuckDB files."""

import datetime
import hashlib
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from small_databases import build

from text2sql.databases import Database, locate
from text2sql.errors import DatabaseError, SettingsError
from text2sql.execution import Execution, Executor, execute, warehouse
from text2sql.execution.results import Caps

HOSTILE = Path(__file__).parent / "data" / "hostile.jsonl"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build(tmp_path_factory.mktemp("small"))


@pytest.fixture(params=["sqlite", "duckdb"])
def database(request: pytest.FixtureRequest, small: dict[str, Path]) -> Path:
    return small[request.param]


def make(path: Path, script: str) -> Path:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()
    return path


def outcome(execution: Execution) -> str:
    if execution.error_kind in ("timeout", "memory", "killed"):
        return execution.error_kind
    return "refuse" if execution.error else "truncate" if execution.truncated else "allow"


ACCEPTED = {
    "refuse": {"refuse"},
    "bounded": {"refuse", "truncate", "allow", "timeout", "memory", "killed"},
    "timeout": {"timeout"},
    "truncate": {"truncate"},
    "allow": {"allow"},
}


def misses(statements: Path, small: dict[str, Path]) -> list[tuple[str, str, str, str | None]]:
    """Return the statements that end otherwise than they must."""
    cases = [json.loads(line) for line in statements.read_text().splitlines()]
    with Executor(workers=2) as executor, ThreadPoolExecutor(2) as threads:

        def run(case: dict[str, str]) -> Execution:
            return executor.execute(case["sql"], small[case["dialect"]], timeout=0.6)

        ends = list(threads.map(run, cases))
    return [
        (case["sql"][:200], case["must"], outcome(end), end.error)
        for case, end in zip(cases, ends, strict=True)
        if outcome(end) not in ACCEPTED[case["must"]]
    ]


def fingerprint(small: dict[str, Path]) -> dict[str, str]:
    """Return a hash of every file beside the databases: none may change, none may appear."""
    folder = next(iter(small.values())).parent
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_hostile_statements_of_this_project_end_as_they_must(small: dict[str, Path]) -> None:
    before = fingerprint(small)
    assert misses(HOSTILE, small) == []
    assert fingerprint(small) == before


def test_hostile_statements_of_the_data_root_end_as_they_must(
    small: dict[str, Path], hostile: Path
) -> None:
    before = fingerprint(small)
    assert misses(hostile, small) == []
    assert fingerprint(small) == before


@pytest.mark.spider
def test_spider_gold_gives_what_sqlite_itself_gives(spider: Path) -> None:
    examples = [*_examples(spider, "dev.json"), *_examples(spider, "train_spider.json")]
    with Executor(workers=2) as executor:
        different = [
            (path.stem, sql)
            for path, sql in examples
            if _ours(executor, path, sql) != _sqlite(path, sql)
        ]
    assert different == []
    assert len(examples) == 1034 + 7000 - 14  # soccer_1 has no database


def _examples(spider: Path, split: str) -> list[tuple[Path, str]]:
    records = json.loads((spider / split).read_text())
    files = [
        (spider / "database" / record["db_id"] / f"{record['db_id']}.sqlite", record["query"])
        for record in records
    ]
    return [(path, sql) for path, sql in files if path.exists()]


def _ours(executor: Executor, path: Path, sql: str) -> object:
    execution = executor.execute(sql, path, timeout=30, max_rows=10**6, max_bytes=1 << 28)
    return execution.error or execution.rows


def _sqlite(path: Path, sql: str) -> object:
    try:
        return _connect(path).execute(sql).fetchall()
    except sqlite3.Error as error:
        return str(error)


@cache
def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = lambda text: text.decode(errors="ignore")
    return connection


def test_rows_columns_and_duplicate_names_come_back(database: Path) -> None:
    execution = execute("SELECT id, name AS n, id AS n FROM t ORDER BY id LIMIT 2", database)
    assert execution.columns == ["id", "n", "n"] or execution.columns == ["id", "n", "n_1"]
    assert execution.rows == [(1, "n1", 1), (2, "n2", 2)]
    assert (execution.error, execution.error_kind, execution.truncated) == (None, None, False)


@pytest.mark.parametrize(
    ("sql", "kind", "words"),
    [
        ("SELECT nme FROM t", "missing", "nme"),
        ("SELECT * FROM tt", "missing", "tt"),
        ("SELECT nofunction(1)", "missing", "nofunction"),
        ("SELECT FROM t WHERE", "parse", "syntax error"),
        ("the answer is 3", "parse", "the"),
        ("DROP TABLE t", "refused", "DROP"),
        ("", "refused", "no statement"),
        ("SELECT id FROM t GROUP BY count(*)", "engine", "GROUP BY"),
        ("SELECT '" + "x" * 20_000 + "'", "refused", "20,000"),
        ("SELECT 1 \0", "refused", "NUL"),
    ],
)
def test_a_mistake_is_a_value_of_the_right_kind(
    database: Path, sql: str, kind: str, words: str
) -> None:
    execution = execute(sql, database)
    assert execution.error_kind == kind, execution.error
    assert words.lower() in (execution.error or "").lower()
    assert execution.rows == []


def test_text_that_is_no_unicode_is_a_mistake_too(database: Path) -> None:
    assert execute("SELECT '\ud800'", database).error is not None
    assert execute("SELECT 1", database).rows == [(1,)]


def test_the_row_cap_cuts_and_says_so(database: Path) -> None:
    assert execute("SELECT id FROM t", database, max_rows=20_000).truncated is False
    cut = execute("SELECT id FROM t ORDER BY id", database, max_rows=19_999)
    assert (len(cut.rows), cut.truncated, cut.rows[-1]) == (19_999, True, (19_999,))


def test_the_byte_cap_keeps_whole_rows(database: Path) -> None:
    cut = execute("SELECT name FROM t ORDER BY id", database, max_bytes=5_000)
    assert cut.truncated
    assert 100 < len(cut.rows) < 1_000
    assert cut.rows == [(f"n{i}",) for i in range(1, len(cut.rows) + 1)]
    assert execute("SELECT name FROM t", database, max_bytes=10).rows == []


def test_a_deadline_stops_a_query_and_the_next_one_runs(database: Path) -> None:
    slow = "SELECT count(*) FROM t a, t b, t c WHERE a.v + b.v > c.v + 1"
    assert execute(slow, database, timeout=0.2).error_kind == "timeout"
    assert execute("SELECT 7", database).rows == [(7,)]


def test_explain_asks_the_engine_without_running(database: Path) -> None:
    with Executor(database) as executor:
        slow = "SELECT count(*) FROM t a, t b, t c WHERE a.v + b.v > c.v + 1"
        assert executor.explain(slow).rows
        assert executor.explain("SELECT nme FROM t").error_kind == "missing"
        assert executor.explain("ANALYZE SELECT 1").error_kind in ("refused", "parse")
        assert executor.explain("DELETE FROM t").error_kind == "refused"


def test_sqlite_laxness_gives_sqlites_result(small: dict[str, Path]) -> None:
    assert execute('SELECT name FROM t WHERE name = "n7"', small["sqlite"]).rows == [("n7",)]
    assert execute("SELECT max(id), name FROM t", small["sqlite"]).rows == [(20_000, "n20000")]
    assert execute("SELECT '3 apples' + 4, 7 / 2, 1 = '1'", small["sqlite"]).rows == [(7, 3, 0)]


def test_what_sqlglot_cannot_read_is_left_to_sqlite(small: dict[str, Path]) -> None:
    deep = "SELECT " + "(" * 90 + "1" + ")" * 90 + " AS sqlite_one"
    assert execute(deep, small["sqlite"]).rows == [(1,)]
    lax = "SELECT 'sqlite_' AS \"a\", id FROM t NOT INDEXED WHERE id ISNULL OR id < 2"
    assert execute(lax, small["sqlite"]).rows == [("sqlite_", 1)]


def test_text_that_is_not_utf8_loses_its_bad_bytes_only(tmp_path: Path) -> None:
    script = "CREATE TABLE u (a); INSERT INTO u VALUES (CAST(x'61FF62' AS TEXT)), (x'00FF'), ('名')"
    path = make(tmp_path / "bad.sqlite", script)
    assert execute("SELECT a FROM u", path).rows == [("ab",), (b"\x00\xff",), ("名",)]


def test_full_text_tables_and_views_of_the_owner_work(tmp_path: Path) -> None:
    script = """
        CREATE VIRTUAL TABLE f USING fts5(a);
        INSERT INTO f VALUES ('hello world');
        CREATE VIEW w AS SELECT json_extract('[1, 2]', '$[1]') AS j;
        CREATE TABLE pragma_notes (a); INSERT INTO pragma_notes VALUES (5);
        CREATE VIEW evil AS SELECT load_extension('/tmp/x');
    """
    path = make(tmp_path / "own.sqlite", script)
    assert execute("SELECT highlight(f, 0, '<', '>') FROM f('world')", path).rows == [
        ("hello <world>",)
    ]
    assert execute("SELECT j FROM w", path).rows == [(2,)]
    assert execute("SELECT a FROM pragma_notes", path).rows == [(5,)]
    assert execute("SELECT * FROM evil", path).error_kind == "refused"


def test_duckdb_values_keep_their_types(small: dict[str, Path]) -> None:
    sql = """SELECT 1.50::DECIMAL(9, 2), DATE '2024-02-29', TIMESTAMP '2024-02-29 10:00:00',
        TIMESTAMPTZ '2024-02-29 10:00:00+02', INTERVAL 3 DAY, [1, NULL], {'a': [1]}, 'x'::BLOB,
        170141183460469231731687303715884105727, uuid() IS NOT NULL, 'nan'::DOUBLE"""
    row = execute(sql, small["duckdb"]).rows[0]
    assert row[:3] == (
        Decimal("1.50"),
        datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 10),
    )
    assert row[3] == datetime.datetime(2024, 2, 29, 8, tzinfo=datetime.UTC)
    days = datetime.timedelta(days=3)
    assert row[4:10] == (days, [1, None], {"a": [1]}, b"x", 2**127 - 1, True)
    assert row[10] != row[10]


def test_a_lack_of_memory_does_not_tell_how_much_others_use(small: dict[str, Path]) -> None:
    """DuckDB's own message counts it to the KiB."""
    execution = execute("SELECT repeat('x', 2000000000)", small["duckdb"])
    assert (execution.error_kind, execution.error) == ("memory", "out of memory")


def test_duckdb_schemas_of_the_owner_may_be_named(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA sys; CREATE TABLE sys.orders AS SELECT 3 AS id")
    assert execute("SELECT id FROM sys.orders", path).rows == [(3,)]
    assert execute("SELECT o.id FROM shop.sys.orders o", path).rows == [(3,)]


def test_a_write_ahead_log_is_read_and_left_alone(tmp_path: Path) -> None:
    path = make(tmp_path / "w.sqlite", "PRAGMA journal_mode = wal; CREATE TABLE u (a)")
    assert execute("SELECT * FROM u", path).rows == []
    assert [file.name for file in tmp_path.iterdir()] == ["w.sqlite"]
    writer = sqlite3.connect(path)
    writer.execute("INSERT INTO u VALUES (1)")
    writer.commit()
    assert execute("SELECT * FROM u", path).rows == [(1,)]
    writer.close()


def test_a_database_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path = make(tmp_path / "x.sqlite", "CREATE TABLE u (a); INSERT INTO u VALUES ('old')")
    assert execute("SELECT a FROM u", path).rows == [("old",)]
    make(tmp_path / "y.sqlite", "CREATE TABLE u (a); INSERT INTO u VALUES ('new')").replace(path)
    assert execute("SELECT a FROM u", path).rows == [("new",)]


def test_odd_file_names_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "we?ird#%41 名.db", "CREATE TABLE u (a)")
    monkeypatch.chdir(tmp_path)
    assert execute("SELECT count(*) FROM u", path).rows == [(0,)]
    assert execute("SELECT count(*) FROM u", path.name).rows == [(0,)]
    assert execute("SELECT count(*) FROM u", locate(path)).rows == [(0,)]
    assert execute(
        "SELECT count(*) FROM u", f"sqlite:///{make(tmp_path / 'u.db', 'CREATE TABLE u (a)')}"
    ).rows


@pytest.mark.parametrize("half", ["sqlite", "duckdb"])
def test_a_broken_database_raises(tmp_path: Path, small: dict[str, Path], half: str) -> None:
    broken = tmp_path / f"broken.{half}"
    content = small[half].read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    with pytest.raises(DatabaseError, match=r"broken\."):
        execute("SELECT count(*), sum(v), max(name) FROM t", broken)
    assert execute("SELECT 1", small[half]).rows == [(1,)]


def test_a_missing_database_raises_and_names_itself(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"nowhere\.sqlite: no such file"):
        execute("SELECT 1", tmp_path / "nowhere.sqlite")
    with pytest.raises(DatabaseError, match="in memory"):
        execute("SELECT 1", "sqlite://")
    gone = Database("gone", "sqlite", "", tmp_path / "gone.sqlite")
    with pytest.raises(DatabaseError, match="gone"):
        execute("SELECT 1", gone)
    with Executor() as executor, pytest.raises(DatabaseError, match="name one"):
        executor.execute("SELECT 1")


@pytest.mark.parametrize(
    "caps", [{"timeout": 0}, {"timeout": float("nan")}, {"max_rows": 0}, {"max_bytes": -1}]
)
def test_caps_must_be_positive(database: Path, caps: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(caps))):
        execute("SELECT 1", database, **caps)  # type: ignore[arg-type]


def test_a_server_that_cannot_be_reached_raises_without_its_password() -> None:
    with pytest.raises(DatabaseError) as caught:
        execute("SELECT 1", "postgresql+psycopg2://ann:s3cret@127.0.0.1:1/sales")
    assert "ann" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(DatabaseError, match="cannot run SQL on oracle"):
        execute("SELECT 1", "oracle://ann:s3cret@dw/sales")


def test_a_server_sees_only_what_the_gate_lets_through() -> None:
    refused = execute("DELETE FROM t", "postgresql+psycopg2://ann@127.0.0.1:1/sales")
    assert refused.error_kind == "refused"  # and nothing was connected to


def test_a_statement_on_sqlalchemy_reaches_the_driver_as_it_is(small: dict[str, Path]) -> None:
    import sqlalchemy

    with sqlalchemy.create_engine(f"sqlite:///{small['sqlite']}").connect() as connection:
        like = "SELECT name, ':x' FROM t WHERE name LIKE 'n1%' ORDER BY id"
        execution = warehouse.query(connection, like, Caps(max_rows=2))
        assert (execution.rows, execution.truncated) == ([("n1", ":x"), ("n10", ":x")], True)
        assert execution.columns == ["name", "':x'"]
        assert "no such table" in (
            warehouse.query(connection, "SELECT * FROM q", Caps()).error or ""
        )


def test_a_log_that_a_killed_program_left_is_read_and_its_index_kept(tmp_path):
    import signal
    import subprocess
    import sys

    path = tmp_path / "wal.sqlite"
    code = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode = WAL')\n"
        "c.execute('CREATE TABLE t (a)'); c.execute('INSERT INTO t VALUES (7)'); c.commit()\n"
        f"os.kill(os.getpid(), {int(signal.SIGKILL)})"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    before = path.read_bytes()

    assert (tmp_path / "wal.sqlite-wal").stat().st_size > 0
    assert execute("SELECT a FROM t", path).rows == [(7,)]
    assert (tmp_path / "wal.sqlite-shm").stat().st_size == 32_768 and path.read_bytes() == before
