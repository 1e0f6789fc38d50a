"""Attack the executor with statements and with database files that mean harm.

`tests/data/hostile_further.jsonl` holds the statements, one JSON object a line, with what must
happen to each; its author did not see the code under attack.

    >>> {"dialect": "sqlite", "sql": "SELECT 0 IN pragma_user_version",
    ...  "kind": "catalog-position", "must": "refuse"}  # doctest: +SKIP

Covered: statements on SQLite and DuckDB, hostile schemas, broken, locked and odd files.
Not covered: servers behind a URL; a file that another program changes during the query.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb
import pytest

from text2sql.errors import DatabaseError, Text2SQLError
from text2sql.execution import Execution, Executor

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "hostile_further.jsonl").read_text().splitlines()
]
REFUSALS = {"refused", "parse", "missing", "engine"}
LEFT_BEHIND = "t2s_further*"  # every file that a statement of the list tries to write to /tmp
MEMORY_LIMIT = 1229 * 1024  # kB: 1.2 GiB of resident memory in one worker
# statements that use up their deadline get a short one; the others must never come near theirs
DEADLINES = {"refuse": 2.0, "bounded": 0.3, "timeout": 0.3, "truncate": 5.0, "allow": 10.0}
OUTCOMES: dict[str, Callable[[Execution], bool]] = {
    "refuse": lambda done: done.error is not None and done.error_kind in REFUSALS,
    "bounded": lambda done: done.error is None or bool(done.error_kind),
    "timeout": lambda done: done.error_kind == "timeout",
    "truncate": lambda done: done.error is None and done.truncated and bool(done.rows),
    "allow": lambda done: done.error is None and not done.truncated and bool(done.rows),
}


def snapshot(folder: Path) -> dict[str, str]:
    """Return the name and the content hash of every plain file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def descendants() -> set[int]:
    """Return the process ids of the children of this process and of their children."""
    parents = {}
    for entry in Path("/proc").iterdir():
        try:
            stat = (entry / "stat").read_text() if entry.name.isdigit() else ""
        except OSError:
            continue
        if stat:
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def resident(pid: int) -> int:
    """Return the peak resident memory of a process in kB, 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line), 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `t` of 20,000 rows as a SQLite and as a DuckDB file."""
    folder = tmp_path_factory.mktemp("hostile")
    create = "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, v REAL)"
    rows = [(n, f"n{n}", n % 97 / 4) for n in range(1, 20001)]
    with sqlite3.connect(folder / "t.sqlite") as small:
        small.execute(create)
        small.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    small.close()
    with duckdb.connect(str(folder / "t.duckdb")) as columns:
        columns.execute(create)
        columns.execute("INSERT INTO t SELECT i, 'n' || i, i % 97 / 4 FROM range(1, 20001) r(i)")
    return folder


@pytest.fixture(scope="module")
def executor(folder: Path) -> Iterator[Executor]:
    """Return one executor, started in the folder so that relative paths would land there."""
    before = Path.cwd()
    os.chdir(folder)
    with Executor(workers=2) as executor:
        yield executor
    os.chdir(before)


@pytest.fixture(scope="module")
def peak() -> Iterator[dict[str, int]]:
    """Return the largest memory of any worker so far, which a thread keeps up to date."""
    seen, stop = {"kB": 0}, threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            seen["kB"] = max([seen["kB"], *map(resident, descendants())])

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    stop.set()
    thread.join()


def attack(executor: Executor, folder: Path, row: dict[str, str]) -> str | None:
    """Run one statement of the list and return what is wrong with its outcome."""
    database = folder / f"t.{row['dialect']}"
    deadline, start = DEADLINES[row["must"]], monotonic()
    done = executor.execute(
        row["sql"], str(database), timeout=deadline, max_rows=1000, max_bytes=1 << 20
    )
    took = monotonic() - start
    title = f"{row['must']}: {row['sql'][:200]!a}"
    if not OUTCOMES[row["must"]](done):
        return f"{title} ended as {done.error_kind}: {done.error}, {len(done.rows)} rows"
    after = executor.execute("SELECT count(*) FROM t", str(database), timeout=10.0)
    if after.rows != [(20000,)]:
        return f"{title} spoils the next statement: {after.error}"
    # the promise is a second; two busy cores are given more
    return f"{title} took {took:.1f} s" if took > deadline + 5 else None


