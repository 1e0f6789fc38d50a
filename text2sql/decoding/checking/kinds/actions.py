"""The actions of a dialect in which operands must fit, and what the lexer asks of them.

    >>> actions = KindActions(KindScope(namespaces, DIALECTS["duckdb"]))
    >>> actions.part_of(frame)
    'format'

Covered: what a string may say where that decides whether it is legal; values that would fit.
Not covered: the shortest of all values that fit.
"""

from collections.abc import Iterator
from typing import Any

from text2sql.decoding.checking.frames import (
    Block,
    Call,
    Context,
    Query,
)
from text2sql.decoding.checking.functions import DATE_PARTS
from text2sql.decoding.checking.kinds.clauses import KindClauses
from text2sql.decoding.checking.kinds.operands import Operand
from text2sql.decoding.checking.kinds.strings import (
    format_ok,
    interval_begins,
    interval_ok,
    moment_begins,
    moment_ok,
    pattern_begins,
    pattern_ok,
)
from text2sql.decoding.checking.kinds.tables import PARTS, SAMPLES, TYPES, casts, expand


class KindActions(KindClauses):
    """The actions of a dialect in which operands must fit."""

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

    def reads_text(self, cell: Any, frame: Any, held: Any) -> bool:
        """Tell whether what a string says decides if it is legal here."""
        if "STRING_INTERVAL" in cell.terminals or (held and held[0] == "name"):
            return True
        return self.part_of(frame) is not None or self._wants_moment(frame)

    def keeps_text(self, frame: Any) -> bool:
        """Tell whether what a string says may matter later: GROUP BY repeats an item."""
        while frame is not None and not isinstance(frame, (Block, Query)):
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
