"""Forms of records: chats, tables and other spellings become examples; what is broken is named."""

import json

import pytest

from text2sql.errors import DataError
from text2sql.records import read_examples

TURNS = [
    {"role": "system", "content": "You write SQL."},
    {"role": "user", "content": "How many orders?"},
    {"role": "assistant", "content": "Here it is:\n```sql\nSELECT count(*) FROM orders\n```"},
]


def lines(path, *records):
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in records))
    return path


def only(path):
    (example,) = read_examples(path, split="train")
    return example


def test_a_chat_is_a_question_and_the_sql_of_its_answer(tmp_path):
    fenced = only(lines(tmp_path / "a.jsonl", {"messages": TURNS, "db_id": "shop"}))
    shared = [{"from": "human", "value": "How many?"}, {"from": "gpt", "value": "SELECT 1"}]
    bare = only(lines(tmp_path / "b.jsonl", {"conversations": shared, "database": "x/shop.sqlite"}))

    assert (fenced.question, fenced.query) == ("How many orders?", "SELECT count(*) FROM orders")
    assert (bare.question, bare.query, bare.db_id) == ("How many?", "SELECT 1", "shop")
    assert bare.database == "x/shop.sqlite"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"messages": TURNS}, "must name its database"),
        ({"messages": TURNS[:2], "db_id": "shop"}, "one message of the assistant"),
        ({"messages": TURNS + TURNS, "db_id": "shop"}, "one message of the user"),
        ({"messages": "hello", "db_id": "shop"}, "a list of objects"),
        ({"messages": [{"role": "user"}], "db_id": "shop"}, "a 'content' that is text"),
    ],
)
def test_a_chat_that_is_none_is_named_with_its_line(tmp_path, record, words):
    good = {"messages": TURNS, "db_id": "shop"}

    with pytest.raises(DataError, match=rf"a\.jsonl:2: .*{words}"):
        read_examples(lines(tmp_path / "a.jsonl", good, record))


def test_csv_is_read_whatever_separates_it_and_cells_may_hold_lines(tmp_path):
    rows = (
        'question,query,db_id,note\n"How many, in all?","SELECT\n1",shop,\n\nWho?,SELECT 2,shop,x\n'
    )
    (tmp_path / "a.csv").write_text("\ufeff" + rows, encoding="utf-8")
    (tmp_path / "b.tsv").write_text("question\tsql\tdatabase\nWho?\tSELECT 2\tdata/shop.sqlite\n")
    comma, tab = read_examples(tmp_path / "a.csv"), read_examples(tmp_path / "b.tsv")

    assert [(e.question, e.query) for e in comma] == [
        ("How many, in all?", "SELECT\n1"),
        ("Who?", "SELECT 2"),
    ]
    assert comma[0].others == {} and comma[1].others == {"note": "x"}
    assert (tab[0].query, tab[0].db_id) == ("SELECT 2", "shop")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("question,query,db_id\nWho?,SELECT 1\n", r"a\.csv:2: has 2 cells, the header 3"),
        ("question,query,db_id\nA?,SELECT 1,x\nB?,,x\n", r"a\.csv:3: .*'query' must be SQL"),
        ('question,query,db_id\n"A?,SELECT 1,x\n', "malformed CSV"),
        ("question,query,db_id\n", "holds no record"),
        ("a,b\n1,2\n", r"a\.csv:2: .*'query'"),
    ],
)
def test_a_broken_row_of_csv_is_named(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)

    with pytest.raises(DataError, match=words):
        read_examples(tmp_path / "a.csv")


def test_sql_eval_has_several_golds_and_columns_in_braces(tmp_path):
    header = "db_name,query_category,question,query,instructions"
    sql = "SELECT {u.id, u.name} FROM u GROUP BY {}; SELECT name FROM v WHERE a = 'x;y';"
    (tmp_path / "q.csv").write_text(f'{header}\nshop,joins,Who?,"{sql}",IDs are unique\n')
    example = only(tmp_path / "q.csv")

    assert example.queries == (
        "SELECT u.id, u.name FROM u GROUP BY u.id, u.name",
        "SELECT u.id FROM u GROUP BY u.id",
        "SELECT u.name FROM u GROUP BY u.name",
        "SELECT name FROM v WHERE a = 'x;y'",
    )
    assert (example.db_id, example.evidence) == ("shop", "IDs are unique")


def test_braces_of_many_columns_do_not_explode(tmp_path):
    columns = ", ".join(f"c{i}" for i in range(20))
    record = {"db_name": "a", "query_category": "b", "question": "?"}
    example = only(lines(tmp_path / "q.jsonl", record | {"query": f"SELECT {{{columns}}} FROM t"}))

    assert len(example.queries) == 21 and example.queries[0] == f"SELECT {columns} FROM t"


def test_spider_syn_archer_and_bird_spell_keys_their_own_way(tmp_path):
    syn = {"db_id": "music", "SpiderQuestion": "How many singers?", "query": "SELECT 1"}
    syn |= {"SpiderSynQuestion": "How many vocalists?"}
    archer = {"db_id": "bike", "question": "?", "query": "SELECT 1", "reasoning_type": "+"}
    bird = {"db_id": "b", "question": "?", "SQL": "SELECT 1", "evidence": "rate = a / b"}
    path = lines(tmp_path / "a.jsonl", syn, archer | {"commonsense_knowledge": "50 weeks"}, bird)
    first, second, third = read_examples(path)

    assert (first.question, first.others["SpiderQuestion"]) == (
        "How many vocalists?",
        "How many singers?",
    )
    assert (second.evidence, second.others["reasoning_type"]) == ("50 weeks", "+")
    assert (third.query, third.evidence) == ("SELECT 1", "rate = a / b")
