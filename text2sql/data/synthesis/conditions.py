"""Conditions on one column, each made together with its words.

    >>> condition(speaker, "singer")
    (Compare(Col('singer', 'age'), '>', Lit(30)), 'older than 30')

Words stand behind the noun of the rows ("older than 30"), or before it where one adjective says it
("French"): see `grammar.modifier`.

Covered: comparison, ranges, months and years, two values, parts of texts, missing values, what has
not happened yet, flags.
Not covered: conditions with a query inside, which the families word.
"""

import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from text2sql.data.synthesis import grammar
from text2sql.data.synthesis.deeds import ages, deed, is_own, standing
from text2sql.data.synthesis.grammar import is_plural, modifier
from text2sql.data.synthesis.makers import demonyms
from text2sql.data.synthesis.queries import Compare, Lit, Pattern
from text2sql.data.synthesis.saying import period_words
from text2sql.data.synthesis.worlds import Field

if TYPE_CHECKING:
    from text2sql.data.synthesis.speaking import Speaker

PERIODS = 0.35  # share of the conditions on moments that are of a month or a year

Said = tuple[Compare, str]
Value = str | int | float
SHARED = 0.6  # different values for each row, of a column whose values several rows share

_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, ">": operator.lt, "<": operator.gt,
    ">=": operator.le, "<=": operator.ge,
}  # fmt: skip
_ADJECTIVE = re.compile(r"[^\W\d_]{3,}(?:[- ][^\W\d_]+)?")
_CLAUSE = re.compile(
    r"(?:with|without|that|who|which|of|on|in|at|by|for|from|under|behind|\w{2,}ing)\b"
)
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_AT = re.compile(r"\b(?:on|at|dated) \{v\}")
_DATED = re.compile("(?:日期|时间)$")
_VERB = re.compile(r"(?:has|have|had|was|were)\b")


def condition(
    speaker: "Speaker",
    table: str,
    field: Field | None = None,
    *,
    equal: bool = False,
    shared: bool = False,
) -> Said | None:
    """Draw a condition on a table, and the words that stand at its noun.

    Args:
        speaker: words it.
        table: full name.
        field: the column; None draws one.
        equal: no range of numbers and no missing values.
        shared: one that several rows fulfil, so that another one beside it says something.
    """
    known = [f for f in speaker.fields(table) if f.values]
    if shared:
        most = SHARED * speaker.world.rows.get(table, 0)
        known = [f for f in known if len(f.values) <= most or (f.numeric and not equal)] or known
    if not known:
        return None
    field = field or speaker.drawn(known)[0]
    if not field.values:
        return None
    if field.kind.name == "flag":
        return _flag(speaker, field)
    if field.nulls and speaker.chance(0.12) and not equal:
        return _null(speaker, field)
    if (field.numeric or field.kind.calendar) and not equal:
        return _range(speaker, field)
    return _text(speaker, field, equal)


def worded(speaker: "Speaker", key: str, field: Field, **parts: str) -> str:
    """Say a condition in the manner of its column: of a moment, of a count, or of any other."""
    name = speaker.column(field)
    several = speaker.english and is_plural(name)
    manner = "number" if field.numeric else ""
    manner = "moment" if field.kind.calendar else "count" if several and manner else manner
    form = f"{key}_{manner}"
    return speaker.say(
        form if form in speaker.words else key,
        n=name,
        a="" if several else "a ",
        verb_be="are" if several else "is",
        who=speaker.who(field.col.table),
        **parts,
    )


def _null(speaker: "Speaker", field: Field) -> Said:
    key = "null" if speaker.chance(0.7) else "not_null"
    operator = "is null" if key == "null" else "is not null"
    found = Compare(field.col, operator)
    happens = field.kind.moment and not field.kind.person  # everybody has been born
    if happens and speaker.chance(0.75) and (said := _standing(speaker, field, key)):
        return found, said
    return found, worded(speaker, key, field)


