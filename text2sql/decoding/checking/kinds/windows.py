"""Where a window function may stand, beyond the clauses that take one.

    >>> inner = "(SELECT lag(v) OVER () FROM trades LIMIT 1)"
    >>> checker.accepts(f"SELECT rank() OVER (ORDER BY {inner}) FROM trades")
    False

Covered: QUALIFY, which needs one; DuckDB takes none in the definition of another, however deep.
Not covered: windows in aggregates; see `aggregation`.
"""

from text2sql.decoding.checking.frames import Block, Context, Frame
from text2sql.decoding.checking.kinds.joins import JoinScope
from text2sql.decoding.checking.kinds.rules import Rules


class WindowScope(JoinScope):
    """The part of a scope that knows window functions."""

    rules: Rules

    def allows_window(self, frame: Frame) -> bool:
        """Tell whether a window function may stand here."""
        return super().allows_window(frame) and (self.rules.exact or not is_in_window(frame))


def is_in_window(frame: Frame | None) -> bool:
    """Tell whether what is read says how a window is parted or sorted, in queries within too."""
    while frame is not None:
        if isinstance(frame, Context) and frame.kind == "over":
            return True
        frame = frame.parent
    return False


def owes_window(block: Block) -> bool:
    """Tell whether QUALIFY is read and no window function has been."""
    uses = {block.uses, *(output.uses for output in block.outputs)}
    return block.phase == "qualify" and "window" not in uses
