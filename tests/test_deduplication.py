"""Deduplication: what says again what an earlier example said goes, the first one stays."""

import json

import pytest
from typer.testing import CliRunner

from text2sql.bases import find_base
from text2sql.bases.embedding import embedder
from text2sql.cli import app
from text2sql.data.catalog import find_dataset
from text2sql.data.deduplication import deduplicate
from text2sql.errors import SettingsError, UnknownName

PAIRS = [
    ("How many customers are there?", "SELECT count(*) FROM customers", "shop"),
    ("how many customers are there", "select count( * ) from customers;", "shop"),
    ("How many customers are there now?", "SELECT count(*) FROM customers AS c", "shop"),
    ("How many orders were made?", "SELECT count(*) FROM orders", "shop"),
    ("How many customers are there?", "SELECT count(*) FROM customers", "other"),
    ("How many customers are there?", "SELECT count(DISTINCT name) FROM customers", "shop"),
]


@pytest.fixture
def dataset(tmp_path):
    records = [
        {"question": q, "query": sql, "db_id": db_id, "note": place}
        for place, (q, sql, db_id) in enumerate(PAIRS)
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, records)))
    return find_dataset(str(tmp_path / "mine.jsonl"), split="train")


def left(dataset, **options):
    return [example.index for example in deduplicate(dataset, **options).kept.examples]


def test_each_way_removes_more_than_the_one_before(dataset):
    assert left(dataset, by="exact") == [0, 2, 3, 4, 5]
    assert left(dataset, by="minhash", threshold=0.8) == [0, 3, 4, 5]
    assert left(dataset, by="skeleton") == [0, 4, 5]


def test_so_many_as_asked_for_stay(dataset):
    assert left(dataset, by="skeleton", keep=2) == [0, 1, 4, 5]


def test_what_is_removed_names_the_nearest_that_stays(dataset):
    removed = deduplicate(dataset, by="minhash", threshold=0.8).removed

    assert [(r.example.index, r.like.index) for r in removed] == [(1, 0), (2, 0)]
    assert removed[0].likeness == 1.0 > removed[1].likeness >= 0.8


def test_a_bases_own_embeddings_tell_what_is_alike(dataset, tiny_llama):
    embed = embedder(find_base(str(tiny_llama)))
    vectors = embed([question for question, _, _ in PAIRS])

    assert vectors.norm(dim=1).tolist() == pytest.approx([1.0] * len(PAIRS))
    assert left(dataset, by="semantic", threshold=0.999999, embed=embed) == [0, 1, 2, 3, 4, 5]
    assert left(dataset, by="semantic", threshold=0.01, embed=lambda t: embed(t).abs()) == [0, 4, 5]


def test_a_text_has_the_same_embedding_alone_and_beside_a_longer_one(tiny_llama):
    embed = embedder(find_base(str(tiny_llama)))
    short, long = PAIRS[0][0], " ".join(question for question, _, _ in PAIRS)

    assert embed([short])[0].tolist() == pytest.approx(embed([long, short])[1].tolist(), abs=1e-5)


def test_a_way_or_threshold_that_is_none_is_named(dataset):
    with pytest.raises(UnknownName, match="did you mean 'minhash'"):
        deduplicate(dataset, by="minihash")
    with pytest.raises(SettingsError, match=r"not 1\.5"):
        deduplicate(dataset, by="minhash", threshold=1.5)
    with pytest.raises(SettingsError, match="takes no threshold"):
        deduplicate(dataset, by="exact", threshold=0.5)


def test_the_command_writes_what_stays_with_all_that_its_records_said(
    dataset, tmp_path, tiny_llama
):
    source, out = str(tmp_path / "mine.jsonl"), tmp_path / "sub" / "clean.jsonl"
    command = ["data", "dedup", source, "-o", str(out), "--by", "minhash"]
    ran = CliRunner().invoke(app, command)
    written = [json.loads(line) for line in out.read_text().splitlines()]

    assert ran.exit_code == 0 and "4 of 6 examples stay, 2 are like an earlier one" in ran.stdout
    assert [record["note"] for record in written] == [0, 3, 4, 5]
    assert "--overwrite" in str(CliRunner().invoke(app, command).exception)
    semantic = [*command, "--by", "semantic", "--base", str(tiny_llama), "--overwrite", "--json"]
    assert json.loads(CliRunner().invoke(app, semantic).stdout)["kept"] >= 3


def test_examples_without_gold_are_told_apart_by_their_questions(tmp_path):
    records = [{"question": q, "queries": [], "db_id": "shop"} for q in ("Who?", "Who ?", "When?")]
    (tmp_path / "asked.jsonl").write_text("\n".join(map(json.dumps, records)))
    asked = find_dataset(str(tmp_path / "asked.jsonl"), split="train")

    assert left(asked, by="exact") == [0, 2] and left(asked, by="minhash") == [0, 2]
