"""What the small commands do: show a prompt, check a piece of SQL, read a question from stdin.

Each joins rooms that must not know each other; the commands themselves only print.
"""

import json
import sys
from datetime import date
from typing import Any

from text2sql.bases import find_base, load_tokenizer
from text2sql.bundled import ensure_mini
from text2sql.cells import DatabaseCells
from text2sql.decoding.verification import verify
from text2sql.errors import MissingExtra, ModelError, PromptError, SettingsError
from text2sql.execution import Executor
from text2sql.execution.sampling import sampler
from text2sql.models import ANSWER_ROOM, DEFAULT_CONTEXT
from text2sql.project import find_database
from text2sql.prompting import Prompt, encode, fit
from text2sql.prompting.budget import CHARACTERS_PER_TOKEN, count_tokens
from text2sql.schema import canonicalise, read_schema


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


def check_sql(sql: str, database: str | None) -> dict[str, Any]:
    """Judge SQL against a database: canonicalise, parse, look up its names, ask for EXPLAIN."""
    found = find_database(database)
    schema = read_schema(found)
    canonical = canonicalise(sql, schema)
    with Executor(found) as executor:
        verification = verify(canonical, schema, explain=executor.explain)
    fault = verification.fault
    return {
        "valid": verification.valid,
        "sql": canonical,
        "layers": verification.layers,
        "fault": {"layer": fault.layer, "message": fault.message} if fault else None,
    }


def show_prompt(
    question: str,
    database: str | None,
    *,
    base: str,
    style: str | None,
    language: str,
    today: date,
    revision: str | None = None,
    trust_remote_code: bool | None = None,
) -> dict[str, Any]:
    """Build a prompt and count its tokens; without the base's tokenizer, say it is an estimate."""
    found = find_base(base)
    asked = find_database(database)
    schema = read_schema(asked)
    tokenizer, remark = _tokenizer(base, found, revision, trust_remote_code)
    context = found.context_length or DEFAULT_CONTEXT
    fitted = fit(
        question,
        schema,
        base=found,
        tokenizer=tokenizer,
        max_length=context - ANSWER_ROOM,
        style=style or found.style,
        language=language,
        today=today,
        sample=sampler(asked),
        cells=DatabaseCells(asked, schema),
    )
    counted = _count(fitted.prompt, tokenizer)
    left_out = list(fitted.schema.left_out)
    mark = "about " if tokenizer is None else ""
    shared = f"{counted['shared_tokens']:,} of them shared by every question on this database"
    summary = f"{mark}{counted['tokens']:,} tokens, {shared}; room for {context:,}{remark}"
    if left_out:
        summary += f"; left out by relevance: {', '.join(left_out)}"
    return (
        {
            "base": found.name,
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
