"""Progress: the history holds what a run did, speed leaves out what was no training."""

from types import SimpleNamespace

import pytest

from text2sql.data.catalog import find_dataset
from text2sql.training.history import History
from text2sql.training.recipe import read_recipe


def state(step: int, epoch: float) -> SimpleNamespace:
    return SimpleNamespace(global_step=step, epoch=epoch, max_steps=8, is_world_process_zero=True)


def test_speed_leaves_out_the_time_in_which_nothing_was_trained(tmp_path, monkeypatch):
    from text2sql.training import progress

    clock, paused = [100.0], [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    size = progress.Size(examples=40, tokens=8_000, computed=2_000)
    record = progress.Record(History(tmp_path), size, paused=lambda: paused[0])
    record.on_train_begin(None, state(0, 0.0), None)
    clock[0], paused[0] = 117.0, 15.0  # two seconds of training
    record.on_log(None, state(4, 0.5), None, logs={"loss": 0.5, "learning_rate": 1e-4})
    clock[0] = 121.0
    record.on_log(None, state(8, 1.0), None, logs={"loss": 0.25})

    first, second = History(tmp_path).records()
    assert (first["tokens_per_second"], first["examples_per_second"]) == (2_000.0, 10.0)
    assert second["tokens_per_second"] == 1_000.0 and second["loss"] == 0.25
    assert first["sharing_ratio"] == 4.0 and first["peak_memory_bytes"] > 2**20


def test_a_report_is_one_line_with_what_a_person_watches():
    from text2sql.training.progress import report_line

    report = {"loss": 0.4321, "tokens_per_second": 12_345.6, "peak_memory_bytes": 3 * 2**30}
    assert report_line(report | {"sharing_ratio": 4.0}) == (
        "loss 0.432  12,346 tokens/s  shared 4.0x  3.0 GiB"
    )
    assert "shared" not in report_line(report | {"sharing_ratio": 1.0})


@pytest.mark.parametrize(("packing", "shared"), [("prefix", True), ("none", False)])
def test_a_run_tells_how_much_its_rows_share(packing, shared, tiny_llama, tmp_path, capsys):
    from text2sql.training.sft import train

    settings = {"max_steps": 2, "logging_steps": 1, "style": "compact", "packing_strategy": packing}
    recipe = read_recipe(None, base=str(tiny_llama), output_dir=str(tmp_path / "r"), **settings)
    train(recipe, find_dataset("samples", split="train", limit=8))

    records = History(tmp_path / "r").records()
    assert [record["step"] for record in records] == [1, 2]
    assert all((record["sharing_ratio"] > 2) == shared for record in records)
    assert all(record["examples_per_second"] > 0 for record in records)
    assert ("  shared " in capsys.readouterr().err) == shared
