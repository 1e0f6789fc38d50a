"""A DuckDB file, locked down: read-only, nothing outside it, and the engine's own tree judged.

    >>> with closing(DuckDBEngine("/data/shop.duckdb", memory=256 << 20)) as engine:
    ...     engine.run("SELECT 1 AS one", Caps()).columns
    ['one']

DuckDB has no authorizer. Instead its own parser says what a statement is (`extract_statements`),
and its own tree (`json_serialize_sql`) is walked: so a difference between sqlglot's reading and the
engine's hides nothing.

Covered: files, extensions, settings, system tables and functions, writes in a CTE, several
statements, sleeping; views and macros of the file that do what a statement may not.
Not covered: PIVOT without an IN list, which DuckDB runs as several statements; the memory of scalar
functions and single calls that never look at the clock (the worker's own limits end those).
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from text2sql.errors import DatabaseError
from text2sql.execution import gate
from text2sql.execution.frames import Reply, collect
from text2sql.execution.policy import Catalog
from text2sql.execution.results import Caps, Refusal
from text2sql.execution.walls import Wall

_CONFIG = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "threads": "1",
    "temp_directory": "",  # a size limit of 0 alone still makes a folder beside the database
    "max_temp_directory_size": "0KiB",
}
_READING_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_SERIALIZE = "SELECT system.main.json_serialize_sql($1)"  # not a macro of the file named like it
_REMEMBERED = 512  # statements
_AS = re.compile(r"\bAS\b", re.IGNORECASE)

# The exception classes of duckdb 2.0.0, by name: the module is imported late.
_KINDS = {
    "ParserException": "parse",
    "SyntaxException": "parse",
    "InterruptException": "timeout",
    "OutOfMemoryException": "memory",
    "MemoryError": "memory",
    "PermissionException": "refused",
    "SerializationException": "database",
}
_MISSING = ("does not exist", "not found in FROM clause", "does not have a column", "not found!")


class Watchdog:
    """One thread that interrupts whatever runs past its deadline.

    A thread per query would not start any more once the address space is nearly used up.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._until: float | None = None
        self._interrupt: Callable[[], None] = lambda: None
        self._asleep = False
        before = threading.stack_size(1 << 18)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        threading.stack_size(before)

    def arm(self, until: float, interrupt: Callable[[], None]) -> None:
        """Call `interrupt` at the monotonic time `until`, unless disarmed before."""
        with self._changed:
            self._until, self._interrupt = until, interrupt
            if self._asleep:
                self._changed.notify()

    def disarm(self) -> None:
        """Forget the deadline; after this `interrupt` is not called any more."""
        with self._changed:
            self._until = None

    def _watch(self) -> None:
        with self._changed:
            while True:
                self._asleep = self._until is None
                left = None if self._until is None else self._until - time.monotonic()
                if left is None or left > 0:
                    self._changed.wait(None if left is None else min(left, 0.2))
                else:
                    self._interrupt()
                    self._changed.wait(0.02)  # and again, until the query has noticed


class DuckDBEngine:
    """One read-only connection to one DuckDB file."""

    dialect = "duckdb"

    def __init__(self, path: str, *, memory: int, watchdog: Watchdog | None = None) -> None:
        """Open a file.

        Args:
            path: of the file.
            memory: bytes that DuckDB's buffers may use; scalar functions are not counted by it.
            watchdog: shared by all connections of a process.

        Raises:
            DatabaseError: the file cannot be opened, or another process writes to it.
        """
        import duckdb

        self._watchdog = watchdog or Watchdog()
        self._harmless: set[tuple[str, Wall | None]] = (
            set()
        )  # statements that passed: judging takes as long as a small query
        config = {**_CONFIG, "memory_limit": f"{memory >> 20}MiB"}
        try:
            self._connection = duckdb.connect(path, read_only=True, config=config)
            self._connection.execute(
                "SET TimeZone = 'UTC'"
            )  # so that results do not depend on the machine
            self._connection.execute("SET lock_configuration = true")
            self._catalog = _read_catalog(self._connection)
            self._macros = _read_macros(self._connection)
        except duckdb.Error as error:
            raise DatabaseError(
                f"cannot open database {path}: {_first_line(error)}", path
            ) from None

    def run(
        self, sql: str, caps: Caps, *, explain: bool = False, wall: Wall | None = None
    ) -> Reply:
        """Run or explain one statement; whatever goes wrong is in the reply."""
        until = time.monotonic() + caps.timeout
        started = time.perf_counter()
        try:
            gate.check(sql, self.dialect, self._catalog)
            cursor = self._connection.cursor()
            self._watchdog.arm(until, cursor.interrupt)
            try:
                self._judge(cursor, sql, wall)
                sql = f"EXPLAIN {sql}" if explain else sql
                started = time.perf_counter()
                return _query(cursor, sql, caps, until, started)
            finally:
                self._watchdog.disarm()
                cursor.close()
        except Refusal as refusal:
            kind, message = refusal.kind, refusal.message
        except Exception as error:  # duckdb raises its own, RuntimeError, MemoryError and more
            kind, message = classify(error), _told(error)
        return Reply(kind, message, time.perf_counter() - started)

    def _judge(self, cursor: Any, sql: str, wall: Wall | None) -> None:
        if (sql, wall) in self._harmless:
            return
        tree = check_tree(cursor, sql, self._catalog)
        if wall is not None:
            check_wall(cursor, tree, wall, self._macros)
        if len(self._harmless) >= _REMEMBERED:
            self._harmless.clear()
        self._harmless.add((sql, wall))

    def close(self) -> None:
        """Close the connection, and with it the file."""
        self._connection.close()


