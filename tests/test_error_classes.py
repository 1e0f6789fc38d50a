"""What is wrong with a prediction: single edits of gold, spellings that do not count, nonsense."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

import text2sql.samples
from text2sql.schema.model import Column, Schema, Table
from text2sql.scoring import error_classes
from text2sql.scoring.error_classes import ERROR_CLASSES, EXECUTION_CLASSES, classify

HERE = Path(__file__).parent


def cases() -> Iterator:
    """Read tests/data/error_classes.sql: title, gold, prediction, classes."""
    text = (HERE / "data" / "error_classes.sql").read_text(encoding="utf-8")
    for block in text.strip().split("\n\n")[1:]:
        title, gold, predicted, classes = block.splitlines()
        expected = "same text" if classes == "(same)" else classes
        yield pytest.param(gold, predicted, tuple(expected.split(", ")), id=title[3:])


@pytest.mark.parametrize(("gold", "predicted", "expected"), cases())
def test_each_error_has_its_class(gold: str, predicted: str, expected: tuple[str, ...]) -> None:
    assert classify(gold, predicted, error_kind=None) == expected


@cache
def golds() -> list[str]:
    """Return the SQLite gold queries of the bundled data set."""
    folder = Path(text2sql.samples.__file__).parent
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.open("rb")]
    return sorted({json.loads(line)["query"] for line in lines})


def first(tree: exp.Expr, *kinds: type[exp.Expr]) -> exp.Expr | None:
    return next(tree.find_all(*kinds), None) if isinstance(tree, exp.Select) else None


def change_literal(tree: exp.Expr) -> None:
    where = first(tree, exp.Where)
    literal = where and where.find(exp.Literal)
    if literal and not isinstance(literal.parent, exp.Select):  # as in EXISTS (SELECT 1 ...)
        literal.replace(exp.Literal.string("zebra") if literal.is_string else exp.convert(987654))


def loosen_comparison(tree: exp.Expr) -> None:
    where = first(tree, exp.Where)
    found = where and where.find(exp.GT)
    if found:
        found.replace(exp.GTE(this=found.this, expression=found.expression))


def change_aggregate(tree: exp.Expr) -> None:
    found = first(tree, exp.Sum, exp.Avg)
    if found and not found.find_ancestor(exp.Order, exp.Having):
        found.replace(exp.Max(this=found.this))


def drop_conditions(tree: exp.Expr) -> None:
    if isinstance(tree, exp.Select) and not tree.args.get("joins"):
        tree.set("where", None)


def turn_order(tree: exp.Expr) -> None:
    order = isinstance(tree, exp.Select) and tree.args.get("order")
    for item in order.expressions if order else ():
        item.set("desc", not item.args.get("desc"))


def drop_limit(tree: exp.Expr) -> None:
    if isinstance(tree, exp.Select):
        tree.set("limit", None)


def toggle_distinct(tree: exp.Expr) -> None:
    if isinstance(tree, exp.Select):
        tree.set("distinct", None if tree.args.get("distinct") else exp.Distinct())


def drop_column(tree: exp.Expr) -> None:
    used = isinstance(tree, exp.Select) and isinstance(tree.expressions[-1], exp.Alias)
    if isinstance(tree, exp.Select) and len(tree.expressions) > 1 and not used:
        tree.set("expressions", tree.expressions[:-1])


def add_column(tree: exp.Expr) -> None:
    if isinstance(tree, exp.Select):
        tree.set("expressions", [*tree.expressions, exp.convert(1)])


def drop_groups(tree: exp.Expr) -> None:
    if isinstance(tree, exp.Select) and not tree.args.get("having"):
        tree.set("group", None)


def drop_having(tree: exp.Expr) -> None:
    if isinstance(tree, exp.Select):
        tree.set("having", None)


EDITS: dict[Callable[[exp.Expr], None], set[str]] = {
    change_literal: {"wrong literal", "wrong having"},  # HAVING of a subquery
    loosen_comparison: {"wrong operator"},
    change_aggregate: {"wrong aggregate"},
    drop_conditions: {"missing condition", "missing subquery"},
    turn_order: {"wrong order"},
    drop_limit: {"wrong limit"},
    toggle_distinct: {"wrong distinct"},
    drop_column: {"missing column"},
    add_column: {"extra column"},
    drop_groups: {"wrong grouping"},
    drop_having: {"wrong having"},
}


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_a_single_edit_of_real_gold_has_its_class_alone(edit: Callable[[exp.Expr], None]) -> None:
    seen = 0
    for gold in golds()[::3]:
        tree = sqlglot.parse_one(gold, read="sqlite")
        edited = tree.copy()
        edit(edited)
        if edited == tree:
            continue
        found = classify(gold, edited.sql("sqlite"), error_kind=None)
        assert set(found) <= EDITS[edit], (gold, edited.sql("sqlite"), found)
        seen += 1
    assert seen >= 5


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([str.upper, str.lower, str.title]))
def test_names_of_aliases_and_case_do_not_count(number: int, spell: Callable[[str], str]) -> None:
    gold = golds()[number % len(golds())]
    tree = sqlglot.parse_one(gold, read="sqlite")
    tables = [table for table in tree.find_all(exp.Table, exp.Subquery) if table.alias]
    renamed = {table.alias.lower(): f"x{i}" for i, table in enumerate(tables)}
    for table in tables:
        table.args["alias"].set("this", exp.to_identifier(renamed[table.alias.lower()]))
    for column in tree.find_all(exp.Column):
        if column.table.lower() in renamed:
            column.set("table", exp.to_identifier(renamed[column.table.lower()]))
        elif not column.this.args.get("quoted") and not isinstance(column.this, exp.Star):
            column.this.set("this", spell(column.name))
    assert classify(gold, tree.sql("sqlite"), error_kind=None) == ("same text",)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from([None, *EXECUTION_CLASSES]))
def test_any_pair_has_known_classes_in_order(one: int, two: int, kind: str | None) -> None:
    gold, predicted = golds()[one % len(golds())], golds()[two % len(golds())]
    found = classify(gold, predicted, error_kind=kind)
    order = list(ERROR_CLASSES)
    assert found and sorted(set(found), key=order.index) == list(found)
    assert kind is None or found[0] == EXECUTION_CLASSES[kind]


@pytest.mark.parametrize("kind", EXECUTION_CLASSES)
def test_what_came_of_running_is_named_first(kind: str) -> None:
    found = classify("SELECT a FROM t", "SELECT b FROM t", error_kind=kind)
    assert found[0] == EXECUTION_CLASSES[kind]
    assert found[1:] == (() if kind == "parse" else ("wrong column",))


SCHEMA = Schema(
    "music",
    "sqlite",
    (
        Table("singer", (Column("id"), Column("name"), Column("country"))),
        Table("song", (Column("id"), Column("title"), Column("singer_id"))),
    ),
)


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        ("SELECT nme FROM singer", ("unknown column", "wrong column")),
        ("SELECT name FROM singers", ("unknown table", "wrong table")),
        ("SELECT T2.name FROM singer AS T1", ("unknown table",)),
        ("SELECT mean(name) FROM singer", ("unknown name", "wrong expression")),
        ("SELECT title FROM singer", ("unknown column", "wrong column")),
    ],
)
def test_a_schema_tells_what_is_unknown(predicted: str, expected: tuple[str, ...]) -> None:
    gold = "SELECT name FROM singer"
    assert classify(gold, predicted, error_kind="missing", schema=SCHEMA) == expected


def test_a_schema_finds_the_tables_of_columns() -> None:
    gold = "SELECT singer.name FROM singer JOIN song ON singer.id = song.singer_id"
    same = "SELECT name FROM song JOIN singer ON singer_id = singer.id"
    assert classify(gold, same, error_kind=None, schema=SCHEMA) == ("same text",)
    loose = "SELECT id FROM song JOIN singer ON singer_id = singer.id"
    assert classify(gold, loose, error_kind=None, schema=SCHEMA) == ("wrong column",)
    assert classify(gold, loose, error_kind=None) == ("wrong column",)


def test_a_schema_tells_strings_from_columns() -> None:
    gold = "SELECT name FROM singer WHERE country = 'France'"
    quoted = 'SELECT name FROM singer WHERE "France" = country'
    assert classify(gold, quoted, error_kind=None, schema=SCHEMA) == ("same text",)
    column = 'SELECT name FROM singer WHERE country = "name"'
    assert classify(gold, column, error_kind=None, schema=SCHEMA) == ("wrong literal",)


@pytest.mark.parametrize(
    "nonsense",
    [
        "I want you to act as a SQL terminal",
        "(" * 20_000,
        "SELECT " + "(" * 8_000 + "1" + ")" * 8_000,
        "SELECT a FROM t WHERE " + " AND ".join(["x = 1"] * 2_000),
        "SELECT a FROM t WHERE " + "NOT " * 4_000 + "x",
        "SELECT " + "f(" * 300 + "1" + ")" * 300,
        "SELECT a FROM t " + "UNION SELECT a FROM t " * 900,
        "select case when " * 1_000,
        "PRAGMA table_info(t)",
        "SELECT 1; SELECT 2",
        "SELECT '\ud800\0",
        "VALUES (1), (2)",
        "a" * 500_000,
    ],
)
def test_nonsense_has_a_class(nonsense: str) -> None:
    for gold, predicted in (("SELECT a FROM t", nonsense), (nonsense, "SELECT a FROM t")):
        assert set(classify(gold, predicted, error_kind=None)) <= set(ERROR_CLASSES)


WORDS = ["SELECT", "a", ",", "FROM", "t", "(", ")", "WHERE", "= 1", "GROUP BY", "*", "IN", "JOIN"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS)))
def test_words_in_any_order_have_a_class(words: list[str]) -> None:
    assert classify("SELECT a FROM t", " ".join(words), error_kind=None)


def test_an_empty_prediction_and_gold_itself_are_named() -> None:
    assert classify("SELECT 1", " \n", error_kind=None) == ("empty prediction",)
    assert classify("SELECT 1 ", "SELECT 1", error_kind=None) == ("same text",)
    assert classify("SELECT 1", "SELECT 1", error_kind="timeout") == ("timeout",)
    assert classify("SELECT 1", "SELECT 1", error_kind="new kind") == ("engine error",)


@pytest.mark.parametrize("system", ["dbgpt_lora", "graphix"])
def test_few_errors_of_published_systems_have_no_class(spider: Path, system: str) -> None:
    folder = spider / "predictions"
    predictions = (folder / f"{system}.sql").read_text(encoding="utf-8").split("\n")
    pairs = (spider / "dev_gold.sql").read_text(encoding="utf-8").splitlines()
    found: Counter[str] = Counter()
    for line in (folder / f"{system}.verdicts.jsonl").read_text().splitlines():
        verdict = json.loads(line)
        if not verdict["execution_accuracy"] and verdict["parses"]:
            gold, predicted = pairs[verdict["index"]].split("\t")[0], predictions[verdict["index"]]
            found.update(classify(gold, predicted, error_kind=None)[:1])
    assert found["other"] + found["same text"] <= 0.05 * found.total()


def test_every_class_is_explained_and_kept_apart() -> None:
    assert set(EXECUTION_CLASSES.values()) <= set(ERROR_CLASSES)
    assert set(ERROR_CLASSES) >= error_classes._FROM_CLASSES | error_classes._SUBQUERY_CLASSES
    assert all(ERROR_CLASSES.values())
