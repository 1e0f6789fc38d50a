"""Processes that start in a moment: forked from a server that has the training libraries loaded.

    with t2s("train", "--base", base, ...) as command:
        command.process.kill()
        said = command.stderr.read()

Covered: signals, limits and exit statuses, as of a process that was started from nothing.
Not covered: what a program does at its start and, in `atexit`, at its very end; standard output.
"""

import multiprocessing
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TextIO

# a server is started once in a process and loads what is named then: all tests name the same
PRELOADED = [
    *("peft", "trl.trainer.sft_trainer", "torch.distributed", "text2sql.cli.app"),
    *("text2sql.training.following", "text2sql.training.prefix_trainer", "text2sql.training.sft"),
]


@dataclass(frozen=True, slots=True)
class Command:
    """A command that runs, and what it says."""

    process: BaseProcess
    stderr: TextIO


def server() -> Any:
    """Return the context whose processes are forked with the libraries loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def start(target: Callable[..., Any], *arguments: Any) -> BaseProcess:
    """Call a function in a process of its own, with the environment of now."""
    process: BaseProcess = server().Process(
        target=_call, args=(dict(os.environ), target, arguments)
    )
    process.start()
    return process


@contextmanager
def t2s(*words: Any, file_size: int | None = None) -> Iterator[Command]:
    """Run the command line; no file may grow beyond `file_size` bytes. Ended with the block."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    process = start(_command, [str(word) for word in words], file_size, writer)
    writer.close()  # the other end alone is left, so that reading ends with the process
    try:
        with reader, open(reader.fileno(), closefd=False, encoding="utf-8") as stderr:
            yield Command(process, stderr)
    finally:
        process.kill()
        process.join()


def _call(environment: dict[str, str], target: Callable[..., Any], arguments: tuple) -> None:
    os.environ.clear()
    os.environ.update(environment)
    target(*arguments)


def _command(words: list[str], file_size: int | None, stderr: Connection) -> None:
    from text2sql.cli import main

    os.dup2(stderr.fileno(), 2)
    stderr.close()
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
    if file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    sys.argv = ["t2s", *words]
    main()
