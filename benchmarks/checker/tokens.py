"""A statement in tokens, and the places in it that an edit may be made at.

    >>> statement = read("SELECT name FROM singer", schema)
    >>> statement.words, columns(statement)
    (['SELECT', 'name', 'FROM', 'singer'], [1])

Covered: names in any quotes, comments, strings.
Not covered: whether a name means what the place takes it for: a column called as its table is both.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from checker.fragments import CLAUSES, KEYWORDS, OPERATORS
from text2sql.schema.model import Schema
from text2sql.schema.quoting import quote

_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] | --[^\n]* | /\*.*?\*/
    | \d+(?:\.\d+)? | \w+ | <> | <= | >= | != | == | \|\| | :: | ->> | -> | \S""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement in tokens, with what an edit needs to know of it."""

    sql: str
    spans: tuple[tuple[int, int], ...]
    schema: Schema
    columns: tuple[str, ...]  # of the schema, as SQL writes them
    tables: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """The tokens as written."""
        return [self.sql[start:end] for start, end in self.spans]

    def replace(self, first: int, last: int, text: str) -> str:
        """Put a text in the place of the tokens from `first` to before `last`."""
        start = self.spans[first][0] if first < len(self.spans) else len(self.sql)
        end = self.spans[last - 1][1] if last > first else start
        return f"{self.sql[:start]}{text}{self.sql[end:]}"

    def where(self, test: Callable[[str], bool]) -> list[int]:
        """Return the places of the tokens that pass."""
        return [place for place, word in enumerate(self.words) if test(word)]

    def named(self, names: Sequence[str]) -> list[int]:
        """Return the places of the tokens that are one of some names, quotes and case ignored."""
        known = {bare(name) for name in names}
        return self.where(lambda word: bare(word) in known and word[0] != "'")

    def aliases(self) -> list[int]:
        """Return the places where a table, a subquery or an output column gets another name."""
        words = self.words
        after = [n + 1 for n, word in enumerate(words[:-1]) if word.upper() == "AS"]
        return [n for n in after if is_name(words[n])]

    def fill(self, template: str, random: Random, *more: str) -> str:
        """Put names of the schema, or an alias of the statement, into a template."""
        aliases = [self.words[n] for n in self.aliases()] or ["x"]
        return template.format(
            *more,
            column=random.choice(self.columns),
            table=random.choice(self.tables),
            alias=random.choice(aliases),
        )


def read(sql: str, schema: Schema) -> Statement:
    """Cut a statement into tokens."""
    columns = tuple(quote(column.name, schema.dialect) for _, column in schema.columns())
    tables = tuple(quote(table.name, schema.dialect) for table in schema.tables)
    spans = tuple(found.span() for found in _TOKEN.finditer(sql))
    return Statement(sql, spans, schema, columns or ("x",), tables or ("x",))


def bare(word: str) -> str:
    """Return a name without its quotes and its case."""
    return word[1:-1].casefold() if word[:1] in '"`[' and len(word) > 1 else word.casefold()


def is_name(word: str) -> bool:
    """Tell whether a token is a name, in quotes or not."""
    return word[0] in '"`[' or ((word[0].isalpha() or word[0] == "_") and not is_keyword(word))


def is_keyword(word: str) -> bool:
    """Tell whether a token is a keyword, in any case."""
    return word.upper() in KEYWORDS


def columns(statement: Statement) -> list[int]:
    """Return the places of names that a column of the schema has."""
    return statement.named(statement.columns)


def tables(statement: Statement) -> list[int]:
    """Return the places of tables behind FROM, JOIN or a comma."""
    words = statement.words
    named = statement.named(statement.tables)
    return [n for n in named if n and words[n - 1].upper() in ("FROM", "JOIN", ",")]


def qualifiers(statement: Statement) -> list[int]:
    """Return the places of names before a dot."""
    words = statement.words
    return [n for n in range(len(words) - 1) if words[n + 1] == "." and is_name(words[n])]


def keywords(statement: Statement) -> list[int]:
    """Return the places of keywords."""
    return statement.where(is_keyword)


def operators(statement: Statement) -> list[int]:
    """Return the places of operators; a star is none."""
    return statement.where(lambda word: word.upper() in OPERATORS and word != "*")


def literals(statement: Statement) -> list[int]:
    """Return the places of strings and numbers."""
    return statement.where(lambda word: word[0] == "'" or word[0].isdigit())


def strings(statement: Statement) -> list[int]:
    """Return the places of texts in single or double quotes."""
    return statement.where(lambda word: word[0] in "'\"" and len(word) > 1)


def calls(statement: Statement) -> list[int]:
    """Return the places of names before a parenthesis."""
    words = statement.words
    return [n for n in range(len(words) - 1) if words[n + 1] == "(" and is_name(words[n])]


def terms(statement: Statement) -> list[int]:
    """Return the places of names and literals that stand alone in an expression."""
    around = (".", "(", "AS", "FROM", "JOIN")
    words = [*statement.words, ""]
    return [
        n
        for n, word in enumerate(words[:-1])
        if (is_name(word) or word[0] in "'0123456789")
        and words[n + 1] not in (".", "(")
        and (n == 0 or words[n - 1].upper() not in around[:1] + around[2:])
    ]


def words_of(statement: Statement, *words: str) -> list[int]:
    """Return the places of some tokens, given in upper case."""
    return statement.where(lambda word: word.upper() in words)


def everywhere(statement: Statement) -> range:
    """Return the places of all tokens."""
    return range(len(statement.spans))


def clauses(statement: Statement) -> list[list[tuple[int, int]]]:
    """Return for every pair of parentheses, and outside all, the spans of its clauses."""
    words = statement.words
    groups: list[list[tuple[int, int]]] = []
    open_groups: list[list[int]] = [[]]
    for place, word in enumerate([*words, ")"]):
        if word == "(":
            open_groups.append([])
        elif word == ")" and (len(open_groups) > 1 or place == len(words)):
            starts = open_groups.pop()
            ends = [*starts[1:], place]
            groups.append(list(zip(starts, ends, strict=False)))
        elif word.upper() in CLAUSES:
            open_groups[-1].append(place)
    return [group for group in groups if group]
