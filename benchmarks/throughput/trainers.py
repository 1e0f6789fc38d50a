"""TRL's own ways to form batches, and ours, each as a trainer on a model of its own.

>>> seconds = timed(build("padded", work, batch_size=64, cap=16))
"""

import copy
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, TrainerCallback
from transformers.trainer_callback import PrinterCallback

from text2sql.training import sharing
from text2sql.training.loss import find_labels, score_tokens
from text2sql.training.rows import Partition, build_row
from text2sql.training.sharing import SqlOutput, batch_of, share
from throughput.workload import Workload

BACKEND = "merged"  # of attention: what a CPU chooses
PADDED = 8  # rows in TRL's batches: its default
PACKED = 2048  # tokens in a packed row, more where an example is longer
MODES = ("padded", "grouped", "packed", "shared", "shared_whole_head")


def random_llama(vocabulary: int, *, hidden: int = 256, layers: int = 4) -> Any:
    """Return a small Llama with random weights."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=hidden * 43 // 16,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=16_384,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config)


def lora(**options: Any) -> LoraConfig:
    """Return the adapter of every mode."""
    return LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", **options)


def build(mode: str, work: Workload, *, batch_size: int, cap: int) -> Any:
    """Return a trainer of one epoch on a fresh model; a step has `batch_size` examples."""
    from datasets import Dataset
    from trl import SFTTrainer

    from text2sql.training.prefix_trainer import EpochRows, PrefixTrainer

    model = random_llama(work.vocabulary)
    common = {"model": model, "peft_config": lora(), "processing_class": _tokenizer()}
    if mode.startswith("shared"):
        how = Partition(batch_size, cap=cap)
        rows = EpochRows(work.groups, how, epochs=1, world=1)
        args = _arguments(1, rows.how.forwards)
        return PrefixTrainer(args=args, rows=rows, backend=BACKEND, **common)
    rows = work.rows()
    longest = max(len(row["input_ids"]) for row in rows)
    packed = max(PACKED, longest)
    each = packed * len(rows) / sum(len(row["input_ids"]) for row in rows)  # examples in a row
    batches = (
        (1, max(1, round(batch_size / each)))
        if mode == "packed"
        else (PADDED, batch_size // PADDED)
    )
    args = _arguments(
        *batches,
        packing=mode == "packed",
        max_length=packed,
        train_sampling_strategy="group_by_length" if mode == "grouped" else "random",
        dataset_kwargs={"skip_prepare_dataset": mode != "packed"},
    )
    return SFTTrainer(args=args, train_dataset=Dataset.from_list(rows), **common)


def _arguments(rows: int, accumulation: int, **options: Any) -> Any:
    from trl import SFTConfig

    return SFTConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=rows,
        gradient_accumulation_steps=accumulation,
        num_train_epochs=1,
        learning_rate=1e-4,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        **options,
    )


def _tokenizer() -> Any:
    """Return the smallest tokenizer that TRL accepts; rows are token ids already."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1}, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", pad_token="<pad>")


class Clock(TrainerCallback):
    """Take the time of the training loop, without what comes before and after."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.seconds = clock, 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.begun = self.clock()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.seconds = self.clock() - self.begun


def timed(trainer: Any, clock: Callable[[], float] = time.process_time) -> float:
    """Train one epoch; return its seconds."""
    found = Clock(clock)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(found)
    trainer.train()
    trainer.remove_callback(found)
    return found.seconds


def whole_head(base: Any, states: Any, labels: Any, num_items_in_batch: Any) -> SqlOutput:
    """Score every token, as TRL does on a CPU, and take what carries loss."""
    vocabulary = base.config.vocab_size
    head = base.get_output_embeddings()
    found = score_tokens(states[:-1], head, labels[1:].clamp(min=0), vocabulary=vocabulary)
    log_probs, entropy, top1 = (values[find_labels(labels).places] for values in found)
    loss = -log_probs.mean()  # TRL sums `log_probs` itself
    return SqlOutput(loss, log_probs, entropy, top1, torch.ones_like(top1))


def turn(mode: str, trainer: Any) -> float:
    """Train one epoch in one mode."""
    compact = sharing._score
    if mode == "shared_whole_head":
        sharing._score = whole_head
    try:
        return timed(trainer)
    finally:
        sharing._score = compact


def gradient_error(work: Workload) -> float:
    """Return the worst relative error of a LoRA gradient of one shared row against its own rows."""
    model = get_peft_model(random_llama(work.vocabulary), lora(init_lora_weights=False))
    part = min(work.groups, key=lambda group: (-len(group.branches), group.tokens))
    oracle = copy.deepcopy(model)
    count = sum(len(branch.sql) for branch in part.branches)
    for row in Workload("", [part], 0).rows():
        ids, labels = (torch.tensor([row[name]]) for name in ("input_ids", "labels"))
        loss = oracle(input_ids=ids, labels=labels).loss
        (loss * (labels != -100).sum() / count).backward()
    share(model, BACKEND)
    batch = batch_of(build_row([part]))
    model(**{name: torch.tensor([ids]) for name, ids in batch.items()}).loss.backward()
    pairs = zip(model.parameters(), oracle.parameters(), strict=True)
    errors = [(a.grad - b.grad).norm() / b.grad.norm() for a, b in pairs if b.grad is not None]
    return max(errors).item()
