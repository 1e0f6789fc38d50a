"""The actions of a dialect in which operands must fit, and what the lexer asks of them.

    >>> actions = KindActions(KindScope(namespaces, DIALECTS["duckdb"]))
    >>> actions.part_of(frame)
    'format'

Covered: what a string may say where that decides whether it is legal; values that would fit.
Not covered: the shortest of all values that fit.
"""

from collections.abc import Callable, Iterator
from typing import Any

from text2sql.decoding.checking.frames import Block, Call, Context, Query
from text2sql.decoding.checking.functions import DATE_FIELDS, DATE_PARTS
from text2sql.decoding.checking.kinds.calls import GROUPING
from text2sql.decoding.checking.kinds.laterals import KindLaterals
from text2sql.decoding.checking.kinds.operands import Demand, Operand
from text2sql.decoding.checking.kinds.row_arguments import reads_rows
from text2sql.decoding.checking.kinds.scope import NEED_GROUPS
from text2sql.decoding.checking.kinds.strings import (
    format_ok,
    interval_begins,
    interval_ok,
    key_begins,
    key_ok,
    labels_of,
    literal_begins,
    literal_ok,
    moment_begins,
    moment_ok,
    pattern_begins,
    pattern_ok,
    regex_begins,
    regex_ok,
    zone_begins,
    zone_ok,
)
from text2sql.decoding.checking.kinds.tables import (
    LISTS,
    PARTS,
    SCALARS,
    TYPES,
    UNITS,
    Kinds,
    element,
    expand,
)

# Rows are not known beforehand.
_UNFIXED = (b"||(SELECT '')", b"+(SELECT 1)", b"+(SELECT INTERVAL'1 day')")

_MOMENTS = (("date", b"DATE '2000-01-01'"), ("timestamp", b"TIMESTAMP '2000-01-01'"))

_TOLD = frozenset({"STRING_INTERVAL", "ARROW_KEY"})  # strings that must say something


