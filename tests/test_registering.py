"""A data set of one's own: checked, divided without leaks, registered, found by its name."""

import json
from pathlib import Path

import library
import pytest
from typer.testing import CliRunner

from text2sql.cli import app
from text2sql.data.catalog import find_dataset, list_datasets
from text2sql.data.entries import add_data_entry
from text2sql.data.likeness import plain, plain_sql
from text2sql.data.registering import register
from text2sql.errors import DataError, OutputError, SettingsError
from text2sql.project import load_project

PAIRS = [
    (f"How many books have more than {n} pages?", f"SELECT count(*) FROM books WHERE pages > {n}")
    for n in range(100, 140)
]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    library.build_sqlite(tmp_path / "library.sqlite")
    written(tmp_path, PAIRS)
    return tmp_path


def written(folder: Path, pairs, name="pairs.jsonl", **more) -> Path:
    path = folder / name
    records = [{"question": q, "query": sql} | more for q, sql in pairs]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def add(file="pairs.jsonl", name="mine", **options):
    options = {"database": "library.sqlite"} | options
    return register(name, Path(file), load_project(), **options)


def test_a_registered_set_is_found_by_its_name_with_its_splits(place):
    added = add(dev_share=0.25)
    project = load_project()
    train, dev = (find_dataset("mine", split=s, project=project) for s in ("train", "dev"))

    assert added.counts == {"train": 30, "dev": 10}
    assert (len(train.examples), len(dev.examples)) == (30, 10)
    assert train.schema("library").table("books")
    row = next(row for row in list_datasets(project=project) if row["name"] == "mine")
    assert row["splits"] == ["train", "dev"] and row["present"]


def test_questions_with_one_sql_stay_on_one_side(place):
    pairs = [(f"{q} {i}", sql) for q, sql in PAIRS[:10] for i in range(4)]
    written(place, pairs)
    add(dev_share=0.3)
    project = load_project()
    sides = [find_dataset("mine", split=s, project=project).examples for s in ("train", "dev")]
    train, dev = ({plain_sql(e.query) for e in side} for side in sides)

    assert not train & dev and len(dev) == 3


def test_gold_that_fails_is_refused_or_left_out(place):
    written(place, [*PAIRS, ("Who?", "SELECT nme FROM authors")])
    with pytest.raises(DataError, match=r"1 golds cannot be used.*nme"):
        add()
    assert not (place / "data").exists() and not (place / "text2sql.yaml").exists()

    added = add(drop=True)
    assert added.counts == {"train": 40} and len(added.failing) == 1


def test_what_two_splits_ask_is_a_leak_unless_dropped_from_train(place):
    add()
    written(place, [(PAIRS[0][0].upper(), PAIRS[0][1])], "dev.jsonl", split="dev")
    with pytest.raises(DataError, match="1 questions are in several splits"):
        add("dev.jsonl")

    added = add("dev.jsonl", drop=True)
    assert added.counts == {"train": 39, "dev": 1}
    train = find_dataset("mine", split="train", project=load_project())
    assert plain(PAIRS[0][0]) not in {plain(e.question) for e in train.examples}


def test_repetitions_go_and_contradictions_are_said(place):
    written(place, [*PAIRS, PAIRS[0], (PAIRS[1][0], PAIRS[2][1])])
    added = add()

    assert added.repeated == 1 and len(added.conflicts) == 1 and added.counts == {"train": 41}


def test_a_split_that_is_there_is_replaced_only_on_request(place):
    add()
    with pytest.raises(OutputError, match="--overwrite"):
        add()
    written(place, PAIRS[:5])
    assert add(overwrite=True).counts == {"train": 5}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "spider"}, "is the kit's own"),
        ({"name": "a/b"}, "is no name"),
        ({"dev_share": 1.0}, "share of dev"),
        ({"database": "postgresql://ann:secret@localhost/x"}, "holds a password"),
    ],
)
def test_settings_that_cannot_be_are_one_line(place, options, words):
    with pytest.raises(SettingsError, match=words) as caught:
        add(**options)
    assert "secret" not in str(caught.value)


YAML = """# ours
databases:
  lib: library.sqlite  # the real one
data:
    # old sets
    old: data/old.jsonl
defaults: {base: mini}
"""


def test_a_project_file_keeps_its_comments_and_everything_else(place):
    (place / "text2sql.yaml").write_text(YAML)
    add(database="lib")
    text = (place / "text2sql.yaml").read_text()
    project = load_project()

    assert all(line in text.splitlines() for line in YAML.splitlines())
    assert project.data["mine"].database == "lib" and "old" in project.data


@pytest.mark.parametrize("text", ["", "data:\n", "databases: {a: b.sqlite}\n", "data:\n  x: y\n"])
def test_an_entry_is_added_to_any_block_style_file(tmp_path, text):
    file = tmp_path / "text2sql.yaml"
    file.write_text(text)
    add_data_entry(file, "mine", {"path": "data/mine"})
    add_data_entry(file, "odd", {"path": "a: b #c", "database": "C:\\x, {y}"})
    before = file.read_text()
    add_data_entry(file, "mine", {"path": "data/mine"})

    data = load_project(file).data
    assert data["mine"].path.endswith("data/mine") and data["odd"].database == "C:\\x, {y}"
    assert file.read_text() == before


def test_a_file_in_braces_is_left_alone_and_the_line_is_said(tmp_path):
    file = tmp_path / "text2sql.yaml"
    file.write_text("data: {x: y}\n")
    with pytest.raises(SettingsError, match="under `data:` yourself"):
        add_data_entry(file, "mine", {"path": "data/mine"})
    assert file.read_text() == "data: {x: y}\n"


def test_the_commands_around_it_know_the_name(place):
    runner = CliRunner()
    done = runner.invoke(
        app, ["data", "add", "mine", "pairs.jsonl", "-d", "library.sqlite", "--dev", "0.1"]
    )

    assert done.exit_code == 0, done.output
    assert "mine: 36 train, 4 dev" in done.stdout and "in-domain" in done.stderr
    checked = runner.invoke(app, ["data", "check", "mine", "--json"])
    assert [split["examples"] for split in json.loads(checked.stdout)] == [36, 4]
    assert "mine" in runner.invoke(app, ["data", "list"]).stdout
