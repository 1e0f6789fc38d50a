"""Make plausible values for a column of an invented database, by its semantic kind.

>>> make(attribute, 5, Random(1))
['jazz', 'pop', 'jazz', 'folk', 'rock']
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from text2sql.data.synthesis.kinds import kinds
from text2sql.data.synthesis.lexicon import Attribute

Value = str | int | float

_FIRST_DAY = date(1990, 1, 1)
_TEXTS = (
    "see notes", "call back", "needs review", "second edition", "on request", "as agreed",
    "not urgent", "good condition", "to be confirmed", "see appendix", "new in stock",
)  # fmt: skip


@cache
def pools() -> dict[str, list[Any]]:
    """Return the words that values are made from."""
    path = Path(__file__).with_name("makers.yaml")
    read: dict[str, list[Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


@cache
def demonyms() -> dict[str, str]:
    """Return what is said of things and people from a country: `French` of France."""
    p = pools()
    return dict(zip(p["demonym_countries"], p["demonyms"], strict=True))


def make(attribute: Attribute, count: int, random: Random, *, language: str = "en") -> list[Value]:
    """Return values, some of them equal, in the style that one column has."""
    values = attribute.values
    if language == "zh" and attribute.zh_values:
        values = attribute.zh_values
    if values:
        cased = _cased(values, random)
        if attribute.kind in ("name", "title"):  # each as rarely again as there are enough of them
            return [cased[i % len(cased)] for i in random.sample(range(count), count)]
        return _drawn(cased, count, random)
    maker = _MAKERS.get(attribute.kind)
    if maker is not None:
        return maker(attribute, count, random, language)
    if kinds()[attribute.kind].numeric or attribute.range is not None:
        return _numbers(attribute, count, random)
    return [random.choice(_TEXTS) for _ in range(count)]


def _drawn(values: Sequence[Value], count: int, random: Random) -> list[Value]:
    weights = [random.random() + 0.1 for _ in values]
    return random.choices(list(values), weights, k=count)


def _cased(values: Sequence[str], random: Random) -> list[Value]:
    style = random.random()
    if style < 0.6:
        return list(values)
    return [value.title() if style < 0.9 else value.upper() for value in values]


def _numbers(attribute: Attribute, count: int, random: Random) -> list[Value]:
    low, high = attribute.range or (1, 100)
    if isinstance(low, float) or isinstance(high, float):
        return [round(random.uniform(low, high), random.choice((1, 2))) for _ in range(count)]
    coarse = 10 ** max(0, len(str(int(high))) - 2) if random.random() < 0.5 else 1
    coarse = 1 if attribute.kind == "year" else coarse
    low, high = int(low), int(high)
    drawn = (random.randint(low, high) for _ in range(count))
    return [max(low, n // coarse * coarse) if high > 200 and coarse > 1 else n for n in drawn]


def _pool(name: str) -> Callable[..., list[Value]]:
    def maker(attribute: Attribute, count: int, random: Random, language: str) -> list[Value]:
        pool = pools().get(f"zh_{name}") if language == "zh" else None
        few = random.sample(pool or pools()[name], min(len(pool or pools()[name]), 12))
        return _drawn(few, count, random)

    return maker


def _names(attribute: Attribute, count: int, random: Random, language: str) -> list[Value]:
    if language == "zh":
        return [_chinese(attribute.maker, random) for _ in range(count)]
    return [_named(attribute.maker or "word", random) for _ in range(count)]


def _chinese(maker: str | None, random: Random) -> str:
    p = pools()
    if maker == "person":
        return str(random.choice(p["zh_last_names"])) + str(random.choice(p["zh_first_names"]))
    return "".join(random.sample(p["zh_words"], 2 if random.random() < 0.4 else 1))


def _named(maker: str, random: Random) -> str:
    p = pools()
    pick = {key: str(random.choice(p[key])) for key in ("first_names", "last_names", "nouns")}
    adjective, noun = str(random.choice(p["adjectives"])), pick["nouns"]
    second = str(random.choice(p["nouns"]))
    match maker:
        case "person":
            return f"{pick['first_names']} {pick['last_names']}"
        case "company":
            end = random.choice(p["company_ends"])
            return random.choice(
                (f"{noun} {end}", f"{pick['last_names']} {end}", f"{noun}{second.lower()}")
            )
        case "place":
            end = random.choice(p["place_ends"])
            return random.choice((f"{adjective} {noun}", f"{noun} {end}", f"{adjective} {end}"))
        case "title":
            return random.choice(
                (f"The {adjective} {noun}", f"{adjective} {noun}", f"{noun} of the {second}",
                 f"A {noun} in {random.choice(p['cities'])}", noun)
            )  # fmt: skip
        case "product":
            return random.choice(
                (f"{noun} {random.choice(p['product_ends'])}", f"{adjective} {noun}")
            )
        case "team":
            return f"{random.choice(p['cities'])} {random.choice(p['team_ends'])}"
    return random.choice((noun, f"{adjective} {noun}", adjective))


def _dates(attribute: Attribute, count: int, random: Random, language: str) -> list[Value]:
    span = random.choice((700, 4000, 12000))
    start = _FIRST_DAY + timedelta(days=12000 - span)
    days = [start + timedelta(days=random.randrange(span)) for _ in range(count)]
    if attribute.kind == "date":
        return [day.isoformat() for day in days]
    return [f"{day.isoformat()} {_clock(random)}" for day in days]


def _clock(random: Random) -> str:
    return f"{random.randrange(24):02d}:{random.choice((0, 15, 30, 45)):02d}:00"


def _times(attribute: Attribute, count: int, random: Random, language: str) -> list[Value]:
    return [_clock(random) for _ in range(count)]


def _flags(attribute: Attribute, count: int, random: Random, language: str) -> list[Value]:
    pair: tuple[Value, Value] = random.choice(
        ((1, 0), ("yes", "no"), ("Y", "N"), ("T", "F"), (1, 0))
    )
    return [random.choice(pair) for _ in range(count)]


def _genders(attribute: Attribute, count: int, random: Random, language: str) -> list[Value]:
    return _drawn(random.choice(pools()["genders"]), count, random)


def _codes(attribute: Attribute, count: int, random: Random, language: str) -> list[Value]:
    pattern = attribute.pattern or "AA99"
    letters = "ABCDEFGHKLMNPRSTUVWXYZ"

    def one() -> str:
        picks = {"A": lambda: random.choice(letters), "9": lambda: str(random.randrange(10))}
        return "".join(picks[c]() if c in picks else c for c in pattern)

    return [one() for _ in range(count)]


def _addresses(attribute: Attribute, count: int, random: Random, language: str) -> list[Value]:
    return [f"{random.randint(1, 300)} {random.choice(pools()['streets'])}" for _ in range(count)]


def _emails(attribute: Attribute, count: int, random: Random, language: str) -> list[Value]:
    p = pools()
    return [
        f"{random.choice(p['first_names'])}.{random.choice(p['nouns'])}@example.com".lower()
        for _ in range(count)
    ]


def _phones(attribute: Attribute, count: int, random: Random, language: str) -> list[Value]:
    return [
        f"+{random.randint(1, 99)} {random.randint(200, 999)} {random.randint(1000, 9999)}"
        for _ in range(count)
    ]


def _urls(attribute: Attribute, count: int, random: Random, language: str) -> list[Value]:
    return [f"https://{random.choice(pools()['nouns']).lower()}.example.com" for _ in range(count)]


_MAKERS: dict[str, Callable[[Attribute, int, Random, str], list[Value]]] = {
    "name": _names, "title": _names,
    "first name": _pool("first_names"), "last name": _pool("last_names"),
    "country": _pool("countries"), "nationality": _pool("nationalities"),
    "language": _pool("languages"), "city": _pool("cities"), "place": _pool("cities"),
    "state": _pool("states"), "colour": _pool("colours"), "gender": _genders, "flag": _flags,
    "date": _dates, "datetime": _dates, "time": _times, "code": _codes, "postcode": _codes,
    "address": _addresses, "street": _pool("streets"), "email": _emails, "phone": _phones,
    "url": _urls,
}  # fmt: skip
