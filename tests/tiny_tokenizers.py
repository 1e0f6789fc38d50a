# ruff: noqa: E501 (templates keep their lines)
"""Small tokenizers of the two kinds that open models have, trained on the spot."""

from functools import cache
from typing import Any

CORPUS = [
    "SELECT count(*) FROM orders WHERE status = 'paid' ORDER BY created DESC LIMIT 10;\n",
    "CREATE TABLE customers (\n    id INTEGER PRIMARY KEY,\n    full_name TEXT NOT NULL -- who buys\n);\n\n",
    "/*\nToday: 2026-11-20\nQuestion: How many orders did each customer place in May?\n*/\n",
    "You turn questions into SQL. Answer the question with one SQLite query on the database below.\n",
    "### Instruction:\nwrite a query\n### Response:\n[INST] <<SYS>>\nhelp\n<</SYS>>\n\nask [/INST] answer",
    "问题：有多少个订单？ 今天：二〇二六年\n",
]
CHATML_TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nBe brief.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA2_TEMPLATE = (
    "{% if messages[0]['role'] == 'system' %}{% set s = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' %}"
    "{% set ms = messages[1:] %}{% else %}{% set s = '' %}{% set ms = messages %}{% endif %}"
    "{% for m in ms %}{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + (s if loop.first else '')"
    " + m['content'].strip() + ' [/INST]' }}{% else %}{{ ' ' + m['content'].strip() + ' ' + eos_token }}"
    "{% endif %}{% endfor %}"
)


@cache
def llama_like() -> Any:
    """SentencePiece-style BPE with byte fallback, a dummy prefix and bos, as Llama 2 and Ziya-LLaMA have."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import AddedToken, LlamaTokenizer

    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    learner.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=420, show_progress=False))
    state = __import__("json").loads(learner.to_str())["model"]
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words += [word for word in state["vocab"] if word not in words and "\n" not in word]
    merges = [tuple(pair) for pair in state["merges"] if not any("\n" in part for part in pair)]
    tokenizer = LlamaTokenizer(
        vocab={word: number for number, word in enumerate(words)}, merges=merges, add_bos_token=True
    )
    tokenizer.add_tokens([AddedToken("<human>", special=False), AddedToken("<bot>", special=False)])
    return tokenizer


@cache
def byte_level() -> Any:
    """Byte-level BPE without bos, as Qwen2.5-Coder and StarCoder have."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AddedToken, PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator(CORPUS, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, clean_up_tokenization_spaces=False)
    tokenizer.add_special_tokens(
        {"eos_token": "<|endoftext|>", "additional_special_tokens": ["<|im_start|>", "<|im_end|>"]}
    )
    tokenizer.add_tokens([AddedToken("<tool_call>", special=False)])
    return tokenizer
