"""What a chat completion asks for, and an answer as a chat message.

    >>> question_of(ChatBody(model="mini/shop", messages=[{"role": "user", "content": "orders?"}]))
    ('orders?', [])

The last user message is the question. Earlier user messages whose reply holds a ```sql block are
earlier turns. Other messages (system, developer, tool) are not read: the schema comes from the
database, whatever a prompt says.

Covered: what cannot be honoured is refused by its name; cells are text, whatever Markdown they
hold. Not covered: tools are never called.
"""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from text2sql.answers import Answer
from text2sql.serving.asking import Text
from text2sql.serving.problems import Problem
from text2sql.serving.values import encode_rows

MOST_ROWS = 50  # of a table
MOST_CHARACTERS = 200  # of a cell

_SQL = re.compile(r"^(`{3,})sql[^\S\n]*\n(.*?)^\1`*[^\S\n]*$", re.DOTALL | re.MULTILINE | re.I)
_MARKS = re.compile(r"([\\`*_\[\]<>|~$&#!])")


class Message(BaseModel):
    """One message; what else it has is not read."""

    role: str
    content: Text | list[dict[str, Any]] | None = None


class ResponseFormat(BaseModel):
    """Text, or the body of /v1/ask as JSON."""

    type: str = "text"
    json_schema: dict[str, Any] | None = None


class StreamOptions(BaseModel):
    """What is sent beside the message."""

    include_usage: bool = False


class ChatBody(BaseModel):
    """A chat completion; fields that are not here are accepted and not read."""

    model_config = ConfigDict(extra="allow")

    model: Text = Field(examples=["mini/shop"], description="One of /v1/models.")
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    response_format: ResponseFormat | None = None
    tools: list[Any] | None = Field(None, description="Never called.")
    tool_choice: Any = None
    functions: list[Any] | None = Field(None, description="Never called.")
    function_call: Any = None
    logprobs: bool | None = None
    modalities: list[str] | None = None

    @property
    def as_json(self) -> bool:
        """Whether the message is to be JSON."""
        return self.response_format is not None and self.response_format.type != "text"


class Refused(Problem):
    """A field that cannot be honoured."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(400, message)
        self.param = param


def check_fields(body: ChatBody) -> None:
    """Make sure that a body asks for nothing that is not done.

    Raises:
        Refused: it does.
    """
    if body.n not in (None, 1):
        raise Refused("n", "n must be 1: a question has one answer")
    if body.logprobs:
        raise Refused("logprobs", "logprobs are not given")
    if body.modalities and set(body.modalities) != {"text"}:
        raise Refused("modalities", "answers are text")
    for name, choice in (("tool_choice", body.tool_choice), ("function_call", body.function_call)):
        if choice not in (None, "auto", "none"):
            raise Refused(name, f"{name} must be auto or none: tools are never called")
    wanted = body.response_format
    if wanted is not None and wanted.type not in ("text", "json_object", "json_schema"):
        raise Refused("response_format", "response_format must be text, json_object or json_schema")
    if wanted is not None and wanted.json_schema and wanted.json_schema.get("strict"):
        message = "a strict json_schema cannot be kept: json_object gives the body of /v1/ask"
        raise Refused("response_format", message)


def question_of(body: ChatBody) -> tuple[str, list[tuple[str, str]]]:
    """Return the question, and the earlier turns with their SQL.

    Raises:
        Refused: there is none, or it is no text.
    """
    places = [place for place, m in enumerate(body.messages) if m.role == "user"]
    if not places:
        raise Refused("messages", "there is no message of a user to answer")
    turns = []
    for place in places[:-1]:
        reply = body.messages[place + 1]
        found = _SQL.search(_plain(reply)) if reply.role == "assistant" else None
        if found is not None:
            turns.append((_plain(body.messages[place]), found[2].strip()))
    return _text(body.messages[places[-1]]), turns


def _text(message: Message) -> str:
    if isinstance(message.content, list):
        for part in message.content:
            if part.get("type") != "text" or not isinstance(part.get("text"), str):
                kind = str(part.get("type"))[:40]
                raise Refused("messages", f"a message's content must be text, not {kind!r}")
    text = _plain(message)
    if not text.strip():
        raise Refused("messages", "the last message of the user is empty")
    return text


def _plain(message: Message) -> str:
    """Return a message's text; its other parts are left out."""
    if isinstance(message.content, list):
        parts = (part.get("text") for part in message.content if part.get("type") == "text")
        text = "\n".join(part for part in parts if isinstance(part, str))
        return text.encode("utf-8", "replace").decode().replace("\0", " ")
    return message.content or ""


def message_of(answer: Answer) -> list[str]:
    """Return an answer in Markdown, as parts that stand one after the other."""
    if answer.abstention is not None and answer.abstention.kind in ("missing", "invalid"):
        return [f"No answer: {escaped(answer.abstention.message)}\n"]
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", answer.sql))])
    parts = [f"{fence}sql\n{answer.sql}\n{fence}\n"]
    if answer.error is not None:
        return [*parts, f"\nNo rows: {escaped(answer.error)}\n"]
    if answer.columns:
        parts.append("\n" + table_of(answer.columns, answer.rows, truncated=answer.truncated))
    parts += [f"\nIn doubt: {escaped(said)}\n" for said in answer.doubts]
    parts += [f"\nKept back: {escaped(said)}\n" for said in answer.kept_back]
    return parts


def table_of(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, truncated: bool) -> str:
    """Return rows as a Markdown table of bounded size, which says what it leaves out."""
    shown = encode_rows(rows[:MOST_ROWS])
    lines = [list(columns), ["---"] * len(columns), *([_said(v) for v in row] for row in shown)]
    lines[2:] = [[escaped(cell) for cell in line] for line in lines[2:]]
    lines[0] = [escaped(name) for name in lines[0]]
    text = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    if len(rows) > len(shown) or truncated:
        known = "more" if truncated else f"{len(rows):,}"
        text += f"\nThe first {len(shown):,} of {known} rows.\n"
    return text


def _said(value: Any) -> str:
    return "" if value is None else str(value)


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is, in one line of bounded length."""
    line = " ".join(text.split())
    if len(line) > MOST_CHARACTERS:
        line = line[: MOST_CHARACTERS - 4] + " ..."
    return _MARKS.sub(r"\\\1", line)


def cut(parts: Sequence[str], stop: str | list[str] | None) -> list[str]:
    """Return parts up to the first text that ends them."""
    stops = [stop] if isinstance(stop, str) else stop or []
    whole = "".join(parts)
    end = min((at for text in stops if text and (at := whole.find(text)) >= 0), default=len(whole))
    kept = []
    for part in parts:
        kept.append(part[:end])
        end -= len(kept[-1])
    return [part for part in kept if part]
