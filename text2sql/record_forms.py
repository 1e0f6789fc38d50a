"""Read the ways in which published files spell an example: chats, tables, other names of keys.

    >>> spelt({"SpiderSynQuestion": "How many vocalists?", "query": "SELECT 1", "db_id": "music"})
    {'question': 'How many vocalists?', 'query': 'SELECT 1', 'db_id': 'music'}

- a chat has `messages` (role, content) or `conversations` (from, value): the user asks, and the
  assistant answers with SQL, bare or in a fence; its database is named beside them
- Spider-Syn has `SpiderSynQuestion`: that is the question, Spider's own is kept aside
- Archer has `commonsense_knowledge`: it is the evidence
- sql-eval has `db_name` and `query_category`: each query between semicolons is a gold, of columns
  in braces any choice is right, and `instructions` are the evidence
- anywhere `sql` and `SQL` are `query`; `db_name` and `database_id` are `db_id`, and without those
  the name of the database's file is

Sources: ygan/Spider-Syn (Spider-Syn/dev.json); Archer (en_data/dev.json); defog-ai/sql-eval
(data/questions_gen_postgres.csv, eval/eval.py `get_all_minimal_queries`); the records of BIRD
(dev.json) have `SQL` and `evidence`.

Not covered: chats of several questions; braces inside braces.
"""

import re
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from text2sql.errors import DataError

Record = Mapping[str, Any]

MOST_COLUMNS = 6  # in braces: 63 queries
_FENCE = re.compile(r"```[ \t]*\w*[ \t]*\n(.*?)```", re.DOTALL)
_PART = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|;|[^;'\"]+|['\"]")
_ROLES = {"human": "user", "gpt": "assistant", "model": "assistant"}


def spelt(record: Record) -> Record:
    """Return a record in our own keys.

    Raises:
        DataError: it is of a known form and breaks it.
    """
    if "messages" in record or "conversations" in record:
        record = _from_chat(record)
    elif "SpiderSynQuestion" in record:
        others = {k: v for k, v in record.items() if k != "SpiderSynQuestion"}
        record = {"question": record["SpiderSynQuestion"], **others}
    elif "commonsense_knowledge" in record:
        record = {"evidence": record["commonsense_knowledge"] or None, **record}
    elif "db_name" in record and "query_category" in record:
        record = _from_sql_eval(record)
    return _renamed(record)


def _renamed(record: Record) -> Record:
    found = dict(record)
    aliases = {"db_id": ("db_name", "database_id")}
    if "queries" not in found:
        aliases["query"] = ("sql", "SQL")
    for name, others in aliases.items():
        if found.get(name) is None:
            said = next((other for other in others if isinstance(found.get(other), str)), None)
            if said is not None:
                found[name] = found.pop(said)
    if found.get("db_id") is None and isinstance(found.get("database"), str):
        found["db_id"] = Path(found["database"].rpartition("/")[2]).stem
    return found


def _from_chat(record: Record) -> Record:
    turns = record.get("messages", record.get("conversations"))
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise DataError("'messages' must be a list of objects with 'role' and 'content'")
    said: dict[str, list[str]] = {}
    for turn in turns:
        role, content = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
        if not isinstance(role, str) or not isinstance(content, str):
            raise DataError("each message must have a 'role' and a 'content' that is text")
        said.setdefault(_ROLES.get(role, role), []).append(content)
    for role in ("user", "assistant"):
        if len(said.get(role, ())) != 1:
            raise DataError(f"a chat must have one message of the {role}, for one question")
    if not any(isinstance(record.get(key), str) for key in ("db_id", "database", "db_name")):
        raise DataError("a chat must name its database beside its messages: 'db_id' or 'database'")
    fenced = _FENCE.findall(said["assistant"][0])
    sql = (fenced[-1] if fenced else said["assistant"][0]).strip()
    others = {k: v for k, v in record.items() if k not in ("messages", "conversations")}
    return {"question": said["user"][0].strip(), "query": sql, **others}


def _from_sql_eval(record: Record) -> Record:
    if not isinstance(record.get("query"), str):
        raise DataError("'query' must be SQL text")
    golds = [each for sql in _statements(record["query"]) for each in _choices(sql)]
    others = {k: v for k, v in record.items() if k != "query"}
    return {"queries": golds, "evidence": record.get("instructions"), **others}


def _statements(text: str) -> list[str]:
    """Split at semicolons outside quotes."""
    parts: list[str] = [""]
    for part in _PART.findall(text):
        if part == ";":
            parts.append("")
        else:
            parts[-1] += part
    return [part.strip() for part in parts if part.strip()]


def _choices(sql: str) -> list[str]:
    """Return a query for every choice among columns in braces; all of them come first."""
    start, end = sql.find("{"), sql.find("}")
    if start < 0 or end < start:
        return [sql]
    columns = [column.strip() for column in sql[start + 1 : end].split(",") if column.strip()]
    if not columns:
        raise DataError("braces in 'query' must hold columns")
    sizes = range(len(columns), 0, -1) if len(columns) <= MOST_COLUMNS else (len(columns), 1)
    chosen = [", ".join(some) for size in sizes for some in combinations(columns, size)]
    after = sql[end + 1 :]
    # empty braces stand for the same choice again
    return [sql[:start] + some + after.replace("{}", some) for some in chosen]
