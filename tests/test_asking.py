"""The small commands under a policy: each shows what this user may see, and names nothing else."""

import json
import sqlite3

import pytest
from typer.testing import CliRunner

from text2sql.cli import app
from text2sql.errors import PolicyError, SettingsError

POLICY = """
tables:
  products: all
roles:
  buyer:
    tables:
      customers: {rows: "tier = {{ user.tier }}", hide: [birth_date], mask: {email: null}}
"""
BUYER = '{"role": "buyer", "tier": "gold"}'


@pytest.fixture
def project(shop, tmp_path, monkeypatch):
    """Go to a folder whose text2sql.yaml gives the shop a policy."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    pairs = '[{question: "How many customers?", sql: "SELECT count(*) FROM customers"}]'
    (tmp_path / "text2sql.yaml").write_text(
        "databases:\n"
        f"  shop: {{url: {shop}, policy: policy.yaml, fiscal_start: 4, pairs: {pairs}}}\n"
    )
    monkeypatch.chdir(tmp_path)


def t2s(*words: str, user: str | None = BUYER):
    asked = [*words, *(["--user", user] if user else [])]
    return CliRunner().invoke(app, asked)


@pytest.mark.parametrize("style", ["ddl", "ddl_rows", "compact", "mschema"])
def test_the_schema_is_what_the_user_sees_in_every_style(project, style):
    shown = t2s("schema", "-d", "shop", "--style", style).stdout

    assert "products" in shown and "customers" in shown
    assert not any(word in shown for word in ("payments", "orders", "birth_date", "silver"))
    assert "customers" not in t2s("schema", "-d", "shop", user=None).stdout


def test_the_schema_for_programs_is_no_wider(project):
    shown = json.loads(t2s("schema", "-d", "shop", "--json").stdout)

    assert [table["name"] for table in shown["tables"]] == ["customers", "products"]


def test_a_policy_on_the_command_line_comes_before_the_projects(project, tmp_path):
    (tmp_path / "other.yaml").write_text("tables: {orders: all}")
    shown = t2s("schema", "-d", "shop", "--policy", "other.yaml", user=None).stdout

    assert "orders" in shown and "products" not in shown


def test_a_hidden_column_is_as_good_as_none(project):
    known = t2s("validate", "SELECT name FROM customers", "-d", "shop")
    assert known.stdout == "valid\n" and "only rows where \"tier\" = 'gold'" in known.stderr

    hidden = t2s("validate", "SELECT birth_date FROM customers", "-d", "shop")
    nothing = t2s("validate", "SELECT birth_dat FROM customers", "-d", "shop")
    assert hidden.exit_code == nothing.exit_code == 1
    assert hidden.output.replace("birth_date", "birth_dat") == nothing.output


def test_validating_shows_what_would_run(project):
    sql = "SELECT email FROM customers"
    verdict = json.loads(t2s("validate", sql, "-d", "shop", "--json").stdout)

    assert verdict["valid"] and verdict["sql"] == sql and "'gold'" in verdict["rewritten"]
    refused = json.loads(t2s("validate", "SELECT 1 FROM payments", "-d", "shop", "--json").stdout)
    assert refused["rewritten"] is None and refused["fault"]["suggestions"] == []


def test_the_prompt_is_the_users_with_pairs_and_calendar_as_they_are_asked(project):
    asked = ("prompt", "How many customers?", "-d", "shop", "--base", "codellama-7b")
    seen, unseen = t2s(*asked).stdout, t2s(*asked, user=None).stdout

    assert "payments" not in seen and "CREATE TABLE customers" in seen
    assert "SELECT count(*) FROM customers" in seen and "begins with month 4" in seen
    assert "SELECT count(*) FROM customers" not in unseen


@pytest.mark.parametrize(
    "words", [("schema",), ("prompt", "How many?"), ("validate", "SELECT 1"), ("predict", "a?")]
)
def test_a_user_whom_no_policy_knows_is_refused(shop, project, words):
    without = t2s(*words, "-d", str(shop))
    assert isinstance(without.exception, SettingsError)
    assert "--user says who asks under a policy" in str(without.exception)
    stranger = t2s(*words, "-d", "shop", user='{"role": "thief"}')
    assert isinstance(stranger.exception, PolicyError)


def test_an_empty_database_has_a_schema_and_valid_sql(tmp_path):
    with sqlite3.connect(tmp_path / "bare.sqlite") as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("DROP TABLE t")
    bare = str(tmp_path / "bare.sqlite")

    assert t2s("schema", "-d", bare, user=None).exit_code == 0
    assert t2s("validate", "SELECT 1", "-d", bare, user=None).stdout == "valid\n"


def test_an_evaluation_says_that_the_policy_does_not_hold(project, shop, tmp_path, monkeypatch):
    from scripted import scripted_model

    (tmp_path / "mine.jsonl").write_text(
        '{"question": "How many orders?", "query": "SELECT count(*) FROM orders", "db_id": "shop",'
        ' "split": "dev"}\n'
    )
    with (tmp_path / "text2sql.yaml").open("a") as file:
        file.write("data:\n  mine: {path: mine.jsonl, database: shop}\n")
    model = scripted_model(lambda prompt: ["SELECT count(*) FROM orders"])
    monkeypatch.setattr("text2sql.models.open_model", lambda *args, **options: model)
    done = t2s("eval", "mine", "--output", "run", user=None)

    assert "the policy of the database does not hold here" in done.stderr, done.output
    assert done.exit_code == 0
