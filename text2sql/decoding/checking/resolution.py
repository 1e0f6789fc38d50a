"""Which column a name means, and where it is met or owed: here, or in a query around.

    >>> [checker.accepts(f"SELECT name FROM singer WHERE {c} > 1") for c in ("age", "s.age")]
    [True, False]

Covered: aliases of the SELECT list in each clause, correlation, columns inside an aggregate, which
must be of its own SELECT, double-quoted names that SQLite takes for strings.
Not covered: columns that a correlated derived table could see.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from text2sql.decoding.checking.frames import (
    Block,
    Call,
    Context,
    Frame,
    Output,
    Query,
    Reference,
    Source,
    remembered,
)
from text2sql.decoding.checking.lookups import TRUTHS
from text2sql.decoding.checking.obligations import CORRELATED, Obligations
from text2sql.decoding.checking.relations import Origin, Relation

_UNFINISHED = ("on", "from", "join", "rows")  # those of a FROM in which names are looked up
_OPEN = ("items", "on")  # phases in which a subquery is read before its FROM is whole
# Those in which SQLite does not show a subquery what the items are called.
_ALIASLESS = frozenset(
    {"items", "late", "from", "join", "natural", "full", "half", "rows", "values"}
)


class Resolution(Obligations):
    """The rules of references."""

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
        role = self.query_of(block).role
        feeds = role in ("derived", "cte")  # "x" names the item, string or not
        owed = (r for r in block.pending if not (feeds and r.soft))
        outside = {r.name for r in owed if not self.count(block, r)}
        keeps = self.keeps_stars(block)
        counted = True
        for output in block.outputs:
            if output.name in outside and not output.explicit and role != "lateral":
                output = output._replace(name=None)  # ORDER BY of a compound does not find it
            if output.name != b"*":
                outputs.append(output if counted else output._replace(counted=False))
                continue
            counted &= not keeps  # behind a star that stays sqlglot counts otherwise
            shown = self.shown(block, output)
            outputs += [one.lent_to_nobody() for one in shown] if keeps else shown
        width = self.query_of(block).width
        if outputs and width is not None and len(outputs) != width:
            return None
        return self.frames.change(
            block, phase="closed", pending=frozenset(), outputs=tuple(outputs), item=None
        )

    def listed(self, block: Block) -> Block:
        """Close a list that stands behind its FROM; where a star stays, no position is sure."""
        outputs = block.outputs
        if self.keeps_stars(block):
            outputs = tuple(output._replace(counted=False) for output in outputs)
        return self.frames.change(block, phase="closed", outputs=outputs)

    @remembered
    def sorted_by(self, block: Block) -> frozenset[bytes]:
        """Return the names that ORDER BY may take behind a set operation that ends so far.

        SQLite asks each SELECT: it looks for an alias, or for the column that the name means in its
        FROM. Source: `resolveCompoundOrderBy` in src/resolve.c, SQLite 3.40.
        """
        query = self.query_of(block)
        if not self.dialect.arms_sort:
            outputs = query.outputs if query.arms else block.outputs
            return frozenset(output.name for output in outputs if output.name)
        found = (o for o in block.outputs if o.name and (o.explicit or self._is_meant(block, o)))
        return query.sorts.union(output.name for output in found if output.name)

    def _is_meant(self, block: Block, output: Output) -> bool:
        """Tell whether an item is the column that its name alone would mean."""
        name = output.name or b""
        count = self.count(block, Reference(None, name)) - block.natural.count(name)
        if output.qualifier is None:
            return count > 0  # 0: of a query around
        first, *others = [s.name for s in block.sources if s.relation.count(name)] or [None]
        return count == 1 and first == output.qualifier and not (others and block.outer)

    def _names_item(self, block: Block, reference: Reference) -> bool:
        return any(o.explicit and o.name == reference.name for o in block.outputs)

    def _owes(self, block: Block, reference: Reference) -> bool:
        return any(r.name == reference.name and not r.soft for r in block.pending)

    def _hand_out(self, block: Block, reference: Reference) -> Block | None:
        taken = reference.local or self._repeats_query(block, reference)
        outer = None if taken else self._outer(block, reference)
        if outer is not None:
            return outer
        return self._string(block, reference) if reference.soft else None

    def _repeats_query(self, block: Block, reference: Reference) -> bool:
        """Tell whether sqlglot puts an item with a subquery, which it then loses, for a name."""
        named = (o for o in block.outputs if o.explicit and o.nested and o.name == reference.name)
        return reference.qualifier is None and any(named)

    def _string(self, block: Block, reference: Reference) -> Block | None:
        """Return the SELECT in which "x" is a string; None where a query around may have an x."""
        if self._ambiguous_outside(block, reference):
            return None
        if any(map(self.keeps_names, self.chain(block))):
            return None  # sqlglot takes it for a column
        barred: Block = self._barring(block, reference.name, frozenset(self.chain(block)))
        return barred

    def _barring(self, frame: Any, name: bytes, seen: frozenset[Block]) -> Any:
        """Return a frame around which no FROM that is still open, and not seen, gets a column."""
        if frame is None:
            return None
        around = self._barring(frame.parent, name, seen)
        changes = {} if around is frame.parent else {"parent": around}
        if isinstance(frame, Block) and frame.phase in _OPEN and frame not in seen:
            changes["barred"] = frame.barred | {name}
        return self.frames.change(frame, **changes) if changes else frame

    def _outer(self, block: Block, reference: Reference) -> Block | None:
        query = block.parent
        assert isinstance(query, Query)
        if query.role not in CORRELATED or query.parent is None:
            return None
        if reference.qualifier is None and self.keeps_names(block):
            return None
        if block.packed and (reference.outside or not self.looks_around(block)):
            return None
        made = self._made(query, reference.qualifier)
        if made is not None and reference.name != b"*" and made.count(reference.name) != 1:
            return None  # sqlglot takes an alias of a query around for the CTE of that name
        plain = reference._replace(fixed=False, outside=False)
        around = self.resolve(query.parent, plain, direct=False)
        if around is None:
            return None
        if around is query.parent:
            return block
        return self.frames.change(block, parent=self.frames.change(query, parent=around))

    def _made(self, query: Query, name: bytes | None) -> Relation | None:
        """Return the CTE in sight of a name, or what one around that repeats itself has so far."""
        if name is None:
            return None
        if (found := dict(query.names).get(name)) is not None:
            return found
        around: Frame | None = query
        while around is not None:
            if isinstance(around, Query) and around.cte == name:
                return self.relation_of(around) if around.recursion and around.arms else None
            around = around.parent
        return None

    def _ambiguous_outside(self, block: Block, reference: Reference) -> bool:
        """Tell whether a query around has a double-quoted name more than once."""
        seen = list(self.chain(block))[1:]
        for around in seen:
            if around.phase not in _ALIASLESS and self._names_item(around, reference):
                return True
            if around.phase == "on" and self._owes(around, reference):
                return True
            count = self.count(around, reference)
            if around.phase != "items" and count > (0 if reference.local else 1):
                return True
        # a derived table sees nothing around it for sqlglot, and everything for SQLite
        place: Frame | None = block.parent
        while place is not None:
            if isinstance(place, Block) and place not in seen:
                if place.phase not in _ALIASLESS and self._names_item(place, reference):
                    return True
                stored = place.phase == "items" and reference.name in self.all_columns
                owed = place.phase in _OPEN and self._owes(place, reference)
                if stored or owed or self.count(place, reference):
                    return True
            place = place.parent
        return False

    def chain(self, frame: Frame) -> Iterator[Block]:
        """Yield the SELECTs whose columns can be seen, innermost first."""
        place: Frame | None = frame
        while place is not None:
            if isinstance(place, Block):
                yield place
                query = place.parent
                assert isinstance(query, Query)
                # what a window says of columns around is lost when ORDER BY names it
                ends = place.phase in ("group", "order", "limit", "window", "values")
                if query.role not in CORRELATED or ends:
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
        over = isinstance(frame, Context) and frame.kind == "over"  # no alias of the list in there
        inside = inside or over
        # nor behind DISTINCT, where sqlglot does not look for it
        direct = direct and not over and not (isinstance(frame, Call) and frame.distinct)
        wanted = reference._replace(local=True) if needs_local else reference
        around = self.resolve(frame.parent, wanted, direct=direct, nested=inside, alone=False)
        if around is None:
            return None
        if needs_local and isinstance(frame, Call):  # "x" may be a string, which is nobody's
            return self.frames.change(frame, parent=around, local=not reference.soft)
        return frame if around is frame.parent else self.frames.change(frame, parent=around)

    def _resolve_in(
        self, block: Block, reference: Reference, direct: bool, nested: bool, alone: bool
    ) -> Block | None:
        phase = block.phase
        if phase == "items":
            return self.owe(block, reference)
        if phase in ("limit", "values"):
            return None
        if phase == "compound":
            named = reference.qualifier is None and reference.name in self.sorted_by(block)
            return block if direct and alone and named else None
        if self.is_opaque(block) and self._is_out_of_sight(block, reference, direct):
            return None
        if phase == "on" and block.nests and self.count(self.nested(block), reference) != 1:
            return None  # in parentheses ON sees nothing around them
        count = self.count(block, reference)
        if phase == "order" and reference.qualifier is None and self.is_renamed(block, reference):
            return None
        if count == 1:
            owing = phase in _UNFINISHED
            return self.owe(block, reference._replace(fixed=True)) if owing else block
        may_be_alias = direct and reference.qualifier is None and (count == 0 or alone)
        may_be_alias &= self.dialect.alias_in_terms or (alone and phase != "having")
        if may_be_alias and phase != "on" and self._is_alias(block, reference.name, nested):
            return block
        if reference.soft and self._names_item(block, reference):
            return None  # sqlglot takes it for the alias, which may not stand here
        if count > 1:
            return None
        if phase in ("group", "order", "window"):
            return self._string(block, reference) if reference.soft else None
        return self._resolve_outside(block, reference)

    def looks_around(self, block: Block) -> bool:
        """Tell whether a name may be of a query around.

        Beside tables in parentheses sqlglot does not look there from an ON.
        """
        return not (block.packed and block.phase in _UNFINISHED)

    def nested(self, block: Block) -> Block:
        """Return a SELECT with those sources alone that the innermost parentheses of FROM hold."""
        start = block.nests[-1].start
        nested: Block = self.frames.change(block, sources=block.sources[start:])
        return nested

    def _is_out_of_sight(self, block: Block, reference: Reference, direct: bool) -> bool:
        """Tell whether sqlglot would miss a name among rows whose columns it does not know."""
        met = [s for s in block.sources if s.relation.opaque and s.relation.count(reference.name)]
        if block.phase == "rows" and met and met[-1] is block.sources[-1]:  # by what it makes
            return reference.qualifier in (None, met[-1].name)
        return bool(met) and reference.qualifier is None and not direct

    def is_renamed(self, block: Block, reference: Reference) -> bool:
        """Tell whether a CTE's list of columns gives an output another name, as sqlglot sees it."""
        query = block.parent
        assert isinstance(query, Query)
        return bool(query.columns) and any(o.name == reference.name for o in block.outputs)

    def _resolve_outside(self, block: Block, reference: Reference) -> Block | None:
        taken = reference.local or self._repeats_query(block, reference)
        outer = None if taken else self._outer(block, reference)
        if outer is None:
            outer = self._string(block, reference) if reference.soft else None
            if outer is None:
                return None
        # a later source of this FROM must not take what is settled
        later = reference._replace(fixed=True, outside=True)
        return self.owe(outer, later) if block.phase in _UNFINISHED else outer

    def is_out_of_reach(self, block: Block, outputs: Iterable[Output]) -> bool:
        """Tell whether sqlglot, which puts items in the place of their names, would get lost.

        It looks for the columns of a subquery in an item no further than one SELECT around.
        """
        return self.query_of(block).role in CORRELATED and any(o.nested for o in outputs)

    def _is_alias(self, block: Block, name: bytes, nested: bool) -> bool:
        found = [o for o in block.outputs if o.explicit and o.name == name]
        if block.phase in ("where", "group", "having") and self.is_out_of_reach(block, found):
            return False
        if not found or block.phase not in ("where", "group", "having", "order", "qualify"):
            return False
        if block.phase != "order" and self.is_opaque(block):
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

    def is_led(self, block: Block) -> bool:
        """Tell whether a term of ORDER BY must be one of some columns; see `kinds`."""
        return False

    def may_lead(self, block: Block, reference: Reference) -> bool:
        """Tell whether a name may be a term of ORDER BY; a dialect that is typed asks."""
        return True

    def suits(self, frame: Frame, reference: Reference) -> bool:
        """Tell whether a column is of a kind that a place wants; a dialect that is typed asks."""
        return True

    def qualifies(self, frame: Frame, source: Source) -> bool:
        """Tell whether a source has a column that may stand at a place behind its name."""
        return any(
            self.suits(frame, Reference(source.name, name)) for name in source.relation.ordered
        )

    def visible(self, block: Block) -> tuple[Source, ...]:
        """Return the sources whose columns can be named where a SELECT is read."""
        if block.phase == "on" and block.nests:
            return self.nested(block).sources
        return block.sources if block.phase != "rows" else block.sources[:-1]

    @remembered
    def qualifier_fits(self, frame: Frame, name: bytes) -> bool:
        """Tell whether a name may stand before a dot here."""
        for block in self.seen(frame):
            if block.phase in ("limit", "compound"):
                return False
            for source in self.visible(block):
                if source.name == name:
                    return self._any_member_fits(frame, name, source.relation.ordered)
            if block.phase == "items":
                members = self.members_to_come(block, name)
                return self.may_qualify(block, name) and self._any_member_fits(frame, name, members)
        return False

    def _any_member_fits(self, frame: Frame, qualifier: bytes, members: Iterable[bytes]) -> bool:
        found = (self.resolve(frame, Reference(qualifier, member)) for member in members)
        return any(met is not None for met in found)

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
