"""IN, CASE, CAST, EXTRACT and parentheses, as operands.

    >>> [checker.accepts(f"SELECT CASE WHEN TRUE THEN 1 ELSE {value} END") for value in ("2", "''")]
    [True, False]

Covered: the one kind that the values of a CASE have, what CAST makes of a constant, subqueries.
Not covered: row values.
"""

from typing import Any, NamedTuple

from text2sql.decoding.checking.dialects import NARROW_TYPES
from text2sql.decoding.checking.frames import (
    Context,
    Query,
)
from text2sql.decoding.checking.kinds.folding import Fixed, all_of, any_of, worth
from text2sql.decoding.checking.kinds.operands import (
    SURE,
    Leaves,
    Operand,
    is_free,
    is_value_of_in,
    joined,
    leaves_of,
)
from text2sql.decoding.checking.kinds.operators import KindOperators
from text2sql.decoding.checking.kinds.tables import (
    LISTS,
    MOMENTS,
    NUMBERS,
    TEXTS,
    TYPES,
    expand,
)
from text2sql.decoding.checking.scope import Move

_EXTRACTABLE = MOMENTS | {"interval"}
_OF_WEEKS = (b"week", b"dow", b"doy", b"isodow", b"isoyear")
_OF_CLOCK = (
    b"hour",
    b"minute",
    b"second",
    b"milliseconds",
    b"microseconds",
)  # fields that PostgreSQL finds in no date
# Kinds of whose text CAST makes nothing else, as of that of a list.
_TELLING = frozenset({"boolean", "interval"})
_WRITTEN = TEXTS | {"json"}
SHORT, _SHORTEST = ("smallint", "int2"), 32_000


class Case(NamedTuple):
    """What has been read of a CASE."""

    base: Operand | None  # that it compares with each WHEN
    kind: str
    text: tuple[Any, ...] | None
    fixed: Fixed
    told: bool = False  # the first condition is read
    leaves: Leaves = SURE  # of its values

    def with_part(self, operand: Operand, *word: str) -> "Case":
        """Return it with an operand more, and how that was written."""
        text = joined(self.text, *word, operand.text)
        return self._replace(text=text, fixed=all_of(self.fixed, operand.fixed))


