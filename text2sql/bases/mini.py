"""The bundled base, `mini`: a very small Llama with a tokenizer of its own, in Hugging Face format.

    >>> model, tokenizer = create(texts, seed=1)
    >>> sum(p.numel() for p in model.parameters())
    1115264

It is there so that the whole loop runs without a download. It is built on first use
(`bundled.build_mini` joins this module with the samples and the pretraining loop) and stands in the
user's cache.

Not covered: being good. It has read the training questions of four databases and nothing else.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import platformdirs

from text2sql.errors import ModelError
from text2sql.schema.pointers import TOKENS

VERSION = 1  # part of the folder's name: raise it when what is built changes
VOCABULARY = 2048
WIDTH, LAYERS, HEADS, FFN = 128, 4, 4, 384
CONTEXT = 4096
EOS, PAD = "</s>", "<pad>"


def place() -> Path:
    """Return where the built base stands, whether it is there or not."""
    return Path(platformdirs.user_cache_dir("text2sql")) / f"mini-{VERSION}"


def folder() -> Path:
    """Return the folder of the built base.

    Raises:
        ModelError: it has not been built.
    """
    if not (place() / "config.json").exists():
        raise ModelError("the bundled base has not been built yet: t2s base build mini")
    return place()


def create(texts: Iterable[str], *, seed: int) -> tuple[Any, Any]:
    """Return the model with random weights and its tokenizer, trained on the texts.

    Args:
        texts: what the byte-level BPE merges are learnt from.
        seed: of the weights.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer(texts)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        intermediate_size=FFN,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    return LlamaForCausalLM(config), tokenizer


def _tokenizer(texts: Iterable[str]) -> Any:
    """Return a byte-level BPE in lower case, pointers among its tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from tokenizers.trainers import BpeTrainer
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    inner.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY - len(TOKENS),
        special_tokens=[PAD, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token=EOS,
        pad_token=PAD,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    # a pointer takes the blank before it, so that text and pointers are told apart by blanks alone
    tokenizer.add_tokens(
        [AddedToken(token, lstrip=True, normalized=False, special=True) for token in TOKENS],
        special_tokens=True,
    )
    return tokenizer
