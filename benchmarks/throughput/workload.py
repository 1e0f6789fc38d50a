"""Questions with their schemas as token ids, few enough to train on, distributed as all of them.

>>> work = load(limit=100, cap=16)
>>> work.name, len(work.groups), work.examples
('spider train', 8, 96)
"""

import json
import os
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

from text2sql.training.rows import Branch, Group, Partition, cut, tally

TODAY = date(2026, 1, 1)
VOCABULARY = 8_000
BASE = "codellama-7b"  # whose prompt format and schema style are used
LENGTHS = Path(__file__).with_name("spider_lengths.json")


@dataclass(frozen=True, slots=True)
class Workload:
    """Parts of databases: each becomes one shared row, each question one row of TRL's."""

    name: str
    groups: list[Group]
    vocabulary: int

    @property
    def examples(self) -> int:
        return sum(len(group.branches) for group in self.groups)

    def rows(self, seed: int = 0) -> list[dict[str, list[int]]]:
        """Return the questions as TRL reads them, shuffled."""
        rows = []
        for group in self.groups:
            for question, sql, _ in group.branches:
                before = [*group.shared, *question]
                labels = [-100] * len(before) + list(sql)
                rows.append({"input_ids": [*before, *sql], "labels": labels})
        Random(seed).shuffle(rows)
        return rows

    def record(self, how: Partition) -> dict[str, Any]:
        """Return what it holds, for JSON."""
        found = tally(self.groups, how)
        own = [len(b.question) + len(b.sql) for g in self.groups for b in g.branches]
        schemas = [len(g.shared) for g in self.groups for _ in g.branches]
        return {
            "data": self.name,
            "examples": found.examples,
            "parts": len(self.groups),
            "schema_tokens": round(mean(schemas)),
            "own_tokens": round(mean(own)),
            "tokens": found.tokens,
            "tokens_after_sharing": found.shared_tokens,
            "sharing_ratio": round(found.ratio, 2),
            "cap": how.cap,
        }


def load(*, limit: int, cap: int) -> Workload:
    """Encode some of Spider's training questions, or of the bundled samples' without T2S_DATA."""
    from text2sql.bases import find_base
    from text2sql.data.catalog import find_dataset

    name = "spider" if "T2S_DATA" in os.environ else "samples"
    dataset, base = find_dataset(name, split="train"), find_base(BASE)
    tokenizer = trained_tokenizer(dataset)
    sizes = Counter(example.db_id for example in dataset.examples)
    firsts = {example.db_id: example for example in dataset.examples}
    schemas = {db: len(_prompt(firsts[db], dataset, base, tokenizer)[0]) for db in sizes}
    # branches hold the examples' places until the parts are chosen
    wholes = [
        Group([0] * schemas[db], [Branch([place], [0]) for place in places])
        for db, places in _places(dataset).items()
    ]
    parts = stratified(cut(wholes, cap=cap, tokens=10**9, random=Random(0)), limit)
    chosen = []
    for part in parts:
        examples = [dataset.examples[branch.question[0]] for branch in part.branches]
        chosen.append(_encode(examples, dataset, base, tokenizer))
    return Workload(f"{name} train", chosen, VOCABULARY)


def stratified(parts: list[Group], limit: int) -> list[Group]:
    """Return parts at even quantiles of the schema's length, of about `limit` questions in all."""
    parts = sorted(parts, key=lambda part: (len(part.shared), len(part.branches)))
    each = sum(len(part.branches) for part in parts) / len(parts)
    count = max(3, min(len(parts), round(limit / each)))
    return [parts[int((number + 0.5) * len(parts) / count)] for number in range(count)]


def _places(dataset: Any) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, example in enumerate(dataset.examples):
        places.setdefault(example.db_id, []).append(place)
    return places


def _prompt(example: Any, dataset: Any, base: Any, tokenizer: Any) -> tuple[list[int], list[int]]:
    from text2sql.prompting import build_prompt, encode

    prompt = build_prompt(
        example.question,
        dataset.schema(example.db_id),
        format=base.prompt_format,
        style=base.style,
        today=TODAY,
    )
    encoded = encode(prompt, tokenizer)
    return encoded.shared_ids, encoded.own_ids


def _encode(examples: list[Any], dataset: Any, base: Any, tokenizer: Any) -> Group:
    from text2sql.prompting import encode_completion

    branches: list[Branch] = []
    shared: list[int] = []
    for example in examples:
        shared, own = _prompt(example, dataset, base, tokenizer)
        branches.append(Branch(own, encode_completion(example.query, tokenizer, base)))
    return Group(shared, branches, examples[0].db_id)


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


def write_lengths(path: Path = LENGTHS) -> None:
    """Write the lengths of all of Spider's training prompts, for a machine that has no Spider."""
    from text2sql.bases import find_base
    from text2sql.data.catalog import find_dataset
    from text2sql.prompting import encode_completion

    dataset, base = find_dataset("spider", split="train"), find_base(BASE)
    tokenizer = trained_tokenizer(dataset)
    found: dict[str, list[Any]] = {}
    for example in dataset.examples:
        shared, own = _prompt(example, dataset, base, tokenizer)
        lengths = found.setdefault(example.db_id, [len(shared), []])
        lengths[1].append([len(own), len(encode_completion(example.query, tokenizer, base))])
    path.write_text(json.dumps(list(found.values()), separators=(",", ":")) + "\n")


def random_groups(*, limit: int, cap: int, vocabulary: int) -> list[Group]:
    """Return parts of Spider's lengths with random ids: speed does not depend on what they say."""
    draw = Random(0)

    def ids(count: int) -> list[int]:
        return [draw.randrange(2, vocabulary) for _ in range(count)]

    wholes = [
        Group([0] * shared, [Branch([0] * own, [0] * sql) for own, sql in branches])
        for shared, branches in json.loads(LENGTHS.read_text())
    ]
    parts = stratified(
        [
            Group(whole.shared, whole.branches[start : start + cap])
            for whole in wholes
            for start in range(0, len(whole.branches), cap)
        ],
        limit,
    )
    return [
        Group(
            ids(len(part.shared)),
            [Branch(ids(len(b.question)), ids(len(b.sql))) for b in part.branches],
        )
        for part in parts
    ]
