"""Runs compared: what must be equal, seeds, tests against known values, broken files, the text."""

import json
import math
import random
import sqlite3
import tracemalloc
from contextlib import closing
from math import comb
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from text2sql import reporting, scoring
from text2sql.cli import app
from text2sql.databases import locate
from text2sql.errors import DataError, SettingsError, Text2SQLError, UnknownName
from text2sql.scoring.comparison import contrasts, significance
from text2sql.scoring.comparison.contrasts import compare

MANIFEST = {
    "data": "shop",
    "data_hash": "d1",
    "split": "dev",
    "examples": 6,
    "example_ids": "i1",
    "gold_hash": "g1",
    "database_set": "b1",
    "metrics": ["execution_accuracy", "soft_f1"],
    "rule": "official",
    "scorer_version": "2",
    "base": "mini",
    "base_revision": None,
    "adapter": None,
    "adapter_hash": None,
    "prompt_card": {"style": "ddl", "today": "2024-01-31"},
    "decoding": {"temperature": 0.0, "seed": 0},
    "seed": 0,
    "commit": "c1",
}
LEVELS = ("easy", "medium", "hard", "extra")


def verdict(index: int, value: float | None, **more) -> dict:
    about = {"index": index, "db_id": "shop", "hardness": LEVELS[index % 4]}
    score = {"execution_accuracy": value, "soft_f1": None if value is None else value / 2}
    return about | score | {"error": None, "empty_gold": False} | more


