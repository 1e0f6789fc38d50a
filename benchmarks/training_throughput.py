"""How much faster training is when questions share their schema, beside TRL's own trainers.

Why: most tokens of a Text-to-SQL prompt are its schema, and TRL reads it again for every question.
Command: python benchmarks/training_throughput.py --limit 100
         python benchmarks/training_throughput.py --device cuda         (torch, transformers, peft)
         python benchmarks/training_throughput.py --device cuda --toy   (the same on a CPU, tiny)
Hardware: any; all modes run in one process, by turns, and the figures are ratios. On a CPU the
seconds are those of the process on one thread, which other programs lengthen little.

On a CPU: LoRA (rank 16, all linear layers) on a random Llama (width 256, 4 layers, 8,000 tokens,
float32), one epoch of Spider's training questions at even quantiles of their schema's length (the
bundled samples where T2S_DATA is not set), 64 examples in an optimizer step in every mode:

padded               TRL's default: batches of 8, in random order
grouped              TRL's `group_by_length`
packed               TRL's `packing=True` (bfd), rows of 2,048 tokens or as long as an example
shared               ours: up to 16 questions beside a schema, `merged`, head at labels only
shared_whole_head    ours with a head over all tokens, as TRL has on a CPU: what sharing alone gains

vs_trl_default, vs_length_grouped, vs_trl_packing: seconds of TRL's over seconds of `shared`, in the
median of the turns; `without_compact_head` has the same for `shared_whole_head`.
gradient_error: worst relative error of a LoRA weight's gradient against separate rows, float32.

With --device cuda: `throughput/cuda.py`.
"""

import argparse
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from subprocess import run
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))
CAP, BATCH = 16, 64
PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "bitsandbytes")


def main() -> None:
    """Time every mode by turns and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--limit", type=int, default=100, help="questions")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each mode")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--base", nargs="+", default=["7b"], help="7b, 13b, 34b; with --device cuda"
    )
    parser.add_argument("--toy", action="store_true", help="the path of --device cuda on a CPU")
    parser.add_argument("--write-lengths", action="store_true", help="of Spider, for --device cuda")
    options = parser.parse_args()
    if options.write_lengths:
        from throughput.workload import write_lengths

        return write_lengths()
    if options.device == "cuda":
        from throughput.cuda import measure

        found = measure(options.base, limit=options.limit, toy=options.toy)
    else:
        found = compare(limit=options.limit, rounds=options.rounds)
    print(json.dumps(found | {"versions": versions()}))
    return None


def compare(*, limit: int, rounds: int) -> dict[str, Any]:
    """Train by turns in every mode on a CPU."""
    import torch
    import transformers
    from throughput import trainers, workload

    from text2sql.training.rows import Partition

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    work = workload.load(limit=limit, cap=CAP)
    built = {m: trainers.build(m, work, batch_size=BATCH, cap=CAP) for m in trainers.MODES}
    seconds: dict[str, list[float]] = {mode: [] for mode in built}
    for turn in range(rounds):
        for mode, trainer in built.items():
            seconds[mode].append(trainers.turn(mode, trainer))
            print(f"turn {turn + 1}: {mode:<18}{seconds[mode][-1]:8.2f} s", file=sys.stderr)
    record = work.record(Partition(BATCH, cap=CAP))
    found = ratios(seconds, "shared") | {
        "gradient_error": trainers.gradient_error(work),
        "without_compact_head": ratios(seconds, "shared_whole_head"),
        "seconds": {mode: round(median(times), 2) for mode, times in seconds.items()},
        "turns": rounds,
        "device": "cpu, one thread",
    }
    show(seconds, record["examples"])
    return found | record


def ratios(seconds: dict[str, list[float]], ours: str) -> dict[str, float]:
    """Return how much faster ours is than each of TRL's modes, in the median of the turns."""
    names = {"padded": "vs_trl_default", "packed": "vs_trl_packing", "grouped": "vs_length_grouped"}
    return {
        name: round(median(a / b for a, b in zip(seconds[mode], seconds[ours], strict=True)), 2)
        for mode, name in names.items()
    }


def show(seconds: dict[str, list[float]], examples: int) -> None:
    """Print the table."""
    print(f"{'mode':<20}{'seconds':>9}{'examples/s':>12}{'times':>8}")
    for mode, times in seconds.items():
        spent, first = median(times), median(seconds["padded"])
        print(f"{mode:<20}{spent:>9.2f}{examples / spent:>12.2f}{first / spent:>8.2f}")


def versions() -> dict[str, str]:
    """Return what was measured with."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    found["commit"] = run(git, capture_output=True, text=True, check=False).stdout.strip()
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


if __name__ == "__main__":
    main()
