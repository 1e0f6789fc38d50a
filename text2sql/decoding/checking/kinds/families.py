"""Which columns FULL JOIN may compare: it wants a hash join. For USING see `rules.Rules.merges`.

>>> joinable(source)
{b'id': 'number', b'name': 'text'}
"""

from text2sql.decoding.checking.frames import Source
from text2sql.decoding.checking.kinds.tables import NUMBERS

# Kinds of which a hash join takes two: each with those of its family.
_FAMILIES = {
    **dict.fromkeys((*NUMBERS, "number", "integer"), "number"),
    **{kind: kind for kind in ("text", "date", "timestamp", "timestamptz", "boolean", "uuid")},
}


def joinable(source: Source) -> dict[bytes, str]:
    """Return the columns of a source that can be qualified and joined, with their families."""
    if source.name is None or source.mute:
        return {}
    found, kinds = source.relation, source.relation.kinds
    return {n: _FAMILIES[kinds[p]] for n, p in found.places.items() if kinds[p] in _FAMILIES}
