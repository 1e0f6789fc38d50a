"""Sources that see those before them: LATERAL (SELECT ...), and functions that make rows.

    >>> sql = "SELECT name, d FROM people, generate_series(1, people.visits) AS g(d)"
    >>> checker.accepts(sql), checker.accepts("SELECT t FROM unnest(ARRAY[1]) AS t")
    (True, False)

What such a source names is owed by the FROM around it as in an ON: no later source may have it too.

Covered: subqueries, unnest() and generate_series(), under an alias; sources before a comma too.
Not covered: FROM with RIGHT, FULL or NATURAL JOIN, WITH ORDINALITY, columns that USING has merged;
rows of unnest() without a name for their column, which sqlglot does not find, as it does not those
of any function behind the word LATERAL, and in DuckDB those of any function.
"""

from collections.abc import Iterator
from typing import Any

from text2sql.decoding.checking.frames import Block, Call, Context
from text2sql.decoding.checking.kinds.joins import GROWING
from text2sql.decoding.checking.kinds.row_arguments import KindRowArguments, reads_rows
from text2sql.decoding.checking.kinds.tables import LISTS, element
from text2sql.decoding.checking.kinds.values import ROLE, Rows
from text2sql.decoding.checking.kinds.windows import is_in_window
from text2sql.decoding.checking.obligations import CORRELATED, FRESH, GENERATED
from text2sql.decoding.checking.scope import Move

LATERAL = "lateral"  # among `Block.groups`: a source sees those before it
ALONE = "alone"  # among them: sqlglot reads no SELECT behind such a first source and others
BEHIND_WORD = "behind lateral"  # among them: the source that is read stands behind that word


class KindLaterals(KindRowArguments):
    """The actions of sources that see others."""

    def do_can_see(self, move: Move) -> bool:
        block: Block = move.frame
        if block.phase not in GROWING or block.outer or not self.do_can_derive(move):
            return False
        said = {BEHIND_WORD} if move.terminal == "LATERAL" else set()
        leads = not block.outputs and not block.sources and not self.rules.exact
        if leads and move.terminal in ("LATERAL", "UNNEST"):
            said.add(ALONE)
        groups = block.groups - {BEHIND_WORD} | {LATERAL, *said}
        move.frame = self.frames.change(block, groups=groups)
        return True

    def do_lateral(self, move: Move) -> bool:
        return self._derive(move, "lateral")

    def _push(self, move: Move, role: str, *, width: int | None = None) -> bool:
        inside = role in CORRELATED and role != "lateral"
        if inside and not self.rules.exact and not self._may_ask(move.frame, role):
            return False
        return super()._push(move, role, width=width)

    def _may_ask(self, frame: Any, role: str) -> bool:
        """Tell whether DuckDB takes a query within an expression.

        It takes none in the ON of a join that sees others, and few in functions of FROM. Of rows
        that a query within another might have too many it makes an error, which is no part of a
        window.
        """
        call = reads_rows(frame)
        if call is not None:
            return role == "scalar" and frame is call
        if role == "scalar" and is_in_window(self.scope.query_of(frame)):
            return False
        block = self.scope.block_of(frame)
        return block.phase != "on" or LATERAL not in block.groups

    def do_can_join(self, move: Move) -> bool:
        return ALONE not in move.frame.groups and super().do_can_join(move)

    def do_can_join_naturally(self, move: Move) -> bool:
        return ALONE not in move.frame.groups and super().do_can_join_naturally(move)

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
        made = self._returned(forms[0], kinds)
        kind = element(made) if call.function.returns in LISTS else made
        move.held = ("rows", Rows(call.function.name, (kind,), (False,)))
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

    # --- names of columns that stand behind --------------------------------------------------

    def row_aliases(self, block: Block, held: Any) -> Iterator[bytes]:
        """Yield the names that rows in FROM may go by; FRESH: any other."""
        owed = sorted({r.qualifier for r in block.pending if r.qualifier})
        for alias in (*owed, FRESH):
            named = held[1]._replace(alias=alias)
            if next(self._columns_of(block, named), None) is not None:
                yield alias

    def row_names(self, block: Block, held: Any) -> Iterator[bytes]:
        """Yield the names that the next column of such rows may have; FRESH: any other."""
        yield from self._columns_of(block, held[1])

    def _columns_of(self, block: Block, rows: Rows) -> Iterator[bytes]:
        plain = {r.name for r in block.pending if r.qualifier is None} - {*rows.names}
        for name in (*self._owed_to(block, rows), FRESH, *sorted(plain)):
            if self._with_rows(block, rows._replace(names=(*rows.names, name))) is not None:
                yield name

    def _owed_to(self, block: Block, rows: Rows) -> list[bytes]:
        """Return the columns that the name of some rows owes, and that none of them has so far."""
        owed = {r.name for r in block.pending if r.qualifier == rows.alias} - {b"*", *rows.names}
        return sorted(owed)

    def _with_rows(self, block: Block, rows: Rows) -> Block | None:
        """Return the SELECT with some rows, the names of further columns as they are owed."""
        fresh = (FRESH + b"%d" % place for place in range(len(rows.kinds)))
        names = (*rows.names, *self._owed_to(block, rows), *fresh)[: len(rows.kinds)]
        if len(set(names)) < len(names) or len(rows.names) > len(rows.kinds):
            return None
        found = self.scope.rows_of(names, rows.kinds, rows.fixed)
        added = self.scope.add_source(block, rows.alias, found, lenient=block.phase == "join")
        if added is None or rows.maker in ("unnest", ROLE):
            return added
        *before, last = added.sources
        marked: Block = self.frames.change(added, sources=(*before, last._replace(made=True)))
        return marked

    def do_source_as(self, move: Move) -> bool:
        if move.held[0] != "rows":
            return super().do_source_as(move)
        rows: Rows = move.held[1]._replace(alias=self._name(move))
        move.held = ("rows as", rows)
        if GENERATED.fullmatch(rows.alias):
            return False
        named = next(self._columns_of(move.frame, rows), None) is not None
        return named or self._alone(move.frame, rows) is not None

    def do_rows_column(self, move: Move) -> bool:
        if move.held is None:
            return False
        rows: Rows = move.held[1]
        rows = rows._replace(names=(*rows.names, self._name(move)))
        move.held = ("rows as", rows)
        return self._with_rows(move.frame, rows) is not None

    def do_rows_named(self, move: Move) -> bool:
        rows: Rows = move.held[1]
        move.frame, move.held = self._with_rows(move.frame, rows), None
        return move.frame is not None and len(rows.names) == len(rows.kinds)

    def do_rows_alone(self, move: Move) -> bool:
        if move.held is None:
            return True
        move.frame, move.held = self._alone(move.frame, move.held[1]), None
        return move.frame is not None

    def _alone(self, block: Block, rows: Rows) -> Block | None:
        """Return the SELECT with rows whose column has the name that they go by."""
        starred = any(o.name == b"*" and o.qualifier is None for o in block.outputs)
        if rows.maker in ("unnest", ROLE) or starred or not self.rules.exact:
            return None  # sqlglot does not see their column; in DuckDB it has the function's name
        if BEHIND_WORD in block.groups:
            return None  # nor there
        added = self._with_rows(block, rows._replace(names=(rows.alias,)))
        if added is None:
            return None
        *before, last = added.sources  # nor behind a dot
        muted = self.frames.change(added, sources=(*before, last._replace(mute=True)))
        return muted if self.scope.feasible(muted) else None