@pytest.mark.parametrize("must", ["refuse", "bounded", "timeout", "truncate", "allow"])
@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_every_statement_ends_as_it_must(
    executor: Executor, folder: Path, peak: dict[str, int], dialect: str, must: str
) -> None:
    rows = [row for row in ROWS if (row["dialect"], row["must"]) == (dialect, must)]
    before = snapshot(folder)
    with ThreadPoolExecutor(2) as pool:
        faults = list(pool.map(lambda row: attack(executor, folder, row), rows))
    assert not [fault for fault in faults if fault]
    assert snapshot(folder) == before
    assert not list(Path("/tmp").glob(LEFT_BEHIND))
    assert peak["kB"] <= MEMORY_LIMIT


def plain_rows(folder: Path, row: dict[str, str]) -> list[str]:
    """Return what the bare engine answers, in a form that has an order."""
    path = folder / f"t.{row['dialect']}"
    connection: Any = (
        sqlite3.connect(path)
        if row["dialect"] == "sqlite"
        else duckdb.connect(path, read_only=True)
    )
    found = connection.execute(row["sql"]).fetchall()
    connection.close()
    return sorted(map(repr, map(tuple, found)))


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_a_harmless_statement_has_the_rows_of_the_bare_engine(
    executor: Executor, folder: Path, dialect: str
) -> None:
    wrong = []
    for row in ROWS:
        if (row["dialect"], row["must"]) == (dialect, "allow"):
            done = executor.execute(row["sql"], str(folder / f"t.{dialect}"), timeout=10.0)
            if sorted(map(repr, map(tuple, done.rows))) != plain_rows(folder, row):
                wrong.append(row["sql"])
    assert not wrong


def test_the_list_is_large_and_a_quarter_of_it_is_harmless() -> None:
    dialects, musts = [row["dialect"] for row in ROWS], [row["must"] for row in ROWS]
    assert min(dialects.count("sqlite"), dialects.count("duckdb")) >= 60
    assert musts.count("allow") >= 0.25 * len(ROWS)


