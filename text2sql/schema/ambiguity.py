"""Which words of a question mean columns of several tables alike, or several tables.

    >>> [(found.text, found.between) for found in ambiguous("What is the average amount?", linker)]
    [('amount', ('payments.amount', 'refunds.amount'))]

Only what is sure: a word that is the whole name of a column in several tables, in a question that
says nothing of any table: neither a table, nor a cell or another column that not all of them have.
Keys, which say the same in both tables, are no choice. Likewise a table's name that several
namespaces have.

Not covered: columns that share a part of their names (`ordered_on`, `shipped_on` for "date").
"""

from collections.abc import Sequence
from dataclasses import dataclass

from text2sql.schema.mentions import Linker
from text2sql.schema.naming import WHOLE, Name
from text2sql.schema.ranking import Mention
from text2sql.schema.words import key_of

SHOWN = 4  # candidates
# what a thing of any kind may have: which is meant depends on what is asked for, not on the word
_COMMON = frozenset(
    map(key_of, ("name", "title", "id", "identifier", "code", "number", "description", "type"))
)


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A word and what it may mean; columns as table.column."""

    text: str
    between: tuple[str, ...]


def ambiguous(question: str, linker: Linker) -> list[Ambiguous]:
    """Return the words that leave open what is meant, in the order of the text."""
    said = linker.mentions(question)
    named = [(mention, _named(mention, linker)) for mention in said]
    tables = [(m, [table for table, column in names if column is None]) for m, names in named]
    twice = [Ambiguous(m.text, tuple(found[:SHOWN])) for m, found in tables if _twice(found)]
    if twice or any(_tells_a_table(mention) for mention in said):
        return twice
    owners = [{table for table, _ in m.columns} for m in said if m.columns]
    if not owners or any(tables != owners[0] for tables in owners):
        return []  # what is said beside it tells them apart
    own = [(m, names) for m, names in named if key_of(m.text) not in _COMMON]
    choices = [(mention, _columns(names, linker)) for mention, names in own]
    return [Ambiguous(m.text, found[:SHOWN]) for m, found in choices if len(found) > 1]


def _named(mention: Mention, linker: Linker) -> list[Name]:
    """Return the tables and columns whose whole name a mention is."""
    key = key_of(mention.text)
    fits = linker.names.whole.get(key) or linker.names.single.get(key) or ()
    return [name for fit, name in fits if fit == WHOLE]


def _twice(tables: Sequence[str]) -> bool:
    """Tell whether tables of one name stand in several namespaces."""
    return len(tables) > 1 and len({table.rpartition(".")[2].casefold() for table in tables}) == 1


def _tells_a_table(mention: Mention) -> bool:
    owners = {table for table, _ in mention.columns} | {v.table for v in mention.values if v.table}
    return bool(mention.tables) or len(owners) == 1


def _columns(names: Sequence[Name], linker: Linker) -> tuple[str, ...]:
    """Return the columns of several tables that a word names alike; none where one is a key."""
    columns = [(table, column) for table, column in names if column is not None]
    if len({table for table, _ in columns}) < 2 or any(column is None for _, column in names):
        return ()
    if any(_is_key(table, column, linker) for table, column in columns):
        return ()
    return tuple(f"{table}.{column}" for table, column in columns)


def _is_key(table: str, column: str, linker: Linker) -> bool:
    found = linker.schema.find_table(table)
    return column in found.primary_key or any(column in key.columns for key in found.foreign_keys)
