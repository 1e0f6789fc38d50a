"""Sources that see those before them: LATERAL (SELECT ...), and functions that make rows.

    >>> sql = "SELECT name, d FROM people, generate_series(1, people.visits) AS g(d)"
    >>> checker.accepts(sql), checker.accepts("SELECT t FROM unnest(ARRAY[1]) AS t")
    (True, False)

What such a source names is owed by the FROM around it as in an ON: no later source may have it too.

Covered: subqueries, unnest() and generate_series(), under an alias; sources before a comma too.
Not covered: FROM with RIGHT, FULL or NATURAL JOIN, WITH ORDINALITY, columns that USING has merged;
rows of unnest() without a name for their column, which sqlglot does not find.
"""

from collections.abc import Iterator
from typing import Any

from text2sql.decoding.checking.frames import Block, Call, Context
from text2sql.decoding.checking.kinds.naming import KindNaming
from text2sql.decoding.checking.obligations import FRESH, GENERATED
from text2sql.decoding.checking.scope import Move

_PHASES = ("from", "join")
LATERAL = "lateral"  # among `Block.groups`: a source sees those before it


class KindLaterals(KindNaming):
    """The actions of sources that see others."""

    def do_can_see(self, move: Move) -> bool:
        block: Block = move.frame
        able = block.phase in _PHASES and not block.outer
        return able and self.do_can_derive(move) and self._flag(move, LATERAL)

    def do_lateral(self, move: Move) -> bool:
        return self._derive(move, "lateral")

    def do_can_join_outer(self, move: Move) -> bool:
        return LATERAL not in move.frame.groups and super().do_can_join_outer(move)

    # --- functions ---------------------------------------------------------------------------

    def do_make_rows(self, move: Move) -> bool:
        move.held = ("name", move.terminal.lower().encode(), 0)
        return not self.is_read_as_name(move)

    def do_end_rows(self, move: Move) -> bool:
        call: Call = move.frame
        kinds = tuple(operand.kind for operand in self._arguments(call))
        forms = self._whole_forms(call, kinds)
        move.frame = call.parent
        if not forms:
            return False
        move.held = ("rows", call.function.name, self._returned(forms[0], kinds))
        return True

    def do_null(self, move: Move) -> bool:
        """Refuse NULL in arguments that the server works out to tell how many rows there are.

        It converts texts there, too, as it does nowhere else before it runs.
        """
        frame: Any = move.frame
        while isinstance(frame, (Call, Context)):
            if isinstance(frame, Call) and frame.function.name in self.dialect.row_makers:
                return not self.rules.exact and super().do_null(move)
            frame = frame.parent
        return super().do_null(move)

    def row_aliases(self, block: Block, held: Any) -> Iterator[bytes]:
        """Yield the names that rows of a function may go by; FRESH: any other."""
        owed = sorted({r.qualifier for r in block.pending if r.qualifier})
        for alias in (*owed, FRESH):
            if next(self._row_columns(block, alias, held), None) is not None:
                yield alias

    def _row_columns(self, block: Block, alias: bytes, held: Any) -> Iterator[bytes]:
        """Yield the names that the column of such rows may have; FRESH: any other."""
        owed = {r.name for r in block.pending if r.qualifier == alias} - {b"*"}
        plain = {r.name for r in block.pending if r.qualifier is None}
        for column in sorted(owed) or (FRESH, *sorted(plain)):
            if self._with_rows(block, alias, column, held[2]) is not None:
                yield column

    def _with_rows(self, block: Block, alias: bytes, column: bytes, kind: str) -> Block | None:
        found = self.scope.rows_of(column, kind)
        return self.scope.add_source(block, alias, found, lenient=block.phase == "join")

    def row_names(self, block: Block, held: Any) -> Iterator[bytes]:
        """Yield the names that the column of such rows may have; FRESH: any other."""
        _, function, kind, alias = held
        yield from self._row_columns(block, alias, ("rows", function, kind))

    def do_rows_as(self, move: Move) -> bool:
        name = self._name(move)
        if GENERATED.fullmatch(name) or move.held[0] != "rows":
            return False
        _, function, kind = move.held
        named = next(self._row_columns(move.frame, name, move.held), None) is not None
        move.held = ("rows as", function, kind, name)
        return named or self._alone(move) is not None

    def do_rows_column(self, move: Move) -> bool:
        _, _, kind, alias = move.held
        move.frame = self._with_rows(move.frame, alias, self._name(move), kind)
        move.held = None
        return move.frame is not None

    def do_rows_alone(self, move: Move) -> bool:
        move.frame, move.held = self._alone(move), None
        return move.frame is not None

    def _alone(self, move: Move) -> Block | None:
        """Return the SELECT with rows whose column has the name that they go by."""
        _, function, kind, alias = move.held
        starred = any(o.name == b"*" and o.qualifier is None for o in move.frame.outputs)
        if function == "unnest" or starred:
            return None  # sqlglot does not see their column
        added = self._with_rows(move.frame, alias, alias, kind)
        if added is None:
            return None
        *before, rows = added.sources  # nor behind a dot
        muted = self.frames.change(added, sources=(*before, rows._replace(mute=True)))
        return muted if self.scope.feasible(muted) else None