def _standing(speaker: "Speaker", field: Field, key: str) -> str | None:
    """Word a date that is missing by what has not happened: "not yet paid"."""
    noun = speaker.world.nouns[field.col.table].one[0]
    done = key == "not_null"
    if not speaker.english:
        verb = _DATED.sub("", field.names[0])
        ways = ("已{v}", "已经{v}") if done else ("尚未{v}", "还没有{v}", "还没{v}", "仍未{v}")
        return speaker.random.choice(ways).format(v=verb) if 2 <= len(verb) <= 3 else None
    said = next((d for name in field.names if (d := deed(name, noun))), None)
    if said is None or (ages(said) and not done):
        return None
    text = speaker.random.choice(standing(said, done=done))
    text = text.replace("that ", f"{speaker.who(field.col.table)} ", 1)
    if _ADJECTIVE.fullmatch(text) and " " not in text:
        behind = speaker.say("flag", v=text, who=speaker.who(field.col.table))
        return modifier(speaker.table_number(field.col.table), text, behind)
    return text.replace(" have ", f" {speaker.verbs['have']} ", 1)


# --- numbers and moments --------------------------------------------------------------------------


def special(speaker: "Speaker", field: Field, part: str) -> tuple[str, ...]:
    """Return the wordings that say a column without naming it: none that fits another one, too.

    Args:
        speaker: knows the other columns of the table.
        field: the column.
        part: of its kind: `more`, `most` and so on.
    """
    table, kind = field.col.table, field.kind
    noun = speaker.world.nouns[table]
    if not speaker.english or (kind.person and not noun.person):
        return ()
    others = [f for f in speaker.fields(table) if f is not field]
    plain_date = kind.calendar and not kind.name.startswith("birth")
    if plain_date and not is_own(field.names[0], noun.one[0]):
        return _done(field, noun.one[0], part)
    if kind.own and not set(field.names[0].split()) <= {*kind.own, *noun.one[0].split()}:
        return ()
    ways: tuple[str, ...] = getattr(kind, part)
    if part == "equal":
        ways += kind.people if noun.person else kind.things
    taken = {way for other in others for way in getattr(other.kind, part)}
    return tuple(way for way in ways if way not in taken)


def asks(speaker: "Speaker", field: Field) -> tuple[str, ...]:
    """Return questions for a column of one row, {t}, that do not name it: "how old is {t}?"."""
    noun = speaker.world.nouns[field.col.table]
    if field.kind.calendar:
        said = next((s for name in field.names if (s := deed(name, noun.one[0]))), "")
        done = said.removeprefix("were ")
        return (f"when was {{t}} {done}?",) if said.startswith("were ") else ()
    names = set(field.names[0].split())
    if field.kind.own and not names <= {*field.kind.own, *noun.one[0].split()}:
        return ()
    if field.kind.asks_where and noun.person:
        return ("where is {t} from?", "where does {t} live?")
    return field.kind.asks


def _done(field: Field, noun: str, part: str) -> tuple[str, ...]:
    """Word a date by what happened on it."""
    said = next((d for name in field.names if (d := deed(name, noun))), None)
    if said is None:
        return ()
    bare = said.removeprefix("were ")
    forms = [f"that {said}", bare] if bare != said else [f"that {said}"]
    at = "in" if field.kind.numeric else "on"
    if field.kind.name == "time" or field.kind.name == "datetime":
        at = "at"
    behind = {
        "more": ("after {v}", "later than {v}"),
        "less": ("before {v}", "earlier than {v}"),
        "between": ("between {v} and {w}",),
        "equal": (f"{at} {{v}}",),
    }
    if part in behind:
        return tuple(f"{form} {way}" for form in forms for way in behind[part])
    if bare == said:
        return ()
    if part == "most":
        return (f"most recently {bare}", *(["newest"] if ages(said) else []))
    return (f"first {bare}", *(["oldest"] if ages(said) else [])) if part == "least" else ()


