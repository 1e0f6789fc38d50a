"""The dev sample of a training: drawn by seed, without the training set's questions, gold run."""

from dataclasses import replace

import pytest

from text2sql.data.catalog import find_dataset
from text2sql.errors import DataError, GoldError
from text2sql.measuring import dev_sample, draw, without_training
from text2sql.training.recipe import read_recipe


def samples(split: str, count: int | None = None):
    return find_dataset("samples", split=split, limit=count)


def recipe(**settings):
    return read_recipe(None, base="mini", data="samples", **settings)


def test_questions_of_the_training_set_are_left_out_and_said(capsys):
    dev, training = samples("dev", 5), samples("train", 5)
    learnt = replace(dev.examples[2], question=f" {dev.examples[2].question.upper()}! ")
    training = replace(training, examples=[*training.examples, learnt])
    kept = without_training(dev, training)

    assert [e.index for e in kept.examples] == [0, 1, 3, 4]
    assert "1 of 5 examples of samples dev left out" in capsys.readouterr().err


def test_a_dev_set_that_is_the_training_set_is_refused():
    with pytest.raises(DataError, match=r"192 of 192 .* are in the training set by question"):
        dev_sample(recipe(eval_split="train"), samples("train"))


def test_a_sample_is_drawn_over_all_databases_by_seed():
    dev = samples("dev")
    drawn = draw(dev, 30, seed=1)

    assert drawn.examples == draw(dev, 30, seed=1).examples != draw(dev, 30, seed=2).examples
    assert set(drawn.db_ids()) == set(dev.db_ids()) and len(drawn.examples) == 30
    assert draw(dev, 1000, seed=1) is dev


def test_nothing_is_measured_where_the_recipe_does_not_ask_for_it():
    assert dev_sample(recipe(), samples("train", 3)) is None


def test_gold_that_does_not_run_is_found_before_anything_is_trained(tmp_path):
    path = tmp_path / "dev.jsonl"
    database = samples("dev").database("energy").path
    path.write_text(
        f'{{"question": "?", "query": "SELECT nothing", "db_id": "e", "database": "{database}"}}\n'
    )

    with pytest.raises(GoldError, match="nothing"):
        dev_sample(
            recipe(eval_data=str(path)).model_copy(update={"eval_steps": 2}), samples("train", 3)
        )
