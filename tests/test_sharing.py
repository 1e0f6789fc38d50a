"""Adapters that share a base's weights: each gives what it gives alone, in order and in threads."""

import gc
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from text2sql.bases import find_base, sharing
from text2sql.bases.sharing import Pool
from text2sql.errors import ModelError

IDS = torch.arange(3, 40)[None]


def load(base):
    return AutoModelForCausalLM.from_pretrained(base).eval()


@pytest.fixture(scope="module")
def adapters(tiny_llama, tmp_path_factory):
    """Return the folders of three adapters that say different things, one of them PiSSA's."""
    folders = []
    for seed, begins in ((1, False), (2, False), (3, "pissa")):
        torch.manual_seed(seed)
        config = LoraConfig(r=4, init_lora_weights=begins, target_modules=["q_proj", "v_proj"])
        folders.append(tmp_path_factory.mktemp("adapters") / str(seed))
        get_peft_model(load(tiny_llama), config).save_pretrained(folders[-1])
    return folders


@torch.inference_mode()
def logits(model):
    return model(input_ids=IDS).logits


def alone(base, adapter):
    model = load(base)
    return logits(PeftModel.from_pretrained(model, adapter).eval() if adapter else model)


def test_each_adapter_gives_what_it_gives_alone_in_any_order(tiny_llama, adapters):
    base, pool = find_base(tiny_llama), Pool()
    first, second = adapters[:2]
    wanted = {folder: alone(tiny_llama, folder) for folder in (None, first, second)}
    models = {folder: pool.load(base, adapter=folder) for folder in (None, first, second)}

    assert not torch.allclose(wanted[first], wanted[second])
    for folder in (first, None, second, first, second, None, first):
        assert torch.equal(logits(models[folder]), wanted[folder])
    assert len({id(model.weights) for model in models.values()}) == 1


def test_threads_do_not_get_each_others_adapter(tiny_llama, adapters):
    pool = Pool()
    folders = [None, *adapters[:2]]
    wanted = [alone(tiny_llama, folder) for folder in folders]
    models = [pool.load(find_base(tiny_llama), adapter=folder) for folder in folders]
    with ThreadPoolExecutor(6) as threads:
        given = list(threads.map(lambda n: logits(models[n % 3]), range(60)))

    assert all(torch.equal(found, wanted[n % 3]) for n, found in enumerate(given))


def test_an_adapter_that_is_forgotten_leaves_the_others_and_the_memory(tiny_llama, adapters):
    pool = Pool()
    first, second = (pool.load(find_base(tiny_llama), adapter=folder) for folder in adapters[:2])
    weights = second.weights
    del first
    gc.collect()

    assert torch.equal(logits(second), alone(tiny_llama, adapters[1]))
    assert list(weights._model.peft_config) == ["adapter1"]
    del second
    gc.collect()
    assert torch.equal(logits(weights.model()), alone(tiny_llama, None))
    assert not any("lora" in name for name, _ in weights.base_model.named_parameters())
    again = weights.model(adapters[0])
    assert torch.equal(logits(again), alone(tiny_llama, adapters[0]))


def test_an_adapter_that_changes_the_base_gets_a_copy_of_its_own(tiny_llama, adapters):
    pool = Pool()
    plain, taken = (
        pool.load(find_base(tiny_llama)),
        pool.load(find_base(tiny_llama), adapter=adapters[2]),
    )

    assert torch.equal(logits(taken), alone(tiny_llama, adapters[2]))
    assert torch.equal(logits(plain), alone(tiny_llama, None))
    assert not sharing.leaves_base(adapters[2]) and sharing.leaves_base(adapters[0])


@pytest.mark.parametrize("beside", [None, 0])
def test_an_adapter_that_does_not_fit_is_one_line_and_harms_nobody(
    tiny_llama, adapters, tmp_path, beside
):
    folder = None if beside is None else adapters[beside]
    pool, broken = Pool(), tmp_path / "broken"
    model = pool.load(find_base(tiny_llama), adapter=folder)
    shutil.copytree(adapters[1], broken)
    said = json.loads((broken / "adapter_config.json").read_text())
    (broken / "adapter_config.json").write_text(json.dumps(said | {"r": 8}))
    with pytest.raises(ModelError, match="cannot load adapter"):
        pool.load(find_base(tiny_llama), adapter=broken)

    assert torch.equal(logits(model), alone(tiny_llama, folder))
    assert torch.equal(
        logits(pool.load(find_base(tiny_llama), adapter=adapters[1])),
        alone(tiny_llama, adapters[1]),
    )
