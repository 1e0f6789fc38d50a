"""Read SQL as Spider's official parser reads it, and refuse what it cannot read.

    >>> read_query("SELECT name FROM singer ORDER BY age LIMIT 3", names).limit
    True
    >>> read_query("SELECT CASE WHEN 1 THEN 2 END FROM singer", names)
    Traceback (most recent call last):
    text2sql.scoring.spider.words.UnreadableSQL: no column 'case' in singer

Covered: the official subset with its quirks. An alias named like any table of the database is
refused; aliases need AS and hold for the whole statement; a column without a table belongs to the
first table of its FROM that has it; an aggregate's closing bracket also closes one before it; text
after the end of the query is ignored; every limit counts as 1.
Not covered: other SQL; sqlglot serves everywhere else.

The rules are those of process_sql.py (taoyds/test-suite-sql-eval at e97acc5).
"""

from dataclasses import dataclass
from functools import lru_cache

from text2sql.scoring.spider.structure import (
    ALL,
    ColumnUnit,
    Condition,
    Conditions,
    Names,
    OrderBy,
    Query,
    SelectItem,
    Value,
    ValueUnit,
)
from text2sql.scoring.spider.words import UnreadableSQL, tokenize

AGGREGATES = ("max", "min", "count", "sum", "avg")
OPERATORS = ("not", "between", "=", ">", "<", ">=", "<=", "!=", "in", "like", "is", "exists")
CLAUSES = ("select", "from", "where", "group", "order", "limit", "intersect", "union", "except")
SET_OPS = ("intersect", "union", "except")
_CLAUSES_OR_END = frozenset(("", *CLAUSES))
_ENDS = frozenset((*_CLAUSES_OR_END, ")", ";"))
_JOIN_WORDS = ("join", "on", "as")
_CONDITIONS_END = _ENDS.union(_JOIN_WORDS)
_VALUE_END = _CLAUSES_OR_END.union(_JOIN_WORDS, (",", ")", "and"))
# `none` is the official name of a missing aggregate or operator; as a word it passes for one.
_AGGREGATE_WORDS = frozenset(("none", *AGGREGATES))
_ARITHMETIC_WORDS = frozenset(("none", "-", "+", "*", "/"))
CACHED_QUERIES = 4_000  # for several metrics, samples and references that ask for the same text
LONGEST_CACHED = 5_000  # characters: the cache holds the texts, too


def read_query(sql: str, names: Names) -> Query:
    """Return the structure of a statement; a text that was read lately is not read again.

    Raises:
        UnreadableSQL: the official parser raises on it, or it is nested too deeply.
    """
    read = (_read if len(sql) <= LONGEST_CACHED else _read.__wrapped__)(sql, names)
    if isinstance(read, str):
        raise UnreadableSQL(read)
    return read


@lru_cache(CACHED_QUERIES)
def _read(sql: str, names: Names) -> Query | str:
    """Return the structure, or why there is none."""
    try:
        words = tokenize(sql)
        return _Reader([*words, ""], _aliases(words, names), names).query()
    except UnreadableSQL as refusal:
        return str(refusal)
    except RecursionError:
        return "the statement is nested too deeply"


def _aliases(words: list[str], names: Names) -> dict[str, str]:
    """Map every name after AS to the word before it."""
    places = [i for i, word in enumerate(words) if word == "as"] if "as" in words else []
    if places and places[-1] == len(words) - 1:
        raise UnreadableSQL("nothing follows AS")
    found = {words[i + 1]: words[i - 1] for i in places}
    for alias in found:
        if alias in names.columns:
            raise UnreadableSQL(f"alias {alias!r} is also a table")
    return found


