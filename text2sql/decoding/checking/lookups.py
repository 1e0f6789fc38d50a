"""What names stand for in the frames of a query: tables, CTEs, derived tables, their columns.

    >>> lookups.find_relation(block, b"singer").names
    (b'singer_id', b'name', b'country')

Covered: CTEs in sight, a CTE that repeats itself, columns that USING has merged, `*`.
Not covered: which names may stand where; see `obligations` and `resolution`.
"""

from collections.abc import Iterator
from typing import Any

from text2sql.decoding.checking.dialects import Dialect
from text2sql.decoding.checking.frames import Block, Frame, Frames, Output, Query, Reference
from text2sql.decoding.checking.relations import Relation, Tables, relation

INNER = frozenset({"scalar", "in", "exists", "limit"})  # roles of queries that are operands
DERIVED = frozenset({"derived", "lateral"})  # roles of queries that FROM holds
VALUES_KIND = "values"  # of columns of VALUES, where kinds do not matter
TRUTHS = frozenset({b"true", b"false"})
UNREADABLE = relation(())  # a CTE with more or fewer names than columns: FROM may not hold it


class Lookups:
    """The names of one schema, and those that a query gives itself."""

    def __init__(self, namespaces: dict[bytes | None, Tables], dialect: Dialect) -> None:
        self.namespaces, self.dialect, self.frames = namespaces, dialect, Frames()
        self.tables = namespaces[None]
        self.table_names = tuple(sorted(self.tables))
        every = (table for tables in namespaces.values() for table in tables.values())
        self.every_table = tuple(dict.fromkeys(table for table in every if not table.opaque))
        self.function_names = tuple(sorted(name.encode() for name in dialect.functions))
        self._derived: dict[tuple[Any, ...], Relation] = {}
        self.joins_itself = True  # whether a table may stand twice in one FROM
        self.invents = True  # whether a name before FROM may be one that only this query makes
        self.all_columns = frozenset(c for t in self.every_table for c in t.counts)
        self.column_names = tuple(sorted(self.all_columns))
        self.watches = False  # whether anybody asks which column a literal is compared with

    def with_block(self, frame: Any, block: Block) -> Any:
        """Return a frame whose SELECT is another."""
        if isinstance(frame, Block):
            return block
        return self.frames.change(frame, parent=self.with_block(frame.parent, block))

    def query_of(self, frame: Frame) -> Query:
        """Return the query expression that a frame is in."""
        while not isinstance(frame, Query):
            frame = frame.parent
        return frame

    def block_of(self, frame: Frame) -> Block:
        """Return the SELECT that a frame is in."""
        while not isinstance(frame, Block):
            frame = frame.parent
        return frame

    def find_relation(self, block: Block, name: bytes) -> Relation | None:
        """Return what a name in FROM stands for: a CTE in sight, else a table."""
        query = self.query_of(block)
        recursive = query.cte == name and query.recursion == "possible"
        if recursive and query.union and query.arms and self._names_columns(query):
            return self.relation_of(query)
        for known, found in reversed(query.names):
            if known == name:
                return None if found is UNREADABLE else found
        return self.tables.get(name)

    def _names_columns(self, query: Query) -> bool:
        """Tell whether a CTE that repeats itself has a name for each column, as sqlglot wants."""
        if query.columns or "nameless_recursion" not in self.dialect.features:
            return bool(query.columns)
        names = {output.name for output in query.outputs}
        return None not in names and len(names) == len(query.outputs)

    def relation_names(self, block: Block) -> tuple[bytes, ...]:
        """Return every name that FROM may hold here."""
        query = self.query_of(block)
        extra = {name for name, _ in query.names}
        if query.cte is not None:
            extra.add(query.cte)
        if not extra:
            return self.table_names
        every: set[bytes] = {*self.table_names, *extra}
        found = {n for n in every if self.find_relation(block, n)}
        return tuple(sorted(found))

    def relations(self, block: Block) -> Iterator[Relation]:
        """Yield everything that FROM may hold here: CTEs, and the tables of every namespace."""
        own = self.query_of(block)
        if own.names or own.cte is not None:
            known = (self.find_relation(block, name) for name in self.relation_names(block))
            yield from (found for found in known if found is not None)
        yield from self.every_table

    def relation_of(self, query: Query) -> Relation:
        """Return the relation that a finished query makes; equal ones are one object."""
        names: tuple[bytes | None, ...] = query.columns or tuple(o.name for o in query.outputs)
        lent = () if query.columns else tuple(o.shadows for o in query.outputs)
        shadows = tuple(sorted(frozenset().union(*lent)))
        pairs = zip(names, query.outputs, strict=False)
        fixed = tuple(name for name, output in pairs if output.fixed and name is not None)
        fixed = fixed if not query.recursion else ()  # such a table is never a part of a query
        key = (names, tuple((o.origin, o.kind, o.type) for o in query.outputs), shadows, fixed)
        if key not in self._derived:
            origins, kinds, types = zip(*key[1], strict=True) if key[1] else ((), (), ())
            self._derived[key] = relation(names, origins, kinds, shadows, fixed=fixed, types=types)
        return self._derived[key]

    def made_of(self, names: tuple[bytes | None, ...], shadows: tuple[bytes, ...]) -> Relation:
        """Return a relation of columns that only their names are known of."""
        key = (names, None, shadows)
        if key not in self._derived:
            self._derived[key] = relation(names, shadows=shadows)
        return self._derived[key]

    def is_made(self, frame: Frame | None, name: bytes) -> bool:
        """Tell whether a CTE in sight has a name."""
        query = self.query_of(frame) if frame is not None else None
        return query is not None and (query.cte == name or name in dict(query.names))

    def rows_of(
        self, names: tuple[bytes, ...], kinds: tuple[str, ...], fixed: tuple[bool, ...]
    ) -> Relation:
        """Return the relation of rows in FROM whose columns get their names behind them."""
        key = ("rows", names, kinds, fixed)
        if key not in self._derived:
            constants = (name for name, known in zip(names, fixed, strict=True) if known)
            self._derived[key] = relation(names, kinds=kinds, fixed=constants)
        return self._derived[key]

    def count(self, block: Block, reference: Reference) -> int:
        """Return how many columns of FROM a reference could mean; 2 stands for any mistake."""
        name = reference.name
        if reference.qualifier is not None:
            for source in block.sources:
                if source.name == reference.qualifier:
                    fits = name == b"*" or source.relation.count(name) == 1
                    return 1 if fits and not source.mute else 2
            return 0
        total = 0
        for source in block.sources:
            found = source.relation.count(name)
            if found and source.relation.opaque and self._wants_qualifier(block, name):
                return 2
            total += found
        for merged, size in block.merged:
            if merged == name:
                total -= size - 1
        return total

    def is_opaque(self, block: Block) -> bool:
        """Tell whether FROM has columns that sqlglot does not know."""
        return any(source.relation.opaque for source in block.sources)

    def keeps_names(self, block: Block) -> bool:
        """Tell whether no USING may merge columns of FROM any more, as sqlglot would lose some."""
        return block.packed or self.is_opaque(block)

    def _wants_qualifier(self, block: Block, name: bytes) -> bool:
        """Tell whether sqlglot would not find a plain name among columns that it does not know."""
        if any(o.nested or (o.explicit and o.name == name) for o in block.outputs):
            return True
        place: Frame | None = block.parent
        while place is not None and not (isinstance(place, Query) and place.role in INNER):
            place = place.parent
        return place is not None

    def starred(self, block: Block, qualifier: bytes | None = None) -> list[Output]:
        """Return the columns of `*`, or of `qualifier.*`; USING and NATURAL show theirs once."""
        shown: list[Output] = []
        for place, source in enumerate(block.sources):
            if qualifier is not None and source.name != qualifier:
                continue
            columns = source.relation
            for name, origin, kind, type_ in zip(
                columns.names, columns.origins, columns.kinds, columns.types, strict=True
            ):
                if qualifier is None and (place, name) in block.hidden:
                    continue
                lent = columns.lent if name is None else frozenset[bytes]()
                fixed = name in columns.fixed
                known = Output(name, shadows=lent, origin=origin, kind=kind, fixed=fixed)
                shown.append(known._replace(type=type_) if type_ else known)
        return shown

    def keeps_stars(self, block: Block) -> bool:
        """Tell whether sqlglot leaves the stars of a list as they are.

        It does where a source has a name twice, or columns that it does not know. (Those of tables
        in parentheses it may order otherwise.)

        Then it does not find their columns from outside, though the engine does. Source:
        `optimizer/qualify_columns.py`, `_expand_stars`, sqlglot 30.30.
        """
        stars = {output.qualifier for output in block.outputs if output.name == b"*"}
        if block.phase == "late":  # earlier stars of the list are written out already
            stars.add(None)
        shown = [s.relation for s in block.sources if None in stars or s.name in stars]
        return bool(stars) and (
            block.packed
            or any(one.opaque or max(one.counts.values(), default=0) > 1 for one in shown)
        )

    def shown(self, block: Block, star: Output) -> list[Output]:
        """Return the columns of an item `*`, without those that it leaves out."""
        kinds = dict(star.replaced)
        return [
            one._replace(kind=kinds[one.name], origin=None, fixed=False)
            if one.name in kinds
            else one
            for one in self.starred(block, star.qualifier)
            if one.name not in star.left_out
        ]

    def shows_all_of_a_width(self, block: Block) -> bool:
        """Tell whether `*` is in a list whose number of columns is given."""
        width = self.query_of(block).width
        return width is not None and any(output.name == b"*" for output in block.outputs)
