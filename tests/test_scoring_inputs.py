"""Forms of gold and predictions, and an alignment that never shifts."""

import json
from pathlib import Path

import pytest

from text2sql.databases import locate
from text2sql.errors import DataError
from text2sql.examples import Example
from text2sql.scoring.inputs import Prediction, read_cases, read_gold, read_predictions, suite

GOLD = "SELECT 1\ta\nSELECT 2\ta\nSELECT 3\tb\n"
EXAMPLES = [Example(i, "", (f"SELECT {i + 1}",), db_id) for i, db_id in enumerate("aab")]


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def bird(**changes: object) -> dict[str, object]:
    found: dict[str, object] = {
        str(i): f"SELECT {i + 1}\t----- bird -----\t{db_id}" for i, db_id in enumerate("aab")
    }
    return found | changes


@pytest.mark.parametrize("indent", [None, 4])
def test_birds_object_is_aligned_by_its_keys(tmp_path: Path, indent: int | None) -> None:
    text = json.dumps(dict(reversed(bird().items())), indent=indent)
    found = read_predictions(write(tmp_path / "p.json", text), EXAMPLES)
    assert found == ["SELECT 1", "SELECT 2", "SELECT 3"]


def test_birds_object_may_hold_no_sql(tmp_path: Path) -> None:
    text = json.dumps(bird(**{"1": 0}))
    assert read_predictions(write(tmp_path / "p.json", text), EXAMPLES)[1] == ""


def test_a_prediction_for_another_database_is_refused(tmp_path: Path) -> None:
    text = json.dumps(bird(**{"2": "SELECT 3\t----- bird -----\ta"}))
    with pytest.raises(DataError, match="example 2 is for database 'a', its gold for 'b'"):
        read_cases(write(tmp_path / "p.json", text), EXAMPLES)


@pytest.mark.parametrize("changed", [{"1": ["SELECT 1"]}, {"x": "SELECT 1"}])
def test_an_object_that_is_not_birds_is_refused(tmp_path: Path, changed: dict) -> None:
    with pytest.raises(DataError):
        read_cases(write(tmp_path / "p.json", json.dumps(bird(**changed), indent=1)), EXAMPLES)


def test_a_missing_key_changes_the_count(tmp_path: Path) -> None:
    text = json.dumps({key: value for key, value in bird().items() if key != "1"}, indent=1)
    with pytest.raises(DataError, match="2 predictions for 3 gold queries"):
        read_cases(write(tmp_path / "p.json", text), EXAMPLES)


def test_records_carry_samples_time_and_tokens(tmp_path: Path) -> None:
    record = {"index": 0, "db_id": "a", "sql": "SELECT 1", "seconds": 0.5, "tokens": 7}
    record["candidates"] = [{"sql": "SELECT 1"}, "SELECT 2", {"sql": None}]
    path = write(tmp_path / "p.jsonl", json.dumps(record) + "\n")
    (_, prediction), *_ = read_cases(path, EXAMPLES[:1])
    samples = ("SELECT 1", "SELECT 2", "")
    assert prediction == Prediction("SELECT 1", samples, 0, "a", 0.5, 7)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path / "p.sql", "\ufeffSELECT 1\r\nSELECT 2\r\nSELECT 3\r\n")
    assert read_predictions(path, EXAMPLES) == ["SELECT 1", "SELECT 2", "SELECT 3"]


def test_a_long_line_and_a_nul_stay_one_prediction(tmp_path: Path) -> None:
    lines = ["SELECT '" + "x" * 400_000 + "'", "SELECT '\0'", "SELECT 3"]
    assert read_predictions(write(tmp_path / "p.sql", "\n".join(lines)), EXAMPLES) == lines


def test_text_after_the_last_gold_line_is_an_error_in_the_middle_only(tmp_path: Path) -> None:
    assert [e.db_id for e in read_gold(write(tmp_path / "g.sql", GOLD + "\n\n"))] == ["a", "a", "b"]
    with pytest.raises(DataError, match=r"g\.sql:2: expected SQL<TAB>db_id"):
        read_gold(write(tmp_path / "g.sql", "SELECT 1\ta\n\nSELECT 2\ta\n"))


def test_more_predictions_than_gold_are_an_error_unless_blank(tmp_path: Path) -> None:
    lines = "SELECT 1\nSELECT 2\nSELECT 3\n"
    assert len(read_predictions(write(tmp_path / "p.sql", lines + "\n \n"), EXAMPLES)) == 3
    with pytest.raises(DataError, match="5 predictions for 3 gold queries"):
        read_predictions(write(tmp_path / "p.sql", lines + "\nSELECT 5\n"), EXAMPLES)


def test_files_of_lines_are_read_anew_at_each_pass(tmp_path: Path) -> None:
    cases = read_cases(write(tmp_path / "p.sql", "SELECT 1\n" * 3), write(tmp_path / "g.sql", GOLD))
    assert len(cases) == 3 and list(cases) == list(cases)
    assert list(cases.examples.db_ids) == ["a", "b"]


def test_one_changed_prediction_changes_their_hash(tmp_path: Path) -> None:
    one = read_cases(["SELECT 1", "SELECT 2", "SELECT 3"], EXAMPLES)
    assert one.predictions_hash == read_cases(one_list(one), EXAMPLES).predictions_hash
    assert (
        one.predictions_hash != read_cases(["SELECT 1", "", "SELECT 3"], EXAMPLES).predictions_hash
    )


def one_list(cases) -> list[str]:
    return [prediction.sql for _, prediction in cases]


def test_a_suite_is_every_sqlite_file_of_the_folder(tmp_path: Path) -> None:
    for name in ("d.sqlite", "d_1.sqlite", "d_2.sqlite3", "d.sqlite-wal", "notes.txt"):
        (tmp_path / name).write_bytes(b"SQLite format 3\0" + b"\0" * 84)
    found = suite(locate(tmp_path / "d.sqlite"))
    assert [database.path.name for database in found] == ["d.sqlite", "d_1.sqlite", "d_2.sqlite3"]
