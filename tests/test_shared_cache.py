"""Shared key-value caches: rows behind a prefix give what the model gives on whole prompts."""

import threading

import pytest
import tiny
import torch
from transformers import AutoModelForCausalLM, BloomConfig, MistralConfig, Qwen2Config

from text2sql.decoding import attention, cache

SMALL = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "bos_token_id": None,
    "eos_token_id": 1,
    "pad_token_id": 0,
}
CONFIGS = {
    "llama": lambda: tiny.config("llama"),
    "gpt_bigcode": lambda: tiny.config("gpt_bigcode"),
    "qwen2": lambda: Qwen2Config(**SMALL),
    "mistral": lambda: MistralConfig(sliding_window=8, **SMALL),
    "bloom": lambda: BloomConfig(vocab_size=400, hidden_size=32, n_layer=2, n_head=4),
}
PREFIX = list(range(3, 40))
QUESTIONS = [[50, 61, 72], [80], [91, 90, 93, 95, 98]]


def build(architecture: str):
    """Return a random model whose weights are large enough for attention to matter."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(CONFIGS[architecture]()).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(6)
    return model


def behind(prefix):
    return [(prefix, question) for question in QUESTIONS]


def whole(model, ids):
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids])).logits[0, -1]


def assert_same(found, model, texts):
    for logits, ids in zip(found, texts, strict=True):
        torch.testing.assert_close(logits, whole(model, ids), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("architecture", ["llama", "gpt_bigcode", "qwen2", "mistral"])
def test_rows_give_the_logits_of_whole_prompts(architecture):
    model = build(architecture)
    rows = cache.open_rows(model, cache.Prefixes())
    shared = isinstance(rows, cache.SharedRows)
    texts = [PREFIX + question for question in QUESTIONS]

    assert shared == (architecture != "mistral")
    assert_same(rows.prefill(behind(PREFIX)), model, texts)
    rows.admit([0, 1, 2, 1])
    assert_same(
        rows.step([7, 8, 9, 10]),
        model,
        [texts[0] + [7], texts[1] + [8], texts[2] + [9], texts[1] + [10]],
    )
    rows.arrange([3, 0])
    assert_same(rows.step([5, 6]), model, [texts[1] + [10, 5], texts[0] + [7, 6]])


@pytest.mark.parametrize("architecture", ["llama", "gpt_bigcode", "qwen2", "mistral"])
def test_rows_behind_several_prefixes_are_written_together(architecture):
    model = build(architecture)
    rows = cache.open_rows(model, cache.Prefixes())
    begun = [PREFIX, [60, 70, 80], [], PREFIX]
    own = [*QUESTIONS, [99, 97]]
    texts = [[*shared, *question] for shared, question in zip(begun, own, strict=True)]

    assert_same(rows.prefill(list(zip(begun, own, strict=True))), model, texts)
    rows.admit([0, 1, 2, 3])
    assert_same(rows.step([5, 6, 7, 8]), model, [[*t, 5 + n] for n, t in enumerate(texts)])
    rows.arrange([3, 1, 2])
    kept = [texts[3] + [8, 4], texts[1] + [6, 9], texts[2] + [7, 3]]
    assert_same(rows.step([4, 9, 3]), model, kept)


def test_new_questions_take_the_slots_of_rows_that_are_done():
    model = build("llama")
    rows = cache.open_rows(model, cache.Prefixes())
    rows.prefill(behind(PREFIX))
    rows.admit([0, 1, 2])
    rows.step([7, 8, 9])
    rows.arrange([0, 2])
    rows.prefill([(PREFIX, [33] * 20)])
    rows.admit([0])

    texts = [
        PREFIX + QUESTIONS[0] + [7, 4],
        PREFIX + QUESTIONS[2] + [9, 5],
        PREFIX + [33] * 20 + [6],
    ]
    assert_same(rows.step([4, 5, 6]), model, texts)


def test_prompts_that_are_too_many_for_one_pass_are_read_in_parts(monkeypatch):
    model = build("llama")
    monkeypatch.setattr(cache, "SCORES", 1)
    rows = cache.open_rows(model, cache.Prefixes())

    assert_same(rows.prefill(behind(PREFIX)), model, [PREFIX + question for question in QUESTIONS])
    rows.admit([2])
    assert_same(rows.step([7]), model, [PREFIX + QUESTIONS[2] + [7]])


def test_buffers_grow_with_the_text():
    model = build("llama")
    rows = cache.open_rows(model, cache.Prefixes())
    rows.prefill(behind(PREFIX))
    rows.admit([0])
    written = list(range(100, 100 + 2 * cache.BLOCK))
    for token in written[:-1]:
        rows.step([token])

    assert_same(rows.step([written[-1]]), model, [PREFIX + QUESTIONS[0] + written])


def test_the_prefix_used_longest_ago_is_dropped():
    model, prefixes = build("llama"), cache.Prefixes(limit=2)
    first = prefixes.get([3, 4], model)
    prefixes.get([5, 6], model)

    assert prefixes.get([3, 4], model) is first
    prefixes.get([7, 8], model)
    assert [ids in prefixes for ids in ([3, 4], [5, 6], [7, 8])] == [True, False, True]


def test_prefixes_take_no_more_memory_than_they_may():
    model = build("llama")
    first = cache.Prefixes().get([3, 4, 5], model)
    prefixes = cache.Prefixes(most=2 * first.bytes)
    for ids in ([3, 4, 5], [5, 6, 7], [7, 8]):
        prefixes.get(ids, model)

    assert [ids in prefixes for ids in ([3, 4, 5], [5, 6, 7], [7, 8])] == [False, True, True]
    prefixes.get(list(range(3, 40)), model)  # more than there is room for: kept alone
    assert [7, 8] not in prefixes and list(range(3, 40)) in prefixes


def test_a_prefix_is_the_same_behind_an_adapter():
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    model = get_peft_model(build("llama"), settings).eval()
    rows = cache.open_rows(model, cache.Prefixes())

    assert isinstance(rows, cache.SharedRows)
    assert_same(rows.prefill(behind(PREFIX)), model, [PREFIX + question for question in QUESTIONS])


@pytest.mark.parametrize("architecture", ["mistral", "bloom"])
def test_a_model_with_a_window_or_position_biases_shares_nothing(architecture):
    model = build(architecture)
    rows = cache.open_rows(model, cache.Prefixes())

    assert isinstance(rows, cache.PlainRows) and not rows.refills
    assert_same(rows.prefill([([], question) for question in QUESTIONS]), model, QUESTIONS)


def test_an_attention_that_ours_does_not_compute_is_found_out():
    from transformers import Gemma2Config

    config = Gemma2Config(head_dim=8, layer_types=["full_attention"] * 2, **SMALL)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()

    assert config.attn_logit_softcapping and not cache.shares_prefix(model)


def test_the_models_own_attention_stands_again_afterwards():
    model = build("llama")
    before = model.config._attn_implementation
    cache.open_rows(model, cache.Prefixes()).prefill(behind(PREFIX))

    assert model.config._attn_implementation == before != attention.INTERFACE


def test_threads_may_decode_on_one_model_at_once():
    model, found = build("llama"), {}

    def write(name, question):
        rows = cache.open_rows(model, cache.Prefixes())
        rows.prefill([(PREFIX, question)])
        rows.admit([0])
        for token in range(10, 30):
            found[name] = rows.step([token])

    threads = [threading.Thread(target=write, args=item) for item in enumerate(QUESTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = [PREFIX + question + list(range(10, 30)) for question in QUESTIONS]
    assert_same([found[place][0] for place in range(3)], model, texts)


def test_half_precision_shares_too():
    model = build("llama").to(torch.bfloat16)
    rows = cache.open_rows(model, cache.Prefixes())
    rows.prefill(behind(PREFIX))
    rows.admit([0, 1, 2])
    found = rows.step([7, 8, 9])

    assert isinstance(rows, cache.SharedRows) and found.dtype == torch.bfloat16
    expected = whole(model, PREFIX + QUESTIONS[0] + [7])
    assert (found[0] - expected).abs().max() < 0.1 * expected.float().std()
