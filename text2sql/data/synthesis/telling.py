"""Word a query that somebody else wrote: the question that it answers.

    >>> tell(read_sql("SELECT name FROM members WHERE age > 30 ORDER BY name", schema), speaker)
    'list the names of the members older than 30 in alphabetical order'

The words of every part come from the speaker, as those of drawn questions do; the same query has
many wordings.

Covered: English; columns and aggregates of one table, or of tables that join in a row; conditions
joined by AND, by OR on one table; groups, HAVING, orders, limits; set operations of one table;
nested queries that compare with an aggregate, or ask for rows with or without others.
Not covered: Chinese, and what `Untold` names: who reads a log says so, and leaves it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from text2sql.data.synthesis import conditions, relating
from text2sql.data.synthesis.families.parts import COUNT, Path, aggregate_words, things
from text2sql.data.synthesis.queries import (
    Bool,
    Call,
    Col,
    Compare,
    Expr,
    Junction,
    Key,
    Lit,
    Pattern,
    Query,
    Star,
)
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field, Link


class Untold(Exception):
    """A query for which there are no words; the message says why."""


_OPERATORS = {
    "=": "equal", "<>": "not", ">": "more", "<": "less", ">=": "at_least", "<=": "at_most",
}  # fmt: skip
_AMOUNTS = {
    "=": "exactly_k", ">": "more_than_k", "<": "less_than_k", ">=": "at_least_k",
    "<=": "at_most_k",
}  # fmt: skip
_MEASURES = {">": "above_v", "<": "below_v", ">=": "not_below_v", "<=": "not_above_v"}
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_SETS = {"intersect": "set_both", "except": "set_neither", "union": "set_union"}


def tell(query: Query, speaker: Speaker) -> str:
    """Return a question that the query answers.

    Raises:
        Untold: there are no words for a part of it.
    """
    if not speaker.english:
        raise Untold("questions of given SQL are told in English only")
    if query.then is not None:
        return speaker.finish(_set(query, speaker))
    teller = _Teller(speaker, query, _route(query, speaker))
    return speaker.finish(teller.question())


def _set(query: Query, speaker: Speaker) -> str:
    assert query.then is not None
    operator, right = query.then
    left = replace(query, then=None)
    plain = (operator in _SETS, not (left.joins or right.joins or left.group or right.group))
    if not all(plain) or left.source != right.source or left.select != right.select:
        raise Untold("a set operation of different tables or columns")
    if left.order or right.order or right.limit is not None or left.limit is not None:
        raise Untold("a set operation in an order")
    tellers = [_Teller(speaker, side, _route(side, speaker)) for side in (left, right)]
    first, second = (teller.where(teller.root) for teller in tellers)
    if not second:
        raise Untold("a set operation with a side of all rows")
    words = {"what": tellers[0].shown(), "first": first, "second": second}
    text = speaker.say(_SETS[operator], **words, **things(speaker, tellers[0].root))
    return speaker.ask(text)


def _route(query: Query, speaker: Speaker) -> Path:
    """Return the tables of a query as a path from the one that is asked for."""
    if not isinstance(query.source, str):
        raise Untold("a derived table")
    if any(join.kind != "join" for join in query.joins):
        raise Untold("a left join")
    tables, links, forward = [query.source], [], []
    for join in query.joins:
        if len(join.on) != 1:
            raise Untold("a join on several columns")
        one, other = join.on[0]
        near, far = (one, other) if other.table == join.table else (other, one)
        if near.table != tables[-1] or far.table != join.table:
            raise Untold("joins that do not follow one another")
        link, down = _link(near, far, speaker)
        tables.append(join.table)
        links.append(link)
        forward.append(down)
    return _from_shown(Path(tuple(tables), tuple(links), tuple(forward)), query)


def _link(near: Col, far: Col, speaker: Speaker) -> tuple[Link, bool]:
    for link in speaker.world.links:
        if (link.child, link.parent) == (near, far):
            return link, True
        if (link.child, link.parent) == (far, near):
            return link, False
    return Link(near, far), True


def _from_shown(path: Path, query: Query) -> Path:
    """Turn a path round where its other end is what is asked for.

    That is the table that is shown, where it is one; of aggregates over joins it is the one whose
    rows are counted: each refers to one row of the next table.
    """
    turned = Path(
        tuple(reversed(path.tables)),
        tuple(reversed(path.links)),
        tuple(not down for down in reversed(path.forward)),
    )
    if path.links and any(isinstance(part, Call) for part in _parts(query)):
        found = next((each for each in (path, turned) if all(each.forward)), None)
        if found is None:
            raise Untold("an aggregate over a join of many with many")
        return found
    shown = {c.table for part in (*query.select, *query.group) if (c := _column(part)) is not None}
    return turned if shown == {path.tables[-1]} else path


def _parts(query: Query) -> tuple[Expr, ...]:
    having = query.having.left if isinstance(query.having, Compare) else None
    keys = (key.expression for key in query.order)
    return (*query.select, *keys, *([having] if having is not None else []))


def _column(expression: Expr) -> Col | None:
    if isinstance(expression, Call):
        return _column(expression.argument) if expression.argument is not None else None
    return expression if isinstance(expression, Col) else None


@dataclass(frozen=True, slots=True)
class _Teller:
    """Words one SELECT."""

    speaker: Speaker
    query: Query
    path: Path

    @property
    def root(self) -> str:
        """The table whose rows are asked for."""
        return self.path.tables[0]

    def question(self) -> str:
        """Return the question, not yet in agreement."""
        query, speaker = self.query, self.speaker
        words = {"where": self.where(self.root) + self.related(), **things(speaker, self.root)}
        calls = [part for part in query.select if isinstance(part, Call)]
        if query.group:
            return self._groups(words)
        if query.having is not None:
            raise Untold("HAVING without groups")
        if calls and len(calls) < len(query.select):
            raise Untold("an aggregate beside a column, without groups")
        if calls:
            return self._aggregates(calls, words)
        what = self.shown()
        best = self._superlative()
        if best is not None:
            text = speaker.say("extreme", what=what, superlative=best, where=words["where"])
            return speaker.ask(text)
        return speaker.ask(speaker.say("list", what=what, by=self.by(), **words))

    def _aggregates(self, calls: Sequence[Call], words: dict[str, str]) -> str:
        if self.query.order or self.query.limit is not None:
            raise Untold("an order of one row")
        if calls == [COUNT]:
            return self.speaker.say("count", **words)
        aggregates = self.speaker.listed([self.measure(call) for call in calls])
        return self.speaker.ask(self.speaker.say("aggregate", aggs=aggregates, **words))

    def _groups(self, words: dict[str, str]) -> str:
        query, speaker = self.query, self.speaker
        keys = [part for part in query.select if isinstance(part, Col)]
        calls = [part for part in query.select if isinstance(part, Call)]
        by_key = {column.table for column in keys} <= {
            column.table for column in query.group if isinstance(column, Col)
        }
        if not keys or len(keys) + len(calls) < len(query.select) or not by_key or query.distinct:
            raise Untold("groups that do not show what they are grouped by")
        parts = {
            "g": self._columns(keys),
            "what": speaker.listed([self.measure(call) for call in calls]) if calls else "",
            "as": words["things"],
            "a": words["thing"],
            "where": words["where"],
            "having": self._having(query.having),
            "by": self.by(),
        }
        return speaker.say("per_group" if calls else "only_groups", **parts)

    # --- what is shown ---------------------------------------------------------------------------

    def shown(self) -> str:
        """Return what is shown of each row."""
        if self.query.select == (Star(),):
            return self.speaker.say("all_columns")
        if not all(isinstance(part, Col) for part in self.query.select):
            raise Untold("a shown expression")
        text = self._columns([part for part in self.query.select if isinstance(part, Col)])
        return self.speaker.different(text) if self.query.distinct else text

    def _columns(self, columns: Sequence[Col]) -> str:
        words = []
        for table in dict.fromkeys(column.table for column in columns):
            fields = [self.field(column) for column in columns if column.table == table]
            said = self.speaker.listed([self.speaker.column(field) for field in fields])
            other = self.speaker.thing(table, False)
            own = table == self.root
            words.append(said if own else self.speaker.say("of_other", what=said, b=other))
        return self.speaker.listed(words)

    def measure(self, call: Expr) -> str:
        """Return what an aggregate is called."""
        if call == COUNT:
            return self.speaker.say("how_many")
        if not isinstance(call, Call) or not isinstance(call.argument, Col):
            raise Untold("an aggregate of an expression")
        field = self.field(call.argument)
        if call.name == "count":
            names = self.speaker.column(field, many=True)
            key = "number_of" if call.distinct else "count_known"
            return self.speaker.say(key, ns=names, distinct=self.speaker.say("distinct"))
        if call.distinct:
            raise Untold("an aggregate of different values")
        return aggregate_words(self.speaker, call.name, field)

    def field(self, column: Col) -> Field:
        """Return what is known of a column."""
        known = self.speaker.world.fields.get(column.table, ())
        found = next((field for field in known if field.col == column), None)
        if found is None:
            raise Untold("a column of lists or bytes")
        return found

    # --- rows ------------------------------------------------------------------------------------

    def where(self, table: str) -> str:
        """Return the conditions on a table, as words behind its noun."""
        texts = [text for owner, text in self._conditions() if owner == table]
        if not texts:
            return ""
        said = texts[0]
        for text in texts[1:]:
            said = self.speaker.both(said, text, "and")
        return self.speaker.behind(said)

    def related(self) -> str:
        """Return how the rows are related to those of the other tables."""
        if not self.path.links:
            return ""
        words = {table: self.where(table) for table in self.path.tables[1:]}
        said = {table: text for table, text in words.items() if text}
        return f" {relating.related(self.speaker, self.path, said).strip()}"

    def _conditions(self) -> list[tuple[str, str]]:
        where = self.query.where
        if where is None:
            return []
        parts = where.parts if isinstance(where, Junction) and where.operator == "and" else [where]
        return [self._condition(part) for part in parts]

    def _condition(self, part: Bool) -> tuple[str, str]:
        if isinstance(part, Junction):
            said = [self._condition(each) for each in part.parts]
            tables = {table for table, _ in said}
            if len(tables) > 1 or len(said) != 2 or part.operator != "or":
                raise Untold("OR between tables, or nested in AND")
            return said[0][0], self.speaker.both(said[0][1], said[1][1], "or")
        if not isinstance(part.left, Col):
            raise Untold("a condition on an expression")
        field = self.field(part.left)
        if isinstance(part.right, Query):
            return part.left.table, self._nested(part, part.right, field)
        return part.left.table, self._plain(part, field)

    def _plain(self, part: Compare, field: Field) -> str:
        say, right, operator = self.speaker, part.right, part.operator
        if operator in ("is null", "is not null"):
            return conditions.worded(say, operator[3:].replace(" ", "_"), field)
        if isinstance(right, Pattern):
            return self._like(right, operator, field)
        if isinstance(right, tuple):
            values = [self._value(each, field) for each in right]
            if operator == "between":
                return conditions.way(say, "between", field, v=values[0], w=values[1])
            if operator == "in" and len(values) == 2:
                return conditions.worded(say, "either_value", field, v=values[0], w=values[1])
            raise Untold("a list of values")
        if isinstance(right, Col):
            raise Untold("two columns compared")
        return conditions.way(say, _OPERATORS[operator], field, v=self._value(right, field))

    def _value(self, value: Expr | None, field: Field) -> str:
        if not isinstance(value, Lit) or value.value is None:
            raise Untold("a comparison with an expression")
        return self.speaker.value(field, value.value)

    def _like(self, pattern: Pattern, operator: str, field: Field) -> str:
        key = "contains" if pattern.before and pattern.behind else "starts"
        key = "ends" if pattern.before and not pattern.behind else key
        if operator == "not like":
            if key != "contains":
                raise Untold("NOT LIKE of an end")
            key = "not_contains"
        if not (pattern.before or pattern.behind):
            key = "equal" if operator == "like" else "not"
        shown = self.speaker.say("quoted", v=pattern.text)
        return conditions.worded(self.speaker, key, field, v=shown)

    def _nested(self, part: Compare, inner: Query, field: Field) -> str:
        if part.operator in ("in", "not in"):
            return self._among(part, inner)
        call = inner.select[0]
        plain = inner == Query((call,), part.left.table if isinstance(part.left, Col) else "")
        if not plain or not isinstance(call, Call) or call.argument != part.left:
            raise Untold("a nested query of another kind")
        names = {"n": self.speaker.column(field), **things(self.speaker, field.col.table)}
        if call.name == "avg" and part.operator in ("<", ">"):
            key = "above_average" if part.operator == ">" else "below_average"
            return self.speaker.say(key, **names).strip()
        if call.name in ("min", "max") and part.operator == "=":
            names |= {call.name: self.speaker.say(call.name)}
            return self.speaker.say(f"at_{call.name}imum", **names).strip()
        raise Untold("a nested query of another kind")

    def _among(self, part: Compare, inner: Query) -> str:
        """Word rows that have others, or have none."""
        shown = inner.select[0]
        plain = not (inner.joins or inner.group or inner.order or inner.then or inner.having)
        joined = isinstance(shown, Col) and isinstance(part.left, Col)
        known = [{link.child, link.parent} for link in self.speaker.world.links]
        if not plain or not joined or {part.left, shown} not in known:
            raise Untold("IN of a query of another kind")
        teller = _Teller(self.speaker, inner, _route(inner, self.speaker))
        others = self.speaker.thing(teller.root) + teller.where(teller.root)
        return f"{'with' if part.operator == 'in' else 'without'} {others}"

    # --- groups and orders -----------------------------------------------------------------------

    def _having(self, having: Bool | None) -> str:
        if having is None:
            return ""
        if not isinstance(having, Compare) or not isinstance(having.right, Lit):
            raise Untold("HAVING with several conditions or a query")
        value = having.right.value
        if having.left == COUNT and having.operator in _AMOUNTS and isinstance(value, int):
            number = self.speaker.number(value)
            amount = self.speaker.say(_AMOUNTS[having.operator], k=number)
            return self.speaker.say("having_count", amount=amount)
        if having.left is None or having.operator not in _MEASURES or value is None:
            raise Untold("HAVING of another kind")
        compared = self.speaker.say(_MEASURES[having.operator], v=str(value))
        return self.speaker.say("having_measure", measure=f"{self.measure(having.left)} {compared}")

    def by(self) -> str:
        """Return the order and the limit."""
        words = ""
        for place, key in enumerate(self.query.order):
            said = self._order(key)
            if place:
                if key.descending:
                    raise Untold("a second order, descending")
                said = self.speaker.say("then_by", n=self._key_name(key))
            words += said
        if self.query.limit is not None:
            if not self.query.order:
                raise Untold("a LIMIT without an order")
            words += self.speaker.say("first_k", k=self.speaker.number(self.query.limit))
        return words

    def _order(self, key: Key) -> str:
        if key.expression == COUNT:
            return self.speaker.say("by_count_desc" if key.descending else "by_count_asc")
        way = "descending" if key.descending else "ascending"
        field = self.field(key.expression) if isinstance(key.expression, Col) else None
        if field is not None and field.kind.calendar:
            way += "_moment"
        elif field is not None and not field.numeric and key.descending:
            way += "_text"
        return self.speaker.say(way, n=self._key_name(key))

    def _key_name(self, key: Key) -> str:
        if isinstance(key.expression, Col):
            field = self.field(key.expression)
            own = field.col.table == self.root
            return self.speaker.column(field) if own else self.speaker.owned(field)
        return self.measure(key.expression)

    def _superlative(self) -> str | None:
        """Return the one row of an order with LIMIT 1; None for other orders."""
        key = self.query.order[0] if len(self.query.order) == 1 else None
        if self.query.limit != 1 or key is None or not isinstance(key.expression, Col):
            return None
        field = self.field(key.expression)
        if field.col.table != self.root or not (field.numeric or field.kind.calendar):
            return None
        return self.speaker.superlative(field, key.descending, self.speaker.thing(self.root, False))
