"""Learning-rate schedules: their shape, their ends, and that a trainer follows them."""

import itertools
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from text2sql.errors import UnknownName
from text2sql.training.recipe import read_recipe
from text2sql.training.schedules import SCHEDULES, Scheduled, our_schedule, schedule

names = st.sampled_from(sorted(SCHEDULES))
# the machine may be busy
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
phases = st.one_of(st.floats(0, 0.99), st.integers(1, 500).map(float))


@patient
@given(names, st.integers(1, 400), phases, phases, st.floats(0, 1), st.floats(0, 1))
def test_no_step_is_wasted_and_none_is_above_the_peak(name, steps, warm, decay, low, knee):
    ends = {"min_lr_ratio": low, "knee_lr_ratio": max(knee, 1e-3)}
    rate = schedule(name, steps, warmup_steps=warm, decay_steps=decay, **ends)

    rates = [rate(step) for step in range(steps)]

    assert all(0 < value <= 1 + 1e-12 for value in rates)


@patient
@given(names, st.integers(200, 600), st.floats(0.05, 0.3), st.floats(0.1, 0.5))
def test_rates_never_jump(name, steps, warm, decay):
    rate = schedule(name, steps, warmup_steps=warm, decay_steps=decay)

    jumps = [abs(b - a) for a, b in itertools.pairwise(map(rate, range(steps + 1)))]

    shortest = min(warm, decay, 1 - warm - decay) * steps - 2  # phases are whole steps
    assert max(jumps) <= math.pi / 2 / shortest  # the steepest part of a cosine


def test_wcl_is_a_cosine_to_the_knee_and_then_a_straight_line():
    rate = schedule(
        "wcl", 110, warmup_steps=10, decay_steps=20, knee_lr_ratio=0.2, min_lr_ratio=0.1
    )

    assert rate(0) == pytest.approx(1 / 11) and rate(9) == pytest.approx(10 / 11)
    assert rate(10) == pytest.approx(1)
    assert rate(50) == pytest.approx(0.2 + 0.8 * (1 + math.cos(math.pi / 2)) / 2)
    assert rate(90) == pytest.approx(0.2) and rate(100) == pytest.approx(0.15)
    assert rate(110) == pytest.approx(0.1) and rate(500) == pytest.approx(0.1)


def test_wsd_holds_its_peak_until_the_anneal():
    rate = schedule("wsd", 100, warmup_steps=10, decay_steps=20)

    assert {rate(step) for step in range(10, 81)} == {1.0}
    assert rate(90) == pytest.approx(0.5) and rate(99) == pytest.approx(0.05)


@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_a_decay_over_all_steps_ends_at_its_smallest_rate(name):
    rate = schedule(name, 50, warmup_steps=5, min_lr_ratio=0.1)

    falling = [rate(step) for step in range(5, 51)]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] == 1 and falling[-1] == pytest.approx(0.1)


def test_an_anneal_that_is_longer_than_the_run_takes_what_is_there():
    rate = schedule("wcl", 4, warmup_steps=2, decay_steps=100)

    assert [round(rate(step), 3) for step in range(4)] == [0.333, 0.667, 0.1, 0.05]


def test_a_misspelt_schedule_is_named():
    with pytest.raises(UnknownName, match="did you mean 'cosine'"):
        schedule("cosin", 10)
    with pytest.raises(UnknownName, match="no learning-rate schedule 'wlc'"):
        read_recipe(None, base="mini", overrides=["lr_scheduler_type=wlc"])


def test_a_resumed_scheduler_gives_the_rates_of_an_undisturbed_one():
    torch = pytest.importorskip("torch")

    def made():
        trainer = Scheduled()
        trainer.optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
        trainer.scheduled = our_schedule(
            read_recipe(None, base="mini", lr_scheduler_type="wcl", warmup_steps=4)
        )
        return trainer.optimizer, trainer.create_scheduler(40)

    def rates(optimizer, scheduler, steps):
        found = []
        for _ in range(steps):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return found

    optimizer, scheduler = made()
    first, state = rates(optimizer, scheduler, 15), scheduler.state_dict()
    rest = rates(optimizer, scheduler, 25)
    again, resumed = made()
    resumed.load_state_dict(state)
    again.param_groups[0]["lr"] = resumed.get_last_lr()[0]
    assert rates(again, resumed, 25) == rest and len(set(first + rest)) > 30
    assert first[0] == pytest.approx(2 / 5)


@pytest.mark.parametrize("name", ["wcl", "polynomial"])
def test_a_training_follows_the_schedule_of_its_recipe(name, tiny_llama, tmp_path):
    pytest.importorskip("trl")
    import json

    from text2sql.data.catalog import find_dataset
    from text2sql.training.sft import train

    recipe = read_recipe(
        None,
        base=str(tiny_llama),
        data="samples",
        output_dir=str(tmp_path / "run"),
        lr_scheduler_type=name,
        max_steps=6,
        logging_steps=1,
        save_steps=6,
        per_device_train_batch_size=2,
        warmup_steps=2,
        decay_steps=2,
    )
    run = train(recipe, find_dataset("samples", split="train", limit=6))

    (state,) = run.folder.glob("checkpoints/*/trainer_state.json")
    logged = [entry["learning_rate"] for entry in json.loads(state.read_text())["log_history"]]
    if name == "wcl":
        rate = schedule("wcl", 6, warmup_steps=2, decay_steps=2)
        assert logged == pytest.approx([2e-4 * rate(step) for step in range(6)])
    else:
        assert logged[0] == 0 and logged[2] == pytest.approx(2e-4)
