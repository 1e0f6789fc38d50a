"""Statistics: what is counted adds up, lengths are a base's own or marked, and can be drawn."""

import json

import pytest
from typer.testing import CliRunner

from text2sql import scoring
from text2sql.cli import app
from text2sql.data.catalog import find_dataset
from text2sql.data.statistics import describe, estimated_tokens
from text2sql.errors import OutputError
from text2sql.reporting.histograms import bins, draw_histograms


@pytest.fixture(scope="module")
def counted():
    return describe(find_dataset("samples", split="dev"), hardness=scoring.hardness)


def test_every_example_is_counted_once(counted):
    by_hardness, by_database = counted["by_hardness"], counted["by_database"]

    assert sum(by_hardness.values()) == counted["examples"] == sum(by_database.values())
    assert list(by_hardness) == ["easy", "medium", "hard", "extra"]


def test_the_curriculum_says_where_each_level_begins(counted):
    levels, begins = counted["by_hardness"], counted["easy_first"]

    assert begins["easy"] == 0 and begins["medium"] == levels["easy"]
    assert begins["extra"] == counted["examples"] - levels["extra"]


def test_tokens_are_estimated_and_marked_unless_a_base_counts_them(counted):
    dataset = find_dataset("samples", split="dev")
    own = describe(dataset, hardness=scoring.hardness, count=len)

    assert "query_tokens_estimated" in counted and "query_tokens" not in counted
    assert own["query_tokens"] == own["query_characters"]
    assert estimated_tokens("How many customers?") == 5 and estimated_tokens("多少订单") == 4


def test_a_data_set_without_databases_is_counted_too(tmp_path):
    record = {"question": "How many?", "query": "SELECT 1", "db_id": "nowhere"}
    (tmp_path / "a.jsonl").write_text(json.dumps(record))
    found = find_dataset(str(tmp_path / "a.jsonl"), split="train")

    assert describe(found, hardness=scoring.hardness)["by_hardness"]["not known"] == 1


def test_bars_hold_every_value_and_are_no_more_than_asked():
    width, counts = bins([0, 1, 1, 5, 399])

    assert width == 10 and sum(counts) == 5 and counts[0] == 4 and counts[39] == 1


def test_the_command_counts_with_a_base_and_draws(tiny_llama, tmp_path):
    from PIL import Image

    plot = tmp_path / "lengths.png"
    command = ["data", "stats", "samples", "--split", "dev", "--base", str(tiny_llama), "--json"]
    ran = CliRunner().invoke(app, [*command, "--plot", str(plot)])
    image = Image.open(plot).convert("RGB")

    assert json.loads(ran.stdout)["question_tokens"]["max"] > 0 and image.size == (900, 520)
    bar, white = (31, 111, 180), (255, 255, 255)
    colours = {colour: count for count, colour in image.getcolors(1 << 16)}
    assert colours[bar] > 1_000 and colours[white] > 100_000


def test_a_plot_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        draw_histograms({"a": [1]}, tmp_path / "nowhere" / "a.png")
