"""How much faster our decoding loop is than transformers' `generate`, at the same batch size.

Why: the questions of an evaluation share their database's schema, and `generate` reads it again for
every question, pads every row to the longest and carries finished rows along.
Command: python benchmarks/shared_prefix.py --limit 100
Hardware: any; both sides run in one process, by turns, and the figures are ratios of seconds.
OMP_NUM_THREADS is honoured; with one thread the seconds are those of the processor, which other
programs on the machine do not lengthen.

Both sides have the same randomly initialised Llama (width 384, 8 layers, 16 M parameters, float32),
the same prompts (Spider dev with its schemas where T2S_DATA is set, else the bundled samples: whole
databases, up to --limit questions), the same batch size, stop id and token limit. A
random model does not stop by itself, so each row's length is scripted: it must stop after as many
tokens as its gold SQL has, and not before. `generate` does so by a logits processor that leaves the
stop id alone in a row that is due, ours by a guide. `generate` gets its rows sorted by length over
all databases, padded on the left, and goes on until the longest row of a batch is done.

ratio_batch8, ratio_batch32: ours without refilling, called batch by batch, no batch holding two
databases. ratio_refill, ratio_refill8: ours, all prompts in one call, rows refilled; batch 32, 8.
same_tokens: whether every row has the same ids on both sides.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import mean, median
from typing import Any

TODAY = date(2026, 1, 1)
VOCABULARY = 5_000
MAX_NEW_TOKENS = 256
SIZES = (8, 32)
STOP, PAD = 1, 0


@dataclass(frozen=True, slots=True)
class Workload:
    """What both sides are given."""

    name: str
    prompts: list[Any]  # EncodedPrompt
    groups: list[str]  # db_id of each
    lengths: list[int]  # tokens that each answer has
    mean_shared: int  # tokens of the whole split's prompts that are shared, in the mean


def main() -> None:
    """Time both sides by turns and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=100, help="questions")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side")
    options = parser.parse_args()
    import torch
    import transformers

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    transformers.logging.set_verbosity_error()
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    work = workload(options.limit)
    model = random_llama()
    found: dict[str, list[float]] = {}
    texts: dict[str, list[list[int]]] = {}
    for turn in range(options.rounds):
        for size in SIZES:
            for name, side in (("generate", generated), ("batches", batched), ("refill", refilled)):
                begun = clock()
                texts[f"{name}{size}"] = side(model, work, size)
                found.setdefault(f"{name}{size}", []).append(clock() - begun)
            print(f"turn {turn + 1}, batch {size}", file=sys.stderr, flush=True)
    show(work, model, found, texts, clock.__name__)


def workload(limit: int) -> Workload:
    """Return prompts and answer lengths in tokens.

    The databases come in order of how near their prompts' shared part is to the split's mean, so
    that few questions stand for all.
    """
    from text2sql.bases import find_base
    from text2sql.data.catalog import find_dataset
    from text2sql.prompting import build_prompt, encode

    name = "spider" if "T2S_DATA" in os.environ else "samples"
    dataset, base = find_dataset(name, split="dev"), find_base("mini")
    tokenizer = trained_tokenizer(dataset)

    def encoded(example: Any) -> Any:
        schema, style = dataset.schema(example.db_id), base.style
        form = base.prompt_format
        prompt = build_prompt(example.question, schema, format=form, style=style, today=TODAY)
        return encode(prompt, tokenizer)

    firsts = {example.db_id: example for example in reversed(dataset.examples)}
    shared = {db_id: len(encoded(example).shared_ids) for db_id, example in firsts.items()}
    middle = mean(shared[example.db_id] for example in dataset.examples)
    order = sorted(dataset.examples, key=lambda e: (abs(shared[e.db_id] - middle), e.db_id))
    examples = order[:limit]
    return Workload(
        f"{name} dev",
        [encoded(example) for example in examples],
        [example.db_id for example in examples],
        [len(tokenizer(example.query)["input_ids"]) for example in examples],
        round(middle),
    )


