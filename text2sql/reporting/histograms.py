"""Histograms as a PNG: how long the questions and the queries of a data set are.

    >>> draw_histograms({"question_tokens": [7, 9, 12], "query_tokens": [9, 30]}, Path("l.png"))

Covered: one panel for each list, with the place below which 95 % of it lie.
Not covered: a logarithmic axis: a few very long texts leave the others little room.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

from text2sql.errors import OutputError, need
from text2sql.training.curves import ticks, whole_ticks

WIDTH, HEIGHT = 900, 260  # pixels of one panel
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 40, 30  # its margins
BARS = 40  # at most
INK, FRAME, BAR, MARK = "#222222", "#d0d0d0", "#1f6fb4", "#c2410c"


def draw_histograms(lists: Mapping[str, Sequence[int]], path: Path) -> None:
    """Draw the distribution of lists of numbers, one above the other.

    Args:
        lists: by title; numbers of 0 and more, at least one each.
        path: of the PNG; the old one is replaced.

    Raises:
        MissingExtra: Pillow is not installed.
        OutputError: the file cannot be written.
    """
    need("train", "PIL")
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH, HEIGHT * len(lists)), "white")
    for place, (title, values) in enumerate(lists.items()):
        _draw_panel(ImageDraw.Draw(image), place * HEIGHT, title, values)
    scratch = path.with_name(f".{path.name}.tmp")
    try:
        image.save(scratch, format="PNG")
        scratch.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def bins(values: Sequence[int]) -> tuple[int, list[int]]:
    """Return the width of a bar and the number of values in each, from 0 on."""
    width = max(values) // BARS + 1
    counted = Counter(value // width for value in values)
    return width, [counted[place] for place in range(max(counted) + 1)]


def _draw_panel(draw: Any, top: int, title: str, values: Sequence[int]) -> None:
    width, counts = bins(values)
    last, heights = width * len(counts), ticks(0, max(counts))

    def x(value: float) -> float:
        return LEFT + value / last * (WIDTH - LEFT - RIGHT)

    def y(count: float) -> float:
        return top + HEIGHT - BOTTOM - count / heights[-1] * (HEIGHT - TOP - BOTTOM)

    for height in heights:
        draw.line([(LEFT, y(height)), (WIDTH - RIGHT, y(height))], fill=FRAME)
        draw.text((LEFT - 8, y(height)), f"{height:,.0f}", fill=INK, anchor="rm")
    for place, count in enumerate(counts):
        if count:
            draw.rectangle(
                [x(place * width) + 1, y(count), x((place + 1) * width) - 1, y(0)], fill=BAR
            )
    for step in whole_ticks(last):
        draw.text((x(step), y(0) + 8), f"{step:,}", fill=INK, anchor="ma")
    below = quantiles(values, n=20, method="inclusive")[18] if len(values) > 1 else values[0]
    draw.line([(x(below), y(heights[-1])), (x(below), y(0))], fill=MARK, width=2)
    said = f"{title.replace('_', ' ')}: {len(values):,}, 95 % at most {below:,.0f}"
    draw.text((LEFT, top + 12), said, fill=INK, anchor="la")
