"""The kinds of values: what an operand is, and where it may stand, in a dialect that is strict.

    >>> checker = Checker(schema, dialect="duckdb")
    >>> [checker.accepts(sql) for sql in ("SELECT lower(name) FROM t", "SELECT -name FROM t")]
    [True, False]

Each frame keeps a stack of the operands that are being read in it. A column that FROM has not bound
yet has the kind that every table in sight gives a column of that name; where they differ, it has
one that is not known, and what is done with it becomes part of what FROM owes (`Reference.kinds`).
An operator is let in only where what it makes, or what can be made of that, fits where it stands;
after a single operand `::` can make anything of it. So there is no dead end.

A SELECT list with an aggregate, or a GROUP BY, must group what it names outside of aggregates.
Every item keeps the columns that it names (`Output.bare`), and GROUP BY may not end before they are
covered: by the column, by the item's alias, position or text, or by ALL.

Covered: arithmetic, comparison, LIKE, CASE, IN, BETWEEN, CAST, arguments of functions, the texts of
units, formats and regular expressions.
Not covered: values, and so errors that only rows show; lists, structs; row values.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from text2sql.decoding.checking.actions import Actions
from text2sql.decoding.checking.dialects import LITERAL_TYPES, TIME_UNITS, Dialect
from text2sql.decoding.checking.frames import (
    Block,
    Call,
    Context,
    Frame,
    Output,
    Query,
    Reference,
)
from text2sql.decoding.checking.functions import DATE_PARTS, FORMAT_LETTERS, GROUPS, Function
from text2sql.decoding.checking.relations import Relation
from text2sql.decoding.checking.scope import Move, Scope

Kinds = frozenset[str]
NUMBERS = frozenset({"int4", "int8", "hugeint", "decimal", "float"})
INTEGERS = frozenset({"int4", "int8"})
MOMENTS = frozenset({"date", "timestamp", "timestamptz"})
TEXTS = frozenset({"text", "string"})
SCALARS = NUMBERS | MOMENTS | TEXTS | {"time", "interval", "boolean", "json", "blob"}
BOOLEAN = frozenset({"boolean", "null"})
_EXTRACTABLE = MOMENTS | {"interval"}
# values of each kind, the shortest first
SAMPLES = {
    "int4": b"1",
    "text": b"''",
    "float": b"1e0",
    "decimal": b"1.0",
    "boolean": b"TRUE",
    "int8": b"1::BIGINT",
    "date": b"CURRENT_DATE",
    "timestamptz": b"CURRENT_TIMESTAMP",
    "timestamp": b"CURRENT_DATE::TIMESTAMP",
    "interval": b"INTERVAL '1 day'",
    "time": b"''::TIME",
    "json": b"''::JSON",
    "blob": b"''::BLOB",
}
TYPES = {
    "text": b"TEXT",
    "int4": b"INT",
    "float": b"REAL",
    "date": b"DATE",
    "boolean": b"BOOL",
    "timestamp": b"TIMESTAMP",
    "interval": b"INTERVAL",
    "decimal": b"DECIMAL",
    "time": b"TIME",
    "json": b"JSON",
    "blob": b"BLOB",
}
# arguments that are read as one literal, and what may be one
PARTS: dict[str, tuple[str, ...]] = {
    "part": ("STRING",),
    "format": ("STRING",),
    "pattern": ("STRING",),
    "literal": ("STRING", "NUMBER"),
}
_NEED_GROUPS = ("having", "order", "qualify", "window")


class Operand(NamedTuple):
    """A value that has been read."""

    kind: str  # one kind, a group of `functions.GROUPS`, or "any": not known
    reference: Reference | None = None  # that FROM still owes
    level: int = 9  # of the operator that made it; see `grammar`
    text: tuple[Any, ...] | None = None  # how it is written; None: not known
    constant: bool = False  # a literal, with signs or parentheses perhaps


class Demand(NamedTuple):
    """What the operand that comes next must be."""

    level: int
    kinds: Kinds | None  # None: anything
    sign: str = ""


@cache
def expand(kind: str) -> Kinds:
    """Return the kinds that a kind, a group or several with "|" between may be."""
    found: set[str] = set()
    for part in kind.split("|"):
        if part == "number":
            found |= NUMBERS
        elif part in GROUPS:
            found = found.union(*(expand(one) for one in GROUPS[part]))
        else:
            found.add(part)
    return frozenset(found)


@cache
def group_of(kinds: Kinds) -> str:
    """Return one name for several kinds; "any" where there is none."""
    if len(kinds) == 1:
        return next(iter(kinds))
    for name, members in (("integer", INTEGERS), ("number", NUMBERS), ("moment", MOMENTS)):
        if kinds <= members:
            return name
    return "text" if kinds <= TEXTS else "any"


def unify(first: str, second: str) -> str | None:
    """Return the kind of CASE and COALESCE of two kinds; None where the engine refuses them."""
    if first == second and first != "any":
        return first
    for one, other in ((first, second), (second, first)):
        if one == "null" or (one == "string" and other in ("text", "json")):
            return other
    both = expand(first) | expand(second)
    if both <= NUMBERS:
        return group_of(both)
    if both <= MOMENTS:
        return "timestamptz" if "timestamptz" in both else "timestamp"
    return None


def ordered_with(kind: str) -> Kinds:
    """Return the kinds that a kind is compared with."""
    kinds = expand(kind)
    for family in (NUMBERS, TEXTS | {"json"}):
        if kinds <= family:
            return family | {"null"}
    if kinds <= MOMENTS:
        return MOMENTS | {"null", "string"}  # of a string that is a moment
    if kind == "null":
        return SCALARS | {"null"}
    return frozenset({"null"}) if kind == "any" else kinds | {"null"}


# What CAST makes of a kind, where the engine has a conversion at all; of text it makes anything.
_WRITTEN = TEXTS | {"json"}
CASTS = {
    **dict.fromkeys(NUMBERS, NUMBERS | _WRITTEN | {"boolean"}),
    "boolean": NUMBERS | _WRITTEN | {"boolean"},
    "date": MOMENTS | _WRITTEN,
    "timestamp": MOMENTS | _WRITTEN | {"time"},
    "timestamptz": MOMENTS | _WRITTEN,
    "time": _WRITTEN | {"time"},
    "interval": _WRITTEN | {"interval"},
    "json": _WRITTEN,
    "blob": _WRITTEN | {"blob"},
    "other": TEXTS,
    "any": TEXTS,
}


def casts(kind: str) -> Kinds | None:
    """Return the kinds that CAST makes of a kind; None: all."""
    if kind in ("null", "text", "string"):
        return None
    return frozenset.intersection(*(CASTS[one] for one in expand(kind)))


def arithmetic(sign: str, left: str, right: str) -> str | None:
    """Return what an arithmetic operator makes of two kinds; None where it takes none such."""
    one, other = expand(left), expand(right)
    if one <= NUMBERS and other <= NUMBERS:
        if sign == "/" or "float" in (left, right):
            return "float"
        if "decimal" in (left, right) and "float" not in one | other:
            return "decimal" if sign != "%" else "number"
        if one == other and len(one) == 1:
            return left
        return "int8" if one | other <= INTEGERS else group_of(one | other)
    return _moments(sign, left, right, one, other)


def _moments(sign: str, left: str, right: str, one: Kinds, other: Kinds) -> str | None:
    if right == "interval" and sign in "+-" and one <= MOMENTS | {"time", "interval"}:
        return "timestamp" if left in ("date", "moment") else left
    if left == "interval" and sign == "+" and other <= MOMENTS | {"time"}:
        return "timestamp" if right in ("date", "moment") else right
    if "interval" in (left, right) and one | other <= NUMBERS | {"interval"}:
        return "interval" if sign == "*" or (sign == "/" and left == "interval") else None
    if sign == "-" and one <= MOMENTS and other <= MOMENTS:
        if left == right == "date":
            return "int8"
        return "interval" if "moment" not in (left, right) else None
    if left == "date" and right == "int4" and sign in "+-":
        return "date"
    return "date" if (left, right, sign) == ("int4", "date", "+") else None


_CONCRETE = tuple(sorted(SCALARS - {"string"}))


@cache
def partners(sign: str, left: str) -> Kinds:
    """Return the kinds that may stand to the right of an arithmetic operator."""
    return frozenset(kind for kind in _CONCRETE if arithmetic(sign, left, kind))


def reaches(
    kind: str, wanted: Kinds | None, level: int, least: int, *, again: bool = True
) -> bool:
    """Tell whether operators of some levels can make a wanted kind of an operand.

    Args:
        kind: of the operand.
        wanted: where it stands; None: anything.
        level: of the tightest operator that may follow.
        least: of the loosest one.
        again: a date may still be taken from a date.
    """
    if wanted is None or expand(kind) <= wanted:
        return True
    if "boolean" in wanted and least <= 4 <= level:
        return True
    if "text" in wanted and least <= 8 <= level and expand(kind) <= SCALARS:
        return True
    return again and kind == "date" and "int8" in wanted and least <= 6 <= level


class KindScope(Scope):
    """A scope that knows the kinds of columns, and which of them a GROUP BY has to name."""

    def __init__(self, tables: dict[bytes, Relation], dialect: Dialect) -> None:
        super().__init__(tables, dialect)
        self._inside = 0  # aggregates between what is being resolved and its SELECT
        self._landed = False  # what is being resolved is a column of the SELECT next to it

    def source_of(self, block: Block, qualifier: bytes | None, name: bytes) -> int | None:
        """Return the place of the source whose column a name is; None: no source's."""
        for place, source in enumerate(block.sources):
            if qualifier in (None, source.name) and source.relation.count(name) == 1:
                return place
        return None

    def column_kind(self, block: Block, reference: Reference) -> str | None:
        """Return the kind of a column that FROM has; None where it has none such."""
        place = self.source_of(block, reference.qualifier, reference.name)
        if place is None:
            return None
        found = block.sources[place].relation
        return found.kinds[found.places[reference.name]]

    def _fits(self, block: Block, reference: Reference) -> bool:
        if reference.kinds is None:
            return True
        kind = self.column_kind(block, reference)
        return kind is None or expand(kind) <= reference.kinds

    def _is_alias(self, block: Block, name: bytes, nested: bool) -> bool:
        if any(source.name == name for source in block.sources):
            return False  # DuckDB takes it for the row of that table
        return super()._is_alias(block, name, nested)

    def feasible(self, block: Block, *, lenient: bool = False) -> bool:
        """Tell whether FROM can still meet every obligation, those of kinds too."""
        return all(self._fits(block, r) for r in block.pending) and super().feasible(
            block, lenient=lenient
        )

    def owe(self, block: Block, reference: Reference) -> Block | None:
        """Return the SELECT with one more obligation; None where that could never be met."""
        if reference.kinds is not None and not self._agree(block, reference):
            return None
        return super().owe(block, reference)

    def _agree(self, block: Block, reference: Reference) -> bool:
        """Tell whether one column can be of every kind that is asked of a name."""
        kinds = reference.kinds
        same = [r for r in block.pending if r.name == reference.name and r.kinds is not None]
        plain = reference.qualifier is None or any(r.qualifier is None for r in same)
        for other in same:
            if plain or other.qualifier == reference.qualifier:
                kinds = kinds & other.kinds  # type: ignore[operator]
        if not kinds:
            return False
        if block.deep and reference.qualifier is not None:
            found = self.find_relation(block, reference.qualifier)
            if found is not None and reference.name in found.places:
                return expand(found.kinds[found.places[reference.name]]) <= kinds
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
        relations: Iterable[Relation | None] = (found,)
        if found is None or reference.name not in found.places:
            relations = (self.find_relation(block, n) for n in self.relation_names(block))
        kinds: set[str] = set()
        for one in relations:
            if one is not None and reference.name in one.places:
                kinds |= expand(one.kinds[one.places[reference.name]])
        return frozenset(kinds) if kinds and "any" not in kinds else None

    def add_source(
        self, block: Block, name: bytes | None, found: Relation, *, lenient: bool = False
    ) -> Block | None:
        """Return the SELECT with one more source; None where an obligation forbids it."""
        if block.phase == "natural" and not self._shares(block, found):
            return None
        return super().add_source(block, name, found, lenient=lenient)

    def joined_from(self, block: Block) -> int:
        """Return the place of the first source that a JOIN sees: those after the last comma."""
        return max((flag for flag in block.groups if isinstance(flag, int)), default=0)

    def _shares(self, block: Block, found: Relation) -> bool:
        """Tell whether a NATURAL JOIN would find columns, each of one kind on both sides."""
        around = self.frames.change(block, sources=block.sources[self.joined_from(block) :])
        left = {name: self.column_kind(around, Reference(None, name)) for name in found.places}
        pairs = [(k, found.kinds[found.places[n]]) for n, k in left.items() if k is not None]
        return bool(pairs) and all(one == other != "any" for one, other in pairs)

    def sample(self, block: Block, qualifier: bytes | None, name: bytes) -> bytes:
        """Return a value of a kind that is asked of a column that FROM owes."""
        asked = [
            r.kinds
            for r in block.pending
            if r.name == name and r.kinds is not None and qualifier in (None, r.qualifier)
        ]
        kinds = frozenset.intersection(*asked) if asked else frozenset(SAMPLES)
        return next((text for kind, text in SAMPLES.items() if kind in kinds), b"1")

    # --- what must be grouped ----------------------------------------------------------------

    def resolve(self, frame: Frame, reference: Reference, **options: Any) -> Frame | None:
        """Return the frame in which a reference is met or owed; see `Scope.resolve`.

        What stands in an aggregate is kept with its call, until it is known whether OVER follows.
        """
        call = frame if isinstance(frame, Call) and self.is_aggregate(frame) else None
        filtered = isinstance(frame, Context) and frame.kind == "filter"
        if call is None and not filtered:
            return super().resolve(frame, reference, **options)
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
        return self.frames.change(
            met, parent=self.frames.change(owner, bare=owner.bare | {named})
        )

    def _outer(self, block: Block, reference: Reference) -> Block | None:
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
        bound = block.phase != "items" and self.count(block, reference) == 1
        if bound and not self._fits(block, reference):
            return None
        if block.phase == "group" and not bound and not alone:
            return None  # an alias is a whole term
        met = super()._resolve_in(block, reference, direct, nested, alone)
        if met is None:
            return None
        self._landed = bound or block.phase == "items"
        if not self._landed or self._inside:
            return met
        if block.phase in _NEED_GROUPS:
            return met if self._may_name(met, reference, direct, alone) else None
        if block.phase not in ("items", "late"):
            return met
        return self.frames.change(met, bare=met.bare | {(reference.qualifier, reference.name)})

    def _may_name(self, block: Block, reference: Reference, direct: bool, alone: bool) -> bool:
        if not (block.grouped or block.aggregates):
            return True
        place = self.source_of(block, reference.qualifier, reference.name)
        if (place, reference.name) in block.groups:
            return True
        plain = direct and alone and reference.qualifier is None and block.phase == "order"
        return plain and self._is_alias(block, reference.name, False)

    def own(self, block: Block, bare: Iterable[tuple[bytes | None, bytes]]) -> set[Any]:
        """Return columns of a SELECT's own sources, by source, among those it names."""
        found = ((self.source_of(block, q, name), name) for q, name in bare)
        return {(place, name) for place, name in found if place is not None}

    def text_key(self, block: Block, text: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return an expression's text with its columns named by their sources."""
        return tuple(
            ("column", self.source_of(block, part[1], part[2]), part[2])
            if isinstance(part, tuple)
            else part
            for part in text
        )

    def debt(self, block: Block) -> int:
        """Return about how many bytes a GROUP BY takes that a SELECT owes."""
        if not (block.aggregates or block.grouped) or block.phase in ("items", "late", "order"):
            return 0
        return 12 * len(self.uncovered(block))

    def payments(
        self, block: Block, terminals: frozenset[str], written: Callable[[bytes], bytes]
    ) -> Iterator[bytes]:
        """Yield texts that a SELECT owes: what it must group, the window that QUALIFY needs.

        Args:
            block: the SELECT.
            terminals: that the grammar lets follow.
            written: writes a name.
        """
        if block.phase == "qualify" and "<column>" in terminals:
            yield b"rank()OVER()=1"
        elif block.phase == "qualify":
            yield b" AND rank()OVER()=1"
        owed = self.uncovered(block) if block.aggregates or block.phase == "group" else []
        if not owed or block.phase in ("items", "late", "order"):
            return
        place, output = owed[0]
        term = str(place + 1).encode()
        if output.uses:
            pairs = sorted(output.bare, key=lambda pair: (pair[0] or b"", pair[1]))
            term = next(
                (b"." if q else b"").join(written(part) for part in (q, name) if part)
                for q, name in pairs
                if self.own(block, {(q, name)}) - block.groups
            )
        if "GROUP" in terminals:
            yield b"GROUP BY " + term
        yield term if "<column>" in terminals else b"," + term

    def uncovered(self, block: Block) -> list[tuple[int, Output]]:
        """Return the items, by place, that an aggregate query must group and has not."""
        found = []
        for place, output in enumerate(block.outputs):
            owed = self.own(block, output.bare) - block.groups
            if not owed or ("item", place) in block.groups:
                continue
            if output.text is not None and self.text_key(block, output.text) in block.groups:
                continue
            found.append((place, output))
        return found


class KindActions(Actions):
    """The actions of a dialect in which operands must fit."""

    scope: KindScope

    def __init__(self, scope: KindScope) -> None:
        super().__init__(scope)
        self.forms = self.dialect.forms

    # --- the stack ---------------------------------------------------------------------------

    def _set(self, move: Move, stack: tuple[Any, ...]) -> bool:
        move.frame = self.frames.change(move.frame, stack=stack)
        return True

    def _push_operand(self, move: Move, operand: Operand) -> bool:
        return self._set(move, (*move.frame.stack, operand))

    def _pop_operand(self, move: Move) -> Operand:
        stack = move.frame.stack
        self._set(move, stack[:-1])
        operand: Operand = stack[-1]
        return operand

    def _demand(self, move: Move, level: int, kinds: Kinds | None, sign: str = "") -> bool:
        return self._set(move, (*move.frame.stack, Demand(level, kinds, sign)))

    def demanded(self, frame: Any) -> Demand:
        """Return what the operand that is being read must become."""
        for entry in reversed(frame.stack):
            if isinstance(entry, Demand):
                return entry
        if isinstance(frame, Context) and isinstance(frame.parent, Call) and frame.kind in _READS:
            return Demand(1, self._taken(frame.parent))
        if isinstance(frame, Call) and not frame.closed:
            return Demand(1, self._taken(frame))
        if isinstance(frame, Block):
            return Demand(1, self._wanted_of(frame))
        is_filter = isinstance(frame, Context) and frame.kind == "filter"
        return Demand(1, BOOLEAN if is_filter else None)

    def _wanted_of(self, block: Block) -> Kinds | None:
        """Return the kinds that an item or condition of a SELECT must have; None: any."""
        if block.phase in ("where", "having", "qualify", "on"):
            return BOOLEAN
        query = block.parent
        if block.phase not in ("items", "late"):
            return None
        if isinstance(query, Query) and query.arms and len(block.outputs) < len(query.outputs):
            kind = query.outputs[len(block.outputs)].kind
            return None if kind == "any" else _together(kind)
        if isinstance(query, Query) and query.role == "in" and query.parent is not None:
            return self._wanted_in(query.parent)
        return None

    def _wanted_in(self, frame: Any) -> Kinds | None:
        left = frame.detail if isinstance(frame, Context) else None
        if not isinstance(left, Operand):
            return None
        wanted = ordered_with(left.kind)
        return wanted if "text" in wanted else wanted - {"string"}

    def _narrow(self, move: Move, operand: Operand, kinds: Kinds | None) -> Operand | None:
        """Return an operand that is of some kinds for sure; None where it is not."""
        if kinds is None:
            return operand
        likely = expand(operand.kind) <= kinds
        if likely and (operand.reference is None or operand.reference.kinds is not None):
            return operand
        if operand.reference is None:
            return None
        if not likely and operand.kind != "any" and not self._may_differ(move, operand.reference):
            return None
        possible = expand(operand.kind) if likely else kinds
        if not likely and operand.reference.kinds is not None and operand.kind != "any":
            possible = kinds & expand(operand.kind)
        if not possible:
            return None
        if possible & NUMBERS and not possible >= SCALARS - TEXTS:
            possible = possible & NUMBERS
        reference = operand.reference._replace(kinds=possible)
        met = self.scope.resolve(move.frame, reference)
        if met is None:
            return None
        move.frame = met
        return operand._replace(kind=group_of(possible), reference=reference)

    def _may_differ(self, move: Move, reference: Reference) -> bool:
        """Tell whether a column may have another kind than those of its name in sight.

        That of a derived table may, behind an alias that is no table's name.
        """
        block = self.scope.block_of(move.frame)
        qualifier = reference.qualifier
        return qualifier is not None and self.scope.find_relation(block, qualifier) is None

    def _settled(self, move: Move, operand: Operand) -> Operand | None:
        """Return an operand that fits where it stands; None where it does not."""
        kinds = self.demanded(move.frame).kinds
        if operand.kind == "string" and kinds is not None and "text" not in kinds:
            told = operand.text is not None and len(operand.text) == 1 and operand.text[0][1:]
            return operand if "string" in kinds and told and moment_ok(told, b"timestamp") else None
        return self._narrow(move, operand, kinds)

    def _made(self, move: Move, kind: str, level: int, text: tuple[Any, ...] | None = None) -> bool:
        """Push what an operator has made; False where nothing that fits can be made of it."""
        least, wanted, _ = self.demanded(move.frame)
        if not reaches(kind, wanted, level, least):
            return False
        return self._push_operand(move, Operand(kind, level=level, text=text))

    def _may_make(self, move: Move, kind: str, level: int) -> bool:
        least, wanted, _ = self.demanded(move.frame)
        return reaches(kind, wanted, level, least)

    # --- literals and columns ----------------------------------------------------------------

    def do_number(self, move: Move) -> bool:
        if not super().do_number(move):
            return False
        digits: bytes = move.payload or b"1"
        kind = "float" if b"e" in digits else "decimal"
        if digits.isdigit():
            sizes = (("int4", 1 << 31), ("int8", 1 << 63))
            kind = next((name for name, size in sizes if int(digits) < size), "number")
        if not self._fits_part(move, kind) or not self._literal_fits(move, kind):
            return False
        return self._push_operand(move, Operand(kind, text=(digits,), constant=True))

    def _literal_fits(self, move: Move, kind: str) -> bool:
        """Tell whether a literal can become what is wanted; CAST may not help there.

        The engine works out what it can before it runs, and `CAST('a' AS INTEGER)` fails then.
        """
        frame = move.frame
        least, wanted, _ = self.demanded(frame)
        while isinstance(frame, Context) and frame.kind == "paren" and frame.detail is None:
            if wanted is not None or frame.stack:
                break
            frame = frame.parent
            wanted = self.demanded(frame).kinds
        if wanted is not None and kind == "string" and "string" in wanted:
            return True
        return reaches(kind, wanted, 8, least)

    def _fits_part(self, move: Move, kind: str) -> bool:
        """Tell whether a literal may be the whole argument, where that must be one literal."""
        if not isinstance(move.frame, Context) or move.frame.kind not in PARTS:
            return True
        kinds = self.demanded(move.frame).kinds
        return kinds is None or kind in kinds

    def do_string(self, move: Move) -> bool:
        self._mark(move)
        if not self._fits_part(move, "string") or not self._literal_fits(move, "string"):
            return False
        text = None if move.payload is None else (b"'" + move.payload,)
        return self._push_operand(move, Operand("string", text=text, constant=True))

    def _literal(self, move: Move, kind: str, *, constant: bool = False) -> bool:
        self._mark(move)
        if kind != "null" and not self._literal_fits(move, kind):
            return False
        return self._push_operand(
            move, Operand(kind, text=(move.terminal,), constant=constant)
        )

    def do_null(self, move: Move) -> bool:
        return self._literal(move, "null", constant=True)

    def do_boolean(self, move: Move) -> bool:
        return self._literal(move, "boolean", constant=True)

    def do_date_value(self, move: Move) -> bool:
        return self._literal(move, "date", constant=True)

    def do_timestamp_value(self, move: Move) -> bool:
        return self._literal(move, "timestamptz", constant=True)

    def do_typed_literal(self, move: Move) -> bool:
        _, name, quoted = move.held
        if quoted or name not in LITERAL_TYPES:
            return False
        if move.payload is not None and not moment_ok(move.payload, name):
            return False
        self._mark(move)
        move.held = None
        if not self._literal_fits(move, LITERAL_TYPES[name]):
            return False
        text = None if move.payload is None else (name, b"'" + move.payload)
        return self._push_operand(move, Operand(LITERAL_TYPES[name], text=text, constant=True))

    def do_interval(self, move: Move) -> bool:
        return self._mark(move) and self._literal_fits(move, "interval")

    def do_interval_text(self, move: Move) -> bool:
        if move.payload is not None and not interval_ok(move.payload):
            return False
        move.held = ("interval", move.payload is not None and move.payload.isdigit())
        return True

    def do_interval_unit(self, move: Move) -> bool:
        if not move.held or not move.held[1]:
            return False
        return self.do_interval_whole(move, needs_unit=False)

    def do_interval_count(self, move: Move) -> bool:
        move.held = ("interval", True)
        return True

    def do_interval_whole(self, move: Move, *, needs_unit: bool = True) -> bool:
        if needs_unit and move.held and move.held[1]:
            return False
        move.held = None
        return self._push_operand(move, Operand("interval", constant=True))

    def _refer(self, move: Move, reference: Reference) -> bool:
        before, alone = move.frame, move.alone
        if not super()._refer(move, reference):
            return False
        operand = self._referred(move, before, reference, alone)
        return operand is not None and self._push_operand(move, operand)

    def _referred(
        self, move: Move, frame: Frame, reference: Reference, alone: bool
    ) -> Operand | None:
        text = (("column", reference.qualifier, reference.name),)
        direct = True
        for block in self.scope.chain(frame):
            if block.phase == "items":
                return self._pending(move, block, reference, text)
            named = reference.qualifier is None and direct and self._alias_kind(block, reference)
            kind = self.scope.column_kind(block, reference)
            if kind is not None and named and alone and block.phase == "order":
                kind = kind if kind == named else "any"
            if kind is not None or named:
                return Operand(kind or str(named), text=text)
            direct = False
        return Operand("any", text=text)

    def _alias_kind(self, block: Block, reference: Reference) -> str | None:
        if block.phase in ("on", "from"):
            return None
        outputs = self._listed(block) if block.phase == "compound" else block.outputs
        kinds = {o.kind for o in outputs if o.name == reference.name}
        return (kinds.pop() if len(kinds) == 1 else "any") if kinds else None

    def _pending(
        self, move: Move, block: Block, reference: Reference, text: tuple[Any, ...]
    ) -> Operand | None:
        """Return a column that FROM owes, of the kind that such columns in sight have."""
        likely = self.scope.asked_kinds(block, reference)
        if likely is None:
            likely = self.scope.likely_kinds(block, reference)
        if likely is None or (len(likely) > 1 and group_of(likely) == "any"):
            return Operand("any", reference, text=text)
        return Operand(group_of(likely), reference, text=text)

    def _commit(self, move: Move, operand: Operand) -> Operand:
        """Ask of FROM that a column has the kind that it is taken for."""
        reference = operand.reference
        if reference is None or reference.kinds is not None or operand.kind == "any":
            return operand
        return self._narrow(move, operand, expand(operand.kind)) or operand._replace(kind="any")

    # --- operators ---------------------------------------------------------------------------

    def do_sign(self, move: Move) -> bool:
        self._mark(move)
        wanted = NUMBERS | {"interval"} if move.terminal == "-" else NUMBERS
        least, around, _ = self.demanded(move.frame)
        if around is not None:
            wanted = frozenset(kind for kind in wanted if reaches(kind, around, 8, least))
        return bool(wanted) and self._demand(move, 9, wanted, move.terminal)

    def do_signed(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        sign = self._pop_operand(move)
        text = _joined(sign[2], operand.text)
        return self._push_operand(move, operand._replace(text=text, reference=None))

    def do_arithmetic(self, move: Move) -> bool:
        self._mark(move)
        level = 6 if move.terminal in "+-" else 7
        left = self._commit(move, self._pop_operand(move))
        if left.reference is not None and not _is_sure(left.kind):
            narrowed = self._narrow(move, left, NUMBERS)
            if narrowed is None:
                return False
            left = narrowed
        least, wanted, _ = self.demanded(move.frame)
        sign = move.terminal
        made = {kind: arithmetic(sign, left.kind, kind) for kind in partners(sign, left.kind)}
        fitting = {k for k, m in made.items() if reaches(str(m), wanted, level, least, again=False)}
        if not fitting:
            return False
        self._push_operand(move, left)
        return self._demand(move, level + 1, frozenset(fitting), move.terminal)

    def do_calculated(self, move: Move) -> bool:
        right = self._settled(move, self._pop_operand(move))
        if right is None:
            return False
        sign = self._pop_operand(move)[2]
        left = self._pop_operand(move)
        kind = arithmetic(str(sign), left.kind, right.kind)
        level = 6 if str(sign) in "+-" else 7
        text = _joined(left.text, sign, right.text)
        return kind is not None and self._made(move, kind, level, text)

    def do_concat(self, move: Move) -> bool:
        self._mark(move)
        left = self._narrow(move, self._pop_operand(move), SCALARS)
        if left is None or not self._may_make(move, "text", 8):
            return False
        self._push_operand(move, left)
        return self._demand(move, 9, SCALARS, "||")

    def do_concatenated(self, move: Move) -> bool:
        right = self._settled(move, self._pop_operand(move))
        if right is None:
            return False
        self._pop_operand(move)
        left = self._pop_operand(move)
        kind = "blob" if left.kind == right.kind == "blob" else "text"
        return self._made(move, kind, 8, _joined(left.text, "||", right.text))

    def do_compare(self, move: Move) -> bool:
        self._mark(move)
        if move.frame.stack[-1].level == 4 or not self._boolean_at(move, 4):
            return False  # a < b < c
        left = self._commit(move, self._pop_operand(move))
        self._push_operand(move, left)
        wanted = None if _is_free(left) else ordered_with(left.kind)
        return self._demand(move, 5, wanted, move.terminal)

    def _boolean_at(self, move: Move, level: int) -> bool:
        """Tell whether what is read last may become part of a truth."""
        operand = self._pop_operand(move)
        fine = self._may_make(move, "boolean", level)
        self._push_operand(move, operand)
        return fine

    def _orderable(self, move: Move) -> Operand | None:
        """Return the operand read last; a column that could be anything is taken for a number."""
        left = self._commit(move, self._pop_operand(move))
        if left.kind == "any" and left.reference is not None:
            narrowed = self._narrow(move, left, NUMBERS)
            if narrowed is None:
                return None
            left = narrowed
        self._push_operand(move, left)
        return left

    def do_compared(self, move: Move) -> bool:
        right = self._settled(move, self._pop_operand(move))
        if right is None:
            return False
        right = self._commit(move, right)
        sign = self._pop_operand(move)[2]
        left = self._pop_operand(move)
        if _is_free(left) and not self._compare_free(move, left, right):
            return False
        return self._made(move, "boolean", 4, _joined(left.text, sign, right.text))

    def _compare_free(self, move: Move, left: Operand, right: Operand) -> bool:
        """Ask of a column of which nothing is known that it goes with what it is compared with."""
        if right.kind == "null":
            return True
        if _is_free(right):
            known = self._narrow(move, right, NUMBERS)
            return known is not None and self._narrow(move, left, NUMBERS) is not None
        kinds = TEXTS if right.kind == "string" else ordered_with(right.kind) - {"null", "string"}
        return bool(kinds) and self._narrow(move, left, kinds) is not None

    def do_is(self, move: Move) -> bool:
        self._mark(move)
        return self._boolean_at(move, 4)

    def do_is_null(self, move: Move) -> bool:
        self._mark(move)
        left = self._pop_operand(move)
        return self._made(move, "boolean", 4, _joined(left.text, move.terminal))

    def do_is_truth(self, move: Move) -> bool:
        return self.do_is_null(move)

    def do_not(self, move: Move) -> bool:
        self._mark(move)
        return self._may_make(move, "boolean", 3) and self._demand(move, 3, BOOLEAN, "NOT")

    def do_negation(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        self._pop_operand(move)
        return self._made(move, "boolean", 3, _joined("NOT", operand.text))

    def do_logic(self, move: Move) -> bool:
        self._mark(move)
        level = 1 if move.terminal == "OR" else 2
        left = self._narrow(move, self._pop_operand(move), BOOLEAN)
        if left is None or not self._may_make(move, "boolean", level):
            return False
        self._push_operand(move, left)
        return self._demand(move, level + 1, BOOLEAN, move.terminal)

    def do_logical(self, move: Move) -> bool:
        right = self._settled(move, self._pop_operand(move))
        if right is None:
            return False
        sign = self._pop_operand(move)[2]
        left = self._pop_operand(move)
        level = 1 if sign == "OR" else 2
        return self._made(move, "boolean", level, _joined(left.text, sign, right.text))

    def do_like(self, move: Move) -> bool:
        self._mark(move)
        if move.frame.stack[-1].level == 4 or not self._boolean_at(move, 4):
            return False
        wanted = TEXTS | {"json", "null"}
        left = self._narrow(move, self._pop_operand(move), wanted)
        if left is None:
            return False
        self._push_operand(move, left)
        return self._demand(move, 5, wanted)

    def do_liked(self, move: Move) -> bool:
        return self.do_compared(move)

    def do_between(self, move: Move) -> bool:
        self._mark(move)
        if move.frame.stack[-1].level == 4 or not self._boolean_at(move, 4):
            return False
        left = self._orderable(move)
        return left is not None and self._demand(move, 5, ordered_with(left.kind))

    def do_between_low(self, move: Move) -> bool:
        low = self._settled(move, self._pop_operand(move))
        if low is None:
            return False
        wanted = self.demanded(move.frame).kinds
        self._set(move, (*move.frame.stack[:-2], Operand("any")))
        anything = wanted is not None and wanted >= SCALARS  # NULL BETWEEN
        return self._demand(move, 5, ordered_with(low.kind) if anything else wanted)

    def do_between_high(self, move: Move) -> bool:
        return self.do_compared(move)

    # --- IN, CASE, CAST and the like ---------------------------------------------------------

    def do_in(self, move: Move) -> bool:
        left = self._commit(move, self._pop_operand(move))
        if not super().do_in(move):
            return False
        move.frame = self.frames.change(move.frame, detail=left._replace(text=None))
        return True

    def do_in_left(self, move: Move) -> bool:
        return move.frame.stack[-1].level != 4 and self._boolean_at(move, 4)

    do_negated = do_in_left

    def do_in_query(self, move: Move) -> bool:
        left: Operand = move.frame.detail
        if left.kind == "any":
            return False
        return self._push(move, "in", width=1)

    def do_in_values(self, move: Move) -> bool:
        left: Operand = move.frame.detail
        if _is_free(left):
            known = self._narrow(move, left, NUMBERS)
            if known is None:
                return False
            left = known
        return self._demand(move, 1, ordered_with(left.kind))

    def do_in_value(self, move: Move) -> bool:
        return self._settled(move, self._pop_operand(move)) is not None

    def do_end_in(self, move: Move) -> bool:
        self._pop(move)
        return self._made(move, "boolean", 4)

    def do_case(self, move: Move) -> bool:
        super().do_case(move)
        return self._case(move, None, "null", ("CASE",))

    def _case(self, move: Move, base: Operand | None, kind: str, text: Any) -> bool:
        """Keep what has been read of a CASE: what it compares, its kind, how it is written."""
        move.frame = self.frames.change(move.frame, detail=(base, kind, text), stack=())
        return True

    def do_case_based(self, move: Move) -> bool:
        base = self._orderable(move)
        _, kind, text = move.frame.detail
        return base is not None and self._case(move, base, kind, _joined(text, base.text))

    def do_when(self, move: Move) -> bool:
        base = move.frame.detail[0]
        return self._demand(move, 1, ordered_with(base.kind) if base else BOOLEAN)

    def do_then_value(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        base, kind, text = move.frame.detail
        return operand is not None and self._case(move, base, kind, _joined(text, operand.text))

    def do_case_value(self, move: Move) -> bool:
        value = self._commit(move, self._pop_operand(move))
        base, before, text = move.frame.detail
        kind = self._unified(move, before, value)
        if kind is None:
            return False
        return self._case(move, base, kind, _joined(text, "THEN", value.text))

    def _unified(self, move: Move, kind: str, value: Operand) -> str | None:
        """Return the kind of some values and one more; None where they do not go together."""
        if value.kind == "any" and kind in ("null", "string"):
            known = self._narrow(move, value, NUMBERS if kind == "null" else TEXTS)
            return known.kind if known is not None else "any" if kind == "null" else None
        if value.kind == "any":
            known = self._narrow(move, value, expand(kind))
            value = known or value
        return unify(kind, value.kind)

    def do_then(self, move: Move) -> bool:
        kind = move.frame.detail[1]
        if kind == "null":
            return True
        return self._demand(move, 1, _together(kind))

    def do_end_case(self, move: Move) -> bool:
        _, kind, text = move.frame.detail
        self._pop(move)
        kind = {"null": "any", "string": "text"}.get(kind, kind)
        return self._push_operand(move, Operand(kind, text=_joined(text, "END")))

    def do_cast(self, move: Move) -> bool:
        super().do_cast(move)
        move.frame = self.frames.change(move.frame, detail="cast")
        return True

    def do_end_parenthesis(self, move: Move) -> bool:
        operand = self._pop_operand(move)
        if not super().do_end_parenthesis(move):
            return False
        kept = operand._replace(level=9, text=_joined("(", operand.text, ")"))
        return self._push_operand(move, kept)

    def do_end_scalar(self, move: Move) -> bool:
        query: Query = move.frame
        self._pop(move)
        if query.role != "scalar":
            return True
        return self._push_operand(move, Operand(query.outputs[0].kind))

    def do_end_exists(self, move: Move) -> bool:
        self._pop(move)
        return self._push_operand(move, Operand("boolean"))

    def do_double_colon(self, move: Move) -> bool:
        operand = self._pop_operand(move)
        self._mark(move)
        move.frame = self.frames.make(Context, move.frame, "paren")
        return self._push_operand(move, operand)

    def do_type(self, move: Move) -> bool:
        if not super().do_type(move):
            return False
        name = self._name(move).decode()
        kind = self.dialect.cast_types[name][0]
        operand = self._commit(move, self._pop_operand(move))
        made = casts(operand.kind)
        if _is_free(operand):
            known = self._narrow(move, operand, TEXTS)
            if known is None:
                return False
            operand, made = known, None
        if made is not None and kind not in made:
            return False
        if operand.constant and (operand.kind in TEXTS and kind != "text"):
            return False
        if operand.constant and not self._constant_fits(move, kind):
            return False
        text = _joined(operand.text, "AS", kind)
        return self._push_operand(move, Operand(kind, text=text, constant=operand.constant))

    def _constant_fits(self, move: Move, kind: str) -> bool:
        """Tell whether a constant that CAST has made can become what is wanted around it."""
        inside = move.frame
        around = Move(inside.parent, None, move.terminal, None, None, 0, False)
        return self._literal_fits(around, kind)

    def do_type_parameter(self, move: Move) -> bool:
        sizes = (*move.held[2:], int(move.payload or 1))
        if not 1 <= sizes[0] <= 38 or (len(sizes) > 1 and sizes[1] > sizes[0]):
            return False
        operand = self._pop_operand(move)
        self._push_operand(move, operand._replace(text=_joined(operand.text, str(sizes[-1]))))
        move.held = ("type", move.held[1] - 1, *sizes)
        return True

    def do_end_cast(self, move: Move) -> bool:
        operand = self._pop_operand(move)
        self._pop(move)
        move.held = None
        return self._push_operand(move, operand)

    def do_extract(self, move: Move) -> bool:
        self._mark(move)
        move.frame = self.frames.make(Context, move.frame, "paren")
        return True

    def do_field(self, move: Move) -> bool:
        field = self._name(move)
        move.frame = self.frames.change(move.frame, detail=field)
        of_weeks = field in (b"week", b"dow", b"doy")
        return self._demand(move, 1, MOMENTS if of_weeks else _EXTRACTABLE)

    def do_end_extract(self, move: Move) -> bool:
        operand = self._pop_operand(move)
        field = move.frame.detail
        self._pop(move)
        text = _joined("EXTRACT", field, operand.text)
        return self._push_operand(move, Operand("number", text=text))

    def do_extracted(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        return operand is not None and self._push_operand(move, operand)

    # --- functions ---------------------------------------------------------------------------

    def do_call(self, move: Move) -> bool:
        before = Move(move.frame, None, move.terminal, None, None, 0, False)
        if not super().do_call(move):
            return False
        function: Function = move.frame.function
        if function.most != 0 or function.kind != "scalar":
            return True
        return self._literal_fits(before, self._returned(function, ()))

    def _returned(self, form: Function, kinds: tuple[str, ...]) -> str:
        """Return the kind that a function makes of arguments of some kinds."""
        kind = _same(form, kinds) if form.returns == "same" else form.returns
        kind = {"string": "text", "null": "any"}.get(kind, kind)
        return self.dialect.results.get(form.name, kind) if kind == "any" else kind

    def _arguments(self, call: Call) -> tuple[Operand, ...]:
        return tuple(entry for entry in call.stack if isinstance(entry, Operand))

    def _forms(self, call: Call, kinds: tuple[str, ...]) -> list[Function]:
        """Return the ways to call a function with arguments of some kinds, as far as they go."""
        forms = self.forms[call.function.name]
        return [form for form in forms if _takes(form, kinds)]

    def _taken(self, call: Call) -> Kinds | None:
        """Return the kinds that the argument being read may have; None: any."""
        place = max(0, call.count - 1)
        kinds = tuple(operand.kind for operand in self._arguments(call)[:place])
        found: set[str] = set()
        for form in self._forms(call, kinds):
            takes = _take(form, place)
            if takes == "any":
                return None
            if takes == "same":
                if not kinds or _is_free(self._arguments(call)[0]):
                    return None
                together = _together(_same(form, kinds))
                if together is None:
                    return None
                found |= together
            elif takes is not None:
                found |= expand(takes)
        return frozenset(found | ({"string"} if "text" in found else set()))

    def do_end_argument(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        operand = self._commit(move, operand)
        if operand.kind == "null" and not self._taken_by(move) <= {"any", "same"}:
            return False
        super().do_end_argument(move)
        if not self._narrow_first(move, operand):
            return False
        self._push_operand(move, operand._replace(level=9))
        call: Call = move.frame
        kinds = tuple(one.kind for one in self._arguments(call))
        return bool(self._forms(call, kinds))

    def _narrow_first(self, move: Move, operand: Operand) -> bool:
        """Ask of a first argument of which nothing is known that it goes with a further one."""
        call: Call = move.frame
        arguments = self._arguments(call)
        form = self.forms[call.function.name][0]
        if not arguments or _take(form, call.count - 1) != "same" or not _is_free(arguments[0]):
            return True
        if operand.kind == "null":
            return True
        wanted = NUMBERS if _is_free(operand) else _together(operand.kind) or TEXTS
        known = self._narrow(move, arguments[0], frozenset(wanted - {"null", "string"}))
        if known is None:
            return False
        return self._set(move, (known, *move.frame.stack[1:]))

    def _taken_by(self, move: Move) -> set[str | None]:
        call: Call = move.frame if isinstance(move.frame, Call) else move.frame.parent
        return {_take(form, call.count - 1) for form in self.forms[call.function.name]}

    def do_distinct_argument(self, move: Move) -> bool:
        call: Call = move.frame
        if not call.function.distinct:
            return False
        move.frame = self.frames.change(call, distinct=True)
        return True

    def do_next_argument(self, move: Move) -> bool:
        return self._argument(move)

    def do_can_order(self, move: Move) -> bool:
        call: Call = move.frame
        return call.function.kind == "aggregate" and not call.distinct

    def do_window_term(self, move: Move) -> bool:
        return self._demand(move, 1, None)

    def do_end_window_term(self, move: Move) -> bool:
        operand = self._pop_operand(move)
        self._pop_operand(move)
        return not operand.constant

    def do_can_over(self, move: Move) -> bool:
        call: Call = move.frame
        if not super().do_can_over(move):
            return False
        block = self.scope.block_of(call)
        must = block.phase in _NEED_GROUPS and (block.grouped or block.aggregates)
        return not must or self.scope.own(block, call.bare) <= block.groups

    def do_end_call(self, move: Move) -> bool:
        call: Call = move.frame
        if not super().do_end_call(move):
            return False
        is_window = call.over
        if is_window and call.bare:
            self._spill(move, call.bare)
        if self._aggregates(call) and not is_window and not self._may_aggregate(move.frame):
            return False
        arguments = self._arguments(call)
        kinds = tuple(operand.kind for operand in arguments)
        forms = self._forms(call, kinds)
        if not forms:
            return False
        kind = self._returned(forms[0], kinds)
        text = None
        if call.function.kind == "scalar" and all(one.text is not None for one in arguments):
            parts = (part for one in arguments for part in (one.text, ","))
            text = _joined(call.function.name, *parts)
        free = [one.reference for one in arguments if _is_free(one)]
        reference = free[0] if len(arguments) == 1 and forms[0].returns == "same" and free else None
        constant = not arguments and call.function.kind == "scalar"
        return self._push_operand(move, Operand(kind, reference, text=text, constant=constant))

    def _spill(self, move: Move, bare: frozenset[Any]) -> None:
        """Hand what a window function names to the aggregate or SELECT around it."""
        frame = move.frame
        chain = []
        while not isinstance(frame, Block):
            if isinstance(frame, Call) and self.scope.is_aggregate(frame):
                break
            chain.append(frame)
            frame = frame.parent
        if isinstance(frame, Block) and frame.phase not in ("items", "late"):
            return
        frame = self.frames.change(frame, bare=frame.bare | bare)
        for inner in reversed(chain):
            frame = self.frames.change(inner, parent=frame)
        move.frame = frame

    def _may_aggregate(self, frame: Any) -> bool:
        """Tell whether a SELECT may be an aggregate one: no `*`, no DISTINCT ON."""
        if not isinstance(frame, (Block, Call, Context)):
            return True
        block = self.scope.block_of(frame)
        return not _shows_all(block)

    # --- SELECT lists ------------------------------------------------------------------------

    def do_item(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, stack=(), bare=frozenset())
        return super().do_item(move)

    def do_star(self, move: Move) -> bool:
        block: Block = move.frame
        if block.aggregates or self._in_typed_query(block):
            return False
        if not super().do_star(move):
            return False
        return self._flag(move, "star")

    def _in_typed_query(self, block: Block) -> bool:
        query = self.scope.query_of(block)
        return query.role == "in" and self._wanted_in(query.parent) is not None

    def do_qualified_star(self, move: Move) -> bool:
        block = move.frame
        if isinstance(block, Block) and (block.aggregates or self._in_typed_query(block)):
            return False
        return super().do_qualified_star(move) and self._flag(move, "star")

    def _flag(self, move: Move, flag: str) -> bool:
        move.frame = self.frames.change(move.frame, groups=move.frame.groups | {flag})
        return True

    def do_item_value(self, move: Move) -> bool:
        block: Block = move.frame
        if isinstance(block.item, tuple):
            return super().do_item_value(move)
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        if not super().do_item_value(move):
            return False
        block = move.frame
        kind = {"string": "text", "null": "any"}.get(operand.kind, operand.kind)
        named = block.outputs[-1]._replace(
            kind=kind, reference=operand.reference, text=operand.text, bare=block.bare
        )
        move.frame = self.frames.change(
            block, outputs=(*block.outputs[:-1], named), bare=frozenset(), stack=()
        )
        return True

    def do_distinct_on(self, move: Move) -> bool:
        return self._flag(move, "distinct on")

    def do_end_distinct_on(self, move: Move) -> bool:
        constant = any(entry.constant for entry in move.frame.stack)
        move.frame = self.frames.change(move.frame, stack=(), bare=frozenset())
        return not constant and not move.frame.aggregates

    def _settle_kinds(self, move: Move) -> bool:
        """Give the items that are owed columns the kinds of those that FROM has."""
        block: Block = move.frame
        outputs = tuple(self._with_kind(block, output) for output in block.outputs)
        move.frame = self.frames.change(block, outputs=outputs, stack=(), bare=frozenset())
        return True

    def _with_kind(self, block: Block, output: Output) -> Output:
        if output.reference is None:
            return output
        kind = self.scope.column_kind(block, output.reference)
        if kind is None:
            kind = output.kind
        return output._replace(kind=kind, reference=None)

    def do_close_from(self, move: Move) -> bool:
        return super().do_close_from(move) and self._settle_kinds(move)

    def do_no_from(self, move: Move) -> bool:
        return super().do_no_from(move) and self._settle_kinds(move)

    def usable(self, block: Block) -> Any:
        """Yield the names that USING may hold: those of one kind on both sides."""
        begun = self.scope.joined_from(block)
        left = self.frames.change(block, sources=block.sources[begun:-1])
        last = block.sources[-1].relation
        for name in super().usable(block):
            if self.scope.column_kind(left, Reference(None, name)) == last.kinds[last.places[name]]:
                yield name

    # --- the other clauses -------------------------------------------------------------------

    def _clause(self, move: Move, phase: str) -> bool:
        move.frame = self.frames.change(move.frame, stack=(), bare=frozenset())
        return super()._clause(move, phase)

    def do_end_condition(self, move: Move) -> bool:
        block: Block = move.frame
        uses = {block.uses, *(output.uses for output in block.outputs)}
        if block.phase == "qualify" and "window" not in uses:
            return False
        return self._settled(move, self._pop_operand(move)) is not None

    def do_phase_qualify(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, uses="")
        return self._clause(move, "qualify")

    def do_end_on(self, move: Move) -> bool:
        if self._settled(move, self._pop_operand(move)) is None:
            return False
        return super().do_end_on(move)

    def do_end_filter(self, move: Move) -> bool:
        if self._settled(move, self._pop_operand(move)) is None:
            return False
        return self._pop(move)

    def do_can_group(self, move: Move) -> bool:
        return not _shows_all(move.frame)

    def do_can_derive(self, move: Move) -> bool:
        return move.frame.phase != "natural" and super().do_can_derive(move)

    def do_can_join_naturally(self, move: Move) -> bool:
        if not super().do_can_join_naturally(move):
            return False
        block = self.frames.change(move.frame, phase="natural")
        names = self.scope.relation_names(block)
        found = ((n, self.scope.find_relation(block, n)) for n in names)
        return any(one is not None and self.scope.can_add(block, n, one) for n, one in found)

    def do_comma(self, move: Move) -> bool:
        block: Block = move.frame
        kept = {flag for flag in block.groups if not isinstance(flag, int)}
        move.frame = self.frames.change(block, groups=frozenset(kept | {len(block.sources)}))
        return super().do_comma(move)

    def do_no_group(self, move: Move) -> bool:
        block: Block = move.frame
        return not block.aggregates or not self.scope.uncovered(block)

    def do_group_all(self, move: Move) -> bool:
        block: Block = move.frame
        columns: set[Any] = set()
        for place, output in self.scope.uncovered(block):
            if output.uses:
                return False
            columns.add(("item", place))
            if output.text is not None and len(output.text) == 1:
                columns |= self.scope.own(block, output.bare)
        move.frame = self.frames.change(block, groups=block.groups | columns)
        return True

    def do_end_group(self, move: Move) -> bool:
        return not self.scope.uncovered(move.frame)

    def do_end_term(self, move: Move) -> bool:
        block: Block = move.frame
        position = move.held and move.held[0] == "position" and block.item == b""
        digits = move.held[1] if position else b""
        if not super().do_end_term(move):
            return False
        if position and not digits.isdigit():
            return False
        place = int(digits) - 1 if position else None
        operand = self._pop_operand(move)
        if place is None and operand.constant:
            return False
        if block.phase == "group":
            grouped = self._grouped(block, operand, place)
            move.frame = self.frames.change(move.frame, groups=block.groups | grouped)
        return True

    def _grouped(self, block: Block, operand: Operand, place: int | None) -> set[Any]:
        """Return what a term of GROUP BY covers."""
        if place is None and operand.text is None:
            return set()
        if place is None:
            assert operand.text is not None
            if len(operand.text) > 1 or not isinstance(operand.text[0], tuple):
                return {self.scope.text_key(block, operand.text)}
            _, qualifier, name = operand.text[0]
            column = self.scope.source_of(block, qualifier, name)
            if column is not None:
                return {(column, name)}
            named = [n for n, o in enumerate(block.outputs) if o.explicit and o.name == name]
            return set().union(*(self._grouped(block, operand, n) for n in named))
        output = block.outputs[place]
        found: set[Any] = {("item", place)}
        if output.text is not None:
            found.add(self.scope.text_key(block, output.text))
            if len(output.text) == 1:
                found |= self.scope.own(block, output.bare)
        return found

    # --- set operations ----------------------------------------------------------------------

    def _merged(self, move: Move) -> tuple[Output, ...]:
        block: Block = move.frame
        query: Query = block.parent  # type: ignore[assignment]
        if not query.arms or len(query.outputs) != len(block.outputs):
            return query.outputs if query.arms else block.outputs
        return tuple(
            first._replace(kind=first.kind if first.kind == other.kind else "any")
            for first, other in zip(query.outputs, block.outputs, strict=True)
        )

    def do_arm(self, move: Move) -> bool:
        merged = self._merged(move)
        if not super().do_arm(move):
            return False
        move.frame = self.frames.change(move.frame, outputs=_plain(merged))
        return True

    def do_end_query(self, move: Move) -> bool:
        merged = self._merged(move)
        if not super().do_end_query(move):
            return False
        move.frame = self.frames.change(move.frame, outputs=_plain(merged))
        return True

    def fitting(self, frame: Any, terminals: frozenset[str]) -> Iterator[bytes]:
        """Yield values, or types of a CAST, that fit where a text stands."""
        if "<type>" in terminals:
            made = casts(frame.stack[-1].kind)
            wanted = self.demanded(frame.parent).kinds
            for kind, name in TYPES.items():
                if (wanted is None or kind in wanted) and (made is None or kind in made):
                    yield name
            yield b"TEXT"
        if "NUMBER" in terminals and hasattr(frame, "stack"):
            kinds = self.demanded(frame).kinds
            yield from (text for kind, text in SAMPLES.items() if kinds and kind in kinds)
        elif "IS" in terminals and isinstance(frame, Call) and frame.closed:
            yield from self._truth(frame.parent)
        elif "IS" in terminals and frame.stack and isinstance(frame.stack[-1], Operand):
            kinds = self.demanded(frame).kinds
            yield from self._truth(frame)
            if kinds is not None and not expand(frame.stack[-1].kind) <= kinds:
                yield b"||''"

    def _truth(self, frame: Any) -> Iterator[bytes]:
        """Yield what makes a truth of anything, where the whole must be one."""
        base = self.demanded(self.frames.change(frame, stack=())).kinds
        if base is not None and "boolean" in base:
            yield b" IS NULL"

    # --- what literals say -------------------------------------------------------------------

    def reads_text(self, cell: Any, frame: Any, held: Any) -> bool:
        """Tell whether what a string says decides if it is legal here."""
        if "STRING_INTERVAL" in cell.terminals or (held and held[0] == "name"):
            return True
        return self.part_of(frame) is not None or self._wants_moment(frame)

    def keeps_text(self, frame: Any) -> bool:
        """Tell whether what a string says may matter later: GROUP BY repeats an item."""
        while not isinstance(frame, (Block, Query)):
            frame = frame.parent
        return isinstance(frame, Block) and frame.phase in ("items", "late", "group")

    def _wants_moment(self, frame: Any) -> bool:
        if not hasattr(frame, "stack"):
            return False
        kinds = self.demanded(frame).kinds
        return kinds is not None and "string" in kinds and "text" not in kinds

    def part_of(self, frame: Any) -> str | None:
        """Return which of PARTS is read here; None where any expression is."""
        if isinstance(frame, Call) and frame.count == 0 and not frame.closed:
            kind = self._reads(self.frames.change(frame, count=1))
        else:
            kind = frame.kind if isinstance(frame, Context) else ""
        return kind if kind in PARTS else None

    def text_begins(self, cell: Any, frame: Any, held: Any, text: bytes) -> bool:
        """Tell whether a string that is legal here begins so."""
        if "STRING_INTERVAL" in cell.terminals:
            return interval_begins(text)
        if held and held[0] == "name":
            return moment_begins(text, held[1])
        kind = self.part_of(frame)
        if kind is None:
            return moment_begins(text, b"timestamp")
        if kind == "part":
            parts = DATE_PARTS[self.dialect.name]
            return any(part.encode().startswith(text.lower()) for part in parts)
        if kind == "format":
            return format_ok(text + b"Y") or format_ok(text)
        return kind != "pattern" or pattern_begins(text)

    def text_ok(self, cell: Any, frame: Any, held: Any, text: bytes) -> bool:
        """Tell whether a whole string is legal here."""
        if "STRING_INTERVAL" in cell.terminals:
            return interval_ok(text)
        if held and held[0] == "name":
            return moment_ok(text, held[1])
        kind = self.part_of(frame)
        if kind is None:
            return moment_ok(text, b"timestamp")
        if kind == "part":
            return text.lower().decode("utf-8", "replace") in DATE_PARTS[self.dialect.name]
        if kind == "format":
            return format_ok(text)
        return kind != "pattern" or pattern_ok(text)


def _is_free(operand: Operand) -> bool:
    """Tell whether an operand is a column of which nothing is known yet."""
    return operand.kind == "any" and operand.reference is not None


_READS = (*PARTS, "operand", "primary", "expression")


def _is_sure(kind: str) -> bool:
    return kind != "any" and kind != "moment"


def _shows_all(block: Block) -> bool:
    return "star" in block.groups or "distinct on" in block.groups


def _plain(outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    nothing: frozenset[Any] = frozenset()
    return tuple(output._replace(text=None, bare=nothing) for output in outputs)


def _joined(*parts: Any) -> tuple[Any, ...] | None:
    """Return the text of an expression; None where that of a part is not known."""
    found: list[Any] = []
    for part in parts:
        if part is None:
            return None
        found += part if isinstance(part, tuple) else (part,)
    return tuple(found) if len(found) <= 40 else None


def _together(kind: str) -> Kinds | None:
    """Return the kinds that CASE and COALESCE take next to one; None: any."""
    if kind in ("null", "any"):
        return None if kind != "any" else frozenset({"null"})
    return frozenset(
        one for one in (*_CONCRETE, "string", "null") if unify(kind, one) is not None
    )


def _take(form: Function, place: int) -> str | None:
    """Return what a form takes at a place; None: nothing."""
    if place < len(form.takes):
        return form.takes[place]
    if form.most is not None or not form.takes:
        return None
    tail = form.takes[-form.step :]
    return tail[(place - len(form.takes)) % len(tail)]


def _takes(form: Function, kinds: tuple[str, ...]) -> bool:
    """Tell whether a form takes arguments of some kinds, as far as they go."""
    for place, kind in enumerate(kinds):
        takes = _take(form, place)
        if takes is None:
            return False
        if takes == "any":
            continue
        if takes == "same":
            if unify(_same(form, kinds[:place]), kind) is None:
                return False
        elif not expand(kind) <= expand(takes) | ({"string"} if "text" in expand(takes) else set()):
            return False
    return True


def _same(form: Function, kinds: tuple[str, ...]) -> str:
    """Return the kind of the first argument, and of all that must be of its kind."""
    if not kinds:
        return "null"
    kind = kinds[0]
    for place, other in enumerate(kinds[1:], 1):
        if _take(form, place) == "same":
            kind = unify(kind, other) or "any"
    return kind


# --- literals --------------------------------------------------------------------------------

_INTERVAL = re.compile(rb"\d{1,6}( (years?|months?|weeks?|days?|hours?|minutes?|seconds?))?")
_FORMAT = re.compile(rb"([A-Za-z0-9 .,:/_-]|%.)+")
_ATOM = rb"([A-Za-z0-9 _@,;:'\"/<>=!&#~`-]|\.|\\[dws.]|\[(a-z|A-Z|0-9|\w)+\])[*+?]?"
_PATTERN = re.compile(rb"\^?(" + _ATOM + rb")*\$?", re.ASCII)
_MOMENTS_BEGUN = (
    b"2000-01-01 00:00:00",
    b"2000-10-10 10:10:10",
    b"2000-11-20 20:20:20",
    b"2000-12-30 20:20:20",
)


def interval_ok(text: bytes) -> bool:
    """Tell whether a string is an interval: a number, a unit perhaps."""
    return _INTERVAL.fullmatch(text) is not None


@cache
def _interval_units() -> tuple[bytes, ...]:
    return tuple(sorted(TIME_UNITS))


def interval_begins(text: bytes) -> bool:
    """Tell whether an interval begins so."""
    digits, space, unit = text.partition(b" ")
    if not space:
        return text == b"" or interval_ok(text)
    return interval_ok(digits) and any(known.startswith(unit) for known in _interval_units())


def moment_ok(text: bytes, kind: bytes) -> bool:
    """Tell whether a string is a date, or a timestamp to the second."""
    try:
        day, space, clock = text.decode().partition(" ")
        date.fromisoformat(day)
    except ValueError:
        return False
    if len(day) != 10 or int(day[:4]) < 1000:
        return False
    if not space:
        return True
    whole = re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d", clock, re.ASCII)
    return kind == b"timestamp" and whole is not None


def moment_begins(text: bytes, kind: bytes) -> bool:
    """Tell whether a date or timestamp begins so."""
    size = 19 if kind == b"timestamp" else 10
    whole = (text + known[len(text) : size] for known in _MOMENTS_BEGUN)
    return any(moment_ok(one, kind) for one in whole)


def format_ok(text: bytes) -> bool:
    """Tell whether a string is a format of strftime."""
    letters = FORMAT_LETTERS["duckdb"]
    if _FORMAT.fullmatch(text) is None:
        return False
    return all(chr(found[1]) in letters for found in re.findall(rb"%.", text))


def pattern_ok(text: bytes) -> bool:
    """Tell whether a string is a regular expression, of a simple form."""
    return _PATTERN.fullmatch(text) is not None


def pattern_begins(text: bytes) -> bool:
    """Tell whether such a regular expression begins so."""
    tails = (b"", b"d", b"a]", b"]", b"-z]", b"-Z]", b"-9]")
    return any(pattern_ok(text + tail) for tail in tails)