LAUGHING = ["CREATE VIEW w0 AS SELECT id AS x FROM t"] + [
    f"CREATE VIEW w{n} AS SELECT a.x FROM w{n - 1} a CROSS JOIN w{n - 1} b" for n in range(1, 25)
]
T = "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'); "
DOCS = "CREATE VIRTUAL TABLE docs USING fts5(body); INSERT INTO docs VALUES ('a duck'), ('a cat')"
BOXES = "CREATE VIRTUAL TABLE boxes USING rtree(id, low, high); INSERT INTO boxes VALUES (1, 2, 3)"
INSTEAD = (
    "CREATE VIEW w AS SELECT id FROM t; "
    "CREATE TRIGGER g INSTEAD OF DELETE ON w BEGIN DELETE FROM t; END"
)
WIDE = f"CREATE TABLE wide({', '.join(f'c{n} INTEGER' for n in range(2000))})"
SQLITE_SCHEMAS = [
    ("a view that loads code", "CREATE VIEW w AS SELECT load_extension('/x') AS x", "w", "refuse"),
    ("a view of a pointer", "CREATE VIEW w AS SELECT fts3_tokenizer('simple') AS x", "w", "refuse"),
    ("a view of the path", "CREATE VIEW w AS SELECT file FROM pragma_database_list", "w", "refuse"),
    ("a view of the catalog", "CREATE VIEW w AS SELECT sql FROM sqlite_master", "w", "refuse"),
    ("a view of the pages", "CREATE VIEW w AS SELECT * FROM dbstat", "w", "refuse"),
    (
        "an endless view",
        "CREATE VIEW w AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "
        "SELECT count(*) AS n FROM r",
        "w",
        "timeout",
    ),
    ("views that double", "; ".join(LAUGHING), "w24", "bounded"),
    ("views in a circle", "CREATE VIEW p AS SELECT * FROM q; CREATE VIEW q AS SELECT * FROM p",
     "p", "refuse"),
    ("a generated column of 90 MB",
     "CREATE TABLE g(a, b AS (hex(zeroblob(45000000 + a)))); INSERT INTO g VALUES (1)",
     "g", "bounded"),
    ("a generated column of a pointer",
     "CREATE TABLE g(a); INSERT INTO g VALUES ('simple'); PRAGMA writable_schema = 1; UPDATE "
     "sqlite_master SET sql = 'CREATE TABLE g(a, b AS (fts3_tokenizer(a)))' WHERE name = 'g'",
     "g", "refuse"),
    ("a trigger on a view", INSTEAD, "w", "allow"),
    ("a full-text table", DOCS, "docs", "allow"),
    ("a full-text search", DOCS, "docs WHERE docs MATCH 'duck'", "allow"),
    ("a spatial table", BOXES, "boxes WHERE high > 1", "allow"),
    ("2,000 columns", WIDE + "; INSERT INTO wide(c7) VALUES (1)", "wide", "allow"),
    ("text in UTF-16", "", "t WHERE name = 'b'", "allow"),
    ("text that is no UTF-8", "CREATE TABLE g(a); INSERT INTO g VALUES (CAST(x'ff41fe' AS TEXT))",
     "g", "bounded"),
    ("a text of 3 MB", "CREATE TABLE g(a); INSERT INTO g VALUES (hex(zeroblob(1500000)))",
     "g", "bounded"),
    ("names of SQL", 'CREATE TABLE "x; DROP TABLE t --"("a b", "--", ";" DEFAULT 1); '
     'INSERT INTO "x; DROP TABLE t --"("a b") VALUES (1)', '"x; DROP TABLE t --"', "allow"),
    ("a table without row numbers", "CREATE TABLE g(a TEXT PRIMARY KEY) STRICT, WITHOUT ROWID; "
     "INSERT INTO g VALUES ('x')", "g", "allow"),
    ("a table named like a pragma", "CREATE TABLE pragma_notes(a); INSERT INTO pragma_notes "
     "VALUES (1)", "pragma_notes", "allow"),
    ("a schema that is no SQL", "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = "
     "'CREATE TABLE t(' WHERE name = 't'", "t", "refuse"),
]  # fmt: skip


def settle(executor: Executor, path: Path, sql: str, *, timeout: float = 0.5) -> Execution:
    """Run a statement on a file and return the outcome, also where the file itself is at fault."""
    try:
        return executor.execute(sql, str(path), timeout=timeout, max_rows=1000, max_bytes=1 << 20)
    except DatabaseError as error:
        assert len(str(error).splitlines()) == 1
        return Execution([], [], False, str(error), "engine", 0.0)


@pytest.mark.parametrize(("title", "script", "source", "must"), SQLITE_SCHEMAS)
def test_a_hostile_sqlite_schema_does_no_harm(
    executor: Executor, tmp_path: Path, title: str, script: str, source: str, must: str
) -> None:
    path = tmp_path / "x.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    encoding = "UTF-16" if title == "text in UTF-16" else "UTF-8"
    connection.executescript(f"PRAGMA encoding = '{encoding}'; {T} {script}")
    connection.close()
    before = snapshot(tmp_path)
    done = settle(executor, path, f"SELECT * FROM {source}")
    assert OUTCOMES[must](done), (done.error_kind, done.error, done.rows[:2])
    assert snapshot(tmp_path) == before


