"""Words for the parts of a query: things, columns, values, conditions, orders.

    >>> speaker = Speaker(world, Random(1))
    >>> speaker.condition("singer")
    (Compare(Col('singer', 'age'), '>', Lit(30)), 'older than 30')

Every part is worded in one of many ways, by the kind of its column; a part of SQL and its words are
made together, so that they cannot disagree. The wordings are data: `wordings/en*.yaml` and
`wordings/zh*.yaml`, one key a part.

Not covered: whole questions (`drafting`).
"""

import itertools
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from string import Formatter

import yaml

from text2sql.data.synthesis import conditions, grammar
from text2sql.data.synthesis.carelessness import carelessly
from text2sql.data.synthesis.conditions import Said, special
from text2sql.data.synthesis.deeds import participle
from text2sql.data.synthesis.grammar import ARE, BE, IMPLIED, MANY, ONE, is_plural
from text2sql.data.synthesis.kinds import Kind
from text2sql.data.synthesis.queries import Bool, Col, Compare, Junction, Key
from text2sql.data.synthesis.saying import date_words, number_words
from text2sql.data.synthesis.witnesses import Witness
from text2sql.data.synthesis.worlds import Field, World, plural

_CLAUSE = re.compile(r"\b(?:since|at|from|in|on|by)$|^(?:how|has|is) |^(?:speaks|opens|starts)$")
_UNIT = re.compile(r" (?:g|kg|mm|cm|m|km|kmh|c|mins?|hrs|h|l|ml|pct|usd|eur|kwh?|mb|gb)$")
_UNCOUNTED = re.compile(
    r"(?:s|ed|ing|built|bought|sold|held|won|\b(?:on|by|at|in|to|of|is|from|has))$"
)
# verbs of wordings, which agree with the noun before them
VERBS = {"is": grammar.agree("are", "is")} | {
    verb: grammar.agree(verb, one)
    for verb, one in (
        ("have", "has"), ("do", "does"), ("belong", "belongs"), ("earn", "earns"),
        ("make", "makes"), ("cost", "costs"), ("take", "takes"), ("hold", "holds"),
        ("live", "lives"), ("come", "comes"),
    )
}  # fmt: skip
_BEFORE_MARK = re.compile(r" ([?.,])")
ASIDES = 0.12  # share of questions around which something is said that does not matter
_MUST = ("what", "where", "inner", "having", "by")  # places whose words may not be left out


@cache
def wordings(language: str) -> dict[str, tuple[str, ...]]:
    """Return the ways to say each part in a language."""
    folder = Path(__file__).with_name("wordings")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.glob(f"{language}*.yaml")):  # en.yaml, en_composed.yaml
        read = yaml.load(path.read_text(encoding="utf-8"), loader)
        found |= {key: tuple(ways) for key, ways in read.items()}
    return found


@cache
def _places(way: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(way) if name)


@cache
def _nominal(names: tuple[str, ...], kind: Kind) -> tuple[str, ...]:
    """Return names as nouns: "opened on" of a date is an opening date, or the date opened."""
    done: tuple[str, ...] = ()
    unit = "year" if kind.numeric else "time" if "time" in kind.name else "date"
    if kind.calendar:
        words = (d.removeprefix("were ") for name in names if (d := participle(name)))
        done = tuple(f"{unit} {word}" for word in words)
    nouns = (name for name in names if not _CLAUSE.search(name))
    nouns = (name for name in nouns if not (kind.calendar and participle(name)))
    bare = ((_UNIT.sub("", name), name) for name in nouns)
    found = tuple(dict.fromkeys((*itertools.chain(*bare), *done)))
    return found or ((f"starting {unit}",) if kind.calendar else names)


def _plural(name: str) -> str:
    dated = re.match(r"(date|year|time) (\w+)$", name)
    return f"{dated[1]}s {dated[2]}" if dated and participle(dated[2]) else plural(name)


