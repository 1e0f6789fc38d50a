"""What does constraining cost a token, ours and others', on the same model and the same logits?

Why: PICARD multiplied decoding time; a constraint is used only if its cost disappears.
Command: python benchmarks/decoding_overhead.py [--limit 100] [--err 0.05] [--profile]
Hardware: any; one thread, times are the process's own, net of the argmax that plain decoding takes.

Model: a randomly initialised Llama (width 384, 8 layers, 16 M parameters, float32) and a byte-level
BPE trained on the data's own text. Text: gold SQL of Spider dev, or of the bundled samples where
T2S_DATA is not set; every step goes on with the gold token. Logits: the model's, with the gold
token raised to the first place, and at a share --err of the steps three random others above it. In
`near` those others are the beginnings of other columns of the schema, at every step that begins a
column: the mistakes that a real model makes.

mean_us, p99_us: ours at batch 1, all questions in order, caches cold for each database: the first
of --repeats passes, each with new checkers, after one question that only loads the code. (What the
grammar's stacks do is shared by all schemas; only the first pass finds that out.) The least of the
passes, step by step, is what the code takes without the machine's noise: mean_us_least,
p99_us_least. Garbage collections that fall into a step count; gc_ms is their time in the first pass
(of a process that holds torch and transformers). `warm`: the questions again.
share: ours, of the time that the model takes for the same steps. share_batch32_of_20ms: 32 rows of
one database side by side, checked one after another, of a step of 20 ms on an accelerator.
Others run on at most --peer-limit questions, spread over all, in one cold pass; `ours` in the table
is ours on the same ones. The vocabulary is small (some thousands), which is kind to masks: what
they cost grows with it, what ours costs does not.
"""

import argparse
import cProfile
import gc
import json
import os
import pstats
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from statistics import mean, median
from typing import Any

from decoders.sides import Checked, Plain, Refused, installed
from shared_prefix import STOP, random_llama, trained_tokenizer

from text2sql.data.catalog import DataSet, find_dataset
from text2sql.reporting.tables import text_table
from text2sql.scoring.manifests import commit, libraries

ROWS, STEP_SECONDS = 32, 0.020
CLOCK = time.process_time_ns


@dataclass(frozen=True, slots=True)
class Question:
    """What is decoded: tokens of the gold SQL and the stop id."""

    number: int
    db_id: str
    ids: list[int]


@dataclass(frozen=True, slots=True)
class Setup:
    """What every pass is given."""

    model: Any
    tokenizer: Any
    dataset: DataSet
    questions: list[Question]
    err: float
    columns: dict[str, list[int]]  # by db_id: tokens that begin a column
    commit: str | None  # of the code that was loaded


