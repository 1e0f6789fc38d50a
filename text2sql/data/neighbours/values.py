"""Draw cells: values of the original, values next to the constants of gold, values at the edge.

    >>> around("France", column)
    ['France', 'FRANCE', 'france', 'Francex', 'xFrance', 'Franc']

Covered: a cell keeps the storage class and text format of its column; flags keep their two values.
Not covered: formats other than ISO dates and numbers kept as text: there, values of the original
and constants of gold are all there is.
"""

import re
from datetime import date, timedelta
from random import Random

from text2sql.data.neighbours.demands import Demand
from text2sql.data.neighbours.profiles import ColumnProfile, Value

_WORDS = ("amber", "birch", "cedar", "delta", "ember", "flint", "grove", "hazel", "iris", "juno")
_LARGE = 1_000_003


def around(constant: Value, column: ColumnProfile) -> list[Value]:
    """Return a constant and its neighbours, as the column would store them; nothing if it cannot.

    Args:
        constant: from a gold query.
        column: that the query compares it with.
    """
    value = coerce(constant, column)
    if value is None:
        return []
    if column.closed:
        return [value] if value in column.values else []
    if isinstance(value, int):
        return [value, value - 1, value + 1]
    if isinstance(value, float):
        return [value, value - 0.5, value + 0.5]
    if isinstance(value, str):
        return [value, *_texts_around(value, column.form)]
    return [value]


def coerce(constant: Value, column: ColumnProfile) -> Value:
    """Return a constant in the storage class and format of a column, or None."""
    text = str(constant)
    try:
        match column.kind:
            case "integer":
                return int(float(text))
            case "real":
                return float(text)
            case "text":
                return text if _fits(text, column.form) else None
    except (ValueError, OverflowError):
        return None
    return None


def _fits(text: str, form: str) -> bool:
    if form == "number":
        return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
    return form != "date" or re.match(r"\d{4}-\d{2}-\d{2}", text) is not None


def _texts_around(text: str, form: str) -> list[Value]:
    match form:
        case "number":
            return [_add(text, -1), _add(text, 1)]
        case "date":
            return [_shift(text, -1), _shift(text, 1)]
        case "free":
            cases: list[Value] = [text.upper(), text.lower(), f"{text}x", f"x{text}", text[:-1]]
            return [each for each in dict.fromkeys(cases) if each not in (text, "")]
    return []


def _add(text: str, step: int) -> str:
    whole, point, rest = text.partition(".")
    return f"{int(whole) + step}{point}{rest}"


def _shift(text: str, days: int) -> str:
    try:
        return f"{date.fromisoformat(text[:10]) + timedelta(days=days)}{text[10:]}"
    except (ValueError, OverflowError):
        return text


def matching(pattern: str, random: Random) -> str:
    """Return a text that a LIKE pattern matches, or just misses."""
    text = re.sub(r"%", lambda _: random.choice(("", random.choice(_WORDS))), pattern)
    text = re.sub(r"_", lambda _: random.choice("aeiou"), text)
    return random.choice((text, text, text.upper(), text[1:], f"{text}x", f"x{text}"))


class Cells:
    """Draws the cells of one column for one copy.

    Args:
        column: what its cells look like.
        demand: what gold asks of it.
        random: where choices come from.
        edge: how often a value at the edge is drawn, 0 to 1.
        nulls: how often NULL is drawn, where the column takes it.
    """

    def __init__(
        self, column: ColumnProfile, demand: Demand, random: Random, *, edge: float, nulls: float
    ) -> None:
        self.column, self.demand, self.random = column, demand, random
        near = [around(constant, column) for constant in demand.constants]
        self.near = [values for values in near if values]
        self.patterns = demand.patterns if column.kind == "text" and not column.closed else ()
        free = column.kind != "text" or column.form == "free"
        self.edge = edge if free and not column.closed else 0.0
        steady = demand.sorts or demand.grouped  # NULL there makes min and ORDER BY disagree
        self.nulls = max(0.0 if steady else nulls, column.nulls) if column.nullable else 0.0

    def draw(self) -> Value:
        """Return one cell."""
        random = self.random
        if random.random() < self.nulls:
            return None
        chance = random.random()
        if self.near and chance < 0.45:
            values = random.choice(self.near)
            return values[0] if random.random() < 0.5 else random.choice(values)
        if self.patterns and chance < 0.6:
            return matching(random.choice(self.patterns), random)
        if chance > 1 - self.edge:
            return self._edge()
        return random.choice(self.column.values) if self.column.values else self.fresh(set())

    def _edge(self) -> Value:
        match self.column.kind:
            case "integer":
                return self.random.choice((0, -1, 1, _LARGE))
            case "real":
                return self.random.choice((0.0, -1.5, 1.0, float(_LARGE)))
            case "text":
                return self.random.choice(("", "0", " "))
        return self.random.choice(self.column.values) if self.column.values else None

    def fresh(self, taken: set[Value]) -> Value:
        """Return a value that is not taken; None where the column has no further one."""
        for _ in range(8):
            value = self.draw() if self.column.values else self._invent()
            if value is not None and value not in taken:
                return value
        left = [value for value in self.column.values if value not in taken]
        if left or self.column.closed:
            return self.random.choice(left) if left else None
        return next((v for v in (self._invent() for _ in range(20)) if v not in taken), None)

    def _invent(self) -> Value:
        random, column = self.random, self.column
        numbers = [value for value in column.values if isinstance(value, int | float)]
        top = int(max(numbers, default=20)) + 40
        match column.kind:
            case "integer":
                return random.randint(1, max(top, 60))
            case "real":
                return random.randint(2, 4 * max(top, 60)) / 4
            case "text":
                return self._invent_text()
        return random.randbytes(4)

    def _invent_text(self) -> Value:
        random, column = self.random, self.column
        match column.form:
            case "number":
                return str(random.randint(1, 999))
            case "date":
                base = random.choice(column.values) if column.values else "2015-06-15"
                return _shift(str(base), random.randint(-400, 400))
            case "free":
                return f"{random.choice(_WORDS)} {random.choice(_WORDS)}"
        # coded: another digit at the end keeps the look of a code, and of a time of day
        base = str(random.choice(column.values))
        return re.sub(r"\d(?=\D*\Z)", lambda _: str(random.randint(0, 9)), base)


def group_sizes(total: int, wanted: tuple[int, ...]) -> list[int]:
    """Return sizes of groups, all different, so that an order by size leaves no choice.

    Args:
        total: rows to spread, exceeded where `wanted` needs it.
        wanted: sizes that gold compares with; their neighbours come first.
    """
    near = [size for each in wanted for size in (each, each + 1, each - 1) if size > 0]
    sizes = list(dict.fromkeys(near))
    step = 1
    while sum(sizes) + step <= total:
        if step not in sizes:
            sizes.append(step)
        step += 1
    return sizes or [1]
