"""Where the SQL stands in a model's output: one table for training and for reading.

    >>> ANSWERS["fence"].wrap("SELECT 1")
    '```sql\\nSELECT 1\\n```'
    >>> ANSWERS["plain"].find("Sure! Here it is:\\n```sql\\nSELECT 1;\\n```")
    'SELECT 1'

`find(wrap(sql))` is the first statement of `sql`, whatever quotes, comments and fences it contains.
What is not an answer of the named form is still read where its SQL is plain to see.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from text2sql.errors import PromptError, Unsayable
from text2sql.prompting.sqltext import (
    FENCE,
    after_prose,
    block,
    find_end,
    first_statement,
    looks_like_sql,
)

_THINK, _THOUGHT = "<think>", "</think>"
_DB_ID = re.compile(r"\s*[\w.\-]+\s*\|(?!\|)\s*")
_QUERY = re.compile(r"(?:SELECT|WITH)\b", re.IGNORECASE)
_SELECT = re.compile(r"SELECT\b\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AnswerFormat:
    """One way to answer."""

    name: str
    before: str  # what the model writes before the SQL; {db_id} is the database's name
    after: str
    reader: Callable[[str], str]  # from an output to a text that begins with the SQL
    begun: str = ""  # what the prompt has already written of the SQL
    pointers: bool = False  # FROM leads, and names are pointers: see `decoding.pointing`
    longest: int | None = None  # tokens that no answer needs more of; None: as many as are asked

    def parts(self, sql: str, *, db_id: str = "") -> tuple[str, str, str]:
        """Return what stands before the SQL, the SQL as it has to be written, and what follows.

        Raises:
            Unsayable: SQL that this format cannot say.
            PromptError: no `db_id` where the format needs one.
        """
        sql = first_statement(sql)
        if self.begun:
            match = _SELECT.match(sql)
            if match is None:
                raise Unsayable(
                    f"answer format {self.name!r} can only say SQL that begins with SELECT: {sql}"
                )
            sql = sql[match.end() :]
        if "{db_id}" in self.before and not db_id:
            raise PromptError(f"answer format {self.name!r} needs the db_id")
        return self.before.replace("{db_id}", db_id), sql, self.after

    def wrap(self, sql: str, *, db_id: str = "") -> str:
        """Return the text that the model should write; see `parts`."""
        return "".join(self.parts(sql, db_id=db_id))

    def find(self, text: str, *, stop: Sequence[str] = ()) -> str:
        """Return the first statement in an output, without semicolon; empty where there is none.

        Args:
            text: what the model wrote.
            stop: strings that end an answer, such as `Base.stop`.
        """
        return first_statement(self.reader(text), stops=(*stop, FENCE))


def _plain(text: str) -> str:
    text = text.strip()
    if text.startswith(_THINK):
        return _after_think(text)
    if looks_like_sql(text):
        return after_prose(text)
    content = block(text, last=False)
    return after_prose(text if content is None else content.strip())


def _fence(text: str) -> str:
    """Take the last block, as RUCKBReasoning/OmniSQL does: its models think first."""
    content = None if looks_like_sql(text) else block(text, last=True)
    return _plain(text) if content is None else content.strip()


def _after_think(text: str) -> str:
    _, end, answer = text.partition(_THOUGHT)
    if end:
        return _fence(answer)
    # No end of thinking: either it was cut off, or the model answered at once.
    at_once = looks_like_sql(text) or text.lstrip().startswith(FENCE)
    return _fence(text) if at_once else ""


def _answer_tags(text: str) -> str:
    _, end, rest = text.partition(_THOUGHT)
    answer = rest if end else text
    _, tag, inner = answer.partition("<answer>")
    if not tag:
        return _after_think(text)
    content = inner if looks_like_sql(inner) else block(inner, last=False)
    if content is None:
        return _plain(inner.partition("</answer>")[0])
    return content[: find_end(content, ("</answer>",))]


def _sql_marks(text: str) -> str:
    if not looks_like_sql(text):
        text = text.partition("[SQL]")[2] or text
    return _plain(text[: find_end(text, ("[/SQL]",))])


def _picard(text: str) -> str:
    match = _DB_ID.match(text)
    return _plain(text[match.end() :] if match and not looks_like_sql(text) else text)


def _select(text: str) -> str:
    begins = text.lstrip()
    # A bracket or comment may well continue the prompt's SELECT; only a whole query starts anew.
    anew = _QUERY.match(begins) and looks_like_sql(begins)
    return _plain(text) if anew or begins.startswith(FENCE) else after_prose(f"SELECT {begins}")


ANSWERS: dict[str, AnswerFormat] = {
    "pointers": AnswerFormat("pointers", "", "", str.strip, pointers=True, longest=128),
    "plain": AnswerFormat("plain", "", "", _plain),
    "fence": AnswerFormat("fence", "```sql\n", "\n```", _fence),
    "open_fence": AnswerFormat("open_fence", "", "\n```", _plain),  # the prompt ends with ```sql
    "after_think": AnswerFormat(
        "after_think", "<think>\n\n</think>\n\n```sql\n", "\n```", _after_think
    ),
    "sql_marks": AnswerFormat(
        "sql_marks", "", "\n[/SQL]", _sql_marks
    ),  # the prompt ends with [SQL]
    "answer_tags": AnswerFormat(
        "answer_tags", "<think>\n\n</think>\n<answer>\n```sql\n", "\n```\n</answer>", _answer_tags
    ),
    "picard": AnswerFormat(
        "picard", "{db_id} | ", "", _picard
    ),  # ServiceNow/picard, target_with_db_id
    "select": AnswerFormat(
        "select", "", "", _select, begun="SELECT "
    ),  # the prompt ends with SELECT
}
