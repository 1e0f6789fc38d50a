"""Types in SQLite, where they are sure: what declared types say that a column is not for.

    >>> checker = Checker(schema, types=True)
    >>> [checker.accepts(f"SELECT {e} FROM singer") for e in ("avg(age)", "avg(name)")]
    [True, False]

SQLite takes any value anywhere, and a sum of dates is a number to it. With types on, a column of a
table, alone where it stands, must not be

- an argument that is a number, or an operand of `+ - * / %`, if its type is a text's or a date's,
- on the left of LIKE and GLOB, if its type is a number's,
- compared (`=`, `<`, BETWEEN, IN ...) with a literal text that says no number, if its type is.

Before FROM the column is owed with what it may be (`Reference.kinds`), so that FROM takes only
tables that pay it. There is always a way on: `||` makes a text of any operand, a subquery in FROM
has columns of no declared type.

Covered: columns of tables and views, bare or qualified; strings in either quotes.
Not covered: whatever is computed, in parentheses too, or comes out of a subquery or CTE; literals
on the left; comparisons before FROM; flags and other types that are stored as people like.

Source: https://sqlite.org/datatype3.html, section 3.1, less what it guesses of unknown words.
"""

import re

from text2sql.decoding.checking.actions import Actions
from text2sql.decoding.checking.frames import (
    Block,
    Call,
    Context,
    Frame,
    Query,
    Reference,
    remembered,
)
from text2sql.decoding.checking.functions import Function
from text2sql.decoding.checking.literals import Beside
from text2sql.decoding.checking.plans import Plan
from text2sql.decoding.checking.relations import Relation
from text2sql.decoding.checking.scope import Move, Scope

ANY = "any"  # what a column is of whose type nothing is sure
_FIRST_WORDS = {
    "number": "bigint dec decimal double float int int2 int8 integer mediumint number numeric real"
    " smallint tinyint",
    "text": "char character clob longtext mediumtext native nchar nvarchar text tinytext varchar"
    " varchar2",
    "moment": "date datetime time timestamp",
}
_FAMILIES = {word: family for family, words in _FIRST_WORDS.items() for word in words.split()}
_WORD = re.compile(r"[a-z]\w*")
_ALL = frozenset({ANY, *_FIRST_WORDS})
_UNCOUNTED = frozenset({"text", "moment"})  # of which nothing is calculated
_UNMATCHED = frozenset({"number"})  # which no pattern is for


def family_of(declared: str) -> str:
    """Return what the values of a declared type are: "number", "text", "moment", else "any".

    >>> family_of("VARCHAR(20)"), family_of("DATETIME"), family_of("BOOLEAN")
    ('text', 'moment', 'any')
    """
    word = _WORD.match(declared.strip().lower())
    return _FAMILIES.get(word[0], ANY) if word is not None else ANY


class AffinityScope(Scope):
    """A scope that knows what the columns of tables are declared to be."""

    @remembered
    def plan(self, block: Block, *, lenient: bool = False) -> Plan | None:
        """Return how FROM can meet every obligation, those of types too; None where it cannot."""
        if not all(self.fits(block, reference) for reference in block.pending):
            return None
        return super().plan(block, lenient=lenient)

    def fits(self, block: Block, reference: Reference) -> bool:
        """Tell whether FROM has a column of a type that is asked for, or does not have it yet."""
        if reference.kinds is None or reference.outside:
            return True
        return self.family(block, reference) in {*reference.kinds, None}

    def family(self, block: Block, reference: Reference) -> str | None:
        """Return what a column of FROM is; None where FROM has none such."""
        name = reference.name
        found = {
            source.relation.kinds[source.relation.places[name]]
            for source in block.sources
            if reference.qualifier in (None, source.name) and name in source.relation.places
        }
        return (found.pop() if len(found) == 1 else ANY) if found else None

    def may_exist(self, block: Block, reference: Reference) -> bool:
        """Tell whether some table or CTE in sight has a column of a type that is asked for."""
        if not super().may_exist(block, reference):
            return False
        kinds, name = reference.kinds, reference.name
        if kinds is None or block.phase != "items":
            return True
        known = self.find_relation(block, reference.qualifier) if reference.qualifier else None
        relations = [known] if known is not None and name in known.places else self.relations(block)
        found = [one for one in relations if name in one.places]
        return not found or any(one.kinds[one.places[name]] in kinds for one in found)

    def relation_of(self, query: Query) -> Relation:
        """Return the relation that a finished query makes: of its columns no type is declared."""
        outputs = tuple(output._replace(kind=ANY) for output in query.outputs)
        return super().relation_of(self.frames.change(query, outputs=outputs))

    def _resolve_in(
        self, block: Block, reference: Reference, direct: bool, nested: bool, alone: bool
    ) -> Block | None:
        if block.phase != "items" and not self.fits(block, reference):
            return None
        return super()._resolve_in(block, reference, direct, nested, alone)

    def meant(self, frame: Frame, reference: Reference) -> tuple[str, Reference | None]:
        """Return what a column is, and the column if FROM still owes it: then that is not known."""
        for block in self.chain(self.block_of(frame)):
            if block.phase == "items":
                return ANY, None if reference.soft else reference
            family = self.family(block, reference)
            if family is not None:
                return family, None
        return ANY, None