class KindConstructs(KindOperators):
    """The actions that read IN, CASE, CAST and the like."""

    def do_in(self, move: Move) -> bool:
        left = self._commit(move, self._pop_operand(move))
        if not super().do_in(move):
            return False
        beside = move.frame.detail
        left = left._replace(text=joined(left.text, "IN"), beside=beside)
        move.frame = self.frames.change(move.frame, detail=left)
        return True

    def do_in_left(self, move: Move) -> bool:
        left: Operand = move.frame.stack[-1]
        probe = Move(move.frame, None, move.terminal, None, None, 0, False)
        if is_free(left) and self._narrow(probe, left, NUMBERS) is None:
            return False
        return self.do_can_compare(move)

    def do_negated(self, move: Move) -> bool:
        if not self.do_in_left(move):
            return False
        left = self._pop_operand(move)
        return self._push_operand(move, left._replace(text=joined(left.text, "NOT")))

    def do_in_query(self, move: Move) -> bool:
        left: Operand = move.frame.detail
        if left.kind in ("any", "list") or is_value_of_in(move.frame.parent):
            return False  # DuckDB takes the inner query for that of the outer IN
        left = left._replace(fixed=False, nil=False, text=None)
        move.frame = self.frames.change(move.frame, detail=left)
        return self._push(move, "in", width=1)

    def do_in_values(self, move: Move) -> bool:
        left: Operand = move.frame.detail
        if is_free(left):
            known = self._narrow(move, left, NUMBERS)
            if known is None:
                return False
            left = known
        return self._demand(move, 1, self._beside(left))

    def do_in_value(self, move: Move) -> bool:
        value = self._settled(move, self._pop_operand(move))
        if value is None:
            return False
        left: Operand = move.frame.detail
        text = joined(left.text, value.text, ",")
        # PostgreSQL compares one value after another: one may settle it
        fixed = left.fixed if self.rules.exact else all_of(left.fixed, value.fixed)
        left = left._replace(fixed=fixed, nil=any_of(left.nil, value.nil), text=text)
        if self.rules.exact and left.kind in ("null", "string") and value.kind != "null":
            left = left._replace(kind={"string": "text"}.get(value.kind, value.kind))
            self._set(move, ())
            self._demand(move, 1, self._beside(left))  # one type is made of all values
        move.frame = self.frames.change(move.frame, detail=left)
        return True

    def do_end_in(self, move: Move) -> bool:
        left, parts = move.frame.detail, move.frame.stack
        self._pop(move)
        if not isinstance(left, Operand):
            fixed = any_of(*(self._told(one) for one in parts))
            return self._made(move, "boolean", 4, fixed=fixed, nil=fixed)
        nil = any_of(left.fixed, left.nil)
        return self._made(move, "boolean", 4, text=left.text, fixed=left.fixed, nil=nil)

    def do_case(self, move: Move) -> bool:
        if not self.rules.exact and self._beside_fixed(move.frame) is not None:
            return False
        super().do_case(move)
        return self._case(move, Case(None, "null", ("CASE",), True))

    def _case(self, move: Move, case: Case) -> bool:
        move.frame = self.frames.change(move.frame, detail=case, stack=())
        return True

    def do_case_based(self, move: Move) -> bool:
        base = self._orderable(move)
        if base is not None and base.kind == "null" and self.rules.exact:
            return False  # PostgreSQL takes it for a text
        if base is not None and base.kind == "string" and self.rules.exact:
            base = base._replace(kind="text")  # as it does a literal
        if base is not None and not self._sorts(base):
            return False
        return base is not None and self._case(
            move, move.frame.detail.with_part(base)._replace(base=base)
        )

    def do_when(self, move: Move) -> bool:
        base = move.frame.detail.base
        return self._demand(move, 1, self._beside(base) if base else self.rules.truths)

    def do_then_value(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        before: Case = move.frame.detail
        case = before.with_part(operand)
        if self.rules.folds:  # a first condition that is known leaves one of the values
            first = before.fixed if before.told else self._is_known(before, operand)
            case = case._replace(fixed=first, told=True)
        return self._case(move, case)

    def _is_known(self, case: Case, operand: Operand) -> Fixed:
        """Return whether the first condition of a CASE is fixed."""
        if not self.rules.exact:
            return all_of(case.fixed, operand.fixed or operand.kind == "null")
        if case.base is None:
            return self._told(operand)
        both = all_of(case.base.fixed, operand.fixed)
        return any_of(both, case.base.nil, operand.nil)

    def do_case_value(self, move: Move) -> bool:
        value = self._pop_operand(move)
        before: Case = move.frame.detail
        mixes = before.kind != "string" or self.rules.exact
        fitting = value if mixes else self._settled(move, value)
        if fitting is None:
            return False
        value = self._commit(move, fitting)
        kind = self._unified(move, before.kind, value)
        if kind is None:
            return False
        leaves = leaves_of(value, Operand(kind, leaves=before.leaves))
        case = before.with_part(value, "THEN")._replace(kind=kind, leaves=leaves)
        return self._case(move, case._replace(fixed=before.fixed) if self.rules.folds else case)

    def _unified(self, move: Move, kind: str, value: Operand) -> str | None:
        """Return the kind of some values and one more; None where they do not go together."""
        if value.kind == "any" and kind in ("null", "string"):
            known = self._narrow(move, value, NUMBERS if kind == "null" else TEXTS)
            return known.kind if known is not None else "any" if kind == "null" else None
        if value.kind == "any":
            known = self._narrow(move, value, expand(kind))
            value = known or value
        return self.rules.unify(kind, value.kind)

    def do_then(self, move: Move) -> bool:
        kind = move.frame.detail.kind
        if kind == "null":
            return True
        return self._demand(move, 1, self.rules.together(kind))

    def do_end_case(self, move: Move) -> bool:
        case: Case = move.frame.detail
        self._pop(move)
        null = "text" if self.rules.exact else "any"
        kind = {"null": null, "string": "text"}.get(case.kind, case.kind)
        text = joined(case.text, "END")
        made = Operand(kind, text=text, fixed=case.fixed, nil=case.fixed, leaves=case.leaves)
        return self._may_stand(move, made) and self._push_beside(move, made)

    def do_cast(self, move: Move) -> bool:
        super().do_cast(move)
        move.frame = self.frames.change(move.frame, detail="cast")
        return True

    def do_as(self, move: Move) -> bool:
        operand: Operand = move.frame.stack[-1]
        if operand.fixed is True:
            return any(self._fixed_as(move, operand, kind) for kind in TYPES)
        probe = Move(move.frame, None, move.terminal, None, None, 0, False)
        if is_free(operand):
            return self._narrow(probe, operand, TEXTS) is not None
        unsafe = not isinstance(operand.fixed, bool) and not self._vary(probe, operand.fixed)
        return not unsafe or self._safely_cast(move, operand)

    def _safely_cast(self, move: Move, operand: Operand) -> bool:
        """Tell whether what every value of a kind converts to fits around a CAST."""
        wanted = self.demanded(move.frame.parent).kinds
        return wanted is None or bool(self.rules.safe(operand.kind) & wanted)

    def do_end_parenthesis(self, move: Move) -> bool:
        operand = self._pop_operand(move)
        if not super().do_end_parenthesis(move):
            return False
        if not self._may_stand(move, operand):
            return False
        kept = operand._replace(level=9, whole=True, text=joined("(", operand.text, ")"))
        return self._push_operand(move, kept)

    def do_end_scalar(self, move: Move) -> bool:
        query: Query = move.frame
        self._pop(move)
        if query.role != "scalar":
            return True
        return self._push_operand(move, Operand(query.outputs[0].kind))

    def do_can_exist(self, move: Move) -> bool:
        """Refuse `IN (EXISTS ...)`: DuckDB takes the query for that of the IN."""
        return not is_value_of_in(move.frame)

    def do_end_exists(self, move: Move) -> bool:
        self._pop(move)
        return self._push_operand(move, Operand("boolean"))

    def do_double_colon(self, move: Move) -> bool:
        operand = self._pop_operand(move)
        self._mark(move)
        move.frame = self.frames.make(Context, move.frame, "paren", "cast")
        return self._push_operand(move, operand) and self.do_as(move)

    def do_type(self, move: Move) -> bool:
        if not super().do_type(move):
            return False
        name = self._name(move).decode()
        kind = self.dialect.cast_types[name][0]
        if not self._may_tell(move.frame.parent, [kind]):
            return False
        operand = self._commit(move, self._pop_operand(move))
        made = self.rules.cast(operand.kind)
        if is_free(operand):
            known = self._narrow(move, operand, TEXTS | MOMENTS if kind in MOMENTS else TEXTS)
            if known is None:
                return False
            operand, made = known, None
        if made is not None and kind not in made:
            return False
        if operand.told and kind not in (operand.told, *_WRITTEN):
            return False
        told = operand.told if operand.kind in TEXTS else operand.kind
        if kind != "text" or told not in _TELLING | LISTS or self.rules.exact:
            told = ""
        if operand.fixed is True and not self._fixed_as(move, operand, kind, name):
            return False
        safe = kind in self.rules.safe(operand.kind) and name not in SHORT
        if not isinstance(operand.fixed, bool) and not safe:
            if not self._vary(move, operand.fixed):
                return False
            operand = operand._replace(fixed=False)
        text = joined(operand.text, "AS", kind)
        leaves = None if name in NARROW_TYPES else SURE
        return self._push_operand(
            move,
            operand._replace(kind=kind, text=text, reference=None, leaves=leaves, told=told),
        )

    def _fixed_as(self, move: Move, operand: Operand, kind: str, name: str = "") -> bool:
        """Tell whether CAST makes a kind of a value of literals, one that fits around it."""
        fits = self.rules.exact and kind in NUMBERS and _is_part(operand)
        known = (fits or kind in self.rules.safe(operand.kind)) and name not in SHORT
        if not known and not (self._reads_as(operand, frozenset((kind,))) and name not in SHORT):
            value = worth(operand.text) if kind in NUMBERS and self.rules.folds else None
            if value is None or (name in SHORT and abs(value) > _SHORTEST):
                return False
        inside = move.frame
        around = Move(inside.parent, None, move.terminal, None, None, 0, False)
        made = operand._replace(kind=kind, text=joined(operand.text, "AS", kind))
        return self._fits_beside(inside.parent, made) and self._literal_fits(around, kind)

    def do_sized(self, move: Move) -> bool:
        operand: Operand = move.frame.stack[-1]
        overflows = operand.kind == "decimal" and operand.fixed is True and self.rules.folds
        return not overflows and super().do_sized(move)

    def do_type_parameter(self, move: Move) -> bool:
        sizes = (*move.held[2:], int(move.payload or 1))
        if not 1 <= sizes[0] <= 38 or (len(sizes) > 1 and sizes[1] > sizes[0]):
            return False
        operand = self._pop_operand(move)
        if operand.kind == "decimal" and not self._vary(move, operand.fixed):
            return False
        text = joined(operand.text, str(sizes[-1]))
        self._push_operand(move, operand._replace(text=text, leaves=None))
        move.held = ("type", move.held[1] - 1, *sizes)
        return True

    def do_end_cast(self, move: Move) -> bool:
        operand = self._pop_operand(move)
        self._pop(move)
        move.held = None
        return self._push_operand(move, operand)

    def do_can_extract(self, move: Move) -> bool:
        kind = "decimal" if self.rules.exact else "number"
        able = self.rules.exact or self._beside_fixed(move.frame) is None
        return able and self._literal_fits(move, kind)

    def do_extract(self, move: Move) -> bool:
        self._mark(move)
        move.frame = self.frames.make(Context, move.frame, "paren")
        return True

    def do_field(self, move: Move) -> bool:
        field = self._name(move)
        move.frame = self.frames.change(move.frame, detail=field)
        kinds = MOMENTS if field in _OF_WEEKS else _EXTRACTABLE
        if self.rules.exact and field in _OF_CLOCK:
            kinds = (kinds | {"time"}) - {"date"}
        elif self.rules.exact and field == b"epoch":
            kinds |= {"time"}
        return self._demand(move, 1, kinds)

    def do_end_extract(self, move: Move) -> bool:
        operand = self._pop_operand(move)
        field = move.frame.detail
        self._pop(move)
        text = joined("EXTRACT", field, operand.text)
        kind = "decimal" if self.rules.exact else "number"
        made = Operand(kind, text=text, fixed=operand.fixed, nil=operand.nil, leaves=SURE)
        return self._fits_beside(move.frame, made) and self._push_beside(move, made)

    def do_extracted(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        return operand is not None and self._push_operand(move, operand)


def _is_part(operand: Operand) -> bool:
    """Tell whether a value is a part of a moment that any kind of number has room for."""
    text = operand.text or ()
    if operand.level != 9 or text[:1] not in (("EXTRACT",), ("date_part",)):
        return False
    return text[1].lower() not in (b"epoch", b"'epoch")
