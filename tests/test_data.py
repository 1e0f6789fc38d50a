"""Data sets: found by name or path, read with the line at fault, checked by running their gold."""

import json
from pathlib import Path

import pytest

from text2sql.data.catalog import find_dataset, list_datasets
from text2sql.data.checks import check_splits
from text2sql.errors import DatabaseError, DataError, UnknownName
from text2sql.records import read_examples, read_gold_lines

GOOD = {"question": "How many?", "query": "SELECT count(*) FROM customers", "db_id": "shop"}


def written(path: Path, *records: object) -> Path:
    path.write_text(
        "\n".join(r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in records)
    )
    return path


def test_json_lines_and_a_json_array_are_read_alike(tmp_path):
    lines = read_examples(written(tmp_path / "a.jsonl", GOOD, "", GOOD))
    array = read_examples(written(tmp_path / "a.json", json.dumps([GOOD, GOOD])))

    assert lines == array and [example.index for example in lines] == [0, 1]


def test_several_accepted_golds_are_kept_in_order(tmp_path):
    record = {k: v for k, v in GOOD.items() if k != "query"} | {"queries": ["SELECT 1", "SELECT 2"]}
    (example,) = read_examples(written(tmp_path / "a.jsonl", record))

    assert example.queries == ("SELECT 1", "SELECT 2") and example.query == "SELECT 1"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"question": "a"\n', ":1: malformed JSON"),
        (json.dumps(GOOD) + "\n{]\n", ":2: malformed JSON"),
        (json.dumps(GOOD) + "\n[1]\n", ":2: expected an object, found list"),
        (
            json.dumps(GOOD) + '\n{"question": "a", "db_id": "b"}',
            ":2: example 1: 'query' must be SQL text",
        ),
        (json.dumps(GOOD | {"question": " "}), "'question' must be text that is not empty"),
        ("[\n{},\n{]", ":3: malformed JSON"),
        ("", "holds no record"),
        ("[]", "holds no record"),
    ],
)
def test_a_malformed_record_is_named_with_its_line(tmp_path, content, words):
    (tmp_path / "a.jsonl").write_text(content)

    with pytest.raises(DataError) as caught:
        read_examples(tmp_path / "a.jsonl")
    assert words in str(caught.value) and "a.jsonl" in str(caught.value)


def test_text_that_is_not_utf8_is_named_with_its_line(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(json.dumps(GOOD).encode() + b"\n\xff\n")

    with pytest.raises(DataError, match=r"a\.jsonl:2: not UTF-8"):
        read_examples(tmp_path / "a.jsonl")


def test_gold_lines_keep_tabs_inside_the_sql(tmp_path):
    (tmp_path / "g.sql").write_text("SELECT 'a\tb'\tshop\nSELECT 2\tclinic\n")

    assert read_gold_lines(tmp_path / "g.sql") == [
        ("SELECT 'a\tb'", "shop"),
        ("SELECT 2", "clinic"),
    ]


def test_a_data_set_is_found_by_name_folder_and_file(samples):
    by_name = find_dataset("samples", split="dev")
    by_folder = find_dataset(str(samples), split="dev")
    by_file = find_dataset(str(samples / "dev.jsonl"), split="dev")

    assert by_name.examples == by_folder.examples == by_file.examples
    assert by_file.database("energy").path == by_name.database("energy").path


def test_the_samples_stand_on_both_engines():
    left, right = (
        find_dataset(name, split="dev", limit=3) for name in ("samples", "samples-duckdb")
    )

    assert left.schema("energy").dialect == "sqlite" and right.schema("energy").dialect == "duckdb"
    assert sorted(t.name for t in left.schema("energy").tables) == sorted(
        t.name for t in right.schema("energy").tables
    )


def test_an_unknown_name_or_split_says_what_is_there(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'samples'"):
        find_dataset("sample")
    with pytest.raises(UnknownName, match="no split 'test' in data set 'samples'"):
        find_dataset("samples", split="test")
    with pytest.raises(DataError, match="T2S_DATA or --data-root"):
        find_dataset("spider", data_root=tmp_path)


def test_a_db_id_without_a_database_is_named(tmp_path):
    dataset = find_dataset(str(written(tmp_path / "a.jsonl", GOOD | {"db_id": "nowhere"})))

    with pytest.raises(DatabaseError, match="no database for db_id 'nowhere'"):
        dataset.schema("nowhere")


def test_a_db_id_cannot_leave_the_folder_of_databases(tmp_path):
    (tmp_path / "secret").mkdir()
    for db_id in ("../secret", "/etc", "a/b", ".."):
        dataset = find_dataset(str(written(tmp_path / "a.jsonl", GOOD | {"db_id": db_id})))
        with pytest.raises(DatabaseError, match="is no name of a database"):
            dataset.database(db_id)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', '[{"db_id": "shop"}]'])
def test_a_broken_tables_file_is_named_at_once(tmp_path, content):
    written(tmp_path / "dev.json", GOOD)
    (tmp_path / "tables.json").write_text(content)

    with pytest.raises(DataError, match=r"tables\.json"):
        find_dataset(str(tmp_path))


def test_a_check_finds_gold_that_fails_is_empty_or_has_no_database(tmp_path, samples):
    at = {"database": str(samples / "database/shop/shop.sqlite")}
    path = written(
        tmp_path / "mine.jsonl",
        GOOD | at,
        GOOD | at | {"query": "SELECT nme FROM customers"},
        GOOD | at | {"query": "SELECT name FROM customers WHERE 1 = 0"},
        GOOD | {"db_id": "nowhere"},
    )
    (check,) = check_splits(str(path))

    counts = {kind: count for kind, count in check.counts().items() if count}
    assert counts == {"runs": 1, "empty": 1, "fails": 1, "no_database": 1}
    assert [finding.index for finding in check.unusable()] == [1, 3]


def test_every_registered_data_set_is_listed_with_what_is_there(tmp_path):
    rows = {row["name"]: row for row in list_datasets(data_root=tmp_path)}

    assert rows["samples"]["splits"] == ["train", "dev", "dev_in_domain"]
    assert rows["spider"]["present"] is False


@pytest.mark.spider
def test_spider_dev_gold_runs_and_the_empty_ones_are_the_published_ones(spider):
    (check,) = check_splits("spider", split="dev", data_root=spider.parent)
    counts = {kind: count for kind, count in check.counts().items() if count}

    assert counts == {"runs": 985, "empty": 49, "tied_limit": 52, "tied_order": 18}


@pytest.mark.spider
def test_spider_train_has_three_broken_golds_and_fourteen_without_a_database(spider):
    (check,) = check_splits("spider", split="train", data_root=spider.parent, doubts=False)
    counts = {kind: count for kind, count in check.counts().items() if count}

    assert counts == {"runs": 6681, "empty": 302, "fails": 3, "no_database": 14}
