"""Several processes: started as asked, counted, one of them writes, and one folder has one run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from text2sql.errors import SettingsError, TrainingError
from text2sql.training import launching, processes
from text2sql.training.recipe import read_recipe

SETTINGS = (
    "style=compact",
    "max_steps=4",
    "save_steps=2",
    "logging_steps=1",
    "per_device_train_batch_size=2",
)


def arguments(base: Path, output: Path) -> list[str]:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    common = ["--base", str(base), "--data", "samples", "--limit", "8", "--output", str(output)]
    return ["train", *common, *settings]


@pytest.fixture(scope="module")
def launched(tiny_llama, tmp_path_factory):
    """Return the folder and the output of a run of two processes on the CPU."""
    pytest.importorskip("trl")
    output = tmp_path_factory.mktemp("launched") / "run"
    code = (
        "import sys; from pathlib import Path; from text2sql.training.launching import launch;"
        " from text2sql.training.recipe import read_recipe;"
        " out = Path(sys.argv[1]); recipe = read_recipe(None, base=sys.argv[2]);"
        " sys.exit(launch(sys.argv[3:], out, recipe, processes=2, device='cpu'))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(output), str(tiny_llama), *arguments(tiny_llama, output)],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return output, result


def test_two_processes_train_and_one_of_them_writes_and_speaks(launched, tiny_llama):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    output, result = launched
    assert result.stdout.split() == [str(output)]
    lines = result.stderr.splitlines()
    assert len(lines) == len(set(lines)) and result.stderr.count("step 4/4") == 1
    PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_llama), output)
    assert read_recipe(output / "recipe.yaml").max_steps == 4
    # a random state of each process, by transformers itself
    states = sorted(path.name for path in output.glob("checkpoints/checkpoint-4/rng_state*"))
    assert states == ["rng_state_0.pth", "rng_state_1.pth"]


def test_two_processes_refuse_a_folder_in_use_with_one_line(launched, tiny_llama):
    from text2sql.outputs import owned

    output, _ = launched
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    with owned(output, resume=True):
        result = subprocess.run(
            [*launch, "-m", "text2sql", *arguments(tiny_llama, output), "--resume"],
            env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert result.returncode != 0
    assert result.stderr.count("is in use by another process") == 1


def test_another_number_of_processes_than_asked_for_is_refused(monkeypatch):
    monkeypatch.setenv(processes.ASKED, "2")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(TrainingError, match=r"2 processes were asked for, but .* a group of 1"):
        processes.join()


@pytest.mark.parametrize(
    ("settings", "free", "mode"),
    [
        ({"base": "codellama-7b"}, 80, "ddp"),
        ({"base": "codellama-34b"}, 40, "fsdp"),
        ({"base": "codellama-34b", "load_in_4bit": True}, 40, "ddp"),
        ({"base": "codellama-34b", "distributed": "ddp"}, 40, "ddp"),
        ({"base": "codellama-7b", "distributed": "deepspeed"}, 80, "zero3"),
        ({"base": "codellama-7b", "distributed": "deepspeed", "zero_stage": 2}, 80, "zero2"),
        ({"base": "codellama-70b"}, 80, "ddp"),
        ({"base": "codellama-7b"}, None, "ddp"),
    ],
)
def test_weights_are_spread_where_one_gpu_does_not_hold_them(settings, free, mode):
    size = free and free * 2**30
    assert launching.choose_mode(read_recipe(None, **settings), 4, size) == mode


@pytest.mark.parametrize("mode", ["ddp", "fsdp", "zero2", "zero3"])
def test_accelerate_reads_the_configuration(mode, tmp_path):
    pytest.importorskip("accelerate")
    from accelerate.commands.config.config_args import load_config_from_file

    path = tmp_path / launching.FILE
    path.write_text(yaml.safe_dump(launching.configuration(mode, processes=8)))
    read = load_config_from_file(str(path))

    kinds = {"ddp": "MULTI_GPU", "fsdp": "FSDP"}
    assert read.distributed_type == kinds.get(mode, "DEEPSPEED") and read.num_processes == 8
    assert read.mixed_precision == "bf16" and not read.use_cpu
    if mode == "fsdp":
        assert read.fsdp_config["fsdp_version"] == 2
    if mode.startswith("zero"):
        assert read.deepspeed_config["zero_stage"] == int(mode[-1])


def test_the_started_processes_get_the_command_without_gpus():
    words = ["train", "--gpus", "8", "--base", "mini", "--gpus=4", "--set", "seed=8"]
    assert launching.without_gpus(words) == ["train", "--base", "mini", "--set", "seed=8"]


def test_more_gpus_than_there_are_is_one_line(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    recipe = read_recipe(None, base="codellama-7b")
    with pytest.raises(SettingsError, match="--gpus 8, but this machine has 1 CUDA devices"):
        launching.launch(["train"], tmp_path / "run", recipe, processes=8)
