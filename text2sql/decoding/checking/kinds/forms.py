"""What has a syntax of its own: ANY, regular expressions, POSITION, TRIM, AT TIME ZONE, JSON keys.

    >>> checker.accepts("SELECT position('@' IN email) FROM people WHERE name ~ '^[A-M]'")
    True

Covered: `= ANY (SELECT ...)` and of a column that holds an array, SUBSTRING(FROM FOR),
TRIM(BOTH FROM), WITHIN GROUP.
Not covered: ARRAY[...], OVERLAPS, regular expressions that are no literals.
"""

from typing import Any

from text2sql.decoding.checking.frames import Call, Context, Reference
from text2sql.decoding.checking.kinds.folding import all_of, any_of
from text2sql.decoding.checking.kinds.operands import (
    BEFORE_AND,
    BEHIND_SIGN,
    Demand,
    Operand,
    is_free,
    joined,
)
from text2sql.decoding.checking.kinds.scope import WITHIN, KindScope
from text2sql.decoding.checking.kinds.subscripts import KindSubscripts
from text2sql.decoding.checking.kinds.tables import NUMBERS, TEXTS, expand, reaches
from text2sql.decoding.checking.names import COLLATION
from text2sql.decoding.checking.scope import Move

FORMS = frozenset({b"position"})  # that are read as `name (`, and are no functions
# WITHIN GROUP must follow; where it need not, an order inside is taken for it.
ORDERED = frozenset({"mode", "percentile_cont", "percentile_disc"})
POLYMORPHIC = frozenset({"array_agg", "json_agg", "jsonb_agg", "to_json", "to_jsonb"})
_KEYED = frozenset({"json", "jsonb"})
_ZONED = {"timestamp": "timestamptz", "timestamptz": "timestamp"}


def _reads_simply(frame: Any) -> bool:
    """Tell whether PostgreSQL reads no COLLATE and AT TIME ZONE: its `b_expr` is read here."""
    if isinstance(frame, Context) and frame.kind == "position":
        return True
    return any(isinstance(entry, Demand) and entry.sign == BEFORE_AND for entry in frame.stack)


