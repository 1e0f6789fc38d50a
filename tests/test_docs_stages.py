"""What is written of stages: the recipe is read, the settings are all there, the Python runs."""

import re
from pathlib import Path
from typing import Any

import yaml

from text2sql.training.recipe import read_recipe
from text2sql.training.stage_settings import KINDS, read_stages

PAGE = (Path(__file__).parent.parent / "docs" / "stages.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", PAGE, re.M))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def test_the_recipe_is_one_and_has_a_stage_of_every_kind():
    (text,) = blocks("yaml")
    stages = read_stages(read_recipe(None, **yaml.safe_load(text)))

    assert {stage.kind for stage in stages} == set(KINDS)
    assert [stage.folder_name for stage in stages[:2]] == ["1-sft", "2-anneal"]


def test_every_setting_of_a_kind_is_named():
    assert list(ROWS) == list(KINDS)
    for kind, settings in KINDS.items():
        told = ROWS[kind] + (ROWS["reject"] if "the same for sampling" in ROWS[kind] else "")
        assert not [name for name in settings.model_fields if f"`{name}`" not in told], kind


def test_the_rewards_serve_a_trainer_of_ones_own(tiny_llama, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place: dict[str, Any] = {}
    (block,) = blocks("python")
    block = block.replace('"my-model"', repr(str(tiny_llama)))
    small = "max_completion_length=4, use_cpu=True"
    exec(block.replace("max_completion_length=64", small), place)

    assert place["paid"] == [1.0, 0.0]
    names = {key for entry in place["trainer"].state.log_history for key in entry}
    assert {f"rewards/{name}/mean" for name in ("execution", "validity", "format")} <= names
