"""Rewards for reinforcement learning on SQL: does it answer as gold, does it run, is it in form.

They are plain functions in the signature of trl's GRPOTrainer, ours or yours:

    >>> with Executor(workers=2) as executor:
    ...     judge = ExecutionJudge(executor.execute, lambda db_id: suite(find(db_id)))
    ...     trainer = GRPOTrainer(
    ...         model,
    ...         [execution_reward(judge), validity_reward(judge), format_reward()],
    ...         args=GRPOConfig("runs/mine", reward_weights=[1.0, 0.1, 0.1]),
    ...         train_dataset=Dataset.from_list(
    ...             [{"prompt": text, "db_id": "shop", "query": "SELECT count(*) FROM orders"}]
    ...         ),
    ...     )
    ...     trainer.train()

The columns `db_id` and `query` (or `queries`, several accepted) come from the training rows.

Covered: completions as text and as messages; completions that are the same run once; SQL that hangs
costs its deadline and earns nothing; a question whose gold finds nothing on any database gives no
execution reward at all (None, which trl leaves out), rather than one for all that finds nothing.
Not covered: speed of the SQL; partial credit for a result that is nearly right, which pays for
near misses.
"""

from collections.abc import Callable, Sequence
from typing import Any

from text2sql.errors import PromptError, SettingsError
from text2sql.prompting.answers import ANSWERS
from text2sql.prompting.sqltext import looks_like_sql
from text2sql.training.verdicts import Judge, Verdict, judge_all

Reward = Callable[..., list[float | None]]
Read = Callable[[str, str], str]  # the SQL in a completion; given its text and db_id

REWARDS = ("execution", "validity", "format")  # what a recipe's `reward_weights` may name


def read_plain(text: str, db_id: str) -> str:
    """Return the first SQL statement in a text, fenced or not."""
    return ANSWERS["plain"].find(text)


def execution_reward(judge: Judge, *, read: Read = read_plain, workers: int = 2) -> Reward:
    """Return the reward of 1 for SQL that answers as gold on every database, else 0.

    Args:
        judge: runs SQL beside gold.
        read: finds the SQL in a completion.
        workers: queries that run at the same time.
    """

    def execution(completions: Sequence[Any], **columns: Any) -> list[float | None]:
        verdicts = _verdicts(judge, read, workers, completions, columns)
        return [None if v.correct is None else float(v.correct) for v in verdicts]

    return execution


def validity_reward(judge: Judge, *, read: Read = read_plain, workers: int = 2) -> Reward:
    """Return the reward of 1 for SQL that runs on the question's own database, else 0.

    Args:
        judge, read, workers: as for `execution_reward`; with the same judge nothing runs twice.
    """

    def validity(completions: Sequence[Any], **columns: Any) -> list[float | None]:
        verdicts = _verdicts(judge, read, workers, completions, columns)
        return [float(verdict.valid) for verdict in verdicts]

    return validity


def format_reward(answer_format: str = "plain", *, stop: Sequence[str] = ()) -> Reward:
    """Return the reward of 1 for a completion that is one SQL statement in its form and no more.

    Args:
        answer_format: a name in `prompting.answers.ANSWERS`.
        stop: strings that end an answer.
    """
    answer = ANSWERS[answer_format]

    def form(completions: Sequence[Any], **columns: Any) -> list[float | None]:
        db_ids = columns.get("db_id") or [""] * len(completions)
        texts = map(completion_text, completions)
        return [float(in_form(text, db_id)) for text, db_id in zip(texts, db_ids, strict=True)]

    def in_form(text: str, db_id: str) -> bool:
        try:
            found = answer.find(text, stop=stop)
            before, sql, after = answer.parts(found, db_id=db_id)
        except PromptError:
            return False
        written = [f"{before}{sql}{end}{after}".strip() for end in ("", ";")]
        return looks_like_sql(found) and text.strip() in written

    form.__name__ = "format"  # what trl logs it under
    return form


def completion_text(completion: Any) -> str:
    """Return the text of a completion: as it is, or the last message of a conversation."""
    return completion if isinstance(completion, str) else str(completion[-1]["content"])


def _verdicts(
    judge: Judge, read: Read, workers: int, completions: Sequence[Any], columns: dict[str, Any]
) -> list[Verdict]:
    golds, db_ids = _golds(columns), _column("db_id", columns)
    texts = map(completion_text, completions)
    cases = [
        (read(text, db_id), gold, db_id)
        for text, gold, db_id in zip(texts, golds, db_ids, strict=True)
    ]
    distinct = list(dict.fromkeys(cases))  # most of a group is often the same
    found = dict(zip(distinct, judge_all(judge, distinct, workers=workers), strict=True))
    return [found[case] for case in cases]


def _golds(columns: dict[str, Any]) -> list[tuple[str, ...]]:
    if columns.get("queries") is not None:
        return [tuple(queries) for queries in columns["queries"]]
    return [(query,) for query in _column("query", columns)]


def _column(name: str, columns: dict[str, Any]) -> Sequence[str]:
    if name not in columns:
        raise SettingsError(f"a reward by execution needs the column {name!r} in the training rows")
    return columns[name]
