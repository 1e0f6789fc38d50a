"""A schema as one user sees it, and the guards of its tables: the policy view.

    >>> view = see(schema, policy, {"role": "seller", "tenants": [3]})
    >>> [table.name for table in view.schema.tables]
    ['orders', 'products']

Everything that is told to a user is made from `view.schema`: the prompt, the names that a checker
knows, "did you mean". What depends on rows as well is kept under `view.key`.

A view of the database is guarded where it stands on guarded tables: its query is taken for it, with
the guards of those tables in it. It is hidden where it reads what the user may not see, or cannot
be read. A rule that says its `rows` (if only `all`) takes it as the database computes it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from text2sql.access.attributes import User, parse_condition
from text2sql.access.guards import Guard, make_guard, parse_query
from text2sql.access.policy import Policy, Rule
from text2sql.access.replacing import fill, replace_tables
from text2sql.errors import PolicyError, UnknownName, hint
from text2sql.execution.results import Refusal
from text2sql.schema.canonical import DEFAULT_NAMESPACES, canonicalise
from text2sql.schema.model import ForeignKey, Schema, Table

DIALECTS = ("sqlite", "duckdb", "postgres")
PREFIX = "t2s_"  # of every name that guards and rewriting make

_Name = tuple[str, str]  # namespace ("" where none is needed) and name, folded


@dataclass(frozen=True, slots=True)
class View:
    """What one user sees of a database, and how much at once."""

    schema: Schema
    guards: Mapping[_Name, Guard] = field(repr=False)
    limit: int | None = None
    max_cost: float | None = None
    functions: frozenset[str] = frozenset()
    database_role: str | None = None

    @property
    def dialect(self) -> str:
        """Of the database."""
        return self.schema.dialect

    @property
    def key(self) -> str:
        """A hash of what is seen, rows included: equal for users who see and may do the same."""
        written = [(name, guard.sql) for name, guard in sorted(self.guards.items())]
        allowed = (self.limit, self.max_cost, self.database_role)
        text = repr((self.schema.fingerprint(), written, *allowed))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def find(self, node: exp.Table) -> Guard:
        """Return the guard of a table that a statement names.

        Raises:
            Refusal: the user sees no such table; the nearest that they see is named.
        """
        name = _folded(node, self.dialect)
        guard = self.guards.get(name) if name is not None else None
        if guard is None:
            shown = ".".join(part.name for part in node.parts)
            known = [table.full_name for table in self.schema.tables]
            raise Refusal(
                "missing",
                f"no table {shown!r} in database {self.schema.name!r} ({hint(shown, known)})",
            )
        return guard

    def knows(self, name: str, namespace: str) -> bool:
        """Tell whether a user sees a table of that name in that namespace."""
        node = exp.Table(this=exp.to_identifier(name), db=exp.to_identifier(namespace))
        return _folded(node, self.dialect) in self.guards

    def without(self, names: Sequence[str]) -> "View":
        """Return the view without some tables, named by their full names."""
        kept = {n: g for n, g in self.guards.items() if g.table.full_name not in names}
        return replace(self, schema=_schema(self.schema, kept), guards=kept)


def _folded(node: exp.Table, dialect: str) -> _Name | None:
    if node.catalog:
        return None
    namespace = node.db.casefold()
    default = DEFAULT_NAMESPACES.get(dialect, "main")
    return ("" if namespace == default else namespace), node.name.casefold()


def _name(table: Table) -> _Name:
    return (table.namespace or "").casefold(), table.name.casefold()


def see(
    schema: Schema,
    policy: Policy,
    user: User | None = None,
    *,
    definitions: Mapping[str, str] | None = None,
) -> View:
    """Return what a user sees of a database.

    Args:
        schema: all of it that the project knows.
        policy: see `policy`.
        user: their attributes, `role` or `roles` among them; None has none.
        definitions: of the database's views, by full name (`definitions.read_definitions`); a view
            that is not in it is hidden unless a rule says its rows.

    Raises:
        PolicyError: a rule names what does not exist, the user lacks an attribute, or has a role
            that the policy lacks; or the database is of no kind that policies work on.
    """
    _check_names(schema, policy)
    user = user or {}
    guards = _Guards(schema, policy, user, definitions or {}).all()
    return View(
        _schema(schema, guards),
        guards,
        policy.least(user, "limit"),
        policy.least(user, "max_cost"),
        frozenset(name.lower() for name in policy.functions),
        policy.database_role_of(user),
    )


def check_policy(schema: Schema, policy: Policy) -> None:
    """Make sure that a policy can hold on a database, whoever asks.

    Raises:
        PolicyError: a rule names what does not exist, or has a condition that cannot be read; the
            database is of no kind that policies work on.
    """
    _check_names(schema, policy)
    for _, rules in policy.parts():
        for rule in rules.values():
            if rule.rows not in (None, "all", "none"):
                parse_condition(str(rule.rows), schema.dialect)


def _check_names(schema: Schema, policy: Policy) -> None:
    if schema.dialect not in DIALECTS:
        dialects = ", ".join(DIALECTS)
        raise PolicyError(f"a policy cannot guard {schema.dialect} (known dialects: {dialects})")
    known = {table.full_name.casefold() for table in schema.tables}
    place = f"in database {schema.name!r}"
    for where, rules in policy.parts():
        for name in rules:
            if not set("*?[") & set(name) and name.casefold() not in known:
                names = [table.full_name for table in schema.tables]
                raise PolicyError(f"policy, {where}: {UnknownName('table', name, names, place)}")
    taken = next((t.name for t in schema.tables if t.name.lower().startswith(PREFIX)), None)
    if taken is not None:
        raise PolicyError(f"table {taken!r} has a name that guards need for themselves: {PREFIX}*")


def _schema(schema: Schema, guards: Mapping[_Name, Guard]) -> Schema:
    """Return the schema of what is guarded, with the keys between what is left of it."""
    tables = [guards[_name(table)].table for table in schema.tables if _name(table) in guards]
    kept = Schema(schema.name, schema.dialect, tuple(tables))
    return replace(
        kept,
        tables=tuple(
            replace(t, foreign_keys=tuple(k for k in t.foreign_keys if _leads(k, guards)))
            for t in tables
        ),
    )


def _leads(key: ForeignKey, guards: Mapping[_Name, Guard]) -> bool:
    guard = guards.get(((key.namespace or "").casefold(), key.table.casefold()))
    return guard is not None and all(guard.table.column(name) for name in key.referred)


class _Guards:
    """Makes the guards of a schema, those of views from those of the tables that they read."""

    def __init__(
        self, schema: Schema, policy: Policy, user: User, definitions: Mapping[str, str]
    ) -> None:
        self.schema, self.policy, self.user, self.definitions = schema, policy, user, definitions
        self.tables = {_name(table): table for table in schema.tables}
        self.made: dict[_Name, Guard | None] = {}

    def all(self) -> dict[_Name, Guard]:
        """Return the guards of everything that the user sees."""
        found = {name: self.guard(name) for name in self.tables}
        return {name: guard for name, guard in found.items() if guard is not None}

    def guard(self, name: _Name) -> Guard | None:
        """Return one guard; None for what the user does not see."""
        if name not in self.made:
            self.made[name] = None  # a view that stands on itself is none
            self.made[name] = self._make(self.tables[name])
        return self.made[name]

    def _make(self, table: Table) -> Guard | None:
        rules = self.policy.rules_for(self.user, table)
        if not rules:
            return None
        strict = self.policy.names(self.user, table)
        if not table.view or any(rule.rows is not None for rule in rules):
            return make_guard(table, rules, self.user, self.schema.dialect, strict=strict)
        return self._expanded(table, rules, strict)

    def _expanded(self, table: Table, rules: Sequence[Rule], strict: bool) -> Guard | None:
        dialect, sql = self.schema.dialect, self.definitions.get(table.full_name, "")
        query = parse_query(canonicalise(sql, self.schema), dialect)
        if query is None:
            return None
        try:
            query, places = replace_tables(query, self._found, dialect)
        except Refusal:
            return None
        fill(places)
        used = [place.guard for place in places]
        guard = make_guard(table, rules, self.user, dialect, definition=query, strict=strict)
        if guard is None:
            return None
        reads = frozenset(read for base in used for read in base.reads)
        said = tuple(line for base in used for line in base.said)
        return replace(guard, reads=reads, said=tuple(dict.fromkeys((*guard.said, *said))))

    def _found(self, node: exp.Table) -> Guard:
        name = _folded(node, self.schema.dialect)
        guard = self.guard(name) if name in self.tables and name is not None else None
        if guard is None:
            raise Refusal("missing", f"no table {node.name!r}")
        return guard
