"""What the gold queries of a database ask of its columns.

    >>> demands = read_demands(queries, profile)
    >>> demands["singer", "age"].constants, demands["singer", "age"].sorts
    ((20, 30), True)

A copy tells right from wrong near the constants of a query, at the edge of its groups, and only
where its order leaves no choice; so constants, sort keys and counted groups are what matters.

Covered: comparisons, BETWEEN, IN, LIKE; ORDER BY, min and max; sum and avg; GROUP BY with HAVING
or an ordering; constants of a key hold for what points at it.
Not covered: constants that are computed; columns of derived tables.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from text2sql.data.neighbours.profiles import Profile, Value
from text2sql.data.neighbours.queries import Query, own_nodes, sources

PREDICATES = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.In, exp.Between)
_MOST = 400  # a larger threshold would make every copy large


@dataclass(slots=True)
class Demand:
    """What gold asks of one column."""

    constants: tuple[Value, ...] = ()
    patterns: tuple[str, ...] = ()  # of LIKE
    sorts: bool = False  # its order decides a result
    sums: bool = False  # under sum or avg, whose last digits depend on the order of rows
    grouped: bool = False  # the sizes of its groups decide a result
    sizes: tuple[int, ...] = ()  # numbers that gold compares those sizes with


Demands = dict[tuple[str, str], Demand]


@dataclass(slots=True)
class _Notes:
    constants: list[Value] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)


def read_demands(queries: Sequence[Query], profile: Profile) -> Demands:
    """Return the demands by (table, column), both as the profile spells them."""
    notes: dict[tuple[str, str], _Notes] = defaultdict(_Notes)
    for query in queries:
        for select in query.tree.find_all(exp.Select) if query.tree else ():
            _read_select(select, profile, notes)
    _spread_over_keys(profile, notes)
    return {
        key: Demand(
            tuple(dict.fromkeys(found.constants)),
            tuple(dict.fromkeys(found.patterns)),
            "sorts" in found.flags,
            "sums" in found.flags,
            "grouped" in found.flags,
            tuple(dict.fromkeys(found.sizes)),
        )
        for key, found in notes.items()
    }


def _read_select(
    select: exp.Select, profile: Profile, notes: dict[tuple[str, str], _Notes]
) -> None:
    names = sources(select, profile)

    def places(node: exp.Expr) -> Iterator[tuple[str, str]]:
        for column in (c for c in own_nodes(node, exp.Column) if isinstance(c, exp.Column)):
            table = profile.tables.get(names.get(column.table, ""))
            for each in table.columns if table else ():
                if table and each.name.casefold() == column.name.casefold():
                    yield table.name, each.name

    for predicate in own_nodes(select, *PREDICATES):
        values = list(literals(predicate))
        for place in places(predicate):
            if isinstance(predicate, exp.Like):
                notes[place].patterns += [value for value in values if isinstance(value, str)]
            else:
                notes[place].constants += values
    aliases = {each.alias: each.this for each in select.selects if isinstance(each, exp.Alias)}
    for key in own_nodes(select, exp.Ordered, exp.Min, exp.Max):
        named = key.this.name if isinstance(key.this, exp.Column) and not key.this.table else None
        for place in places(aliases.get(named, key) if named else key):
            notes[place].flags.add("sorts")
    for total in own_nodes(select, exp.Sum, exp.Avg):
        for place in places(total):
            notes[place].flags.add("sums")
    group = select.args.get("group")
    groups = [place for each in (group.expressions if group else ()) for place in places(each)]
    _read_groups(select, profile, notes, list(names.values()), groups)


def _read_groups(
    select: exp.Select,
    profile: Profile,
    notes: dict[tuple[str, str], _Notes],
    tables: list[str],
    groups: list[tuple[str, str]],
) -> None:
    """Mark what groups rows: the columns of GROUP BY, and the foreign keys that join to them."""
    decided = select.args.get("having") or select.args.get("order")
    if not groups or decided is None:
        return
    having = select.args.get("having")
    sizes = [
        value
        for value in (literals(having) if having else ())
        if isinstance(value, int) and 0 <= value <= _MOST
    ]
    keys = [
        (table, profile.tables[table].columns[place].name)
        for table in tables
        for link in profile.tables[table].links
        for place in link.columns
        if link.parent in tables
    ]
    for place in [*groups, *keys]:
        notes[place].flags.add("grouped")
        notes[place].sizes += sizes


def literals(node: exp.Expr) -> Iterator[Value]:
    """Yield the constants of a predicate, those of its subqueries excluded."""
    for literal in own_nodes(node, exp.Literal):
        yield literal_value(literal)


def literal_value(literal: exp.Expr) -> Value:
    """Return the value that a literal stands for, its sign included."""
    if literal.args.get("is_string"):
        return str(literal.this)
    sign = -1 if isinstance(literal.parent, exp.Neg) else 1
    text = str(literal.this)
    return sign * (int(text) if text.isdigit() else float(text))


def _spread_over_keys(profile: Profile, notes: dict[tuple[str, str], _Notes]) -> None:
    """Give both ends of a foreign key the constants of either, so that they can meet."""
    for table in profile.tables.values():
        for link in table.links:
            parent = profile.tables[link.parent]
            for here, there in zip(link.columns, link.referred, strict=True):
                ours = notes[table.name, table.columns[here].name]
                theirs = notes[parent.name, parent.columns[there].name]
                theirs.constants += ours.constants
                ours.constants = list(theirs.constants)
                theirs.patterns += ours.patterns