def _value(speaker: "Speaker", field: Field, sign: str) -> Value:
    """Draw a value that a comparison with it lets the witness through, where there is one."""
    seen = speaker.witness.value(field)
    if seen is None:
        return speaker.random.choice(field.values)
    if sign == "=":
        return seen
    holds = _HOLDS[sign]
    return speaker.random.choice([v for v in field.values if holds(v, seen)] or field.values)


def _range(speaker: "Speaker", field: Field) -> Said:
    if field.kind.moment and speaker.chance(PERIODS):
        found = _period(speaker, field, _value(speaker, field, "="))
        if found is not None:
            return found
    draw = speaker.random.random()
    if draw < 0.38:
        return _compare(speaker, field, ">", "more")
    if draw < 0.58:
        return _compare(speaker, field, "<", "less")
    if draw < 0.67:
        return _compare(speaker, field, ">=", "at_least")
    if draw < 0.71:
        return _compare(speaker, field, "<=", "at_most")
    if draw < 0.81 and len(field.values) > 2:
        pair = _pair(speaker, field)
        low, high = (speaker.value(field, v) for v in pair)
        text = way(speaker, "between", field, v=low, w=high)
        return Compare(field.col, "between", (Lit(pair[0]), Lit(pair[1]))), text
    if draw < 0.85:
        return _compare(speaker, field, "<>", "not")
    return _compare(speaker, field, "=", "equal")


def _period(speaker: "Speaker", field: Field, value: Value) -> Said | None:
    """Draw the month or the year of a moment: "in March 2023".

    A moment is compared as a text, which is how SQLite keeps it.
    """
    if speaker.world.schema.dialect != "sqlite" or not _ISO.match(str(value)):
        return None
    period = str(value)[: 7 if speaker.chance(0.6) else 4]
    found = Compare(field.col, "like", Pattern(period, before=False))
    said = period_words(period, speaker.random, speaker.world.language)
    ways = special(speaker, field, "equal")
    ways = tuple(dict.fromkeys(_AT.sub("in {v}", way) for way in ways))
    if ways and speaker.chance(0.65):
        way = speaker.random.choice(ways)
        return found, way.format(v=said, who=speaker.who(field.col.table), **speaker.verbs)
    return found, worded(speaker, "period", field, v=said)


def _pair(speaker: "Speaker", field: Field) -> list[Value]:
    """Draw the ends of a range, on either side of the witness."""
    drawn = speaker.random.sample(list(field.values), 2)
    low, high = sorted(drawn, key=str if any(isinstance(v, str) for v in drawn) else None)
    if (seen := speaker.witness.value(field)) is not None:
        low, high = _value(speaker, field, ">="), _value(speaker, field, "<=")
        low, high = (low, high) if low != high else sorted((seen, drawn[drawn[0] == seen]))
    return [low, high]


def _compare(
    speaker: "Speaker", field: Field, operator: str, key: str, value: Value | None = None
) -> Said:
    value = _value(speaker, field, operator) if value is None else value
    text = way(speaker, key, field, v=speaker.value(field, value))
    return Compare(field.col, operator, Lit(value)), text


def way(speaker: "Speaker", key: str, field: Field, **parts: str) -> str:
    """Say a condition by the wordings of its column's kind, or by those of all columns."""
    ways = special(speaker, field, key) if key in ("more", "less", "between", "equal") else ()
    if ways and speaker.chance(0.65):
        chosen = speaker.random.choice(ways)
        if "{n}" in chosen:
            parts["n"] = speaker.column(field)
        return chosen.format(who=speaker.who(field.col.table), **speaker.verbs, **parts)
    return worded(speaker, key, field, **parts)


# --- texts ----------------------------------------------------------------------------------------


