"""The order of examples: easy or hard first, by hardness or loss, in plain and shared rows."""

import pytest

from text2sql.data import curriculum
from text2sql.data.catalog import find_dataset
from text2sql.errors import SettingsError, UnknownName
from text2sql.training.material import partition_of
from text2sql.training.recipe import read_recipe
from text2sql.training.rows import Branch, Group, partition


@pytest.fixture(scope="module")
def dataset():
    return find_dataset("samples", split="train", limit=48)


def test_hardness_is_that_of_the_official_parser(dataset):
    from text2sql.scoring import hardness

    levels = curriculum.by_hardness(dataset)
    first = dataset.examples[0]
    assert curriculum.LEVELS[int(levels[0])] == hardness(first.query, dataset.schema(first.db_id))
    assert len(levels) == 48 and len(set(levels)) >= 3


def test_easy_first_is_the_reverse_of_hard_first_but_for_ties(dataset):
    levels = curriculum.by_hardness(dataset)
    easy = curriculum.arrange(levels, order="easy_first", seed=1)
    hard = curriculum.arrange(levels, order="hard_first", seed=1)

    assert [levels[place] for place in easy] == sorted(levels)
    assert [levels[place] for place in hard] == sorted(levels, reverse=True)
    assert sorted(easy) == sorted(hard) == list(range(48))


def test_the_seed_decides_the_order_of_equals_and_nothing_else(dataset):
    levels = curriculum.by_hardness(dataset)
    one, again, other = (curriculum.arrange(levels, order="easy_first", seed=s) for s in (1, 1, 2))

    assert one == again != other
    assert [levels[place] for place in one] == [levels[place] for place in other]
    assert curriculum.arrange(levels, order="random", seed=1) != one


def test_shared_rows_come_by_the_mean_of_their_questions():
    recipe = read_recipe(None, base="mini", order="easy_first", prefix_cap=2)
    branches = [Branch([n], [n], float(n % 4)) for n in range(1, 13)]
    groups = [Group([100], branches[:6], "a"), Group([200], branches[6:], "b")]
    rows = partition(groups, partition_of(recipe, groups, world=1), epoch=0)

    learnt = [branch for parts in rows for part in parts for branch in part.branches]
    assert sorted(b.question[0] for b in learnt) == list(range(1, 13))
    size = recipe.per_device_train_batch_size
    first, last = learnt[: size // 2], learnt[-size // 2 :]
    assert sum(b.difficulty for b in first) < sum(b.difficulty for b in last)


@pytest.mark.parametrize("packing", ["prefix", "none"])
@pytest.mark.parametrize("order", ["easy_first", "hard_first", "by_loss"])
def test_a_training_takes_its_rows_in_order(packing, order, tiny_llama, tmp_path, monkeypatch):
    pytest.importorskip("trl")
    from text2sql.training import sft

    read, seen = sft.read_material, []
    monkeypatch.setattr(
        sft, "read_material", lambda m, r, encoded: seen.append(encoded) or read(m, r, encoded)
    )
    settings = {"packing_strategy": packing, "order": order, "max_steps": 2, "style": "compact"}
    recipe = read_recipe(None, base=str(tiny_llama), output_dir=str(tmp_path / "run"), **settings)
    run = sft.train(recipe, find_dataset("samples", split="train", limit=8))

    (encoded,) = seen
    assert run.steps == 2 and len(encoded.difficulties) == 8
    if order == "by_loss":
        assert all(5 < loss < 7 for loss in encoded.difficulties)  # of a random model: log 400
    else:
        sign = 1 if order == "easy_first" else -1
        dataset = find_dataset("samples", split="train", limit=8)
        assert encoded.difficulties == [sign * v for v in curriculum.by_hardness(dataset)]


def test_a_row_that_the_model_finds_hard_has_a_high_loss(tiny_llama):
    import torch

    from text2sql.bases import find_base, load_model
    from text2sql.training.difficulty import row_losses
    from text2sql.training.records import Encoded

    model = load_model(find_base(str(tiny_llama)))
    prompt = [5, 6, 7, 8]
    with torch.no_grad():
        likely = model(input_ids=torch.tensor([prompt])).logits[0, -1].argsort(descending=True)
    rows = [
        {"input_ids": [*prompt, token], "labels": [-100] * 4 + [token]}
        for token in (int(likely[0]), int(likely[-1]))
    ]
    easy, hard = row_losses(model, Encoded(rows=rows))
    assert easy < hard and not model.training


def test_packing_that_loses_the_order_and_unknown_orders_are_refused():
    with pytest.raises(SettingsError, match="bfd puts rows together by their length"):
        read_recipe(None, base="mini", order="easy_first", packing_strategy="bfd")
    with pytest.raises(UnknownName, match="did you mean 'easy_first'"):
        curriculum.arrange([1.0], order="easyfirst", seed=1)
