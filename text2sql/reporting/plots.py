"""Plots for the HTML report, as inline SVG: no script, no font, nothing that is loaded.

    >>> svg = risk_coverage_plot(card["risk_coverage"])
    >>> svg[:4]
    '<svg'

Covered: accuracy of the answered questions by the share of questions that is answered, with its
95 % band; colours that follow the page.
Not covered: anything that a person can point at or zoom.
"""

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT = 460, 260  # units of the picture
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 40  # margins
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def risk_coverage_plot(curve: Mapping[str, Any]) -> str:
    """Return the curve of selective prediction as SVG.

    Args:
        curve: the scorecard's `risk_coverage`: `points` with coverage, accuracy, low and high.

    Returns:
        Markup made of numbers and of our own words alone: it needs no escaping.
    """
    points = curve["points"]
    banded = [point for point in points if point["low"] is not None]
    line = _path([(point["coverage"], point["accuracy"]) for point in points])
    upper = [(point["coverage"], point["high"]) for point in banded]
    lower = [(point["coverage"], point["low"]) for point in reversed(banded)]
    band = f'<path class="band" d="{_path(upper + lower)} Z"/>' if banded else ""
    dots = "".join(_dot(point["coverage"], point["accuracy"]) for point in points)
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' role="img" aria-label="Accuracy of answered questions by coverage">'
        f'{_axes()}{band}<path class="line" d="{line}"/>{dots}</svg>'
    )


def _x(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _y(share: float) -> float:
    return round(TOP + (1 - share) * (HEIGHT - TOP - BOTTOM), 1)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M " + " L ".join(f"{_x(x)} {_y(y)}" for x, y in points)


def _dot(x: float, y: float) -> str:
    return f'<circle class="dot" cx="{_x(x)}" cy="{_y(y)}" r="2.5"/>'


def _axes() -> str:
    grid = "".join(
        f'<path class="grid" d="M {_x(0)} {_y(t)} H {_x(1)} M {_x(t)} {_y(0)} V {_y(1)}"/>'
        f'<text x="{LEFT - 6}" y="{_y(t) + 4}" text-anchor="end">{t:.0%}</text>'
        f'<text x="{_x(t)}" y="{_y(0) + 16}" text-anchor="middle">{t:.0%}</text>'
        for t in TICKS
    )
    name = f'<text x="{_x(0.5)}" y="{HEIGHT - 6}" text-anchor="middle">questions answered</text>'
    return grid + name
