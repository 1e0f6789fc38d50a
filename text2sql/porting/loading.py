"""Copy a SQLite file into a DuckDB file, types and keys kept.

    >>> loaded = load_into_duckdb(Path("shop.sqlite"), Path("shop.duckdb"))
    >>> loaded.stored["orders", "paid_on"], loaded.mixed
    ('DATE', ())

SQLite keeps a type per value, DuckDB one per column. A column gets its declared type where every
value fits it, else the type that its values have; one that holds several becomes VARCHAR and is
named in `Loaded.mixed`. INTEGER is BIGINT, every REAL, FLOAT and DECIMAL is DOUBLE, as SQLite has
64-bit integers and doubles alone.

Covered: NULL, blobs, 64-bit integers, infinities, text that is not UTF-8 (bad bytes are left out,
as when the scorer reads SQLite); any name; empty tables, by their declared types; rows keep their
order; dates and times become DATE and TIMESTAMP where they are declared so and read back letter by
letter; NOT NULL, primary and foreign keys where the values keep them, else they are named.
Not covered: views, triggers, indexes, defaults, CHECK and collations: left out. Foreign keys that
lead to their own table or in a circle: left out, and named.
"""

import contextlib
import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from text2sql.databases import Database, check_db_id, locate, read_head
from text2sql.errors import DatabaseError, OutputError
from text2sql.outputs import write_whole
from text2sql.schema import read_schema
from text2sql.schema.model import ForeignKey, Table
from text2sql.schema.quoting import quoted

VERSION = 1  # of what this module makes of a file; part of the cache's key

_BATCH = 20_000  # rows that are in memory at a time
_STAGE = "staging.main.rows"  # in a database of its own, where no name can be taken already
_EXACT = 2**53  # doubles hold every integer up to here

