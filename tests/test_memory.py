"""The bytes of a training step, counted before it: the same as PyTorch's own."""

import pytest

from text2sql.bases import find_base
from text2sql.bases.architecture import read_architecture
from text2sql.errors import UnknownName
from text2sql.training import memory
from text2sql.training.recipe import read_recipe

ROWS, LENGTH, RANK = 2, 64, 4
SHAPE = {"vocab_size": 97, "bos_token_id": None, "eos_token_id": 1, "pad_token_id": 0}
WIDE = {"hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
QUIET = {"attn_pdrop": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0}
CONFIGS = {
    "llama": WIDE | HEADS,
    "qwen2": WIDE | HEADS,
    "starcoder2": WIDE | HEADS,
    "gpt_bigcode": {"n_embd": 64, "n_inner": 160, "n_layer": 3, "n_head": 4, "n_positions": 128}
    | QUIET,
}


def recipe(**settings):
    return read_recipe(None, base="mini", lora_r=RANK, **settings)


@pytest.fixture(params=CONFIGS)
def config(request):
    transformers = pytest.importorskip("transformers")
    settings = CONFIGS[request.param] | SHAPE
    return transformers.AutoConfig.for_model(request.param, **settings)


def adapted(config, *, use_dora=False, dtype=None, adapter_dtype=None):
    """Return a random model with adapters on all linear maps, ready to train."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(config, dtype=dtype or torch.float32)
    settings = {"target_modules": "all-linear", "use_dora": use_dora, "task_type": "CAUSAL_LM"}
    model = get_peft_model(model, LoraConfig(r=RANK, **settings)).train()
    for parameter in model.parameters():
        if parameter.requires_grad and adapter_dtype is not None:
            parameter.data = parameter.data.to(adapter_dtype)
    return model


def kept_bytes(model, vocabulary: int, *, autocast: bool) -> float:
    """Return the bytes per token that autograd keeps for the layers, parameters apart."""
    import torch

    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        # autocast's copies of the adapter's weights do not grow with the row
        if storage.data_ptr() not in own and {LENGTH, ROWS * LENGTH} & set(tensor.shape):
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    ids = torch.arange(ROWS * LENGTH).reshape(ROWS, LENGTH) % vocabulary
    layers = model.get_base_model().base_model
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast),
    ):
        output = layers(input_ids=ids, use_cache=False)
    assert output[0].requires_grad
    return sum(size for size, _ in kept.values()) / (ROWS * LENGTH)


@pytest.mark.parametrize("use_dora", [False, True])
def test_parameters_are_counted_exactly(config, use_dora):
    architecture = read_architecture(config.to_dict())
    model = adapted(config, use_dora=use_dora)

    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)

    assert architecture.parameters() == frozen
    assert memory.trainable_parameters(architecture, recipe(use_dora=use_dora)) == trainable


def test_adapter_gradients_and_optimizer_are_counted_to_the_byte(config):
    import torch

    model = adapted(config, dtype=torch.bfloat16)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained)
    ids = torch.arange(12)[None]
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    architecture = read_architecture(config.to_dict())
    counted = memory.memory(architecture, recipe(), tokens=12, labelled=12)

    states = [v for s in optimizer.state.values() for k, v in s.items() if k != "step"]
    assert counted.adapter == sum(p.nbytes for p in trained)
    assert counted.gradients == sum(p.grad.nbytes for p in trained)
    assert counted.optimizer == sum(state.nbytes for state in states)
    assert counted.weights == sum(p.nbytes for p in model.parameters() if not p.requires_grad)


@pytest.mark.parametrize("dtypes", ["float32", "autocast", "autocast, adapter too"])
def test_activations_are_those_that_autograd_keeps(config, dtypes):
    import torch

    single = dtypes == "float32"
    low = torch.float32 if single else torch.bfloat16
    model = adapted(config, dtype=low, adapter_dtype=low if dtypes != "autocast" else None)
    architecture = read_architecture(config.to_dict())
    size = 4 if single else 2

    measured = kept_bytes(model, 97, autocast=not single)
    copied = dtypes == "autocast"
    settings = {"copied": copied, "checkpointing": False, "size": size}
    counted = memory.activation_bytes(architecture, recipe(), **settings)

    # beyond the layers: the last norm, angles of the positions
    assert counted == pytest.approx(measured, rel=0.03)


def test_checkpointing_keeps_one_input_a_layer(config):
    import torch

    model = adapted(config, dtype=torch.bfloat16)
    model.enable_input_require_grads()
    model.gradient_checkpointing_enable({"use_reentrant": False})
    measured = kept_bytes(model, 97, autocast=True)
    architecture = read_architecture(config.to_dict())

    whole = memory.activation_bytes(architecture, recipe(), copied=True, checkpointing=True)
    one_layer = (
        memory.activation_bytes(architecture, recipe(), copied=True, checkpointing=False) / 3
    )
    assert whole - one_layer == 3 * 64 * 2
    assert measured == pytest.approx(4 * 64 * 2 + 64 * 4, rel=0.5)  # and what is outside the layers


def test_weights_in_four_bits_take_the_bytes_that_bitsandbytes_takes():
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    import torch
    from bitsandbytes.nn import Linear4bit

    linear = Linear4bit(512, 1024, bias=False, compress_statistics=True, quant_type="nf4")
    linear.weight.data = torch.randn(1024, 512)
    weight = linear.to("cpu").weight
    state = weight.quant_state
    constants = state.absmax.nbytes + state.state2.absmax.nbytes

    assert weight.nbytes + constants == pytest.approx(512 * 1024 * memory.NF4, rel=1e-3)


def test_fully_sharded_runs_divide_what_they_spread():
    architecture = find_base("codellama-34b").architecture
    settings = {"tokens": 4096, "labelled": 900}
    alone = memory.memory(architecture, recipe(), **settings)
    spread = memory.memory(architecture, recipe(), gpus=8, distributed="fsdp", **settings)

    assert spread.weights == alone.weights / 8 and spread.optimizer == alone.optimizer / 8
    assert spread.activations == alone.activations and spread.gathered > 0
    ddp = memory.memory(architecture, recipe(), gpus=8, distributed="ddp", **settings)
    assert ddp == alone


def test_the_published_sizes_come_out():
    architecture = find_base("codellama-7b").architecture
    whole = memory.weight_bytes(architecture, four_bit=False) / memory.GIB
    small = memory.weight_bytes(architecture, four_bit=True) / memory.GIB

    assert round(whole, 1) == 12.6 and round(small, 1) == 3.6
    assert memory.trainable_parameters(architecture, read_recipe(None, base="mini")) == 39_976_960


def test_a_target_that_the_base_does_not_have_is_named():
    architecture = find_base("ziya-coding-15b").architecture
    with pytest.raises(UnknownName, match="no LoRA target 'q_proj' in gpt_bigcode"):
        memory.trainable_parameters(architecture, recipe(target_modules=["q_proj"]))
