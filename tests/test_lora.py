"""Adapters: PEFT's options pass through, plain PEFT loads the folder, vLLM's limits are told."""

import json

import pytest

from text2sql.data.catalog import find_dataset
from text2sql.errors import ModelError, SettingsError, UnknownName
from text2sql.training.lora import lora_config, vllm_refusals
from text2sql.training.recipe import read_recipe

SHORT = {
    "data": "samples",
    "style": "compact",
    "max_steps": 3,
    "save_steps": 2,
    "lora_r": 4,
    "lora_alpha": 8,
    "learning_rate": 1e-3,
    "per_device_train_batch_size": 2,
}
OPTIONS = {
    "LoRA": {},
    "DoRA": {"use_dora": True},
    "rsLoRA": {"use_rslora": True},
    "PiSSA": {"init_lora_weights": "pissa"},
    "PiSSA, fast": {"init_lora_weights": "pissa_niter_4", "use_rslora": True},
    "OLoRA": {"init_lora_weights": "olora"},
    "LoRA+": {"loraplus_lr_ratio": 16.0},
    "patterns": {"lora_kwargs": {"rank_pattern": {"q_proj": 2}, "layers_to_transform": [1]}},
}


def trained(base, folder, *, resume=False, **settings):
    pytest.importorskip("trl")
    from text2sql.training.sft import train

    recipe = read_recipe(None, base=str(base), output_dir=str(folder), **(SHORT | settings))
    return train(recipe, find_dataset("samples", split="train", limit=6), resume=resume).folder


def plain(base, adapter=None):
    """Return the logits of a base, with an adapter that plain PEFT loads."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    model = PeftModel.from_pretrained(model, adapter) if adapter else model
    with torch.no_grad():
        return model.eval()(input_ids=torch.arange(3, 40)[None]).logits


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "adapter_model.safetensors")


@pytest.fixture
def saved(monkeypatch):
    """Return the list of models that runs have saved, as they were trained."""
    from text2sql.training import sft

    models, save = [], sft.save_lora
    monkeypatch.setattr(
        sft, "save_lora", lambda model, *given: models.append(model) or save(model, *given)
    )
    return models


@pytest.mark.parametrize("name", OPTIONS)
def test_plain_peft_loads_what_was_trained(name, tiny_llama, tmp_path, saved):
    import torch

    folder = trained(tiny_llama, tmp_path / "run", **OPTIONS[name])

    (model,) = saved
    with torch.no_grad():
        expected = model.eval()(input_ids=torch.arange(3, 40)[None]).logits
    assert torch.allclose(plain(tiny_llama, folder), expected, atol=2e-5)
    assert not torch.allclose(plain(tiny_llama), expected, atol=1e-4)


def test_a_decomposed_run_that_stopped_ends_with_the_weights_of_an_undisturbed_one(
    tiny_llama, tmp_path
):
    settings = {"init_lora_weights": "pissa_niter_4"}
    whole = trained(tiny_llama, tmp_path / "whole", **settings)
    broken = trained(tiny_llama, tmp_path / "broken", **settings)
    for path in broken.glob("checkpoints/checkpoint-3/*"):
        path.unlink()
    resumed = trained(tiny_llama, tmp_path / "broken", resume=True, **settings)

    left, right = weights(whole), weights(resumed)
    assert left.keys() == right.keys() and all((left[k] == right[k]).all() for k in left)
    config = json.loads((whole / "adapter_config.json").read_text())
    assert config["r"] == 8 and config["init_lora_weights"] is True
    assert not (whole / "beginning").exists()


def test_the_seed_decides_the_first_weights(tiny_llama, tmp_path):
    def first(seed):
        return weights(trained(tiny_llama, tmp_path / f"{seed}", seed=seed, max_steps=1))

    one, other = first(1), first(2)
    name = next(key for key in one if "lora_A" in key)
    assert abs(one[name] - other[name]).max() > 0.01


def test_lora_plus_gives_b_a_rate_of_its_own(tiny_llama, tmp_path):
    slow = weights(trained(tiny_llama, tmp_path / "slow", max_steps=1))
    fast = weights(trained(tiny_llama, tmp_path / "fast", max_steps=1, loraplus_lr_ratio=16.0))

    name = next(key for key in slow if "lora_B" in key)
    largest = [float(abs(found[name]).max()) for found in (slow, fast)]
    assert largest[1] == pytest.approx(16 * largest[0], rel=0.01)


def test_a_base_in_four_bits_trains_on_a_cpu(tiny_llama, tmp_path, saved):
    pytest.importorskip("bitsandbytes", reason="bitsandbytes (extra quant) is not installed")
    import torch

    folder = trained(tiny_llama, tmp_path / "run", load_in_4bit=True)

    (model,) = saved
    layers = [m for m in model.modules() if type(m).__name__ == "Linear4bit"]
    assert layers and all(layer.weight.dtype is torch.uint8 for layer in layers)
    assert all(abs(v).max() > 0 for key, v in weights(folder).items() if "lora_B" in key)
    assert not torch.allclose(plain(tiny_llama, folder), plain(tiny_llama), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("LoRA", []),
        ("DoRA", ["DoRA's magnitudes"]),
        ("patterns", ["not rank_pattern"]),
        ("PiSSA", []),
    ],
)
def test_what_vllm_would_refuse_is_said(name, reasons, tmp_path):
    pytest.importorskip("peft")
    settings = {"lora_r": 4, "target_modules": ["q_proj"]} | OPTIONS[name]
    config = lora_config(read_recipe(None, base="mini", **settings))
    config.init_lora_weights = True  # as saved
    config.save_pretrained(tmp_path)

    found = vllm_refusals(tmp_path)
    assert len(found) == len(reasons)
    assert all(part in line for part, line in zip(reasons, found, strict=True))


def test_a_rank_above_vllms_default_names_the_option(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 64, "bias": "all"}))

    assert [line.partition(":")[0] for line in vllm_refusals(tmp_path)] == [
        "vLLM loads no trained biases",
        "rank 64 is above vLLM's default of 16",
    ]
    with pytest.raises(ModelError, match="cannot read adapter"):
        vllm_refusals(tmp_path / "none")


def test_an_option_that_peft_does_not_know_is_one_line():
    pytest.importorskip("peft")
    with pytest.raises(SettingsError, match=r"PEFT refuses .*'rank_patern'"):
        lora_config(read_recipe(None, base="mini", lora_kwargs={"rank_patern": {}}))


def test_beginnings_that_need_more_than_the_weights_are_refused():
    with pytest.raises(UnknownName, match=r"no first weights 'pisa' .did you mean 'pissa'"):
        read_recipe(None, base="mini", init_lora_weights="pisa")
    with pytest.raises(SettingsError, match="pissa takes weights out of the base"):
        read_recipe(None, base="mini", init_lora_weights="pissa", load_in_4bit=True)
