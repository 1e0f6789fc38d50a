"""What makes a question doubtful before any model has read it: things that are not there, choices.

    >>> [doubt.message for doubt in doubts_about("How many spaceships are there?", view)]
    ["nothing in database 'shop' is called 'spaceships' (tables: customers, orders, ...)"]

A doubt that is `sure` is a reason not to answer; the others are worth a look at the SQL.

Covered: words that evidence, earlier questions, verified pairs, comments or synonyms explain; only
names that the user of the view sees are told.
Not covered: what `schema.absence` and `schema.ambiguity` do not cover.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from text2sql.perspectives import Perspective
from text2sql.schema.absence import missing
from text2sql.schema.ambiguity import ambiguous
from text2sql.schema.mentions import linker

SHOWN = 8  # tables in a message


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason to doubt that a question can be answered as it is."""

    kind: Literal["missing", "ambiguous"]
    message: str
    between: tuple[str, ...] = ()  # tables or columns that may be meant
    sure: bool = True


def doubts_about(
    question: str,
    view: Perspective,
    *,
    history: Sequence[tuple[str, str]] = (),
    evidence: str | None = None,
) -> tuple[Doubt, ...]:
    """Return the doubts about a question, the sure ones first.

    Args:
        question: as a person asks it.
        view: of the database, for who asks.
        history: earlier turns of the conversation; with them no choice is in doubt.
        evidence: what the question's words mean.
    """
    found = linker(view.schema, view.cells)
    known = [evidence or "", *(asked for asked, _ in [*history, *view.turns_for(question)])]
    lacking = missing(question, found, known=known)
    doubts = [
        Doubt("missing", f"nothing in {_place(view)} is called {text!r} ({_tables(view)})", sure=s)
        for text, s in {each.text: each.sure for each in lacking}.items()
    ]
    if not history and not evidence:
        for each in ambiguous(question, found):
            choice = " or ".join(each.between)
            doubts.append(Doubt("ambiguous", f"{each.text!r} may mean {choice}", each.between))
    return tuple(sorted(doubts, key=lambda doubt: not doubt.sure))


def _place(view: Perspective) -> str:
    return f"database {view.schema.name!r}"


def _tables(view: Perspective) -> str:
    names = [table.full_name for table in view.schema.tables]
    more = f", ... ({len(names)} in all)" if len(names) > SHOWN else ""
    return f"tables: {', '.join(names[:SHOWN])}{more}"
