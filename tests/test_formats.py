# ruff: noqa: E501 (published prompts keep their lines)
from datetime import date

import pytest
import tiny_tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql.errors import PromptError, UnknownName
from text2sql.prompting import FORMATS, LinkedValue, build_prompt, find_format
from text2sql.schema.model import Column, ForeignKey, Schema, Table

DAY = date(2026, 11, 20)
SHOP = Schema(
    "shop",
    "sqlite",
    (
        Table(
            "Customers",
            (Column("Id", "INTEGER"), Column("full name", "TEXT", comment="who buys")),
            ("Id",),
        ),
        Table(
            "Orders",
            (Column("Id", "INTEGER"), Column("Customer_Id", "INTEGER"), Column("Line", "INTEGER")),
            ("Id", "Line"),
            (ForeignKey(("Customer_Id",), "Customers", ("Id",)),),
        ),
    ),
)


def build(format, **options):
    options = {"today": None, **options}
    return build_prompt("Q?", options.pop("schema", "SCHEMA"), format=format, **options)


def written(format, **options):
    """Return the prompt as the model cards print it: bos in front, and the blank before the answer."""
    prompt = build(format, **options)
    return ("<s>" if prompt.bos else "") + prompt.text + prompt.lead


HOUSE = (
    "You turn questions into SQL. Answer the question with one SQLite query on the database below."
    " Reply with the query alone, without explanation."
)
USER = "SCHEMA\n\nQuestion: Q?"


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("llama2", f"<s>[INST] <<SYS>>\n{HOUSE}\n<</SYS>>\n\n{USER} [/INST] "),
        (
            "ziya-coding-15b",
            "The following is a conversation between a human and an artificial intelligence assistant developed by"
            f" IDEA.<|Human|>:{HOUSE}\n\n{USER}<|Bot|>:",
        ),
        ("ziya-coding-34b", f"<human>: \n{HOUSE}\n\n{USER}\n<bot>: \n"),
        ("ziya-llama", f"<s><human>:{HOUSE}\n\n{USER}\n<bot>:"),
        ("abacus", f"<用户>{HOUSE}\n\n{USER}<AI>"),
        (
            "chatml",
            f"<|im_start|>system\n{HOUSE}<|im_end|>\n<|im_start|>user\n{USER}<|im_end|>\n<|im_start|>assistant\n",
        ),
        ("deepseek-instruct", f"### Instruction:\n{HOUSE}\n\n{USER}\n### Response:\n"),
        (
            "llama3",
            f"<s><|start_header_id|>system<|end_header_id|>\n\n{HOUSE}<|eot_id|>"
            f"<|start_header_id|>user<|end_header_id|>\n\n{USER}<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n",
        ),
    ],
)
def test_a_chat_has_the_marks_of_its_model_card(format, text):
    assert written(format) == text


