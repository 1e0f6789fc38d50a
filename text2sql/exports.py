"""Names that a package hands out without importing what they stand for until they are used.

    >>> __getattr__ = late(__name__, {"score": "scores"})

A command that needs one function of a room must not pay for the others, and a worker process must
be up within a twentieth of a second.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def late(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a package's `__getattr__`; it gives its modules as well.

    Args:
        package: its full name.
        homes: from public name to the module, below the package, that defines it.
    """

    def find(name: str) -> Any:
        if name in homes:
            return getattr(import_module(f"{package}.{homes[name]}"), name)
        if not name.startswith("_") and find_spec(f"{package}.{name}"):
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
