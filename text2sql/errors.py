"""Every error that a user can cause, as one tree.

    Text2SQLError                 caught once, by the command line: one line, exit status 1
    ├── UnknownName               a base, data set, style, table ... that does not exist; names
    │                             the nearest
    ├── DatabaseError             a database that is missing, corrupt or cannot be reached
    ├── SchemaError               a schema that cannot be read or rendered within its budget
    ├── DataError                 a malformed record, with its file and line
    ├── GoldError                 gold SQL that does not run: the data set is broken
    ├── SettingsError             a recipe or project file with a wrong key or value
    ├── PolicyError               a policy with a wrong key or clause; a user that it does not admit
    ├── PromptError               a question that is empty or too long, a prompt that does not fit
    │   └── Unsayable             SQL that the answer format of a base has no words for
    ├── ModelError                a base or adapter that cannot be loaded or does not match its card
    ├── TrainingError             a run that cannot go on: its gradients are no numbers
    ├── FetchError               a file that cannot be fetched, or is not the one it should be
    ├── OutputError               an output folder that exists, is in use or cannot be written
    ├── Interrupted               a run that was stopped in good order and can be continued
    └── MissingExtra              a dependency that an extra would have installed

The model's mistakes are values, not errors: `Execution.error`, `Candidate.fault`.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path


class Text2SQLError(Exception):
    """Something that the user can act on. It says what, where, and the nearest right answer."""


class UnknownName(Text2SQLError):
    """A name that is not in the list of known ones.

    Args:
        kind: what the name should have been ("base", "data set", "table").
        name: what was given.
        known: every right answer; the nearest is named in the message.
        where: where it was looked for, such as "in database 'shop'".
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        super().__init__(
            f"no {kind} {name!r}{' ' + where if where else ''} ({hint(name, self.known)})"
        )


class DatabaseError(Text2SQLError):
    """A database that is missing, corrupt, or cannot be reached; `database` holds no password."""

    def __init__(self, message: str, database: str = "") -> None:
        self.database = database
        super().__init__(message)


class SchemaError(Text2SQLError):
    """A schema that cannot be read, or that does not fit where it has to go."""


class DataError(Text2SQLError):
    """A record that cannot be read.

    Args:
        message: what is wrong.
        path: the file, if the record came from one.
        line: 1-based line in the file.
    """

    def __init__(
        self, message: str, path: Path | str | None = None, line: int | None = None
    ) -> None:
        self.path, self.line = path, line
        where = f"{path}:{line}: " if line is not None else f"{path}: " if path is not None else ""
        super().__init__(where + message)


class GoldError(Text2SQLError):
    """Gold SQL that cannot be scored; `index` is the example's 0-based place in its split."""

    def __init__(
        self, index: int, db_id: str, sql: str, reason: str, *, fault: str = "does not run"
    ) -> None:
        self.index, self.db_id, self.sql, self.reason = index, db_id, sql, reason
        super().__init__(f"gold SQL of example {index} {fault} on {db_id!r}: {reason}: {sql}")


class SettingsError(Text2SQLError):
    """A recipe or project file with a wrong key or value; the message names the key."""


class PolicyError(Text2SQLError):
    """A policy with a wrong key or clause, or a user whom it does not let in."""


class PromptError(Text2SQLError):
    """A question or prompt that cannot be used as it is; nothing is ever cut silently."""


class Unsayable(PromptError):
    """SQL that the answer format of a base has no words for; no setting changes that."""


class ModelError(Text2SQLError):
    """A base or adapter that cannot be loaded, or that does not match its prompt card."""


class TrainingError(Text2SQLError):
    """A training that cannot go on as it is; the message says what is kept."""


class FetchError(Text2SQLError):
    """A file that cannot be fetched, or is not the one it should be; `url` is where it was."""

    def __init__(self, message: str, url: str) -> None:
        self.url = url
        super().__init__(message)


class OutputError(Text2SQLError):
    """An output that exists, is in use by another process, or cannot be written."""


class Interrupted(Text2SQLError):
    """A run that was stopped on request; the message says how to continue it."""


class MissingExtra(Text2SQLError):
    """A package that one of our extras installs is not there."""

    def __init__(self, extra: str, package: str) -> None:
        self.extra, self.package = extra, package
        super().__init__(
            f"this needs {package}, which is not installed: pip install 'text2sql[{extra}]'"
        )


def need(extra: str, *packages: str) -> None:
    """Make sure that packages are installed, without importing them.

    Raises:
        MissingExtra: the first that is not; it names the extra that installs it.
    """
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtra(extra, package)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that looks most like `name`, case ignored, or None."""

    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.5)
    return by_folded[found[0]] if found else None


def hint(name: str, known: Iterable[str], shown: int = 8) -> str:
    """Say which name was probably meant: `did you mean 'customers'? known: customers, items`."""
    known = list(known)
    guess = nearest(name, known)
    meant = f"did you mean {guess!r}? " if guess else ""
    rest = f", ... ({len(known)} in all)" if len(known) > shown else ""
    return f"{meant}known: {', '.join(known[:shown]) or 'none'}{rest}"
