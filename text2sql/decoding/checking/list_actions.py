"""What happens in a SELECT list: items, `*`, aliases, the number of columns.

A part of `actions`.
"""

from text2sql.decoding.checking.action_base import ActionBase
from text2sql.decoding.checking.frames import Block, Output, Reference
from text2sql.decoding.checking.scope import Move


class ListActions(ActionBase):
    """Actions between SELECT and FROM."""

    def do_select(self, move: Move) -> bool:
        return self._select(move, "items")

    def do_select_alone(self, move: Move) -> bool:
        return self._select(move, "late")  # FROM would have come: only outer columns are in sight

    def do_distinct(self, move: Move) -> bool:
        return True

    def do_no_items(self, move: Move) -> bool:
        """Let EXISTS have a SELECT of nothing."""
        block: Block = move.frame
        plain = move.terminal == "FROM" and not block.groups
        return plain and self.scope.query_of(block).role == "exists"

    def do_item(self, move: Move) -> bool:
        move.frame = self.frames.change(
            move.frame, item=b"", lent=frozenset(), uses="", nested=False
        )
        return True

    def do_star(self, move: Move) -> bool:
        block: Block = move.frame
        width = self.scope.query_of(block).width
        if width is not None and (block.outputs or (block.deep and block.phase == "items")):
            return False
        return self._output(move, Output(b"*"))

    def do_select_star(self, move: Move) -> bool:
        """Show every column, where FROM stands alone."""
        move.frame = self.frames.change(move.frame, phase="late")
        if not self.do_star(move):
            return False
        move.frame = self.scope.listed(move.frame)
        return True

    def do_item_value(self, move: Move) -> bool:
        block: Block = move.frame
        name, qualifier = None, None
        if isinstance(block.item, Reference):
            name, qualifier = block.item.name, block.item.qualifier
        if name == b"*":
            return self._output(move, Output(name, qualifier=qualifier))
        alone = block.item is True
        found = Output(name, False, block.uses, block.nested, qualifier, block.lent)
        return self._output(move, found._replace(counted=False) if alone else found)

    def _output(self, move: Move, output: Output) -> bool:
        block: Block = move.frame
        if block.phase == "late" and output.name == b"*":
            starred = self.frames.change(block, outputs=(*block.outputs, output))
            if not block.sources or not self.scope.feasible(starred):
                return False
            shown = self.scope.starred(block, output.qualifier)
            if self.scope.keeps_stars(block):
                shown = [one.lent_to_nobody() for one in shown]
            changed = self.frames.change(block, outputs=(*block.outputs, *shown), item=None)
        else:
            changed = self.frames.change(block, outputs=(*block.outputs, output), item=None)
        width = self.scope.query_of(changed).width
        if width is not None and self.scope.least_width(changed)[0] > width:
            return False
        move.frame = changed
        return output.name != b"*" or block.phase != "items" or self.scope.feasible(changed)

    def do_alias(self, move: Move) -> bool:
        block: Block = move.frame
        named = block.outputs[-1]._replace(
            name=self._name(move), explicit=True, shadows=frozenset(), counted=True
        )
        move.frame = self.frames.change(block, outputs=(*block.outputs[:-1], named))
        return self.scope.fits_around(move.frame, open_list=self._is_open(move.frame))

    def do_next_item(self, move: Move) -> bool:
        block: Block = move.frame
        width = self.scope.query_of(block).width
        if len(block.outputs) >= self.dialect.column_limit:
            return False
        if width is not None:
            stars = any(o.name == b"*" and o.qualifier is None for o in block.outputs)
            if stars or self.scope.least_width(block)[0] >= width:
                return False
        return self.scope.fits_around(block, open_list=self._is_open(block))

    def _is_open(self, block: Block) -> bool:
        """Tell whether a list may get any number of further items."""
        return block.phase == "items" and self.scope.query_of(block).width is None