DUCKDB_SCHEMAS = [
    ("a view of a file", "CREATE VIEW w AS FROM read_csv('/etc/passwd', sep = ':')", "FROM w",
     "refuse"),
    ("a view of a path", "CREATE VIEW w AS SELECT * FROM read_text('/etc/host*')", "FROM w",
     "refuse"),
    ("a macro that blinds the judge", "CREATE MACRO json_serialize_sql(x) AS "
     "'{\"error\": false, \"statements\": []}'", "FROM duckdb_settings()", "refuse"),
    ("a view of the settings", "CREATE VIEW w AS FROM duckdb_settings()", "FROM w", "refuse"),
    ("a view of the catalog", "CREATE VIEW w AS FROM information_schema.tables", "FROM w",
     "refuse"),
    ("a table macro", "CREATE MACRO leak() AS TABLE SELECT content FROM read_text('/etc/passwd')",
     "FROM leak()", "refuse"),
    ("a scalar macro", "CREATE MACRO peek(p) AS (SELECT content FROM read_text(p))",
     "SELECT peek('/etc/passwd')", "refuse"),
    ("a macro named like a function", "CREATE MACRO upper(x) AS (SELECT content FROM "
     "read_text('/etc/passwd'))", "SELECT upper(name) FROM t", "bounded"),
    ("a macro of the settings", "CREATE MACRO upper(x) AS (SELECT max(value) FROM "
     "duckdb_settings() WHERE name = 'access_mode')", "SELECT upper(name) FROM t", "refuse"),
    ("a macro of a setting", "CREATE MACRO lower(x) AS current_setting('access_mode')",
     "SELECT lower(name) FROM t", "refuse"),
    ("a view of a query in a text", "CREATE VIEW w AS FROM query('FROM duckdb_databases()')",
     "FROM w", "refuse"),
    ("a macro of a bomb", "CREATE MACRO tidy(x) AS repeat(x, 2000000000)",
     "SELECT length(tidy(name)) FROM t", "bounded"),
    ("a macro that sleeps", "CREATE MACRO tidy(x) AS sleep_ms(60000)",
     "SELECT tidy(name) FROM t", "bounded"),
    ("an endless view", "CREATE VIEW w AS WITH RECURSIVE r(n) AS (SELECT 1::BIGINT UNION ALL "
     "SELECT (n * 48271) % 2147483647 FROM r) SELECT count(*) AS n FROM r", "FROM w", "timeout"),
    # DuckDB binds a view when it is made, so a deep pile takes its maker as long as its reader
    ("views that double", "; ".join(LAUGHING[:11]), "FROM w10", "bounded"),
    ("a view that counts", "CREATE SEQUENCE q; CREATE VIEW w AS SELECT nextval('q') AS n",
     "FROM w", "refuse"),
    ("a generated column of 200 MB", "CREATE TABLE g(a TEXT, b AS (repeat(a, 200000000))); "
     "INSERT INTO g VALUES ('x')", "SELECT length(b) FROM g", "bounded"),
    ("a table named like a file", "CREATE TABLE \"/etc/hostname\" AS SELECT 'mine' AS a",
     "FROM \"/etc/hostname\"", "allow"),
    ("a table named like a catalog", "CREATE TABLE duckdb_sales AS SELECT 1 AS a",
     "FROM duckdb_sales", "allow"),
    ("2,000 columns", WIDE + "; INSERT INTO wide(c7) VALUES (1)", "FROM wide", "allow"),
    ("names of SQL", 'CREATE TABLE "x; DROP TABLE t --" AS SELECT 1 AS "a b", 2 AS "--"',
     'FROM "x; DROP TABLE t --"', "allow"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "script", "sql", "must"), DUCKDB_SCHEMAS)
def test_a_hostile_duckdb_schema_does_no_harm(
    executor: Executor, tmp_path: Path, title: str, script: str, sql: str, must: str
) -> None:
    path = tmp_path / "x.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(T + script)
    before = snapshot(tmp_path)
    done = settle(executor, path, sql)
    assert OUTCOMES[must](done), (title, done.error_kind, done.error, done.rows[:2])
    assert "root:" not in repr(done.rows)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("suffix", ["sqlite", "duckdb"])
