"""The official subset: words, structure, hardness."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2sql.schema.model import Column, Schema, Table
from text2sql.scoring.spider import levels
from text2sql.scoring.spider.parser import read_query
from text2sql.scoring.spider.structure import ColumnUnit, Condition, Names, Query
from text2sql.scoring.spider.text import replace_value
from text2sql.scoring.spider.words import UnreadableSQL, tokenize

NAMES = Names.from_columns(
    {
        "Member": ("id", "name", "age"),
        "club": ("id", "title"),
        "joined": ("member_id", "club_id", "year"),
    }
)
JOIN = "FROM member AS T1 JOIN joined AS T2 ON T1.id = T2.member_id"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT a,b", ["select", "a", ",", "b"]),
        ("x IN (1,2)", ["x", "in", "(", "1,2", ")"]),  # a comma between digits does not end a word
        ("a=1", ["a=1"]),
        ("a > = 1", ["a", ">=", "1"]),
        ("a != 'It IS'", ["a", "!=", '"It IS"']),
        ("a <> 1", ["a", "<", ">", "1"]),
        ("count(t.*);", ["count", "(", "t.", "*", ")", ";"]),
        ("SELECT 1.", ["select", "1", "."]),
        ("cannot", ["can", "not"]),
        ("a ,,b", ["a", ",", ",b"]),
        ("= 1 <", ["=", "1", "<=", "1", "<"]),  # before a leading `=` stands the last word
    ],
)
def test_words_are_those_of_the_official_tokenizer(sql: str, words: list[str]) -> None:
    assert tokenize(sql) == words


def test_a_lone_quotation_mark_is_unreadable() -> None:
    with pytest.raises(UnreadableSQL, match="no partner"):
        tokenize("SELECT 'it''s' FROM t WHERE a = '")


@given(
    st.text(st.characters(exclude_characters="'\"")), st.text(alphabet="abc ,.()<=>!", max_size=9)
)
def test_quoted_text_is_one_word_whatever_is_in_it(text: str, after: str) -> None:
    words = tokenize(f"a = '{text}' {after}")
    assert words[:3] == ["a", "=", f'"{text}"']
    assert words[3:] == tokenize(after) or "=" in after


@given(st.text(alphabet="ab1_ ,.:;()=<>!*-$\n", max_size=30))
def test_plain_text_is_split_as_by_the_whole_set_of_rules(text: str) -> None:
    text = text.lstrip("=")  # a leading `=` looks at the last word, whatever stands before it
    assert tokenize(f"` {text}")[1:] == tokenize(text)  # a backtick calls for the whole set


def test_a_text_read_again_is_the_same_query_and_refusals_stay_refusals() -> None:
    assert read_query("SELECT name FROM member", NAMES) is read_query(
        "SELECT name FROM member", NAMES
    )
    for _ in range(2):
        with pytest.raises(UnreadableSQL, match="no column 'nme' in member"):
            read_query("SELECT nme FROM member", NAMES)


def test_structure_names_tables_behind_aliases() -> None:
    query = read_query(
        f"SELECT max(T1.age), count(DISTINCT year) {JOIN} WHERE name LIKE 'A%'", NAMES
    )
    assert query.tables == ("member", "joined")
    assert [item.aggregate for item in query.select] == ["max", "count"]
    assert query.select[1].unit.left == ColumnUnit(None, "joined.year", distinct=True)
    assert isinstance(query.joins[0], Condition)
    assert query.joins[0].value == ColumnUnit(None, "joined.member_id")
    assert [part.op for part in query.where if isinstance(part, Condition)] == ["like"]


def test_nested_and_following_queries_are_kept() -> None:
    inner = "SELECT member_id FROM joined"
    query = read_query(
        f"SELECT name FROM member WHERE id NOT IN ({inner}) UNION SELECT title FROM club", NAMES
    )
    condition = query.where[0]
    assert isinstance(condition, Condition)
    assert condition.negated
    assert condition.value == read_query(inner, NAMES)
    assert query.set_op == "union"
    assert isinstance(query.right, Query)
    assert query.right.tables == ("club",)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT 1",
        "SELECT nme FROM member",
        "SELECT name FROM members",
        "SELECT name FROM member AS club",  # an alias that is a table's name
        "SELECT name FROM member m",
        "SELECT T1.name FROM member AS T1, joined AS T2",
        "SELECT name FROM member LEFT JOIN joined ON id = member_id",
        "SELECT name FROM member WHERE age=1",
        "SELECT name FROM member WHERE name IS NOT NULL",
        "SELECT name FROM member WHERE age IN (1, 2)",
        "SELECT name FROM member UNION ALL SELECT title FROM club",
        "SELECT CASE WHEN age > 1 THEN 1 END FROM member",
        "SELECT name FROM member ORDER BY age LIMIT",
        "SELECT name FROM member AS",
        "WITH m AS (SELECT id FROM member) SELECT count(*) FROM m",
        "SELECT count(*) FROM member WHERE " + "id IN (SELECT id FROM member WHERE " * 3000,
    ],
)
def test_what_the_official_parser_refuses_is_unreadable(sql: str) -> None:
    with pytest.raises(UnreadableSQL):
        read_query(sql, NAMES)


@given(
    st.lists(
        st.sampled_from(
            [
                "select",
                "from",
                "member",
                "(",
                ")",
                "count",
                "*",
                "age",
                "as",
                "T1",
                "where",
                "=",
                "not",
                "in",
                "1",
                "'x'",
                "order",
                "by",
                "limit",
                ";",
                "union",
                ",",
                "join",
                "on",
                "between",
                "and",
            ]
        ),
        max_size=25,
    )
)
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    sql = "SELECT name FROM member " + " ".join(words)
    try:
        assert read_query(sql, NAMES).tables[0] == "member"
    except UnreadableSQL as refusal:
        assert "\n" not in str(refusal)


@pytest.mark.parametrize(
    ("sql", "level"),
    [
        ("SELECT name FROM member WHERE age > 20", "easy"),
        ("SELECT name, age FROM member", "medium"),
        (f"SELECT name {JOIN} GROUP BY name", "medium"),
        ("SELECT name FROM member EXCEPT SELECT title FROM club", "hard"),
        (f"SELECT name {JOIN} GROUP BY name ORDER BY count(*)", "hard"),
        (f"SELECT name {JOIN} GROUP BY name ORDER BY count(*) LIMIT 1", "extra"),
        ("SELECT name FROM member WHERE id NOT IN (SELECT member_id FROM joined)", "hard"),
        # NOT counts as an aggregate, so together with avg there are two
        ("SELECT avg(age) FROM member WHERE id NOT IN (SELECT member_id FROM joined)", "extra"),
    ],
)
def test_hardness_follows_the_official_counts(sql: str, level: str) -> None:
    assert levels.hardness(sql, NAMES) == level


@pytest.mark.parametrize(
    ("sql", "level"),
    [
        ("SELECT count(*) FROM member AS m WHERE NOT EXISTS (SELECT 1 FROM joined)", "hard"),
        ("WITH m AS (SELECT id FROM member) SELECT id FROM m", "hard"),
        ("SELECT name, rank() OVER (ORDER BY age) FROM member", "medium"),
        ("SELECT name FROM member UNION ALL SELECT title FROM club", "hard"),
        ("SELECT CASE WHEN age > 17 THEN 'a' END FROM member", "easy"),
        ("this is not SQL at all ((", "extra"),
        ("", "extra"),
        ("SELECT " + "(" * 2000 + "1" + ")" * 2000, "extra"),
    ],
)
def test_other_sql_gets_its_level_from_the_tree(sql: str, level: str) -> None:
    assert levels.hardness(sql, NAMES) == level


def test_views_are_unknown_to_the_official_parser() -> None:
    member = Table("member", (Column("id"),))
    names = Names.of(
        Schema("clubs", "sqlite", (member, Table("Adult", (Column("id"),), view=True)))
    )
    assert names.ids == {"*", "member", "member.id"}


def _gold(path: Path) -> list[list[str]]:
    return [line.rstrip("\n").split("\t") for line in path.open(encoding="utf-8")]


@pytest.fixture(scope="module")
def published(spider: Path) -> dict[str, Names]:
    names = {}
    for entry in json.loads((spider / "tables.json").read_text(encoding="utf-8")):
        tables = entry["table_names_original"]
        columns: dict[str, list[str]] = {table: [] for table in tables}
        for table, column in entry["column_names_original"]:
            if table >= 0:
                columns[tables[table]].append(column)
        names[entry["db_id"]] = Names.from_columns({t: tuple(c) for t, c in columns.items()})
    return names


@pytest.mark.spider
@pytest.mark.parametrize("system", ["graphix", "dbgpt_lora"])
def test_readable_and_hardness_equal_the_published_verdicts(
    spider: Path, published: dict[str, Names], system: str
) -> None:
    lines = (spider / "predictions" / f"{system}.verdicts.jsonl").read_text().splitlines()
    predictions = (
        (spider / "predictions" / f"{system}.sql").read_text(encoding="utf-8").splitlines()
    )
    gold = _gold(spider / "dev_gold.sql")
    assert len(lines) == len(predictions) == len(gold) == 1034
    for verdict, prediction, (sql, db_id) in zip(
        map(json.loads, lines), predictions, gold, strict=True
    ):
        assert levels.hardness(sql, published[db_id]) == verdict["hardness"], sql
        assert _reads(replace_value(prediction), published[db_id]) == verdict["parses"]


def _reads(sql: str, names: Names) -> bool:
    try:
        read_query(sql, names)
    except UnreadableSQL:
        return False
    return True


@pytest.mark.spider
def test_every_train_gold_has_a_level_and_one_is_read_by_the_tree(
    spider: Path, published: dict[str, Names]
) -> None:
    gold = _gold(spider / "train_gold.sql")
    assert len(gold) == 7000
    assert {levels.hardness(sql, published[db_id]) for sql, db_id in gold} == set(levels.LEVELS)
    unread = [sql for sql, db_id in gold if not _reads(sql, published[db_id])]
    assert len(unread) == 1  # it names a table that its database does not have
    assert "Ref_Company_Types" in unread[0]