def _text(speaker: "Speaker", field: Field, equal: bool) -> Said:
    value = _value(speaker, field, "=")
    draw = speaker.random.random()
    if not equal and isinstance(value, str):
        if draw < 0.1 and len(value) > 3:
            return _like(speaker, field, value)
        if draw < 0.17:
            return _compare(speaker, field, "<>", "not")
        if draw < 0.22 and len(field.values) > 2:
            pair = [value, speaker.random.choice([v for v in field.values if v != value])]
            speaker.random.shuffle(pair)
            v, w = (speaker.value(field, one) for one in pair)
            text = worded(speaker, "either_value", field, v=v, w=w)
            return Compare(field.col, "in", (Lit(pair[0]), Lit(pair[1]))), text
    found, text = _compare(speaker, field, "=", "equal", value)
    names_row = field.names_rows and field.kind.name in ("name", "title")
    if names_row and speaker.english and speaker.chance(0.5):
        return found, grammar.name(speaker.value(field, value), text)
    people = demonyms().get(str(value)) if field.kind.name == "country" else None
    if people and speaker.english and speaker.chance(0.15):
        return found, modifier(speaker.table_number(field.col.table), people, text)
    if _is_adjective(speaker, field, value) and speaker.chance(0.4):
        said = str(value) if field.kind.person or speaker.chance(0.4) else str(value).lower()
        text = modifier(speaker.table_number(field.col.table), said, text)
    return found, text


def _is_adjective(speaker: "Speaker", field: Field, value: Value) -> bool:
    if not (speaker.english and field.kind.adjective and isinstance(value, str)):
        return False
    code = value.isupper() and len(value) < 5
    return bool(_ADJECTIVE.fullmatch(value)) and not code and not is_plural(value.lower())


def _like(speaker: "Speaker", field: Field, value: str) -> Said:
    draw = speaker.random.random()
    word = speaker.random.choice(re.findall(r"\w+", value) or [value])
    if draw < 0.55:
        key, operator, pattern = "contains", "like", Pattern(word)
    elif draw < 0.65:
        key, operator, pattern = "not_contains", "not like", Pattern(word)
    elif draw < 0.85:
        start = value[: speaker.random.choice((1, 1, 2, len(word)))].strip() or value[:1]
        key, operator, pattern = "starts", "like", Pattern(start, before=False)
    else:
        end = value[-speaker.random.choice((1, 2, 3)) :].strip() or value[-1:]
        key, operator, pattern = "ends", "like", Pattern(end, behind=False)
    shown = speaker.say("letter" if len(pattern.text) == 1 else "quoted", v=pattern.text)
    return Compare(field.col, operator, pattern), worded(speaker, key, field, v=shown)


# --- flags ----------------------------------------------------------------------------------------


def _flag(speaker: "Speaker", field: Field) -> Said:
    value = _value(speaker, field, "=")
    found = Compare(field.col, "=", Lit(value))
    if not speaker.english:
        return found, _chinese_flag(speaker, field, value)
    said = field.phrases.get(str(value), ())
    if not said:
        return found, speaker.say("flag_value", n=speaker.column(field), v=str(value))
    text = speaker.random.choice(said)
    if _VERB.match(text):
        return found, f"{speaker.who(field.col.table)} {text}"
    if _CLAUSE.match(text):
        return found, text
    behind = speaker.say("flag", v=text, who=speaker.who(field.col.table))
    adjective = _ADJECTIVE.fullmatch(text) and not is_plural(text) and not text.startswith("not ")
    if adjective and speaker.chance(0.6):
        return found, modifier(speaker.table_number(field.col.table), text, behind)
    return found, behind


_ON = {"1", "yes", "y", "t", "true"}


def _chinese_flag(speaker: "Speaker", field: Field, value: Value) -> str:
    """Say a flag by what is asked: 是否退休 is 退休 where it is on, 未退休 where it is off."""
    name = speaker.column(field)
    asked = name.replace("是否", "", 1).replace("可否", "可", 1)
    if asked == name:
        return speaker.say("flag_value", n=name, v=str(value))
    if str(value).lower() in _ON:
        return asked.removeprefix("已") if speaker.chance(0.3) else asked
    if asked.startswith("有"):
        return "没" + asked
    if asked.startswith(("可", "需", "含", "支持", "允许", "使用", "对", "供")):
        return "不" + asked
    return speaker.random.choice(("未", "没有", "并未")) + asked.removeprefix("已")
