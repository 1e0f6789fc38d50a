"""SQLite's functions that make rows of a JSON text in FROM: json_each() and json_tree().

    >>> sql = "SELECT o.id, j.value FROM orders AS o, json_each(o.items) AS j WHERE j.key > 0"
    >>> checker.accepts(sql), checker.accepts(sql.replace("j.value", "j.price"))
    (True, False)

The engine knows their columns, sqlglot does not: it looks for a plain name among those of tables
first, and gives up where a query around, or an item's alias, might be meant (30.30,
`optimizer/qualify_columns.py`, "due to missing source schemas"). So there such a name needs its
qualifier; see `Lookups.count`.

While the arguments are read the rows stand in FROM already, under a name that they could have:
whatever is named must leave room for them.

Covered: arguments over the sources before them and over queries around.
Not covered: rows without an alias, to which sqlglot gives one that others have; subqueries in the
arguments; FROM with RIGHT, FULL or NATURAL JOIN, USING behind.
"""

from text2sql.decoding.checking.frames import Block, Context
from text2sql.decoding.checking.obligations import CORRELATED
from text2sql.decoding.checking.relations import relation
from text2sql.decoding.checking.scope import Move
from text2sql.decoding.checking.source_actions import SourceActions

# Source: sqlite.org/json1.html, "Table-valued functions". The hidden ones hold the arguments.
_COLUMNS, _HIDDEN = b"key value type atom id parent fullkey path".split(), (b"json", b"root")
UNNAMED = b"\x00rows"  # what rows go by until they are made: no query gives it
JSON_ROWS = relation(_COLUMNS, shadows=_HIDDEN, opaque=True)


class JsonTableActions(SourceActions):
    """Actions of FROM, with rows that functions make."""

    def do_json_table(self, move: Move) -> bool:
        block: Block = move.frame
        if block.phase not in ("from", "join") or block.outer or block.packed:
            return False
        owed = sorted({r.qualifier for r in block.pending if r.qualifier})
        for name in (UNNAMED, *owed):
            held = self.scope.add_source(block, name, JSON_ROWS)
            if held is not None:
                held = self.frames.change(held, phase="rows")
                move.frame = self.frames.make(Context, held, "rows", block.phase)
                return True
        return False

    def do_end_json_table(self, move: Move) -> bool:
        rows: Context = move.frame
        block: Block = rows.parent
        move.frame = self.frames.change(block, phase=rows.detail, sources=block.sources[:-1])
        move.held = ("source", None, JSON_ROWS)
        return True

    def _push(self, move: Move, role: str, *, width: int | None = None) -> bool:
        return not (role in CORRELATED and self._makes_rows(move)) and super()._push(
            move, role, width=width
        )

    def do_can_exist(self, move: Move) -> bool:
        """Refuse EXISTS where rows are made, which are made before any query is run."""
        return not self._makes_rows(move)

    def _makes_rows(self, move: Move) -> bool:
        return move.frame is not None and self.scope.block_of(move.frame).phase == "rows"

    def do_late(self, move: Move) -> bool:
        """Let ON stand behind a comma: not behind rows, which sqlglot does not see from there."""
        return not self.scope.is_opaque(move.frame) and super().do_late(move)

    def do_can_join_outer(self, move: Move) -> bool:
        return not self.scope.is_opaque(move.frame) and super().do_can_join_outer(move)

    def do_can_join_naturally(self, move: Move) -> bool:
        return not self.scope.is_opaque(move.frame) and super().do_can_join_naturally(move)
