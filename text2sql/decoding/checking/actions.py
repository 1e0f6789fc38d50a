"""What happens between two terminals: the actions that `grammar.PRODUCTIONS` names with `@`.

An action takes the `Move` of a terminal and changes its frame; False means that the terminal is not
legal here. Between a name and what makes it a table, a column, a qualifier or a function, `held`
keeps it: ("name", folded bytes, quoted), ("dot", qualifier), ("source", name, relation). Where
columns are watched, also ("of", origin) of a column, and ("compare", `Beside`) behind its operator.

Not covered: kinds of values; a dialect that is typed has more actions, in `kinds`.
"""

from collections.abc import Callable

from text2sql.decoding.checking.clause_actions import ClauseActions
from text2sql.decoding.checking.joined_tables import JoinedTableActions
from text2sql.decoding.checking.json_tables import JsonTableActions
from text2sql.decoding.checking.list_actions import ListActions
from text2sql.decoding.checking.operand_actions import OperandActions
from text2sql.decoding.checking.scope import Move, Scope

Action = Callable[[Move], bool]
# After these what stands on the left is no bare column any more.
_FORGETTING = (
    "calculated", "concatenated", "arrowed", "bitted", "signed", "end_call", "end_case", "end_cast",
    "end_scalar", "computed", "compared", "logical", "string", "blob", "number", "null", "boolean",
    "arithmetic", "concat", "bits", "arrow", "sign", "not",
)  # fmt: skip
_WATCHED = ("of", "compare", "low")  # what `held` keeps of a column
_MARKS = (
    "string", "blob", "null", "boolean", "date_value", "timestamp_value", "time_value", "computed",
    "not", "is_null", "arithmetic", "concat", "arrow", "bits", "is", "between", "like",
    "escape", "is_truth",
)  # fmt: skip


class Actions(JoinedTableActions, JsonTableActions, ListActions, ClauseActions, OperandActions):
    """The actions of one scope, by name."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.table: dict[str, Action] = {
            name.removeprefix("do_"): getattr(self, name)
            for name in dir(self)
            if name.startswith("do_")
        }
        for name in _MARKS:
            self.table.setdefault(name, self._mark)
        for name in ("string", "number", "json_key"):
            self._then(name, self.lend_literal)
        for name in ("null", "blob", "date_value", "time_value", "timestamp_value"):
            self._then(name, self.lend_constant)

    def watch_columns(self) -> None:
        """Keep in `held` the column that stands alone, and what is compared with it."""
        for name in _FORGETTING:
            self._then(name, self._forget)
        for name in ("compare", "is"):
            self._then(name, self._compare)

    def _then(self, name: str, then: Action) -> None:
        first = self.table.get(name)
        self.table[name] = then if first is None else lambda move: first(move) and then(move)

    def _forget(self, move: Move) -> bool:
        """Drop what was kept of a column, and nothing else: a number may be a position."""
        if move.held is not None and move.held[0] in _WATCHED:
            move.held = None
        return True

    def _compare(self, move: Move) -> bool:
        equal = move.terminal in ("=", "==", "<>", "!=", "IS", "DISTINCT", "FROM")
        beside = self._compared_with(move, equal=equal)
        move.held = ("compare", beside) if beside is not None else None
        return True