@pytest.mark.parametrize("damage", ["middle", "header", "cut", "text", "empty"])
def test_a_broken_file_is_an_error_and_stays_as_it_is(
    executor: Executor, folder: Path, tmp_path: Path, suffix: str, damage: str
) -> None:
    path = tmp_path / f"x.{suffix}"
    content = (folder / f"t.{suffix}").read_bytes()
    if damage == "middle":
        content = content[:8192] + content[8192:-8192][::-1] + content[-8192:]
    elif damage == "header":
        content = b"\xff" * 64 + content[64:]
    shortened = {"cut": content[: len(content) // 2], "text": b"id,name\n1,n1\n", "empty": b""}
    path.write_bytes(shortened.get(damage, content))
    before = snapshot(tmp_path)
    done = settle(executor, path, "SELECT sum(v), max(name) FROM t WHERE name LIKE '%9'")
    assert done.error_kind in REFUSALS | {"killed"}
    assert snapshot(tmp_path) == before


NAMES = [
    "a b",
    "it's; DROP TABLE t",
    "x?mode=rwc",
    "100%41#frag",
    "数据 🦆",
    ":memory:",
    "-v",
    "l\nf",
]


@pytest.mark.parametrize("suffix", ["sqlite", "duckdb"])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_with_an_odd_name_is_read(
    executor: Executor, folder: Path, tmp_path: Path, suffix: str, name: str
) -> None:
    path = tmp_path / f"{name}.{suffix}"
    shutil.copy(folder / f"t.{suffix}", path)
    before = snapshot(tmp_path)
    done = settle(executor, path, "SELECT count(*) FROM t", timeout=5.0)
    # DuckDB itself looks for the log of `x?y.duckdb` as `x.wal?y.duckdb`, which is no such file
    assert done.rows == [(20000,)] or ("?" in name and suffix == "duckdb" and done.error)
    assert snapshot(tmp_path) == before


def test_a_file_in_wal_mode_is_read_and_nothing_appears_beside_it(
    executor: Executor, tmp_path: Path
) -> None:
    connection = sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)
    connection.executescript(f"PRAGMA journal_mode = WAL; {T}")
    connection.close()
    before = snapshot(tmp_path)
    assert len(before) == 1
    assert settle(executor, tmp_path / "x.sqlite", "SELECT count(*) FROM t").rows == [(2,)]
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_the_journal_of_a_program_that_died_is_left_alone(
    executor: Executor, tmp_path: Path, mode: str
) -> None:
    writer = sqlite3.connect(tmp_path / "live.sqlite", isolation_level=None)
    writer.executescript(f"PRAGMA journal_mode = {mode}; PRAGMA cache_size = 1; {T} BEGIN")
    writer.executemany("INSERT INTO t VALUES (?, ?)", [(n, "x" * 500) for n in range(3, 3000)])
    for end in ("", "-wal" if mode == "WAL" else "-journal"):
        shutil.copy(tmp_path / f"live.sqlite{end}", tmp_path / f"dead.sqlite{end}")
    writer.close()
    before = snapshot(tmp_path)
    done = settle(executor, tmp_path / "dead.sqlite", "SELECT count(*) FROM t")
    assert done.rows == [(2,)] or done.error_kind in REFUSALS
    assert snapshot(tmp_path) == before


def test_the_log_of_a_duckdb_that_died_is_left_alone(executor: Executor, tmp_path: Path) -> None:
    live = duckdb.connect(str(tmp_path / "live.duckdb"))
    live.execute(f"{T} CHECKPOINT; INSERT INTO t VALUES (3, 'c')")
    for end in ("", ".wal"):
        shutil.copy(tmp_path / f"live.duckdb{end}", tmp_path / f"dead.duckdb{end}")
    live.close()
    before = snapshot(tmp_path)
    done = settle(executor, tmp_path / "dead.duckdb", "SELECT count(*) FROM t")
    assert done.rows in ([(2,)], [(3,)]) or done.error_kind in REFUSALS
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("suffix", ["sqlite", "duckdb"])
@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "device", "secret"])
def test_a_path_that_is_no_database_ends_at_once_and_creates_nothing(
    executor: Executor, tmp_path: Path, suffix: str, kind: str
) -> None:
    path = tmp_path / f"x.{suffix}"
    links = {"device": "/dev/zero", "secret": "/etc/passwd"}
    if kind in links:
        path.symlink_to(links[kind])
    elif kind != "missing":
        (os.mkfifo if kind == "pipe" else os.mkdir)(path)
    start = monotonic()
    try:
        done = executor.execute("SELECT count(*) FROM t", str(path), timeout=1.0)
        assert done.error is not None
        assert "root:" not in done.error
    except Text2SQLError as error:  # a path is the caller's, so it may raise
        assert path.name in str(error)
    assert monotonic() - start < 7
    assert len(list(tmp_path.iterdir())) == (kind != "missing")
