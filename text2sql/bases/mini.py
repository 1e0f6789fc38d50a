"""The bundled base, `mini`: a small Llama with a tokenizer of its own, in Hugging Face format.

    >>> tokenizer = learn_tokenizer(texts)
    >>> model = create(tokenizer, seed=1)
    >>> sum(p.numel() for p in model.parameters())
    3443136

It is there so that the whole loop runs without a download. It reads schemas whose names have
pointers, and answers in SQL that points (`schema.pointers`). `bundled.build_mini` builds it from
invented databases.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import platformdirs

from text2sql.errors import ModelError
from text2sql.schema.pointers import TOKENS

VERSION = 5  # part of the folder's name: raise it when what is built changes
VOCABULARY = 4096
WIDTH, LAYERS, HEADS, FFN = 192, 6, 3, 512
CONTEXT = 4096
EOS, PAD = "</s>", "<pad>"
SHIPPED = Path(__file__).parent / "weights" / "mini"


def place() -> Path:
    """Return where the base stands, whether it is there or not."""
    if (SHIPPED / "config.json").exists():
        return SHIPPED
    return Path(platformdirs.user_cache_dir("text2sql")) / f"mini-{VERSION}"


def folder() -> Path:
    """Return the folder of the base.

    Raises:
        ModelError: it has not been built.
    """
    if not (place() / "config.json").exists():
        raise ModelError("the bundled base has not been built yet: t2s base build mini")
    return place()


def create(tokenizer: Any, *, seed: int) -> Any:
    """Return the model with random weights.

    Args:
        tokenizer: of `learn_tokenizer`.
        seed: of the weights.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

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
    return LlamaForCausalLM(config)


def learn_tokenizer(texts: Iterable[str]) -> Any:
    """Return a byte-level BPE in lower case, pointers among its tokens.

    Args:
        texts: what its merges are learnt from.
    """
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
