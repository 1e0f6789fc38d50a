"""A scope that knows the kinds of columns, and which of them a GROUP BY has to name.

    >>> scope = KindScope(table_relations(schema, dialect, dialect.kind_of), DIALECTS["duckdb"])
    >>> scope.column_kind(block, Reference(None, b"total"))
    'decimal'

Covered: kinds of bound and of owed columns, NATURAL JOIN, what an aggregate query must group.
Not covered: functional dependencies other than those of primary keys.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from text2sql.decoding.checking.dialects import Dialect
from text2sql.decoding.checking.frames import (
    Block,
    Call,
    Context,
    Frame,
    Output,
    Query,
    Reference,
    Source,
)
from text2sql.decoding.checking.kinds.lists import wants_list
from text2sql.decoding.checking.kinds.rules import RULES
from text2sql.decoding.checking.kinds.tables import (
    ALL,
    LISTS,
    Kinds,
    expand,
)
from text2sql.decoding.checking.kinds.windows import WindowScope, owes_window
from text2sql.decoding.checking.relations import Relation, Tables

SETS = "sets"  # among `Block.groups`: GROUP BY has several sets, and no key tells other columns
ROWS = "rows"  # among them: the item that is read makes rows, which nothing may compare
WITHIN = "within"  # the detail of the place that an aggregate's WITHIN GROUP is
NEED_GROUPS = ("having", "order", "qualify", "window")


class Part(NamedTuple):
    """An expression within an item that GROUP BY may name as a whole."""

    text: tuple[Any, ...]


def named_in(bare: Iterable[Any]) -> Iterator[tuple[bytes | None, bytes]]:
    """Yield the columns that are named, alone and within expressions."""
    for one in bare:
        if isinstance(one, Part):
            yield from (word[1:] for word in one.text if isinstance(word, tuple))
        else:
            yield one


class KindScope(WindowScope):
    """A scope that knows the kinds of columns."""

    def __init__(self, namespaces: dict[bytes | None, Tables], dialect: Dialect) -> None:
        super().__init__(namespaces, dialect)
        self.rules = RULES[dialect.name]
        self.every_kind = ALL.union(*(table.kinds for table in self.every_table))
        self._inside = 0  # aggregates between what is being resolved and its SELECT
        self._landed = False  # what is being resolved is a column of the SELECT next to it

    def _fits(self, block: Block, reference: Reference) -> bool:
        if reference.varying and self.is_fixed(block, reference):
            return False
        if reference.kinds is None:
            return True
        kind = self.column_kind(block, reference)
        return kind is None or expand(kind) <= reference.kinds

    def _is_alias(self, block: Block, name: bytes, nested: bool) -> bool:
        if any(source.name == name for source in block.sources):
            return False  # DuckDB takes it for the row of that table
        if nested and block.phase == "having":
            return False  # it looks for it in FROM alone
        return super()._is_alias(block, name, nested)

    def feasible(self, block: Block, *, lenient: bool = False) -> bool:
        """Tell whether FROM can still meet every obligation, those of kinds too."""
        return all(self._fits(block, r) for r in block.pending) and super().feasible(
            block, lenient=lenient
        )

    def _mergeable(self, block: Block, name: bytes) -> bool:
        if not super()._mergeable(block, name):
            return False
        left = self.frames.change(block, sources=block.sources[self.joined_from(block) : -1])
        last = block.sources[-1].relation
        kind = self.column_kind(left, Reference(None, name))
        other = last.kinds[last.places[name]]
        unknown = other == "any"  # of a derived table whose list is still being read
        return kind is not None and (unknown or self.rules.merges(kind, other))

    def owe(self, block: Block, reference: Reference) -> Block | None:
        """Return the SELECT with one more obligation; None where that could never be met."""
        asks = reference.kinds is not None or reference.varying
        if asks and not self._agree(block, reference):
            return None
        return super().owe(block, reference)

    def _agree(self, block: Block, reference: Reference) -> bool:
        """Tell whether one column can be of every kind that is asked of a name."""
        kinds = reference.kinds
        same = [r for r in block.pending if r.name == reference.name and r.kinds is not None]
        plain = reference.qualifier is None or any(r.qualifier is None for r in same)
        for other in same:
            if plain or other.qualifier == reference.qualifier:
                kinds = other.kinds if kinds is None else kinds & other.kinds  # type: ignore[operator]
        if kinds is not None and not kinds:
            return False
        if block.deep and reference.qualifier is not None:
            found = self.find_relation(block, reference.qualifier)
            if found is not None and reference.name in found.places:
                if reference.varying and reference.name in found.fixed:
                    return False
                kind = found.kinds[found.places[reference.name]]
                return kinds is None or expand(kind) <= kinds
        return True

    def asked_kinds(self, block: Block, reference: Reference) -> Kinds | None:
        """Return the kinds that are asked of a column already; None: none are."""
        qualifiers = {reference.qualifier, None}
        asked = [
            r.kinds
            for r in block.pending
            if r.name == reference.name and r.kinds is not None and r.qualifier in qualifiers
        ]
        return frozenset.intersection(*asked) if asked else None

    def likely_kinds(self, block: Block, reference: Reference) -> Kinds | None:
        """Return the kinds of the columns in sight that have a name; None: not known."""
        found = self.find_relation(block, reference.qualifier) if reference.qualifier else None
        relations: Iterable[Relation] = () if found is None else (found,)
        if found is None or reference.name not in found.places:
            relations = self.relations(block)
        kinds: set[str] = set()
        for one in relations:
            if reference.name in one.places:
                kinds |= expand(one.kinds[one.places[reference.name]])
        return frozenset(kinds) if kinds and "any" not in kinds else None

    def add_source(
        self,
        block: Block,
        name: bytes | None,
        found: Relation,
        *,
        lenient: bool = False,
    ) -> Block | None:
        """Return the SELECT with one more source; None where an obligation forbids it."""
        if block.phase == "natural" and not self._shares(block, found):
            return None
        if "star" in block.groups and self.rules.exact and not self.star_fits(block, found):
            return None
        if block.phase == "half":
            added = self._with_source(block, name, found)
            fits = added is not None and self.feasible(self.halved(added))
            return added if fits else None
        added = super().add_source(block, name, found, lenient=lenient)
        if added is not None and block.phase == "full" and not self.pairs(added):
            return None
        return added

    def star_fits(self, block: Block, found: Relation) -> bool:
        """Tell whether `*` of a table has the kinds that a set operation or DISTINCT asks for."""
        kinds = found.kinds
        if "distinct" in block.groups and not self.rules.opaque.isdisjoint(kinds):
            return False
        wanted = [output.kind for output in self.before(self.query_of(block))]
        if not wanted:
            return True
        if len(kinds) != len(wanted) or block.sources:
            return False
        return all(
            self.rules.unify(one, other) is not None
            for one, other in zip(wanted, kinds, strict=True)
        )

    def before(self, query: Query) -> tuple[Output, ...]:
        """Return the items of the SELECTs before one, whose kinds it has to have; () of the first.

        They stand outside of the parentheses that one side of a set operation may have.
        """
        while query.role == "arm" and not query.arms:
            query = query.parent.parent
        return query.outputs if query.arms else ()

    def visible(self, block: Block) -> tuple[Source, ...]:
        """Return the sources whose columns can be named where a SELECT is read."""
        allowed = self.leading(block)
        if allowed is not None:
            places = {place for place, _ in allowed}
            return tuple(s for place, s in enumerate(block.sources) if place in places)
        begun = self.joined_from(block) if block.phase == "on" else 0
        near = block.sources[begun:]
        if not begun or self.dialect.comma_hides:
            return near
        # DuckDB takes the name of what stands before the comma for a column of what is joined
        taken = {column for source in near for column in source.relation.places}
        return (*(one for one in block.sources[:begun] if one.name not in taken), *near)

    def _shares(self, block: Block, found: Relation) -> bool:
        """Tell whether a NATURAL JOIN would find columns, each of one kind on both sides."""
        around = self.frames.change(block, sources=block.sources[self.joined_from(block) :])
        left = {name: self.column_kind(around, Reference(None, name)) for name in found.places}
        pairs = [(k, found.kinds[found.places[n]]) for n, k in left.items() if k is not None]
        return bool(pairs) and all(self.rules.merges(one, other) for one, other in pairs)

    def sample(self, block: Block, qualifier: bytes | None, name: bytes) -> bytes:
        """Return a value of a kind that is asked of a column that FROM owes."""
        own = [
            r
            for r in block.pending
            if r.name == name and (qualifier is None or r.qualifier in (None, qualifier))
        ]
        asked = [r.kinds for r in own if r.kinds is not None]
        samples = self.rules.samples
        # where nothing is asked, a USING may want what columns of that name are
        likely = self.likely_kinds(block, Reference(qualifier, name)) or frozenset(samples)
        kinds = frozenset.intersection(*asked) if asked else likely
        text = next((text for kind, text in samples.items() if kind in kinds), b"1")
        return b"(SELECT " + text + b")" if any(r.varying for r in own) else text

    # --- what must be grouped ----------------------------------------------------------------

    def resolve(self, frame: Frame, reference: Reference, **options: Any) -> Frame | None:
        """Return the frame in which a reference is met or owed; see `Scope.resolve`.

        What stands in an aggregate is kept with its call, until it is known whether OVER follows.
        """
        if reference.qualifier is None and reference.name in self.dialect.hidden:
            return None  # of which table?
        begins = not {"nested", "direct"} & options.keys()  # it is not asked for a call within
        again = reference.varying or reference.kinds is not None
        if begins and not again and not self.suits(frame, reference):
            return None
        call = frame if isinstance(frame, Call) and self.is_aggregate(frame) else None
        filtered = isinstance(frame, Context) and frame.kind == "filter"
        if call is None and not filtered:
            return super().resolve(frame, reference, **options)
        if isinstance(frame, Context) and frame.detail == WITHIN:
            # else the aggregate would be one of a query around
            reference = reference._replace(local=True)
        self._inside += 1
        try:
            met = super().resolve(frame, reference, **options)
        finally:
            self._inside -= 1
        if met is None or not self._landed or self._inside:
            return met
        named = (reference.qualifier, reference.name)
        if isinstance(met, Call):
            return self.frames.change(met, bare=met.bare | {named})
        assert isinstance(met, Context)
        owner = met.parent
        assert isinstance(owner, Call)
        return self.frames.change(met, parent=self.frames.change(owner, bare=owner.bare | {named}))

    def suits(self, frame: Frame, reference: Reference) -> bool:
        """Tell whether sqlglot finds a column, which is a list where one is wanted."""
        if self.is_lost(frame, reference):
            return False
        return not wants_list(frame, self.dialect) or self._may_be_list(frame, reference)

    def _may_be_list(self, frame: Frame, reference: Reference) -> bool:
        for block in self.seen(frame):
            if block.phase == "items":
                kinds = self.likely_kinds(block, reference)
                return kinds is None or kinds <= LISTS
            kind = self.column_kind(block, reference)
            if kind is not None:
                return expand(kind) <= LISTS
        return False

    def _is_taken(self, block: Block, reference: Reference) -> bool:
        """Tell whether a name is read otherwise than as a column of a query around.

        DuckDB takes `t` for the row of a source, and `c.x` for a part of a column.
        """
        if reference.qualifier is not None:
            taken = self.count(block, Reference(None, reference.qualifier)) > 0
            return taken and block.phase not in ("where", "on")
        return any(source.name == reference.name for source in block.sources)

    def _outer(self, block: Block, reference: Reference) -> Block | None:
        if self._is_taken(block, reference):
            return None
        named = any(o.explicit and o.name == reference.name for o in block.outputs)
        if reference.qualifier is None and named:
            return None  # DuckDB takes it for the item, which is not known yet
        inside, self._inside = self._inside, 0
        try:
            return super()._outer(block, reference)
        finally:
            self._inside = inside
            self._landed = False

    def _resolve_in(
        self, block: Block, reference: Reference, direct: bool, nested: bool, alone: bool
    ) -> Block | None:
        self._landed = False
        if not self.may_lead(block, reference):
            return None
        bound = block.phase != "items" and self.count(block, reference) == 1
        if bound and not self._fits(block, reference):
            return None
        if bound and not self.in_reach(block, reference, direct=direct):
            return None
        if block.phase == "group" and not bound and not alone:
            return None  # an alias is a whole term
        if not bound and block.phase != "items" and self._is_taken(block, reference):
            return None
        met = super()._resolve_in(block, reference, direct, nested, alone)
        if met is None:
            return None
        self._landed = bound or block.phase == "items"
        if not self._landed or self._inside:
            return met
        if block.phase in NEED_GROUPS:
            if self._may_name(met, reference, direct, alone):
                return met
            return self._in_part(met, reference) if direct and not nested else None
        if block.phase not in ("items", "late"):
            return met
        return self.frames.change(met, bare=met.bare | {(reference.qualifier, reference.name)})

    def _may_name(self, block: Block, reference: Reference, direct: bool, alone: bool) -> bool:
        if not (block.grouped or block.aggregates):
            return True
        place = self.source_of(block, reference.qualifier, reference.name)
        if (place, reference.name) in self.covered(block):
            return True
        plain = direct and alone and reference.qualifier is None and block.phase == "order"
        return plain and self._is_alias(block, reference.name, False)

    def _in_part(self, block: Block, reference: Reference) -> Block | None:
        """Return the SELECT that sorts by an expression of GROUP BY, which ends with a column."""
        if block.phase != "order" or self.rules.exact:
            return None
        place = self.source_of(block, reference.qualifier, reference.name)
        column = ("column", place, reference.name)
        grouped = (flag for flag in block.groups if isinstance(flag, tuple) and column in flag)
        if not any([part for part in flag if part != ","][-1] == column for flag in grouped):
            return None
        named = (reference.qualifier, reference.name)
        part: Block = self.frames.change(block, bare=block.bare | {named})
        return part

    def own(self, block: Block, bare: Iterable[Any]) -> set[Any]:
        """Return columns of a SELECT's own sources, by source, among those it names."""
        found = ((self.source_of(block, q, name), name) for q, name in named_in(bare))
        return {(place, name) for place, name in found if place is not None}

    def _is_grouped(self, block: Block, one: Any) -> bool:
        return isinstance(one, Part) and self.text_key(block, one.text) in block.groups

    def covered(self, block: Block) -> frozenset[Any]:
        """Return what GROUP BY covers: what it names, and what a whole primary key tells."""
        if not self.dialect.keys_cover or SETS in block.groups:
            return block.groups
        found = set(block.groups)
        for place, source in enumerate(block.sources):
            key = source.relation.key
            if key and all((place, name) in block.groups for name in key):
                found.update((place, name) for name in source.relation.places)
        return frozenset(found)

    def leading(self, block: Block) -> frozenset[Any] | None:
        """Return the columns, by source, one of which the next term of ORDER BY must be.

        DISTINCT lets it be what is selected, DISTINCT ON what it names as long as any is left.
        None: the term may be anything.
        """
        if block.phase != "order" or not self.rules.exact:
            return None
        named = self.named_on(block)
        if named:
            keys = {self.text_key(block, text) for text in named if text and len(text) == 1}
            left = {key for key in keys if ("ordered", *key) not in block.groups}
            return frozenset(k[0][1:] for k in left) if left or len(keys) < len(named) else None
        if "distinct" not in block.groups:
            return None
        shown = (self.text_key(block, o.text) for o in block.outputs if o.text is not None)
        columns = {key[0][1:] for key in shown if len(key) == 1 and isinstance(key[0], tuple)}
        return frozenset(columns)

    def named_on(self, block: Block) -> list[tuple[Any, ...] | None]:
        """Return the terms of DISTINCT ON, where ORDER BY has to begin with them."""
        return [flag[1] for flag in block.groups if isinstance(flag, tuple) and flag[0] == "on"]

    def is_led(self, block: Block) -> bool:
        """Tell whether a term of ORDER BY must be one of some columns."""
        return self.leading(block) is not None

    def may_lead(self, block: Block, reference: Reference) -> bool:
        """Tell whether a name may be a term of ORDER BY, where that is not free."""
        allowed = self.leading(block)
        if allowed is None:
            return True
        same = [o for o in block.outputs if o.explicit and o.name == reference.name]
        if reference.qualifier is None and same:
            return "distinct" in block.groups and len(same) == 1
        place = self.source_of(block, reference.qualifier, reference.name)
        return (place, reference.name) in allowed

    def text_key(self, block: Block, text: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return an expression's text with its columns named by their sources."""
        return tuple(
            ("column", self.source_of(block, part[1], part[2]), part[2])
            if isinstance(part, tuple)
            else part
            for part in text
        )

    def payments(
        self, block: Block, terminals: frozenset[str], written: Callable[[bytes], bytes]
    ) -> Iterator[bytes]:
        """Yield texts that a SELECT owes: what it must group or sort, the window of QUALIFY.

        Args:
            block: the SELECT.
            terminals: that the grammar lets follow.
            written: writes a name.
        """
        led = self.leading(block) if "<column>" in terminals else None
        for place, name in sorted(led or (), key=str):
            if place is not None:
                yield _written((block.sources[place].name, name), written)
        if owes_window(block):
            yield b"rank()OVER()=1" if "<column>" in terminals else b" AND rank()OVER()=1"
        if block.phase == "late" and block.aggregates and "GROUP" in terminals:
            named = set(named_in(block.bare.union(*(o.bare for o in block.outputs))))
            yield b"GROUP BY " + b",".join(
                _written(pair, written) for pair in sorted(named, key=str)
            )
        owed = self.uncovered(block) if block.aggregates or block.phase == "group" else []
        if not owed or block.phase in ("items", "late", "order"):
            return
        place, output = owed[0]
        term = str(place + 1).encode()
        if output.uses:
            pairs = sorted(named_in(output.bare), key=lambda pair: (pair[0] or b"", pair[1]))
            term = next(
                _written(pair, written)
                for pair in pairs
                if self.own(block, {pair}) - self.covered(block)
            )
        if "GROUP" in terminals:
            yield b"GROUP BY " + term
        if "<column>" in terminals:
            yield term
        elif block.phase == "group":  # elsewhere it would be a table
            yield b"," + term

    def uncovered(self, block: Block) -> list[tuple[int, Output]]:
        """Return the items, by place, that an aggregate query must group and has not."""
        found = []
        covered = self.covered(block)
        for place, output in enumerate(block.outputs):
            left = (one for one in output.bare if not self._is_grouped(block, one))
            owed = self.own(block, left) - covered
            if not owed or ("item", place) in block.groups:
                continue
            if output.text is not None and self.text_key(block, output.text) in block.groups:
                continue
            found.append((place, output))
        return found


def _written(pair: tuple[bytes | None, bytes], written: Callable[[bytes], bytes]) -> bytes:
    return b".".join(written(part) for part in pair if part)


def makes_rows(frame: Any) -> bool:
    """Tell whether what has been read of an item makes rows: PostgreSQL compares none."""
    call = isinstance(frame, Call) and frame.closed
    block = frame.parent if call else frame
    if not isinstance(block, Block) or block.phase not in ("items", "late"):
        return False
    return ROWS in block.groups and (call or bool(block.stack))


def shows_all(block: Block) -> bool:
    """Tell whether a SELECT shows columns that no GROUP BY could cover: `*`, DISTINCT ON."""
    return "star" in block.groups or "distinct on" in block.groups
