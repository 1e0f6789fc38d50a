"""What the processes of one distributed run do together; a run of one process just does it.

>>> start = on_main(trainer.is_world_process_zero(), lambda: last_checkpoint(folder))
"""

from collections.abc import Callable
from typing import Any


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
