"""Build the prompt for one question.

    >>> prompt = build_prompt("How many orders?", schema, format="plain", today=date(2026, 11, 20))
    >>> print(prompt.own_text)
    /*
    Today: 2026-11-20
    Question: How many orders?
    */

Covered: the house's formats in English and Chinese, published formats to the letter, earlier turns,
evidence, linked values. A published format that has no place for evidence gets it before the
question, as OmniSQL does.
Not covered: reducing a schema that is too wide, or choosing a pack of it (`budget.fit`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from string import Formatter
from typing import Any

from text2sql.errors import PromptError, UnknownName
from text2sql.prompting.chats import Chat
from text2sql.prompting.formats import Format, resolve
from text2sql.prompting.segments import LinkedValue, Prompt, Segment, merge
from text2sql.prompting.serialisers import codes_values, serialise
from text2sql.prompting.tasks import CALENDAR, Task
from text2sql.schema.mentions import Mention
from text2sql.schema.model import Schema
from text2sql.schema.pointers import Pointers, describe, literals, mark, number

MAX_QUESTION = 8_000  # characters
LANGUAGES = ("en", "zh")
ENGINES = {
    "sqlite": "SQLite",
    "duckdb": "DuckDB",
    "postgres": "PostgreSQL",
    "mysql": "MySQL",
    "tsql": "SQL Server",
    "bigquery": "BigQuery",
    "clickhouse": "ClickHouse",
    "snowflake": "Snowflake",
    "oracle": "Oracle",
}

_SHARED_PLACES = ("schema", "dialect", "database")
_Piece = tuple[str, bool, bool]  # text, trusted, of the question


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question with everything that is said about it."""

    question: str
    today: date | None = None
    evidence: str = ""
    values: tuple[LinkedValue, ...] = ()
    mentions: tuple[Mention, ...] = ()
    evidence_mentions: tuple[Mention, ...] = ()
    calendar: str = ""


def build_prompt(
    question: str,
    schema: Schema | str,
    *,
    format: str | Format,
    today: date | None,
    language: str = "en",
    style: str | None = None,
    evidence: str | None = None,
    values: Sequence[LinkedValue | tuple[str, str, str]] = (),
    history: Sequence[tuple[str, str]] = (),
    tokenizer: Any = None,
    dialect: str | None = None,
    sample: Any = None,
    strays: Schema | None = None,
    mentions: Sequence[Mention] = (),
    evidence_mentions: Sequence[Mention] = (),
    time_zone: str | None = None,
    fiscal_start: int | None = None,
) -> Prompt:
    """Build the prompt for one question.

    Args:
        question: never cut; outer blanks are dropped.
        schema: a schema, or its text.
        format: a name in `FORMATS`, or `task+chat`.
        today: written into the question's part by the house's formats; None leaves it out.
        language: of the instruction, `en` or `zh`; a published format has only its own.
        style: of the schema; None means the one published with the format, else `ddl`.
        evidence: a hint in words, as in BIRD.
        values: cell values that the question seems to mean: (table, column, value).
        history: earlier turns, each a question and its SQL.
        tokenizer: its own chat template is used if it has one.
        dialect: sqlglot's name of the SQL to write; None means the schema's, else sqlite.
        sample: reads rows of a table, for styles that show them.
        strays: tables beside `schema` that this question needs; they open the question's part.
        mentions: what the question mentions of the database, for a format that points at it.
        evidence_mentions: what the evidence mentions of it.
        time_zone: of the person who asks, such as Europe/Berlin; said behind the date.
        fiscal_start: the month, 1 to 12, in which their fiscal year begins; likewise.

    Raises:
        PromptError: a question that is empty or too long, or turns where the format has no place
            for them.
        UnknownName: no such format, language or style.
    """
    asked = _Asked(
        check_question(question),
        today,
        (evidence or "").strip(),
        tuple(LinkedValue(*v) for v in values),
        tuple(mentions),
        tuple(evidence_mentions),
        _calendar(language, time_zone, fiscal_start),
    )
    found = resolve(format, tokenizer)
    text, system = _words(found, language)
    pointers = _pointers(schema, strays, asked) if found.task.pointers else None

    def written(part: Schema) -> str:
        if pointers is not None:
            return describe(part.tables, pointers)
        shown = style or found.task.style or "ddl"
        return serialise(part, shown, values=asked.values, sample=sample)

    places = _shared_places(schema, dialect, written)
    turns = [(check_question(earlier), sql.strip()) for earlier, sql in history]
    pieces = [
        *_head(found, system, places),
        *_body(text, found, places, asked, turns, language, pointers),
        (found.chat.tail, True, False),
    ]
    if strays and strays.tables:
        place = next(i for i, (_, _, own) in enumerate(pieces) if own)
        gap = "\n" if pointers is not None else "\n\n"
        pieces.insert(place, (f"{written(strays)}{gap}", pointers is not None, True))
    return Prompt(merge(_segments(pieces)), found.name, found.chat.lead, found.chat.bos, pointers)


