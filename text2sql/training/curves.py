"""The curves of a run as a PNG: loss, execution accuracy with its band, reward, rate, speed.

    >>> draw_curves(History(folder).records(), folder / "curves.png")
    True

Covered: panels one above the other on the same axis of steps; what was never measured has none;
values that are no numbers are left out.
Not covered: anything that a person can point at or zoom (`report_to` names services with that).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from text2sql.training.history import METRIC

CURVES = "curves.png"
WIDTH, HEIGHT = 900, 230  # pixels of one panel
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 34, 26  # its margins
SCALE = 2  # drawn so much larger, then reduced: that smooths the lines
INK, FRAME, LINE, BAND = "#222222", "#d0d0d0", "#1f6fb4", "#cfe2f3"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Panel:
    """One curve: a title, its points, and for each the ends of its interval if it has one."""

    title: str
    points: list[Point]
    band: list[tuple[float, float, float]]  # step, low, high
    percent: bool = False


def draw_curves(records: Sequence[Mapping[str, Any]], path: Path) -> bool:
    """Draw the history of a run.

    Args:
        records: as in history.jsonl.
        path: of the PNG; the old one is replaced.

    Returns:
        Whether there was anything to draw, and Pillow to draw it with.
    """
    panels = [panel for panel in _panels(records) if panel.points]
    if not panels or find_spec("PIL") is None:
        return False
    from PIL import Image, ImageDraw

    size = WIDTH, HEIGHT * len(panels)
    image = Image.new("RGB", (size[0] * SCALE, size[1] * SCALE), "white")
    last = max(point[0] for panel in panels for point in panel.points)
    for place, panel in enumerate(panels):
        _Axes(ImageDraw.Draw(image), place * HEIGHT, panel, last).draw()
    scratch = path.with_suffix(".tmp")
    image.resize(size, Image.Resampling.LANCZOS).save(scratch, format="PNG")
    scratch.replace(path)
    return True


def _panels(records: Sequence[Mapping[str, Any]]) -> list[Panel]:
    measured = [record for record in records if METRIC in record]
    band = [(r["step"], r["low"], r["high"]) for r in measured]
    return [
        Panel("loss", _points(records, "loss"), []),
        Panel("execution accuracy, with its 95 % interval", _points(records, METRIC), band, True),
        Panel("reward", _points(records, "reward"), []),
        Panel("pairs ranked right", _points(records, "rewards/accuracies"), [], True),
        Panel("learning rate", _points(records, "learning_rate"), []),
        Panel("tokens per second", _points(records, "tokens_per_second"), []),
    ]


def _points(records: Sequence[Mapping[str, Any]], key: str) -> list[Point]:
    return [(r["step"], r[key]) for r in records if key in r and math.isfinite(r[key])]


class _Axes:
    """One panel on the picture; lengths are pixels of the finished picture."""

    def __init__(self, draw: Any, top: int, panel: Panel, last: float) -> None:
        from PIL import ImageFont

        self.draw_on, self.top, self.panel, self.last = draw, top, panel, max(last, 1)
        values = [value for _, value in panel.points]
        values += [end for _, low, high in panel.band for end in (low, high)]
        self.ticks = ticks(0.0 if panel.percent else min(values), max(values))
        self.font = ImageFont.load_default(size=12 * SCALE)

    def draw(self) -> None:
        self._grid()
        if len(self.panel.band) > 1:
            there = [self._at(step, high) for step, _, high in self.panel.band]
            back = [self._at(step, low) for step, low, _ in reversed(self.panel.band)]
            self.draw_on.polygon([*there, *back], fill=BAND)
        line = [self._at(*point) for point in self.panel.points]
        self.draw_on.line(line, fill=LINE, width=2 * SCALE, joint="curve")
        if self.panel.band or len(line) == 1:
            for x, y in line:
                r = 3 * SCALE
                self.draw_on.ellipse((x - r, y - r, x + r, y + r), fill=LINE)
        self._text((LEFT, self.top + 8), self.panel.title, anchor="la")

    def _grid(self) -> None:
        for value in self.ticks:
            start, end = self._at(0, value), self._at(self.last, value)
            self.draw_on.line([start, end], fill=FRAME, width=SCALE)
            y = start[1] / SCALE
            self._text((LEFT - 8, y), self._number(value), anchor="rm")
        for step in whole_ticks(self.last):
            x = self._at(step, self.ticks[0])[0] / SCALE
            self._text((x, self.top + HEIGHT - BOTTOM + 6), f"{step:,}", anchor="ma")

    def _at(self, step: float, value: float) -> Point:
        low, high = self.ticks[0], self.ticks[-1]
        x = LEFT + step / self.last * (WIDTH - LEFT - RIGHT)
        share = (value - low) / (high - low)
        y = self.top + TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)
        return x * SCALE, y * SCALE

    def _number(self, value: float) -> str:
        return f"{value:.0%}" if self.panel.percent else f"{value:,.4g}"

    def _text(self, place: Point, text: str, *, anchor: str) -> None:
        scaled = place[0] * SCALE, place[1] * SCALE
        self.draw_on.text(scaled, text, fill=INK, font=self.font, anchor=anchor)


def ticks(low: float, high: float, *, about: int = 4) -> list[float]:
    """Return round numbers that enclose a range: multiples of 1, 2 or 5 times a power of ten."""
    if high - low < 1e-12 * max(abs(high), 1e-12):
        pad = max(abs(low), abs(high)) / 2 or 0.5
        low, high = low - pad, high + pad
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)]


def whole_ticks(last: float) -> list[int]:
    """Return the steps that are written under a panel: 0, and round numbers up to the last."""
    return sorted({int(tick) for tick in ticks(0, last, about=6) if tick <= last})