QWEN = (
    "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
OMNISQL = """Task Overview:
You are a data science expert. Below, you are provided with a database schema and a natural language question. Your task is to understand the schema and generate a valid SQL query to answer the question.

Database Engine:
SQLite

Database Schema:
SCHEMA
This schema describes the database's structure, including tables, columns, primary keys, foreign keys, and any relevant relationships or constraints.

Question:
HINT
Q?

Instructions:
- Make sure you only output the information that is asked in the question. If the question asks for a specific column, make sure to only include that column in the SELECT clause, nothing more.
- The generated query should return all of the information asked in the question without any missing or extra information.
- Before generating the final SQL query, please think through the steps of how to write the query.

Output Format:
In your answer, please enclose the generated SQL query in a code block:
```sql
-- Your SQL query
```

Take a deep breath and think step by step to find the correct SQL query.
"""
XIYAN = """你是一名SQLite专家，现在需要阅读并理解下面的【数据库schema】描述，以及可能用到的【参考信息】，并运用SQLite知识生成sql语句回答【用户问题】。
【用户问题】
Q?

【数据库schema】
SCHEMA

【参考信息】
HINT

【用户问题】
Q?

```sql"""


def test_omnisql_is_one_user_turn_with_evidence_before_the_question():
    assert written("omnisql", evidence="HINT") == QWEN.format(OMNISQL)


def test_xiyan_asks_twice_and_has_a_place_for_evidence():
    assert written("xiyan", evidence="HINT") == QWEN.format(XIYAN)


def test_sql_r1_is_omnisql_with_rules_for_its_tags():
    text = written("sql-r1", evidence="HINT")
    rule = "- The answer must contain the SQL query within ```sql ``` tags.\n\nOutput Format:"
    assert rule in text and "<think> </think> and <answer> </answer>" in text
    assert text.endswith("find the correct SQL query.<|im_end|>\n<|im_start|>assistant\n")


def test_dbgpt_hub_is_the_training_prompt_with_its_stray_quote():
    text = written("dbgpt-hub")
    assert text.startswith("<s>[INST] <<SYS>>\nYou are a helpful, respectful and honest assistant.")
    assert text.endswith(
        "<</SYS>>\n\nI want you to act as a SQL terminal in front of an example database, you need only to return the"
        " sql command to me.Below is an instruction that describes a task, Write a response that appropriately"
        ' completes the request.\n"\n##Instruction:\nSCHEMA\n\n###Input:\nQ?\n\n###Response: [/INST] '
    )


def test_sqlcoder_opens_the_mark_that_its_answer_closes():
    assert written("sqlcoder") == (
        "### Task\nGenerate a SQL query to answer [QUESTION]Q?[/QUESTION]\n\n### Instructions\n- If you cannot answer"
        " the question with the available database schema, return 'I do not know'\n\n### Database Schema\nThe query"
        " will run on a database with the following schema:\nSCHEMA\n\n### Answer\nGiven the database schema, here is"
        " the SQL query that answers [QUESTION]Q?[/QUESTION]\n[SQL]\n"
    )


def test_llama_3_sqlcoder_ends_in_an_open_fence():
    assert written("llama-3-sqlcoder") == (
        "<s><|start_header_id|>user<|end_header_id|>\n\nGenerate a SQL query to answer this question: `Q?`\n\n\n"
        "DDL statements:\nSCHEMA<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
        "The following SQL query best answers the question `Q?`:\n```sql\n"
    )


def test_dail_ends_with_select_and_a_blank():
    assert written("dail") == (
        "/* Given the following database schema: */\nSCHEMA\n\n/* Answer the following: Q? */\nSELECT "
    )


def test_codes_writes_schema_matched_values_and_question():
    values = [("Customers", "full name", "Ann"), ("Customers", "full name", "Bob")]
    assert written("codes", schema=SHOP, values=values) == (
        "<s>database schema :\n"
        "table customers , columns = [ customers.id ( integer | primary key ) ,"
        " customers.`full name` ( text | comment : who buys ) ]\n"
        "table orders , columns = [ orders.id ( integer | primary key ) , orders.customer_id ( integer ) ,"
        " orders.line ( integer | primary key ) ]\n"
        "foreign keys :\norders.customer_id = customers.id\n"
        "matched contents :\ncustomers.`full name` ( Ann , Bob )\nQ?\n"
    )


def test_picard_puts_the_question_first_and_values_behind_their_columns():
    prompt = build("picard", schema=SHOP, values=[("customers", "Full Name", "Ann")])
    assert (
        prompt.text
        == "Q? | shop | customers : id , full name ( Ann ) | orders : id , customer_id , line"
    )
    assert prompt.shared_text == ""


def test_dbgpt_hub_describes_the_schema_in_sentences():
    text = build("dbgpt-hub", schema=SHOP).text
    assert (
        "##Instruction:\nshop contains tables such as Customers, Orders. Table Customers has columns such as Id, full"
        " name. Id is the primary key.\nTable Orders has columns such as Id, Customer_Id, Line. The combination of"
        " (Id, Line) are the primary key.\nThe Customer_Id of Orders is the foreign key of Id of Customers.\n"
        "\n\n###Input:"
    ) in text


def test_the_house_prompt_for_base_models_ends_where_sql_begins_a_line():
    prompt = build("plain", today=DAY, evidence="a hint", values=[("t", "c", "it's")])
    assert prompt.text == (
        "/* The schema of a SQLite database. Each question is answered with one SQLite query. */\nSCHEMA\n\n"
        "/*\nToday: 2026-11-20\nValues: t.c = 'it''s'\nHint: a hint\nQuestion: Q?\n*/\n"
    )
    assert "2026" not in prompt.shared_text


def test_the_house_prompts_speak_chinese():
    prompt = build("plain", today=DAY, language="zh", dialect="duckdb")
    assert "下面是一个 DuckDB 数据库" in prompt.shared_text and prompt.own_text.startswith(
        "/*\n今天：2026-11-20"
    )
    assert "你负责把问题写成 SQL" in build("llama2", language="zh").text


def test_published_formats_take_no_date():
    house = {name for name, format in FORMATS.items() if format.task.ask} | {"pointers"}
    for name in FORMATS.keys() - house:
        assert build(name, today=DAY) == build(name, today=None)


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None)  # the machine may be busy
@given(question=st.text(min_size=1).filter(str.strip), other=st.text(min_size=1).filter(str.strip))
def test_questions_on_one_schema_share_their_first_part(name, question, other):
    first = build_prompt(question, SHOP, format=name, today=DAY)
    second = build_prompt(other, SHOP, format=name, today=date(2027, 1, 1), evidence="hint")
    assert first.shared_text == second.shared_text
    assert first.shared_text + first.own_text == first.text
    assert question.strip() in first.own_text


def test_a_format_that_asks_first_shares_only_what_precedes_the_question():
    assert build("xiyan", schema=SHOP).shared_text.endswith("【用户问题】\n")
    assert "Customers" not in build("sqlcoder", schema=SHOP).shared_text


@pytest.mark.parametrize("question", ["", " \n\t "])
def test_an_empty_question_is_refused(question):
    with pytest.raises(PromptError, match="empty"):
        build_prompt(question, SHOP, format="plain", today=DAY)


