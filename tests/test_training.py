"""Training: a recipe becomes an adapter, a killed run continues, a wrong setting is named."""

from pathlib import Path

import pytest

from text2sql.data.catalog import find_dataset
from text2sql.errors import DataError, OutputError, SettingsError
from text2sql.training.recipe import read_recipe, write_recipe

SHORT = {
    "data": "samples",
    "style": "compact",
    "max_steps": 4,
    "save_steps": 2,
    "logging_steps": 1,
    "per_device_train_batch_size": 2,
}


def recipe(base: Path, output: Path, **settings):
    return read_recipe(None, base=str(base), output_dir=str(output), **(SHORT | settings))


def some_examples(count: int = 6):
    return find_dataset("samples", split="train", limit=count)


def weights(folder: Path) -> dict:
    from safetensors.numpy import load_file

    return load_file(folder / "adapter_model.safetensors")


@pytest.mark.parametrize("architecture", ["tiny_llama", "tiny_bigcode"])
def test_an_adapter_trains_saves_loads_with_plain_peft_and_predicts(
    architecture, request, tmp_path, shop
):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from text2sql import Predictor
    from text2sql.training.sft import train

    base = request.getfixturevalue(architecture)
    run = train(recipe(base, tmp_path / "run"), some_examples())

    assert run.steps == 4 and run.examples == 6 and run.skipped == 0
    loaded = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), run.folder)
    assert any(v.abs().sum() > 0 for k, v in loaded.state_dict().items() if "lora_B" in k)
    with Predictor.from_pretrained(run.folder, database=shop) as predictor:
        answer = predictor.predict("How many orders?")
    assert answer.candidates and (answer.error is None) == answer.candidates[0].valid


def test_labels_cover_the_sql_and_its_stop_and_nothing_else(tiny_llama, tmp_path):
    from datetime import date

    from text2sql.bases import find_base, load_tokenizer
    from text2sql.training.records import IGNORED, encode_examples

    base = find_base(str(tiny_llama))
    tokenizer = load_tokenizer(base)
    dataset = some_examples(3)
    encoded = encode_examples(
        dataset,
        base,
        tokenizer,
        recipe(tiny_llama, tmp_path),
        max_length=4096,
        today=date(2026, 1, 1),
    )

    for row, example in zip(encoded.rows, dataset.examples, strict=True):
        kept = [
            token
            for token, label in zip(row["input_ids"], row["labels"], strict=True)
            if label != IGNORED
        ]
        assert kept == [label for label in row["labels"] if label != IGNORED]
        assert kept[-1] == tokenizer.eos_token_id
        assert tokenizer.decode(kept[:-1]).strip() == example.query


@pytest.mark.parametrize("packing", ["prefix", "none"])
def test_a_run_that_stopped_half_way_ends_with_the_weights_of_an_undisturbed_one(
    packing, tiny_llama, tmp_path
):
    from text2sql.training.sft import train

    def recipe(base: Path, output: Path):
        return read_recipe(
            None, base=str(base), output_dir=str(output), packing_strategy=packing, **SHORT
        )

    whole = train(recipe(tiny_llama, tmp_path / "whole"), some_examples())
    broken = train(recipe(tiny_llama, tmp_path / "broken"), some_examples())
    for path in broken.folder.glob("checkpoints/checkpoint-4/*"):
        path.unlink()  # as if killed while the last checkpoint was being written
    for name in ("adapter_model.safetensors", "prompt_card.json"):
        (broken.folder / name).unlink()
    resumed = train(recipe(tiny_llama, tmp_path / "broken"), some_examples(), resume=True)

    left, right = weights(whole.folder), weights(resumed.folder)
    assert left.keys() == right.keys() and all((left[k] == right[k]).all() for k in left)


def test_an_existing_folder_is_refused_unless_told(tiny_llama, tmp_path):
    from text2sql.training.sft import train

    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("keep")

    with pytest.raises(OutputError, match="--resume, or replace it with --overwrite"):
        train(recipe(tiny_llama, tmp_path / "run"), some_examples())
    assert (tmp_path / "run" / "mine.txt").read_text() == "keep"


def test_two_trainings_into_one_folder_are_refused(tiny_llama, tmp_path):
    from text2sql.outputs import owned
    from text2sql.training.sft import train

    with owned(tmp_path / "run"), pytest.raises(OutputError, match="in use by another process"):
        train(recipe(tiny_llama, tmp_path / "run"), some_examples(), resume=True)


def test_a_resumed_run_must_keep_its_settings(tiny_llama, tmp_path):
    from text2sql.training.sft import train

    train(recipe(tiny_llama, tmp_path / "run"), some_examples())

    with pytest.raises(OutputError, match=r"cannot resume: learning_rate is 0\.1"):
        train(recipe(tiny_llama, tmp_path / "run", learning_rate=0.1), some_examples(), resume=True)


def test_examples_that_do_not_fit_are_named_and_left_out_only_on_request(tiny_llama, tmp_path):
    from text2sql.training.sft import train

    tight = {"max_length": 420}
    with pytest.raises(
        DataError, match=r"of 6 examples do not fit; .*--allow-skips.*example \d+ \(shop\)"
    ):
        train(recipe(tiny_llama, tmp_path / "a", **tight), some_examples())
    with pytest.raises(DataError, match="no example is left"):
        train(recipe(tiny_llama, tmp_path / "b", max_length=20, allow_skips=True), some_examples())


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("lora_rr=8", "no setting 'lora_rr' in a recipe .did you mean 'lora_r'"),
        ("learning_rate=-1", "learning_rate: input should be greater than 0"),
        ("language=de", "language: input should be 'en' or 'zh'"),
        ("lora_r", "--set takes key=value"),
    ],
)
def test_a_wrong_setting_is_named(override, message):
    with pytest.raises(SettingsError, match=message):
        read_recipe(None, base="mini", overrides=[override])


def test_a_recipe_file_is_read_back_as_written(tmp_path):
    before = read_recipe(
        None, base="mini", overrides=["learning_rate=1e-3", "target_modules=[q_proj, v_proj]"]
    )
    write_recipe(before, tmp_path / "recipe.yaml")

    assert read_recipe(tmp_path / "recipe.yaml") == before
    assert before.learning_rate == 0.001


def test_a_recipe_that_is_no_mapping_is_one_clear_line(tmp_path):
    for text in ("- a\n- b\n", "a: [", "\xff"):
        (tmp_path / "r.yaml").write_text(text, encoding="latin-1")
        with pytest.raises(SettingsError) as caught:
            read_recipe(tmp_path / "r.yaml")
        assert "\n" not in str(caught.value) and "r.yaml" in str(caught.value)
