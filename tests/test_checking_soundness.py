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


def measured(script: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / script), *arguments, "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]), shown=done.stdout)


def test_of_2000_walked_queries_next_to_none_is_refused_or_stuck() -> None:
    # The target is none. What is left, some three in a thousand, are tables named `false`, ` lead`
    # and the like, and shortest endings that the search does not find.
    found = measured("checker_fuzz.py", "--limit", "2000")
    refused = sum(found[key] for key in ("sqlglot_failures", "engine_failures", "gate_failures"))
    assert found["queries"] + found["dead_ends"] + found["slow"] >= 1990, found["shown"]
    assert refused <= 8, found["shown"]
    assert found["dead_ends"] + found["completions_missing"] <= 12, found["shown"]
    assert not found["crashes"], found["shown"]
    assert not found["prefixes_refused"], found["shown"]


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


def test_every_prefix_of_accepted_sql_is_alive_and_is_completed(coverage: dict[str, Any]) -> None:
    prefixes = coverage["prefixes"]
    assert prefixes["total"] > 500
    wrong = ("prefix_refused", "completion_refused", "completion_missing", "steps_differ")
    assert not any(prefixes[key] for key in wrong), coverage["shown"]
    assert prefixes["completion_refused_by_oracle"] == 0, coverage["shown"]
