"""The model card: every figure is one that the run measured; what is not measured is not said."""

from pathlib import Path

import pytest
import yaml

from text2sql.bases import find_base
from text2sql.data.catalog import find_dataset
from text2sql.scoring.manifests import file_hash
from text2sql.training.history import Accuracy, History
from text2sql.training.model_card import write_model_card
from text2sql.training.recipe import read_recipe
from text2sql.training.sft import Run

BASE = find_base("codellama-7b")
RECIPE = read_recipe(None, base="codellama-7b", data="samples", eval_steps=10, eval_limit=50)


def card(
    folder: Path, published: Accuracy | None = None, *, recipe=RECIPE, base=BASE, **options
) -> str:
    run = Run(folder, 300, 0.1234, 192, 3, 9_000, 60.0, published)
    dataset = find_dataset("samples", split="train")
    return write_model_card(folder, recipe, base, [dataset], run, **options).read_text()


def test_a_card_names_base_data_with_hashes_and_the_recipe(tmp_path):
    text = card(tmp_path)
    head, recipe = yaml.safe_load(text.split("---")[1]), text.split("```yaml")[1].split("```")[0]

    assert head["base_model"] == BASE.hub_id and head["library_name"] == "peft"
    (file,) = find_dataset("samples", split="train").files
    assert "| samples | train | 192 | " in text and f"{file.name} {file_hash(file)[:12]}" in text
    assert yaml.safe_load(recipe)["learning_rate"] == RECIPE.learning_rate
    assert "192 examples (3 left out) in 300 steps; mean loss 0.123" in text


def test_no_accuracy_is_told_where_none_was_measured(tmp_path):
    text = card(tmp_path)

    assert "None was measured during this run" in text
    assert "Wilson" not in text and "Curves" not in text


def test_an_accuracy_has_its_count_its_interval_and_its_data(tmp_path):
    text = card(tmp_path, Accuracy(300, 31, 50))

    assert "| execution_accuracy | samples dev, 50 drawn with seed 42 | 31 | 50 | 62.0% |" in text
    assert "48.2% to 74.1%" in text and "optimistic" not in text


def test_an_accuracy_that_chose_the_weights_is_said_to_have_done_so(tmp_path):
    for step, correct in ((10, 20), (20, 31), (30, 25)):
        History(tmp_path).append(Accuracy(step, correct, 50).record())
    said = "best of 3 evaluations on these examples"

    assert said in card(tmp_path, Accuracy(20, 31, 50))
    last = RECIPE.model_copy(update={"load_best": False})
    assert said not in card(tmp_path, Accuracy(30, 25, 50), recipe=last)


def test_curves_are_shown_where_they_were_drawn(tmp_path):
    (tmp_path / "curves.png").write_bytes(b"")

    assert "![Curves of the run](curves.png)" in card(tmp_path)


def test_a_stage_that_raised_nothing_is_told_as_such(tmp_path):
    before, after = Accuracy(10, 31, 50).record(), Accuracy(10, 30, 50).record()
    common = {"examples": 5, "steps": 10, "kept": None}
    first = {"number": 1, "name": "sft", "kind": "sft", "accuracy": before, "raised": None}
    second = {"number": 2, "name": "dpo", "kind": "dpo", "accuracy": after, "raised": False}
    text = card(tmp_path, stages=[first | common, second | common])

    assert "| 1 sft | sft | 5 | 10 | 62.0% (48.2% to 74.1%, n = 50) |  |" in text
    assert "| 2 dpo | dpo | 5 | 10 | 60.0% (46.2% to 72.4%, n = 50) | no |" in text


@pytest.mark.parametrize("name", ["codellama-7b", "mini"])
def test_the_code_of_a_card_is_python_and_names_weights_that_transformers_can_load(name, tmp_path):
    blocks = card(tmp_path, base=find_base(name)).split("```python\n")[1:]

    assert len(blocks) == 2
    for block in blocks:
        compile(block.split("```")[0], "card", "exec")
    assert '("mini")' not in blocks[1]


def test_the_code_of_a_card_loads_the_adapter_and_answers(tiny_llama, tmp_path, shop, monkeypatch):
    from text2sql.training.sft import train

    settings = {"max_steps": 1, "data": "samples", "style": "compact"}
    recipe = read_recipe(None, base=str(tiny_llama), output_dir=str(tmp_path / "run"), **settings)
    train(recipe, find_dataset("samples", split="train", limit=2))
    text = (tmp_path / "run" / "README.md").read_text()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.sqlite").symlink_to(shop)
    names: dict = {}
    for block in text.split("```python\n")[1:]:
        exec(block.split("```")[0], names)

    assert names["model"].peft_config["default"].r == 16 and names["tokenizer"].eos_token == "</s>"
    assert "None was measured during this run" in text
