r"""The checker's grammar with a schema's names, for servers that mask tokens by a Lark grammar.

    >>> print(grammar_of(schema).splitlines()[1])
    start: statement | FENCE statement FENCE_END

The dialect is llguidance's (docs/syntax.md of guidance-ai/llguidance), which vLLM reads with its
guidance backend, and SGLang and llama.cpp by the header `%llguidance {}`. vLLM's `auto` tries
xgrammar first, whose reader refuses the header and `(?i:...)`, and then takes guidance.

The productions are those of `checking.grammar` without their actions. What is left of scope is what
a context-free grammar can say: a query that gives no name of its own holds only the schema's
columns and tables; one that names outputs may use new names behind FROM; one with derived tables or
WITH may use any.

Covered: plain SQL and SQL in a ```` ```sql ```` fence; blanks between words.
Not covered: which table a column belongs to, numbers of arguments and columns, types; comments; an
alias in WHERE; `)` right before a word, which must have a blank; `a--1`, which it takes for two
signs. Verification comes after it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

from text2sql.decoding.checking.dialects import DIALECTS, Dialect
from text2sql.decoding.checking.functions import DATE_PARTS
from text2sql.decoding.checking.grammar import Grammar, compile_grammar
from text2sql.decoding.checking.names import GIVEN
from text2sql.decoding.checking.symbols import Symbol, is_terminal
from text2sql.errors import SettingsError
from text2sql.schema.model import Schema

# What a SELECT may hold, and the names that it knows. "strict": the schema's. "aliased": those, and
# any behind FROM. "loose": any. "must_alias" and "must_derive" are "aliased" and "loose" with at
# least one alias, derived table or WITH. "each": one of strict, must_alias and must_derive.
_GIVES_ALIAS, _GIVES_TABLE = (
    frozenset({"@alias"}),
    frozenset({"@derived", "@lateral", "@rows_column", "@with"}),
)
_MARKS = _GIVES_ALIAS | _GIVES_TABLE
_WANTED = {"must_alias": _GIVES_ALIAS, "must_derive": _GIVES_TABLE}
_REST = {"must_alias": "aliased", "must_derive": "loose"}
_EACH = ("strict", "must_alias", "must_derive")
# Where an alias of the same SELECT is read. SQLite reads it in WHERE, too: left out, because a mask
# that lets any name stand there lets every invented column through.
_BEHIND = frozenset({"group", "having", "qualify", "order"})
_HEADER = r"""%llguidance {}
start: statement | FENCE statement FENCE_END
FENCE: /[ \t\r\n]*```sql\n/
FENCE_END: /[ \t\r\n]*```/
BLANKS: /[ \t\r\n]+/
"""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_META = frozenset(r"\.+*?()|[]{}^$/#&~-")
_WORD = "[A-Za-z_][A-Za-z0-9_]*"
_LITERALS = {
    "NUMBER": r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+\-]?[0-9]+)?",
    "STRING": r"'([^'\x00]|'')*'",
    "BLOB": r"[xX]'([0-9A-Fa-f]{2})*'",
    "STRING_INTERVAL": r"'([^'\x00]|'')*'",
    "ARROW_KEY": r"'([^'\x00]|'')*'|[0-9]{1,18}",
    "ESCAPE_STRING": r"'[^'\x00]'",
    "<count>": "[0-9]{1,18}",
}
# class of names -> position in `words.RESERVED`
_GIVEN = GIVEN | {
    "<window>": "alias",
    "<qualifier>": "qualifier",
    "<pair_qualifier>": "qualifier",
}
_KNOWN = {
    "<column>": "column",
    "<member>": "qualified",
    "<using>": "column",
    "<table>": "table",
    "<namespaced_table>": "qualified",
    "<pair_member>": "qualified",
    "<array_name>": "column",
    "<array_member>": "qualified",
}
Body = tuple[Symbol, ...]


def grammar_of(schema: Schema, *, dialect: str = "sqlite") -> str:
    """Return the context-free part of what `Checker` accepts, as a Lark grammar of llguidance.

    Args:
        schema: whose tables and columns may be named.
        dialect: a name in `DIALECTS`.

    Raises:
        SettingsError: a dialect that the checker has no table for.
    """
    if dialect not in DIALECTS:
        raise SettingsError(f"no grammar for dialect {dialect!r} (known: {', '.join(DIALECTS)})")
    rules, used = _rules(dialect)
    known = _Names(schema, DIALECTS[dialect])
    texts = map(known.define, dict.fromkeys(used.values()))
    return "".join((_HEADER, rules, *texts, *(_behind_blanks(*item) for item in used.items())))


@cache
def _rules(dialect: str) -> tuple[str, dict[str, Symbol]]:
    """Return the rules, which do not depend on the schema, and the terminals that they name."""
    writer = _Writer(compile_grammar(DIALECTS[dialect].features))
    return writer.write(), writer.terminals


class _Writer:
    """Writes the productions that are reached, once for each mode and each way to begin.

    A rule whose name ends in `_s` begins behind a sign, where a word needs no blank before it.
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.gives = _giving(grammar)
        self.bodies = {name: list(self._told_apart(name)) for name in grammar.alternatives}
        self.terminals: dict[str, Symbol] = {}  # by name; with "+" where it may be any name
        self._todo: list[tuple[str, str, bool]] = []
        self._done: set[tuple[str, str, bool]] = set()

    def write(self) -> str:
        """Return the text of all rules, `statement` first."""
        query, end = self._refer("query", "each", False), self._terminal(";", "strict", False)
        lines = [f"statement: {query} {end}? BLANKS?\n"]
        while self._todo:
            name, mode, spaced = key = self._todo.pop()
            if key not in self._done:
                self._done.add(key)
                bodies = _merged(self._alternatives(name, mode, spaced))
                lines.append(f"{_label(*key)}: {' | '.join(map(' '.join, bodies))}\n")
        return "".join(lines)

    def _told_apart(self, name: str) -> Iterator[Body]:
        """Yield the alternatives; a column, a qualifier and a function are told apart."""
        tails = self.grammar.alternatives.get("name_tail", ())
        heads = {"(": "<function>", ".": "<qualifier>"}
        for body in self.grammar.alternatives[name]:
            if body[:2] != ("<column>", "name_tail"):
                yield body
                continue
            for tail in tails:
                yield (heads.get(tail[0], "<column>"), *tail)

    def _alternatives(self, name: str, mode: str, spaced: bool) -> Iterator[Body]:
        for way in _EACH if mode == "each" else (mode,):
            for body in self._in_mode(name, way):
                yield from self._begun(body, spaced)

    def _in_mode(self, name: str, mode: str) -> Iterator[list[tuple[Symbol, str]]]:
        """Yield the alternatives that a mode allows, each symbol with its own mode."""
        wanted, rest = _WANTED.get(mode, frozenset()), _REST.get(mode, mode)
        for body in self.bodies[name]:
            symbols = [s for s in body if s[0] != "@" and s != "EOT"]
            inside = [(s, self._inside(s, rest, body)) for s in symbols]
            if not all(self._possible(s, m) for s, m in inside) or not _allows(rest, body):
                continue
            if not wanted or wanted.intersection(body):
                yield inside
                continue
            for place, symbol in enumerate(symbols):
                if wanted & self.gives.get(symbol, frozenset()):
                    yield [*inside[:place], (symbol, mode), *inside[place + 1 :]]

    def _possible(self, symbol: Symbol, mode: str) -> bool:
        """Tell whether a production has an alternative in a mode."""
        if mode == "each" or is_terminal(symbol):
            return True
        return any(_allows(_REST.get(mode, mode), body) for body in self.bodies[symbol])

    def _inside(self, symbol: Symbol, mode: str, body: Body) -> str:
        """Return the mode of a symbol inside a production of some mode."""
        if mode == "loose":
            return mode
        if symbol == "query" or (symbol == "core" and "set_operation" in body):
            return "each"
        if mode == "aliased" and symbol in _BEHIND:
            return "loose"
        return mode if self.gives.get(symbol) else "strict"

    def _begun(self, body: list[tuple[Symbol, str]], spaced: bool) -> Iterator[Body]:
        """Yield the ways to write a body behind a word (`spaced`) or a sign.

        What follows a nonterminal takes a blank where it is a word. What may be nothing is left out
        behind a sign, so that the next symbol still begins behind the sign.
        """
        written: list[str] = []
        for place, (symbol, mode) in enumerate(body):
            if is_terminal(symbol):
                written.append(self._terminal(symbol, mode, spaced))
                spaced = not _is_sign(symbol)
                continue
            may_lack = symbol in self.grammar.empty and mode not in (*_WANTED, "each")
            if may_lack and not spaced:
                for rest in self._begun(body[place + 1 :], False):
                    yield (*written, *rest)
            if self._is_nothing(symbol, mode):
                if spaced:
                    continue
                return
            written.append(self._refer(symbol, mode, spaced))
            spaced = True
        yield tuple(written)

    def _is_nothing(self, symbol: Symbol, mode: str) -> bool:
        """Tell whether a nonterminal has no alternative but the empty one."""
        return mode not in (*_WANTED, "each") and not any(self._in_mode(symbol, mode))

    def _refer(self, name: str, mode: str, spaced: bool) -> str:
        self._todo.append((name, mode, spaced))
        return _label(name, mode, spaced)

    def _terminal(self, symbol: Symbol, mode: str, spaced: bool) -> str:
        """Return the name of a terminal with the blanks before it."""
        loose = symbol in _KNOWN and mode == "loose"
        text = _named(symbol) + ("_NEW" if loose else "")
        label = text if spaced or _is_sign(symbol) else f"{text}_S"
        self.terminals[label] = f"{symbol}+" if loose else symbol
        return label


