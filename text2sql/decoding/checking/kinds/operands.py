"""Operands: a stack of those being read in a frame, and what the next one must be.

    >>> actions.demanded(frame)
    Demand(level=1, kinds=frozenset({'boolean', 'null'}), sign='')

A column that FROM still owes is an operand with a reference; narrowing it adds to what FROM owes.

Covered: what is demanded where, narrowing to some kinds, columns.
Not covered: what makes an operand: literals, operators, calls (see the modules so named).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from text2sql.decoding.checking.actions import Actions
from text2sql.decoding.checking.frames import (
    Block,
    Call,
    Context,
    Frame,
    Query,
    Reference,
)
from text2sql.decoding.checking.functions import KIND_PARTS, Function
from text2sql.decoding.checking.kinds.arguments import same_kind, take, take_all
from text2sql.decoding.checking.kinds.folding import Fixed
from text2sql.decoding.checking.kinds.rules import RULES
from text2sql.decoding.checking.kinds.scope import KindScope
from text2sql.decoding.checking.kinds.strings import literal_ok
from text2sql.decoding.checking.kinds.tables import (
    MOMENTS,
    NUMBERS,
    PARTS,
    SCALARS,
    TEXTS,
    UNITS,
    Kinds,
    element,
    expand,
    group_of,
    grows,
    one_of,
    reaches,
)
from text2sql.decoding.checking.literals import Beside
from text2sql.decoding.checking.scope import Move

_READS = (*PARTS, "operand", "primary", "expression")
Leaves = frozenset[tuple[bytes | None, bytes]] | None  # None: something else decides
SURE: Leaves = frozenset()
ROW_ROLE = "row"  # of a query behind a row and IN that sees nothing of the queries around it
_PLAIN = SCALARS - {"json"}  # other kinds have parts, by `->` and `[`
_TOLD = MOMENTS | {"time", "interval", "string", "null"}
_SPELT = frozenset({"text", "text[]"})
BEFORE_AND = "BETWEEN"  # the sign of a demand
FORMATTED = frozenset({"to_date"})  # functions that read a text by a format, which must be known
BEHIND_SIGN = "sign"  # the detail of a part that an operator wants, not a function


class Operand(NamedTuple):
    """A value that has been read."""

    kind: str  # one kind, a group of `functions.GROUPS`, or "any": not known
    reference: Reference | None = None  # that FROM still owes
    level: int = 9  # of the operator that made it; see `grammar`
    text: tuple[Any, ...] | None = None  # how it is written; None: not known
    constant: bool = False  # a literal, with signs or parentheses perhaps
    fixed: Fixed = False  # made of literals alone: engines work it out before they run
    nil: Fixed = False  # they may find it to be NULL then, whatever its columns hold
    whole: bool = False  # a column, or something in parentheses: PostgreSQL takes an element of it
    leaves: Leaves = None  # the columns that decide its type: it is its kind if theirs are
    told: str = ""  # the kind of which CAST made this text: no other value is made of that
    beside: Beside | None = None  # before IN: what its values are compared with, where watched


class Demand(NamedTuple):
    """What the operand that comes next must be."""

    level: int
    kinds: Kinds | None  # None: anything
    sign: str = ""


def is_free(operand: Operand) -> bool:
    """Tell whether an operand is a column of which nothing is known yet."""
    return operand.kind == "any" and operand.reference is not None


def is_value_of_in(frame: Any) -> bool:
    """Tell whether what is read is a value of an IN, in parentheses or not."""
    while isinstance(frame, Context) and frame.kind == "paren" and not frame.stack:
        frame = frame.parent
    return isinstance(frame, Context) and frame.kind == "in"


def is_sure(kind: str) -> bool:
    """Tell whether a kind says what arithmetic makes of it."""
    return kind != "any" and kind != "moment"


def leaves_of(*operands: Operand) -> Leaves:
    """Return the columns that decide the types of some values."""
    found: frozenset[tuple[bytes | None, bytes]] = frozenset()
    for operand in operands:
        if operand.leaves is None:
            return None
        found |= operand.leaves
    return found


def joined(*parts: Any) -> tuple[Any, ...] | None:
    """Return the text of an expression; None where that of a part is not known."""
    found: list[Any] = []
    for part in parts:
        if part is None:
            return None
        found += part if isinstance(part, tuple) else (part,)
    return tuple(found) if len(found) <= 40 else None


def said(operand: Operand) -> bytes | None:
    """Return what a literal in quotes says; None where that is not known."""
    words = [word for word in operand.text or () if word not in ("(", ")")]
    if operand.kind != "string" or len(words) != 1:
        return None
    text: bytes = words[0][1:]
    return text


class KindOperands(Actions):
    """The stack of operands, and the columns on it."""

    scope: KindScope

    def __init__(self, scope: KindScope) -> None:
        super().__init__(scope)
        self.forms = self.dialect.forms
        self.rules = RULES[self.dialect.name]

    def is_read_as_name(self, move: Move) -> bool:
        """Tell whether the word of a call that has just been read is read as a name; see `word`."""
        word = move.terminal.lower().encode()
        return word in self.scope.all_columns or word in self.scope.tables

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
            of_call = frame.detail != BEHIND_SIGN
            return Demand(1, self._taken(frame.parent) if of_call else TEXTS)
        if isinstance(frame, Call) and not frame.closed:
            return Demand(1, self._taken(frame))
        if isinstance(frame, Context) and isinstance(frame.detail, Operand):  # IN (
            return Demand(1, self._beside(frame.detail))
        if isinstance(frame, Block):
            return Demand(1, self._wanted_of(frame))
        is_filter = isinstance(frame, Context) and frame.kind == "filter"
        return Demand(1, self.rules.truths if is_filter else None)

    def _wanted_of(self, block: Block) -> Kinds | None:
        """Return the kinds that an item or condition of a SELECT must have; None: any."""
        if block.phase in ("where", "having", "qualify", "on"):
            return self.rules.truths
        query = block.parent
        if block.phase not in ("items", "late"):
            return None
        place, before, wanted = len(block.outputs), self.scope.before(query), None
        if isinstance(query, Query) and query.role in ("in", ROW_ROLE) and query.parent is not None:
            wanted = self._wanted_in(query.parent, place)
        if place >= len(before) or before[place].kind == "any":
            return wanted
        alike = self.rules.together(before[place].kind)
        if alike is not None and "text" not in alike and "distinct" in block.groups:
            alike -= self.rules.texts_of_queries
        return alike if wanted is None else wanted if alike is None else alike & wanted

    def _wanted_in(self, frame: Any, place: int = 0) -> Kinds | None:
        left = frame.detail if isinstance(frame, Context) else None
        if not isinstance(left, Operand):
            return None
        wanted = self.rules.ordered("text" if left.kind == "string" else left.kind)
        wanted -= self.rules.several
        return wanted if "text" in wanted else wanted - self.rules.texts_of_queries

    def _narrow(self, move: Move, operand: Operand, kinds: Kinds | None) -> Operand | None:
        """Return an operand that is of some kinds for sure; None where it is not."""
        if kinds is None or (operand.kind == "any" and "any" in kinds):
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
        known = possible - {"null", "string"} or possible
        return operand._replace(kind=one_of(known), reference=reference)

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
            return operand if "string" in kinds and self._reads_as(operand, kinds) else None
        return self._narrow(move, operand, kinds)

    def _reads_as(self, operand: Operand, kinds: Kinds) -> bool:
        """Tell whether a literal says a value of some kinds."""
        text = said(operand)
        return text is not None and literal_ok(text, kinds)

    def _beside(self, left: Operand) -> Kinds:
        """Return the kinds that may be compared with what stands on the left.

        Of two constants the engine works out what they say before it runs.
        """
        if left.kind == "string":
            text = said(left)
            able = {
                kind for kind in SCALARS - {"blob"} if text is not None and literal_ok(text, {kind})
            }
            return self.rules.ordered("text") | able
        return self.rules.ordered(left.kind) - self.rules.several

    def _made(
        self,
        move: Move,
        kind: str,
        level: int,
        *,
        text: tuple[Any, ...] | None = None,
        fixed: Fixed = False,
        nil: Fixed = False,
        leaves: Leaves = SURE,
    ) -> bool:
        """Push what an operator has made; False where nothing that fits can be made of it."""
        least, wanted, _ = self.demanded(move.frame)
        if not reaches(kind, wanted, level, least):
            return False
        if kind == "boolean" and fixed is True and not self._truth_fits(move):
            return False
        return self._push_operand(
            move, Operand(kind, level=level, text=text, fixed=fixed, nil=nil, leaves=leaves)
        )

    def _truth_fits(self, move: Move) -> bool:
        raise NotImplementedError

    def _may_make(self, move: Move, kind: str, level: int) -> bool:
        least, wanted, _ = self.demanded(move.frame)
        return reaches(kind, wanted, level, least)

    def keeps_text(self, frame: Any) -> bool:
        """Tell whether what a string says may matter later: GROUP BY repeats an item.

        So it does in a call that reads one text by what another says, and in CAST.
        """
        if isinstance(frame, Context) and frame.detail == "cast":
            return True
        while frame is not None and not isinstance(frame, (Block, Query)):
            if isinstance(frame, Call) and frame.function.name in FORMATTED:
                return True
            frame = frame.parent
        if isinstance(frame, Block) and frame.phase == "order":
            return frame.grouped
        return isinstance(frame, Block) and frame.phase in ("items", "late", "group")

    def _arguments(self, call: Call) -> tuple[Operand, ...]:
        return tuple(entry for entry in call.stack if isinstance(entry, Operand))

    def _forms(self, call: Call, kinds: tuple[str, ...]) -> list[Function]:
        """Return the ways to call a function with arguments of some kinds, as far as they go."""
        forms = self.forms[call.function.name]
        return [
            form
            for form in forms
            if take_all(form, kinds, rules=self.rules) and self._has_part(call, form)
        ]

    def _has_part(self, call: Call, form: Function) -> bool:
        """Tell whether what a form takes has the part that a call names: an interval no weekday."""
        known = KIND_PARTS[self.dialect.name].get(form.takes[-1] if form.takes else "")
        arguments = self._arguments(call)
        if known is None or form.reads[0] not in UNITS or not arguments:
            return True
        part = said(arguments[0])
        return part is not None and part.lower().decode("utf-8", "replace") in known

    def _whole_forms(self, call: Call, kinds: tuple[str, ...]) -> list[Function]:
        """Return the ways to call a function with arguments of some kinds and no more."""
        count = len(kinds)
        forms = self._forms(call, kinds)
        if not count:  # count(*)
            return forms
        return [f for f in forms if f.least <= count and (f.most is None or count <= f.most)]

    def _taken(self, call: Call) -> Kinds | None:
        """Return the kinds that the argument being read may have; None: any."""
        place = max(0, call.count - 1)
        kinds = tuple(operand.kind for operand in self._arguments(call)[:place])
        found: set[str] = set()
        for form in self._forms(call, kinds):
            takes = take(form, place)
            if takes == "any":
                return None
            if takes == "element":
                found |= self.rules.together(element(kinds[0])) or {"null"}
            elif takes == "same":
                if not kinds or is_free(self._arguments(call)[0]):
                    return None
                fitting = self.rules.together(same_kind(form, kinds, rules=self.rules))
                if fitting is None:
                    return None
                found |= fitting
            elif takes is not None:
                found |= expand(takes)
        return frozenset(found | ({"string"} if "text" in found else set()))

    def _refer(self, move: Move, reference: Reference) -> bool:
        before, alone = move.frame, move.alone
        if not super()._refer(move, reference):
            return False
        operand = self._referred(move, before, reference, alone)
        if operand is None or not (self.scope.invents or self._may_serve(move.frame, operand)):
            return False
        return self._push_operand(move, operand)

    def _may_serve(self, frame: Any, operand: Operand) -> bool:
        """Tell whether a column can become what is wanted without `::` behind it.

        A model that has begun `avg(name` does not think of a CAST: it runs into a comment, or on
        and on. What it means as a CAST it can say by that word, before the column.
        """
        least, wanted = self._wanted_around(frame)
        if wanted is None or is_free(operand) or not expand(operand.kind) <= _PLAIN:
            return True
        return grows(operand.kind, wanted, least, exact=self.rules.exact)

    def _wanted_around(self, frame: Any) -> tuple[int, Kinds | None]:
        """Return the level and the kinds that are wanted of what begins, in parentheses or not."""
        least, wanted, _ = self.demanded(frame)
        while isinstance(frame, Context) and frame.kind == "paren" and frame.detail is None:
            if wanted is not None or frame.stack:
                break
            frame = frame.parent
            wanted = self.demanded(frame).kinds
        return least, wanted

    def _may_tell(self, frame: Any, kinds: Iterable[str]) -> bool:
        """Tell whether a model may make a value of some kinds: no text that has to say a moment.

        Few texts do, which only rows show. What a model means it can say by CAST, before the text.
        """
        _, wanted = self._wanted_around(frame)
        if self.scope.invents or wanted is None or not wanted <= _TOLD:
            return True
        return not all(expand(kind) <= _SPELT for kind in kinds)

    def _referred(
        self, move: Move, frame: Frame, reference: Reference, alone: bool
    ) -> Operand | None:
        text = (("column", reference.qualifier, reference.name),)
        leaves = frozenset({(reference.qualifier, reference.name)})
        direct = True
        for block in self.scope.chain(frame):
            if block.phase == "items":
                return self._pending(move, block, reference, text)._replace(leaves=leaves)
            named = reference.qualifier is None and direct and self._alias_kind(block, reference)
            kind = self.scope.column_kind(block, reference)
            if kind is not None and named and alone and block.phase == "order":
                kind = kind if kind == named else "any"
            if kind is not None or named:
                items = block.outputs if named else ()
                constant = kind is not None and self.scope.is_fixed(block, reference)
                constant |= any(o.fixed is not False for o in items if o.name == reference.name)
                fixed = self.rules.folds and constant
                made = Operand(kind or str(named), None, 9, text, False, fixed, fixed, True)
                return made._replace(leaves=leaves)
            direct = False
        return Operand("any", text=text)

    def _alias_kind(self, block: Block, reference: Reference) -> str | None:
        if block.phase in ("on", "from", "join"):
            return None
        outputs = self._listed(block) if block.phase == "compound" else block.outputs
        kinds = {o.kind for o in outputs if o.name == reference.name}
        return (kinds.pop() if len(kinds) == 1 else "any") if kinds else None

    def _pending(
        self, move: Move, block: Block, reference: Reference, text: tuple[Any, ...]
    ) -> Operand:
        """Return a column that FROM owes, of the kind that such columns in sight have."""
        fixed: Fixed = frozenset({reference}) if self.rules.folds else False
        asked = self.scope.asked_kinds(block, reference)
        likely = asked if asked is not None else self.scope.likely_kinds(block, reference)
        kind = "any"
        if likely is not None:
            likely = likely - {"null", "string"} or likely
            kind = group_of(likely) if asked is None else one_of(likely)
        return Operand(kind, reference, text=text, fixed=fixed, nil=fixed, whole=True)

    def _commit(self, move: Move, operand: Operand) -> Operand:
        """Ask of FROM that a column has the kind that it is taken for."""
        reference = operand.reference
        if reference is None or reference.kinds is not None or operand.kind == "any":
            return operand
        return self._narrow(move, operand, expand(operand.kind)) or operand._replace(kind="any")
