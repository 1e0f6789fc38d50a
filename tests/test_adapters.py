"""The recipes that come with the kit: one for every base, valid, explained, and used by itself."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from text2sql.bases import BASES, find_base
from text2sql.errors import SettingsError
from text2sql.project import load_project
from text2sql.training import memory, stage_settings
from text2sql.training.recipe import Recipe, read_recipe
from text2sql.training.schedules import SCHEDULES
from text2sql.training.shipped import compare_with_shipped, shipped_recipe
from text2sql.training.start import read_request

ROOT = Path(__file__).parent.parent
FOLDERS = sorted(path.parent for path in ROOT.glob("adapters/*/recipe.yaml"))
OWN = (
    *(f"codellama-{size}{kind}" for size in ("7b", "13b", "34b") for kind in ("", "-instruct")),
    "ziya-coding-15b",
    "ziya-coding-34b",
    "ziya-llama-13b",
    "abacus",
    "qwen2.5-coder-7b",
    "mini",
)


@pytest.fixture(scope="module")
def training_plan():
    """Return the script that writes what the READMEs say of memory."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import training_plan

    yield training_plan
    sys.path.remove(str(ROOT / "benchmarks"))


def request(base, recipe=None, overrides=(), **settings):
    settings = {"base": base} | settings
    project = load_project()
    return read_request(recipe, settings=settings, overrides=overrides, project=project)


def test_every_base_that_a_user_would_train_has_a_folder():
    assert {folder.name for folder in FOLDERS} == set(OWN) <= set(BASES)


@pytest.mark.parametrize("name", [base.name for base in BASES.values() if base.architecture])
def test_every_base_of_the_catalogue_has_a_valid_recipe(name):
    base = find_base(name)
    read = request(name)

    assert read.base == name and read.lr_scheduler_type in SCHEDULES
    settled = read.model_copy(update={"target_modules": list(base.lora_targets)})
    trainable = memory.trainable_parameters(base.architecture, settled)
    assert 0 < trainable < base.architecture.parameters() * (0.2 if name == "mini" else 0.02)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_readme_explains_the_recipe_beside_it(folder, training_plan):
    text = (folder / "README.md").read_text(encoding="utf-8")
    written = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))
    said = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]{4,} \|$", text, re.M))

    assert said["rank, alpha"] == f"{written['lora_r']}, {written['lora_alpha']}"
    assert float(said["learning rate"]) == written["learning_rate"]
    assert said["schedule"] == f"`{written['lr_scheduler_type']}`"
    assert said["epochs"] == str(written["num_train_epochs"])
    batch = written["per_device_train_batch_size"] * written["gradient_accumulation_steps"]
    assert said["examples in a step"] == str(batch)
    assert said["targets"] == ", ".join(find_base(folder.name).lora_targets)
    block = text.partition(training_plan.BEGIN)[2].partition(training_plan.END)[0]
    assert block.strip() == training_plan.block(folder)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_recipe_begins_with_its_command_and_runs_by_itself(folder):
    path = folder / "recipe.yaml"

    assert path.read_text().startswith(f"# t2s train --base {folder.name}\n")
    assert read_recipe(path) == request(folder.name).model_copy(update={"output_dir": None})


@pytest.mark.parametrize("name", ["ziya-coding-15b", "ziya-coding-34b", "abacus"])
def test_stages_that_wait_in_comments_are_valid_and_their_rate_falls(name):
    lines = (ROOT / "adapters" / name / "recipe.yaml").read_text().splitlines()
    start = lines.index("# stages:")
    waiting = yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines[start:]))
    recipe = request(name).model_copy(update=waiting)

    rates = [stage.recipe.learning_rate for stage in stage_settings.read_stages(recipe)]
    assert len(rates) >= 2 and rates == sorted(rates, reverse=True) and rates[0] > rates[-1]


def test_the_shipped_recipe_is_told_and_gives_way(tmp_path):
    assert request("abacus").lr_scheduler_type == "wcl"
    assert compare_with_shipped(request("abacus", limit=7)) == "recipe: adapters/abacus"

    changed = request("abacus", overrides=["learning_rate=1e-5"], limit=7)
    assert (changed.learning_rate, changed.limit, changed.lr_scheduler_type) == (1e-5, 7, "wcl")
    assert compare_with_shipped(changed) == "recipe: adapters/abacus, but learning_rate 1e-05"
    mine = tmp_path / "mine.yaml"
    mine.write_text("base: abacus\nlora_r: 4\n")
    assert request(None, recipe=mine).lr_scheduler_type == Recipe(base="abacus").lr_scheduler_type


def test_a_copy_on_this_machine_takes_the_recipe_of_its_origin(tmp_path):
    copy = tmp_path / "CodeLlama-34b-Instruct-hf"
    copy.mkdir()
    (copy / "config.json").write_text('{"model_type": "llama"}')

    path = shipped_recipe(find_base(str(copy)))
    assert path is not None and path.parent.name == "codellama-34b-instruct"
    assert request(str(copy)).learning_rate == 1e-4
    assert request("codellama-7b-python").base == "codellama-7b-python"
    assert shipped_recipe(find_base("someone/unknown")) is None


def test_a_wrong_override_is_not_blamed_on_the_shipped_file():
    with pytest.raises(SettingsError, match=r"^no setting 'lora_rr'"):
        request("abacus", overrides=["lora_rr=8"])
    with pytest.raises(SettingsError, match=r"^lora_r: "):
        request("abacus", overrides=["lora_r=0"])


def test_the_wheel_carries_the_recipes():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"adapters": "text2sql/adapters"}
