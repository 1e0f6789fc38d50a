"""The table for the terminal and the page for the browser."""

import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2sql import reporting, scoring
from text2sql.errors import OutputError
from text2sql.examples import Example
from text2sql.reporting.plots import HEIGHT, WIDTH, risk_coverage_plot
from text2sql.scoring.risk_coverage import risk_coverage

HOSTILE = (
    "</pre><script>alert(1)</script><img src=http://evil.example/x onerror='alert(1)'>{{ 7*7 }}"
)


def verdict(index: int, level: str, value: int | None, error: str | None = None) -> dict:
    about = {"index": index, "db_id": "clubs", "hardness": level}
    return about | {"execution_accuracy": value, "error": error, "empty_gold": False}


def card(verdicts: list[dict], **manifest) -> dict:
    about = {"data": "clubs", "split": "dev", "metrics": ["execution_accuracy"], "rule": "official"}
    return scoring.scorecard(verdicts, about | {"database_set": "0a1b"} | manifest).record()


def test_the_table_shows_levels_with_counts_and_intervals() -> None:
    verdicts = [verdict(i, "easy", i % 2) for i in range(40)] + [
        verdict(40, "extra", None, "gold: no")
    ]
    lines = reporting.report(card(verdicts)).splitlines()
    assert lines[0].split() == [
        "execution_accuracy",
        "n",
        "right",
        "accuracy",
        "95",
        "%",
        "interval",
    ]
    assert lines[1].split() == ["easy", "40", "20", "50.0%", "35.2%", "-", "64.8%"]
    assert [line.split("  ")[0] for line in lines[2:4]] == ["all", "all, gold not empty"]
    assert lines[-1] == "1 examples left out: their gold SQL does not run"


def test_the_table_says_by_which_metric_how_many_samples_and_what_has_no_value() -> None:
    verdicts = [verdict(i, "easy", 0) | {"soft_f1": i or None} for i in range(2)]
    verdicts[1]["error_classes"] = ["wrong table"]
    scoring_of = {"metric": "execution_accuracy", "samples": 5, "missing": 3}
    metrics = ["execution_accuracy", "soft_f1"]
    lines = reporting.report(card(verdicts, metrics=metrics, scoring=scoring_of)).splitlines()
    assert "soft_f1: 1 gold without a value" in lines
    assert (
        "5 samples a question, 3 missing and counted as wrong; right by execution_accuracy" in lines
    )
    assert lines[-1].startswith("wrong by execution_accuracy, counted by what is wrong first: wro")


def test_gold_beyond_spiders_parser_is_not_said_to_fail() -> None:
    verdicts = [verdict(0, "easy", None) | {"exact_set_match": None}]
    text = reporting.report(card(verdicts, metrics=["exact_set_match"]))
    assert text.endswith("1 examples left out: their gold SQL is beyond Spider's parser")


def test_a_run_without_values_has_a_table() -> None:
    assert "-" in reporting.report(card([verdict(0, "easy", None, "gold: no")])).splitlines()[1]


def test_wide_characters_keep_columns_aligned() -> None:
    lines = reporting.text_table(("名称", "n"), [("订单", 5), ("a", 12)]).splitlines()
    assert lines == ["名称   n", "订单   5", "a     12"]


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_a_cell_never_breaks_its_line(rows: list[tuple[str, str]]) -> None:
    text = reporting.text_table(("a", "b"), rows)
    assert len(text.split("\n")) == len(rows) + 1
    assert all(character.isprintable() for line in text.split("\n") for character in line)


class Page(HTMLParser):
    """Collects what a browser would make of the page: elements, attributes, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def page(tmp_path: Path, **manifest) -> Page:
    verdicts = [verdict(0, "easy", 1), verdict(1, "hard", 0, HOSTILE)]
    predictions = [{"index": 0, "sql": "right one"}, {"index": 1, "sql": HOSTILE}]
    examples = [Example(i, HOSTILE, (f"gold {i}", HOSTILE), "clubs") for i in range(2)]
    path = tmp_path / "report.html"
    reporting.write_report(
        path, card(verdicts, **manifest), predictions, verdicts, examples=examples
    )
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_lists_wrong_examples_with_question_gold_and_prediction(tmp_path: Path) -> None:
    found = page(tmp_path)
    assert "Wrong examples (1)" in found.text
    assert "gold 1" in found.text
    assert "gold 0" not in found.text
    assert "right one" not in found.text
    assert "0a1b" in found.text


def test_a_hostile_value_stays_text(tmp_path: Path) -> None:
    found = page(tmp_path, data=HOSTILE, decoding={"stop": HOSTILE})
    assert not found.tags & {"script", "img", "iframe", "link", "object"}
    assert found.text.count(HOSTILE) >= 4
    assert not any(name.startswith("on") or name in ("src", "href") for name, _ in found.attributes)


def test_the_page_forbids_scripts_and_requests(tmp_path: Path) -> None:
    policies = [value for name, value in page(tmp_path).attributes if name == "content"]
    assert "default-src 'none'; style-src 'unsafe-inline'" in policies


def test_without_examples_the_prediction_records_tell_question_and_gold() -> None:
    verdicts = [verdict(0, "easy", 0)]
    predictions = [{"index": 0, "sql": None, "question": "how many?", "gold": "SELECT 1"}]
    found = Page(reporting.html_report(card(verdicts), predictions, verdicts))
    assert "how many?" in found.text
    assert "SELECT 1" in found.text


def test_a_page_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    verdicts = [verdict(0, "easy", 0)]
    with pytest.raises(OutputError, match="cannot write"):
        reporting.write_report(tmp_path / "no" / "report.html", card(verdicts), [], verdicts)


CURVE = risk_coverage([(1.0, 1), (0.6, 1), (0.6, 0), (0.2, 0)]).record()


def test_the_plot_of_the_curve_stays_within_its_picture() -> None:
    root = ElementTree.fromstring(risk_coverage_plot(CURVE))
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in root.iter("circle")]
    assert len(dots) == 3 and dots == sorted(dots)  # accuracy falls, so y grows
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in dots)
    assert [path.get("class") for path in root.iter("path")][-2:] == ["band", "line"]


def test_a_curve_of_degrees_has_no_band() -> None:
    plot = risk_coverage_plot(risk_coverage([(1.0, 0.5), (0.5, 1)]).record())
    assert 'class="line"' in plot and 'class="band"' not in plot


def test_the_page_shows_the_curve_of_a_run_of_samples(tmp_path: Path) -> None:
    verdicts = [verdict(0, "easy", 1)]
    shown = card(verdicts) | {"risk_coverage": CURVE}
    found = Page(reporting.html_report(shown, [], verdicts))
    assert {"svg", "circle"} <= found.tags and "agreement at least" in found.text
    assert "svg" not in Page(reporting.html_report(card(verdicts), [], verdicts)).tags
