"""What a recipe may say of its stages, and how a mistake in it is named."""

import pytest

from text2sql.errors import SettingsError, UnknownName
from text2sql.training.recipe import read_recipe, write_recipe
from text2sql.training.stage_settings import read_stages


def stages(*entries: dict, **settings):
    return read_stages(read_recipe(None, base="mini", stages=list(entries), **settings))


def test_a_stage_has_the_recipes_settings_under_its_own():
    first, second = stages(
        {"kind": "sft"},
        {"kind": "sft", "name": "anneal", "learning_rate": 5e-5, "data": "samples"},
        weight_decay=0.1,
    )

    assert (first.folder_name, second.folder_name) == ("1-sft", "2-anneal")
    assert (first.recipe.learning_rate, second.recipe.learning_rate) == (2e-4, 5e-5)
    assert second.recipe.data == "samples" and second.recipe.weight_decay == 0.1
    assert second.recipe.stages == []


def test_preferences_and_reinforcement_have_a_pace_of_their_own():
    dpo, grpo, told = stages(
        {"kind": "dpo"},
        {"kind": "grpo"},
        {"kind": "dpo", "learning_rate": 3e-6},
        learning_rate=1e-3,
    )

    rates = [s.recipe.learning_rate for s in (dpo, grpo, told)]
    assert rates == pytest.approx([5e-5, 5e-5, 3e-6])
    assert dpo.recipe.num_train_epochs == 1


def test_a_recipe_without_stages_has_none():
    assert stages() == []


@pytest.mark.parametrize(
    ("stage", "error", "message"),
    [
        ({}, SettingsError, "stage 1 names no kind .known: sft, reject, dpo, grpo"),
        ({"kind": "dpp"}, UnknownName, "no kind of stage 'dpp' in stage 1 .did you mean 'dpo'"),
        ({"kind": "ppo"}, SettingsError, "trl 1.16 has no PPOTrainer any more; grpo is"),
        ({"kind": "dpo", "betta": 1}, SettingsError, "no setting 'betta' .did you mean 'beta'"),
        ({"kind": "sft", "beta": 1}, SettingsError, r"stage 1 \(sft\): no setting 'beta'"),
        ({"kind": "sft", "lora_r": 8}, SettingsError, "lora_r is the same for all stages"),
        ({"kind": "sft", "base": "mini"}, SettingsError, "base is the same for all stages"),
        ({"kind": "reject", "gold_share": 1}, SettingsError, "gold_share: input should be less"),
        ({"kind": "sft", "learning_rate": 0}, SettingsError, "learning_rate: input should be gr"),
        ({"kind": "sft", "name": "a/b"}, SettingsError, "a name is letters"),
        (
            {"kind": "grpo", "reward_weights": {"exeution": 1}},
            UnknownName,
            "no reward 'exeution' .did you mean 'execution'",
        ),
    ],
)
def test_a_mistake_in_a_stage_is_named(stage, error, message):
    with pytest.raises(error, match=message):
        stages(stage)


def test_stages_are_read_from_yaml_with_its_odd_numbers(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("base: mini\nstages:\n  - {kind: dpo, learning_rate: 1e-6, beta: 5e-1}\n")
    recipe = read_recipe(path)
    write_recipe(recipe, tmp_path / "again.yaml")

    (stage,) = read_stages(recipe)
    assert (stage.recipe.learning_rate, stage.settings.beta) == (1e-6, 0.5)
    assert read_stages(read_recipe(tmp_path / "again.yaml")) == [stage]
