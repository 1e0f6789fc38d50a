"""What PostgreSQL calls an item without an alias: nobody may refer to that.

    >>> beside = "SELECT max FROM (SELECT max(age) FROM people) AS a, (SELECT 1 AS max) AS b"
    >>> checker.accepts(beside), checker.accepts(beside.replace("age)", "age) AS oldest"))
    (False, True)

A call is called by its function, a CAST by its type, a CASE by what stands behind ELSE, a subquery
by its item; what operators make has no name. See `lending` for what sqlglot calls an item.

Covered: every word that may give an item its name, wherever in the item it stands.
Not covered: which of them does; one is as bad as the other.

Source: `FigureColname` in src/backend/parser/parse_target.c, PostgreSQL 15.
"""

from functools import partial
from typing import Any

from text2sql.decoding.checking.frames import Block, Call, Context, Query, Reference
from text2sql.decoding.checking.kinds.operands import Operand
from text2sql.decoding.checking.kinds.semijoins import KindSemiJoins
from text2sql.decoding.checking.scope import Move, Scope

# What is read by these actions is called so.
_NAMES = {
    "array": b"array",
    "boolean": b"bool",  # before version 15
    "case": b"case",
    "date_value": b"current_date",
    "end_exists": b"exists",
    "extract": b"extract",
    "interval": b"interval",
    "make_interval": b"make_interval",
    "position": b"position",
    "timestamp_value": b"current_timestamp",
    "zone": b"timezone",
}
_TRIMS = (b"btrim", b"ltrim", b"rtrim")
# What the server calls types of a kind, where that is not the word for the kind.
_TYPES = {
    "blob": (b"bytea",),
    "boolean": (b"bool",),
    "decimal": (b"numeric",),
    "float": (b"float4", b"float8"),
    "int8": (b"int2", b"int8"),
    "text": (b"text", b"varchar", b"bpchar"),
}


class KindNaming(KindSemiJoins):
    """Actions that note what the engine may call an item."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)  # type: ignore[arg-type]
        if not self.dialect.names_items:
            return
        for action, name in _NAMES.items():
            self._then(action, partial(self._called, name))
        self._then("call", self._called_by_function)
        for action in ("type", "typed_literal"):
            self._then(action, self._called_by_type)

    def _called(self, name: bytes, move: Move) -> bool:
        return self._may_be_called(move, name)

    def _may_be_called(self, move: Move, *names: bytes) -> bool:
        move.frame = self.lend(move.frame, *names)
        return True

    def _called_by_function(self, move: Move) -> bool:
        call: Call = move.frame
        name = call.function.name.encode()
        return self._may_be_called(move, name, *(_TRIMS if name == b"trim" else ()))

    def _called_by_type(self, move: Move) -> bool:
        operand: Operand = move.frame.stack[-1]
        kind = operand.kind.removesuffix("[]")
        return self._may_be_called(move, *_TYPES.get(kind, (kind.encode(),)))

    def lends(self, frame: Any) -> bool:
        """Tell whether it matters what the item that is being read is called."""
        while isinstance(frame, (Call, Context)):
            frame = frame.parent
        return super().lends(frame) or (self.dialect.names_items and _is_scalar(frame))

    def do_double_colon(self, move: Move) -> bool:
        return self._called_by_column(move) and super().do_double_colon(move)

    def do_subscript(self, move: Move) -> bool:
        return self._called_by_column(move) and super().do_subscript(move)

    def do_sorted_as(self, move: Move) -> bool:
        return self._called_by_column(move) and super().do_sorted_as(move)

    def _called_by_column(self, move: Move) -> bool:
        """Note the column that an item has been so far, where what follows leaves it its name."""
        block = move.frame
        if not isinstance(block, Block) or not isinstance(block.item, Reference):
            return True
        return not self.dialect.names_items or self._may_be_called(move, block.item.name)

    def do_end_scalar(self, move: Move) -> bool:
        query: Query = move.frame
        if not super().do_end_scalar(move):
            return False
        if not self.dialect.names_items or query.role != "scalar":
            return True
        item = query.outputs[0]
        return self._may_be_called(move, *([item.name] if item.name else ()), *item.shadows)


def _is_scalar(frame: Any) -> bool:
    """Tell whether the item of a subquery that is a value is being read."""
    query = frame.parent if isinstance(frame, Block) else None
    scalar = isinstance(query, Query) and query.role == "scalar" and not query.arms
    return scalar and frame.phase in ("items", "late")
