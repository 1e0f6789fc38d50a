"""How a process of our own is started: a fresh interpreter, with this package and nothing else.

    >>> command("text2sql.execution.worker_main", 3, 812)[1:3]
    ['-I', '-c']

Nothing of the caller's is imported, so a caller's script needs no `if __name__ == "__main__"`, and
a notebook works.
"""

import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])
# -I: files of the current folder must not stand in for modules; the parent's own paths come last.
_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); sys.path.extend(sys.argv[{end}:]); "
    "from {module} import main; main(*map(int, sys.argv[2:{end}]))"
)


def command(module: str, *numbers: int) -> list[str]:
    """Return a command line.

    Args:
        module: its `main` is called.
        numbers: arguments of `main`, such as file descriptors that the process inherits.
    """
    code = _CODE.format(module=module, end=2 + len(numbers))
    extra = [path for path in sys.path if path and Path(path).is_absolute()]
    return [sys.executable, "-I", "-c", code, _ROOT, *map(str, numbers), *extra]
