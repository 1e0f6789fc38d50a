"""The process that has models: reads what they are to do from its parent, answers with logits.

    python -I -c "... main(fd, board, threads)"      started by `model_process`, never by hand

Covered: an error of one message is its answer, and the next message is read; the process ends with
its parent's end of the pipe.
"""

import pickle
from typing import TYPE_CHECKING, Any

from text2sql.errors import Text2SQLError
from text2sql.execution.pipes import Pipe

if TYPE_CHECKING:
    from text2sql.decoding.board import Board

_CONTEXT = ("max_position_embeddings", "n_positions")  # what is asked of a model's settings


class Models:
    """The models of this process and the batch of each."""

    def __init__(self, board: "Board") -> None:
        from text2sql.bases.sharing import Pool

        self._board, self._pool = board, Pool()
        self._models: dict[int, tuple[Any, Any]] = {}  # with the prefixes that each has read
        self._rows: dict[int, tuple[int, Any]] = {}  # with the number of the batch

    def load(self, number: int, load: Any) -> dict[str, Any]:
        """Load a model; return what its parent wants to know of it."""
        from text2sql.decoding.cache import Prefixes, shares_prefix

        base, adapter, options = load
        model = self._pool.load(base, adapter=adapter, **options)
        self._models[number] = (model, Prefixes())
        config = {name: getattr(model.config, name, None) for name in _CONTEXT}
        return {"dtype": model.dtype, "config": config, "refills": shares_prefix(model)}

    def forget(self, number: int) -> None:
        """Let go of a model."""
        self._rows.pop(number, None)
        self._models.pop(number, None)

    def run(self, number: int, batch: int, operations: Any, opens: bool) -> Any:
        """Do something with a batch's rows; write the logits to the board, return their form.

        Raises:
            ModelError: the batch is not the last one that was opened.
        """
        from text2sql.decoding.cache import open_rows
        from text2sql.errors import ModelError

        if opens:
            self._rows[number] = (batch, open_rows(*self._models[number]))
        known, rows = self._rows.get(number, (None, None))
        if known != batch:
            raise ModelError("the model has begun another batch, or its process was started anew")
        *before, (method, argument) = operations
        for name, value in before:
            getattr(rows, name)(value)
        logits = getattr(rows, method)(argument)
        shape, dtype = tuple(logits.shape), logits.dtype
        self._board.tensor(shape, dtype).copy_(logits)
        return shape, dtype


def main(descriptor: int, board: int, threads: int) -> None:
    """Answer messages until the parent has gone."""
    import torch

    from text2sql.decoding.board import Board

    torch.set_num_threads(threads)
    pipe, models = Pipe(descriptor), Models(Board(board))
    while True:
        try:
            message = pickle.loads(pipe.receive())  # from our own program
            pipe.send(pickle.dumps(_answer(models, message)))
        except (EOFError, OSError):
            return


def _answer(models: Models, message: Any) -> tuple[bool, Any]:
    try:
        return True, getattr(models, message[0])(*message[1:])
    except Text2SQLError as error:
        return False, str(error)
    except Exception as error:  # whatever the model raises: the next prompt may be a better one
        line = " ".join(str(error).split())[:200]
        return False, f"{type(error).__name__}: {line}"
