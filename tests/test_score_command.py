"""`t2s score` as people and scripts call it: official options, stdin, kills, output files."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_cli import refused, t2s

GOLD = "SELECT count(*) FROM customers\tshop\nSELECT DISTINCT tier FROM customers\tshop\n"
PREDICTED = "SELECT count(customer_id) FROM customers\nSELECT tier FROM customers\n"


@pytest.fixture
def files(tmp_path: Path, samples: Path) -> list[str]:
    """Write gold and predictions; return the options that name gold and databases."""
    (tmp_path / "g.sql").write_text(GOLD)
    (tmp_path / "p.sql").write_text(PREDICTED)
    return ["--gold", "g.sql", "--databases", str(samples / "database")]


def right(result, metric: str = "execution_accuracy") -> int:
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)["metrics"][metric]["all"]["correct"]


def test_the_official_programs_options_mean_the_same(tmp_path, files, samples) -> None:
    folder = str(samples / "database")
    words = ["score", "--gold", "g.sql", "--pred", "p.sql", "--db", folder, "--etype", "all"]
    result = t2s(*words, "--plug_value", "--json", cwd=tmp_path)
    assert (right(result), right(result, "exact_set_match")) == (2, 1)
    kept = t2s(*words, "--keep_distinct", "--json", cwd=tmp_path)
    assert right(kept, "execution_accuracy_keep_distinct") == 1


def test_predictions_come_from_stdin(tmp_path, files) -> None:
    assert right(t2s("score", "-", *files, "--json", cwd=tmp_path, stdin=PREDICTED)) == 2


def test_a_single_database_may_be_named(tmp_path, shop, files) -> None:
    words = ["score", "p.sql", "--gold", "g.sql", "-d", str(shop), "--json"]
    assert right(t2s(*words, cwd=tmp_path)) == 2


def test_the_report_names_where_the_rules_differ_and_what_is_wrong(tmp_path, files) -> None:
    (tmp_path / "p.sql").write_text("SELECT count(*) FROM orders\nSELECT tier FROM customers\n")
    result = t2s("score", "p.sql", *files, cwd=tmp_path)
    assert "right by the official rule only: 1 (examples 1)" in result.stdout
    assert "wrong table 1" in result.stdout


def test_pass_at_k_and_the_vote_read_candidates(tmp_path, files) -> None:
    wrong, good = "SELECT 1 WHERE 0", PREDICTED.splitlines()
    records = [{"sql": wrong, "candidates": [{"sql": wrong}, {"sql": sql}]} for sql in good]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    result = t2s(
        "score", "p.jsonl", *files, "--pass-at", "1", "--pass-at", "2", "--json", cwd=tmp_path
    )
    assert right(result, "pass@1") == 1
    assert right(result, "pass@2") == 2


def test_an_output_file_has_its_scorecard_beside_it(tmp_path, files) -> None:
    t2s("score", "p.sql", *files, "--output", "v.jsonl", cwd=tmp_path)
    verdicts = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    assert [verdict["index"] for verdict in verdicts] == [0, 1]
    card = json.loads((tmp_path / "v.scorecard.json").read_text())
    assert card["manifest"]["scorer_version"]
    assert "v.jsonl exists" in refused(
        "score", "p.sql", *files, "--output", "v.jsonl", cwd=tmp_path
    )


def test_missing_files_of_the_command_are_usage_errors(tmp_path, files) -> None:
    assert t2s("score", *files, cwd=tmp_path).returncode == 2
    assert t2s("score", "p.sql", "--databases", ".", cwd=tmp_path).returncode == 2
    line = refused("score", "p.sql", *files, "--engine", "duck", cwd=tmp_path)
    assert "no engine 'duck'" in line and "duckdb" in line


def test_a_killed_scorer_finishes_from_what_it_had(tmp_path, files, samples) -> None:
    queries = [f"SELECT count(*) FROM orders WHERE order_id > {i}" for i in range(4000)]
    (tmp_path / "g.sql").write_text("".join(f"{sql}\tshop\n" for sql in queries))
    (tmp_path / "p.sql").write_text("".join(f"{sql}\n" for sql in queries))
    words = ["score", "p.sql", *files, "--no-cache", "--output"]
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    process = subprocess.Popen(
        [sys.executable, "-m", "text2sql", *words, "v.jsonl"],
        cwd=tmp_path,
        env=os.environ | cache,
        stdout=subprocess.DEVNULL,
    )
    journals = tmp_path / "cache" / "text2sql" / "scores"
    while not any(path.stat().st_size > 20_000 for path in journals.glob("*.jsonl")):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "v.jsonl").exists()

    result = t2s(*words, "v.jsonl", cwd=tmp_path, **cache)
    assert "went on after " in result.stderr
    assert "went on after " not in t2s(*words, "whole.jsonl", cwd=tmp_path, **cache).stderr
    assert (tmp_path / "v.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
