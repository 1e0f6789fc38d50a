"""What is kept of every question: a line in the audit log, and figures.

>>> answer = accounted(deployment, "5f0c...", caller, question, lambda: predictor.predict(...))
"""

from collections.abc import Callable
from typing import Any

from text2sql.answers import Answer
from text2sql.errors import OutputError
from text2sql.serving.deployment import Caller, Deployment
from text2sql.serving.engines import Question
from text2sql.serving.problems import Problem, problem_of


def accounted(
    deployment: Deployment,
    request_id: str,
    caller: Caller,
    question: Question,
    ask: Callable[[], Answer],
) -> Answer:
    """Return an answer, or raise as `ask` does, when it stands in the audit log.

    Raises:
        Problem: 503, the audit log cannot be written.
    """
    try:
        answer = ask()
    except Exception as error:
        _write(deployment, request_id, caller, question, {"error_kind": problem_of(error).kind})
        _count(deployment, question, problem_of(error).kind, {})
        raise
    outcome = outcome_of(answer)
    said = {
        "sql": answer.sql,
        "rewritten": answer.rewritten,
        "kept_back": list(answer.kept_back),
        "rows": len(answer.rows),
        "truncated": answer.truncated,
        "error_kind": None if outcome == "answered" else outcome,
        "seconds": {part: round(seconds, 4) for part, seconds in answer.seconds.items()},
    }
    _write(deployment, request_id, caller, question, said)
    _count(deployment, question, outcome, answer.seconds)
    return answer


def outcome_of(answer: Answer) -> str:
    """Return in a word what came of a question: answered, failed, or why it abstains."""
    if answer.abstention is not None:
        return answer.abstention.kind
    return "answered" if answer.error is None else "failed"


def _write(
    deployment: Deployment,
    request_id: str,
    caller: Caller,
    question: Question,
    said: dict[str, Any],
) -> None:
    if deployment.audit is None:
        return
    entry = {
        "request_id": request_id,
        "user": caller.name,
        "attributes": caller.user,
        "model": question.model,
        "database": question.database,
        "question": question.text,
        "evidence": question.evidence,
        "tables": question.tables,
    }
    try:
        deployment.audit.write({**entry, **said})
    except OutputError as error:
        message = "nothing is answered while the audit log cannot be written"
        raise Problem(503, message, kind="unavailable", hidden=str(error)) from None


def _count(
    deployment: Deployment, question: Question, outcome: str, seconds: dict[str, float]
) -> None:
    service = deployment.service
    model, database = question.model or service.models[0], question.database or service.databases[0]
    named = (
        model if model in service.models else "",
        database if database in service.databases else "",
    )
    deployment.metrics.count_question(*named, outcome, seconds)
