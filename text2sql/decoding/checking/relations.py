"""What a name in FROM stands for: columns in order, and the quick questions asked about them.

    >>> singer = relation([b"singer_id", b"name"])
    >>> singer.count(b"name"), singer.has_prefix(b"na")
    (1, True)

Names are bytes, folded as the dialect folds them. A column without a name of its own, as `count(*)`
in a derived table, is None: it takes part in `*` and in the number of columns, and nothing can
refer to it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from text2sql.decoding.checking.dialects import Dialect
from text2sql.schema.model import Schema

STAR = b"*"  # stands for all columns; one that is called so is nameless here
Origin = tuple[str, str] | None  # (table, column) of the database, None for what is computed


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """The columns of a table, view, derived table or common table expression."""

    names: tuple[bytes | None, ...]
    origins: tuple[Origin, ...]
    kinds: tuple[str, ...]
    counts: dict[bytes, int]
    places: dict[bytes, int]  # of names that occur once
    ordered: tuple[bytes, ...]  # names that occur once, sorted
    fixed: frozenset[bytes] = frozenset()  # columns that are constants
    key: frozenset[bytes] = frozenset()  # that tells rows apart: GROUP BY of it covers every column
    lent: frozenset[bytes] = frozenset()  # what columns without a name may be called
    types: tuple[str | None, ...] = ()  # to the letter, where a dialect tells; None: not sure
    opaque: bool = False  # sqlglot does not know its columns

    def count(self, name: bytes) -> int:
        """Return how many columns have that name."""
        return self.counts.get(name, 0)

    def with_prefix(self, prefix: bytes) -> Iterator[bytes]:
        """Yield the names that can be referred to and begin so."""
        return with_prefix(self.ordered, prefix)

    def has_prefix(self, prefix: bytes) -> bool:
        """Tell whether a name that can be referred to begins so."""
        return next(self.with_prefix(prefix), None) is not None


Tables = dict[bytes, Relation]


def with_prefix(ordered: tuple[bytes, ...], prefix: bytes) -> Iterator[bytes]:
    """Yield the sorted names that begin with a prefix."""
    for place in range(bisect_left(ordered, prefix), len(ordered)):
        if not ordered[place].startswith(prefix):
            return
        yield ordered[place]


def relation(
    names: Iterable[bytes | None],
    origins: Iterable[Origin] | None = None,
    kinds: Iterable[str] | None = None,
    shadows: Iterable[bytes] = (),
    *,
    fixed: Iterable[bytes] = (),
    key: Iterable[bytes] = (),
    types: Iterable[str | None] | None = None,
    opaque: bool = False,
) -> Relation:
    """Make a relation of columns in order.

    Args:
        names: of the columns; None: without one.
        origins: which columns of the database they are.
        kinds: of their values.
        shadows: names that nobody may refer to, because an engine may know them or not.
        fixed: names of columns that are constants.
        key: names of those that tell rows apart.
        types: of the columns, to the letter; None: not sure.
        opaque: sqlglot does not know them.
    """
    names, lent = tuple(names), frozenset(shadows)
    counts = Counter(name for name in names if name is not None)
    counts.update(shadow for shadow in lent for _ in range(2))
    once = {name: place for place, name in enumerate(names) if name and counts[name] == 1}
    return Relation(
        names,
        tuple(origins) if origins is not None else (None,) * len(names),
        tuple(kinds) if kinds is not None else ("any",) * len(names),
        dict(counts),
        once,
        tuple(sorted(once)),
        frozenset(fixed),
        frozenset(key),
        lent,
        tuple(types) if types is not None else (None,) * len(names),
        opaque,
    )


def _key(dialect: Dialect, name: str) -> bytes | None:
    return None if name == "*" else dialect.stored(name)


def table_relations(
    schema: Schema, dialect: Dialect, kind_of: Callable[[str], str]
) -> dict[bytes | None, Tables]:
    """Return the relation of each table by its folded name, by namespace.

    None is the namespace that needs no prefix; it is known by its own name too, where the dialect
    has one. Of two names that fold alike the first counts.

    Args:
        schema: whose tables are wanted.
        dialect: folds their names.
        kind_of: what the values of a declared type are.
    """
    found: dict[bytes | None, Tables] = {None: {}}
    for table in schema.tables:
        if dialect.system_prefix and dialect.stored(table.name).startswith(dialect.system_prefix):
            continue  # the execution room lets nobody read it
        if table.name == STAR.decode():
            continue
        made = relation(
            [_key(dialect, column.name) for column in table.columns],
            [(table.full_name, column.name) for column in table.columns],
            [kind_of(column.type) for column in table.columns],
            key=[dialect.stored(name) for name in table.primary_key if not table.view],
            types=[dialect.type_of(column.type) for column in table.columns],
        )
        namespace = dialect.stored(table.namespace) if table.namespace else None
        found.setdefault(namespace, {}).setdefault(dialect.stored(table.name), made)
    if dialect.namespace and found[None]:
        known = found[None]
        if dialect.opaque_namespace:
            known = {name: replace(table, opaque=True) for name, table in known.items()}
        found.setdefault(dialect.namespace, known)
    return found