class KindActions(KindLaterals):
    """The actions of a dialect in which operands must fit."""

    def fitting(
        self, frame: Any, terminals: frozenset[str], name: Callable[[bytes], bytes]
    ) -> Iterator[bytes]:
        """Yield values, or types of a CAST, that fit where a text stands; what makes one fit.

        Args:
            frame: where it stands.
            terminals: that the grammar lets follow.
            name: writes a name.
        """
        if "<type>" in terminals:
            made = self.rules.cast(frame.stack[-1].kind)
            wanted = self.demanded(frame.parent).kinds
            for kind, written in TYPES.items():
                if (wanted is None or kind in wanted) and (made is None or kind in made):
                    yield written
            yield b"TEXT"
        if not hasattr(frame, "stack"):
            return
        if isinstance(frame, Call) and frame.ordered:
            yield from self._repeated(frame, terminals, name)
        if isinstance(frame, Call) and frame.function.name == GROUPING and "NUMBER" in terminals:
            yield from self._groupable(frame, name)
        if "STRING" in terminals:
            yield from (b"'" + label + b"'" for label in self.labels(frame))
        if "IS" in terminals and isinstance(frame, Context) and _is_made(frame):
            yield from self._mended(frame.parent, frame.stack[-1], terminals)
        if "NUMBER" in terminals and self._beside_fixed(frame) is not None:
            yield from (b"(SELECT 1)", b"(SELECT INTERVAL'1 day')")
        if "NUMBER" in terminals:
            kinds = self._aim(frame)
            yield from self._awaited(frame, kinds, name)
            known = self.rules.samples.items()
            samples = sorted(known, key=lambda sample: self._is_far(frame, sample[0]))
            yield from (text for kind, text in samples if kinds and kind in kinds)
            yield from (word for kind, word in _MOMENTS if kinds and kind in kinds)
            if kinds and "text[]" in kinds and not self.rules.exact:
                yield b"string_split(''||(SELECT ''),'')"
        elif "IS" in terminals and isinstance(frame, Call) and frame.closed:
            if hasattr(frame.parent, "stack"):
                yield from self._mended(frame.parent, Operand(self.made_of(frame)), terminals)
        elif "IS" in terminals and frame.stack and isinstance(frame.stack[-1], Operand):
            yield from self._mended(frame, frame.stack[-1], terminals)

    def _awaited(
        self, frame: Any, kinds: Kinds | None, name: Callable[[bytes], bytes]
    ) -> Iterator[bytes]:
        """Yield columns, those that fit first, within a function of FROM that waits for one."""
        call = None if self.rules.exact else reads_rows(frame)
        if call is None or call is frame:
            return
        sources = (source for block in self.scope.chain(frame) for source in block.sources)
        named = ((one, column) for one in sources for column in one.relation.ordered)
        found = [(one, c, expand(one.relation.kinds[one.relation.places[c]])) for one, c in named]
        found.sort(key=lambda each: kinds is not None and not each[2] <= kinds)
        for source, column, _ in found[:2]:
            shown = (column,) if source.name is None or source.mute else (source.name, column)
            yield b".".join(map(name, shown))

    def _groupable(self, call: Call, name: Callable[[bytes], bytes]) -> Iterator[bytes]:
        """Yield columns that grouping() may be of."""
        block = self.scope.block_of(call)
        pairs = [(s.name, column) for s in block.sources for column in s.relation.ordered[:4]]
        if block.phase in NEED_GROUPS:
            own = (pair for pair in block.groups if isinstance(pair, tuple) and len(pair) == 2)
            found = sorted(pair for pair in own if isinstance(pair[0], int))
            pairs = [(block.sources[place].name, column) for place, column in found]
        elif block.phase == "items":
            pairs = [(None, column) for column in (b"x", *self.scope.column_names[:4])]
        for qualifier, column in pairs:
            yield b".".join(name(part) for part in (qualifier, column) if part)

    def _repeated(
        self, call: Call, terminals: frozenset[str], name: Callable[[bytes], bytes]
    ) -> Iterator[bytes]:
        """Yield the column by which an aggregate of distinct values is ordered."""
        for _, qualifier, column in self.distinct_text(call) or ():
            if "NUMBER" in terminals:
                yield b".".join(name(part) for part in (qualifier, column) if part)
            elif "<member>" in terminals:
                yield name(column)

    def _is_far(self, frame: Any, kind: str) -> bool:
        """Tell whether a list has values of another kind than a call that takes one shall make."""
        call = frame.parent if isinstance(frame, Context) else frame
        if kind not in LISTS or not isinstance(call, Call) or not hasattr(call.parent, "stack"):
            return False
        wanted = self.demanded(call.parent).kinds
        makes = call.function.returns == "element"
        return makes and wanted is not None and element(kind) not in wanted

    def _aim(self, frame: Any) -> Kinds | None:
        """Return what is wanted in the end of what begins here.

        Around CASE, CAST, parentheses, a function that returns its argument, and the item of a
        subquery that is a value.
        """
        kinds = self.demanded(frame).kinds
        while kinds is None and isinstance(frame, (Block, Context, Call)):
            if isinstance(frame, Call) and frame.function.returns not in ("same", "first"):
                break
            around = frame.parent
            if isinstance(around, Query):
                if not isinstance(frame, Block) or around.role != "scalar":
                    break
                around = around.parent
            frame = around
            kinds = self.demanded(frame).kinds if hasattr(frame, "stack") else None
        return kinds

    def _mended(self, frame: Any, operand: Operand, terminals: frozenset[str]) -> Iterator[bytes]:
        """Yield what makes an operand fit."""
        kinds = self.demanded(frame).kinds
        if kinds is None or expand(operand.kind) <= kinds:
            yield from self._mended_later(frame, operand)
            return
        if operand.kind == "string" and "string" in kinds:
            return
        types = [name for kind, name in TYPES.items() if kind in kinds]
        if "::" in terminals:
            yield from (b"::" + name for name in types)
            yield from (b"::TEXT::" + name for name in types)
        if "boolean" in kinds:
            yield b" IS NULL"
        yield b"||''"
        yield b"->>0"

    def _mended_later(self, frame: Any, operand: Operand) -> Iterator[bytes]:
        """Yield what makes an operand fit that its sign takes, and what is around it does not."""
        wanted = [entry.kinds for entry in frame.stack if isinstance(entry, Demand)][:-1]
        for kinds in wanted:
            if kinds is not None and not expand(operand.kind) <= kinds:
                yield from [b"||''"] if "text" in kinds else []
                yield from [b" IS NULL"] if "boolean" in kinds else []

    def unfixed(self, frame: Any, terminals: frozenset[str]) -> Iterator[bytes]:
        """Yield what makes a value of literals one that CAST may take for anything."""
        stack = getattr(frame, "stack", ())
        last = stack[-1] if stack else None
        literal = isinstance(last, Operand) and last.fixed is True
        if literal and "IS" in terminals and (self.rules.exact or reads_rows(frame) is None):
            yield from _UNFIXED

    def reads_text(self, cell: Any, frame: Any, held: Any) -> bool:
        """Tell whether what a string says decides if it is legal here."""
        if not cell.terminals.isdisjoint(_TOLD) or (held and held[0] == "name"):
            return True
        return self.part_of(frame) is not None or self._wanted_of_string(frame) is not None

    def _wanted_of_string(self, frame: Any) -> Kinds | None:
        """Return the kinds of which a string must be one; None where it may be any."""
        if not hasattr(frame, "stack"):
            return None
        kinds = self.demanded(frame).kinds
        if kinds is not None and "string" not in kinds and (spans := self.spans(frame)):
            return spans
        return kinds if kinds is not None and "string" in kinds and "text" not in kinds else None

    def labels(self, frame: Any) -> tuple[bytes, ...]:
        """Return the values of an enumerated type of which a string must be one; mostly none."""
        wanted = sorted(self._wanted_of_string(frame) or ())
        return tuple(label for kind in wanted for label in labels_of(kind))

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
        if "ARROW_KEY" in cell.terminals:
            return key_begins(text)
        if held and held[0] == "name":
            return moment_begins(text, held[1])
        kind = self.part_of(frame)
        if kind is None:
            return literal_begins(text, self._wanted_of_string(frame) or SCALARS)
        if kind in UNITS:
            return any(part.encode().startswith(text.lower()) for part in self._units(kind))
        if kind == "format":
            return format_ok(text + b"Y") or format_ok(text)
        if kind == "regex":
            return regex_begins(text)
        if kind == "zone":
            return zone_begins(text)
        return kind != "pattern" or pattern_begins(text)

    def _units(self, kind: str) -> frozenset[str]:
        return (DATE_PARTS if kind == "part" else DATE_FIELDS)[self.dialect.name]

    def text_ok(self, cell: Any, frame: Any, held: Any, text: bytes) -> bool:
        """Tell whether a whole string is legal here."""
        if "STRING_INTERVAL" in cell.terminals:
            return interval_ok(text)
        if "ARROW_KEY" in cell.terminals:
            return key_ok(text)
        if held and held[0] == "name":
            return moment_ok(text, held[1])
        kind = self.part_of(frame)
        if kind is None:
            return literal_ok(text, self._wanted_of_string(frame) or SCALARS)
        if kind in UNITS:
            return text.lower().decode("utf-8", "replace") in self._units(kind)
        if kind == "format":
            return format_ok(text)
        if kind == "regex":
            return regex_ok(text)
        if kind == "zone":
            return zone_ok(text)
        return kind != "pattern" or pattern_ok(text)


def _is_made(frame: Context) -> bool:
    """Tell whether `x::int` is read to its end."""
    return (frame.kind, frame.detail) == ("paren", "cast") and bool(frame.stack)
