"""What the checker lets through is fine for sqlglot and the engine, by thousands of random texts.

The benchmarks do the walking, mutating and judging; here they run short, with a fixed seed.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


FAULTS = (
    *("sqlglot_failures", "engine_failures", "gate_failures", "dead_ends", "walks_refused"),
    *("completion_sqlglot_failures", "completion_engine_failures", "completion_gate_failures"),
    *("prefixes_refused", "completions_missing", "crashes"),
)


def measured(script: str, *arguments: str, seed: int = 7) -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / script), *arguments, "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]), shown=done.stdout)


@pytest.mark.parametrize("seed", [7, 4242])
def test_of_2000_walked_queries_none_is_refused_or_stuck(seed: int) -> None:
    found = measured("checker_fuzz.py", "--limit", "1000", seed=seed)
    assert found["queries"] == 1000
    assert {key: found[key] for key in FAULTS} == dict.fromkeys(FAULTS, 0), found["shown"]


@pytest.fixture(scope="module")
def coverage() -> dict[str, Any]:
    return measured("checker_coverage.py", "--mutants", "600", "--prefixes", "6")


def test_no_mutant_is_accepted_that_sqlglot_or_the_engine_refuses(coverage: dict[str, Any]) -> None:
    assert coverage["mutants"]["total"] >= 500
    assert coverage["mutants"]["accepted_but_refused_by_oracle"] == 0, coverage["shown"]


def test_gold_that_nobody_wrote_for_the_checker_is_accepted(coverage: dict[str, Any]) -> None:
    sets = coverage["sets"]
    assert sets["samples"]["accepted"] == sets["samples"]["total"]
    held_out = sets["bird_style_sqlite"]
    assert held_out["total"] >= 300
    assert held_out["accepted"] >= 0.98 * held_out["total"], coverage["shown"]
    further = sets["further_sqlite"]
    assert further["total"] >= 300
    assert further["accepted"] >= 0.98 * further["total"], coverage["shown"]


def test_every_prefix_of_accepted_sql_is_alive_and_is_completed(coverage: dict[str, Any]) -> None:
    prefixes = coverage["prefixes"]
    assert prefixes["total"] > 500
    wrong = ("prefix_refused", "completion_refused", "completion_missing", "steps_differ")
    assert not any(prefixes[key] for key in wrong), coverage["shown"]
    assert prefixes["completion_refused_by_oracle"] == 0, coverage["shown"]
