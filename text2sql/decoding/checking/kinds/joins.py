"""Which sources a join sees, which columns FULL and ASOF JOIN compare, what SEMI JOIN leaves.

    >>> scope.pairs(block)
    {b'orders': [b'customer_id'], b'customers': [b'customer_id']}

Covered: sources behind the last comma of a FROM.
Not covered: the kinds that USING and NATURAL merge; see `scope`.
"""

from text2sql.decoding.checking.frames import Block, Reference, Source
from text2sql.decoding.checking.kinds.families import joinable
from text2sql.decoding.checking.kinds.sources import SourceScope
from text2sql.decoding.checking.relations import relation

_NOTHING = relation(())


class JoinScope(SourceScope):
    """The part of a scope that knows what is joined."""

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
