"""A training that is stopped, killed or out of disk: nothing is lost, it ends as it would have."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import forked
import pytest

STEPS = 16
SETTINGS = (
    f"style=compact max_steps={STEPS} save_steps=4 logging_steps=1 per_device_train_batch_size=2"
    " gradient_accumulation_steps=1"
).split()


def words(base: Path, output: Path, *more: str) -> list[str]:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    common = ["--base", str(base), "--data", "samples", "--limit", "8", "--output", str(output)]
    return ["train", *common, *settings, *more]


def finish(*arguments, **options) -> tuple[int | None, str]:
    """Return the exit status and what was said on standard error."""
    with forked.t2s(*words(*arguments), **options) as command:
        said = command.stderr.read()
        command.process.join(300)
    return command.process.exitcode, said


def weights(folder: Path) -> dict:
    from safetensors.numpy import load_file

    return load_file(folder / "adapter_model.safetensors")


def same(left: Path, right: Path) -> bool:
    a, b = weights(left), weights(right)
    return a.keys() == b.keys() and all((a[key] == b[key]).all() for key in a)


@pytest.fixture(scope="module")
def undisturbed(tiny_llama, tmp_path_factory) -> Path:
    """Return the folder of a run that nobody stopped, of a program started from nothing."""
    output = tmp_path_factory.mktemp("undisturbed") / "run"
    result = subprocess.run(
        [sys.executable, "-m", "text2sql", *words(tiny_llama, output)],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_resumes_to_the_same_weights(number, tiny_llama, undisturbed, tmp_path):
    output = tmp_path / "run"
    with forked.t2s(*words(tiny_llama, output)) as command:
        said = ""
        while (line := command.stderr.readline()) and not re.match(r"step (7|8|9|1\d)/", line):
            said += line
        os.kill(command.process.pid, number)
        rest = command.stderr.read()
        command.process.join(120)

    status = command.process.exitcode
    assert status == (1 if number == signal.SIGINT else -signal.SIGKILL), said + rest
    if number == signal.SIGINT:
        last = rest.strip().splitlines()[-1]
        assert re.match(
            rf"error: stopped at step \d+ of {STEPS}; continue with: t2s train --resume", last
        )
        assert "Traceback" not in rest
    assert not (output / "adapter_model.safetensors").exists()
    status, said = finish(tiny_llama, output, "--resume")
    assert status == 0, said
    assert same(output, undisturbed)


def test_a_full_disk_is_one_line_and_keeps_the_last_checkpoint(tiny_llama, undisturbed, tmp_path):
    output = tmp_path / "run"
    whole = max(p.stat().st_size for p in undisturbed.rglob("*") if p.is_file())
    # a file may not grow beyond this: writes fail as on a full disk
    status, said = finish(tiny_llama, output, file_size=whole // 2)

    assert status == 1, said
    last = said.strip().splitlines()[-1]
    assert last.startswith("error: the disk is full") and "--resume" in last
    assert "Traceback" not in said
    status, said = finish(tiny_llama, output, "--resume")
    assert status == 0 and same(output, undisturbed), said
