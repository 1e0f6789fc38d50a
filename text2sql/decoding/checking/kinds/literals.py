"""Literals as operands: numbers, strings, moments, intervals.

    >>> [checker.accepts(f"SELECT {literal}") for literal in ("DATE '2024-02-29'", "DATE 'a'")]
    [True, False]

Covered: a literal that is a whole argument; the texts of DATE, TIMESTAMP and INTERVAL.
Not covered: literals of lists and structs.
"""

from typing import Any

from text2sql.decoding.checking.frames import Context
from text2sql.decoding.checking.kinds.operands import SURE, Demand, Operand
from text2sql.decoding.checking.kinds.strings import interval_ok, literal_ok, moment_ok
from text2sql.decoding.checking.kinds.tables import (
    MOMENTS,
    PARTS,
    SCALARS,
    TEXTS,
    UNITS,
    Kinds,
    expand,
    reaches,
)
from text2sql.decoding.checking.kinds.varying import KindVarying
from text2sql.decoding.checking.scope import Move

_COMPARING = 4  # the level of operators that make a truth of what they compare


def _constant(kind: str, text: tuple[Any, ...] | None) -> Operand:
    return Operand(kind, text=text, constant=True, fixed=True, leaves=SURE)


def _is_key(frame: Any) -> bool:
    """Tell whether sqlglot would read a word before a literal as a key of json_object() alone."""
    return isinstance(frame, Context) and frame.kind == "primary"


