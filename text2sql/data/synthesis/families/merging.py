"""What narrows rows, in parts: each with its words, several joined to one.

    >>> merged(speaker, [Part("from Rome", condition), Part("above the average", other)]).words
    ' from Rome and above the average'

A part is worded as it stands behind a noun (English) or in front of one (Chinese), so that any of
them may stand together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from text2sql.data.synthesis.families.parts import joint
from text2sql.data.synthesis.grammar import is_modifier, plain, with_link
from text2sql.data.synthesis.queries import Bool, Col, Compare, Expr, Join, Junction, Query
from text2sql.data.synthesis.speaking import Speaker


@dataclass(frozen=True, slots=True)
class Part:
    """What narrows rows, and its words: without a blank before or 的 behind them."""

    words: str
    where: Bool | None = None
    joins: tuple[Join, ...] = ()
    group: tuple[Expr, ...] = ()
    having: Bool | None = None
    repeats: bool = False  # joins may give a row several times: what is counted then is wrong

    def over(self, query: Query) -> Query:
        """Return a query of the rows that are left."""
        return replace(
            query,
            joins=(*query.joins, *self.joins),
            where=joint(query.where, self.where),
            group=query.group or self.group,
            having=joint(query.having, self.having),
        )


def repeats(part: Part, parts: Sequence[Part]) -> bool:
    """Tell whether a part says what another one says, or groups where another one does."""
    columns = compared(part)
    alike = any(columns & compared(other) for other in parts)
    counts = [p for p in (part, *parts) if p.group or p.repeats]
    return alike or (len(counts) > 1 and any(p.group for p in counts))


def compared(part: Part) -> frozenset[Col]:
    """Return the columns that a part's conditions begin with."""
    conditions = part.where.parts if isinstance(part.where, Junction) else (part.where,)
    lefts = (one.left for one in conditions if isinstance(one, Compare))
    return frozenset(left for left in lefts if isinstance(left, Col))


def merged(speaker: Speaker, parts: Sequence[Part]) -> Part:
    """Join parts by AND, two conditions by OR at times; words as `Speaker.behind` gives them."""
    if not parts:
        return Part("")
    plain = all(isinstance(p.where, Compare) and not p.joins and not p.group for p in parts)
    operator = "or" if len(parts) == 2 and plain and speaker.chance(0.22) else "and"
    wheres = [part.where for part in parts if part.where is not None]
    where = Junction("or", tuple(wheres)) if operator == "or" else joint(*wheres)
    return Part(
        speaker.behind(joined(speaker, [part.words for part in parts], operator)),
        where,
        tuple(join for part in parts for join in part.joins),
        next((part.group for part in parts if part.group), ()),
        joint(*(part.having for part in parts)),
        any(part.repeats for part in parts),
    )


def together(speaker: Speaker, parts: Sequence[Part]) -> Part:
    """Join conditions by AND; words as `Speaker.behind` gives them."""
    words = joined(speaker, [part.words for part in parts], "and")
    return Part(speaker.behind(words), joint(*(part.where for part in parts)))


def joined(speaker: Speaker, words: Sequence[str], operator: str) -> str:
    """Join the words of parts; one that may stand before the noun comes first."""
    if len(words) == 1:
        return words[0]
    link = speaker.say("together" if operator == "and" else "or")
    if operator == "or":
        return speaker.say("either") + link.join(map(plain, words))
    first, *rest = sorted(words, key=is_modifier, reverse=True)
    behind = link.join(map(plain, rest))
    return with_link(first, link) + behind if is_modifier(first) else plain(first) + link + behind


def clause(speaker: Speaker, text: str) -> str:
    """Return words that stand at a noun without their blank or particle."""
    return text.strip() if speaker.english else text.removesuffix("的")
