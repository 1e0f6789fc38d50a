"""What FROM says of a column once it is read: its source, its kind, its very type.

    >>> scope.column_kind(block, Reference(None, b"total"))
    'decimal'

Covered: columns of tables, derived tables and common table expressions; types of recursion.
Not covered: columns that FROM still owes; see `scope`.
"""

from text2sql.decoding.checking.frames import Block, Output, Reference
from text2sql.decoding.checking.kinds.tables import LISTS, SCALARS
from text2sql.decoding.checking.scope import Scope


class SourceScope(Scope):
    """The part of a scope that knows columns by their sources."""

    def source_of(self, block: Block, qualifier: bytes | None, name: bytes) -> int | None:
        """Return the place of the source whose column a name is; None: no source's."""
        for place, source in enumerate(block.sources):
            if qualifier in (None, source.name) and source.relation.count(name) == 1:
                return place
        return None

    def column_kind(self, block: Block, reference: Reference) -> str | None:
        """Return the kind of a column that FROM has; None where it has none such."""
        place = self.source_of(block, reference.qualifier, reference.name)
        if place is None:
            return None
        found = block.sources[place].relation
        return found.kinds[found.places[reference.name]]

    def type_of(self, block: Block, output: Output) -> str | None:
        """Return the type of an item of a SELECT whose FROM is read; None where it is not sure."""
        if output.leaves is None:
            return output.type
        merged = {name for name, _ in block.merged} | set(block.natural)
        found = []
        for qualifier, name in output.leaves:
            place = self.source_of(block, qualifier, name)
            if place is None or (qualifier is None and name in merged):
                return None
            relation = block.sources[place].relation
            found.append(relation.types[relation.places[name]])
        if output.text is not None and len(output.text) == 1 and found:
            return found[0]
        kinds = set(found)
        whole = SCALARS | LISTS
        return output.kind if kinds <= whole and output.kind in whole else None

    def is_fixed(self, block: Block, reference: Reference) -> bool:
        """Tell whether a column that FROM has is a constant of a derived table."""
        place = self.source_of(block, reference.qualifier, reference.name)
        return place is not None and reference.name in block.sources[place].relation.fixed