class KindLiterals(KindVarying):
    """The actions that read a literal."""

    def do_number(self, move: Move) -> bool:
        if not super().do_number(move):
            return False
        digits: bytes = move.payload or b"1"
        kind = "float" if b"e" in digits and not self.rules.exact else "decimal"
        if digits.isdigit():
            sizes = (("int4", 1 << 31), ("int8", 1 << 63))
            kind = next((name for name, size in sizes if int(digits) < size), "number")
        if not self._fits_part(move, kind) or not self._literal_fits(move, kind):
            return False
        return self._push_literal(move, _constant(kind, (digits,)))

    def _push_literal(self, move: Move, literal: Operand) -> bool:
        return self._fits_beside(move.frame, literal) and self._push_operand(move, literal)

    def _literal_fits(self, move: Move, kind: str) -> bool:
        """Tell whether a value of literals alone can become what is wanted.

        The engine works out what it can before it runs, and `CAST('a' AS INTEGER)` fails then:
        CAST helps only where it cannot fail. A model that is held to the schema is not led there:
        behind `name = 1` it would go on writing digits.
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
        if wanted is not None and not self.scope.invents:
            return expand(kind) <= wanted or ("boolean" in wanted and least <= _COMPARING)
        if reaches(kind, wanted, 8, least):
            return True
        assert wanted is not None
        return kind != "string" and bool(self.rules.safe(kind) & wanted)

    def _truth_fits(self, move: Move) -> bool:
        """Tell whether a truth of literals fits in the end: no operator makes it vary."""
        frame = move.frame
        wanted = self._wanted_of_truth(frame)
        while isinstance(frame, Context) and frame.kind in ("paren", "inner") and wanted is None:
            if frame.detail not in (None, "cast"):
                return True
            frame = frame.parent
            wanted = self._wanted_of_truth(frame)
        return wanted is None or bool(self.rules.safe("boolean") & wanted)

    def _wanted_of_truth(self, frame: Any) -> Kinds | None:
        """Return what is wanted of the truth that NOT, AND or OR makes of another."""
        stack = frame.stack
        while stack and isinstance(stack[-1], Demand) and stack[-1].sign in ("NOT", "AND", "OR"):
            stack = stack[: -1 if stack[-1].sign == "NOT" else -2]
        return self.demanded(self.frames.change(frame, stack=stack)).kinds

    def _may_stand(self, move: Move, operand: Operand) -> bool:
        """Tell whether a value that is complete can become what is wanted where it stands."""
        if operand.fixed is not True:
            return True
        if not self._fits_beside(move.frame, operand):
            return False
        wanted = self.demanded(move.frame).kinds
        if operand.kind == "string" and wanted is not None and "text" not in wanted:
            return "string" in wanted and self._reads_as(operand, wanted)
        return self._literal_fits(move, operand.kind)

    def _fits_part(self, move: Move, kind: str) -> bool:
        """Tell whether a literal may be the whole argument, where that must be one literal."""
        if not isinstance(move.frame, Context) or move.frame.kind not in PARTS:
            return True
        if move.frame.kind == "digit":
            return move.payload is None or len(move.payload) == 1
        if move.frame.kind == "fraction":
            return float(move.payload or 1) <= 1
        kinds = self.demanded(move.frame).kinds
        return kinds is None or kind in kinds

    def do_string(self, move: Move) -> bool:
        self._mark(move)
        fits = self._literal_fits(move, "string") or bool(self.spans(move.frame))
        if not fits or not self._fits_part(move, "string"):
            return False
        said = move.payload
        told = self.keeps_text(move.frame) or getattr(move.frame, "kind", "") in UNITS
        kept = said is not None and (told or literal_ok(said, SCALARS))
        text = (b"'" + said,) if kept else None
        return self._push_operand(move, _constant("string", text))

    def spans(self, frame: Any) -> Kinds:
        """Return the kinds of which a string that is no value here must say one: CAST makes it."""
        kinds = self.demanded(frame).kinds or frozenset()
        made = MOMENTS | ({"interval", "time"} if self.rules.exact else {"interval"})
        return kinds & made if kinds.isdisjoint(TEXTS) else frozenset()

    def _literal(self, move: Move, kind: str) -> bool:
        self._mark(move)
        if kind != "null" and not self._literal_fits(move, kind):
            return False
        fixed = kind != "null"  # NULL comes to nothing, whatever it meets
        literal = _constant(kind, (move.terminal,))
        return self._push_literal(move, literal._replace(fixed=fixed, nil=not fixed))

    def do_null(self, move: Move) -> bool:
        return self._literal(move, "null")

    def do_boolean(self, move: Move) -> bool:
        return self._literal(move, "boolean")

    def do_date_value(self, move: Move) -> bool:
        return not self._is_column(move) and self._literal(move, "date")

    def do_timestamp_value(self, move: Move) -> bool:
        return not self._is_column(move) and self._literal(move, "timestamptz")

    def _is_column(self, move: Move) -> bool:
        """Tell whether a column of the schema has taken the word."""
        return move.terminal.lower().encode() in self.scope.all_columns

    def may_say(self, frame: Any, type_name: bytes) -> bool:
        """Tell whether a literal of a type can fit."""
        kind = dict(self.dialect.literal_types)[type_name]
        here = Move(frame, None, "STRING", None, None, 0, False)
        return not hasattr(frame, "stack") or self._literal_fits(here, kind)

    def do_typed_literal(self, move: Move) -> bool:
        _, name, quoted = move.held
        kind = dict(self.dialect.literal_types).get(name)
        if quoted or kind is None or _is_key(move.frame):
            return False
        if move.payload is not None and not moment_ok(move.payload, name):
            return False
        self._mark(move)
        move.held = None
        if not self._literal_fits(move, kind):
            return False
        text = None if move.payload is None else (name, b"'" + move.payload)
        return self._push_literal(move, _constant(kind, text))

    def do_interval(self, move: Move) -> bool:
        if _is_key(move.frame):
            return False
        return self._mark(move) and self._literal_fits(move, "interval")

    def do_interval_text(self, move: Move) -> bool:
        if move.payload is not None and not interval_ok(move.payload):
            return False
        text: bytes = move.payload or b""
        move.held = ("interval", text.isdigit(), text)
        return True

    def do_interval_unit(self, move: Move) -> bool:
        if not move.held or not move.held[1]:
            return False
        move.held = (*move.held[:2], move.held[2] + b" " + self._name(move))
        return self.do_interval_whole(move, needs_unit=False)

    def do_interval_count(self, move: Move) -> bool:
        move.held = ("interval", True, move.payload)
        return True

    def do_interval_whole(self, move: Move, *, needs_unit: bool = True) -> bool:
        if needs_unit and move.held and move.held[1]:
            return False
        text = ("INTERVAL", move.held[2]) if move.held and move.held[2] else None
        move.held = None
        return self._push_literal(move, _constant("interval", text))