def _allows(mode: str, body: Body) -> bool:
    """Tell whether a mode that demands nothing lets the marks of a body stand."""
    marks = _MARKS.intersection(body)
    return mode == "loose" or not marks or (mode == "aliased" and marks == _GIVES_ALIAS)


def _giving(grammar: Grammar) -> dict[str, frozenset[str]]:
    """Return the marks that productions may hold without going into another SELECT.

    The places behind FROM count as marks, so that "aliased" finds its way to them.
    """
    found: dict[str, frozenset[str]] = dict.fromkeys(grammar.alternatives, frozenset())
    changed = True
    while changed:
        changed = False
        for name, bodies in grammar.alternatives.items():
            alone = (body for body in bodies if "set_operation" not in body)
            inside = set(chain.from_iterable(alone)) - {"query"}
            held = frozenset(inside & (_MARKS | _BEHIND)).union(*(found.get(s, ()) for s in inside))
            changed |= held != found[name]
            found[name] = held
    return found


def _merged(alternatives: Iterable[Body]) -> list[Body]:
    """Put alternatives together that differ in their first symbol alone: the signs of a level."""
    heads: dict[Body, dict[str, None]] = {}
    whole: dict[Body, None] = {}
    for body in alternatives:
        if len(body) > 1:
            heads.setdefault(body[1:], {})[body[0]] = None
        else:
            whole[body] = None
    merged = [
        (next(iter(first)) if len(first) == 1 else f"({' | '.join(first)})", *rest)
        for rest, first in heads.items()
    ]
    return [*merged, *sorted(whole, key=len, reverse=True)]


