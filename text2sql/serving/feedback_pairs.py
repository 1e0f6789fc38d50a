"""Turn feedback into training pairs: questions with SQL that a user found right, proved by running.

    >>> learned = learn(read_feedback("feedback.sqlite"), {"shop": locate("shop.sqlite")})
    >>> learned.records[0]["query"], learned.records[0]["source"]
    ('SELECT count(*) FROM orders', 'feedback')

Thumbs up speak for the SQL that was shown, corrections and edits for the user's own and against
what was shown, thumbs down against it. A user's later word on a question replaces their earlier
one. SQL that anybody's last word is against is never gold.

Covered: a question with several SQLs gives one pair where all have the same result, else none: both
are contradictions, and told; equal pairs once; the records are lines for `t2s train --data` and for
`pairs:` in text2sql.yaml.
Not covered: whether people are right; follow-up questions, which say nothing alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from text2sql.data.likeness import plain, plain_sql
from text2sql.databases import Database, hide_password
from text2sql.errors import UnknownName
from text2sql.examples import Example, write_example
from text2sql.execution import Execution, Executor
from text2sql.project import find_database, load_project
from text2sql.scoring.execution_metrics import orders_rows
from text2sql.scoring.results import same_rows
from text2sql.serving.feedback import GIVING, Feedback

SOURCE = "feedback"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A question on which people do not agree, or on which results differ."""

    database: str
    question: str
    reason: str
    sql: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """Example records, and what became of the rest."""

    records: list[dict[str, Any]]
    read: int  # entries of the store
    left: dict[str, int]  # reason -> entries, or SQLs
    contradictions: list[Contradiction]
    failing: list[dict[str, str]]  # SQL that somebody found right and that does not run

    def account(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        said = {"pairs": len(self.records), "read": self.read, "left": self.left}
        told = [asdict(each) for each in self.contradictions]
        return said | {"contradictions": told, "failing": self.failing}


@dataclass(slots=True)
class _Support:
    """Who is for one SQL and who against it."""

    sql: str  # as it was last written
    entries: list[Feedback] = field(default_factory=list)  # that are for it
    against: int = 0

    @property
    def people(self) -> int:
        return len({each.user or each.id for each in self.entries})

    @property
    def last(self) -> Feedback:
        return max(self.entries, key=lambda each: each.id)


def homes(said: Iterable[Feedback], database: str | None) -> dict[str, Database]:
    """Find the databases that feedback is about, by the names that it uses.

    Args:
        said: the feedback.
        database: a name, path or URL: the entries under that name are about it, or all where they
            use one name; None finds each name in text2sql.yaml, and leaves out what is not there.

    Raises:
        UnknownName: the feedback uses several names, and not this one.
        DatabaseError: the database cannot be opened.
    """
    names = sorted({each.database for each in said})
    project = load_project()
    if database is None:
        return {name: project.database(name) for name in names if name in project.databases}
    found = find_database(database, project=project)
    if len(names) == 1:
        return {names[0]: found}
    name = next((each for each in (database, found.name) if each in names), None)
    if name is None and names:
        raise UnknownName("database", found.name, names, "in the feedback")
    return {name: found} if name is not None else {}


def learn(
    said: Iterable[Feedback],
    databases: Mapping[str, Database],
    *,
    timeout: float = 5.0,
) -> Learned:
    """Make example records of feedback.

    Args:
        said: the oldest first.
        databases: by the names that the feedback uses; what is said of others is left out.
        timeout: seconds for one query.

    Raises:
        DatabaseError: a database cannot be opened.
    """
    said = list(said)
    left: Counter[str] = Counter()
    questions: dict[tuple[str, str, str], list[Feedback]] = defaultdict(list)
    for each in said:
        if each.database not in databases:
            left["of another database"] += 1
        elif each.follow_up:
            left["follow-up questions"] += 1
        else:
            about = plain(each.question) or each.question, plain(each.evidence or "")
            questions[(each.database, *about)].append(each)
    learned = Learned([], len(said), {}, [], [])
    with Executor() as executor:
        for (name, *_), entries in questions.items():
            _learn_one(entries, databases[name], executor, timeout, learned, left)
    learned.left.update((reason, count) for reason, count in left.most_common() if count)
    return learned


def _learn_one(
    entries: list[Feedback],
    database: Database,
    executor: Executor,
    timeout: float,
    learned: Learned,
    left: Counter[str],
) -> None:
    """Add the pair of one question, or why there is none."""
    opinions = _opinions(entries)
    about = entries[-1].database, entries[-1].question
    for each in opinions:
        if each.entries and each.against:
            reason = "found right and found wrong"
            learned.contradictions.append(Contradiction(*about, reason, (each.sql,)))
        left["found wrong"] += bool(each.against)
    ran: list[tuple[_Support, Execution]] = []
    for each in (each for each in opinions if each.entries and not each.against):
        result = executor.execute(each.sql, database, timeout=timeout)
        if result.error is None:
            ran.append((each, result))
        else:
            left["does not run"] += 1
            learned.failing.append({"sql": each.sql, "reason": result.error})
    if not ran:
        return
    if not all(_same(ran[0], other, database) for other in ran[1:]):
        texts = tuple(each.sql for each, _ in ran)
        learned.contradictions.append(Contradiction(*about, "results differ", texts))
        left["results differ"] += len(ran)
        return
    left["another SQL with the same result"] += len(ran) - 1
    best = max((each for each, _ in ran), key=lambda each: (each.people, each.last.id))
    learned.records.append(_record(best, database))


def _opinions(entries: list[Feedback]) -> list[_Support]:
    """Return the SQLs of one question with everybody's last word on each."""
    words: dict[tuple[str | int, str], tuple[bool, Feedback, str]] = {}  # by person and SQL
    for each in entries:
        who = each.id if each.user is None else each.user
        if each.kind in GIVING:  # a second correction takes back the first
            for key, (good, before, _) in list(words.items()):
                if key[0] == who and good and before.kind in GIVING:
                    del words[key]
        for sql, good in _verdicts(each):
            words[who, plain_sql(sql)] = good, each, sql
    found: dict[str, _Support] = {}
    for (_, same), (good, each, sql) in words.items():
        support = found.setdefault(same, _Support(sql))
        support.sql = sql
        if good:
            support.entries.append(each)
        support.against += not good
    return list(found.values())


def _verdicts(said: Feedback) -> list[tuple[str, bool]]:
    """Return what feedback says of which SQL, the shown one first."""
    shown, own = said.sql, said.corrected if said.kind in GIVING else None
    verdicts = [(shown, said.kind == "up")] if shown else []
    return verdicts + ([(own, True)] if own else [])


def _same(
    one: tuple[_Support, Execution], other: tuple[_Support, Execution], database: Database
) -> bool:
    ordered = all(orders_rows(each.sql, database.dialect) for each, _ in (one, other))
    (_, left), (_, right) = one, other
    return left.truncated == right.truncated and same_rows(left.rows, right.rows, ordered=ordered)


def _record(best: _Support, database: Database) -> dict[str, Any]:
    about = {
        "entries": [each.id for each in best.entries],
        "kinds": sorted({each.kind for each in best.entries}),
        "people": best.people,
        "time": best.last.time,
    }
    example = Example(
        0,
        best.last.question.strip(),
        (best.sql.strip().rstrip("; \n"),),
        Path(database.name).stem,
        database=_reference(database),
        evidence=best.last.evidence,
        dialect=database.dialect,
        split="train",
        source=SOURCE,
        others={SOURCE: about},
    )
    return write_example(example)


def _reference(database: Database) -> str | None:
    """Return how a record names its database: not at all where the URL holds a secret."""
    if database.path is not None:
        return str(database.path)
    return database.url if hide_password(database.url) == database.url else None
