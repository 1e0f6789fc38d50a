"""A forward pass without what transformers puts around it: steps are the same, bit for bit."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from test_shared_cache import PREFIX, QUESTIONS, build

from text2sql.bases.sharing import SharedWeights
from text2sql.decoding import cache, lean

OTHER = list(range(90, 70, -1))


def read(model):
    """Return rows behind two prefixes and none, and what the model says behind their prompts."""
    rows = cache.SharedRows(model, cache.Prefixes())
    found = rows.prefill(list(zip((PREFIX, OTHER, []), QUESTIONS, strict=True)))
    rows.admit([0, 1, 2, 1])
    return rows, found


def stepped(rows):
    """Return the logits of two steps."""
    found = rows.step([7, 8, 9, 10])
    rows.arrange([3, 0])
    return torch.cat([found, rows.step([5, 6])])


def written(model):
    """Return the logits of prompts and of the steps behind them."""
    rows, found = read(model)
    return torch.cat([found, stepped(rows)])


@pytest.fixture
def transformers(monkeypatch):
    """Return what does something with a model as transformers computes it."""

    def compute(work, model):
        with monkeypatch.context() as patched:
            patched.setattr(lean, "suits", lambda model: False)
            return work(model)

    return compute


def same_steps(model, compute):
    """Tell whether rows that transformers has read go on to the same bits in both ways."""
    ours, theirs = compute(read, model)[0], compute(read, model)[0]
    ours._lean = True
    return torch.equal(stepped(ours), stepped(theirs))


def adapted(model):
    torch.manual_seed(1)
    config = LoraConfig(r=2, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    return get_peft_model(model, config).eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_steps_are_those_of_transformers_to_the_bit(architecture, dtype, transformers):
    model = build(architecture).to(dtype)
    assert lean.suits(model)
    assert same_steps(model, transformers)


@pytest.mark.parametrize(("dtype", "apart"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_prompts_laid_end_to_end_are_read_as_each_by_itself(
    architecture, dtype, apart, transformers
):
    model = build(architecture).to(dtype)
    found, wanted = written(model), transformers(written, model)
    assert (found - wanted).abs().max() <= apart * wanted.abs().max()


def test_an_adapter_is_at_work(transformers):
    plain = written(build("llama"))
    model = adapted(build("llama"))
    assert lean.suits(model)
    assert same_steps(model, transformers)
    torch.testing.assert_close(written(model), transformers(written, model), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(written(model), plain)


def test_adapters_on_one_base_take_turns(tmp_path):
    adapted(build("llama")).save_pretrained(tmp_path)
    weights = SharedWeights(build("llama"))
    tuned, bare = weights.model(tmp_path), weights.model()
    once = written(tuned), written(bare)

    assert torch.equal(written(tuned), once[0]) and torch.equal(written(bare), once[1])
    assert torch.allclose(once[1], written(build("llama")), atol=1e-4)
    assert torch.allclose(once[0], written(adapted(build("llama"))), atol=1e-4)


def test_rows_without_a_prefix_are_plain_attention():
    model = build("llama")
    rows = cache.SharedRows(model, cache.Prefixes())
    found = rows.prefill([([], PREFIX), ([], QUESTIONS[0])])
    with torch.inference_mode():
        whole = model(input_ids=torch.tensor([PREFIX])).logits[0, -1]
    torch.testing.assert_close(found[0], whole, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("architecture", ["gpt_bigcode", "mistral", "bloom"])
def test_other_models_are_left_to_transformers(architecture):
    assert not lean.suits(build(architecture))


def test_a_hook_on_a_layer_or_several_devices_are_left_to_transformers():
    hooked, spread = build("llama"), build("llama")
    hooked.model.layers[1].register_forward_hook(lambda *_: None)
    spread.hf_device_map = {"model.layers.0": 0, "model.layers.1": "cpu"}
    assert not lean.suits(hooked) and not lean.suits(spread)