def _query(cursor: Any, sql: str, caps: Caps, until: float, started: float) -> Reply:
    def check_time() -> None:
        if time.monotonic() > until:
            raise Refusal("timeout", "interrupted")

    cursor.execute(sql)
    columns = [str(column[0]) for column in cursor.description or ()]
    pages, truncated = collect(
        cursor.fetchmany, max_rows=caps.max_rows, max_bytes=caps.max_bytes, check=check_time
    )
    return Reply(None, None, time.perf_counter() - started, truncated, columns, pages)


def classify(error: Exception) -> str:
    """Return the error kind of what duckdb raised, "database" where the file is at fault."""
    name, message = type(error).__name__, str(error)
    if name in ("CatalogException", "BinderException") and any(
        part in message for part in _MISSING
    ):
        return "missing"
    if "read-only mode" in message:
        return "refused"
    if name == "InternalException" and ("emory" in message or "alloc" in message):
        return "memory"
    if name == "IOException" and ("orrupt" in message or "Could not read" in message):
        return "database"
    return _KINDS.get(name, "memory" if "bad_alloc" in message else "engine")


def _told(error: Exception) -> str:
    """Return what may be said of an error: how much memory others use at the moment is not."""
    if classify(error) == "memory":
        return "out of memory"
    return str(error).strip() or type(error).__name__


def check_tree(cursor: Any, sql: str, catalog: Catalog) -> dict[str, Any]:
    """Judge the engine's own reading of a statement, and return it.

    Raises:
        Refusal: it is not one query, or names what the policy forbids.
        duckdb.ParserException: the engine cannot read it.
    """
    kinds = [statement.type.name for statement in cursor.extract_statements(sql)]
    if kinds == ["MULTI"]:
        raise Refusal("refused", "PIVOT needs the list of its values: PIVOT t ON c IN (...)")
    if kinds != ["SELECT"]:
        what = "no statement" if not kinds else ", ".join(kinds).replace("_", " ")
        raise Refusal("refused", f"one query is expected, not {what}")
    tree = _serialised(cursor, sql)
    for node, ctes in _nodes(tree["statements"]):
        _check_node(node, ctes, catalog)
    return tree


def _serialised(cursor: Any, sql: str) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(cursor.execute(_SERIALIZE, [sql]).fetchone()[0])
    if tree.get("error"):
        raise Refusal("refused", f"the statement cannot be judged: {tree.get('error_message')}")
    return tree


def check_wall(cursor: Any, tree: dict[str, Any], wall: Wall, macros: frozenset[str]) -> None:
    """Make sure that the engine reads no table outside a guard, and calls no macro of the owner's.

    Raises:
        Refusal: it does.
    """
    guards = [_without_places(_serialised(cursor, g)["statements"][0]) for g in sorted(wall.guards)]
    pending: list[Any] = [tree["statements"]]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        if not isinstance(value, dict):
            continue
        if value.get("type") == "SUBQUERY" and _without_places(value["subquery"]) in guards:
            continue
        pending.extend(value.values())
        _check_outside(value, wall, macros)


def _check_outside(node: dict[str, Any], wall: Wall, macros: frozenset[str]) -> None:
    if node.get("type") == "BASE_TABLE":
        name, namespace = str(node["table_name"]).lower(), str(node["schema_name"]).lower()
        full_name = name if namespace in ("", "main") else f"{namespace}.{name}"
        if not name.startswith(wall.prefix) and full_name not in wall.plain:
            raise Refusal("refused", f"table {name} is not allowed under this policy")
    called = str(node.get("function_name", "")).lower()
    if called in macros - wall.functions:
        raise Refusal("refused", f"function {called} is not allowed under this policy")


