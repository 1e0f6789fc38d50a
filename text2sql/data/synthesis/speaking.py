"""Words for the parts of a query: things, columns, values, conditions, orders.

    >>> speaker = Speaker(world, Random(1))
    >>> speaker.condition("singer")
    (Compare(Col('singer', 'age'), '>', Lit(30)), 'older than 30')

Every part is worded in one of many ways, by the kind of its column; a part of SQL and its words are
made together, so that they cannot disagree. The wordings are data: `wordings/en.yaml` and
`wordings/zh.yaml`, one key a part.

Not covered: whole questions (`drafting`).
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

import yaml

from text2sql.data.synthesis.queries import Bool, Compare, Junction, Key, Lit, Pattern
from text2sql.data.synthesis.worlds import Field, World, plural

SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_UNCOUNTED = re.compile(r"(?:s|ed|ing|\b(?:on|by|at|in|to|of|is|from|has))$")

Said = tuple[Compare, str]


@cache
def wordings(language: str) -> dict[str, tuple[str, ...]]:
    """Return the ways to say each part in a language."""
    path = Path(__file__).with_name("wordings") / f"{language}.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read = yaml.load(path.read_text(encoding="utf-8"), loader)
    return {key: tuple(ways) for key, ways in read.items()}


class Speaker:
    """Words the parts of queries on one world."""

    def __init__(self, world: World, random: Random) -> None:
        """Take the world's language."""
        self.world, self.random = world, random
        self.words = wordings(world.language)
        self.english = world.language == "en"

    # --- chance ----------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        """Return True in that share of calls."""
        return self.random.random() < share

    def say(self, key: str, **parts: str) -> str:
        """Return one of the ways to say a part, with its places filled."""
        return self.random.choice(self.words[key]).format(**parts)

    # --- names -----------------------------------------------------------------------------------

    def thing(self, table: str, many: bool = True) -> str:
        """Return what rows of a table are called."""
        noun = self.world.nouns[table]
        forms = noun.many if many else noun.one
        return forms[0] if len(forms) == 1 or self.chance(0.8) else self.random.choice(forms[1:])

    def column(self, field: Field, *, many: bool = False, owner: bool = False) -> str:
        """Return what a column is called; `owner` names its table, too, at times."""
        names = field.names
        name = names[0] if len(names) == 1 or self.chance(0.75) else self.random.choice(names[1:])
        if many and self.english and field.kind.name != "flag" and not _UNCOUNTED.search(name):
            name = plural(name)
        if owner and self.chance(0.5):
            table = field.col.table
            return self.say("owner", n=name, t=self.thing(table), o=self.thing(table, False))
        return name

    def listed(self, parts: Sequence[str]) -> str:
        """Return several parts as people list them."""
        if len(parts) == 1:
            return parts[0]
        comma = ", " if self.english else "、"
        return comma.join(parts[:-1]) + self.say("joint_and") + parts[-1]

    def value(self, field: Field, value: str | int | float) -> str:
        """Return a value as a question says it."""
        phrases = field.phrases.get(str(value))
        if phrases and self.english and self.chance(0.6):
            return self.random.choice(phrases)
        if not isinstance(value, str):
            return self.number(value)
        if re.fullmatch(r"[\d.:\- ]+", value):
            return value
        return self.say("value", v=value, l=value.lower())

    def number(self, value: int | float) -> str:
        """Return a number as a question says it: small ones in words, at times."""
        if self.english and isinstance(value, int) and 1 < value <= 10 and self.chance(0.4):
            return SMALL[value]
        return f"{value:,}" if value >= 10000 and self.chance(0.15) else str(value)

    # --- fields ----------------------------------------------------------------------------------

    def fields(self, table: str) -> list[Field]:
        """Return the columns of a table that say something."""
        return [field for field in self.world.fields[table] if not field.key]

    def shown(self, table: str) -> list[Field]:
        """Return the columns of a table that people ask for: flags are seldom among them."""
        known = self.fields(table)
        return [f for f in known if f.kind.name != "flag" or self.chance(0.15)] or known

    def numbers(self, table: str) -> list[Field]:
        """Return the numeric columns of a table that can be added up or averaged."""
        return [f for f in self.fields(table) if f.numeric and f.kind.name != "year"]

    def groups(self, table: str) -> list[Field]:
        """Return the columns of a table that put rows into groups."""
        found = [
            f
            for f in self.fields(table)
            if (not f.numeric and f.kind.name != "flag") or f.kind.name in ("year", "age")
        ]
        useful = [f for f in found if 1 < len(f.values) <= max(2, self.world.rows[table] * 0.7)]
        return useful or found or self.fields(table)

    def naming(self, table: str) -> Field | None:
        """Return the column that people mean when they ask for the rows of a table."""
        known = self.fields(table)
        return next((f for f in known if f.kind.identifying), known[0] if known else None)

    # --- conditions ------------------------------------------------------------------------------

    def condition(
        self, table: str, field: Field | None = None, *, equal: bool = False
    ) -> Said | None:
        """Draw a condition on a table, and the words that stand at its noun."""
        known = [f for f in self.fields(table) if f.values]
        if not known:
            return None
        field = field or self.random.choice(known)
        if field.kind.name == "flag":
            return self._flag(field)
        if field.nulls and self.chance(0.12) and not equal:
            return self._null(field)
        if (field.numeric or field.kind.moment or field.kind.name == "year") and not equal:
            return self._range(field)
        return self._text(field, equal)

    def _null(self, field: Field) -> Said:
        key = "null" if self.chance(0.7) else "not_null"
        operator = "is null" if key == "null" else "is not null"
        return Compare(field.col, operator), self.say(key, n=self.column(field))

    def _flag(self, field: Field) -> Said:
        value = self.random.choice(field.values)
        said = field.phrases.get(str(value), ())
        condition = Compare(field.col, "=", Lit(value))
        if said and self.english:
            clause = re.match(r"(?:has|have|with|without|no|not|that|who|un)\b", said[0])
            return condition, said[0] if clause else self.say("flag", v=self.random.choice(said))
        return condition, self.say("equal", n=self.column(field), v=str(value))

    def _range(self, field: Field) -> Said:
        value = self.random.choice(field.values)
        draw, kind = self.random.random(), field.kind
        if draw < 0.34:
            return self._compare(field, ">", value, "more", self._special(field, kind.more))
        if draw < 0.6:
            return self._compare(field, "<", value, "less", self._special(field, kind.less))
        if draw < 0.68:
            return self._compare(field, ">=", value, "at_least", ())
        if draw < 0.74:
            return self._compare(field, "<=", value, "at_most", ())
        if draw < 0.84 and len(field.values) > 2:
            pair = self._pair(field)
            low, high = (self.value(field, v) for v in pair)
            special = self._special(field, kind.between)
            text = self._way("between", special, n=self.column(field), v=low, w=high)
            return Compare(field.col, "between", (Lit(pair[0]), Lit(pair[1]))), text
        if draw < 0.89:
            return self._compare(field, "<>", value, "not", ())
        return self._compare(field, "=", value, "equal", self._special(field, kind.equal))

    def _pair(self, field: Field) -> list[str | int | float]:
        drawn = self.random.sample(list(field.values), 2)
        texts = any(isinstance(value, str) for value in drawn)
        return sorted(drawn, key=str) if texts else sorted(drawn)

    def _compare(
        self,
        field: Field,
        operator: str,
        value: str | int | float,
        key: str,
        special: Sequence[str],
    ) -> Said:
        text = self._way(key, special, n=self.column(field), v=self.value(field, value))
        return Compare(field.col, operator, Lit(value)), text

    def _way(self, key: str, special: Sequence[str], **parts: str) -> str:
        if special and self.english and self.chance(0.5):
            return self.random.choice(special).format(**parts)
        return self.say(key, **parts)

    def _special(self, field: Field, ways: Sequence[str]) -> Sequence[str]:
        """Return wordings that do not name a column: none where another one has its kind."""
        alike = [f for f in self.fields(field.col.table) if f.kind is field.kind]
        return ways if len(alike) == 1 else ()

    def _text(self, field: Field, equal: bool) -> Said:
        value = self.random.choice(field.values)
        draw = self.random.random()
        if not equal and isinstance(value, str):
            if draw < 0.1 and len(value) > 3:
                return self._like(field, value)
            if draw < 0.19:
                return self._compare(field, "<>", value, "not", ())
            if draw < 0.26 and len(field.values) > 2:
                pair = self.random.sample(list(field.values), 2)
                v, w = (self.value(field, one) for one in pair)
                text = self.say("either_value", n=self.column(field), v=v, w=w)
                either = Compare(field.col, "in", (Lit(pair[0]), Lit(pair[1])))
                return either, text
        return self._compare(field, "=", value, "equal", field.kind.equal)

    def _like(self, field: Field, value: str) -> Said:
        draw = self.random.random()
        word = self.random.choice(re.findall(r"\w+", value) or [value])
        if draw < 0.55:
            key, operator, pattern = "contains", "like", Pattern(word)
        elif draw < 0.65:
            key, operator, pattern = "not_contains", "not like", Pattern(word)
        elif draw < 0.85:
            start = value[: self.random.choice((1, 1, 2, len(word)))].strip() or value[:1]
            key, operator, pattern = "starts", "like", Pattern(start, before=False)
        else:
            end = value[-self.random.choice((1, 2, 3)) :].strip() or value[-1:]
            key, operator, pattern = "ends", "like", Pattern(end, behind=False)
        shown = self.say("letter" if len(pattern.text) == 1 else "quoted", v=pattern.text)
        return Compare(field.col, operator, pattern), self.say(key, n=self.column(field), v=shown)

    def conditions(
        self, table: str, shares: Sequence[float] = (0.35, 0.5, 0.15)
    ) -> tuple[Bool | None, str]:
        """Draw none, one or two conditions on a table; English words begin with a blank."""
        number = self.random.choices((0, 1, 2), shares)[0]
        drawn = [found for _ in range(number) if (found := self.condition(table))]
        if not drawn:
            return None, ""
        if len(drawn) == 1:
            return drawn[0][0], self.behind(drawn[0][1])
        operator = "and" if self.chance(0.72) else "or"
        mark = self.say("either") if operator == "or" else ""
        text = f"{mark}{drawn[0][1]}{self.say(operator)}{drawn[1][1]}"
        return Junction(operator, (drawn[0][0], drawn[1][0])), self.behind(text)

    def behind(self, text: str) -> str:
        """Return words as they stand at a noun: behind it in English, before it in Chinese."""
        return f" {text}" if self.english else f"{text}的"

    # --- orders ----------------------------------------------------------------------------------

    def order(self, field: Field) -> tuple[Key, str]:
        """Draw an order by a column, and its words."""
        descending = self.chance(0.5)
        kind = field.kind
        special = self._special(field, kind.descending if descending else kind.ascending)
        key = Key(field.col, descending)
        if special and self.english and self.chance(0.3):
            return key, self.say("order_special", s=self.random.choice(special))
        words = not descending and not field.numeric and not field.kind.moment
        way = "alphabetical" if words and self.chance(0.4) else "ascending"
        return key, self.say("descending" if descending else way, n=self.column(field))

    def superlative(self, field: Field, descending: bool, noun: str) -> str:
        """Return a noun with the most or least of a column."""
        kind = field.kind
        special = self._special(field, kind.most if descending else kind.least)
        if special and self.english and self.chance(0.5):
            return self.say("superlative_special", s=self.random.choice(special), t=noun)
        most = self.say("most" if descending else "least")
        return self.say("superlative", t=noun, s=most, n=self.column(field))

    # --- frames ----------------------------------------------------------------------------------

    def different(self, what: str) -> str:
        """Return what is shown, said to be of different values."""
        return f"{self.say('distinct')}{' ' if self.english else ''}{what}"

    def rows(self) -> str:
        """Return what count(*) is called."""
        return self.say("rows")

    def ask(self, what: str) -> str:
        """Return a request for something, as a question or an order."""
        if self.chance(0.42):
            return self.say("question", w=what)
        mark = self.random.choice((".", "", "", "?")) if self.english else ""
        return self.say("order", w=self.say("the", w=what)) + mark

    def finish(self, text: str) -> str:
        """Return a question with its first letter large, mostly, and single blanks."""
        text = re.sub(r"\s+([?.,])", r"\1", re.sub(r"\s+", " ", text)).strip()
        return text[0].upper() + text[1:] if self.chance(0.85) else text