def write_run(folder: Path, values, **manifest) -> Path:
    """Write the folder of an evaluation with one verdict a value, or a record as it is."""
    folder.mkdir(parents=True)
    records = [v if isinstance(v, dict) else verdict(i, v) for i, v in enumerate(values)]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "verdicts.jsonl").write_text(lines, encoding="utf-8")
    card = {"manifest": MANIFEST | {"examples": len(records)} | manifest}
    (folder / "scorecard.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


def seeded(folder: Path, values, seed: int, **manifest) -> Path:
    decoding = {"temperature": 0.8, "seed": seed}
    return write_run(folder, values, seed=seed, decoding=decoding, **manifest)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    one = write_run(tmp_path / "one", [1, 1, 1, 0, 1, 0])
    two = write_run(tmp_path / "two", [1, 0, 0, 1, 0, 0], base="codellama-7b")
    return one, two


def test_wins_losses_and_difference_are_counted_by_example(pair: tuple[Path, Path]) -> None:
    found = compare(pair)
    (contrast,) = found.contrasts
    assert (contrast.wins, contrast.losses, contrast.n) == (3, 1, 6)
    assert contrast.difference == pytest.approx(2 / 6)
    assert contrast.low <= contrast.difference <= contrast.high
    assert contrast.test == contrasts.MCNEMAR and contrast.p_holm is None
    assert contrast.p == pytest.approx(0.625)
    assert found.treatment == {"base": {"A": "mini", "B": "codellama-7b"}}
    assert contrast.by_hardness["easy"] == {
        "n": 2, "wins": 1, "losses": 0, "one": 1.0, "two": 0.5, "difference": 0.5
    }  # fmt: skip


def test_the_order_of_verdicts_does_not_matter(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    records = [verdict(i, v) for i, v in enumerate([1, 0, 0, 1, 0, 0])]
    turned = write_run(tmp_path / "turned", records[::-1], base="codellama-7b")
    one, two = compare(pair), compare([pair[0], turned])
    assert one.contrasts[0].by_hardness == two.contrasts[0].by_hardness


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    # twice a tail of the binomial with p = 1/2, such as 2 * (1 + 8) / 256
    [(0, 0, 1.0), (5, 5, 1.0), (1, 7, 0.0703125), (0, 6, 0.03125), (8, 1, 0.0390625)],
)
def test_mcnemar_gives_exact_tails(wins: int, losses: int, p: float) -> None:
    assert significance.mcnemar(wins, losses) == pytest.approx(p, rel=1e-12)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_twice_the_tail_and_symmetric(wins: int, losses: int) -> None:
    n = wins + losses
    tail = 2 * sum(comb(n, k) for k in range(min(wins, losses) + 1)) / 2**n
    assert significance.mcnemar(wins, losses) == pytest.approx(min(1.0, tail), rel=1e-9)
    assert significance.mcnemar(wins, losses) == significance.mcnemar(losses, wins)


def test_mcnemar_of_large_counts_is_near_the_normal_distribution() -> None:
    z = (abs(50_400 - 49_600) - 1) / math.sqrt(100_000)
    assert significance.mcnemar(50_400, 49_600) == pytest.approx(
        math.erfc(z / math.sqrt(2)), rel=1e-3
    )
    assert 0 < significance.mcnemar(900, 100) < 1e-150


def test_holm_gives_the_published_correction() -> None:
    # Holm 1979: times m, m - 1, ..., never falling
    ps = [0.01, 0.04, 0.03, 0.005]
    assert significance.holm(ps) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert significance.holm([0.6, 0.7]) == [1.0, 1.0]
    assert significance.holm([]) == []


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_permutation_agrees_with_mcnemar_on_zeros_and_ones(wins: int, losses: int) -> None:
    differences = [1.0] * wins + [-1.0] * losses + [0.0] * 10
    exact = significance.mcnemar(wins, losses)
    spread = 4 * math.sqrt(exact * (1 - exact) / significance.FLIPS) + 2 / significance.FLIPS
    assert significance.permutation(differences) == pytest.approx(exact, abs=spread)


def test_permutation_weighs_differences_by_size() -> None:
    assert significance.permutation([1.0] * 8 + [-0.01] * 8) < 0.02
    assert significance.permutation([0.5, -0.5, 0.25, -0.25]) == 1.0
    assert significance.permutation([]) == significance.permutation([0.0, 0.0]) == 1.0


def test_seeds_of_one_treatment_are_grouped(tmp_path: Path) -> None:
    runs = [
        seeded(tmp_path / "a0", [1, 1, 1, 1, 0, 0], 0),
        seeded(tmp_path / "b0", [0, 0, 1, 0, 0, 0], 0, base="codellama-7b"),
        seeded(tmp_path / "a1", [1, 1, 1, 1, 1, 0], 1),
    ]
    found = compare(runs)
    assert [(len(g.runs), g.seeds) for g in found.groups] == [(2, (0, 1)), (1, (0,))]
    assert found.groups[0].mean == pytest.approx(4.5 / 6)
    assert found.groups[0].deviation == pytest.approx(math.sqrt(0.5) / 6)
    (contrast,) = found.contrasts
    assert (contrast.wins, contrast.losses, contrast.test) == (4, 0, contrasts.PERMUTATION)
    assert "decoding.seed" not in found.treatment


def test_runs_of_unknown_make_and_repeated_seeds_stay_apart(tmp_path: Path) -> None:
    unknown = {"base": None, "seed": None, "decoding": None, "prompt_card": None}
    runs = [write_run(tmp_path / name, [1, 0], **unknown) for name in "ab"]
    runs += [seeded(tmp_path / name, [1, 0], 3) for name in "cd"]
    found = compare(runs)
    assert [group.label for group in found.groups] == ["A", "B", "C", "D"]
    assert len(found.contrasts) == 6
    assert all(c.p_holm is not None and c.p_holm >= c.p for c in found.contrasts)


def test_an_adapter_is_known_by_its_contents_and_other_versions_are_remarked(
    tmp_path: Path,
) -> None:
    one = seeded(tmp_path / "a", [1, 0], 0, adapter="x", adapter_hash="h", commit="c1")
    two = seeded(tmp_path / "b", [1, 0], 1, adapter="y", adapter_hash="h", commit="c2")
    three = seeded(tmp_path / "c", [1, 0], 1, adapter="y", adapter_hash="k", commit="c2")
    found = compare([one, two, three])
    assert [len(group.runs) for group in found.groups] == [2, 1]
    assert found.treatment == {"adapter_hash": {"A": "h", "B": "k"}}
    assert set(found.remarks) == {"commit"}


@pytest.mark.parametrize("key", [*contrasts.DATA, *contrasts.JUDGE, "scoring"])
def test_what_must_be_equal_is_named_with_both_values(tmp_path: Path, key: str) -> None:
    one = write_run(tmp_path / "one", [1, 0])
    two = write_run(tmp_path / "two", [1, 0], **{key: {"timeout": 5}})
    with pytest.raises(DataError, match=rf"did not measure the same thing: {key} is .* and .*5"):
        compare([one, two])


def test_a_manifest_without_a_needed_key_is_named(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    card = json.loads((pair[1] / "scorecard.json").read_text())
    del card["manifest"]["gold_hash"]
    (pair[1] / "scorecard.json").write_text(json.dumps(card))
    with pytest.raises(DataError, match=r"manifest of .*two has no 'gold_hash'"):
        compare(pair)


def test_headlines_must_agree_unless_a_metric_is_chosen(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", [1, 0])
    two = write_run(tmp_path / "two", [0, 0], metrics=["soft_f1", "execution_accuracy"])
    with pytest.raises(DataError, match="other headlines, execution_accuracy and soft_f1"):
        compare([one, two])
    found = compare([one, two], metric="soft_f1")
    assert found.contrasts[0].difference == 0.25
    assert found.contrasts[0].test == contrasts.PERMUTATION
    with pytest.raises(UnknownName, match=r"no metric 'softf1' in .*did you mean 'soft_f1'"):
        compare([one, two], metric="softf1")


def test_examples_without_value_are_left_out(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", [1, None, 0])
    two = write_run(tmp_path / "two", [0, 1, 0])
    found = compare([one, two])
    assert (found.n, found.left_out, found.contrasts[0].wins) == (2, 1, 1)
    empty = [write_run(tmp_path / name, [None]) for name in ("three", "four")]
    with pytest.raises(DataError, match="no example in common"):
        compare(empty)


GOOD = json.dumps(verdict(0, 1)).encode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + b"\n{", "verdicts.jsonl:2: malformed JSON"),
        (GOOD + b"\n\n\xff", "verdicts.jsonl:3: malformed JSON"),
        (GOOD + b"\n" + b"[" * 100_000, "verdicts.jsonl:2: malformed JSON"),
        (b"[]", "verdicts.jsonl:1: expected an object with an index"),
        (b'{"index": 0, "db_id": "shop"}', "verdicts.jsonl:1: the verdict has no 'hardness'"),
        (GOOD.replace(b"execution", b"x"), ":1: the verdict has no 'execution_accuracy'"),
        (GOOD.replace(b'accuracy": 1', b'accuracy": "1"'), ":1: execution_accuracy is '1', no num"),
        (GOOD + b"\n" + GOOD, "verdicts.jsonl:2: a second verdict on example 0"),
        (GOOD.replace(b"shop", b"bank"), "db_id of example 0 is 'bank', 'shop' in the first run"),
        (GOOD.replace(b"easy", b"hard"), "hardness of example 0 is 'hard', 'easy' in the first"),
        (GOOD.replace(b'index": 0', b'index": 9'), ":1: no such example in the first run: 9"),
        (GOOD, "verdicts.jsonl: 1 verdicts, but 2 in"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, text: bytes, message: str) -> None:
    one, two = (write_run(tmp_path / name, [1, 0]) for name in ("one", "two"))
    (two / "verdicts.jsonl").write_bytes(text)
    with pytest.raises(DataError) as caught:
        compare([one, two])
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_no_run_is_named(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    with pytest.raises(DataError, match=r"nowhere is no run: there is no .*nowhere"):
        compare([pair[0], tmp_path / "nowhere"])
    lonely = tmp_path / "lonely.jsonl"
    lonely.write_text("{}\n")
    with pytest.raises(DataError, match=r"there is no .*lonely\.scorecard\.json"):
        compare([pair[0], lonely])
    for text in ("{", "[]", "{}", '{"manifest": {}}'):
        (pair[1] / "scorecard.json").write_text(text)
        with pytest.raises(DataError, match="scorecard"):
            compare(pair)


def test_too_few_runs_and_one_run_twice_are_refused(pair: tuple[Path, Path]) -> None:
    with pytest.raises(SettingsError, match="at least two"):
        compare(pair[:1])
    with pytest.raises(SettingsError, match="once"):
        compare([pair[0], pair[0]])
    with pytest.raises(SettingsError, match="give two runs"):
        compare([*pair, write_run(pair[0].parent / "three", [1])], robustness=True)


def test_examples_of_each_side_show_what_the_runs_said(pair: tuple[Path, Path]) -> None:
    for run, sql in zip(pair, ("SELECT 1", "SELECT 2"), strict=True):
        lines = [{"index": i, "question": f"why {i}?", "sql": f"{sql}{i}"} for i in range(6)]
        (run / "predictions.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    found = compare(pair, examples=2).contrasts[0].examples
    assert [example["index"] for example in found["A"]] == [1, 2]
    assert [example["index"] for example in found["B"]] == [3]
    side = found["B"][0]["B"]
    assert (side["question"], side["sql"], side["value"]) == ("why 3?", "SELECT 23", 1)
    assert compare(pair, examples=0).contrasts[0].examples == {"A": [], "B": []}


OTHER_QUESTIONS = {"data_hash": "d2", "gold_hash": "g2", "data": "shop-perturbed"}


def test_robustness_gives_the_drop_and_what_is_still_right(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", [1, 1, 1, 1, 0, 0])
    two = write_run(tmp_path / "two", [1, 1, 0, 0, 1, 0], **OTHER_QUESTIONS)
    found = compare([one, two], robustness=True)
    kept, contrast = found.robustness, found.contrasts[0]
    assert kept is not None and (kept.right, kept.still_right, kept.share) == (4, 2, 0.5)
    assert (contrast.wins, contrast.losses) == (2, 1)
    assert contrast.difference == pytest.approx(1 / 6)
    with pytest.raises(DataError, match="data_hash is"):
        compare([one, two])


def test_several_perturbations_are_paired_by_their_source(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", [1, 0, 1])
    records = [
        verdict(i, v) | {"source_index": source, "hardness": LEVELS[source]}
        for i, (source, v) in enumerate([(0, 1), (0, 0), (2, 1), (2, 0)])
    ]
    two = write_run(tmp_path / "two", records, **OTHER_QUESTIONS)
    lines = [{"index": i, "question": "original", "sql": f"SELECT {i}"} for i in range(3)]
    (one / "predictions.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    found = compare([one, two], robustness=True)
    assert found.robustness is not None and found.robustness.share == 0.5
    lost = found.contrasts[0].examples["A"]
    assert [(e["index"], e["A"]["sql"]) for e in lost] == [(1, "SELECT 0"), (3, "SELECT 2")]


def test_perturbed_examples_that_do_not_correspond_are_refused(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", [1, 0, 1])
    fewer = write_run(tmp_path / "fewer", [1, 0], **OTHER_QUESTIONS)
    with pytest.raises(DataError, match="each needs its source_index"):
        compare([one, fewer], robustness=True)
    harder = write_run(tmp_path / "harder", [verdict(0, 1, hardness="extra"), 0, 1])
    with pytest.raises(DataError, match="hardness of example 0 is 'extra'"):
        compare([one, harder], robustness=True)


def test_the_text_and_the_json_say_the_same(pair: tuple[Path, Path]) -> None:
    found = compare(pair)
    record = json.loads(json.dumps(found.record()))
    text = reporting.comparison_table(found)
    assert text == reporting.comparison_table(record)
    assert "A - B: +33.3 points" in text and "p = 0.62" in text
    assert "treatment" in text and "codellama-7b" in text
    assert record["contrasts"][0]["wins"] == 3


def test_the_text_shows_overview_seeds_robustness_and_classes(tmp_path: Path) -> None:
    wrong = verdict(0, 0, error_classes=["wrong column"], sql="SELECT\x1b b", gold="SELECT a")
    runs = [
        seeded(tmp_path / "a0", [1, 1, 1], 0),
        seeded(tmp_path / "a1", [1, 1, 0], 1),
        seeded(tmp_path / "b", [wrong, 1, 0], 0, base="x", commit="c2"),
        seeded(tmp_path / "c", [0, 1, 0], 0, base="y"),
    ]
    text = reporting.comparison_table(compare(runs))
    assert "p, Holm" in text and "after Holm" in text and "also differs: commit" in text
    assert "gold: SELECT a" in text and "B (0): SELECT b [wrong column]" in text
    paired = reporting.comparison_table(compare(runs[:1] + runs[2:3], robustness=True))
    assert "still right: 1 of 3 right on the original, 33.3%" in paired


def test_scored_files_compare_on_the_command_line(tmp_path: Path) -> None:
    database = tmp_path / "clubs.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript((Path(__file__).parent / "data" / "clubs.sql").read_text())
    gold = tmp_path / "gold.sql"
    gold.write_text("SELECT count(*) FROM club\tclubs\nSELECT count(*) + 1 FROM club\tclubs\n")
    for name, second in (("one", "SELECT 1 + count(*) FROM club"), ("two", "SELECT -1")):
        predicted = ["SELECT count(*) FROM club", second]
        scores = scoring.score(predicted, gold, locate(database))
        scoring.write_verdicts(scores, tmp_path / f"{name}.jsonl")
    files = [str(tmp_path / f"{name}.jsonl") for name in ("one", "two")]
    result = CliRunner().invoke(app, ["compare", *files])
    assert result.exit_code == 0 and "A wins 1, B wins 0 of 2" in result.output
    printed = CliRunner().invoke(app, ["compare", *files, "--json", "--examples", "0"])
    assert json.loads(printed.output)["contrasts"][0]["wins"] == 1


def test_every_refusal_is_one_error_of_ours(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["compare", str(tmp_path), str(tmp_path / "x")])
    assert isinstance(result.exception, Text2SQLError)


def test_many_verdicts_compare_without_being_held(tmp_path: Path) -> None:
    draw, n = random.Random(1), 6_000
    runs = []
    for name in ("one", "two"):
        values = [verdict(i, draw.randint(0, 1), error="x" * 500) for i in range(n)]
        runs.append(write_run(tmp_path / name, values, base=name))
    tracemalloc.start()
    found = compare(runs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.n == n
    assert peak < 600 * n  # one run's text alone is more
