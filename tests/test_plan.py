"""The plan before a training: it counts what the training finds, and what it advises fits."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date

import pytest

from text2sql import reporting
from text2sql.bases import find_base
from text2sql.data.catalog import find_dataset
from text2sql.errors import DataError, ModelError, SettingsError, UnknownName
from text2sql.training.lengths import estimate
from text2sql.training.memory import GIB
from text2sql.training.plan import plan, read_size
from text2sql.training.recipe import read_recipe


@pytest.fixture(scope="module")
def samples_train():
    return find_dataset("samples", split="train")


def recipe(base="codellama-7b", **settings):
    return read_recipe(None, base=str(base), data="samples", **settings)


def t2s(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "text2sql", "train", *arguments],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "COLUMNS": "120"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_tokens_rows_and_steps_are_those_of_the_training(tiny_llama, samples_train):
    pytest.importorskip("trl")
    from text2sql.bases import load_tokenizer
    from text2sql.training.material import partition_of
    from text2sql.training.prefix_trainer import EpochRows
    from text2sql.training.records import encode_examples
    from text2sql.training.rows import tally

    base = find_base(str(tiny_llama))
    settings = recipe(tiny_llama, num_train_epochs=1)
    tokenizer = load_tokenizer(base)
    today = date(2026, 1, 1)
    encoded = encode_examples(
        samples_train, base, tokenizer, settings, max_length=4096, today=today
    )
    groups = encoded.groups()
    how = partition_of(settings, groups, world=1)
    done = tally(groups, EpochRows(groups, how, epochs=1, world=1).how)
    found = plan(settings, samples_train)

    assert not found.estimated and found.examples == len(encoded.rows) == done.examples
    assert found.tokens == encoded.tokens
    assert (found.computed_tokens, found.rows, found.steps) == pytest.approx(
        (done.shared_tokens, done.rows, done.steps), rel=0.01
    )


@pytest.mark.parametrize(
    ("settings", "rows", "steps"),
    [
        ({"packing_strategy": "none"}, 24, 36),
        ({"packing_strategy": "none", "train_sampling_strategy": "group_by_length"}, 24, 36),
        ({"packing_strategy": "none", "max_steps": 7}, 24, 7),
        ({"packing_strategy": "bfd", "max_length": 2048}, 10, 15),
    ],
)
def test_rows_without_sharing_are_the_batches_of_the_recipe(settings, rows, steps, samples_train):
    found = plan(recipe(**settings), samples_train)

    assert (found.rows, found.steps) == (rows, steps)
    grouped = "train_sampling_strategy" in settings or settings["packing_strategy"] == "bfd"
    assert (
        found.computed_tokens < 1.05 * found.tokens
        if grouped
        else found.computed_tokens > found.tokens
    )


def test_without_a_tokenizer_tokens_are_estimated_and_said_to_be(samples_train):
    guessed = plan(recipe(), samples_train)
    assert guessed.estimated and any(
        "estimated at 3.2 characters" in line for line in guessed.remarks
    )
    assert "about" in reporting.plan_table(guessed)

    assert estimate("SELECT count(*) FROM t") == 7 and estimate("五月份") == 3


def test_more_gpus_take_larger_steps_and_less_time(samples_train):
    alone, four = plan(recipe(), samples_train), plan(recipe(), samples_train, gpus=4)

    assert four.steps < alone.steps and four.seconds < alone.seconds / 2
    assert four.memory.weights == alone.memory.weights and four.distributed == "ddp"
    spread = plan(recipe(distributed="deepspeed"), samples_train, gpus=4)
    assert spread.distributed == "zero3" and spread.memory.weights == alone.memory.weights / 4


def test_a_named_card_gives_size_and_rate_and_a_measured_rate_is_taken_whole(samples_train):
    named = plan(recipe(), samples_train, card="h100")
    measured = plan(recipe(), samples_train, tflops=500)

    assert named.available == 79 * GIB and named.flops == pytest.approx(989e12 * 0.4)
    assert measured.flops == 500e12 and measured.fits is None
    assert named.seconds * named.flops == pytest.approx(measured.seconds * measured.flops)
    assert any("40% of the 989 TFLOP/s of h100" in line for line in named.remarks)


@pytest.mark.parametrize(
    ("settings", "size", "gpus"),
    [
        ({}, "12GiB", 1),
        ({"packing_strategy": "none", "per_device_train_batch_size": 32}, "16GiB", 1),
        ({"gradient_checkpointing": False, "prefix_tokens": 8192}, "14GiB", 1),
        ({"base": "codellama-34b"}, "24GiB", 4),
        ({"base": "codellama-13b", "packing_strategy": "bfd"}, "24GiB", 1),
    ],
)
def test_the_change_that_is_advised_makes_it_fit(settings, size, gpus, samples_train):
    wanted = recipe(settings.pop("base", "codellama-7b"), **settings)
    found = plan(wanted, samples_train, memory=size, gpus=gpus)
    assert found.fits is False

    (advice,) = found.advice
    options = advice.partition(":")[0].split()[1::2]
    written = json.loads(wanted.model_dump_json())
    changed = read_recipe(None, overrides=options, **written)
    assert plan(changed, samples_train, memory=size, gpus=gpus).fits
    assert wanted.per_device_train_batch_size * wanted.gradient_accumulation_steps == (
        changed.per_device_train_batch_size * changed.gradient_accumulation_steps
    )


def test_where_nothing_helps_the_plan_says_so(samples_train):
    found = plan(recipe("codellama-34b"), samples_train, memory="8GiB")

    assert found.fits is False and found.advice[0].startswith("nothing makes it fit")
    assert "does not fit in 8.0 GiB" in reporting.plan_table(found)


@pytest.mark.parametrize(
    ("text", "size"),
    [("24GiB", 24 * 2**30), ("80GB", 80e9), ("16000 MiB", 16000 * 2**20), ("1.5", 1.5 * 2**30)],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-3GiB", "24 apples", "1.2.3GiB", "0"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(SettingsError, match="a size such as 24GiB"):
        read_size(text)


def test_what_cannot_be_planned_is_one_clear_line(samples_train):
    with pytest.raises(ModelError, match="architecture of base codellama-70b is not known"):
        plan(recipe("codellama-70b"), samples_train)
    with pytest.raises(UnknownName, match=r"no card 'h1000' .did you mean 'h100'"):
        plan(recipe(), samples_train, card="h1000")
    with pytest.raises(UnknownName, match="no optimizer 'lion'"):
        plan(recipe(optim="lion"), samples_train)
    with pytest.raises(DataError, match="no example is left"):
        plan(recipe(), replace(samples_train, examples=[]))


def test_the_command_answers_without_weights_and_without_torch():
    code = (
        "import sys; from text2sql.cli import app; app(standalone_mode=False);"
        " print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    arguments = ["train", "--base", "codellama-7b", "--data", "samples", "--plan", "--memory", "8"]
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "6,738,546,688" in result.stdout and result.stdout.rstrip().endswith("[]")


def test_the_command_prints_one_json_document():
    result = t2s("--base", "qwen2.5-coder-7b", "--data", "samples", "--plan", "--json")

    document = json.loads(result.stdout)
    parts = document["memory"]
    assert document["fits"] is None and document["estimated"] is True
    assert parts["total"] == pytest.approx(sum(v for k, v in parts.items() if k != "total"))


def test_a_data_set_that_is_not_there_is_one_line(tmp_path):
    result = t2s("--base", "codellama-7b", "--plan", T2S_DATA=str(tmp_path))

    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("error: data set 'spider' is not there")


@pytest.mark.spider
def test_spider_train_shares_most_of_its_tokens():
    dataset = find_dataset("spider", split="train")
    settings = {"per_device_train_batch_size": 64, "gradient_accumulation_steps": 1}
    found = plan(read_recipe(None, base="codellama-7b", **settings), dataset, memory="24GiB")

    assert found.examples == 7000 and found.fits
    assert found.tokens / found.computed_tokens > 5


def test_a_plan_of_stages_says_what_it_leaves_out(samples_train):
    found = plan(recipe(stages=[{"kind": "sft"}, {"kind": "dpo"}]), samples_train)

    assert any(remark.startswith("of 2 stages this is fine-tuning") for remark in found.remarks)
