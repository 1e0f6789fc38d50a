import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql.errors import PromptError
from text2sql.prompting import ANSWERS
from text2sql.prompting.sqltext import first_statement

NASTY = [
    "'it''s; fine'",
    "'```sql'",
    "'</s>'",
    "'</answer>'",
    "'[/SQL]'",
    "'<think>'",
    "'</think>'",
    '"a;b"',
    "'SELECT'",
]
PIECES = [
    *NASTY,
    "a.b",
    "`order`",
    "-- it's ; ``` a comment\n",
    "/* [/SQL] ; ' */",
    "\n\n",
    "\nWHERE a > 1",
    "||",
    "|",
    "(SELECT 1)",
    "$1",
    "问题",
    "* 2 >= -3 --\n",
]
HEADS = [
    "SELECT 1,",
    "select x,",
    "SELECT (SELECT 2),",
    "SELECT /* all */ *,",
    "WITH q AS (SELECT 1) SELECT",
    "-- note\nSELECT",
    "/* why */ SELECT",
    "(SELECT 1) UNION SELECT",
]
queries = st.builds(
    lambda head, body: first_statement(f"{head} {' '.join(body)}"),
    st.sampled_from(HEADS),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=8),
)


@pytest.mark.parametrize("name", ANSWERS)
@settings(deadline=None)  # the machine may be busy
@given(sql=queries)
def test_what_is_wrapped_is_found(name, sql):
    if name == "select" and not sql.lower().startswith("select"):
        return
    found = ANSWERS[name].find(ANSWERS[name].wrap(sql, db_id="shop_1"), stop=("</s>", "<|im_end|>"))
    if name == "select":
        sql, found = sql[6:].strip(), found[6:].strip()  # blanks behind SELECT are the prompt's
    assert found == sql


@settings(deadline=None)  # the machine may be busy
@given(sql=queries)
def test_everything_after_the_first_statement_is_left_off(sql):
    assert first_statement(f" ;{sql}\n; DROP TABLE t; SELECT ';'") == sql


@pytest.mark.parametrize(
    ("name", "text", "sql"),
    [
        ("plain", "SELECT 1;", "SELECT 1"),
        ("plain", "SELECT 1</s><s>junk", "SELECT 1"),
        ("plain", "```sql\nSELECT 1;\n```", "SELECT 1"),
        ("plain", "```\nSELECT 1\n```", "SELECT 1"),
        (
            "plain",
            "Sure! Here it's:\n```sql\nSELECT a\nFROM t\n```\nIt's done.",
            "SELECT a\nFROM t",
        ),
        ("plain", "The query is: SELECT a FROM t", "SELECT a FROM t"),
        ("plain", "With the schema given, I'd use\nselect a from t", "select a from t"),
        ("plain", "SELECT a\nFROM t\n\nThis query returns every a.", "SELECT a\nFROM t"),
        ("plain", "SELECT a FROM t\n```\nmore", "SELECT a FROM t"),
        ("plain", "<think>SELECT 2?</think>SELECT 1", "SELECT 1"),
        ("plain", "DELETE FROM t; SELECT 1", "DELETE FROM t"),
        ("plain", "INSERT INTO t SELECT 1", "INSERT INTO t SELECT 1"),
        ("plain", "FROM t SELECT a", "FROM t SELECT a"),
        ("plain", "I do not know", "I do not know"),
        ("plain", "", ""),
        ("plain", "```sql\nSELECT 'unfinished", "SELECT 'unfinished"),
        ("fence", "First:\n```sql\nSELECT 1\n```\nBetter:\n```sql\nSELECT 2\n```", "SELECT 2"),
        ("fence", "```sql\nSELECT 1\n```\n```sql\nSELECT", "SELECT 1"),
        ("fence", "```sql\n-- Your SQL query\nSELECT 1\n```", "-- Your SQL query\nSELECT 1"),
        ("fence", "The result is:\n```\n| a |\n```\nfrom\n```sql\nSELECT a\n```", "SELECT a"),
        ("fence", "SELECT 1", "SELECT 1"),
        ("open_fence", "SELECT 1;\n```\nIt counts.", "SELECT 1"),
        (
            "after_think",
            "hm ```sql\nSELECT 0\n``` no\n</think>\n\n```sql\nSELECT 1\n```",
            "SELECT 1",
        ),
        ("after_think", "thinking about SELECT 0", ""),
        ("after_think", "<think>it was cut off: SELECT 0", ""),
        ("after_think", "SELECT 1", "SELECT 1"),
        ("sql_marks", " SELECT 1\n[/SQL] and so on", "SELECT 1"),
        ("sql_marks", "[SQL]\nSELECT '[/SQL]'\n[/SQL]", "SELECT '[/SQL]'"),
        ("answer_tags", "<think>a</think> <answer>```sql\nSELECT 1;\n```</answer>", "SELECT 1"),
        ("answer_tags", "<think>a</think><answer>SELECT 1</answer> b", "SELECT 1"),
        ("answer_tags", "<think>a</think>\n```sql\nSELECT 1\n```", "SELECT 1"),
        ("picard", "concert_singer | select a || b from t", "select a || b from t"),
        ("picard", "select a || b from t", "select a || b from t"),
        ("select", " name FROM t; SELECT 2", "SELECT name FROM t"),
        ("select", "SELECT name FROM t", "SELECT name FROM t"),
        ("select", "(SELECT max(a) FROM t) - 1", "SELECT (SELECT max(a) FROM t) - 1"),
        ("select", "```sql\nSELECT name FROM t\n```", "SELECT name FROM t"),
    ],
)
def test_sql_is_found_in_what_models_write(name, text, sql):
    assert ANSWERS[name].find(text, stop=("</s>",)) == sql


def test_a_semicolon_in_quotes_comments_and_dollar_quotes_ends_nothing():
    sql = "SELECT ';', \"a;b\", `c;d`, $$e;f$$ /* g;h */ -- i;j\nFROM t"
    assert first_statement(f"{sql};") == sql


def test_a_quote_that_never_ends_hides_nothing_behind_it():
    assert ANSWERS["plain"].find("SELECT 'a FROM t; x", stop=("</s>",)) == "SELECT 'a FROM t"


def test_answers_that_cannot_be_said_are_refused():
    with pytest.raises(PromptError, match="begins with SELECT"):
        ANSWERS["select"].wrap("WITH q AS (SELECT 1) SELECT * FROM q")
    with pytest.raises(PromptError, match="needs the db_id"):
        ANSWERS["picard"].wrap("SELECT 1")


def test_an_output_of_nothing_but_quotes_is_read_in_reasonable_steps():
    text = "SELECT " + "'\"`" * 20_000
    assert ANSWERS["plain"].find(text, stop=("</s>",)).startswith("SELECT")


@pytest.mark.spider
def test_every_gold_of_spider_survives_every_answer_format(spider):
    import json

    for file in ("dev.json", "train_spider.json"):
        for record in json.loads((spider / file).read_text(encoding="utf-8")):
            sql = record["query"].strip().rstrip("; \n")
            for name, answer in ANSWERS.items():
                found = answer.find(answer.wrap(sql, db_id=record["db_id"]), stop=("</s>",))
                assert found[6:].strip() == sql[6:].strip(), (name, sql)
