# ruff: noqa: E501 (published prompts keep their lines)
"""How a chat model's turns are marked: published strings, or the tokenizer's own chat template.

    >>> CHATS["chatml"].tail
    '<|im_end|>\\n<|im_start|>assistant\\n'

A chat is the text around the user's words and around the answer. A template is rendered once with
placeholders and cut at them, so that both kinds are used in the same way.

Not covered: templates that change the text of a message other than by trimming its ends; tools.
"""

from dataclasses import dataclass, replace
from typing import Any

# facebookresearch/llama, llama/generation.py, as DB-GPT-Hub's template `llama2` has it
LLAMA2_SYSTEM = (
    "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible, while being safe. "
    "Your answers should not include any harmful, unethical, racist, sexist, toxic, dangerous, or illegal content. "
    "Please ensure that your responses are socially unbiased and positive in nature.\n\n"
    "If a question does not make any sense, or is not factually coherent, explain why instead of answering something "
    "not correct. If you don't know the answer to a question, please don't share false information."
)
QWEN_SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
ZIYA_CODING_SYSTEM = "The following is a conversation between a human and an artificial intelligence assistant developed by IDEA."


@dataclass(frozen=True, slots=True)
class Chat:
    """The text around what is said."""

    head: str = ""  # before the first user text
    tail: str = ""  # after a user text, before the answer
    # after an answer and `end`, before the next user text; None: one turn only
    between: str | None = None
    lead: str = ""  # blanks between tail and answer, tokenised with the answer
    end: str = ""  # blanks between the answer and the stop token
    bos: bool | None = None  # begin with the tokenizer's bos; None: as the tokenizer itself does
    system: tuple[str, str] | None = None  # a head with room for a system text: before it, after it

    def with_system(self, text: str) -> "Chat":
        """Return the chat with the system text in its head; it needs room for one."""
        assert self.system is not None, "this chat has no place for a system text"
        return replace(self, head=self.system[0] + text + self.system[1], system=None)


RAW = Chat()
_LLAMA3_USER = "<|start_header_id|>user<|end_header_id|>\n\n"

CHATS: dict[str, Chat] = {
    "llama2": Chat(
        "[INST] ",
        " [/INST]",
        "</s><s>[INST] ",
        lead=" ",
        end=" ",
        bos=True,
        system=("[INST] <<SYS>>\n", "\n<</SYS>>\n\n"),
    ),
    "ziya-coding-15b": Chat(f"{ZIYA_CODING_SYSTEM}<|Human|>:", "<|Bot|>:", "<|end|><|Human|>:"),
    "ziya-coding-34b": Chat("<human>: \n", "\n<bot>: \n", "\n<human>: \n"),
    "ziya-llama": Chat("<human>:", "\n<bot>:", "\n<human>:", bos=True),
    "abacus": Chat("<用户>", "<AI>", "<用户>"),
    "chatml": Chat(
        f"<|im_start|>system\n{QWEN_SYSTEM}<|im_end|>\n<|im_start|>user\n",
        "<|im_end|>\n<|im_start|>assistant\n",
        "<|im_end|>\n<|im_start|>user\n",
        bos=False,
        system=("<|im_start|>system\n", "<|im_end|>\n<|im_start|>user\n"),
    ),
    "deepseek-instruct": Chat(
        "### Instruction:\n",
        "\n### Response:",
        "<|EOT|>\n### Instruction:\n",
        lead="\n",
        end="\n",
    ),
    "llama3": Chat(
        _LLAMA3_USER,
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        f"<|eot_id|>{_LLAMA3_USER}",
        bos=True,
        system=("<|start_header_id|>system<|end_header_id|>\n\n", f"<|eot_id|>{_LLAMA3_USER}"),
    ),
}

# Some templates write today's date at the top, which would give every day another shared part. They
# are told the date that Llama 3.1's falls back to; the real one stands in the question's part.
_DAY = "26 Jul 2024"
_NO_CLOCK = f"{{%- macro strftime_now(form) -%}}{_DAY}{{%- endmacro -%}}"
_SYSTEM, _USER, _ANSWER, _NEXT = "XsystemX", "XuserX", "XanswerX", "XnextX"
_cache: dict[tuple[str, str, bool], Chat | None] = {}


def from_template(tokenizer: Any, *, system: bool = False) -> Chat | None:
    """Read a tokenizer's own chat template.

    Args:
        tokenizer: of transformers; None has no template.
        system: keep room for a system text, where the template has it.

    Returns:
        None where there is no template, or one that does not pass the user's text through.
    """
    template = getattr(tokenizer, "chat_template", None)
    if not template:
        return None
    key = (str(template), str(tokenizer.bos_token), system)
    if key not in _cache:
        _cache[key] = _read(tokenizer, system)
    return _cache[key]


def _read(tokenizer: Any, system: bool) -> Chat | None:
    bos = tokenizer.bos_token or ""
    opened = _render(tokenizer, ("user", _USER))
    if opened is None or opened.count(_USER) != 1:
        return None
    head, tail = opened.split(_USER)
    lead, end, between = _around_answer(tokenizer, head, tail)
    begins = bool(bos) and head.startswith(bos)
    chat = Chat(_unbos(head, bos), tail, between, lead, end, bos=begins)
    return replace(chat, system=_room(tokenizer, bos, tail)) if system else chat


def _around_answer(tokenizer: Any, head: str, tail: str) -> tuple[str, str, str | None]:
    """Return the blanks before and after an answer, and what stands before the next turn."""
    turns = _render(tokenizer, ("user", _USER), ("assistant", _ANSWER), ("user", _NEXT))
    if turns is None or [turns.count(mark) for mark in (_USER, _ANSWER, _NEXT)] != [1, 1, 1]:
        return "", "", None
    before, rest = turns.split(_ANSWER)
    between, _ = rest.split(_NEXT)
    lead = (
        before.removeprefix(head + _USER + tail) if before.startswith(head + _USER + tail) else ""
    )
    end = between[: len(between) - len(between.lstrip())]
    return (lead if not lead.strip() else ""), end, between[len(end) :]


def _room(tokenizer: Any, bos: str, tail: str) -> tuple[str, str] | None:
    text = _render(tokenizer, ("system", _SYSTEM), ("user", _USER))
    if text is None or text.count(_SYSTEM) != 1 or not text.endswith(_USER + tail):
        return None
    before, after = text.removesuffix(_USER + tail).split(_SYSTEM)
    return _unbos(before, bos), after


def _unbos(text: str, bos: str) -> str:
    return text.removeprefix(bos) if bos else text


def _render(tokenizer: Any, *turns: tuple[str, str]) -> str | None:
    """Render a conversation that waits for an answer; None where the template refuses it."""
    messages = [{"role": role, "content": content} for role, content in turns]
    try:
        template = tokenizer.get_chat_template()
        rendered = tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=True,
            chat_template=_NO_CLOCK + template if "strftime_now" in template else template,
            date_string=_DAY,
        )
    except Exception:  # a template may raise anything: roles that it does not know, its own errors
        return None
    return str(rendered)