class KindForms(KindSubscripts):
    """The actions that read a form."""

    def __init__(self, scope: KindScope) -> None:
        super().__init__(scope)
        within = "within_group" in self.dialect.features
        self.ordered = ORDERED if within else frozenset[str]()

    # --- ANY, SOME, ALL ----------------------------------------------------------------------

    def do_any_of(self, move: Move) -> bool:
        self._pop_operand(move)  # what a plain operand would have to be
        left = self._orderable(move)
        return left is not None and left.kind not in ("any", "null")

    def arrays(self, frame: Any) -> dict[bytes | None, list[bytes]]:
        """Return the columns that hold arrays of what ANY compares, by source; None: unqualified.

        None are known before FROM is read.
        """
        block = self.scope.block_of(frame)
        left = frame.detail
        if block.phase in ("items", "late", "order", "having") or not isinstance(left, Operand):
            return {None: []}
        wanted = {f"{kind}[]" for kind in self.rules.ordered(left.kind) | expand(left.kind)}
        found: dict[bytes | None, list[bytes]] = {None: []}
        for source in self.scope.visible(block):
            kinds, places = source.relation.kinds, source.relation.places
            own = sorted(name for name, place in places.items() if kinds[place] in wanted)
            if own and source.name and not source.mute:
                found[source.name] = own
            found[None] += [n for n in own if self.scope.count(block, Reference(None, n)) == 1]
        return found

    def do_in_array(self, move: Move) -> bool:
        return any(self.arrays(move.frame).values())

    def do_array_name(self, move: Move) -> bool:
        name, found = self._name(move), self.arrays(move.frame)
        move.held = ("array", name)
        return name in found or name in found[None]

    def do_array_alone(self, move: Move) -> bool:
        return self._array(move, Reference(None, move.held[1]))

    def do_array_dot(self, move: Move) -> bool:
        return move.held[1] in self.arrays(move.frame)

    def do_array_member(self, move: Move) -> bool:
        return self._array(move, Reference(move.held[1], self._name(move)))

    def _array(self, move: Move, reference: Reference) -> bool:
        if reference.name not in self.arrays(move.frame).get(reference.qualifier, ()):
            return False
        move.held = None
        met = self.scope.resolve(move.frame, reference)
        move.frame = met
        return met is not None

    # --- COLLATE -----------------------------------------------------------------------------

    def do_sorted_as(self, move: Move) -> bool:
        if _reads_simply(move.frame):
            return False
        self._mark(move)
        operand = self._narrow(move, self._pop_operand(move), TEXTS)
        fits = operand is not None and self._may_make(move, "text", 8)
        return fits and self._push_operand(move, operand)  # type: ignore[arg-type]

    def do_collated(self, move: Move) -> bool:
        operand = self._pop_operand(move)
        text = joined(operand.text, "COLLATE")
        made = operand._replace(kind="text", text=text, reference=None, leaves=None)
        return self._name(move) == COLLATION and self._push_operand(move, made)

    # --- regular expressions -----------------------------------------------------------------

    def do_can_match(self, move: Move) -> bool:
        probe = Move(move.frame, None, move.terminal, None, None, 0, False)
        return (
            self.do_can_compare(probe)
            and self._narrow(probe, move.frame.stack[-1], TEXTS) is not None
        )

    def do_match(self, move: Move) -> bool:
        self._mark(move)
        if not self.do_can_compare(move):
            return False
        left = self._narrow(move, self._pop_operand(move), TEXTS)
        if left is None:
            return False
        self._push_operand(move, left)
        move.frame = self.frames.make(Context, move.frame, "regex", BEHIND_SIGN)
        return True

    def do_matched(self, move: Move) -> bool:
        pattern = self._pop_operand(move)
        self._pop(move)
        left = self._pop_operand(move)
        text = joined(left.text, "~", pattern.text)
        return self._made(move, "boolean", 4, text=text, fixed=left.fixed, nil=left.nil)

    # --- POSITION, SUBSTRING, TRIM -----------------------------------------------------------

    def do_can_position(self, move: Move) -> bool:
        return not self.is_read_as_name(move)

    def do_position(self, move: Move) -> bool:
        self._mark(move)
        move.held = None
        move.frame = self.frames.make(Context, move.frame, "position")
        return self._demand(move, 5, TEXTS | {"null"})

    def do_positioned(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        self._set(move, (operand,))
        return self._demand(move, 5, TEXTS | {"null"})

    def do_end_position(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        first: Operand = move.frame.stack[0]
        self._pop(move)
        fixed, nil = all_of(first.fixed, operand.fixed), any_of(first.nil, operand.nil)
        text = joined("POSITION", first.text, operand.text)
        made = Operand("int4", text=text, fixed=fixed, nil=nil)
        return self._may_stand(move, made) and self._push_beside(move, made)

    def do_from_argument(self, move: Move) -> bool:
        call: Call = move.frame
        return call.function.name == "substring" and call.count == 1 and self._argument(move)

    def do_trimmed(self, move: Move) -> bool:
        call: Call = move.frame
        return call.function.name == "trim"

    # --- AT TIME ZONE, JSON ------------------------------------------------------------------

    def do_can_zone(self, move: Move) -> bool:
        """Let a time zone follow a moment; signs bind more tightly, and so does `::` behind it."""
        operand: Operand = move.frame.stack[-1]
        least, wanted, sign = self.demanded(move.frame)
        if least == 9 and sign in ("+", "-"):
            return False
        if _reads_simply(move.frame):
            return False
        made = _ZONED.get(operand.kind)
        return made is not None and reaches(made, wanted, 8, least)

    def do_zone(self, move: Move) -> bool:
        operand = self._commit(move, self._pop_operand(move))
        if operand.kind not in _ZONED:
            return False
        self._mark(move)
        self._push_operand(move, operand)
        move.frame = self.frames.make(Context, move.frame, "zone", BEHIND_SIGN)
        return True

    def do_zoned(self, move: Move) -> bool:
        zone = self._pop_operand(move)
        self._pop(move)
        operand = self._pop_operand(move)
        text = joined(operand.text, "AT TIME ZONE", zone.text)
        made = Operand(_ZONED[operand.kind], text=text, fixed=operand.fixed, nil=operand.nil)
        return self._push_operand(move, made)

    def do_arrow(self, move: Move) -> bool:
        """Let a key follow what is no right operand: the sign binds less tightly than `+`."""
        if self.demanded(move.frame).level > 5:
            return False
        self._mark(move)
        before = self._commit(move, self._pop_operand(move))
        unknown = is_free(before)
        operand = self._narrow(move, before, frozenset({"jsonb"}) if unknown else _KEYED)
        if operand is None:
            return False
        self._push_operand(move, operand)
        return self._may_make(move, "text", 8) or (
            move.terminal == "->" and self._may_make(move, operand.kind, 8)
        )

    def do_arrowed(self, move: Move) -> bool:
        return self._keyed(move, "->")

    def do_told(self, move: Move) -> bool:
        return self._keyed(move, "->>")

    def _keyed(self, move: Move, sign: str) -> bool:
        operand = self._pop_operand(move)
        kind = operand.kind if sign == "->" else "text"
        key: bytes = move.payload or b""
        # of a number the same digits are left as of a string, which means another part
        text = None if not key or key.isdigit() else joined(operand.text, sign, b"'" + key)
        made = Operand(kind, level=8, text=text, fixed=operand.fixed)
        return self._push_operand(move, made._replace(nil=any_of(operand.fixed, operand.nil)))

    # --- WITHIN GROUP ------------------------------------------------------------------------

    def do_within(self, move: Move) -> bool:
        call: Call = move.frame
        if call.function.name not in self.ordered or call.distinct:
            return False
        ordered = self.frames.change(call, ordered=True)
        move.frame = self.frames.make(Context, ordered, "filter", WITHIN)
        kinds = NUMBERS if call.function.name == "percentile_cont" else None
        return self._demand(move, 1, kinds)

    def do_end_within(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        told = operand is not None and operand.kind not in ("string", "null")
        if operand is None or not told or is_free(operand) or not self._sorts(operand):
            return False  # a bare literal has no type that the aggregate could have
        self._pop(move)
        return self._set(move, (operand,))

    def within_kind(self, call: Call) -> str:
        """Return the kind of what an aggregate WITHIN GROUP makes."""
        kind: str = call.stack[0].kind
        known = {"string": "text", "null": "text"}.get(kind, kind)
        return "float" if call.function.name == "percentile_cont" else known
