"""The half of the checker that no grammar can be: which names mean something, and where.

    SELECT T1.name, count(*) FROM ...

Before FROM is read nothing can be looked up: `T1.name` becomes an obligation of its SELECT, kept in
`Block.pending`. A source is let into FROM only while every obligation can still be met: a bound
alias has the columns asked of it, a plain name is in no two sources. FROM closes when all are met
by its own sources or by a query around it. There is always a way to meet what is left (a derived
table can have any columns), so no state that is let through is a dead end.

Each method named in `ACTIONS` runs between two terminals of the grammar, on a `Move`; False means
that the terminal is not legal here.

Covered: aliases, CTEs, derived tables, correlation, USING and NATURAL, widths of set operations and
of subqueries, where aggregates and window functions may stand.
Not covered: columns that a correlated derived table could see; types (see `kinds`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from text2sql.decoding.checking.dialects import Dialect
from text2sql.decoding.checking.frames import (
    Block,
    Call,
    Context,
    Frame,
    Frames,
    Output,
    Query,
    Reference,
    Source,
    remembered,
)
from text2sql.decoding.checking.functions import Function
from text2sql.decoding.checking.relations import Origin, Relation, Tables, relation

# Places on the stack of SQLite's parser (see `machine`) at which nothing more may be opened: what
# is begun at the second limit can still open its parenthesis, what is a SELECT at the third has
# room for a derived table. The hundred places leave room for operators at the bottom.
DEPTH_LIMIT, OPENING_LIMIT, DEEP_LIMIT = 64, 56, 50
CALL_LIMIT = 50  # a call that needs OVER must still be able to open it

SOURCE_LIMIT = 30  # of the 64 tables that SQLite joins
_CORRELATED = ("scalar", "in", "exists")
# What people call a table in a query; other names are its own.
ALIAS = re.compile(rb"[a-z_]{1,3}[0-9]{0,2}")
TRUTHS = frozenset({b"true", b"false"})
FRESH = b"\x00"  # a name that no query gives


@dataclass(slots=True)
class Move:
    """One terminal on its way from one state to the next."""

    frame: Any  # Frame; None before the statement begins
    held: Any  # what the last name was; see the actions
    terminal: str
    payload: Any  # (bytes, how it was quoted) of a name, bytes of a number or string
    cell: Any  # the stack before the terminal
    depth: int  # places that are taken on the stack of SQLite's parser
    alone: bool  # the terminal cannot continue an operand


class Scope:
    """The names of one schema under the rules of one dialect."""

    def __init__(self, namespaces: dict[bytes | None, Tables], dialect: Dialect) -> None:
        self.namespaces, self.dialect, self.frames = namespaces, dialect, Frames()
        self.tables = namespaces[None]
        self.table_names = tuple(sorted(self.tables))
        every = (table for tables in namespaces.values() for table in tables.values())
        self.every_table = tuple(dict.fromkeys(every))
        self.function_names = tuple(sorted(name.encode() for name in dialect.functions))
        self._derived: dict[tuple[Any, ...], Relation] = {}
        self.invents = True  # whether a name before FROM may be one that only this query makes
        self.all_columns = frozenset(c for t in self.every_table for c in t.counts)
        self.column_names = tuple(sorted(self.all_columns))
        self.watches = False  # whether anybody asks which column a literal is compared with

    # --- names and what they stand for -------------------------------------------------------

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
        recursive = query.cte == name and query.recursion == "possible" and query.columns
        if recursive and query.union and query.arms:  # sqlglot wants the columns named
            return self.relation_of(query)
        for known, found in reversed(query.names):
            if known == name:
                return found
        return self.tables.get(name)

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
        shadows = () if query.columns else tuple(o.shadow for o in query.outputs if o.shadow)
        key = (names, tuple((o.origin, o.kind) for o in query.outputs), shadows)
        if key not in self._derived:
            origins, kinds = zip(*key[1], strict=True) if key[1] else ((), ())
            self._derived[key] = relation(names, origins, kinds, shadows)
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
            total += source.relation.count(name)
        for merged, size in block.merged:
            if merged == name:
                total -= size - 1
        return total

    # --- obligations -------------------------------------------------------------------------

    def feasible(self, block: Block, *, lenient: bool = False) -> bool:
        """Tell whether FROM can still meet every obligation.

        Args:
            block: a SELECT whose FROM is not closed.
            lenient: a USING that may follow merges the names that the last source doubles.
        """
        unmet: set[bytes] = set()
        owed: dict[bytes, set[bytes]] = {}  # by column, the qualifiers that FROM still lacks
        plain = 0
        for reference in block.pending:
            count = self.count(block, reference)
            if count and reference.outside:
                return False
            if count > 1 and not (
                lenient and not reference.fixed and self._mergeable(block, reference.name)
            ):
                return False
            if count == 0 and not reference.soft and not reference.outside:
                if reference.qualifier is None:
                    plain = 1
                else:
                    unmet.add(reference.qualifier)
                    owed.setdefault(reference.name, set()).add(reference.qualifier)
        for reference in block.pending:
            # a source that pays `t1.x` must not make a plain `x` mean two columns
            owing = len(owed.get(reference.name, ())) if reference.qualifier is None else 0
            if owing and self.count(block, reference) + owing > 1:
                return False
        if block.outer and not lenient and self._star_is_ambiguous(block):
            return False
        if len(block.sources) + len(unmet) + plain > SOURCE_LIMIT:
            return False
        return self._width_fits(block)

    def _star_is_ambiguous(self, block: Block) -> bool:
        """Tell whether `*` shows a merged column that another source has too.

        After RIGHT and FULL JOIN, SQLite writes it out as a plain name.
        """
        if not any(o.name == b"*" and o.qualifier is None for o in block.outputs):
            return False
        return bool(block.natural) or any(
            sum(source.relation.count(name) for source in block.sources) > size
            for name, size in block.merged
        )

    def _mergeable(self, block: Block, name: bytes) -> bool:
        if block.deep or self.shows_all_of_a_width(block):
            return False
        last = block.sources[-1].relation
        left = self.frames.change(block, sources=block.sources[:-1])
        return last.count(name) == 1 and self.count(left, Reference(None, name)) == 1

    def shows_all_of_a_width(self, block: Block) -> bool:
        """Tell whether `*` is in a list whose number of columns is given."""
        width = self.query_of(block).width
        return width is not None and any(output.name == b"*" for output in block.outputs)

    def _width_fits(self, block: Block) -> bool:
        """Tell whether the SELECT list can still have as many columns as the query needs."""
        width = self.query_of(block).width
        if width is None or not block.outputs:  # none: FROM comes first
            return True
        least, exact = self.least_width(block)
        return least == width if exact and block.phase != "items" else least <= width

    def least_width(self, block: Block) -> tuple[int, bool]:
        """Return the columns that the list has at least, and whether FROM cannot add any."""
        total, exact = 0, True
        for output in block.outputs:
            if output.name != b"*":
                total += 1
            elif output.qualifier is None:
                total += max(1, len(self.starred(block)))
                exact = False
            else:
                bound = [s for s in block.sources if s.name == output.qualifier]
                owed = {r.name for r in block.pending if r.qualifier == output.qualifier}
                total += len(bound[0].relation.names) if bound else max(1, len(owed - {b"*"}))
                exact &= bool(bound)
        return total, exact

    def starred(self, block: Block, qualifier: bytes | None = None) -> list[Output]:
        """Return the columns of `*`, or of `qualifier.*`; USING and NATURAL show theirs once."""
        shown: list[Output] = []
        for place, source in enumerate(block.sources):
            if qualifier is not None and source.name != qualifier:
                continue
            columns = source.relation
            for name, origin, kind in zip(
                columns.names, columns.origins, columns.kinds, strict=True
            ):
                if qualifier is None and (place, name) in block.hidden:
                    continue
                shown.append(Output(name, origin=origin, kind=kind))
        return shown

    @remembered
    def owe(self, block: Block, reference: Reference) -> Block | None:
        """Return the SELECT with one more obligation; None where that could never be met."""
        if reference in block.pending:
            return block
        if not self.invents and not self.may_exist(block, reference):
            return None
        if block.deep and not self.count(block, reference) and not reference.soft:
            found = reference.qualifier and self.find_relation(block, reference.qualifier)
            if not found or (reference.name != b"*" and found.count(reference.name) != 1):
                return None
        owing = self.frames.change(block, pending=block.pending | {reference})
        return owing if self.feasible(owing) else None

    def may_exist(self, block: Block, reference: Reference) -> bool:
        """Tell whether some table or CTE in sight has what a reference asks for."""
        if block.phase != "items" or reference.soft or self.count(block, reference) == 1:
            return True
        for around in list(self.chain(block))[1:]:
            if around.phase != "items" and self.count(around, reference) == 1:
                return True
        qualifier, name = reference.qualifier, reference.name
        if qualifier is None:
            query = self.query_of(block)
            made = query.names or query.cte
            if not made:
                return name in self.all_columns
            return any(found.count(name) == 1 for found in self.relations(block))
        wanted = {r.name for r in block.pending if r.qualifier == qualifier} | {name}
        known = self.find_relation(block, qualifier)
        relations = [known] if known is not None else self.relations(block)
        return any(
            all(found.count(column) == 1 for column in wanted - {b"*"}) for found in relations
        )

    def may_qualify(self, block: Block, name: bytes) -> bool:
        """Tell whether a name before a dot, before FROM, is a table's or looks like an alias."""
        owed = any(reference.qualifier == name for reference in block.pending)
        known = self.find_relation(block, name) is not None
        return self.invents or owed or known or ALIAS.fullmatch(name) is not None

    @remembered
    def add_source(
        self,
        block: Block,
        name: bytes | None,
        found: Relation,
        *,
        lenient: bool = False,
        mute: bool = False,
    ) -> Block | None:
        """Return the SELECT with one more source; None where an obligation forbids it."""
        taken = {source.name.lower() for source in block.sources if source.name}
        if name is not None and name.lower() in taken:  # to sqlglot "A" and "a" are one
            return None
        if self._doubles(block, name, found):
            return None
        natural, hidden = block.natural, block.hidden
        if block.phase == "natural":
            left = {column for source in block.sources for column in source.relation.counts}
            shared = tuple(sorted(left & found.counts.keys()))
            if any(self.count(block, Reference(None, column)) != 1 for column in shared):
                return None
            natural = (*natural, *shared)
            hidden = (*hidden, *((len(block.sources), column) for column in shared))
        source = Source(name, found, mute)
        added = self.frames.change(
            block, sources=(*block.sources, source), natural=natural, hidden=hidden
        )
        return added if self.feasible(added, lenient=lenient) else None

    def _doubles(self, block: Block, name: bytes | None, found: Relation) -> bool:
        """Tell whether `*` would export a name that the FROM around it must not have twice."""
        stars = [o for o in block.outputs if o.name == b"*" and o.qualifier in (None, name)]
        if not stars or self._around(block) is None:
            return False
        forbidden = self.forbidden_outputs(block)
        wanted = self.wanted_around(block)
        return any(
            column in forbidden or (column in wanted and count * len(stars) > 1)
            for column, count in found.counts.items()
        )

    def _around(self, block: Block) -> Block | None:
        """Return the SELECT whose FROM a SELECT is a derived table of; None: its names are free."""
        query = block.parent
        if not isinstance(query, Query) or query.role != "derived" or query.arms:
            return None
        assert isinstance(query.parent, Block)
        return query.parent

    def wanted_around(self, block: Block) -> set[bytes]:
        around = self._around(block)
        return {r.name for r in around.pending if r.qualifier is None} if around else set()

    def forbidden_outputs(self, block: Block) -> set[bytes]:
        """Return the names that the next column of a derived table must not have.

        FROM around it owes them as plain names, and has them already, or from this very table.
        """
        around = self._around(block)
        if around is None:
            return set()
        wanted = self.wanted_around(block)
        shown = [o for o in block.outputs[:-1] if o.name != b"*"]
        forbidden = {o.name for o in shown} & wanted | {o.shadow for o in shown} & wanted
        if any(output.name == b"*" for output in block.outputs):
            for source in block.sources:
                forbidden |= wanted & source.relation.counts.keys()
        for reference in around.pending:
            merges = around.phase in ("join", "full") and not reference.fixed and not around.deep
            if reference.qualifier is None and not merges and self.count(around, reference) == 1:
                forbidden.add(reference.name)
        if around.phase == "natural":
            columns = {name for source in around.sources for name in source.relation.counts}
            forbidden |= {c for c in columns if self.count(around, Reference(None, c)) > 1}
        return {name for name in forbidden if name is not None}

    def can_add(self, block: Block, own: bytes | None, found: Relation) -> bool:
        """Tell whether a relation may be a source under any name."""
        lenient = block.phase in ("join", "full")
        names = (own, FRESH, *(r.qualifier for r in block.pending if r.qualifier))
        return any(self.add_source(block, n, found, lenient=lenient) for n in names)

    def namespace_fits(self, block: Block, name: bytes) -> bool:
        """Tell whether FROM may hold a table of a namespace."""
        found = self.namespaces.get(name, {}).items()
        return any(self.can_add(block, own, table) for own, table in found)

    def settle(self, block: Block) -> Block | None:
        """Close FROM: every obligation is met here or handed to the query around."""
        for reference in block.pending:
            count = self.count(block, reference)
            if count > 1:
                return None
            if count == 0:
                paid = self._hand_out(block, reference)
                if paid is None:
                    return None
                block = paid
        outputs: list[Output] = []
        outside = {r.name for r in block.pending if not self.count(block, r)}
        for output in block.outputs:
            if output.name in outside and not output.explicit:
                output = output._replace(name=None)  # ORDER BY of a compound does not find it
            outputs += self.starred(block, output.qualifier) if output.name == b"*" else [output]
        width = self.query_of(block).width
        if outputs and width is not None and len(outputs) != width:
            return None
        return self.frames.change(
            block, phase="closed", pending=frozenset(), outputs=tuple(outputs), item=None
        )

    def _hand_out(self, block: Block, reference: Reference) -> Block | None:
        outer = None if reference.local else self._outer(block, reference)
        if outer is not None:
            return outer
        return block if reference.soft and not self._ambiguous_outside(block, reference) else None

    def _outer(self, block: Block, reference: Reference) -> Block | None:
        query = block.parent
        assert isinstance(query, Query)
        if query.role not in _CORRELATED or query.parent is None:
            return None
        plain = reference._replace(fixed=False, outside=False)
        around = self.resolve(query.parent, plain, direct=False)
        if around is None:
            return None
        if around is query.parent:
            return block
        return self.frames.change(block, parent=self.frames.change(query, parent=around))

    def _ambiguous_outside(self, block: Block, reference: Reference) -> bool:
        """Tell whether a query around has a double-quoted name more than once."""
        seen = list(self.chain(block))[1:]
        for around in seen:
            count = self.count(around, reference)
            if around.phase != "items" and count > (0 if reference.local else 1):
                return True
        # a derived table sees nothing around it for sqlglot, and everything for SQLite
        place: Frame | None = block.parent
        while place is not None:
            if isinstance(place, Block) and place not in seen:
                open_list = place.phase == "items" and reference.name in self.all_columns
                if open_list or self.count(place, reference):
                    return True
            place = place.parent
        return False

    # --- references --------------------------------------------------------------------------

    def chain(self, frame: Frame) -> Iterator[Block]:
        """Yield the SELECTs whose columns can be seen, innermost first."""
        place: Frame | None = frame
        while place is not None:
            if isinstance(place, Block):
                yield place
                query = place.parent
                assert isinstance(query, Query)
                if query.role not in _CORRELATED or place.phase in ("group", "order", "limit"):
                    return
                place = query.parent
            else:
                place = place.parent

    def resolve(
        self,
        frame: Frame,
        reference: Reference,
        *,
        direct: bool = True,
        nested: bool = False,
        alone: bool = False,
    ) -> Frame | None:
        """Return the frame in which a reference is met or owed; None where it never can be.

        Args:
            frame: where it stands.
            reference: the column.
            direct: it stands in the SELECT itself, not in a subquery.
            nested: it is inside an aggregate or a window.
            alone: it is a whole term of ORDER BY.
        """
        if reference.name in TRUTHS and reference.qualifier is None:
            return None  # SQLite reads the word as a column where there is one, quoted or not
        if isinstance(frame, Block):
            return self._resolve_in(frame, reference, direct, nested, alone)
        if isinstance(frame, Query):
            return None
        needs_local = isinstance(frame, Call) and self.is_aggregate(frame) and not frame.local
        inside = nested or needs_local or (isinstance(frame, Call) and self.is_aggregate(frame))
        inside = inside or (isinstance(frame, Context) and frame.kind == "over")
        wanted = reference._replace(local=True) if needs_local else reference
        around = self.resolve(frame.parent, wanted, direct=direct, nested=inside, alone=False)
        if around is None:
            return None
        if needs_local and isinstance(frame, Call):
            return self.frames.change(frame, parent=around, local=True)
        return frame if around is frame.parent else self.frames.change(frame, parent=around)

    def _resolve_in(
        self, block: Block, reference: Reference, direct: bool, nested: bool, alone: bool
    ) -> Block | None:
        phase = block.phase
        if phase == "items":
            return self.owe(block, reference)
        if phase == "limit":
            return None
        if phase == "compound":
            named = reference.qualifier is None and self._is_output(block, reference.name)
            return block if direct and alone and named else None
        count = self.count(block, reference)
        if phase == "order" and reference.qualifier is None and self.is_renamed(block, reference):
            return None
        if count == 1:
            return self.owe(block, reference._replace(fixed=True)) if phase == "on" else block
        may_be_alias = direct and reference.qualifier is None and (count == 0 or alone)
        may_be_alias &= self.dialect.alias_in_terms or (alone and phase != "having")
        if may_be_alias and phase != "on" and self._is_alias(block, reference.name, nested):
            return block
        if reference.soft and any(o.explicit and o.name == reference.name for o in block.outputs):
            return None  # sqlglot takes it for the alias, which may not stand here
        if count > 1:
            return None
        if phase in ("group", "order"):
            return block if reference.soft else None
        return self._resolve_outside(block, reference)

    def is_renamed(self, block: Block, reference: Reference) -> bool:
        """Tell whether a CTE's list of columns gives an output another name, as sqlglot sees it."""
        query = block.parent
        assert isinstance(query, Query)
        return bool(query.columns) and any(o.name == reference.name for o in block.outputs)

    def _resolve_outside(self, block: Block, reference: Reference) -> Block | None:
        outer = None if reference.local else self._outer(block, reference)
        if outer is None:
            if not reference.soft or self._ambiguous_outside(block, reference):
                return None
            outer = block  # a string
        # a later source of this FROM must not take what is settled
        later = reference._replace(fixed=True, outside=True)
        return self.owe(outer, later) if block.phase == "on" else outer

    def _is_output(self, block: Block, name: bytes) -> bool:
        query = block.parent
        assert isinstance(query, Query)
        return any(output.name == name for output in query.outputs)

    def _is_alias(self, block: Block, name: bytes, nested: bool) -> bool:
        found = [o for o in block.outputs if o.explicit and o.name == name]
        if not found or block.phase not in ("where", "group", "having", "order", "qualify"):
            return False
        if block.phase == "where" and not self.dialect.alias_in_where:
            return False
        uses = {output.uses for output in found} - {""}
        if nested or block.phase in ("where", "group"):
            return not uses
        return "window" not in uses if block.phase == "having" else True

    @remembered
    def seen(self, frame: Frame) -> tuple[Block, ...]:
        """Return the SELECTs that a column could be of; one if an aggregate wants its own first."""
        place: Any = frame
        local = False
        while not isinstance(place, Block):
            local |= self._wants_local(place)
            place = place.parent
        return tuple(islice(self.chain(place), 1 if local else None))

    def _wants_local(self, frame: Any) -> bool:
        return hasattr(frame, "local") and self.is_aggregate(frame) and not frame.local

    def visible(self, block: Block) -> tuple[Source, ...]:
        """Return the sources whose columns can be named where a SELECT is read."""
        return block.sources

    @remembered
    def qualifier_fits(self, frame: Frame, name: bytes) -> bool:
        """Tell whether a name may stand before a dot here."""
        for block in self.seen(frame):
            if block.phase in ("limit", "compound"):
                return False
            for source in self.visible(block):
                if source.name == name:
                    return bool(source.relation.ordered) and not source.mute
            if block.phase == "items":
                if not block.deep:
                    return self.may_qualify(block, name)
                found = self.find_relation(block, name)
                return found is not None and bool(found.ordered)
        return False

    def origin_of(self, frame: Frame, reference: Reference) -> Origin:
        """Return the database's column that a reference means; None where that is not known."""
        if not self.watches:
            return None
        for block in self.chain(self.block_of(frame)):
            if block.phase == "items":
                return None
            for source in block.sources:
                named = reference.qualifier in (None, source.name)
                if named and reference.name in source.relation.places:
                    return source.relation.origins[source.relation.places[reference.name]]
        return None

    # --- functions ---------------------------------------------------------------------------

    def is_aggregate(self, call: Call) -> bool:
        """Tell whether the arguments being read are those of an aggregate, as far as is known."""
        if call.closed or call.function.kind != "aggregate":
            return False
        scalar = call.function.name in self.dialect.scalar_too
        return not (scalar and not call.distinct and max(call.least, call.count) > 1)

    def allows_window(self, frame: Frame) -> bool:
        """Tell whether a window function may stand here."""
        while not isinstance(frame, Block):
            if isinstance(frame, Query) or (
                isinstance(frame, Call)
                and (frame.closed or frame.function.kind == "window" or self.is_aggregate(frame))
            ):
                return False
            frame = frame.parent
        recursive = isinstance(frame.parent, Query) and frame.parent.recursion == "used"
        return frame.phase in ("items", "late", "order", "qualify") and not recursive

    def enter_aggregate(self, frame: Frame) -> Frame | None:
        """Return the frame in which an aggregate may begin; None where none may."""
        if isinstance(frame, Query):
            return None
        if isinstance(frame, Block):
            query = frame.parent
            assert isinstance(query, Query)
            grouped = frame.phase in ("order", "qualify") and (frame.aggregates or frame.grouped)
            allowed = frame.phase in ("items", "late", "having") or grouped
            return frame if allowed and query.recursion != "used" else None
        if isinstance(frame, Context) and frame.kind == "filter":
            return None
        if isinstance(frame, Call) and self.is_aggregate(frame):
            scalar = frame.function.name in self.dialect.scalar_too
            windowed = self.allows_window(frame.parent)
            if frame.distinct or not (windowed or scalar):
                return None
            if not windowed:
                frame = self.frames.change(frame, least=2)  # min(x, y) of two numbers
        around = self.enter_aggregate(frame.parent)
        if around is None or around is frame.parent:
            return frame if around else None
        return self.frames.change(frame, parent=around)

    @remembered
    def begin_call(self, frame: Frame, function: Function) -> Frame | None:
        """Return the frame of a call's arguments; None where the function may not stand here."""
        least = function.least
        if function.kind == "window":
            if not self.allows_window(frame):
                return None
        elif function.kind == "aggregate":
            entered = self.enter_aggregate(frame)
            if entered is None:
                if function.name not in self.dialect.scalar_too:
                    return None
                least = 2
            else:
                frame = entered
        parent = self.marked(frame)
        return self.frames.make(Call, parent, function, least, 0, False, False, "", False, False)

    def marked(self, frame: Frame) -> Frame:
        """Return the frame whose current item is more than a bare column."""
        if isinstance(frame, Block) and frame.item is not None:
            return self.frames.change(frame, item=None)
        return frame

    def with_use(self, frame: Frame, use: str) -> Frame:
        """Tell the frames around that an aggregate or a window function is inside."""
        if isinstance(frame, Block):
            aggregates = frame.aggregates or (
                use == "aggregate" and frame.phase in ("items", "late")
            )
            uses = "window" if "window" in (use, frame.uses) else use
            return self.frames.change(frame, uses=uses, aggregates=aggregates)
        if isinstance(frame, Query):
            return frame
        around = self.with_use(frame.parent, use)
        if isinstance(frame, Call) and not frame.closed:
            inner = "window" if "window" in (use, frame.inner) else use
            return self.frames.change(frame, parent=around, inner=inner)
        return frame if around is frame.parent else self.frames.change(frame, parent=around)
