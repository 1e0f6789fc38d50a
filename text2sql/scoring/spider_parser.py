"""Read SQL as Spider's official parser reads it, and refuse what it cannot read.

    >>> read_query("SELECT name FROM singer ORDER BY age LIMIT 3", names).limit
    True
    >>> read_query("SELECT CASE WHEN 1 THEN 2 END FROM singer", names)
    Traceback (most recent call last):
    text2sql.scoring.spider_tokens.UnreadableSQL: no column 'case' in singer

Covered: the official subset with its quirks. An alias named like any table of the database is
refused; aliases need AS and hold for the whole statement; a column without a table belongs to the
first table of its FROM that has it; an aggregate's closing bracket also closes one before it; text
after the end of the query is ignored; every limit counts as 1.
Not covered: other SQL; sqlglot serves everywhere else.

The rules are those of process_sql.py (taoyds/test-suite-sql-eval at e97acc5).
"""

from dataclasses import dataclass

from text2sql.scoring.spider_sql import (
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
from text2sql.scoring.spider_tokens import UnreadableSQL, tokenize

AGGREGATES = ("max", "min", "count", "sum", "avg")
OPERATORS = ("not", "between", "=", ">", "<", ">=", "<=", "!=", "in", "like", "is", "exists")
CLAUSES = ("select", "from", "where", "group", "order", "limit", "intersect", "union", "except")
SET_OPS = ("intersect", "union", "except")
_ENDS = (*CLAUSES, ")", ";")
_JOIN_WORDS = ("join", "on", "as")
# `none` is the official name of a missing aggregate or operator; as a word it passes for one.
_AGGREGATE_WORDS = ("none", *AGGREGATES)
_ARITHMETIC_WORDS = ("none", "-", "+", "*", "/")


def read_query(sql: str, names: Names) -> Query:
    """Return the structure of a statement.

    Raises:
        UnreadableSQL: the official parser raises on it, or it is nested too deeply.
    """
    words = tokenize(sql)
    try:
        return _Reader(words, _aliases(words, names), names).query()
    except RecursionError:
        raise UnreadableSQL("the statement is nested too deeply") from None


def _aliases(words: list[str], names: Names) -> dict[str, str]:
    """Map every name after AS to the word before it, and every table to itself."""
    places = [i for i, word in enumerate(words) if word == "as"]
    if places and places[-1] == len(words) - 1:
        raise UnreadableSQL("nothing follows AS")
    found = {words[i + 1]: words[i - 1] for i in places}
    for table in names.columns:
        if table in found:
            raise UnreadableSQL(f"alias {table!r} is also a table")
    return found | {table: table for table in names.columns}


@dataclass(slots=True)
class _Reader:
    """The words with a place in them; each method reads one thing and moves the place past it."""

    words: list[str]
    aliases: dict[str, str]
    names: Names
    place: int = 0

    @property
    def word(self) -> str:
        if self.place >= len(self.words):
            raise UnreadableSQL("the statement ends too early")
        return self.words[self.place]

    def ended(self) -> bool:
        return self.place >= len(self.words)

    def at(self, *wanted: str) -> bool:
        return not self.ended() and self.words[self.place] in wanted

    def skip(self, *wanted: str) -> bool:
        """Move past one of these words; tell whether it was there."""
        found = self.at(*wanted)
        self.place += found
        return found

    def expect(self, wanted: str) -> None:
        if self.word != wanted:
            raise UnreadableSQL(f"expected {wanted!r}, found {self.word!r}")
        self.place += 1

    def opened(self) -> bool:
        """Move past an opening bracket; the statement must not end here."""
        found = self.word == "("
        self.place += found
        return found

    def close(self, opened: bool) -> None:
        if opened:
            self.expect(")")

    def query(self) -> Query:
        start = self.place
        opened = self.opened()
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
        set_op = self.words[self.place] if self.at(*SET_OPS) else None
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
        if "from" not in self.words[start:]:
            raise UnreadableSQL("no FROM")
        self.place = self.words.index("from", start) + 1
        units: list[str | Query] = []
        joins: list[Condition | str] = []
        scope: list[str] = []
        while not self.ended():
            opened = self.opened()
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
            if self.at(*_ENDS):
                break
        return tuple(units), tuple(joins), scope

    def table(self) -> str:
        name = self.aliases.get(self.word)
        if name not in self.names.ids:
            raise UnreadableSQL(f"no table {self.word!r}")
        self.place += 1
        if self.at("as"):
            self.place += 2
        return name

    def select_clause(self, scope: list[str]) -> tuple[bool, tuple[SelectItem, ...]]:
        self.expect("select")
        distinct = self.skip("distinct")
        items = []
        while not self.ended() and not self.at(*CLAUSES):
            aggregate = self.aggregate()
            items.append(SelectItem(aggregate, self.value_unit(scope)))
            self.skip(",")
        return distinct, tuple(items)

    def aggregate(self) -> str | None:
        if not self.at(*_AGGREGATE_WORDS):
            return None
        self.place += 1
        word = self.words[self.place - 1]
        return None if word == "none" else word

    def value_unit(self, scope: list[str]) -> ValueUnit:
        opened = self.opened()
        op, left, right = None, self.column_unit(scope), None
        if self.at(*_ARITHMETIC_WORDS):
            op = None if self.word == "none" else self.word
            self.place += 1
            right = self.column_unit(scope)
        self.close(opened)
        return ValueUnit(op, left, right)

    def column_unit(self, scope: list[str]) -> ColumnUnit:
        opened = self.opened()
        if self.word in _AGGREGATE_WORDS:
            aggregate = self.aggregate()
            self.expect("(")
            unit_distinct = self.word == "distinct"
            self.place += unit_distinct
            unit = ColumnUnit(aggregate, self.column(scope), unit_distinct)
            self.expect(")")
            return unit  # `opened` is forgotten, as in the official program
        distinct = self.skip("distinct")
        unit = ColumnUnit(None, self.column(scope), distinct)
        self.close(opened)
        return unit

    def column(self, scope: list[str]) -> str:
        word = self.word
        found = (
            word if word == ALL else self.qualified(word) if "." in word else self.bare(word, scope)
        )
        if found not in self.names.ids:
            raise UnreadableSQL(f"no column {word!r} in {', '.join(scope) or 'no table'}")
        self.place += 1
        return found

    def qualified(self, word: str) -> str:
        alias, _, column = word.partition(".")
        if alias not in self.aliases or "." in column:
            raise UnreadableSQL(f"no table for {word!r}")
        return f"{self.aliases[alias]}.{column}"

    def bare(self, word: str, scope: list[str]) -> str:
        for table in (self.aliases.get(name, "") for name in scope):
            if table not in self.names.columns:
                raise UnreadableSQL(f"no table {table!r}")
            if word in self.names.columns[table]:
                return f"{table}.{word}"
        return ""

    def conditions_after(self, keyword: str, scope: list[str]) -> Conditions:
        return self.conditions(scope) if self.skip(keyword) else ()

    def conditions(self, scope: list[str]) -> Conditions:
        parts: list[Condition | str] = []
        while not self.ended():
            parts.append(self.condition(scope))
            if self.at(*_ENDS, *_JOIN_WORDS):
                break
            if self.at("and", "or"):
                parts.append(self.word)
                self.place += 1
        return tuple(parts)

    def condition(self, scope: list[str]) -> Condition:
        unit = self.value_unit(scope)
        negated = self.word == "not"
        self.place += negated
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
        opened = self.opened()
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
        while not self.ended() and not self.at(",", ")", "and", *CLAUSES, *_JOIN_WORDS):
            self.place += 1
        part = _Reader(self.words[start : self.place], self.aliases, self.names)
        return part.column_unit(scope)

    def group_clause(self, scope: list[str]) -> tuple[ColumnUnit, ...]:
        units: list[ColumnUnit] = []
        if self.skip("group"):
            self.expect("by")
            while not self.ended() and not self.at(*_ENDS):
                units.append(self.column_unit(scope))
                if not self.skip(","):
                    break
        return tuple(units)

    def order_clause(self, scope: list[str]) -> OrderBy | None:
        if not self.skip("order"):
            return None
        self.expect("by")
        direction, units = "asc", []
        while not self.ended() and not self.at(*_ENDS):
            units.append(self.value_unit(scope))
            if self.at("asc", "desc"):
                direction = self.word
                self.place += 1
            if not self.skip(","):
                break
        return OrderBy(direction, tuple(units))

    def limit_clause(self) -> bool:
        if not self.skip("limit"):
            return False
        _ = self.word  # something must follow, whatever it is
        self.place += 1
        return True
