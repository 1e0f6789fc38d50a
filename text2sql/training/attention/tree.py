"""The segments of a row that shares prefixes, read from its `reach`.

    >>> tree = read_tree([5, 5, 4, 4, 5])
    >>> [(s.start, s.end, s.ancestors) for s in tree.segments]
    [(0, 2, ()), (2, 4, (0,)), (4, 5, (0,))]

`rows` explains `reach`: token `j` is seen by the tokens `j` to `reach[j] - 1`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """Neighbouring tokens that the same tokens see."""

    start: int
    end: int
    ancestors: tuple[int, ...]  # numbers of the segments that it sees beside itself, root first


@dataclass(frozen=True, slots=True)
class Tree:
    """A row's segments in the order of its tokens."""

    reach: tuple[int, ...]
    segments: tuple[Segment, ...]

    def roots(self) -> Iterator[tuple[Segment, list[Segment]]]:
        """Yield each root with all segments below it."""
        below: list[Segment] = []
        root: Segment | None = None
        for segment in self.segments:
            if segment.ancestors:
                below.append(segment)
                continue
            if root is not None:
                yield root, below
            root, below = segment, []
        if root is not None:
            yield root, below

    def path(self, segment: Segment) -> list[int]:
        """Return the places of all tokens that a segment's last token sees, in order."""
        seen = [self.segments[number] for number in segment.ancestors] + [segment]
        return [place for part in seen for place in range(part.start, part.end)]


def read_tree(reach: Sequence[int]) -> Tree:
    """Read the segments of one row.

    Raises:
        ValueError: two texts overlap without one being inside the other: this is no forest.
    """
    segments: list[Segment] = []
    opened: list[int] = []  # numbers of the segments that the next token sees
    start = 0
    for place in range(1, len(reach) + 1):
        if place < len(reach) and reach[place] == reach[start]:
            continue
        while opened and reach[segments[opened[-1]].start] <= start:
            opened.pop()
        limit = reach[segments[opened[-1]].start] if opened else len(reach)
        if not place <= reach[start] <= limit:
            raise ValueError(f"token {start} reaches {reach[start]}, between {place} and {limit}")
        segments.append(Segment(start, place, tuple(opened)))
        opened.append(len(segments) - 1)
        start = place
    return Tree(tuple(reach), tuple(segments))