def _calendar(language: str, time_zone: str | None, fiscal_start: int | None) -> str:
    """Return what is said behind today's date; empty where nothing is known."""
    zone, fiscal = CALENDAR.get(language, CALENDAR["en"])
    said = [zone.format(time_zone)] if time_zone else []
    said += [fiscal.format(fiscal_start)] if fiscal_start else []
    return "".join(f"; {part}" for part in said)


def takes_turns(format: str | Format, tokenizer: Any = None) -> bool:
    """Tell whether a format has a place for earlier questions."""
    return resolve(format, tokenizer).task.ask is not None


def _pointers(schema: Schema | str, strays: Schema | None, asked: _Asked) -> Pointers:
    if isinstance(schema, str):
        raise PromptError("a format that points at names needs a schema, not its text")
    return number(schema, strays).with_values(literals(asked.mentions + asked.evidence_mentions))


def shares_schema(format: str | Format, tokenizer: Any = None) -> bool:
    """Tell whether a format's schema stands before everything that belongs to the question."""
    task = resolve(format, tokenizer).task
    texts = [*(task.system or {}).values(), task.user["en"]]
    places = [place for text in texts for _, place, *_ in Formatter().parse(text) if place]
    first_own = next(i for i, place in enumerate(places) if place not in _SHARED_PLACES)
    return "schema" in places[:first_own]


def check_question(question: str) -> str:
    """Return the question without outer blanks.

    Raises:
        PromptError: it is empty or too long.
    """
    question = question.strip()
    if not question:
        raise PromptError("the question is empty")
    if len(question) > MAX_QUESTION:
        raise PromptError(
            f"the question has {len(question):,} characters; at most {MAX_QUESTION:,} can be asked"
        )
    return question


def _words(found: Format, language: str) -> tuple[str, str]:
    """Return the task's text and its instruction (empty if it has none) in a language."""
    if language not in LANGUAGES:
        raise UnknownName("language", language, LANGUAGES)
    task = found.task
    system = task.system or {}
    return task.user.get(language, task.user["en"]), system.get(language, system.get("en", ""))


def _shared_places(
    schema: Schema | str, dialect: str | None, written: Callable[[Schema], str]
) -> dict[str, str]:
    if isinstance(schema, str):
        text, name, own = schema, "", "sqlite"
    else:
        text, name, own = written(schema), schema.name, schema.dialect
    dialect = dialect or own
    return {"schema": text, "database": name, "dialect": ENGINES.get(dialect, dialect)}


def _head(found: Format, system: str, places: dict[str, str]) -> Iterator[_Piece]:
    """Yield the chat's head, with the instruction inside it or behind it."""
    chat = found.chat
    if system and chat.system is not None:
        yield chat.system[0], True, False
        yield from _fill(system, places)
        yield chat.system[1], True, False
        return
    yield chat.head, True, False
    if system:
        yield from _fill(f"{system}\n\n", places)


