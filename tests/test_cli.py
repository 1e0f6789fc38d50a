"""The command line: light, documented, and one clear line for what a user gets wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "duckdb",
    "sqlalchemy",
    "sqlglot",
    "numpy",
    "jinja2",
)
COMMANDS = [
    "quickstart",
    "train",
    "eval",
    "predict",
    "score",
    "select",
    "compare",
    "validate",
    "schema",
    "prompt",
    "doctor",
    "synth",
    "serve",
    "mcp",
    "data-list",
    "data-check",
    "data-stats",
    "data-neighbours",
    "data-get",
    "data-dedup",
    "data-decontaminate",
    "data-snapshot",
    "data-add",
    "data-feedback",
    "base-list",
    "base-build",
]


def t2s(*arguments: str, cwd: Path | None = None, stdin: str | None = None, **environment: str):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "text2sql", *arguments],
        cwd=cwd,
        input=stdin,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "COLUMNS": "120"} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def refused(*arguments: str, **options) -> str:
    """Return the one line with which a command refuses."""
    result = t2s(*arguments, **options)
    assert result.returncode == 1, result.stderr
    lines = [line for line in result.stderr.splitlines() if line]
    assert len(lines) == 1 and lines[0].startswith("error: "), result.stderr
    assert "Traceback" not in result.stderr
    return lines[0]


def test_help_loads_no_heavy_library():
    code = (
        "import sys\nsys.argv = ['t2s', '--help']\nfrom text2sql.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip().endswith("[]"), result.stdout[-300:]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    result = t2s(*command.split("-", 1), "--help")

    assert result.returncode == 0 and f"Example: t2s {command.replace('-', ' ')}" in result.stdout


def test_the_list_of_commands_is_complete():
    from text2sql.cli import app
    from text2sql.cli.app import base_app, data_app

    named = {
        command.name or command.callback.__name__.strip("_") for command in app.registered_commands
    }
    named |= {f"data-{c.name or c.callback.__name__}" for c in data_app.registered_commands}
    named |= {f"base-{c.name or c.callback.__name__}" for c in base_app.registered_commands}

    assert named == set(COMMANDS)


def test_validate_names_the_fault_and_the_nearest_right_name(shop):
    result = t2s("validate", "SELECT nam FROM customers", "-d", str(shop))

    assert result.returncode == 1
    assert "no column 'nam'" in result.stdout and "did you mean 'name'?" in result.stdout


def test_validate_accepts_a_double_quoted_string_as_sqlite_does(shop):
    result = t2s(
        "validate", 'SELECT name FROM customers WHERE tier = "gold"', "-d", str(shop), "--json"
    )

    assert result.returncode == 0 and json.loads(result.stdout)["sql"].endswith("'gold'")


@pytest.mark.parametrize("style", ["ddl", "ddl_rows", "compact", "mschema"])
def test_schema_prints_every_table_in_every_style(shop, style):
    result = t2s("schema", "-d", str(shop), "--style", style)

    assert result.returncode == 0
    assert all(table in result.stdout for table in ("customers", "order_items", "refunds"))


def test_prompt_shows_the_question_and_counts_tokens(shop):
    result = t2s("prompt", "How many orders?", "-d", str(shop), "--base", "codellama-7b")

    assert "How many orders?" in result.stdout
    assert "estimated" in result.stderr and "tokens" in result.stderr


def test_score_prints_json_for_programs(tmp_path, samples):
    (tmp_path / "p.sql").write_text("SELECT count(customer_id) FROM customers\nSELECT 1\n")
    (tmp_path / "g.sql").write_text(
        "SELECT count(*) FROM customers\tshop\nSELECT count(*) FROM orders\tshop\n"
    )
    result = t2s(
        "score",
        "p.sql",
        "--gold",
        "g.sql",
        "--databases",
        str(samples / "database"),
        "--json",
        cwd=tmp_path,
    )

    metric = json.loads(result.stdout)["metrics"]["execution_accuracy"]
    assert (metric["all"]["correct"], metric["all"]["n"]) == (1, 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["schema", "-d", "missing.sqlite"], ["missing.sqlite", "no such file"]),
        (
            ["schema", "-d", "corrupt.sqlite"],
            ["corrupt.sqlite", "neither a SQLite nor a DuckDB file"],
        ),
        (["schema", "-d", "half.sqlite"], ["half.sqlite"]),
        (["schema"], ["use -d", "T2S_DATABASE"]),
        (
            ["schema", "-d", "SHOP", "--style", "dll"],
            ["no schema style 'dll'", "did you mean 'ddl'"],
        ),
        (["eval", "spidr"], ["no data set 'spidr'", "did you mean 'spider'"]),
        (["eval", "samples", "--split", "tset"], ["no split 'tset'"]),
        (
            ["eval", "samples", "--base", "codelama-7b"],
            ["no base 'codelama-7b'", "did you mean 'codellama-7b'"],
        ),
        (["eval", "broken.jsonl"], ["broken.jsonl:2", "malformed JSON"]),
        (["eval", "samples", "--limit", "0"], ["--limit must be at least 1"]),
        (
            ["train", "--base", "mini", "--data", "sampels"],
            ["no data set 'sampels'", "did you mean 'samples'"],
        ),
        (["train"], ["which base?"]),
        (
            ["train", "--base", "mini", "--set", "lora_rr=1"],
            ["no setting 'lora_rr'", "did you mean 'lora_r'"],
        ),
        (["predict", "", "-d", "SHOP"], ["empty"]),
        (["predict", "x" * 10_000, "-d", "SHOP"], ["10,000"]),
        (["predict", "how many?", "-d", "SHOP", "--adapter", "nowhere"], ["nowhere"]),
        (
            ["score", "p.sql", "--gold", "missing.sql", "--databases", "."],
            ["missing.sql", "no such file"],
        ),
        (["score", "p.sql", "--gold", "p.sql"], ["give either --databases DIR or -d URL"]),
    ],
)
def test_bad_input_is_one_clear_line(arguments, words, shop, tmp_path):
    (tmp_path / "corrupt.sqlite").write_bytes(b"this is not a database at all, is it?")
    (tmp_path / "half.sqlite").write_bytes(shop.read_bytes()[:5000])
    (tmp_path / "broken.jsonl").write_text(
        '{"question": "a", "query": "SELECT 1", "db_id": "x"}\n{"question": \n'
    )
    (tmp_path / "p.sql").write_text("SELECT 1\n")
    line = refused(*(str(shop) if a == "SHOP" else a for a in arguments), cwd=tmp_path)

    assert all(word in line for word in words), line


def test_a_base_that_cannot_be_downloaded_says_what_and_how(shop, tmp_path):
    for arguments in (
        ["train", "--base", "codellama-7b"],
        ["predict", "how many?", "--base", "codellama-7b", "-d", str(shop)],
    ):
        line = (
            refused(*arguments, "--data-root", str(tmp_path), cwd=tmp_path)
            if arguments[0] == "train"
            else refused(*arguments, cwd=tmp_path)
        )
        assert ("codellama/CodeLlama-7b-hf" in line and "--base /path" in line) or "spider" in line


def test_an_output_file_that_exists_is_kept(tmp_path, samples):
    (tmp_path / "g.sql").write_text("SELECT count(*) FROM orders\tshop\n")
    (tmp_path / "p.sql").write_text("SELECT count(*) FROM orders\n")
    words = ["score", "p.sql", "--gold", "g.sql", "--databases", str(samples / "database")]
    line = refused(*words, "--output", "g.sql", cwd=tmp_path)

    assert "g.sql exists" in line and (tmp_path / "g.sql").read_text().startswith("SELECT")


def test_bytes_that_are_no_text_are_one_clear_line(shop):
    odd = os.fsdecode(b"how many \xff orders?")

    for command in ("predict", "validate"):
        assert "not UTF-8" in refused(command, odd, "-d", str(shop))


def test_a_defect_is_one_line_that_says_how_to_see_more(tmp_path):
    code = (
        "from text2sql.cli import app as commands\nfrom text2sql.cli.app import main\n"
        "from text2sql import diagnosis\nimport sys\n"
        "diagnosis.diagnose = lambda: {}['nothing']\nsys.argv = ['t2s', *sys.argv[1:]]\nmain()"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
        for words in (["doctor"], ["--debug", "doctor"])
    ]

    assert runs[0].returncode == 1
    assert runs[0].stderr.startswith("error: unexpected KeyError: 'nothing'")
    assert runs[0].stderr.count("\n") == 1 and "Traceback" in runs[1].stderr


def test_a_password_is_never_printed(tmp_path):
    (tmp_path / "text2sql.yaml").write_text(
        "databases:\n  dw: {url: 'postgresql://ann:s3cr3t@127.0.0.1:1/x'}\n"
    )
    result = t2s("--debug", "schema", "-d", "dw", cwd=tmp_path)

    assert result.returncode != 0 and "s3cr3t" not in result.stdout + result.stderr


def test_a_project_file_gives_what_is_not_said(tmp_path, shop, tiny_llama):
    (tmp_path / "text2sql.yaml").write_text(
        f"databases: {{shop: '{shop}'}}\n"
        f"defaults: {{database: shop, base: '{tiny_llama}', style: compact, language: zh}}\n"
    )
    result = t2s("prompt", "多少订单？", "--json", cwd=tmp_path)
    shown = json.loads(result.stdout)

    assert shown["base"] == tiny_llama.name and not shown["estimated"]
    assert "CREATE TABLE" not in shown["text"] and "问题：多少订单？" in shown["text"]


def test_usage_errors_exit_with_two():
    assert t2s("score").returncode == 2 and t2s("nonsense").returncode == 2


def test_a_reader_that_goes_away_is_no_traceback(shop):
    process = subprocess.Popen(
        [sys.executable, "-m", "text2sql", "base", "list", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()

    assert b"Traceback" not in process.stderr.read()
    process.wait()
    process.stderr.close()


@pytest.mark.parametrize("command", ["predict", "train", "prompt"])
def test_without_the_extras_a_command_names_the_one_to_install(command, shop, tmp_path):
    code = (
        "import importlib.util as u, sys\n"
        "heavy, find = ('torch', 'transformers', 'trl', 'peft', 'datasets'), u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name in heavy else find(name, *a)\n"
        "from text2sql.cli import main\nsys.argv = ['t2s', *sys.argv[1:]]\nmain()"
    )
    words = {"train": ["--base", "mini", "--data", "samples"]}.get(command, ["q?", "-d", str(shop)])
    result = subprocess.run(
        [sys.executable, "-c", code, command, *words], capture_output=True, text=True, cwd=tmp_path
    )

    extra = "train" if command == "train" else "infer"
    assert f"pip install 'text2sql[{extra}]'" in result.stderr and "defect" not in result.stderr
    assert result.returncode == (0 if command == "prompt" else 1)  # a prompt's tokens are estimated
