"""Pretraining: sharing the schema changes the time and not the loss; a seed decides the weights."""

import copy

import pytest
import tiny
import torch

from text2sql.training.pretraining import Group, pretrain, row_loss

SHARED = [5, 6, 7, 8, 9, 10]
BRANCHES = [([11, 12], [13, 14, 1]), ([15, 16, 17, 18], [19, 1]), ([20], [21, 22, 23, 24, 1])]


@pytest.fixture
def model():
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(tiny.config("llama")).double()


def gradients(model) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_a_shared_row_has_the_loss_and_gradients_of_separate_ones(model):
    row_loss(model, Group(SHARED, BRANCHES)).backward()
    shared = gradients(model)
    model.zero_grad()
    tokens = sum(len(sql) for _, sql in BRANCHES)
    for question, sql in BRANCHES:
        ids = torch.tensor([SHARED + question + sql])
        labels = torch.tensor([[-100] * (len(SHARED) + len(question)) + sql])
        (model(input_ids=ids, labels=labels).loss * len(sql) / tokens).backward()

    separate = gradients(model)
    for name, gradient in shared.items():
        worst = (gradient - separate[name]).abs().max() / separate[name].abs().max()
        assert worst < 1e-5, (name, worst)


def test_a_seed_decides_the_weights_and_training_lowers_the_loss(model):
    groups = [Group(SHARED, BRANCHES)]
    other = copy.deepcopy(model)
    before = row_loss(model, groups[0]).item()
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
