"""The curves of a run: a panel for what was measured, drawn where the values are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2sql.training.curves import HEIGHT, LEFT, RIGHT, WIDTH, draw_curves, ticks, whole_ticks
from text2sql.training.history import Accuracy

LOSSES = [{"step": 10 * n, "loss": 4.0 / n} for n in range(1, 11)]
sizes = st.floats(-1e9, 1e9, allow_subnormal=False)


@given(sizes, sizes)
def test_ticks_enclose_every_range_with_few_round_numbers(one, other):
    low, high = min(one, other), max(one, other)
    found = ticks(low, high)

    slack = 1e-6 * max(abs(low), abs(high), 1e-12)
    assert found[0] <= low + slack and found[-1] >= high - slack
    assert 2 <= len(found) <= 8 and found == sorted(set(found))


def test_steps_are_whole_numbers_within_the_run():
    assert whole_ticks(7) == [0, 2, 4, 6] and whole_ticks(1) == [0, 1]


def test_there_is_a_panel_for_everything_that_was_measured(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    accuracy = Accuracy(50, 31, 100).record()
    for count, records in ((1, LOSSES), (2, [*LOSSES, accuracy]), (1, [accuracy])):
        assert draw_curves(records, tmp_path / "curves.png")
        assert image.open(tmp_path / "curves.png").size == (WIDTH, count * HEIGHT)
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_a_falling_loss_falls_on_the_picture(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    draw_curves(LOSSES, tmp_path / "curves.png")
    picture = image.open(tmp_path / "curves.png").convert("RGB")

    def height_of_line(step: int) -> int:
        x = LEFT + round(step / 100 * (WIDTH - LEFT - RIGHT))
        blue = [
            y
            for y in range(HEIGHT)
            if picture.getpixel((x, y))[0] < 60 < 150 < picture.getpixel((x, y))[2]
        ]
        return HEIGHT - blue[0]

    heights = [height_of_line(step) for step in (12, 30, 60, 95)]
    assert heights == sorted(heights, reverse=True) and heights[0] > heights[-1] + HEIGHT / 3


def test_nothing_is_drawn_of_nothing_or_of_what_is_no_number(tmp_path):
    assert not draw_curves([], tmp_path / "curves.png")
    assert not draw_curves([{"step": 1, "loss": float("nan")}], tmp_path / "curves.png")
    assert list(tmp_path.iterdir()) == []
