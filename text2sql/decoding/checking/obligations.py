"""References that FROM owes, and the sources that it may hold: let in while a plan can pay.

    >>> obligations.owe(block, Reference(b"t1", b"name")).pending
    frozenset({Reference(qualifier=b't1', name=b'name', ...)})

Covered: what may be owed before FROM, names that may come, tables of every namespace.
Not covered: how it is paid; see `plans`.
"""

import re
from collections.abc import Iterable

from text2sql.decoding.checking.frames import Block, Reference, remembered
from text2sql.decoding.checking.plans import SOURCE_LIMIT, Payment, Plans
from text2sql.decoding.checking.relations import Relation, with_prefix

CORRELATED = ("scalar", "in", "exists", "lateral")
# What people call a table in a query; other names are its own.
ALIAS = re.compile(rb"[a-z_]{1,3}[0-9]{0,2}")
GENERATED = re.compile(rb"_\d+")  # what sqlglot calls a derived table without an alias
FRESH = b"\x00"  # a name that no query gives


class Obligations(Plans):
    """What FROM owes, and what it may hold."""

    def feasible(self, block: Block, *, lenient: bool = False) -> bool:
        """Tell whether FROM can still meet every obligation.

        Args:
            block: a SELECT whose FROM is not closed.
            lenient: a USING that may follow merges the names that the last source doubles.
        """
        return self.plan(block, lenient=lenient) is not None

    @remembered
    def owe(self, block: Block, reference: Reference) -> Block | None:
        """Return the SELECT with one more obligation; None where that could never be met."""
        if reference in block.pending:
            return block
        if reference.name in block.barred and not reference.soft:
            return None
        if not self.invents and not self.may_exist(block, reference):
            return None
        owing = self.frames.change(block, pending=block.pending | {reference})
        return owing if self.feasible(owing) else None

    def may_exist(self, block: Block, reference: Reference) -> bool:
        """Tell whether some table or CTE in sight has what a reference asks for."""
        if block.phase != "items" or reference.soft or self.count(block, reference) == 1:
            return True
        for around in list(self.chain(block))[1:]:
            if around.phase != "items" and self.count(around, reference) == 1:
                return True
        qualifier, name = reference.qualifier, reference.name
        if qualifier is None:
            query = self.query_of(block)
            made = query.names or query.cte
            if not made:
                return name in self.all_columns
            return any(found.count(name) == 1 for found in self.relations(block))
        wanted = {r.name for r in block.pending if r.qualifier == qualifier} | {name}
        known = self.find_relation(block, qualifier)
        relations = [known] if known is not None else self.relations(block)
        return any(
            all(found.count(column) == 1 for column in wanted - {b"*"}) for found in relations
        )

    def may_qualify(self, block: Block, name: bytes) -> bool:
        """Tell whether a name before a dot, before FROM, is a table's or looks like an alias."""
        if GENERATED.fullmatch(name):
            return False
        owed = any(reference.qualifier == name for reference in block.pending)
        known = self.find_relation(block, name) is not None
        return self.invents or owed or known or ALIAS.fullmatch(name) is not None

    def makes(self, block: Block, prefix: bytes) -> bool:
        """Tell whether FROM may hold a table with a column of any name that begins so."""
        return self.invents and not block.deep and len(prefix) <= self.dialect.name_limit

    def columns_to_come(self, block: Block, prefix: bytes = b"") -> list[bytes]:
        """Return the columns of every table and CTE that FROM could still name."""
        made_up = self.makes(block, prefix)
        stored = [] if made_up else list(with_prefix(self.column_names, prefix))
        query = self.query_of(block)
        if not query.names and query.cte is None:
            return stored
        found = set(stored)
        made_here = {query.cte} if query.cte is not None else set()
        for name in dict(query.names).keys() | made_here:
            made = self.find_relation(block, name)
            found.update(made.with_prefix(prefix) if made is not None else ())
        return sorted(found)

    def members_to_come(
        self, block: Block, qualifier: bytes, prefix: bytes = b""
    ) -> Iterable[bytes]:
        """Return names of columns that may be owed by an alias that FROM has not bound."""
        if self.invents and not block.deep and not prefix:
            made = dict(self.query_of(block).names).get(qualifier)
            return (FRESH, *(made.ordered if made is not None else ()))
        found = self.find_relation(block, qualifier)
        return found.with_prefix(prefix) if found else self.columns_to_come(block, prefix)

    @remembered
    def add_source(
        self,
        block: Block,
        name: bytes | None,
        found: Relation,
        *,
        lenient: bool = False,
    ) -> Block | None:
        """Return the SELECT with one more source; None where an obligation forbids it."""
        added = self._with_source(block, name, found)
        return added if added is not None and self.feasible(added, lenient=lenient) else None

    def can_add(self, block: Block, own: bytes | None, found: Relation) -> bool:
        """Tell whether a relation may be a source under any name."""
        lenient = block.phase in ("join", "full")
        if not self.joins_itself:
            return self.add_source(block, own, found, lenient=lenient) is not None
        names = (own, FRESH, *sorted({r.qualifier for r in block.pending if r.qualifier}))
        return any(self.add_source(block, n, found, lenient=lenient) for n in names)

    def namespace_fits(self, block: Block, name: bytes) -> bool:
        """Tell whether FROM may hold a table of a namespace."""
        found = self.namespaces.get(name, {}).items()
        return any(self.can_add(block, own, table) for own, table in found)

    def has_room(self, block: Block) -> bool:
        """Tell whether one more source can be added, at the end of a FROM as it stands."""
        plan = self.plan(self.frames.change(block, phase="from"))
        if plan is None or len(block.sources) + max(1, len(plan.payments)) > SOURCE_LIMIT:
            return False
        if self._is_too_wide(block, plan.payments or (Payment(None, ()),)):
            return False
        return not block.deep or any(
            self.can_add(block, name, found)
            for name in self.relation_names(block)
            if (found := self.find_relation(block, name)) is not None
        )
