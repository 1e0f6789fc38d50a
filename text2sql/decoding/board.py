"""Memory that two processes see: one writes numbers there, the other reads them.

    >>> descriptor = open_board()                      # inherited by the other process
    >>> ours, theirs = Board(descriptor), Board(descriptor)
    >>> _ = ours.tensor((2, 3), torch.float32).fill_(1.5)
    >>> theirs.tensor((2, 3), torch.float32).sum()
    tensor(9.)

Covered: memory that grows with what is written. Not covered: who may write when: the two agree on
that, by messages.
"""

import mmap
import os
import tempfile
from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

_GRAIN = 1 << 20  # bytes by which it grows


def open_board() -> int:
    """Return the descriptor of an empty board, for whoever has it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("logits")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Board:
    """One process's view of it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._memory: mmap.mmap | None = None
        self._last: Tensor | None = None  # most steps ask for the same as the last one

    def tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Return what stands there as a tensor; it changes when the other process writes."""
        if self._last is not None and (self._last.shape, self._last.dtype) == (shape, dtype):
            return self._last
        needed = max(1, prod(shape)) * dtype.itemsize
        if self._memory is None or len(self._memory) < needed:
            size = -(-needed // _GRAIN) * _GRAIN
            if os.fstat(self._descriptor).st_size < size:
                os.ftruncate(self._descriptor, size)
            self._memory = mmap.mmap(self._descriptor, size)
        found = torch.frombuffer(self._memory, dtype=dtype, count=prod(shape))
        self._last = found.view(*shape)
        return self._last

    def close(self) -> None:
        """Let go of it; tensors that are left keep their memory."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._memory, self._last = -1, None, None
