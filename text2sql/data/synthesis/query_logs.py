"""Make training pairs of a query log: the SQL is the user's, the question is told from it.

    >>> made = tell_log(locate("shop.sqlite"), read_log(Path("queries.sql")), 100)
    >>> made.refused
    {'WITH': 12, 'no words for a left join': 9, 'asked often enough': 3}

Statements that differ in white space and constants alone are one construction of interest; each
text is told up to three times, in other words.

Covered: files of statements that end in `;` or stand one a line; JSON Lines with `sql` or `query`.
Not covered: server logs with prefixes: cut them down to the SQL first; questions in Chinese.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from text2sql.data.synthesis.drafting import Pair
from text2sql.data.synthesis.making import (
    SAME_SQL,
    Made,
    Progress,
    query_runner,
    read_world,
    record_writer,
    reference,
)
from text2sql.data.synthesis.reading import Unread, read_sql
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.telling import Untold, tell
from text2sql.databases import Database
from text2sql.errors import DataError
from text2sql.execution import Executor
from text2sql.records import read_records, read_text
from text2sql.schema.joins import LEAST

_COMMENT = re.compile(r"^[ \t]*--[^\n]*\n?", re.MULTILINE)  # lines of nothing else
_ENDS = re.compile(r";[ \t]*(?:--[^\n]*)?(?:\n|\Z)")


def read_log(file: Path) -> list[str]:
    """Return the statements of a log, each text once.

    Raises:
        DataError: the file cannot be read, or holds no statement.
    """
    if file.suffix in (".json", ".jsonl"):
        said = (record.get("sql", record.get("query")) for _, record in read_records(file))
        texts = [text for text in said if isinstance(text, str)]
    else:
        text = _COMMENT.sub("", read_text(file))
        texts = _ENDS.split(text) if _ENDS.search(text) else text.splitlines()
    found = list(dict.fromkeys(filter(None, (text.strip().rstrip(";") for text in texts))))
    if not found:
        raise DataError("holds no SQL", file)
    return found


def tell_log(
    database: Database,
    statements: Sequence[str],
    count: int,
    *,
    seed: int = 0,
    least: float = LEAST,
    timeout: float = 5.0,
    progress: Progress = lambda done, total: None,
) -> Made:
    """Make example records of SQL that was run.

    Args:
        database: on which it was run.
        statements: SQL texts.
        count: records wanted, at most.
        seed: of the wording.
        least: confidence with which an undeclared foreign key is taken for a relation.
        timeout: seconds for one query.
        progress: called with how many statements are done and how many there are.

    Raises:
        DatabaseError: the database cannot be read.
    """
    left: Counter[str] = Counter()
    records: list[dict[str, Any]] = []
    questions: set[str] = set()
    with Executor(database) as executor:
        world, joins = read_world(database, executor, "en", least, timeout)
        run = query_runner(world.schema, executor, timeout)
        write = record_writer(world, seed=seed, database=reference(database))
        speaker = Speaker(world, Random(seed))
        for done, sql in enumerate(statements, start=1):
            wanted = min(SAME_SQL, count - len(records))
            if wanted <= 0:
                break
            reason = _told(sql, speaker, run, write, wanted, questions, records)
            if reason:
                left[reason] += 1
            progress(done, len(statements))
    return Made(records, len(statements), dict(left.most_common()), joins)


def _told(
    sql: str,
    speaker: Speaker,
    run: Any,
    write: Any,
    wanted: int,
    questions: set[str],
    records: list[dict[str, Any]],
) -> str | None:
    """Add the records of one statement; return why there is none."""
    try:
        query = read_sql(sql, speaker.world.schema)
        told = dict.fromkeys(tell(query, speaker) for _ in range(wanted))
    except Unread as reason:
        return str(reason)
    except Untold as reason:
        return f"no words for {reason}"
    if not run(query):
        return "fails or returns nothing"
    new = [question for question in told if question.lower() not in questions]
    for question in new:
        questions.add(question.lower())
        records.append(write(Pair(question, query, "told.log"), sql))
    return None if new else "asked already"