def test_a_long_question_is_refused_and_never_cut():
    assert "x" * 8000 in build_prompt("x" * 8000, SHOP, format="plain", today=DAY).text
    with pytest.raises(PromptError, match="10,000 characters"):
        build_prompt("x" * 10_000, SHOP, format="plain", today=DAY)


def test_only_the_formats_words_are_trusted():
    prompt = build_prompt(
        "Q?", SHOP, format="llama2", today=DAY, evidence="E", history=[("Q0", "S0")]
    )
    untrusted = [segment.text for segment in prompt.segments if not segment.trusted]
    assert [text for text in untrusted if len(text) < 20] == [
        "SQLite",
        "Q0",
        "S0",
        "2026-11-20",
        "E",
        "Q?",
    ]
    assert any("Customers" in text for text in untrusted)


def test_earlier_turns_are_turns_of_the_chat():
    text = build("chatml", history=[("Q0", "SELECT 0")]).text
    turn = "Question: Q0<|im_end|>\n<|im_start|>assistant\nSELECT 0<|im_end|>\n<|im_start|>user\nQuestion: Q?<|im_end|>"
    assert turn in text
    assert (
        "<</SYS>>\n\nSCHEMA\n\nQuestion: Q0 [/INST] SELECT 0 </s><s>[INST] Question: Q? [/INST]"
        in (build("llama2", history=[("Q0", "SELECT 0")]).text)
    )


def test_earlier_turns_without_a_chat_are_written_out():
    prompt = build("plain", history=[("Q0", "SELECT 0")])
    assert prompt.own_text == "/*\nQuestion: Q0\n*/\nSELECT 0;\n\n/*\nQuestion: Q?\n*/\n"
    assert prompt.shared_text == build("plain").shared_text


def test_a_published_format_refuses_earlier_turns():
    with pytest.raises(PromptError, match="'dail' has no place for earlier questions"):
        build("dail", history=[("Q0", "SELECT 0")])


def test_evidence_without_a_place_goes_before_the_question():
    assert (
        "following: E\nt.c = 'v'\nQ? */"
        in build("dail", evidence="E", values=[LinkedValue("t", "c", "v")]).text
    )
    assert build("codes", evidence="E").text.endswith("\nE Q?\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "chatlm"}, "did you mean 'chatml'"),
        ({"format": "omnisq+chatml"}, "did you mean 'omnisql'"),
        ({"format": "omnisql+lama3"}, "did you mean 'llama3'"),
        ({"format": "plain", "language": "de"}, "no language 'de'"),
        ({"format": "plain", "style": "dll", "schema": SHOP}, "did you mean 'ddl'"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(options, message):
    with pytest.raises(UnknownName, match=message):
        build(**options)


def test_any_task_goes_into_any_chat():
    text = build("omnisql+ziya-llama", evidence="HINT").text
    assert text == f"<human>:{OMNISQL}\n<bot>:"
    assert find_format("omnisql+ziya-llama").name == "omnisql+ziya-llama"


def with_template(tokenizer, template):
    import copy

    clone = copy.copy(tokenizer)
    clone.chat_template = template
    return clone


def test_the_tokenizers_own_template_wins():
    tokenizer = with_template(tiny_tokenizers.byte_level(), tiny_tokenizers.CHATML_TEMPLATE)
    messages = [{"role": "user", "content": OMNISQL.replace("HINT\n", "")}]
    expected = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert "Be brief." in expected
    assert build("omnisql", tokenizer=tokenizer).text == expected
    assert build("dbgpt-hub", tokenizer=tokenizer).text == build("dbgpt-hub").text


def test_a_template_that_writes_bos_and_blanks_is_cut_like_the_published_string():
    tokenizer = with_template(tiny_tokenizers.llama_like(), tiny_tokenizers.LLAMA2_TEMPLATE)
    own, published = build("llama2", tokenizer=tokenizer), build("llama2")
    assert (own.text, own.lead, own.bos) == (published.text, " ", True)
    history = [("Q0", "SELECT 0")]
    assert build("llama2", tokenizer=tokenizer, history=history) == build("llama2", history=history)


def test_the_chat_format_is_plain_completion_without_a_template():
    assert build("chat", tokenizer=tiny_tokenizers.byte_level()).text == build("plain").text
    tokenizer = with_template(tiny_tokenizers.byte_level(), tiny_tokenizers.CHATML_TEMPLATE)
    assert build("chat", tokenizer=tokenizer).text.startswith("<|im_start|>system\nBe brief.")


def test_a_template_that_refuses_everything_is_not_used():
    tokenizer = with_template(tiny_tokenizers.byte_level(), "{{ raise_exception('no') }}")
    assert build("chatml", tokenizer=tokenizer).text == build("chatml").text


def test_a_template_with_todays_date_does_not_change_the_shared_part():
    dated = "{{ strftime_now('%d') }} {{ date_string }}\n" + tiny_tokenizers.CHATML_TEMPLATE
    tokenizer = with_template(tiny_tokenizers.byte_level(), dated)
    assert build("chat", tokenizer=tokenizer).text.startswith(
        "26 Jul 2024 26 Jul 2024\n<|im_start|>"
    )