class AffinityActions(Actions):
    """Actions that look at the types of columns; `held` keeps that of one that stands alone.

    It is ("of", origin, family, reference): the last two as `AffinityScope.meant` returns them.
    """

    scope: AffinityScope

    def __init__(self, scope: AffinityScope) -> None:
        super().__init__(scope)
        for name in ("negation", "is_null", "liked", "between_high", "end_in"):
            self._then(name, self._forget)

    def _refer(self, move: Move, reference: Reference) -> bool:
        frame = move.frame
        if not super()._refer(move, reference):
            return False
        origin = move.held[1] if move.held else None
        move.held = ("of", origin, *self.scope.meant(frame, reference))
        return True

    def _may_be(self, move: Move, unfit: frozenset[str]) -> bool:
        """Tell whether a column that stands alone is of no unfit family; ask it of FROM if owed."""
        held = move.held
        if not held or held[0] != "of" or len(held) < 4:
            return True
        _, _, family, reference = held
        if reference is None:
            return family not in unfit
        met = self.scope.resolve(move.frame, reference._replace(kinds=_ALL - unfit))
        move.frame = move.frame if met is None else met
        return met is not None

    def do_arithmetic(self, move: Move) -> bool:
        return self._may_be(move, _UNCOUNTED) and self._mark(move)

    def do_calculated(self, move: Move) -> bool:
        return self._may_be(move, _UNCOUNTED)

    def do_like(self, move: Move) -> bool:
        return self._may_be(move, _UNMATCHED) and self._mark(move)

    def do_end_argument(self, move: Move) -> bool:
        frame = move.frame
        call: Call = frame.parent if isinstance(frame, Context) else frame
        if _takes_number(call, self._reads(call)) and not self._may_be(move, _UNCOUNTED):
            return False
        move.held = None
        return super().do_end_argument(move)

    # --- what a literal is compared with -------------------------------------------------------

    def _compared_with(self, move: Move, *, equal: bool) -> Beside | None:
        """Return what the next literal is compared with; None where it may say anything."""
        held = move.held
        if not held or held[0] != "of":
            return super()._compared_with(move, equal=equal)
        number = len(held) > 2 and held[2] == "number"
        origin = held[1] if equal else None
        return Beside(origin, number) if number or origin is not None else None

    def do_between(self, move: Move) -> bool:
        beside = self._compared_with(move, equal=False)
        self._mark(move)
        move.held = ("compare", beside, "between") if beside is not None else None
        return True

    def _forget(self, move: Move) -> bool:
        held = move.held
        low = held is not None and held[0] == "compare" and held[-1] == "between"
        if low and move.terminal in ("STRING", "NUMBER"):
            move.held = ("low", held[1])
            return True
        return super()._forget(move)

    def do_between_low(self, move: Move) -> bool:
        """Compare the upper end with what the lower end was, if that was one literal."""
        held = move.held
        move.held = ("compare", held[1]) if held and held[0] == "low" else None
        return True


def _takes_number(call: Call, reads: str) -> bool:
    function: Function = call.function
    place = min(call.count, len(function.takes)) - 1
    return reads != "primary" and place >= 0 and function.takes[place] in ("number", "integer")