# declared type holds the word -> what the column becomes, where every value reads back the same
_REFINED = (("DATETIME", "TIMESTAMP"), ("TIMESTAMP", "TIMESTAMP"), ("DATE", "DATE"))
_HELD = {
    frozenset({"integer"}): "BIGINT",
    frozenset({"real"}): "DOUBLE",
    frozenset({"integer", "real"}): "DOUBLE",
    frozenset({"text"}): "VARCHAR",
    frozenset({"blob"}): "BLOB",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A DuckDB file and what became of the SQLite file in it."""

    path: Path
    # (table, column) in lower case -> BIGINT, DOUBLE, VARCHAR, BLOB, BOOLEAN, DATE, TIMESTAMP, or
    # MIXED for a VARCHAR that holds numbers too
    stored: Mapping[tuple[str, str], str]
    left_out: tuple[str, ...] = ()  # keys that do not hold, views
    name: str = field(default="")  # db_id, else the file's stem

    @property
    def mixed(self) -> tuple[str, ...]:
        """The columns that hold values of several types, as `table.column`."""
        return tuple(".".join(path) for path, kind in self.stored.items() if kind == "MIXED")

    @property
    def database(self) -> Database:
        """The DuckDB file as the executor takes it."""
        found = locate(self.path)
        return Database(self.name or found.name, found.engine, found.url, found.path)


@dataclass(slots=True)
class _Copy:
    """One table on its way: what its columns become, and the keys that it keeps."""

    table: Table
    types: list[str]  # DuckDB's
    mixed: list[bool]
    left_out: list[str] = field(default_factory=list)


def load_into_duckdb(source: Path, target: Path) -> Loaded:
    """Copy the tables of a SQLite file into a new DuckDB file, which appears whole or not at all.

    Args:
        source: a SQLite file; it is only read.
        target: the DuckDB file; one that is there is replaced.

    Returns:
        Where it is, what each column became, and what was left out.

    Raises:
        DatabaseError: `source` is no SQLite file or cannot be read, or DuckDB refuses its content.
        OutputError: `target` cannot be written.
    """
    found = locate(source)
    if found.engine != "sqlite" or found.path is None:
        raise DatabaseError(f"{found.shown} is a {found.engine} database, not SQLite", found.shown)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".loading-") as folder:
            beside = Path(folder) / "new.duckdb"
            stored, left_out = _copy_database(found, beside)
            beside.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from None
    return Loaded(target, stored, left_out)


def loaded_folder(find: Callable[[str], Database], cache: Path) -> Callable[[str], Loaded]:
    """Return a function that loads a database on first use and finds it again later.

    Args:
        find: from a db_id to its SQLite database, such as `DataSet.database`.
        cache: folder of the DuckDB files; the key is the content of the SQLite file, so several
            data sets and processes may share it.

    Returns:
        From db_id to the loaded database. It raises what `load_into_duckdb` and `find` raise.
    """
    known: dict[str, Loaded] = {}

    def load(db_id: str) -> Loaded:
        if db_id not in known:
            check_db_id(db_id)
            known[db_id] = _load_cached(find(db_id), db_id, cache)
        return known[db_id]

    return load


def _load_cached(database: Database, db_id: str, cache: Path) -> Loaded:
    if database.path is None:
        raise DatabaseError(f"{database.shown} is no SQLite file", database.shown)
    target = cache / f"{db_id}-{_content_key(database.path)}.duckdb"
    record = target.with_suffix(".json")
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        if target.exists():
            return _read_record(record, target, db_id)
    loaded = load_into_duckdb(database.path, target)
    _write_record(record, loaded)
    return Loaded(target, loaded.stored, loaded.left_out, db_id)


def _content_key(path: Path) -> str:
    import duckdb

    digest = hashlib.sha256(f"{VERSION} {duckdb.__version__} ".encode())
    try:
        for part in (path, path.with_name(f"{path.name}-wal")):
            if part.exists():
                digest.update(part.read_bytes())
    except OSError as error:
        raise DatabaseError(f"cannot read {path}: {error.strerror}", str(path)) from None
    return digest.hexdigest()[:16]


def _read_record(record: Path, target: Path, db_id: str) -> Loaded:
    read = json.loads(record.read_text(encoding="utf-8"))
    stored = {(table, column): kind for table, column, kind in read["stored"]}
    return Loaded(target, stored, tuple(read["left_out"]), db_id)


def _write_record(record: Path, loaded: Loaded) -> None:
    stored = [[*path, kind] for path, kind in loaded.stored.items()]
    text = json.dumps({"stored": stored, "left_out": loaded.left_out}, ensure_ascii=False)
    write_whole(record, text)


def _copy_database(
    source: Database, target: Path
) -> tuple[dict[tuple[str, str], str], tuple[str, ...]]:
    import duckdb

    schema = read_schema(source)
    tables = [table for table in schema.tables if not table.view]
    left_out = [f"view {table.name}" for table in schema.tables if table.view]
    copies: dict[str, _Copy] = {}
    try:
        with (
            closing(_open_sqlite(source)) as sqlite,
            duckdb.connect(str(target), config={"threads": "1"}) as engine,
        ):
            engine.execute("ATTACH ':memory:' AS staging")
            for table in _parents_first(tables):
                copies[table.name] = _copy_table(table, sqlite, engine, copies)
    except sqlite3.Error as error:
        message = f"cannot read database {source.shown}: {error}"
        raise DatabaseError(message, source.shown) from None
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        raise DatabaseError(f"cannot load {source.shown}: {reason}", source.shown) from None
    stored = {}
    for table in tables:
        copy = copies[table.name]
        left_out += copy.left_out
        for column, kind, mixed in zip(table.columns, copy.types, copy.mixed, strict=True):
            stored[table.name.lower(), column.name.lower()] = "MIXED" if mixed else kind
    return stored, tuple(left_out)


def _open_sqlite(source: Database) -> sqlite3.Connection:
    assert source.path is not None
    log = source.path.with_name(f"{source.path.name}-wal")
    # reading a file in WAL mode without its log would make one beside it
    idle = read_head(source.path, 20)[18:20] == b"\x02\x02" and not log.exists()
    mode = "immutable=1" if idle else "mode=ro"
    connection = sqlite3.connect(f"{source.path.as_uri()}?{mode}", uri=True)
    connection.text_factory = lambda raw: raw.decode("utf-8", errors="ignore")
    return connection


def _parents_first(tables: list[Table]) -> Iterator[Table]:
    """Yield tables so that foreign keys lead back, as far as there is no circle."""
    by_name = {table.name: table for table in tables}
    begun: set[str] = set()
    pending = [(table, False) for table in reversed(tables)]
    while pending:
        table, parents_done = pending.pop()
        if parents_done:
            yield table
        elif table.name not in begun:
            begun.add(table.name)
            pending.append((table, True))
            parents = [by_name.get(key.table) for key in reversed(table.foreign_keys)]
            pending += [(parent, False) for parent in parents if parent is not None]


def _copy_table(
    table: Table, sqlite: sqlite3.Connection, engine: Any, copies: Mapping[str, _Copy]
) -> _Copy:
    copy = _plan(table, sqlite)
    _stage(copy, sqlite, engine)
    _refine(copy, engine)
    filled, keys = _filled(copy, engine), _keys(copy, engine, copies)
    names = [_quoted(column.name) for column in table.columns]
    lines = [
        f"{name} {kind}{' NOT NULL' if column.name in filled else ''}"
        for name, kind, column in zip(names, copy.types, table.columns, strict=True)
    ]
    engine.execute(f"CREATE TABLE {_quoted(table.name)} ({', '.join([*lines, *keys])})")
    casts = (f"CAST({name} AS {kind})" for name, kind in zip(names, copy.types, strict=True))
    engine.execute(f"INSERT INTO {_quoted(table.name)} SELECT {', '.join(casts)} FROM {_STAGE}")
    engine.execute(f"DROP TABLE {_STAGE}")
    return copy


def _plan(table: Table, sqlite: sqlite3.Connection) -> _Copy:
    """Choose a type for each column by what its values are."""
    names = [_quoted(column.name) for column in table.columns]
    probes = ", ".join(f"group_concat(DISTINCT typeof({name}))" for name in names)
    row = sqlite.execute(f"SELECT {probes} FROM {_quoted(table.name)}").fetchone()
    types, mixed = [], []
    for column, name, found in zip(table.columns, names, row, strict=True):
        held = frozenset((found or "").split(",")) - {"", "null"}
        kind = _HELD.get(held) if held else _declared_type(column.type)
        if held == {"integer", "real"} and _too_long(table, name, sqlite):
            kind = None
        types.append(kind or "VARCHAR")
        mixed.append(kind is None)
    return _Copy(table, types, mixed)


def _too_long(table: Table, name: str, sqlite: sqlite3.Connection) -> bool:
    """Tell whether a double would lose digits of a column's integers."""
    query = (
        f"SELECT 1 FROM {_quoted(table.name)} WHERE typeof({name}) = 'integer'"
        f" AND {name} NOT BETWEEN -{_EXACT} AND {_EXACT} LIMIT 1"
    )
    return sqlite.execute(query).fetchone() is not None


def _declared_type(declared: str) -> str:
    """Return the type of a column without values: https://sqlite.org/datatype3.html, section 3.1.

    What SQLite calls NUMERIC is told apart by name: dates, booleans, the rest are numbers.
    """
    declared = declared.upper()
    if "INT" in declared:
        return "BIGINT"
    if not declared or any(word in declared for word in ("CHAR", "CLOB", "TEXT", "STRING")):
        return "VARCHAR"
    if "BLOB" in declared:
        return "BLOB"
    for word, kind in (*_REFINED, ("BOOL", "BOOLEAN")):
        if word in declared:
            return kind
    return "DOUBLE"


def _stage(copy: _Copy, sqlite: sqlite3.Connection, engine: Any) -> None:
    """Bring the rows over, in types that hold every value, in the order of the SQLite file."""
    names = [_quoted(column.name) for column in copy.table.columns]
    kinds = [kind if kind in _HELD.values() else "VARCHAR" for kind in copy.types]
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True))
    engine.execute(f"CREATE TABLE {_STAGE} ({columns})")
    chosen = ", ".join(
        f"CAST({name} AS TEXT)" if mixed else name
        for name, mixed in zip(names, copy.mixed, strict=True)
    )
    # without an index: it would hand out the rows in its own order
    rows = sqlite.execute(f"SELECT {chosen} FROM {_quoted(copy.table.name)} NOT INDEXED")
    lists = ", ".join(f"unnest(CAST(${n} AS {kind}[]))" for n, kind in enumerate(kinds, 1))
    while batch := rows.fetchmany(_BATCH):
        values = [list(column) for column in zip(*batch, strict=True)]
        engine.execute(f"INSERT INTO {_STAGE} SELECT {lists}", values)