def _without_places(value: Any) -> Any:
    """Return a tree without what depends on where it stands in a text."""
    if isinstance(value, dict):
        return {k: _without_places(v) for k, v in value.items() if k != "query_location"}
    return [_without_places(item) for item in value] if isinstance(value, list) else value


def _nodes(value: Any) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Yield every object of a decoded tree with the CTEs visible there, without recursion."""
    pending: list[tuple[Any, frozenset[str]]] = [(value, frozenset())]
    while pending:
        value, visible = pending.pop()
        if isinstance(value, dict):
            yield value, visible
            for cte in (value.get("cte_map") or {}).get("map", ()):
                pending.append((cte["value"], visible))  # a CTE sees those before it
                visible |= {cte["key"].lower()}
            pending.extend((item, visible) for key, item in value.items() if key != "cte_map")
        elif isinstance(value, list):
            pending.extend((item, visible) for item in value)


def _check_node(node: dict[str, Any], ctes: frozenset[str], catalog: Catalog) -> None:
    kind = str(node.get("type", ""))
    if kind.endswith("_NODE") and kind not in _READING_NODES:
        raise Refusal("refused", f"{kind.split('_')[0]} is not allowed: a statement may only read")
    if kind == "SHOW_REF":
        raise Refusal("refused", "SHOW, DESCRIBE and SUMMARIZE are not allowed")
    if kind == "TABLE_FUNCTION":
        gate.check_table_function(node["function"]["function_name"], "duckdb", catalog)
    elif kind == "BASE_TABLE":
        names = (node["table_name"], node["schema_name"], node.get("catalog_name") or "")
        if names[1:] != ("", "") or names[0].lower() not in ctes:
            gate.check_table(*names, "duckdb", catalog)
    elif isinstance(node.get("function_name"), str):
        gate.check_function(node["function_name"], "duckdb", catalog)


def _read_catalog(connection: Any) -> Catalog:
    """Return the database's own schemas and tables, and which views and macros may not be used."""
    own = connection.execute(
        "SELECT schema_name, table_name FROM system.main.duckdb_tables() WHERE NOT internal"
        " UNION SELECT schema_name, view_name FROM system.main.duckdb_views() WHERE NOT internal"
    ).fetchall()
    named = "SELECT database_name FROM system.main.duckdb_databases() WHERE NOT internal"
    name = connection.execute(named).fetchone()[0].lower()
    namespaces = frozenset({"main", *(schema.lower() for schema, _ in own)})
    catalog = Catalog(name, namespaces, frozenset(table.lower() for _, table in own))
    stored = _stored_queries(connection)
    while True:  # a view may stand on another one
        found = {name for name, queries in stored if not _reads(connection, queries, catalog)}
        if found <= catalog.forbidden:
            return catalog
        catalog = replace(catalog, forbidden=catalog.forbidden | found)


def _read_macros(connection: Any) -> frozenset[str]:
    """Return the names of the owner's macros."""
    named = "SELECT DISTINCT function_name FROM system.main.duckdb_functions() WHERE NOT internal"
    return frozenset(name.lower() for (name,) in connection.execute(named).fetchall())


def _stored_queries(connection: Any) -> list[tuple[str, list[str]]]:
    """Return the owner's views and macros, each with the texts of which one is its query."""
    views = connection.execute(
        "SELECT view_name, sql FROM system.main.duckdb_views() WHERE NOT internal"
    ).fetchall()
    macros = connection.execute(
        "SELECT function_name, function_type, macro_definition"
        " FROM system.main.duckdb_functions() WHERE NOT internal AND macro_definition IS NOT NULL"
    ).fetchall()
    # CREATE VIEW "a AS b" AS SELECT ...: one of the tails is the query
    found = [(name.lower(), [sql[m.end() :] for m in _AS.finditer(sql)]) for name, sql in views]
    return found + [
        (name.lower(), [text if kind == "table_macro" else f"SELECT ({text})"])
        for name, kind, text in macros
    ]


def _reads(connection: Any, queries: list[str], catalog: Catalog) -> bool:
    """Tell whether one of the texts is a query that may run."""
    import duckdb

    for sql in queries:
        try:
            check_tree(connection, sql, catalog)
        except duckdb.Error:
            continue  # a tail that is no query
        except Refusal:
            return False
        return True
    return False


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
