"""Stages: each goes on from the adapter before it, is resumed where it was killed, and reports."""

import json
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import forked
import pytest
from test_training import weights

from text2sql.data.catalog import find_dataset
from text2sql.errors import DatabaseError, DataError, Interrupted, OutputError, SettingsError
from text2sql.stage_runs import open_judge
from text2sql.training.history import Accuracy
from text2sql.training.recipe import Recipe, read_recipe
from text2sql.training.stage_kinds import Abilities, find_questions
from text2sql.training.stage_settings import read_stages
from text2sql.training.stages import adapter_hash, describe, run_stages

SOURCE = {"revision": None, "trust_remote_code": None}
SHORT = {
    "data": "samples",
    "limit": 6,
    "max_steps": 2,
    "save_steps": 1,
    "logging_steps": 1,
    "per_device_train_batch_size": 2,
    "gradient_accumulation_steps": 1,
    "today": "2026-01-01",
    "style": "compact",
}
SFT = {"kind": "sft"}
REJECT = {"kind": "reject", "num_samples": 3, "gold_share": 0.5}
DPO = {"kind": "dpo", "num_samples": 3}
GRPO = {
    "kind": "grpo",
    "num_generations": 2,
    "max_completion_length": 4,
    "learning_rate": 1e-3,
    "mask_truncated_completions": False,
    "reward_weights": {"validity": 1.0},
}
ALL = [SFT, REJECT, DPO, GRPO]


def recipe(base: Path, output: Path, stages: Sequence[dict], **settings) -> Recipe:
    found = SHORT | {"stages": list(stages)} | settings
    return read_recipe(None, base=str(base), output_dir=str(output), **found)


def find_data(recipe: Recipe):
    return find_dataset(recipe.data, split=recipe.split, limit=recipe.limit)


def right(gold: str) -> str:
    return gold


def spelt(gold: str) -> str:
    return f"SELECT * FROM ({gold})"


def wrong(gold: str) -> str:
    return "SELECT 1 FROM customers LIMIT 7"


class Script:
    """Samples and accuracies that are known beforehand."""

    def __init__(self, *texts: Callable[[str], str], accuracies: Sequence[int] = ()) -> None:
        self.texts, self.accuracies, self.asked = texts, list(accuracies), []

    def sample(self, dataset, *, adapter, recipe, settings, file):
        self.asked.append(adapter)
        return [[text(example.query) for text in self.texts] for example in dataset.examples]

    def measure(self, snapshot) -> Accuracy:
        return Accuracy(snapshot.step, self.accuracies.pop(0), 10)

    @property
    def abilities(self) -> Abilities:
        return Abilities(
            find_data, self.sample, open_judge, self.measure if self.accuracies else None
        )


def by_length(*_) -> list:
    """Return a reward that differs even among the texts of a model that knows nothing."""
    return [lambda completions, **columns: [float(len(text)) for text in completions]]


def run(base: Path, output: Path, stages, script: Script, *, resume=False, **settings):
    made = recipe(base, output, stages, **settings)
    return run_stages(made, script.abilities, resume=resume, source=SOURCE)


def table(folder: Path) -> list[dict]:
    return json.loads((folder / "stages.json").read_text())


@pytest.fixture(scope="module")
def whole(tiny_llama, tmp_path_factory) -> tuple[Path, Script]:
    """Return the folder of a run through all kinds of stages, and its script."""
    script = Script(right, spelt, wrong, accuracies=[3, 5, 5, 4])
    folder = tmp_path_factory.mktemp("stages") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("text2sql.training.stage_kinds.rewards", by_length)
        run(tiny_llama, folder, ALL, script)
    return folder, script


def test_every_stage_goes_on_from_the_adapter_before_it(whole):
    folder, script = whole
    records = table(folder)

    assert [r["kind"] for r in records] == ["sft", "reject", "dpo", "grpo"]
    assert [r["parent"] for r in records] == [None] + [r["adapter"] for r in records[:-1]]
    assert len({r["adapter"] for r in records}) == 4
    assert script.asked == [folder / "stages" / name for name in ("1-sft", "2-reject")]
    assert [r["raised"] for r in records] == [None, True, False, False]
    assert [r["steps"] for r in records] == [2, 2, 2, 2]


