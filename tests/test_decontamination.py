"""Decontamination: what an evaluation set has is found in training data, taken out, or refused."""

import json
import sqlite3

import pytest
from typer.testing import CliRunner

from text2sql.cli import app
from text2sql.data.catalog import find_dataset, present_splits
from text2sql.data.contamination import evaluation_sets, refuse_contaminated
from text2sql.data.decontamination import find_overlaps, without
from text2sql.errors import DataError, UnknownName
from text2sql.project import load_project


def dataset(folder, name, pairs, split="train"):
    """Write (question, SQL, db_id) as a data set, with a database for every id."""
    records = []
    for question, sql, db_id in pairs:
        path = folder / f"{db_id}.sqlite"
        if not path.exists():
            connection = sqlite3.connect(path)
            # copies are one database under two names
            connection.execute(f"CREATE TABLE {db_id.removesuffix('_copy')} (id, name, age)")
            connection.close()
        records.append({"question": question, "query": sql, "db_id": db_id, "database": path.name})
    (folder / name).write_text("\n".join(map(json.dumps, records)))
    return find_dataset(str(folder / name), split=split)


@pytest.fixture
def dev(tmp_path):
    pairs = [
        ("How many singers do we have?", "SELECT count(*) FROM singer", "singer"),
        ("Who is older than 30?", "SELECT name FROM singer WHERE age > 30", "singer"),
    ]
    return dataset(tmp_path, "dev.jsonl", pairs, "dev")


@pytest.fixture
def train(tmp_path):
    pairs = [
        ("How many pets do we have?", "SELECT count(*) FROM pets", "pets"),
        ("how many singers do we have", "SELECT count(*) FROM pets", "pets"),
        ("Who is older than 35?", "SELECT name FROM pets WHERE age > 35", "pets"),
        ("Which ones are under 20?", "SELECT id FROM singer WHERE age > 20", "singer_copy"),
        ("List all ages.", "SELECT age FROM singer ORDER BY age", "singer_copy"),
    ]
    return dataset(tmp_path, "train.jsonl", pairs)


def found(train, dev, **options):
    overlaps = find_overlaps(train, [dev], **options)
    return [(o.example.index, o.kind, o.other.index) for o in overlaps]


def test_a_question_is_found_in_the_same_letters_or_nearly_so(train, dev):
    assert found(train, dev, kinds=["question"]) == [(1, "question", 0), (2, "question", 1)]
    assert found(train, dev, kinds=["question"], threshold=1.0) == [(1, "question", 0)]


def test_a_database_is_known_by_its_tables_under_another_name(train, dev):
    assert found(train, dev, kinds=["database"]) == [(3, "database", 0), (4, "database", 0)]


def test_a_skeleton_counts_on_the_same_database_alone(train, dev):
    assert found(train, dev, kinds=["skeleton"]) == [(3, "skeleton", 1)]


def test_what_overlaps_is_taken_out(train, dev):
    clean = without(train, find_overlaps(train, [dev]))

    assert [example.index for example in clean.examples] == [0]


def test_an_unknown_kind_is_named(train, dev):
    with pytest.raises(UnknownName, match="did you mean 'skeleton'"):
        find_overlaps(train, [dev], kinds=["skelton"])


def test_the_command_reports_with_examples_and_writes_what_is_clean(train, dev, tmp_path):
    out = tmp_path / "clean.jsonl"
    command = ["data", "decontaminate", str(tmp_path / "train.jsonl")]
    command += ["--against", f"{tmp_path / 'dev.jsonl'}:dev", "-o", str(out)]
    ran = CliRunner().invoke(app, command)

    assert ran.exit_code == 0 and "1 of 5 examples are clean, 4 overlap" in ran.stdout
    assert "2 by question with dev dev:" in ran.stdout and "'List all ages.'" in ran.stdout
    (record,) = map(json.loads, out.read_text().splitlines())
    assert record["database"] == str(tmp_path / "pets.sqlite")
    overlaps = json.loads(CliRunner().invoke(app, [*command, "--overwrite", "--json"]).stdout)
    assert len(overlaps["overlaps"]) == 5


def test_training_on_a_question_of_an_evaluation_set_is_refused(samples, tmp_path):
    dev = find_dataset("samples", split="dev")
    with pytest.raises(DataError, match=f"{len(dev.examples)} of .* are in .* samples dev"):
        refuse_contaminated(dev, evaluation_sets(data_root=tmp_path))
    refuse_contaminated(find_dataset("samples", split="train"), evaluation_sets(data_root=tmp_path))


def test_the_same_question_about_another_database_is_not_refused(dev, train):
    refuse_contaminated(train, [("dev", dev.examples)])
    with pytest.raises(DataError, match="the first is example 0, 'How many singers"):
        refuse_contaminated(dev, [("dev", dev.examples)])


def test_train_refuses_before_anything_is_loaded_unless_it_is_allowed(
    samples, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    command = ["train", "--base", "no-such-folder/x", "--data", "samples", "--split", "dev"]
    refused = CliRunner().invoke(app, command)
    allowed = CliRunner().invoke(app, [*command, "--allow-contaminated"])

    assert isinstance(refused.exception, DataError) and "samples dev" in str(refused.exception)
    assert not isinstance(allowed.exception, DataError)


def test_the_evaluation_sets_of_the_project_count_too(dev, train, tmp_path):
    records = [json.loads(line) for line in (tmp_path / "dev.jsonl").read_text().splitlines()]
    file = "\n".join(json.dumps(record | {"split": "test"}) for record in records)
    (tmp_path / "both.jsonl").write_text(file)
    (tmp_path / "folder").mkdir()
    for name in ("dev.jsonl", "more_to_learn.jsonl"):
        (tmp_path / "folder" / name).write_text((tmp_path / "dev.jsonl").read_text())
    (tmp_path / "text2sql.yaml").write_text("data: {one: both.jsonl, two: folder, three: gone}")
    project = load_project(tmp_path)
    known = dict(evaluation_sets(data_root=tmp_path, project=project))

    assert len(known["one test"]) == len(known["two dev"]) == 2 and "two more_to_learn" not in known
    with pytest.raises(DataError, match="in the evaluation set one test"):
        refuse_contaminated(dev, known.items())
    assert present_splits("one", project=project) == ["test"]
    assert present_splits(str(tmp_path / "folder")) == ["dev", "more_to_learn"]


@pytest.mark.spider
def test_spider_train_shares_six_questions_with_dev_and_is_not_refused(spider):
    train, dev = (
        find_dataset("spider", split=s, data_root=spider.parent) for s in ("train", "dev")
    )

    overlaps = find_overlaps(train, [dev], kinds=["question", "database"])
    assert [o.kind for o in overlaps] == ["question"] * 6
    assert all(o.example.db_id != o.other.db_id for o in overlaps)
    refuse_contaminated(train, evaluation_sets(data_root=spider.parent))
