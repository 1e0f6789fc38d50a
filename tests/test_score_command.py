"""`t2s score` as people and scripts call it: official options, stdin, kills, output files."""

import json
import os
import re
import signal
import sqlite3
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


def test_a_pipe_holds_predictions_or_gold(tmp_path, files) -> None:
    command = 't2s score <(cat p.sql) --gold <(cat g.sql) --databases "$1" --json'
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-c", command, "bash", files[-1]],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert right(result) == 2
    assert json.loads(result.stdout)["manifest"]["data"] == "stdin"
    both = t2s("score", "-", "--gold", "-", *files[2:], cwd=tmp_path, stdin=PREDICTED)
    assert both.returncode == 2 and "stdin holds one file" in both.stderr


def test_half_a_character_in_a_prediction_is_one_wrong_prediction(tmp_path, files) -> None:
    records = ['{"sql": "SELECT \'\\ud800\'"}', json.dumps({"sql": PREDICTED.splitlines()[1]})]
    (tmp_path / "p.jsonl").write_text("\n".join(records) + "\n")
    assert right(t2s("score", "p.jsonl", *files, "--json", cwd=tmp_path)) == 1


def test_a_single_database_may_be_named(tmp_path, shop, files) -> None:
    words = ["score", "p.sql", "--gold", "g.sql", "-d", str(shop), "--json"]
    assert right(t2s(*words, cwd=tmp_path)) == 2
    words[-2] = ""
    line = refused(*words, cwd=tmp_path, T2S_DATABASE=str(shop))
    assert "give either --databases DIR or -d URL" in line


def test_a_database_that_is_a_link_has_its_suite_beside_it(tmp_path, files, shop) -> None:
    (tmp_path / "shop.sqlite").symlink_to(shop)
    with sqlite3.connect(tmp_path / "shop_1.sqlite") as connection:
        connection.execute("CREATE TABLE customers (customer_id, tier)")
        connection.execute("INSERT INTO customers VALUES (NULL, 'gold')")
    connection.close()
    words = ["score", "p.sql", *files[:2], "-d", "shop.sqlite", "--metric", "test_suite_accuracy"]
    assert right(t2s(*words, "--json", cwd=tmp_path), "test_suite_accuracy") == 1


def test_the_report_names_where_the_rules_differ_and_what_is_wrong(tmp_path, files) -> None:
    (tmp_path / "p.sql").write_text("SELECT count(*) FROM orders\nSELECT tier FROM customers\n")
    result = t2s("score", "p.sql", *files, cwd=tmp_path)
    assert "right by the official rule only: 1 (examples 1)" in result.stdout
    assert "wrong by execution_accuracy, counted by what is wrong first: wrong table 1" in (
        result.stdout
    )


def test_pass_at_k_and_the_vote_read_candidates(tmp_path, files) -> None:
    wrong, good = "SELECT 1 WHERE 0", PREDICTED.splitlines()
    records = [{"sql": wrong, "candidates": [{"sql": wrong}, {"sql": sql}]} for sql in good]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    words = ["score", "p.jsonl", *files, "--pass-at", "1", "--pass-at", "2"]
    result = t2s(*words, "--json", cwd=tmp_path)
    assert right(result, "pass@1") == 1
    assert right(result, "pass@2") == 2
    kept = t2s(*words, "--keep-distinct", cwd=tmp_path).stdout
    assert "2 samples a question; right by execution_accuracy_keep_distinct" in kept


@pytest.mark.parametrize(
    ("option", "line"),
    [
        (["--engine", "duckdb"], "--pass-at does not go with --engine"),
        (["--rule", "strict"], "--pass-at does not go with --rule"),
        (["--etype", "all"], "--pass-at takes one --metric, not 2"),
        (["--output", "no/v.jsonl"], "--output no/v.jsonl: there is no folder no"),
    ],
)
def test_what_a_score_of_samples_would_leave_out_is_refused(tmp_path, files, option, line) -> None:
    assert line in refused("score", "p.sql", *files, "--pass-at", "1", *option, cwd=tmp_path)


def test_an_output_that_cannot_be_written_is_refused_before_scoring(tmp_path, files) -> None:
    (tmp_path / "g.sql").write_text("SELECT nothing\tshop\nSELECT nothing\tshop\n")
    words = ["score", "p.sql", *files, "--overwrite", "--output"]
    assert "--output . is a folder" in refused(*words, ".", cwd=tmp_path)
    assert "there is no folder no" in refused(*words, "no/v.jsonl", cwd=tmp_path)


def test_a_run_goes_on_without_a_cache(tmp_path, files) -> None:
    words = ["score", "p.sql", *files, "--json"]
    assert right(t2s(*words, cwd=tmp_path, XDG_CACHE_HOME="/dev/null")) == 2


def test_every_metric_is_named_in_the_help() -> None:
    from text2sql.scoring import METRICS

    words = re.findall(r"\w+", t2s("score", "--help").stdout)
    assert METRICS.keys() <= set(words)


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
    without = t2s("score", "p.sql", "--databases", ".", cwd=tmp_path)
    assert without.returncode == 2 and "--gold FILE" in without.stderr
    idle = t2s("score", "p.sql", *files, "--workers", "0", cwd=tmp_path)
    assert idle.returncode == 2 and "--workers" in idle.stderr
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