def _refine(copy: _Copy, engine: Any) -> None:
    """Give dates, times and booleans their declared type, where every value reads back the same."""
    wanted: dict[int, tuple[str, str]] = {}
    for place, column in enumerate(copy.table.columns):
        kind, name = copy.types[place], _quoted(column.name)
        refined = next((new for word, new in _REFINED if word in column.type.upper()), None)
        if kind == "VARCHAR" and refined and not copy.mixed[place]:
            same = f"CAST(TRY_CAST({name} AS {refined}) AS VARCHAR) IS NOT DISTINCT FROM {name}"
            wanted[place] = refined, same
        elif kind == "BIGINT" and "BOOL" in column.type.upper():
            wanted[place] = "BOOLEAN", f"coalesce({name} IN (0, 1), true)"
    if not wanted:
        return
    tests = ", ".join(f"coalesce(bool_and({same}), true)" for _, same in wanted.values())
    fits = engine.execute(f"SELECT {tests} FROM {_STAGE}").fetchone()
    for (place, (kind, _)), fit in zip(wanted.items(), fits, strict=True):
        if fit:
            copy.types[place] = kind


def _filled(copy: _Copy, engine: Any) -> set[str]:
    """Return the columns that are declared NOT NULL and hold no NULL; note the others."""
    found = set()
    for column in copy.table.columns:
        if column.nullable or column.name in copy.table.primary_key:
            continue
        query = f"SELECT 1 FROM {_STAGE} WHERE {_quoted(column.name)} IS NULL LIMIT 1"
        if engine.execute(query).fetchone() is None:
            found.add(column.name)
        else:
            copy.left_out.append(f"not null {copy.table.name}.{column.name}")
    return found