@dataclass(slots=True)
class _Reader:
    """The words with a place in them; each method reads one thing and moves the place past it.

    The last word is empty, so that there is always one to look at; nothing reads it as its own.
    """

    words: list[str]
    aliases: dict[str, str]
    names: Names
    place: int = 0

    @property
    def word(self) -> str:
        return self.words[self.place]

    def skip(self, wanted: str) -> bool:
        """Move past this word; tell whether it was there."""
        found = self.words[self.place] == wanted
        self.place += found
        return found

    def expect(self, wanted: str) -> None:
        if self.word != wanted:
            raise UnreadableSQL(f"expected {wanted!r}, found {self.word!r}")
        self.place += 1

    def close(self, opened: bool) -> None:
        if opened:
            self.expect(")")

    def query(self) -> Query:
        start = self.place
        opened = self.skip("(")
        select_at = self.place
        tables, joins, scope = self.from_clause(start)
        after_from, self.place = self.place, select_at
        distinct, select = self.select_clause(scope)
        self.place = after_from
        where = self.conditions_after("where", scope)
        group_by = self.group_clause(scope)
        having = self.conditions_after("having", scope)
        order_by = self.order_clause(scope)
        limit = self.limit_clause()
        self.skip_semicolons()
        self.close(opened)
        self.skip_semicolons()
        set_op = self.word if self.word in SET_OPS else None
        right = None
        if set_op:
            self.place += 1
            right = self.query()
        return Query(
            distinct, select, tables, joins, where, group_by, having, order_by, limit, set_op, right
        )

    def skip_semicolons(self) -> None:
        while self.skip(";"):
            pass

    def from_clause(self, start: int) -> tuple[tuple[str | Query, ...], Conditions, list[str]]:
        """Read the first FROM after `start`; return its units, its ON conditions and its tables."""
        try:
            self.place = self.words.index("from", start) + 1
        except ValueError:
            raise UnreadableSQL("no FROM") from None
        units: list[str | Query] = []
        joins: list[Condition | str] = []
        scope: list[str] = []
        while self.word:
            opened = self.skip("(")
            if self.word == "select":
                units.append(self.query())
            else:
                self.skip("join")
                units.append(self.table())
                scope.append(str(units[-1]))
            if self.skip("on"):
                conditions = self.conditions(scope)
                joins += ["and", *conditions] if joins else conditions
            self.close(opened)
            if self.word in _ENDS:
                break
        return tuple(units), tuple(joins), scope

    def table(self) -> str:
        name = self.table_of(self.word)
        if name not in self.names.ids:
            raise UnreadableSQL(f"no table {self.word!r}")
        self.place += 1
        if self.word == "as":
            self.place += 2
        return name

    def table_of(self, word: str) -> str:
        """Return what an alias or table stands for, "" for other words."""
        return self.aliases.get(word, word if word in self.names.columns else "")

    def select_clause(self, scope: list[str]) -> tuple[bool, tuple[SelectItem, ...]]:
        self.expect("select")
        distinct = self.skip("distinct")
        items = []
        while self.word not in _CLAUSES_OR_END:
            aggregate = self.aggregate()
            items.append(SelectItem(aggregate, self.value_unit(scope)))
            self.skip(",")
        return distinct, tuple(items)

    def aggregate(self) -> str | None:
        word = self.word
        if word not in _AGGREGATE_WORDS:
            return None
        self.place += 1
        return None if word == "none" else word

    def value_unit(self, scope: list[str]) -> ValueUnit:
        opened = self.skip("(")
        op, left, right = None, self.column_unit(scope), None
        if self.word in _ARITHMETIC_WORDS:
            op = None if self.word == "none" else self.word
            self.place += 1
            right = self.column_unit(scope)
        self.close(opened)
        return ValueUnit(op, left, right)

    def column_unit(self, scope: list[str]) -> ColumnUnit:
        opened = self.skip("(")
        if self.word in _AGGREGATE_WORDS:
            aggregate = self.aggregate()
            self.expect("(")
            distinct = self.skip("distinct")
            unit = ColumnUnit(aggregate, self.column(scope), distinct)
            self.expect(")")
            return unit  # `opened` is forgotten, as in the official program
        distinct = self.skip("distinct")
        unit = ColumnUnit(None, self.column(scope), distinct)
        self.close(opened)
        return unit

    def column(self, scope: list[str]) -> str:
        word = self.word
        if "." in word:
            alias, _, column = word.partition(".")
            found = f"{self.table_of(alias)}.{column}"
        else:
            found = word if word == ALL else self.bare(word, scope)
        if found not in self.names.ids or word.count(".") > 1:
            what = f"no column {word!r} in" if word else "the statement ends too early in"
            raise UnreadableSQL(f"{what} {', '.join(scope) or 'no table'}")
        self.place += 1
        return found

    def bare(self, word: str, scope: list[str]) -> str:
        for table in map(self.table_of, scope):
            if table not in self.names.columns:
                raise UnreadableSQL(f"no table {table!r}")
            if word in self.names.columns[table]:
                return f"{table}.{word}"
        return ""

    def conditions_after(self, keyword: str, scope: list[str]) -> Conditions:
        return self.conditions(scope) if self.skip(keyword) else ()

    def conditions(self, scope: list[str]) -> Conditions:
        parts: list[Condition | str] = []
        while self.word:
            parts.append(self.condition(scope))
            if self.word in _CONDITIONS_END:
                break
            if self.word in ("and", "or"):
                parts.append(self.word)
                self.place += 1
        return tuple(parts)

    def condition(self, scope: list[str]) -> Condition:
        unit = self.value_unit(scope)
        negated = self.skip("not")
        op = self.word
        if op not in OPERATORS:
            raise UnreadableSQL(f"expected a comparison, found {op!r}")
        self.place += 1
        value, second = self.value(scope), None
        if op == "between":
            self.expect("and")
            second = self.value(scope)
        return Condition(negated, op, unit, value, second)

    def value(self, scope: list[str]) -> Value:
        start = self.place
        opened = self.skip("(")
        if self.word == "select":
            value: Value = self.query()
        elif '"' in self.word:
            value = self.word
            self.place += 1
        else:
            value = self.number_or_column(start, scope)
        self.close(opened)
        return value

    def number_or_column(self, start: int, scope: list[str]) -> Value:
        try:
            number = float(self.word)
        except ValueError:
            return self.column_value(start, scope)
        self.place += 1
        return number

    def column_value(self, start: int, scope: list[str]) -> ColumnUnit:
        """Read a column unit from the words up to the next comma, bracket, AND or keyword.

        What follows the unit among these words is skipped: `t1.a or t2.b = 1` reads as `t1.a`.
        """
        while self.word not in _VALUE_END:
            self.place += 1
        part = _Reader([*self.words[start : self.place], ""], self.aliases, self.names)
        return part.column_unit(scope)

    def group_clause(self, scope: list[str]) -> tuple[ColumnUnit, ...]:
        units: list[ColumnUnit] = []
        if self.skip("group"):
            self.expect("by")
            while self.word not in _ENDS:
                units.append(self.column_unit(scope))
                if not self.skip(","):
                    break
        return tuple(units)

    def order_clause(self, scope: list[str]) -> OrderBy | None:
        if not self.skip("order"):
            return None
        self.expect("by")
        direction, units = "asc", []
        while self.word not in _ENDS:
            units.append(self.value_unit(scope))
            if self.word in ("asc", "desc"):
                direction = self.word
                self.place += 1
            if not self.skip(","):
                break
        return OrderBy(direction, tuple(units))

    def limit_clause(self) -> bool:
        if not self.skip("limit"):
            return False
        if not self.word:
            raise UnreadableSQL("nothing follows LIMIT")
        self.place += 1
        return True
