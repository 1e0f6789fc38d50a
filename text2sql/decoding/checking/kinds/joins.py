"""Which sources a join sees, which columns FULL and ASOF JOIN compare, what SEMI JOIN leaves.

    >>> scope.pairs(block)
    {b'orders': [b'customer_id'], b'customers': [b'customer_id']}

Covered: sources behind the last comma of a FROM; what sqlglot finds of those before.
Not covered: the kinds that USING and NATURAL merge; see `scope`.
"""

from text2sql.decoding.checking.frames import Block, Call, Context, Frame, Reference, Source
from text2sql.decoding.checking.kinds.families import joinable
from text2sql.decoding.checking.kinds.sources import SourceScope
from text2sql.decoding.checking.relations import relation

GROWING = ("from", "join")  # phases of a FROM whose sources are still read
HALF = "half"  # among `Block.groups`: the condition of a SEMI or ANTI JOIN is read
_NOTHING = relation(())


class JoinScope(SourceScope):
    """The part of a scope that knows what is joined."""

    def in_reach(self, block: Block, reference: Reference, *, direct: bool) -> bool:
        """Tell whether a column that FROM has is seen where it is named.

        Args:
            block: the SELECT, whose FROM may still be read.
            reference: the column.
            direct: it stands in the SELECT itself, not in a query within.
        """
        if block.phase not in (*GROWING, "on"):
            return True
        place = self.source_of(block, reference.qualifier, reference.name)
        if place is None:
            return False
        begun = self.joined_from(block)
        if block.phase == "on" and self.dialect.comma_hides and place < begun:
            return False
        if reference.qualifier is None and not self._is_found(block, reference, place, direct):
            return False
        return block.phase == "on" or reference.name not in (*dict(block.merged), *block.natural)

    def _is_found(self, block: Block, reference: Reference, place: int, direct: bool) -> bool:
        """Tell whether a plain name in a FROM is found as the column of a source."""
        begun = self.joined_from(block)
        if place < begun and any(s.name == reference.name for s in block.sources[begun:]):
            return False  # DuckDB takes it for the row of what is joined
        if direct:
            return True
        if block.phase == "on":  # of a SEMI JOIN sqlglot shows a query within the left side alone
            return HALF not in block.groups or place < len(block.sources) - 1
        return not block.sources[place].made

    def is_lost(self, frame: Frame, reference: Reference) -> bool:
        """Tell whether sqlglot does not find a column in unnest().

        It shows it no plain names of other rows, and takes an alias for the CTE of that name.
        """
        unnests = False
        while isinstance(frame, (Call, Context)):
            unnests |= isinstance(frame, Call) and frame.function.name == "unnest"
            frame = frame.parent
        if not unnests or not isinstance(frame, Block) or frame.phase not in GROWING:
            return False
        if reference.qualifier is not None:
            made = self._made(self.query_of(frame), reference.qualifier)
            return made is not None and made.count(reference.name) != 1
        place = self.source_of(frame, None, reference.name)
        return place is not None and frame.sources[place].made

    def halved(self, block: Block) -> Block:
        """Return the SELECT behind a SEMI or ANTI JOIN: the source has no columns any more."""
        *sources, last = block.sources
        used = [name for place, name in block.hidden if place == len(sources)]
        merged = ((name, size - used.count(name)) for name, size in block.merged)
        halved: Block = self.frames.change(
            block,
            sources=(*sources, Source(last.name, _NOTHING, mute=True)),
            merged=tuple((name, size) for name, size in merged if size > 1),
        )
        return halved

    def pairs(self, block: Block, left: Reference | None = None) -> dict[bytes, list[bytes]]:
        """Return the columns, by source, that FULL and ASOF JOIN compare: the last's with others.

        `left` is the column that stands on the left already.
        """
        *before, last = block.sources[self.joined_from(block) :]
        ways = (before, [last]), ([last], before)
        found: dict[bytes, list[bytes]] = {}
        for sources, others in ways:
            shared = {f for other in others for f in joinable(other).values()}
            if left is not None:
                named = {s.name: joinable(s) for s in others}.get(left.qualifier, {})
                shared &= {named.get(left.name, "")}
            for source in sources:
                fitting = [name for name, f in joinable(source).items() if f in shared]
                if fitting and source.name:
                    found[source.name] = sorted(fitting)
        return found

    def joined_from(self, block: Block) -> int:
        """Return the place of the first source that a JOIN sees: those after the last comma."""
        return max((flag for flag in block.groups if isinstance(flag, int)), default=0)
