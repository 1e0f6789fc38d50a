"""What the small commands do: show a prompt, check a piece of SQL, read a question from stdin.

Each joins rooms that must not know each other; the commands themselves only print.
"""

import json
import sys
from datetime import date
from typing import Any

from text2sql.bases import find_base, load_tokenizer
from text2sql.bundled import ensure_mini
from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.dialects import DIALECTS
from text2sql.decoding.verification import Fault, verify
from text2sql.errors import MissingExtra, ModelError, PromptError, SettingsError
from text2sql.models import ANSWER_ROOM, DEFAULT_CONTEXT
from text2sql.perspectives import Perspective
from text2sql.prompting import Fitted, Prompt, encode, fit
from text2sql.prompting.budget import CHARACTERS_PER_TOKEN, count_tokens
from text2sql.prompting.building import takes_turns
from text2sql.schema import canonicalise
from text2sql.schema.model import Schema


def read_question(text: str) -> str:
    """Return the text, or stdin where it is `-`.

    Raises:
        PromptError: it holds bytes that are no UTF-8.
    """
    if text == "-":
        if sys.stdin is None:
            raise PromptError("there is no stdin to read from")
        text = sys.stdin.read().strip()
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PromptError("the text is not UTF-8: some of its bytes are no character")
    return text


def read_user(text: str | None) -> dict[str, Any] | None:
    """Return a user's attributes from JSON; None where nothing is said.

    Raises:
        SettingsError: it is no JSON object.
    """
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SettingsError('a user is a JSON object, such as {"role": "buyer", "tenants": [3]}')
    return found


def check_sql(sql: str, view: Perspective) -> dict[str, Any]:
    """Judge SQL for a user: canonicalise, parse, look up its names, ask for EXPLAIN.

    Names and faults are those of the schema that the user sees, and the engine explains what would
    run for them. A fault is said in the checker's words where it finds one, with its place.
    """
    canonical = canonicalise(sql, view.schema)
    verification = verify(canonical, view.schema, explain=view.explain)
    fault = verification.fault
    rewritten = view.rewritten(canonical) if verification.valid else None
    said, remark = _in_the_checkers_words(fault, sql, view.schema)
    return {
        "valid": verification.valid,
        "sql": canonical,
        "layers": verification.layers,
        "fault": said,
        "note": remark,
        "rewritten": rewritten.sql if rewritten else None,
        "kept_back": list(rewritten.said) if rewritten else [],
    }


def _in_the_checkers_words(
    fault: Fault | None, sql: str, schema: Schema
) -> tuple[dict[str, Any] | None, str | None]:
    """Return a fault with its place, and a remark where the checker thinks otherwise."""
    known = schema.dialect in DIALECTS
    held = Checker(schema, dialect=schema.dialect, invented=False) if known else None
    found = held.explain(sql) if held is not None else None
    if fault is None:
        doubt = "the checker of constrained decoding does not write this"
        return None, f"{doubt}: {found.message}" if found else None
    said = {
        "layer": fault.layer,
        "message": found.message if found else fault.message,
        "position": found.position if found else None,
        "suggestions": list(found.suggestions) if found else [],
    }
    if found is None or found.found.casefold() in fault.message.casefold():
        return said, None
    return said, f"{fault.layer}: {fault.message}"  # perhaps about something else


def show_prompt(
    question: str,
    view: Perspective,
    *,
    base: str,
    style: str | None,
    language: str,
    today: date,
    revision: str | None = None,
    trust_remote_code: bool | None = None,
) -> dict[str, Any]:
    """Build a user's prompt and count its tokens; without the base's tokenizer, an estimate."""
    found = find_base(base)
    tokenizer, remark = _tokenizer(base, found, revision, trust_remote_code)
    context = found.context_length or DEFAULT_CONTEXT
    turns = view.turns_for(question) if takes_turns(found.prompt_format, tokenizer) else []
    fitted = fit(
        question,
        view.schema,
        base=found,
        tokenizer=tokenizer,
        max_length=context - ANSWER_ROOM,
        style=style or found.style,
        language=language,
        today=today,
        sample=view.sample,
        cells=view.cells,
        history=turns,
        time_zone=view.database.time_zone,
        fiscal_start=view.database.fiscal_start,
    )
    return _shown(fitted, found.name, tokenizer, context, remark)


def _shown(fitted: Fitted, base: str, tokenizer: Any, context: int, remark: str) -> dict[str, Any]:
    counted = _count(fitted.prompt, tokenizer)
    left_out = list(fitted.schema.left_out)
    mark = "about " if tokenizer is None else ""
    shared = f"{counted['shared_tokens']:,} of them shared by every question on this database"
    summary = f"{mark}{counted['tokens']:,} tokens, {shared}; room for {context:,}{remark}"
    if left_out:
        summary += f"; left out by relevance: {', '.join(left_out)}"
    return (
        {
            "base": base,
            "text": fitted.prompt.text,
            "estimated": tokenizer is None,
            "summary": summary,
        }
        | counted
        | {"left_out": left_out}
    )


def _tokenizer(base: str, found: Any, revision: str | None, trust: bool | None) -> tuple[Any, str]:
    try:
        if found.name == "mini":
            ensure_mini()
        return load_tokenizer(found, revision=revision, trust_remote_code=trust), ""
    except (MissingExtra, ModelError) as error:
        return None, f" (estimated at {CHARACTERS_PER_TOKEN} characters a token: {error})"


def _count(prompt: Prompt, tokenizer: Any) -> dict[str, int]:
    if tokenizer is not None:
        encoded = encode(prompt, tokenizer)
        return {"tokens": len(encoded.ids), "shared_tokens": len(encoded.shared_ids)}
    shared = Prompt(tuple(s for s in prompt.segments if s.shared), prompt.format)
    return {"tokens": count_tokens(prompt, None), "shared_tokens": count_tokens(shared, None)}
