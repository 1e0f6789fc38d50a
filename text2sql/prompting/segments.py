"""A prompt as segments: what every question on a database shares, then the question's own part.

    >>> prompt.shared_text + prompt.own_text == prompt.text
    True

Segments also say whom a text comes from. Only text of a prompt format is trusted: a `</s>` that
stands in a question, a comment or a cell value is spelled out and never becomes the token that ends
a text.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from text2sql.schema.pointers import Pointers


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a prompt."""

    text: str
    shared: bool  # the same for every question on the database
    trusted: bool  # written by a prompt format: special tokens in it are meant


class LinkedValue(NamedTuple):
    """A cell value that the question seems to mean."""

    table: str
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads before it answers."""

    segments: tuple[Segment, ...]  # all shared ones first
    format: str  # a name in FORMATS, or task+chat
    lead: str = ""  # blanks between prompt and answer; they are tokenised with the answer
    bos: bool | None = None  # begin with the tokenizer's bos; None: as the tokenizer itself does
    pointers: Pointers | None = field(default=None, compare=False)  # of a format that points

    @property
    def text(self) -> str:
        """What the model reads, without bos."""
        return "".join(segment.text for segment in self.segments)

    @property
    def shared_text(self) -> str:
        """The part that every question on the database shares."""
        return "".join(segment.text for segment in self.segments if segment.shared)

    @property
    def own_text(self) -> str:
        """The part of this question."""
        return "".join(segment.text for segment in self.segments if not segment.shared)


def merge(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Join neighbours of one kind, so that they are tokenised as one text; drop empty ones."""
    kept = (segment for segment in segments if segment.text)
    return tuple(
        Segment("".join(segment.text for segment in group), *kind)
        for kind, group in groupby(kept, key=lambda segment: (segment.shared, segment.trusted))
    )
