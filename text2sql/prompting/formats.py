"""Prompt formats by name: a task's words inside a chat's marks.

    >>> find_format("llama2").task is TASKS["instruct"]
    True
    >>> find_format("omnisql+llama3").name          # any task in any chat
    'omnisql+llama3'

Where a tokenizer ships its own chat template, that template wins over the strings kept here, except
in formats whose marks are part of what was published (`dbgpt-hub`, `llama-3-sqlcoder`).
"""

from dataclasses import dataclass, replace
from typing import Any

from text2sql.errors import UnknownName
from text2sql.prompting.chats import CHATS, LLAMA2_SYSTEM, RAW, Chat, from_template
from text2sql.prompting.tasks import TASKS, Task


@dataclass(frozen=True, slots=True)
class Format:
    """What a model is given to read."""

    name: str
    task: Task
    chat: Chat = RAW
    template: bool = False  # the tokenizer's own chat template wins over `chat`
    without_template: str | None = None  # the format to use where there is none


def _in_chat(name: str, task: str, chat: str) -> Format:
    return Format(name, TASKS[task], CHATS[chat], template=True)


_LLAMA2 = CHATS["llama2"].with_system(LLAMA2_SYSTEM)

FORMATS: dict[str, Format] = {
    "plain": Format("plain", TASKS["plain"]),
    "instruct": Format(
        "instruct", TASKS["instruct"]
    ),  # for a server, which has the chat's marks itself
    "chat": Format("chat", TASKS["instruct"], template=True, without_template="plain"),
    **{name: _in_chat(name, "instruct", name) for name in CHATS},
    "omnisql": _in_chat("omnisql", "omnisql", "chatml"),
    "sql-r1": _in_chat("sql-r1", "sql-r1", "chatml"),
    "xiyan": _in_chat("xiyan", "xiyan", "chatml"),
    # CodeS trains with bos in front: utils/load_sft_dataset.py, prepare_inputs_and_labels.
    "codes": Format("codes", TASKS["codes"], Chat(bos=True)),
    "sqlcoder": Format("sqlcoder", TASKS["sqlcoder"]),
    "llama-3-sqlcoder": Format("llama-3-sqlcoder", TASKS["llama-3-sqlcoder"], Chat(bos=True)),
    "dail": Format("dail", TASKS["dail"], Chat(lead=" ")),
    # The default template of DB-GPT-Hub writes no blank before the end of sequence.
    "dbgpt-hub": Format("dbgpt-hub", TASKS["dbgpt-hub"], replace(_LLAMA2, end="", between=None)),
    "picard": Format("picard", TASKS["picard"]),
    "pointers": Format("pointers", TASKS["pointers"]),
}


def find_format(name: "str | Format") -> Format:
    """Find a format, or put a task into a chat: `omnisql+llama3`.

    Raises:
        UnknownName: no such format, task or chat; the nearest is named.
    """
    if isinstance(name, Format):
        return name
    if name in FORMATS:
        return FORMATS[name]
    task, plus, chat = name.partition("+")
    if not plus:
        raise UnknownName("prompt format", name, FORMATS)
    if task not in TASKS:
        raise UnknownName("prompt task", task, TASKS)
    if chat not in CHATS:
        raise UnknownName("chat format", chat, CHATS)
    return _in_chat(name, task, chat)


def resolve(format: "str | Format", tokenizer: Any = None) -> Format:
    """Return the format as it is with this tokenizer: its own chat template may win.

    Args:
        format: a format or its name.
        tokenizer: of transformers; None means that there is none at hand.
    """
    found = find_format(format)
    if not found.template:
        return found
    keeps_system = found.task.system is not None and found.chat.system is not None
    own = from_template(tokenizer, system=keeps_system)
    if own is not None:
        return replace(found, chat=own, template=False)
    if found.without_template is not None:
        return replace(find_format(found.without_template), name=found.name)
    return replace(found, template=False)
