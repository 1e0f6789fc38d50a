"""What is written of decoding: Python runs, picture and lists are right, diffs fit the code."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from text2sql import execute, read_schema
from text2sql.cli.app import app
from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.dialects import DIALECTS
from text2sql.decoding.generation import CONSTRAINTS
from text2sql.decoding.selection import SELECTIONS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text()
PAGE = (DOCS / "decoding.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
SVG = "{http://www.w3.org/2000/svg}"
PICTURE = list(ElementTree.parse(DOCS / "decoding.svg").iter(f"{SVG}g"))
REFUSED = re.findall(r"^\| `((?:SELECT|WITH) [^`]*)` \|", PAGE, re.M)


@pytest.fixture(scope="module")
def checker(samples) -> Checker:
    return Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"))


def test_the_python_blocks_run_one_after_another(tiny_llama):
    place: dict[str, Any] = {}
    for block in BLOCKS:
        # a random model writes on until its budget ends: keep that short
        exec(block.replace('"my-model"', repr(str(tiny_llama))).replace("64", "12"), place)

    assert place["sql"]


def words(row, kind):
    return [part.text for part in row.iter(f"{SVG}tspan") if part.get("class") == kind]


@pytest.mark.parametrize("row", PICTURE, ids=lambda row: row.get("data-prefix"))
def test_the_picture_shows_what_may_follow_and_what_may_not(row, checker):
    prefix = row.get("data-prefix")

    assert words(row, "legal") and words(row, "refused")
    assert all(checker.prefix_ok(f"{prefix} {text}") for text in words(row, "legal"))
    assert not any(checker.prefix_ok(f"{prefix} {text} ") for text in words(row, "refused"))


@pytest.mark.parametrize("sql", REFUSED)
def test_what_the_page_says_is_refused_is_refused_and_the_engine_prepares_it(sql, shop):
    checker = Checker(read_schema(shop), invented=False)  # what models are held to
    assert checker.explain(sql) is not None
    assert execute(f"SELECT 1 WHERE EXISTS ({sql}) AND 0", shop).error is None


def test_every_constraint_selection_and_dialect_is_named():
    names = {"sqlite": "SQLite", "duckdb": "DuckDB", "postgres": "PostgreSQL"}

    assert len(REFUSED) >= 5
    assert all(f"| `{name}`" in PAGE for name in (*CONSTRAINTS, *SELECTIONS))
    assert all(f"| {names[name]} " in PAGE for name in DIALECTS)


def test_every_script_that_is_named_exists():
    scripts = re.findall(r"benchmarks/\w+\.py", PAGE)

    assert scripts and all((ROOT / script).is_file() for script in scripts)


def test_the_readme_says_what_the_checker_answers(checker):
    lines = re.findall(r"^(checker\.\w+\(.*?\)\S*) +# (.*)$", README, re.M)
    found = [(eval(call, {"checker": checker}), said) for call, said in lines]

    assert len(found) >= 3
    assert all(said.startswith((str(value), repr(value))) for value, said in found)


def test_the_readme_shows_what_validate_prints(shop):
    (shown,) = re.findall(r"^```text\n(not valid.*?)^```$", README, re.M | re.S)
    result = CliRunner().invoke(app, ["validate", "SELECT nam FROM customers", "-d", str(shop)])

    assert (result.exit_code, result.stdout) == (1, shown)


def test_the_diffs_of_contributing_fit_the_code():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for diff in re.findall(r"^```diff\n(.*?)^```$", text, re.M | re.S):
        for part in diff.split("--- a/")[1:]:
            name, _, *lines = part.splitlines()
            code = (ROOT / name).read_text().splitlines()
            assert all(line[1:] in code for line in lines if line[:1] in (" ", "-")), name
