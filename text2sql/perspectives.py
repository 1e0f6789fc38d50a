"""A database as one user sees it, with everything that is made from that once.

    >>> views = Perspectives(database, executor, policy=load_policy("policy.yaml"))
    >>> views.of({"role": "seller", "tenants": [3]}).execute("SELECT count(*) FROM orders").rows
    [(17,)]

A perspective has the schema that prompts are made of, sample rows, the index of values, the pairs
that may be shown, and a door through which all of that was read. Users who see the same share one.

Covered: a schema that changes (of a file at once, of a server within `refresh` seconds), after
which everything is made anew; contents that change, after `refresh` seconds; threads.
Not covered: changes of the policy file: open another predictor.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from text2sql.access import Door, Policy, load_policy, open_door
from text2sql.access.attributes import User, signature
from text2sql.access.definitions import read_definitions
from text2sql.access.rewriting import Rewritten
from text2sql.access.views import check_policy
from text2sql.cells import CellsOfTables, DatabaseCells
from text2sql.databases import Database
from text2sql.decoding.verification import verify
from text2sql.errors import DatabaseError, PolicyError, SettingsError
from text2sql.execution import Execution, Executor
from text2sql.execution.results import Refusal
from text2sql.execution.sampling import Values, sampler, value_lister
from text2sql.pairs import Pair, ranked
from text2sql.schema import canonicalise, read_schema
from text2sql.schema.mentions import StoredCells
from text2sql.schema.model import ForeignKey, Schema
from text2sql.schema.rendering import Sample

KEPT = 64  # perspectives
KEPT_NARROWED = 16  # of each, choices of tables
SHOWN_PAIRS = 3  # verified pairs in a prompt
REFRESH_SECONDS = 300.0
_TRIED = 12  # pairs that are looked at for each question


@dataclass(frozen=True, slots=True, eq=False)
class Perspective:
    """What one user sees of a database; `door` is None where there is no policy."""

    schema: Schema
    database: Database
    executor: Executor
    door: Door | None
    sample: Sample
    cells: StoredCells
    values: Values
    pairs: tuple[Pair, ...]
    _allowed: dict[Pair, bool] = field(default_factory=dict, repr=False)
    _narrowed: "dict[frozenset[str], Perspective]" = field(default_factory=dict, repr=False)

    def narrowed(self, tables: Sequence[str]) -> "Perspective":
        """Return what is seen of some tables alone: no prompt, name or SQL has any other.

        Raises:
            UnknownName: a table that is not seen; the nearest is named.
        """
        chosen = [self.schema.find_table(name).full_name for name in tables]
        key = frozenset(chosen)
        if key not in self._narrowed:
            while len(self._narrowed) >= KEPT_NARROWED:
                self._narrowed.pop(next(iter(self._narrowed)), None)
            self._narrowed[key] = replace(
                self,
                schema=_reduced(self.schema, key),
                cells=CellsOfTables(self.cells, key),
                _allowed={},
                _narrowed={},
            )
        return self._narrowed[key]

    def execute(self, sql: str, *, timeout: float, **caps: Any) -> Execution:
        """Run a statement as this user; `caps` as `Executor.execute` has them."""
        if self.door is not None:
            return self.door.execute(sql, timeout=timeout, **caps)
        return self.executor.execute(sql, self.database, timeout=timeout, **caps)

    def explain(self, sql: str) -> Execution:
        """Ask the engine for a plan as this user."""
        if self.door is not None:
            return self.door.explain(sql)
        return self.executor.explain(sql, self.database)

    def rewritten(self, sql: str) -> Rewritten | None:
        """Return what runs in a statement's place; None without a policy, or where nothing does."""
        try:
            return self.door.rewrite(sql) if self.door is not None else None
        except Refusal:
            return None

    def pairs_for(self, question: str, count: int) -> list[Pair]:
        """Return the verified pairs that are most like a question and may be shown."""
        near = (pair for pair, _ in islice(ranked(question, self.pairs), _TRIED))
        return list(islice((pair for pair in near if self._may_show(pair)), count))

    def turns_for(self, question: str) -> list[tuple[str, str]]:
        """Return those pairs as earlier turns of a conversation, the nearest last."""
        pairs = self.pairs_for(question, SHOWN_PAIRS) if self.pairs else []
        return [(pair.question, pair.sql) for pair in reversed(pairs)]

    def _may_show(self, pair: Pair) -> bool:
        if pair not in self._allowed:
            self._allowed[pair] = self._is_seen(pair)
        return self._allowed[pair]

    def _is_seen(self, pair: Pair) -> bool:
        """Tell whether a pair says nothing that this user does not see.

        Its tables and columns have to be in the schema. Where rows are kept back, a constant may be
        a value of somebody else's: such a pair is not shown.
        """
        if not verify(canonicalise(pair.sql, self.schema), self.schema).valid:
            return False
        if self.door is None:
            return True
        rewritten = self.rewritten(pair.sql)
        return rewritten is not None and not (rewritten.wall.guards and _has_constant(pair.sql))


def _reduced(schema: Schema, names: frozenset[str]) -> Schema:
    """Return a schema of some tables, with the keys between them."""
    kept = [table for table in schema.tables if table.full_name in names]
    places = {((t.namespace or "").casefold(), t.name.casefold()) for t in kept}

    def leads(key: ForeignKey) -> bool:
        return ((key.namespace or "").casefold(), key.table.casefold()) in places

    tables = (replace(t, foreign_keys=tuple(k for k in t.foreign_keys if leads(k))) for t in kept)
    return replace(schema, tables=tuple(tables))


def _has_constant(sql: str) -> bool:
    tree = sqlglot.parse_one(sql, error_level=sqlglot.ErrorLevel.IGNORE)
    return tree is None or tree.find(exp.Literal) is not None or '"' in sql


