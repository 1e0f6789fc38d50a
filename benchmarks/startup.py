"""How long `t2s --help` takes, as a user waits for it.

Why: a command line that is slow to say what it can do is not used. Heavy libraries must not load.
Command: python benchmarks/startup.py --limit 20
Hardware: any; the figure is wall time of whole processes, so run it on an idle machine.
"""

import argparse
import json
import subprocess
import sys
import time
from statistics import median

TARGET = 0.35  # seconds


def main() -> None:
    """Time the command and print minimum, median and maximum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=20, help="processes to start")
    runs = max(3, min(parser.parse_args().limit, 50))
    seconds = sorted(timed() for _ in range(runs))
    found = {"min": seconds[0], "median": median(seconds), "max": seconds[-1]}
    print("\n".join(f"{name:<8}{value:.3f} s" for name, value in found.items()))
    record = {f"{name}_s": round(value, 3) for name, value in found.items()}
    print(json.dumps(record | {"runs": runs, "target_s": TARGET, "python": sys.version.split()[0]}))


def timed() -> float:
    """Return the wall time of one `t2s --help`."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "text2sql", "--help"], check=True, capture_output=True)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
