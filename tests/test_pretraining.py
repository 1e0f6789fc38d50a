"""Pretraining: sharing the schema changes the time and not the loss; a stopped run goes on."""

import copy
from itertools import islice, pairwise

import pytest
import tiny
import torch

from text2sql.training.pretraining import Schedule, _rate, _rows, pretrain, row_loss
from text2sql.training.rows import Branch, Group
from text2sql.training.sharing import share

SHARED = [5, 6, 7, 8, 9, 10]
BRANCHES = [
    Branch([11, 12], [13, 14, 1]),
    Branch([15, 16, 17, 18], [19, 1]),
    Branch([20], [21, 22, 23, 24, 1]),
]


def stream(place: int):
    while True:
        yield Group([*SHARED, 30 + place % 40], BRANCHES[: 1 + place % 3])
        place += 1


@pytest.fixture
def model():
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(tiny.config("llama"))


def equal(one, other) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_the_stream_decides_the_weights_and_training_lowers_the_loss(model):
    other, untrained = copy.deepcopy(model), copy.deepcopy(model)
    share(untrained, "twopart")
    group = Group(SHARED, BRANCHES)
    before = row_loss(untrained, group).item()
    for each in (model, other):
        done = pretrain(each, stream, Schedule(steps=12, tokens=60, bfloat16=False))

    assert done.steps == 12 and done.questions > 24 and done.tokens >= 12 * 60
    assert equal(model, other)
    assert row_loss(model, group).item() < before


def test_a_run_that_was_stopped_goes_on_as_if_nothing_had_happened(model, tmp_path):
    schedule = Schedule(steps=6, tokens=40, bfloat16=False)
    whole, parts = copy.deepcopy(model), copy.deepcopy(model)
    pretrain(whole, stream, schedule)
    for _ in range(6):  # a budget of no time lets one step be done
        fresh = copy.deepcopy(model)
        done = pretrain(fresh, stream, schedule, folder=tmp_path, minutes=0)
        parts = fresh

    assert done.steps == 6
    assert equal(whole, parts)
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == 6


def test_what_is_finished_is_not_done_again(model, tmp_path):
    schedule = Schedule(steps=2, tokens=40, bfloat16=False)
    first = pretrain(model, stream, schedule, folder=tmp_path)
    weights = copy.deepcopy(model)
    assert pretrain(model, stream, schedule, folder=tmp_path) == first
    assert equal(model, weights)


def test_a_step_has_enough_tokens_and_leaves_no_group_out():
    rows = list(islice(_rows(stream, 7, 50), 5))
    assert all(sum(part.tokens for part in parts) >= 50 for parts, _ in rows)
    read = [part for parts, _ in rows for part in parts]
    assert read == list(islice(stream(7), len(read))) and rows[-1][1] == 7 + len(read)


def test_the_rate_rises_and_falls_to_almost_nothing():
    schedule = Schedule(steps=1000)
    rates = [_rate(step, schedule) for step in range(1000)]
    assert 0 < rates[0] < 0.1 and rates[59] == pytest.approx(1.0, abs=0.07) == max(rates)
    assert rates[239] == pytest.approx(0.5 * (1 - 0.239))  # the root of 60 in 240
    assert rates[999] < 0.01
    assert all(a >= b for a, b in pairwise(rates[60:]))


def test_rows_of_several_schemas_have_the_loss_of_one_row_for_each_question(model):
    from text2sql.training.rows import IGNORED

    groups = [Group(SHARED, BRANCHES), Group([33, 34], BRANCHES[:2])]
    losses, count = 0.0, 0
    with torch.no_grad():
        for group in groups:
            for branch in group.branches:
                ids = [*group.shared, *branch.question, *branch.sql]
                labels = [IGNORED] * (len(ids) - len(branch.sql)) + list(branch.sql)
                output = model(input_ids=torch.tensor([ids]), labels=torch.tensor([labels]))
                losses += output.loss.item() * len(branch.sql)
                count += len(branch.sql)
        share(model, "twopart")
        together = row_loss(model, *groups).item()
    assert together == pytest.approx(losses / count, rel=1e-5)