class Perspectives:
    """The perspectives of the users of one database, each made when first needed."""

    def __init__(
        self,
        database: Database,
        executor: Executor,
        *,
        policy: Policy | None = None,
        pairs: Sequence[Pair] = (),
        refresh: float = REFRESH_SECONDS,
        may_be_empty: bool = False,
    ) -> None:
        """Read the schema.

        Raises:
            DatabaseError: the database cannot be read, or has no tables and may not be empty.
        """
        self.database, self.executor, self.policy = database, executor, policy
        self._may_be_empty = may_be_empty
        self.pairs, self.refresh = tuple(pairs), refresh
        self._lock = threading.RLock()
        self._kept: OrderedDict[str, Perspective] = OrderedDict()
        self._shared: dict[str, Perspective] = {}
        self._looked, self._state = time.monotonic(), _state(database)
        self._stale = False  # something has changed since perspectives were made
        self.schema, self._definitions = self._read()

    def of(self, user: User | None = None) -> Perspective:
        """Return what a user sees.

        Raises:
            PolicyError: the policy does not let them in, or shows them no table.
            DatabaseError: the database cannot be read.
        """
        key = signature(user) if self.policy is not None else ""
        with self._lock:
            self._look()
            if key not in self._kept:
                while len(self._kept) >= KEPT:
                    self._kept.popitem(last=False)
                self._kept[key] = self._make(user)
                alive = set(map(id, self._kept.values()))
                self._shared = {k: p for k, p in self._shared.items() if id(p) in alive}
            self._kept.move_to_end(key)
            return self._kept[key]

    def _read(self) -> tuple[Schema, dict[str, str]]:
        schema = read_schema(self.database)
        if not schema.tables and not self._may_be_empty:
            shown = self.database.shown
            raise DatabaseError(f"database {shown} has no tables", shown)
        if self.policy is not None:
            check_policy(schema, self.policy)
        guarded = self.policy is not None and any(table.view for table in schema.tables)
        return schema, read_definitions(self.database) if guarded else {}

    def _look(self) -> None:
        """Forget everything where the schema is another one, or the contents and some time passed.

        A file says by its state that something has changed; a server is asked now and then.
        """
        now, state = time.monotonic(), _state(self.database)
        due = now - self._looked > self.refresh
        changed = state != self._state
        self._stale = self._stale or changed
        if changed or (due and not state):
            read = self._read()
            self._stale = self._stale or read != (self.schema, self._definitions)
            due = due or read != (self.schema, self._definitions)
            self.schema, self._definitions = read
        if due:
            self._looked = now
            if self._stale:
                self._kept.clear()
                self._shared.clear()
            self._stale = False
        self._state = state

    def _make(self, user: User | None) -> Perspective:
        if self.policy is None:
            return self._perspective(self.schema, None, "")
        parts = (self.executor, self.database, self.schema, self.policy, user)
        door = open_door(*parts, definitions=self._definitions)
        if not door.view.schema.tables:
            raise PolicyError(f"the user sees no table of database {self.schema.name!r}")
        key = door.view.key
        if key not in self._shared:
            self._shared[key] = self._perspective(door.view.schema, door, key)
        return self._shared[key]

    def _perspective(self, schema: Schema, door: Door | None, key: str) -> Perspective:
        read, database = door.read if door else None, self.database
        return Perspective(
            schema,
            database,
            self.executor,
            door,
            sampler(database, read=read),
            DatabaseCells(database, schema, read=read, view=key),
            value_lister(database, schema=schema, read=read),
            self.pairs,
        )


PolicySource = str | Path | Policy | dict[str, Any] | None


def open_perspectives(
    database: Database, executor: Executor, *, policy: PolicySource = None, **options: Any
) -> Perspectives:
    """Return the perspectives of a database under a policy, else under its own of text2sql.yaml.

    Args:
        database: with the pairs that may be shown.
        executor: runs the statements.
        policy: a YAML file or its content.
        **options: what else `Perspectives` takes.

    Raises:
        PolicyError: the policy cannot be read.
        DatabaseError: as `Perspectives`.
    """
    ruled = policy if policy is not None else database.policy
    found = None if ruled is None else load_policy(ruled)
    return Perspectives(database, executor, policy=found, pairs=database.pairs, **options)


@contextmanager
def seen_by(
    user: User | None, database: Database, *, policy: PolicySource = None
) -> Iterator[Perspective]:
    """Open what one user sees of a database, which may be empty, for one command.

    Raises:
        SettingsError: somebody asks, and there is no policy that says what they see.
        PolicyError: the policy cannot be read, does not let them in, or shows them no table.
        DatabaseError: the database cannot be read.
    """
    check_user(user, database, policy)
    with Executor(database) as executor:
        views = open_perspectives(database, executor, policy=policy, may_be_empty=True)
        yield views.of(user)


def check_user(user: User | None, database: Database, policy: PolicySource) -> None:
    """Refuse a user where nothing says what they see: all would be shown.

    Raises:
        SettingsError: there is no policy.
    """
    if user is not None and policy is None and database.policy is None:
        raise SettingsError(
            f"--user says who asks under a policy, and database {database.name!r} has none:"
            " give --policy, or name one in text2sql.yaml"
        )


def _state(database: Database) -> tuple[int, ...]:
    """Return what changes when a file changes; nothing for a server."""
    if database.path is None:
        return ()
    found = []
    for suffix in ("", "-wal"):
        try:
            stat = database.path.with_name(database.path.name + suffix).stat()
            found += [stat.st_ino, stat.st_size, stat.st_mtime_ns]
        except OSError:
            found.append(0)
    return tuple(found)
