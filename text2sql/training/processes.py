"""What the processes of one distributed run do together; a run of one process just does it.

>>> start = on_main(trainer.is_world_process_zero(), lambda: last_checkpoint(folder))
"""

import os
import sys
from collections.abc import Callable
from typing import Any

from text2sql.errors import TrainingError

ASKED = "T2S_PROCESSES"  # how many processes a launcher asked for


def is_main() -> bool:
    """Tell whether this is the process that writes; torchrun and accelerate number them."""
    return int(os.environ.get("RANK", "0")) == 0


def tell(text: str) -> None:
    """Print a line on stderr, once for all processes."""
    if is_main():
        print(text, file=sys.stderr)


def join() -> None:
    """Join the processes that torchrun or accelerate started; alone, do nothing.

    Raises:
        TrainingError: there are more or fewer of them than the launcher asked for.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    asked = int(os.environ.get(ASKED, world))
    if asked != world:
        raise TrainingError(
            f"{asked} processes were asked for, but this one runs in a group of {world}:"
            " check the launcher's configuration"
        )
    if world > 1:
        import torch
        from accelerate import PartialState

        PartialState(cpu=not torch.cuda.is_available())


def on_main(is_main: bool, work: Callable[[], Any]) -> Any:
    """Do something on the main process; the others wait, and get its result or its exception."""
    if not _are_several():
        return work()
    from torch import distributed

    box: list[Any] = [None]
    if is_main:
        try:
            box[0] = work()
        except Exception as error:  # the others must not wait for ever
            box[0] = error
    distributed.broadcast_object_list(box, src=0)
    if isinstance(box[0], Exception):
        box[0].told = not is_main  # type: ignore[attr-defined]  # by the main process
        raise box[0]
    return box[0]


def wait_for_all() -> None:
    """Wait until every process of the run is here."""
    if _are_several():
        from torch import distributed

        distributed.barrier()


def _are_several() -> bool:
    from torch import distributed

    return distributed.is_available() and distributed.is_initialized()