def _keys(copy: _Copy, engine: Any, copies: Mapping[str, _Copy]) -> list[str]:
    """Return the declared keys that the rows keep, as constraints; note the others."""
    kept, table = [], copy.table
    if table.primary_key:
        if _is_key(table.primary_key, engine):
            kept.append(f"PRIMARY KEY ({_list(table.primary_key)})")
        else:
            copy.left_out.append(f"primary key {table.name}({', '.join(table.primary_key)})")
    for key in table.foreign_keys:
        if _leads(copy, key, engine, copies):
            parent = f"{_quoted(key.table)} ({_list(key.referred)})"
            kept.append(f"FOREIGN KEY ({_list(key.columns)}) REFERENCES {parent}")
        else:
            target = f"{key.table}({', '.join(key.referred)})"
            columns = ", ".join(key.columns)
            copy.left_out.append(f"foreign key {table.name}({columns}) to {target}")
    return kept


def _is_key(columns: tuple[str, ...], engine: Any) -> bool:
    """Tell whether the staged rows have one value each, and no NULL, in these columns."""
    nulls = " OR ".join(f"{_quoted(column)} IS NULL" for column in columns)
    repeated = f"SELECT 1 FROM {_STAGE} GROUP BY {_list(columns)} HAVING count(*) > 1"
    query = f"(SELECT 1 FROM {_STAGE} WHERE {nulls} LIMIT 1) UNION ALL ({repeated} LIMIT 1)"
    return engine.execute(query).fetchone() is None


def _leads(copy: _Copy, key: ForeignKey, engine: Any, copies: Mapping[str, _Copy]) -> bool:
    """Tell whether every staged row has its parent, and DuckDB could declare it."""
    parent = copies.get(key.table)
    if parent is None or set(key.referred) != set(parent.table.primary_key):
        return False
    if any(name.startswith(f"primary key {key.table}(") for name in parent.left_out):
        return False
    ours = [_type_of(copy, column) for column in key.columns]
    if ours != [_type_of(parent, column) for column in key.referred]:
        return False
    known = " AND ".join(f"{_quoted(column)} IS NOT NULL" for column in key.columns)
    values = ", ".join(
        f"CAST({_quoted(column)} AS {kind})" for column, kind in zip(key.columns, ours, strict=True)
    )
    parents = f"SELECT {_list(key.referred)} FROM {_quoted(key.table)}"
    query = f"SELECT {values} FROM {_STAGE} WHERE {known} EXCEPT {parents} LIMIT 1"
    return engine.execute(query).fetchone() is None


def _type_of(copy: _Copy, column: str) -> str:
    names = [c.name for c in copy.table.columns]
    return copy.types[names.index(column)]


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    return quoted(name, "duckdb")