def _body(
    text: str,
    found: Format,
    places: dict[str, str],
    asked: _Asked,
    turns: list[tuple[str, str]],
    language: str,
    pointers: Pointers | None,
) -> Iterator[_Piece]:
    """Yield the task's text with its places filled."""
    if turns and found.task.ask is None:
        raise PromptError(f"prompt format {found.name!r} has no place for earlier questions")
    for literal, place, *_ in Formatter().parse(text):
        yield literal, True, False
        if place in _SHARED_PLACES:
            yield places[place], pointers is not None, False  # words and pointers alone
        elif place == "marked":
            assert pointers is not None  # only the task that points has the place
            yield from _marked(asked, pointers)
        elif place == "history":
            yield from _written_turns(found.task, language, turns)
        elif place == "ask":
            if "{history}" not in text:
                yield from _chat_turns(found.task, found.chat, language, turns)
            yield from _ask(found.task, language, asked)
        elif place is not None:
            yield _published(place, text, found.task, asked), False, True


def _marked(asked: _Asked, pointers: Pointers) -> Iterator[_Piece]:
    pieces = mark(asked.question, asked.mentions, pointers)
    if asked.evidence:
        evidence = mark(asked.evidence, asked.evidence_mentions, pointers)
        pieces = [*evidence, (" ; ", False), *pieces]
    for text, trusted in pieces:
        yield text, trusted, True


def _fill(text: str, places: dict[str, str]) -> Iterator[_Piece]:
    for literal, place, *_ in Formatter().parse(text):
        yield literal, True, False
        if place is not None:
            yield places[place], False, False


def _published(place: str, text: str, task: Task, asked: _Asked) -> str:
    """Return what a published format writes in a place of the question."""
    if place == "values":
        return codes_values(asked.values)
    in_schema = task.style == "peteshaw"  # PICARD writes values behind their columns
    spoken = "" if "{values}" in text or in_schema else _said(asked.values)
    hint = "\n".join(filter(None, [asked.evidence, spoken]))
    if place == "evidence":
        return hint
    if hint and "{evidence}" not in text:
        return f"{hint}{task.evidence_mark}{asked.question}"
    return asked.question


def _ask(task: Task, language: str, asked: _Asked) -> Iterator[_Piece]:
    """Yield the house's lines for a question; a line with nothing to say is left out."""
    said = {
        "today": f"{asked.today.isoformat()}{asked.calendar}" if asked.today else "",
        "values": _said(asked.values),
        "evidence": asked.evidence,
        "question": asked.question,
    }
    assert task.ask is not None  # only the house's tasks have the place
    mark = ""
    for line in task.ask[language].split("\n"):
        (label, place, *_), *_rest = Formatter().parse(line)
        if said[str(place)]:
            yield mark + label, True, True
            yield said[str(place)], False, True
            mark = "\n"


def _said(values: Sequence[LinkedValue]) -> str:
    return ", ".join(
        f"{v.table}.{v.column} = '{v.value.replace(chr(39), chr(39) * 2)}'" for v in values
    )


def _written_turns(task: Task, language: str, turns: list[tuple[str, str]]) -> Iterator[_Piece]:
    """Yield earlier turns as text, for a format without a chat."""
    yield "", True, True  # with or without turns, the shared part ends here
    for question, sql in turns:
        yield "/*\n", True, True
        yield from _ask(task, language, _Asked(question))
        yield "\n*/\n", True, True
        yield sql, False, True
        yield ";\n\n", True, True


def _chat_turns(
    task: Task, chat: Chat, language: str, turns: list[tuple[str, str]]
) -> Iterator[_Piece]:
    """Yield earlier turns with the chat's own marks, as lines where a server puts the marks."""
    if chat.between is None:
        yield from _turns_in_lines(task, language, turns)
        return
    for question, sql in turns:
        yield from _ask(task, language, _Asked(question))
        yield f"{chat.tail}{chat.lead}", True, True
        yield sql, False, True
        yield f"{chat.end}{chat.between}", True, True


def _turns_in_lines(task: Task, language: str, turns: list[tuple[str, str]]) -> Iterator[_Piece]:
    yield "", True, True  # with or without turns, the shared part ends here
    for question, sql in turns:
        yield from _ask(task, language, _Asked(question))
        yield "\nSQL: ", True, True
        yield sql, False, True
        yield "\n\n", True, True


def _segments(pieces: list[_Piece]) -> Iterator[Segment]:
    """Mark what stands before the first piece of the question as shared."""
    shared = True
    for text, trusted, own in pieces:
        shared = shared and not own
        yield Segment(text, shared, trusted)
