"""The model card of the bundled base: what it is, what it has read, what it cannot do.

    >>> print(write_card(weights=3443136, steps=7200, questions=390000, tokens=18500000, seed=1))

The table of accuracies is put between its marks by `benchmarks/mini.py --write`.
"""

from text2sql.bases import mini

BEGIN, END = "<!-- accuracy: benchmarks/mini.py --write -->", "<!-- end of accuracy -->"

_CARD = """\
---
license: apache-2.0
language: [en, zh]
library_name: transformers
pipeline_tag: text-generation
tags: [text-to-sql]
---

# mini

The base that text2sql ships, so that everything can be tried where no weights can be downloaded: a
`LlamaForCausalLM` of {weights:,} weights (width {width}, {layers} layers, {heads} heads) with a
byte-level BPE of {vocabulary:,} tokens. Training, decoding, evaluation and serving treat it as any
other base.

It copies instead of spelling: each table, column and value of a prompt has a pointer token behind
its name, the linker puts the same pointers behind the words of the question that may mean it, and
the answer is SQL, FROM first, in which pointers stand for names and values
(`prompt_format: pointers`). So it knows no schema, and needs none of yours in its weights.

## What it has read

{questions:,} questions on databases that the kit invents from its own lexicon, {millions:.1f}
million tokens after sharing schemas, {steps:,} optimiser steps, seed {seed}; about 6 % of the
databases are asked about in Chinese. No question, SQL or schema of Spider, BIRD or any other
published data set is in it. `progress.jsonl` is the curve on invented databases that it does not
learn from. Built by `t2s base build mini` on CPU.

## Accuracy

Execution accuracy by the official rule, before any training on such questions, constrained to the
schema, greedy; where it says so, the best of four beams whose literals are stored ones
(`--num-beams 4 --constraint values`). It was chosen on invented databases and on databases of
Spider's train split; Spider dev was run for this table alone.

{begin}
{end}

## What it cannot do

- Know words: where the linker connects nothing of the question with a name, it guesses. All that
  gold needs, columns and values, is connected in 90 % of Spider train's questions, in 57 % of the
  bundled samples' train questions, which are put as people talk (`benchmarks/linker.py`).
- Self joins, values that the question does not hold, joins that no foreign key says.
- Long SQL: nested, composed and many-table questions are the weakest row of the table.
- Follow instructions, reason, chat. It says that the method works; a real base says how well.
"""


def write_card(*, weights: int, steps: int, questions: int, tokens: int, seed: int) -> str:
    """Return the card of a base that was built so.

    Args:
        weights: parameters of the model.
        steps: optimiser steps.
        questions: that it has read.
        tokens: that it has read, schemas counted once for all questions beside them.
        seed: of weights and data.
    """
    return _CARD.format(
        weights=weights,
        width=mini.WIDTH,
        layers=mini.LAYERS,
        heads=mini.HEADS,
        vocabulary=mini.VOCABULARY,
        steps=steps,
        questions=questions,
        millions=tokens / 1e6,
        seed=seed,
        begin=BEGIN,
        end=END,
    )
