"""Counts, intervals and the manifest that travels with them."""

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2sql import scoring
from text2sql.databases import Database, locate
from text2sql.errors import DataError
from text2sql.examples import Example
from text2sql.scoring import manifests, scorecards

MANIFEST = {"metrics": ["execution_accuracy"], "rule": "official"}


def verdict(
    level: str, value: float | None, *, empty: bool = False, error: str | None = None
) -> dict:
    about = {"index": 0, "db_id": "clubs", "hardness": level}
    return about | {"execution_accuracy": value, "error": error, "empty_gold": empty}


def test_counts_are_kept_by_level_overall_and_without_empty_gold() -> None:
    records = [
        verdict("easy", 1),
        verdict("easy", 0, error="no such column"),
        verdict("hard", 1, empty=True),
        verdict("extra", None, error="gold: no such table"),
    ]
    card = scorecards.scorecard(records, MANIFEST)
    shares = card.rows["execution_accuracy"]
    counts = {group: (share.n, share.correct) for group, share in shares.items()}
    assert counts == {
        "easy": (2, 1),
        "medium": (0, 0),
        "hard": (1, 1),
        "extra": (0, 0),
        "all": (3, 2),
        "without_empty_gold": (2, 1),
    }
    assert (card.n, card.bad_gold, card.empty_gold, card.failed) == (4, 1, 1, 1)


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    # Wilson's interval without continuity correction; from Newcombe 1998
    # (Statistics in Medicine 17, 857-872, table I, method 3).
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(
    correct: int, n: int, low: float, high: float
) -> None:
    assert scoring.wilson(correct, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_mirrors(case: tuple[int, int]) -> None:
    correct, n = case
    low, high = scoring.wilson(correct, n)
    assert 0 <= low <= correct / n + 1e-12
    assert correct / n - 1e-12 <= high <= 1
    assert scoring.wilson(n - correct, n) == pytest.approx((1 - high, 1 - low))


def test_other_numbers_have_a_mean_and_no_interval() -> None:
    assert scorecards.share([0.5, 1.0]) == scoring.Share(2, 1.5, 0.75, None, None, (0.5, 1.0))
    assert scorecards.share([]) == scoring.Share(0, 0, None, None, None)


@pytest.fixture
def clubs(tmp_path: Path) -> Path:
    path = tmp_path / "clubs.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript((Path(__file__).parent / "data" / "clubs.sql").read_text())
    connection.close()
    return path


def describe(clubs: Path, **more) -> dict:
    examples = [Example(0, "how many?", ("SELECT count(*) FROM club",), "clubs")]
    return scoring.manifest(
        data="clubs", examples=examples, databases={"clubs": locate(clubs)}, **more
    )


def test_the_manifest_is_json_with_a_stable_order(clubs: Path) -> None:
    one, two = describe(clubs), describe(clubs)
    assert json.dumps(one) == json.dumps(two)
    assert list(one)[:5] == ["data", "data_hash", "split", "examples", "example_ids"]
    assert one["libraries"]["sqlite"] == sqlite3.sqlite_version


def test_the_database_set_follows_the_contents_not_the_place(clubs: Path, tmp_path: Path) -> None:
    before = describe(clubs)["database_set"]
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(clubs.read_bytes())
    assert describe(copy)["database_set"] == before
    with sqlite3.connect(clubs) as connection:
        connection.execute("INSERT INTO guest VALUES (1, 'Di')")
    connection.close()
    assert describe(clubs)["database_set"] != before


def test_a_server_is_named_without_its_password() -> None:
    database = Database("dw", "postgresql", "postgresql://ann:secret@dw/sales")
    other = Database("dw", "postgresql", "postgresql://ann:changed@dw/sales")
    assert manifests.databases_hash({"dw": database}) == manifests.databases_hash({"dw": other})
    card = scoring.manifest(data="dw", examples=[], databases={"dw": database})
    assert "secret" not in json.dumps(card)


def test_adapter_prompt_and_files_are_hashed(clubs: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    (adapter / "inner").mkdir(parents=True)
    (adapter / "inner" / "weights.bin").write_bytes(b"1")
    more = {"adapter": adapter, "prompt_card": {"style": "ddl"}, "files": [clubs], "seed": 3}
    before = describe(clubs, **more)
    (adapter / "inner" / "weights.bin").write_bytes(b"22")
    after = describe(clubs, **more | {"prompt_card": {"style": "compact"}, "files": []})
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"adapter_hash", "prompt_card", "prompt_card_hash", "data_hash"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dev\.json: cannot be read"):
        manifests.files_hash([tmp_path / "dev.json"])


def test_ids_are_hashed_in_order() -> None:
    assert scoring.ids_hash([1, 2]) == scoring.ids_hash((1, 2)) != scoring.ids_hash([2, 1])