def test_the_last_adapter_is_published_and_answers_as_it_is(whole, tiny_llama, shop):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from text2sql import Predictor

    folder, _ = whole
    assert adapter_hash(folder) == table(folder)[-1]["adapter"]
    assert not [path for path in folder.rglob("ref") if "checkpoints" not in path.parts]
    PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_llama), folder)
    with Predictor.from_pretrained(folder, database=shop) as predictor:
        assert predictor.predict("How many orders?").candidates


def test_stages_that_stopped_half_way_end_with_the_same_weights(
    whole, tiny_llama, tmp_path, monkeypatch
):
    monkeypatch.setattr("text2sql.training.stage_kinds.rewards", by_length)
    shutil.copytree(whole[0], tmp_path / "run")
    for place in sorted((tmp_path / "run" / "stages").iterdir())[1:]:
        shutil.rmtree(place / "checkpoints" / "checkpoint-2")
        (place / "stage.json").unlink()
        (place / "adapter_model.safetensors").unlink()
    for path in (tmp_path / "run").glob("adapter*"):
        path.unlink()
    script = Script(right, spelt, wrong, accuracies=[5, 5, 4])
    resumed = run(tiny_llama, tmp_path / "run", ALL, script, resume=True)

    left, found = weights(whole[0]), weights(resumed.folder)
    assert left.keys() == found.keys() and all((left[k] == found[k]).all() for k in left)


def test_a_rejection_stage_counts_what_came_of_its_samples(whole):
    folder, _ = whole

    counts = table(folder)[1]["counts"]
    assert (counts["sampled"], counts["valid"], counts["correct"]) == (18, 18, 12)
    assert (counts["kept"], counts["gold"], counts["questions_without_correct"]) == (12, 0, 0)
    lines = (folder / "stages" / "2-reject" / "chosen.jsonl").read_text().splitlines()
    assert len(lines) == 12 and all("customers LIMIT 7" not in line for line in lines)


def test_samples_that_teach_nothing_hand_the_adapter_on_and_say_why(tiny_llama, tmp_path, capsys):
    ran = run(tiny_llama, tmp_path / "run", [SFT, DPO], Script(right, spelt), limit=4)

    record = table(ran.folder)[1]
    assert record["adapter"] == record["parent"] == adapter_hash(ran.folder)
    assert "4 with right ones alone" in record["kept"] and record["steps"] == 0
    assert "the adapter before it goes on unchanged" in capsys.readouterr().err


def test_a_run_in_which_nothing_could_be_learnt_says_so(tiny_llama, tmp_path):
    with pytest.raises(DataError, match=r"no adapter came of .* .6 without a right one"):
        run(tiny_llama, tmp_path / "run", [REJECT], Script(wrong))


def test_a_stage_that_does_not_raise_accuracy_is_reported(whole):
    records = table(whole[0])
    said = [describe(record, before) for before, record in pairwise(records)]

    assert "execution accuracy 50.0% of 10, raised from 30.0%, within the noise" in said[0]
    assert "execution accuracy 40.0% of 10, NOT raised from 50.0%, within the noise" in said[2]


def test_a_base_that_is_taken_apart_is_no_reference(tiny_llama, tmp_path):
    apart = {"init_lora_weights": "pissa"}

    with pytest.raises(SettingsError, match=r"stage 1 \(dpo\): init_lora_weights pissa takes the"):
        run(tiny_llama, tmp_path / "a", [DPO], Script(right, wrong), **apart)
    ran = run(tiny_llama, tmp_path / "b", [SFT, DPO], Script(right, wrong), **apart)
    assert table(ran.folder)[1]["steps"] == 2


def test_neighbours_that_are_not_there_are_found_out_before_anything_is_drawn(tiny_llama, tmp_path):
    script = Script(right)
    with pytest.raises(DatabaseError, match="no folder of databases: nowhere"):
        run(tiny_llama, tmp_path / "run", [SFT, REJECT | {"neighbours": "nowhere"}], script)
    assert not script.asked and not (tmp_path / "run").exists()