def trained_tokenizer(dataset: Any) -> Any:
    """Return a byte-level BPE that has read every schema, question and query of the split once.

    Once, because it would otherwise write the schemas in fewer tokens than a real tokenizer can.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    from text2sql.schema.rendering import render

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    texts = [render(dataset.schema(db_id), "ddl") for db_id in dataset.db_ids()]
    texts += [text for example in dataset.examples for text in (example.question, example.query)]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<pad>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", pad_token="<pad>")


def random_llama() -> Any:
    """Return the model that both sides run."""
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=384,
        intermediate_size=1024,
        num_hidden_layers=8,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=8192,
        initializer_range=0.08,  # texts that differ from row to row
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=STOP,
        pad_token_id=PAD,
    )
    model = LlamaForCausalLM(config).eval()
    model.generation_config = GenerationConfig()
    return model


def generated(model: Any, work: Workload, size: int) -> list[list[int]]:
    """Return what `generate` writes, batches sorted by length over all databases."""
    texts: list[list[int]] = [[] for _ in work.prompts]
    order = sorted(range(len(texts)), key=lambda i: len(work.prompts[i].ids))
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        rows = [work.prompts[i].ids for i in batch]
        for i, ids in zip(
            batch, generate(model, rows, [work.lengths[i] for i in batch]), strict=True
        ):
            texts[i] = ids
    return texts


def generate(model: Any, rows: list[list[int]], lengths: list[int]) -> list[list[int]]:
    """Return what `generate` writes for one batch."""
    import torch
    from transformers import GenerationConfig, LogitsProcessorList

    width = max(map(len, rows))
    with torch.inference_mode():
        output = model.generate(
            input_ids=torch.tensor([[PAD] * (width - len(row)) + row for row in rows]),
            attention_mask=torch.tensor(
                [[0] * (width - len(row)) + [1] * len(row) for row in rows]
            ),
            generation_config=GenerationConfig(
                max_new_tokens=MAX_NEW_TOKENS,
                do_sample=False,
                eos_token_id=STOP,
                pad_token_id=PAD,
            ),
            logits_processor=LogitsProcessorList([scripted_stop(width, lengths)]),
        )
    return [row[width:].tolist()[:length] for row, length in zip(output, lengths, strict=True)]


def scripted_stop(width: int, lengths: list[int]) -> Callable[[Any, Any], Any]:
    """Return a logits processor that stops each row after its own number of tokens."""
    import torch

    due = torch.tensor([min(length, MAX_NEW_TOKENS) for length in lengths])

    def process(ids: Any, scores: Any) -> Any:
        scores[:, STOP] = torch.where(due <= ids.shape[1] - width, torch.inf, -torch.inf)
        return scores

    return process


@dataclass(frozen=True, slots=True)
class ScriptedStop:
    """A guide that stops a row after its own number of tokens; a cursor is the number written."""

    length: int

    def start(self) -> int:
        """Return the number of tokens that an empty text has."""
        return 0

    def advance(self, cursor: int, token: int) -> int | None:
        """Let every token but the stop id be written."""
        return None if token == STOP else cursor + 1

    def may_stop(self, cursor: int) -> bool:
        """Forbid the stop id: the text ends by `ending`."""
        return False

    def ending(self, cursor: int, left: int) -> list[int] | None:
        """End the text when it is long enough."""
        return [] if cursor >= self.length else None


class Numbers:
    """A tokenizer that writes ids as numbers, so that texts are equal where ids are."""

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool) -> str:
        """Return the ids in words."""
        return " ".join(map(str, ids))


def decoded(model: Any, work: Workload, places: Sequence[int], size: int, prefixes: Any) -> Any:
    """Yield (place, ids) of some of the prompts, written by our loop."""
    from text2sql.decoding.generation import Decoding
    from text2sql.decoding.loop import decode

    written = decode(
        [work.prompts[i] for i in places],
        model,
        Numbers(),
        Decoding(max_new_tokens=MAX_NEW_TOKENS, batch_size=size),
        stop_ids=[STOP],
        guides=[ScriptedStop(work.lengths[i]) for i in places],
        prefixes=prefixes,
    )
    for place, (generation,) in zip(places, written, strict=True):
        yield place, [int(number) for number in generation.text.split()]


def batched(model: Any, work: Workload, size: int) -> list[list[int]]:
    """Return what our loop writes when it is called batch by batch."""
    from text2sql.decoding.cache import Prefixes
    from text2sql.decoding.generation import batches

    prefixes, texts = Prefixes(1), dict[int, list[int]]()
    for batch in batches([len(prompt.ids) for prompt in work.prompts], work.groups, size):
        texts |= dict(decoded(model, work, batch, size, prefixes))
    return [texts[i] for i in range(len(work.prompts))]


def refilled(model: Any, work: Workload, size: int) -> list[list[int]]:
    """Return what our loop writes in one call."""
    texts = dict(decoded(model, work, range(len(work.prompts)), size, None))
    return [texts[i] for i in range(len(work.prompts))]


def show(
    work: Workload,
    model: Any,
    found: dict[str, list[float]],
    texts: dict[str, list[list[int]]],
    clock: str,
) -> None:
    """Print the table and the line of JSON."""
    import torch
    import transformers

    seconds = {name: round(median(times), 3) for name, times in found.items()}
    rows = list(zip(*texts.values(), strict=True))
    different = sum(any(text != row[0] for text in row) for row in rows)

    def ratio(side: str, size: int) -> float:
        pairs = zip(found[f"generate{size}"], found[f"{side}{size}"], strict=True)
        return round(median(theirs / ours for theirs, ours in pairs), 2)

    ratios = {f"ratio_batch{size}": ratio("batches", size) for size in SIZES}
    ratios |= {"ratio_refill": ratio("refill", 32), "ratio_refill8": ratio("refill", 8)}
    for name, value in (seconds | ratios).items():
        print(f"{name:<14}{value:>9}")
    shared = [len(prompt.shared_ids) for prompt in work.prompts]
    print(
        json.dumps(
            ratios
            | {
                "same_tokens": different == 0,
                "different_rows": different,
                "rows": len(rows),
                "data": work.name,
                "databases": len(set(work.groups)),
                "shared_tokens": round(mean(shared)),
                "shared_tokens_of_the_split": work.mean_shared,
                "own_tokens": round(mean(len(prompt.own_ids) for prompt in work.prompts)),
                "answer_tokens": round(mean(work.lengths)),
                "parameters": sum(p.numel() for p in model.parameters()),
                "seconds": seconds,
                "clock": clock,
                "turns": len(found["refill32"]),
                "threads": torch.get_num_threads(),
                "device": str(model.device),
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "python": sys.version.split()[0],
            }
        )
    )


if __name__ == "__main__":
    main()
