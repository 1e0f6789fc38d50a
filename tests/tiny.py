"""Tiny models with random weights, of real bases' architectures, saved as local checkpoints."""

from pathlib import Path

TEXTS = [
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, amount REAL, paid_on DATE);",
    (
        "SELECT count(*) FROM orders WHERE amount > 10"
        " GROUP BY customer_id ORDER BY count(*) DESC LIMIT 1"
    ),
    "How many orders were paid in May? 五月份付了多少订单？",
]


def tokenizer():
    """Return a byte-level BPE trained on a few lines."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "</s>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", pad_token="<pad>")


def config(architecture: str):
    """Return the configuration of a model that trains in milliseconds."""
    from transformers import GPTBigCodeConfig, LlamaConfig

    common = {"vocab_size": 400, "bos_token_id": None, "eos_token_id": 1, "pad_token_id": 0}
    if architecture == "llama":
        return LlamaConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=4096,
            **common,
        )
    return GPTBigCodeConfig(
        n_embd=32, n_layer=2, n_head=4, n_inner=64, n_positions=4096, multi_query=True, **common
    )


def save(folder: Path, architecture: str) -> Path:
    """Write a random checkpoint with its tokenizer into a folder."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config(architecture)).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def save_pointing(folder: Path) -> Path:
    """Write a random checkpoint of a base that points at names, with its card, into a folder."""
    import json

    import torch
    from transformers import AutoModelForCausalLM

    from text2sql.bases import mini

    tokenizer = mini.learn_tokenizer([text.lower() for text in TEXTS] * 3)
    own = config("llama")
    own.update({"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id})
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(own).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    card = {"prompt_format": "pointers", "answer_format": "pointers"}
    (folder / "text2sql.json").write_text(json.dumps(card))
    return folder