class Speaker:
    """Words the parts of queries on one world."""

    def __init__(self, world: World, random: Random) -> None:
        """Take the world's language."""
        self.world, self.random = world, random
        self.witness = Witness(world, random)
        self.words = wordings(world.language)
        self.english, self.verbs = world.language == "en", VERBS
        self._numbers = {table: number for number, table in enumerate(world.nouns)}

    # --- chance ----------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        """Return True in that share of calls."""
        return self.random.random() < share

    def say(self, key: str, **parts: str) -> str:
        """Return one of the ways to say a part, its places filled; none that leaves words out."""
        needed = {p for p in _MUST if parts.get(p) and not parts[p].startswith(IMPLIED)}
        ways = self.words[key]
        fitting = [way for way in ways if needed <= _places(way)] if needed else ways
        way = self.random.choice(fitting)
        if "what" in parts:
            parts["what"] = parts["what"].removeprefix(IMPLIED)
        return way.format(be=BE, are=ARE, **VERBS, **parts)

    # --- names -----------------------------------------------------------------------------------

    def thing(self, table: str, many: bool = True) -> str:
        """Return what rows of a table are called."""
        noun = self.world.nouns[table]
        forms = noun.many if many else noun.one
        one = forms[0] if len(forms) == 1 or self.chance(0.75) else self.random.choice(forms[1:])
        if not self.english:
            return one
        return grammar.noun_mark(self.table_number(table)) + ("" if many else ONE) + one

    def table_number(self, table: str) -> int:
        """Return the number of a table in the world."""
        return self._numbers[table]

    def who(self, table: str) -> str:
        """Return the relative pronoun for rows of a table."""
        usual, other = ("who", "that") if self.world.nouns[table].person else ("that", "which")
        return usual if self.chance(0.75) else other

    def somebody(self, table: str) -> str:
        """Return the pronoun that asks for people without a noun: it agrees as a singular."""
        if not self.english:
            return self.random.choice(("谁", "哪些人"))
        return f"{grammar.noun_mark(self.table_number(table))}{ONE}who"

    def column(self, field: Field, *, many: bool = False) -> str:
        """Return what a column is called; a bare number is that of something."""
        names = _nominal(field.names, field.kind)
        name = names[0] if len(names) == 1 or self.chance(0.7) else self.random.choice(names[1:])
        if name in ("number", "count") and self.english:
            name = f"{self.world.nouns[field.col.table].one[0]} {name}"
        if self.english and is_plural(name):
            name = MANY + name
        elif many and self.english and field.kind.name != "flag" and not _UNCOUNTED.search(name):
            name = MANY + _plural(name)
        return name

    def owned(self, field: Field) -> str:
        """Return what a column of another table is called: with its owner."""
        owner, name = self.thing(field.col.table, False), self.column(field)
        return f"{owner} {name.removeprefix(MANY)}" if self.english else f"{owner}的{name}"

    def listed(self, parts: Sequence[str]) -> str:
        """Return several parts as people list them."""
        if len(parts) == 1:
            return parts[0]
        comma, mark = (", ", MANY if self.chance(0.65) else "") if self.english else ("、", "")
        return mark + comma.join(parts[:-1]) + self.say("joint_and") + parts[-1]

    def value(self, field: Field, value: str | int | float) -> str:
        """Return a value as a question says it."""
        phrases = field.phrases.get(str(value))
        if phrases and self.chance(0.6):
            return self.random.choice(phrases)
        if not isinstance(value, str):
            return self.number(value)
        if re.fullmatch(r"[\d.:\- ]+", value):
            spoken = self.english and self.chance(0.15) and date_words(value, self.random)
            return spoken or value
        return self.say("value", v=value, l=value.lower())

    def number(self, value: int | float) -> str:
        """Return a number as a question says it: in words, at times."""
        share = 0.4 if value <= 10 else 0.15
        if self.english and isinstance(value, int) and self.chance(share):
            return self.random.choice(number_words(value) or (str(value),))
        return str(value)

    # --- fields ----------------------------------------------------------------------------------

    def fields(self, table: str) -> list[Field]:
        """Return the columns of a table that say something."""
        return [field for field in self.world.fields[table] if not field.key]

    def drawn(self, known: Sequence[Field], count: int = 1) -> list[Field]:
        """Draw different columns, those that people ask about more often than others."""
        if count == 1:
            return self.random.choices(known, [f.kind.asked for f in known])
        keyed = [(self.random.random() ** (1 / f.kind.asked), i) for i, f in enumerate(known)]
        return [known[i] for _, i in sorted(keyed, reverse=True)[:count]]

    def shown(self, table: str) -> list[Field]:
        """Return the columns of a table that people ask for: flags are seldom among them."""
        known = self.fields(table)
        return [f for f in known if f.kind.name != "flag" or self.chance(0.15)] or known

    def numbers(self, table: str) -> list[Field]:
        """Return the numeric columns of a table that can be added up or averaged."""
        return [f for f in self.fields(table) if f.numeric and not f.kind.calendar]

    def groups(self, table: str) -> list[Field]:
        """Return the columns of a table that put rows into groups."""
        most = max(2, self.world.rows[table] * 0.7)
        found = [f for f in self.fields(table) if 1 < len(f.values) <= most]
        return [f for f in found if f.kind.grouping or self._repeats(f) or self.chance(0.03)]

    def _repeats(self, field: Field) -> bool:
        """Tell whether a text stands in so many rows that it sorts them, whatever it is."""
        kind = field.kind
        other = field.numeric or kind.calendar or kind.identifying or kind.name == "flag"
        return not other and len(field.values) < 0.4 * self.world.rows[field.col.table]

    def naming(self, table: str) -> Field | None:
        """Return the column that people mean when they ask for the rows of a table."""
        known = self.fields(table)
        return next((f for f in known if f.names_rows), known[0] if known else None)

    def implied(self, table: str) -> list[Field]:
        """Return the columns that are meant where none is said: a name, or its two parts."""
        found = [f for f in self.fields(table) if f.names_rows]
        parts = [f.kind.name for f in found]
        return found if len(found) == 1 or parts == ["first name", "last name"] else []

    def goes_unsaid(self, table: str, shown: Sequence[object]) -> bool:
        """Tell whether columns to show need not be named."""
        names = self.implied(table)
        return bool(names) and [*shown] == [field.col for field in names]

    def tells_apart(self, table: str, column: Col) -> bool:
        """Tell whether no two rows of a table are equal in a column."""
        field = self.world.field_of(column)
        return field.key or len(field.values) >= self.world.rows.get(table, 0)

    def showing(self, table: str, chosen: Sequence[Field], *, many: bool = False) -> str:
        """Return what columns are called where they are asked for."""
        said = self.listed([self.column(field, many=many) for field in chosen])
        if self.english and self.chance(0.6):  # "first and last names"
            said = re.sub(
                rf"({MANY}*)first names?( and |, ){MANY}?(?=last name)", r"\1first\2", said
            )
        return IMPLIED + said if [*chosen] == self.implied(table) else said

    # --- conditions ------------------------------------------------------------------------------

    def condition(
        self,
        table: str,
        field: Field | None = None,
        *,
        equal: bool = False,
        shared: bool = False,
    ) -> Said | None:
        """Draw a condition on a table, and the words that stand at its noun."""
        return conditions.condition(self, table, field, equal=equal, shared=shared)

    def conditions(
        self, table: str, shares: Sequence[float] = (0.35, 0.5, 0.15)
    ) -> tuple[Bool | None, str]:
        """Draw none, one or two conditions on a table; English words begin with a blank."""
        number = self.random.choices((0, 1, 2), shares)[0]
        equal, several = number == 2 and self.chance(0.5), number == 2
        first = self.condition(table, equal=equal, shared=several) if number else None
        if first is None:
            return None, ""
        operator = "or" if self.chance(0.3) else "and"
        second = self.beside(table, first[0], operator, equal=equal) if several else None
        if second is None:
            return first[0], self.behind(first[1])
        mark = self.say("either") if operator == "or" else ""
        text = mark + self.both(first[1], second[1], operator)
        return Junction(operator, (first[0], second[0])), self.behind(text)

    def beside(
        self, table: str, first: Compare, operator: str, *, equal: bool = False
    ) -> Said | None:
        """Draw a condition beside another one on a table; None where there is no fitting one.

        Args:
            table: full name.
            first: the other one.
            operator: `or` joins it with conditions on the same column, too.
            equal: no range of numbers and no missing values.
        """
        field = self.world.field_of(first.left) if isinstance(first.left, Col) else None
        # either of two values is nothing to ask for: it is every row
        if operator == "or" and field and len(field.values) > 2 and self.chance(0.45):
            with self.witness.away():
                second = self.condition(table, field, equal=equal)
            return second if second and second[0] != first else None
        alike = self.chance(0.4)  # people set like beside like
        for _ in range(4):
            second = self.condition(table, equal=equal, shared=True)
            if second is None or second[0].left == first.left:
                continue
            if not alike or second[0].operator == first.operator:
                return second
        return None

    def both(self, first: str, second: str, operator: str) -> str:
        """Join the words of two conditions by `and` or `or`.

        Of two that are joined by `and` the first may stand before the noun: "French singers older
        than 30".
        """
        word, second = self.say(operator), grammar.plain(second)
        if operator == "and" and grammar.is_modifier(first):
            return grammar.with_link(first, word) + second
        return f"{grammar.plain(first)}{word}{second}"

    def behind(self, text: str) -> str:
        """Return words as they stand at a noun: behind it in English, before it in Chinese."""
        return f" {text}" if self.english else f"{text}的"

    # --- orders ----------------------------------------------------------------------------------

    def order(self, field: Field) -> tuple[Key, str]:
        """Draw an order by a column, and its words."""
        descending = self.chance(0.36)
        kind = field.kind
        ways = special(self, field, "descending" if descending else "ascending")
        key = Key(field.col, descending)
        if ways and self.chance(0.3):
            return key, self.say("order_special", s=self.random.choice(ways))
        way = "descending" if descending else "ascending"
        if kind.calendar:
            way += "_moment"
        elif not field.numeric:
            way = way if descending or self.chance(0.6) else "alphabetical"
            way += "_text" if descending else ""
        return key, self.say(way, n=self.column(field))

    def superlative(self, field: Field, descending: bool, noun: str) -> str:
        """Return a noun with the most or least of a column."""
        ways = special(self, field, "most" if descending else "least")
        if ways and self.chance(0.5):
            return self.say("superlative_special", s=self.random.choice(ways), t=noun)
        name = self.column(field)
        parts = {"t": noun, "s": self.extreme(field, descending), "n": name}
        return self.say("superlative", **parts)

    def extreme(self, field: Field, descending: bool) -> str:
        """Return what the most or least of a column is called: highest, latest, fewest."""
        manner = "_moment" if field.kind.calendar else ""
        if self.english and not manner and is_plural(field.names[0]):
            manner = "_count"
        return self.say(("most" if descending else "least") + manner)

    # --- frames ----------------------------------------------------------------------------------

    def different(self, what: str) -> str:
        """Return what is shown, said to be of different values."""
        return f"{self.say('distinct')}{' ' if self.english else ''}{what}"

    def rows(self) -> str:
        """Return what count(*) is called."""
        return self.say("rows")

    def ask(self, what: str) -> str:
        """Return a request for something, as a question or an order."""
        if not self.english:
            return self._ask_in_chinese(what)
        if what.startswith("for "):  # "for each city, the average age": the request begins inside
            head, comma, rest = what.partition(", ")
            return f"{head}{comma}{self.ask(rest)}" if comma else what
        if re.match(r"(?:all|the|each|every|everything|details|both)\b", what):
            return self.say("order_whole", w=what)
        if self.chance(0.45):
            return self.say("question", w=what)
        several = what.count(MANY) > 1 or (what.startswith(MANY) and " and " not in what)
        if several and self.chance(0.3):
            return self.say("order_many", w=what)
        return self.say("order", w=what)

    def _ask_in_chinese(self, what: str) -> str:
        """Ask in front of the order, which stands behind a comma."""
        head, comma, order = what.partition("，")
        asked = self.say("question" if self.chance(0.42) else "order", w=head)
        if comma and asked.endswith("？"):
            return f"{asked[:-1]}，{order}？"
        return f"{asked}{comma}{order}"

    def finish(self, text: str) -> str:
        """Return a question in agreement, with the carelessness of people, and single blanks."""
        if self.english:
            text = grammar.resolve(text)
        text = _BEFORE_MARK.sub(r"\1", " ".join(text.split()))
        if self.chance(ASIDES):
            text = self._with_aside(text)
        return carelessly(text, self.random) if self.english else text.replace(IMPLIED, "")

    def _with_aside(self, text: str) -> str:
        """Say something around a question; its mark stays at the end."""
        if self.chance(0.5):
            return self.say("aside_before", q=text)
        mark = text[-1] if text[-1] in "?.？。" else ""
        return self.say("aside_behind", q=text.removesuffix(mark)) + mark
