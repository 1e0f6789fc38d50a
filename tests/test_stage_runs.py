"""The stages' own sampler and judge: real decoding, real databases, from a recipe file to a run."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from text2sql import stage_runs
from text2sql.data.catalog import find_dataset
from text2sql.errors import DatabaseError
from text2sql.stage_runs import databases_finder, open_judge, stage_abilities
from text2sql.training.recipe import Recipe, read_recipe
from text2sql.training.stage_settings import Reject
from text2sql.training.start import start

SOURCE = {"revision": None, "trust_remote_code": None}
SETTINGS = Reject(num_samples=3, max_new_tokens=5, constraint="none", sampling_batch_size=2)


def some_questions(count: int = 4):
    return find_dataset("samples", split="train", limit=count)


def recipe(base: Path) -> Recipe:
    return read_recipe(None, base=str(base), today="2026-01-01", style="compact")


def draw(base: Path, file: Path) -> list[list[str]]:
    sample = stage_abilities(lambda recipe: some_questions(), measure=None, source=SOURCE).sample
    return sample(some_questions(), adapter=None, recipe=recipe(base), settings=SETTINGS, file=file)


def test_samples_are_kept_and_a_cut_file_is_completed_with_the_same(tiny_llama, tmp_path):
    file = tmp_path / "samples.jsonl"
    drawn = draw(tiny_llama, file)
    whole = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("\n".join(file.read_text().splitlines()[:2]) + '\n{"index": 2, "can')

    assert [len(texts) for texts in drawn] == [3, 3, 3, 3]
    assert draw(tiny_llama, file) == drawn
    again = [json.loads(line) for line in file.read_text().splitlines()]
    assert [r["candidates"] for r in again] == [r["candidates"] for r in whole]


def test_no_model_is_loaded_where_all_samples_are_there(tiny_llama, tmp_path, monkeypatch):
    drawn = draw(tiny_llama, tmp_path / "samples.jsonl")
    monkeypatch.setattr(stage_runs, "open_model", None)

    assert draw(tiny_llama, tmp_path / "samples.jsonl") == drawn


def test_neighbours_come_after_the_database_itself(samples, shop, tmp_path):
    for name in ("shop.sqlite", "shop_neighbour_01.sqlite"):
        (tmp_path / "shop").mkdir(exist_ok=True)
        shutil.copyfile(shop, tmp_path / "shop" / name)
    databases = databases_finder(find_dataset("samples", split="train"), str(tmp_path))

    assert [each.path for each in databases("shop")] == [
        shop.resolve(),
        (tmp_path / "shop" / "shop_neighbour_01.sqlite").resolve(),
    ]
    assert [each.name for each in databases("clinic")] == ["clinic"]
    with pytest.raises(DatabaseError, match="no folder of databases: nowhere"):
        databases_finder(find_dataset("samples", split="train"), "nowhere")


def test_it_is_said_once_that_neighbours_are_missing(capsys):
    told: set[str | None] = set()
    for _ in range(2):
        with open_judge(some_questions(), None, told=told) as judge:
            assert judge("SELECT 1 FROM orders", ["SELECT order_id FROM orders"], "shop").valid

    assert capsys.readouterr().err.count("1 of 1 databases have no neighbours") == 1


def test_a_recipe_file_with_stages_runs_as_it_is_written(tiny_llama, tmp_path, capsys):
    sampling = {"num_samples": 2, "max_new_tokens": 4, "constraint": "none"}
    settings = {"base": str(tiny_llama), "data": "samples", "limit": 4, "max_steps": 1}
    settings |= {"eval_split": "dev_in_domain", "eval_limit": 1, "style": "compact"}
    stages = [{"kind": "sft"}, {"kind": "reject", **sampling}]
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings | {"stages": stages}))
    run = start(tmp_path / "recipe.yaml", settings={}, output=tmp_path / "run")

    first, second = json.loads((run.folder / "stages.json").read_text())
    assert first["accuracy"]["n"] == 1 and first["raised"] is None and run.steps == 1
    assert second["counts"]["sampled"] == 8 and second["kept"].startswith("nothing to learn")
    again = start(None, settings={}, output=tmp_path / "run", resume=True)
    assert again.steps == 1 and "stage 1 of 2" in capsys.readouterr().err
