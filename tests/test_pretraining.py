"""Pretraining: sharing the schema changes the time and not the loss; a seed decides the weights."""

import copy

import pytest
import tiny
import torch

from text2sql.training.pretraining import pretrain, row_loss
from text2sql.training.rows import Branch, Group
from text2sql.training.sharing import share

SHARED = [5, 6, 7, 8, 9, 10]
BRANCHES = [
    Branch([11, 12], [13, 14, 1]),
    Branch([15, 16, 17, 18], [19, 1]),
    Branch([20], [21, 22, 23, 24, 1]),
]


@pytest.fixture
def model():
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(tiny.config("llama")).double()


def test_a_seed_decides_the_weights_and_training_lowers_the_loss(model):
    groups = [Group(SHARED, BRANCHES)]
    other = copy.deepcopy(model)
    share(untrained := copy.deepcopy(model), "twopart")
    before = row_loss(untrained, groups[0]).item()
    for each in (model, other):
        pretrain(each, groups, steps=5, seed=3, branches=2)

    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True)
    )
    assert row_loss(model, groups[0]).item() < before


def test_every_question_of_a_pass_is_seen_once(model):
    from random import Random

    from text2sql.training.pretraining import _rows

    rows = _rows([Group(SHARED, BRANCHES), Group([30], BRANCHES[:1])], 2, Random(1))
    first = [next(rows) for _ in range(3)]

    assert sorted(len(row.branches) for row in first) == [1, 1, 2]
    assert sorted(map(str, (b for r in first for b in r.branches))) == sorted(
        map(str, [*BRANCHES, BRANCHES[0]])
    )