def main() -> None:
    """Run all sides and print the table and the line of JSON."""
    options = _options()
    import torch

    torch.set_num_threads(1)
    setup = _setup(options)
    ours = Checked(setup.dataset, setup.tokenizer, STOP)
    if options.profile:
        profile(setup, ours)
        return
    figures = own_figures(setup, ours, options.repeats)
    peers, missing = installed(setup.dataset, setup.tokenizer, STOP)
    print(*missing, sep="\n", end="\n" * bool(missing))
    for side in (ours, *peers):
        say(side.name)
        figures |= peer_figures(setup, side, options.peer_limit)
    say("model")
    figures |= model_figures(setup, figures["mean_us"])
    figures["compile_ms_500"], figures["compile_ms_500_first"] = wide_compile()
    show(figures, setup, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--limit", type=int, default=None, help="questions")
    parser.add_argument("--err", type=float, default=0.05, help="share of steps with wrong tokens")
    parser.add_argument("--repeats", type=int, default=3, help="cold passes of ours")
    parser.add_argument("--peer-limit", type=int, default=100, help="questions for the others")
    parser.add_argument("--profile", action="store_true", help="where ours spends a cold pass")
    return parser.parse_args()


def _setup(options: argparse.Namespace) -> Setup:
    name = "spider" if "T2S_DATA" in os.environ else "samples"
    dataset = find_dataset(name, split="dev")
    tokenizer = trained_tokenizer(dataset)
    examples = dataset.examples[: options.limit]
    questions = [
        Question(number, e.db_id, [*tokenizer(e.query)["input_ids"], STOP])
        for number, e in enumerate(examples)
    ]
    columns = {db_id: _beginnings(dataset, tokenizer, db_id) for db_id in dataset.db_ids()}
    model, err = random_llama(), options.err
    return Setup(model, tokenizer, dataset, questions, err, columns, commit())


def _beginnings(dataset: DataSet, tokenizer: Any, db_id: str) -> list[int]:
    """Return the tokens that begin a column's name behind a blank or a dot."""
    names = {c.name for table in dataset.schema(db_id).tables for c in table.columns}
    begun = (tokenizer(before + name)["input_ids"] for name in names for before in (" ", ""))
    return sorted({ids[0] for ids in begun})


# --- logits -----------------------------------------------------------------------------------


def logits(setup: Setup, question: Question, wrong: str) -> Any:
    """Return the rows of a question, (tokens, vocab): the gold token first, or others above it."""
    import torch

    with torch.inference_mode():
        found = setup.model(torch.tensor([[STOP, *question.ids[:-1]]])).logits[0]
    rows = found[:, : len(setup.tokenizer)].clone()
    tops = rows.max(-1).values
    random = Random(f"{question.number} {wrong}")
    for place, gold in enumerate(question.ids):
        rows[place, gold] = tops[place] + 1
        for others in _above(setup, question, gold, wrong, random):
            rows[place, others] = tops[place] + 2 + random.random()
    return rows


def _above(
    setup: Setup, question: Question, gold: int, wrong: str, random: Random
) -> Iterator[int]:
    """Yield the tokens that stand above the gold one."""
    columns = setup.columns[question.db_id]
    if wrong == "near":
        if gold in columns and len(columns) > 3:
            yield from (token for token in random.sample(columns, 3) if token != gold)
    elif wrong == "random" and random.random() < setup.err:
        drawn = (random.randrange(2, len(setup.tokenizer)) for _ in range(3))
        yield from (token for token in drawn if token != gold)


# --- passes -----------------------------------------------------------------------------------


def one_pass(
    setup: Setup, side: Plain, wrong: str, *, limit: int | None = None, cold: bool = True
) -> tuple[list[float], int]:
    """Return the microseconds of each step, net of the argmax, and how many golds are refused."""
    if cold:
        warm_up(setup, side)
    net: list[float] = []
    refused = 0
    for question in spread(setup.questions, limit):
        rows = logits(setup, question, wrong)
        state = side.begin(question.db_id)
        try:
            for row, gold in zip(rows.unbind(), question.ids, strict=True):
                net.append(timed_step(side, state, row, gold))
        except Refused:
            refused += 1
    return net, refused


def spread(questions: Sequence[Question], limit: int | None) -> Sequence[Question]:
    """Return so many of the questions, evenly spread."""
    if limit is None or limit >= len(questions):
        return questions
    return [questions[place * len(questions) // limit] for place in range(limit)]


def warm_up(setup: Setup, side: Plain) -> None:
    """Let a side import its modules; it then begins without knowing a database."""
    question = setup.questions[0]
    state = side.begin(question.db_id)
    for row, gold in zip(logits(setup, question, "random").unbind(), question.ids, strict=True):
        timed_step(side, state, row, gold)
    side.forget()
    gc.collect()  # what was forgotten is not to be cleared away during a step


def timed_step(side: Plain, state: Any, row: Any, gold: int) -> float:
    """Take one step and return its microseconds beyond an argmax."""
    row.argmax()  # whoever reads the row first fetches it from memory
    begun = CLOCK()
    int(row.argmax())
    middle = CLOCK()
    chosen = side.choose(state, row)
    ended = CLOCK()
    side.follow(state, chosen, gold)
    return ((ended - middle) - (middle - begun)) / 1000


def own_figures(setup: Setup, ours: Checked, repeats: int) -> dict[str, Any]:
    """Return our means and percentiles, cold, warm and for near misses."""
    figures: dict[str, Any] = {}
    passes, collected = [], []
    for turn in range(repeats):
        say(f"ours, cold pass {turn + 1}")
        with garbage_collections() as seconds:
            steps, refused = one_pass(setup, ours, "random")
        passes.append(steps)
        collected.append(round(1000 * sum(seconds), 1))
    figures["gc_ms"] = collected[0]
    figures |= _spread("", passes[0]) | {"refused_gold": refused, "steps": len(passes[0])}
    least = [min(times) for times in zip(*passes, strict=True)]
    figures |= _spread("_least", least)
    figures["mean_us_passes"] = [round(mean(steps), 2) for steps in passes]
    figures["p99_us_passes"] = [_percentile(steps, 99) for steps in passes]
    figures["compile_ms"] = round(1000 * median(ours.compile_seconds), 3)
    figures |= _spread("_warm", one_pass(setup, ours, "random", cold=False)[0])
    for wrong in ("gold_first", "near"):
        say(f"ours, {wrong}")
        turns = [one_pass(setup, ours, wrong)[0] for _ in range(repeats)]
        figures |= _spread(f"_{wrong}", turns[0])
        figures |= _spread(f"_{wrong}_least", [min(times) for times in zip(*turns, strict=True)])
    say("the checker alone")
    alone = [checker_steps(setup) for _ in range(repeats)]
    figures |= _spread("_checker", alone[0])
    figures |= _spread("_checker_least", [min(times) for times in zip(*alone, strict=True)])
    say("ours, 32 rows")
    warm_up(setup, ours)
    batch = batch_seconds(setup, ours)
    figures["batch32_us_a_step"] = round(1e6 * batch, 1)
    figures["share_batch32_of_20ms"] = round(batch / STEP_SECONDS, 4)
    return figures


def checker_steps(setup: Setup) -> list[float]:
    """Return microseconds of each step of the checker alone over gold, cold for each database."""
    from text2sql.decoding.binding import bind
    from text2sql.decoding.checking import Checker

    binding = bind(setup.tokenizer)
    checkers: dict[str, Checker] = {}
    steps = []
    for question in setup.questions:
        if question.db_id not in checkers:
            schema = setup.dataset.schema(question.db_id)
            checkers[question.db_id] = Checker(schema, dialect="sqlite", invented=False)
        checker = checkers[question.db_id]
        state = checker.start
        for token in question.ids[:-1]:
            data = binding.bytes_of(token)
            begun = CLOCK()
            after = checker.step(state, data) if data else None
            steps.append((CLOCK() - begun) / 1000)
            if after is None:
                break
            state = after
    return steps


@contextmanager
def garbage_collections() -> Iterator[list[float]]:
    """Gather the seconds of the garbage collections inside, those between the steps too."""
    seconds: list[float] = []
    begun = 0.0

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal begun
        if phase == "start":
            begun = time.process_time()
        else:
            seconds.append(time.process_time() - begun)

    gc.callbacks.append(note)
    try:
        yield seconds
    finally:
        gc.callbacks.remove(note)


def peer_figures(setup: Setup, side: Plain, limit: int) -> dict[str, Any]:
    """Return another side's figures, named after it."""
    steps, refused = one_pass(setup, side, "random", limit=limit)
    figures = {f"{side.name}_{key}": value for key, value in _spread("", steps).items()}
    figures[f"{side.name}_questions"] = len(spread(setup.questions, limit))
    if side.compile_seconds:
        figures[f"{side.name}_compile_ms"] = round(1000 * median(side.compile_seconds), 2)
        figures[f"{side.name}_refused_gold"] = refused
    if asked := getattr(side, "asked", 0):
        dropped = getattr(side, "refused", 0)
        figures[f"{side.name}_gold_dropped"] = round(dropped / asked, 3)
    return figures


def batch_seconds(setup: Setup, ours: Checked) -> float:
    """Return the seconds that 32 rows of one database take a step, rows in step."""
    seconds, steps = 0.0, 0
    for questions in _groups(setup.questions):
        states = [ours.begin(q.db_id) for q in questions]
        tables = [logits(setup, q, "random").unbind() for q in questions]
        for place in range(max(len(q.ids) for q in questions)):
            for question, state, rows in zip(questions, states, tables, strict=True):
                if place < len(question.ids):
                    steps += 1
                    net = timed_step(ours, state, rows[place], question.ids[place])
                    seconds += net / 1e6
    return ROWS * seconds / steps


def _groups(questions: Sequence[Question]) -> Iterator[list[Question]]:
    by_database: dict[str, list[Question]] = {}
    for question in questions:
        by_database.setdefault(question.db_id, []).append(question)
    for found in by_database.values():
        yield from (found[start : start + ROWS] for start in range(0, len(found), ROWS))


def model_figures(setup: Setup, mean_us: float, questions: int = 10) -> dict[str, Any]:
    """Return what the model takes a token with its key-value cache, and our share of it."""
    import torch

    seconds: list[float] = []
    for question in setup.questions[:questions]:
        cache = None
        for token in [STOP, *question.ids[:-1]]:
            begun = CLOCK()
            with torch.inference_mode():
                out = setup.model(torch.tensor([[token]]), past_key_values=cache, use_cache=True)
                cache = out.past_key_values
                int(out.logits[0, -1].argmax())
            seconds.append((CLOCK() - begun) / 1e9)
    return {
        "model_ms_a_token": round(1000 * mean(seconds), 3),
        "share": round(mean_us / 1e6 / mean(seconds), 5),
    }


def wide_compile() -> tuple[float, float]:
    """Return the milliseconds of `Checker()` at 500 columns: the median of 20, the first."""
    from checker.wide_schemas import wide

    from text2sql.decoding.checking import Checker

    schema = wide("sqlite", 500, tables=10)
    times = []
    for _ in range(20):
        begun = time.process_time()
        Checker(schema)
        times.append(1000 * (time.process_time() - begun))
    return round(median(times), 3), round(times[0], 3)


def worst_steps(setup: Setup, ours: Checked, count: int = 10) -> list[tuple[str, ...]]:
    """Return the dearest steps of a cold pass, with what a step may owe its price to."""
    from text2sql.decoding.binding import bind

    read = bind(setup.tokenizer).bytes_of
    rows_of_table: list[tuple[float, tuple[str, ...]]] = []
    warm_up(setup, ours)
    for question in setup.questions:
        rows, state, text = logits(setup, question, "random"), ours.begin(question.db_id), b""
        for place, (row, gold) in enumerate(zip(rows.unbind(), question.ids, strict=True)):
            above = int((row > row[gold]).sum())
            with garbage_collections() as seconds:
                spent = timed_step(ours, state, row, gold)
            shown = repr((read(gold) or b"").decode(errors="replace"))
            why = (
                str(above),
                f"{1e6 * sum(seconds):.0f}",
                str(place),
                text[-30:].decode("latin-1"),
            )
            rows_of_table.append((spent, (f"{spent:.0f}", shown, *why)))
            text += read(gold) or b""
    return [shown for _, shown in sorted(rows_of_table, reverse=True)[:count]]


def profile(setup: Setup, ours: Checked) -> None:
    """Print the dearest steps, and where a cold pass of ours spends its time, gold first."""
    head = ("us", "gold", "wrong above it", "us of gc", "place", "behind")
    print(text_table(head, worst_steps(setup, ours)))
    ours.forget()
    gc.collect()
    gc.freeze()  # or a collection is charged to whoever happens to allocate

    def run(question: Question) -> None:
        guide, cursor, _ = ours.begin(question.db_id)
        for token in question.ids[:-1]:
            cursor = guide.advance(cursor, token)
            if cursor is None:
                return
        guide.may_stop(cursor)

    profiler = cProfile.Profile()
    for question in setup.questions:
        ours.begin(question.db_id)  # compiling is not a step
        profiler.enable()
        run(question)
        profiler.disable()
    steps = sum(len(q.ids) for q in setup.questions)
    print(f"{steps} steps of {len(setup.questions)} questions, cold for each database")
    for order in ("tottime", "cumulative"):
        pstats.Stats(profiler).sort_stats(order).print_stats(25)


# --- figures ----------------------------------------------------------------------------------


def _spread(suffix: str, steps: Sequence[float]) -> dict[str, float]:
    return {
        f"mean_us{suffix}": round(mean(steps), 2),
        f"p50_us{suffix}": _percentile(steps, 50),
        f"p99_us{suffix}": _percentile(steps, 99),
    }


def _percentile(steps: Sequence[float], percent: int) -> float:
    ordered = sorted(steps)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 2)


def say(what: str) -> None:
    """Tell on stderr what is running."""
    print(what, file=sys.stderr, flush=True)


def show(figures: dict[str, Any], setup: Setup, options: argparse.Namespace) -> None:
    """Print the table and the line of JSON."""
    suffixes = {"cold": "", "cold, least": "_least", "warm": "_warm", "near misses": "_near"}
    rows = [
        (f"ours, {name}", *(figures[f"{key}_us{s}"] for key in ("mean", "p50", "p99")))
        for name, s in (suffixes | {"gold first": "_gold_first"}).items()
    ]
    sides = [key.removesuffix("_mean_us") for key in figures if key.endswith("_mean_us")]
    rows += [(s, *(figures[f"{s}_{key}_us"] for key in ("mean", "p50", "p99"))) for s in sides]
    rows += [
        ("the checker alone, gold", *(figures[f"{k}_us_checker"] for k in ("mean", "p50", "p99")))
    ]
    print(text_table(("net of argmax, us a token", "mean", "p50", "p99"), rows))
    about = {
        "data": f"{setup.dataset.name} dev",
        "questions": len(setup.questions),
        "err": options.err,
        "vocabulary": len(setup.tokenizer),
        "clock": "process_time",
        "commit": setup.commit,
        "libraries": libraries(),
        "python": sys.version.split()[0],
    }
    print(json.dumps(figures | about))


if __name__ == "__main__":
    main()
