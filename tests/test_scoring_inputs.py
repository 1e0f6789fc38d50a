"""Forms of gold and predictions, and an alignment that never shifts."""

import json
from pathlib import Path

import pytest

from text2sql.databases import locate
from text2sql.errors import DatabaseError, DataError
from text2sql.examples import Example
from text2sql.scoring.inputs import read_cases, read_gold, read_predictions
from text2sql.scoring.predictions import Prediction
from text2sql.scoring.suites import database_finder, suite

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


@pytest.mark.parametrize("changed", [{"1": ["SELECT 1"]}, {"x": "SELECT 1"}, {"²": ""}])
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


def record_lines(*indices: object) -> str:
    """Return JSON Lines that answer examples by index: `SELECT 1` belongs to example 0."""
    records = [{"index": i, "sql": f"SELECT {int(float(i)) + 1}"} for i in indices]
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.mark.parametrize("indices", [(2, 0, 1), ("2", "0", "1"), (2.0, 0.0, 1), (" 2", 0, "01")])
def test_an_index_may_be_text_or_a_float(tmp_path: Path, indices: tuple) -> None:
    path = write(tmp_path / "p.jsonl", record_lines(*indices))
    assert read_predictions(path, EXAMPLES) == ["SELECT 1", "SELECT 2", "SELECT 3"]


@pytest.mark.parametrize("index", [True, "one", 1.5, [1], 2**70, "9" * 5000, float("inf"), "²"])
def test_an_index_that_is_none_is_refused_with_its_line(tmp_path: Path, index: object) -> None:
    lines = record_lines(0) + json.dumps({"index": index, "sql": "SELECT 2"}) + "\n"
    with pytest.raises(DataError, match=r"p\.jsonl:2: the index is .* no whole number of 64 bits"):
        read_predictions(write(tmp_path / "p.jsonl", lines + record_lines(2)), EXAMPLES)


def test_a_number_that_python_does_not_read_is_malformed(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", f'{{"sql": "SELECT 1", "index": {"1" * 5000}}}\n')
    with pytest.raises(DataError, match=r"p\.jsonl:1: malformed JSON: a number is too long"):
        read_predictions(path, EXAMPLES[:1])


def test_the_hash_is_that_of_the_order_in_which_predictions_are_judged(tmp_path: Path) -> None:
    def hashed(text: str) -> str:
        return read_cases(write(tmp_path / "p.jsonl", text), EXAMPLES).predictions_hash

    in_order, turned = record_lines(0, 1, 2), record_lines(2, 0, 1)
    relabelled = turned.replace('"index": 2', '"index": 9').replace('"index": 0', '"index": 2')
    assert hashed(in_order) == hashed(turned)
    assert hashed(turned) != hashed(relabelled.replace('"index": 9', '"index": 0'))


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ["p.json", "p.txt"])
def test_a_json_array_holds_texts_or_records(tmp_path: Path, indent: int | None, name: str) -> None:
    entries = ["SELECT 1", {"sql": "SELECT 2\nFROM t"}, None]
    path = write(tmp_path / name, json.dumps(entries, indent=indent))
    assert read_predictions(path, EXAMPLES) == ["SELECT 1", "SELECT 2\nFROM t", ""]


def test_records_of_an_array_are_aligned_by_their_index(tmp_path: Path) -> None:
    records = [json.loads(line) for line in record_lines(2, "0", 1).splitlines()]
    path = write(tmp_path / "p.json", json.dumps(records))
    assert read_predictions(path, EXAMPLES) == ["SELECT 1", "SELECT 2", "SELECT 3"]


@pytest.mark.parametrize("entry", [5, ["SELECT 2"], {"query": "SELECT 2"}, {"sql": 2}])
def test_an_array_of_anything_else_is_refused(tmp_path: Path, entry: object) -> None:
    path = write(tmp_path / "p.json", json.dumps(["SELECT 1", entry, "SELECT 3"]))
    with pytest.raises(DataError, match='entry 2 of the array: expected an object with "sql"'):
        read_predictions(path, EXAMPLES)


def test_a_line_in_brackets_is_a_prediction_like_any_other(tmp_path: Path) -> None:
    lines = ["[INST] SELECT 1", "SELECT 2", "[name]"]
    assert read_predictions(write(tmp_path / "p.sql", "\n".join(lines)), EXAMPLES) == lines


def test_half_a_character_stays_one_prediction(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", '{"sql": "SELECT \'\\ud800\'"}\n' + record_lines(1, 2))
    cases = read_cases(path, EXAMPLES)
    assert one_list(cases)[0] == "SELECT '\ud800'"
    assert len(cases.predictions_hash) == 16


def one_list(cases) -> list[str]:
    return [prediction.sql for _, prediction in cases]


SQLITE, DUCK = b"SQLite format 3\0" + b"\0" * 84, b"\0" * 8 + b"DUCK" + b"\0" * 88


def place(folder: Path, content: bytes, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(content)
    return folder / names[0]


def files(databases) -> list[str]:
    return [database.path.name for database in databases]


def test_a_suite_is_every_sqlite_file_of_the_folder(tmp_path: Path) -> None:
    first = place(
        tmp_path, SQLITE, "d.sqlite", "d_1.sqlite", "d_2.sqlite3", "d.sqlite-wal", "n.txt"
    )
    place(tmp_path, b"notes", "x.sqlite.txt")
    place(tmp_path, DUCK, "y.sqlite", "z.duckdb")
    (tmp_path / "old.sqlite").mkdir()
    assert files(suite(locate(first))) == ["d.sqlite", "d_1.sqlite", "d_2.sqlite3"]


def test_a_suite_on_duckdb_is_every_duckdb_file_of_the_folder(tmp_path: Path) -> None:
    first = place(tmp_path, DUCK, "d.duckdb", "d_1.duckdb", "d.db")
    place(tmp_path, SQLITE, "d.sqlite", "e.duckdb")
    assert files(suite(locate(first))) == ["d.duckdb", "d_1.duckdb"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_suite_is_sought_where_the_first_was_found(tmp_path: Path, whole: bool) -> None:
    store = place(tmp_path / "store", SQLITE, "kept.sqlite", "stranger.sqlite")
    link = place(tmp_path / "d", SQLITE, "d_1.sqlite").with_name("d.sqlite")
    link.symlink_to(store)
    found = database_finder(tmp_path if whole else link)("d")
    assert found.path == store
    assert files(suite(found)) == ["kept.sqlite", "d_1.sqlite"]


def test_a_folder_without_its_database_says_what_is_expected(tmp_path: Path) -> None:
    place(tmp_path / "d", SQLITE, "other.sqlite")
    with pytest.raises(
        DatabaseError, match=r"no database in .*d: expected d\.sqlite, d\.duckdb or"
    ):
        database_finder(tmp_path)("d")