def test_the_best_step_of_a_preference_stage_is_what_goes_on(tiny_llama, tmp_path):
    dpo = DPO | {"eval_steps": 1, "learning_rate": 1e-2}
    ran = run(tiny_llama, tmp_path / "run", [SFT, dpo], Script(right, wrong, accuracies=[3, 6, 5]))

    assert ran.published == Accuracy(1, 6, 10)
    place = ran.folder / "stages" / "2-dpo"
    best, first = weights(place), weights(place / "checkpoints" / "checkpoint-1")
    assert all((best[key] == first[key]).all() for key in best)


def test_sampling_that_is_stopped_says_how_to_go_on(tiny_llama, tmp_path):
    def stopped(gold: str) -> str:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"stopped in stage 1, reject; .* --resume --output"):
        run(tiny_llama, tmp_path / "run", [REJECT], Script(stopped))


def test_a_resumed_run_refuses_an_adapter_that_was_exchanged(whole, tiny_llama, tmp_path):
    shutil.copytree(whole[0], tmp_path / "run")
    with (tmp_path / "run" / "stages" / "1-sft" / "adapter_model.safetensors").open("ab") as file:
        file.write(b"\0")

    with pytest.raises(OutputError, match="2-reject was trained from another adapter"):
        run(tiny_llama, tmp_path / "run", ALL, Script(), resume=True)


def test_a_run_that_was_killed_in_its_second_stage_ends_with_the_same_weights(tiny_llama, tmp_path):
    stages, script = [SFT, DPO | {"learning_rate": 1e-2}], Script(right, spelt, wrong)
    whole = run(tiny_llama, tmp_path / "whole", stages, script)
    marker = tmp_path / "killed/stages/2-dpo/checkpoints/checkpoint-1/complete.json"
    assert run_until(tiny_llama, tmp_path / "killed", stages, marker)
    assert not (tmp_path / "killed/stages/2-dpo/stage.json").exists()
    resumed = run(tiny_llama, tmp_path / "killed", stages, script, resume=True)

    left, found = weights(whole.folder), weights(resumed.folder)
    assert left.keys() == found.keys() and all((left[k] == found[k]).all() for k in left)


def run_until(base: Path, output: Path, stages: Sequence[dict], marker: Path) -> bool:
    """Run in a process of its own, and kill that once a file is there."""
    resuming = partial(run, resume=True)
    process = forked.start(resuming, base, output, stages, Script(right, spelt, wrong))
    while process.is_alive() and not marker.exists():
        time.sleep(0.01)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def some_without_database(tmp_path: Path):
    """Return what finds six questions of one database and two of one that is not there."""
    there = find_dataset("samples", split="train", limit=6)
    lost = [replace(e, db_id="gone", index=6 + n) for n, e in enumerate(there.examples[:2])]
    return lambda recipe: replace(there, examples=[*there.examples, *lost])


def test_a_stage_that_runs_sql_leaves_out_what_has_no_database_where_it_may(tmp_path, capsys):
    found = Abilities(some_without_database(tmp_path), None, open_judge, None)
    strict, lenient = (
        read_stages(recipe(Path("mini"), tmp_path, [REJECT], allow_skips=allowed))[0]
        for allowed in (False, True)
    )

    with pytest.raises(DatabaseError, match=r"no database for db_id 'gone'.*--allow-skips"):
        find_questions(strict, found)
    assert [e.index for e in find_questions(lenient, found).examples] == [0, 1, 2, 3, 4, 5]
    assert "'gone' of 'samples': 2 questions are left out" in capsys.readouterr().err


def test_so_many_questions_are_drawn_by_the_seed(tmp_path):
    def drawn(seed: int) -> list[int]:
        few = REJECT | {"max_questions": 3}
        stage = read_stages(recipe(Path("mini"), tmp_path, [few], seed=seed))[0]
        return [e.index for e in find_questions(stage, Script().abilities).examples]

    assert drawn(1) == drawn(1) == sorted(drawn(1)) and len(drawn(1)) == 3
    assert len({tuple(drawn(seed)) for seed in range(5)}) > 1