def _is_sign(symbol: Symbol) -> bool:
    return not (symbol[0].isalpha() or (symbol[0] == "<" and symbol[1:2].isalpha()))


def _label(name: str, mode: str, spaced: bool) -> str:
    return name + ("" if mode == "strict" else f"_{mode}") + ("" if spaced else "_s")


def _named(symbol: Symbol) -> str:
    """Return the name of a terminal; signs are called by their numbers."""
    if _is_sign(symbol):
        return "SIGN_" + "_".join(str(ord(letter)) for letter in symbol)
    word = symbol.strip("<>+").upper()
    return (f"NAME_{word}" if symbol[0] == "<" else word) + ("_NEW" if symbol[-1] == "+" else "")


def _behind_blanks(label: str, symbol: Symbol) -> str:
    """Return the line that puts blanks before a terminal."""
    blanks = "BLANKS?" if _is_sign(symbol) or label.endswith("_S") else "BLANKS"
    return f"{label}: {blanks} {_named(symbol)}_TEXT\n"


class _Names:
    """Writes terminals: those that name something know the schema."""

    def __init__(self, schema: Schema, dialect: Dialect) -> None:
        self.dialect = dialect
        spaces = (table.namespace or dialect.namespace.decode() for table in schema.tables)
        tables = (table.name for table in schema.tables)
        self.tables = list(dict.fromkeys(filter(None, (*tables, *spaces))))
        columns = (column.name for table in schema.tables for column in table.columns)
        self.columns = list(dict.fromkeys(columns))
        self.types = sorted(dialect.cast_types, key=lambda name: (-len(name), name))

    def define(self, symbol: Symbol) -> str:
        """Return the line that says how a terminal is written."""
        return f"{_named(symbol)}_TEXT: {self._text(symbol)}\n"

    def _text(self, symbol: Symbol) -> str:
        if symbol in _LITERALS:
            return f"/{_LITERALS[symbol]}/"
        if symbol in _GIVEN:
            return self._new(_GIVEN[symbol], strings=symbol == "<alias>")
        if symbol.rstrip("+") in _KNOWN:
            return self._name(symbol)
        if symbol == "<function>":
            return _caseless(sorted(self.dialect.functions))
        if symbol == "<type>":
            return _caseless(self.types).replace(" ", r"[ \t\r\n]+")
        if symbol == "<field>":
            return _caseless(sorted(DATE_PARTS.get(self.dialect.name, frozenset())))
        return f"/{_escape(symbol)}/" if _is_sign(symbol) else _caseless([symbol])

    def _name(self, symbol: Symbol) -> str:
        """Return a table or column of the schema; with "+" behind the symbol, any name."""
        position = _KNOWN[symbol.rstrip("+")]
        names = self.tables if "table" in symbol else self.columns
        if symbol[-1] == "+":
            return self._new(position)
        bare = [n for n in names if _PLAIN.fullmatch(n) and self._may_be_bare(n, position)]
        parts = [_caseless(bare)] if bare else []
        for opener, closer in self._quotes():
            if opener == '"' and symbol == "<column>" and self.dialect.string_fallback:
                parts.append(_any_quoted(opener, closer))
            else:
                doubled = (name.replace(closer, 2 * closer) for name in names)
                parts.append(_caseless(doubled, opener, closer))
        return " | ".join(parts)

    def _new(self, position: str, *, strings: bool = False) -> str:
        """Return any name that may stand at a position."""
        words = self.dialect.reserved[position]
        bare = f"/{_WORD}/ & ~/(?i:{'|'.join(sorted(filter(_PLAIN.fullmatch, words)))})/"
        quoted = [_any_quoted(opener, closer) for opener, closer in self._quotes()]
        if strings and self.dialect.string_alias:
            quoted.append(_any_quoted("'", "'"))
        return " | ".join((f"({bare})", *quoted))

    def _may_be_bare(self, name: str, position: str) -> bool:
        return self.dialect.allows(self.dialect.fold(name.encode(), quoted=False), position)

    def _quotes(self) -> list[tuple[str, str]]:
        return [(chr(opener), chr(closer)) for opener, closer in self.dialect.quotes.items()]


def _caseless(texts: Iterable[str], before: str = "", after: str = "") -> str:
    """Return a pattern of any of some texts, between two others."""
    options = "|".join(_escape(text) for text in dict.fromkeys(texts)) or r"[^\x00-\xff]"
    return f"/{_escape(before)}(?i:{options}){_escape(after)}/"


def _any_quoted(opener: str, closer: str) -> str:
    inside = rf"[^{_escape(closer)}\x00]"
    doubled = "" if opener != closer else f"|{2 * _escape(closer)}"
    return f"/{_escape(opener)}({inside}{doubled})+{_escape(closer)}/"


def _escape(text: str) -> str:
    """Return a text as a pattern between slashes."""
    return "".join(map(_escaped, text))


def _escaped(letter: str) -> str:
    if ord(letter) < 32:
        return f"\\x{ord(letter):02x}"
    return f"\\{letter}" if letter in _META else letter
