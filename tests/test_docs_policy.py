"""What docs/policy.md says of policies runs, and comes out as written."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from text2sql.access.policy import Policy, Role, Rule

PAGE = (Path(__file__).parent.parent / "docs" / "policy.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Go to a folder that holds the page's policy."""
    (policy,) = blocks("yaml")
    (tmp_path / "policy.yaml").write_text(policy)
    monkeypatch.chdir(tmp_path)


def test_the_example_comes_out_as_written(written, shop):
    place: dict[str, Any] = {"shop": shop}
    exec(blocks("python")[0], place)

    assert f"`rows` is `{place['rows']}`" in PAGE
    assert f"`hidden` is `{place['hidden']}`" in PAGE
    assert place["kept_back"][0] in PAGE and len(place["kept_back"]) == 4


def test_the_predictor_answers_under_the_policy(written, shop):
    user = {"role": "buyer", "tier": "gold", "tiers": ["gold"]}
    place: dict[str, Any] = {"shop": shop, "user": user}
    exec(blocks("python")[1], place)

    assert place["answer"].candidates
    assert place["answer"].rewritten is None or "LIMIT" in place["answer"].rewritten


def test_the_commands_show_what_the_user_may_see(written, shop, monkeypatch):
    from typer.testing import CliRunner

    from text2sql.cli import app

    Path("shop.sqlite").symlink_to(shop)
    lines = [shlex.split(line)[1:] for line in blocks("sh")[0].splitlines()]
    said = {words[0]: CliRunner().invoke(app, words) for words in lines}

    assert (
        said["predict"].stdout.lower().startswith("select") and said["validate"].stdout == "valid\n"
    )
    assert "payments" in said["schema"].stdout
    assert "products" in said["prompt"].stdout and "payments" not in said["prompt"].stdout


def test_every_key_is_told():
    told = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?`) \|", PAGE, re.M))))
    known = {name for model in (Policy, Role, Rule) for name in model.model_fields}
    assert told == known
