"""A plan of the sources that meet what a FROM clause owes to the names before it.

    SELECT T1.name, age FROM ...           owes T1 with a column `name`, and a column `age`
    Plan(merges=(), payments=(Payment(b"t1", (b"name",)), Payment(None, (b"age",))))

A SELECT may be read on only while such a plan exists, and a completion writes the plan: what says
that a text can be ended is what ends it. A payment is a table that has the columns, or a derived
table that is made to have just those; where the query is nested too deeply for another derived
table, it is a table of that name.

Covered: plain and qualified columns, `*` and `q.*` in a query of a given width, names that USING
must merge, names that a derived table must not give to the FROM around it.
Not covered: kinds of columns, which `kinds` adds.
"""

from collections.abc import Iterator
from typing import NamedTuple

from text2sql.decoding.checking.aggregation import Aggregation
from text2sql.decoding.checking.frames import Block, Frame, Query, Reference, Source, remembered
from text2sql.decoding.checking.lookups import DERIVED, TRUTHS
from text2sql.decoding.checking.relations import Relation

SOURCE_LIMIT = 30  # of the 64 tables that SQLite joins
LEAST = 2  # sources that parentheses in FROM hold


class Payment(NamedTuple):
    """One source that a FROM clause owes."""

    qualifier: bytes | None  # that it must go by; None: any
    columns: tuple[bytes, ...]  # that it must have, sorted
    width: int = 0  # columns that it must have in all; 0: any number
    table: bytes | None = None  # the only table that it can be; None: any, or a derived one


class Plan(NamedTuple):
    """How the obligations of a SELECT can be met."""

    merges: tuple[bytes, ...]  # names that a USING has to merge first
    payments: tuple[Payment, ...]


class Plans(Aggregation):
    """How what FROM owes can be paid."""

    @remembered
    def plan(self, block: Block, *, lenient: bool = False) -> Plan | None:
        """Return how FROM can meet every obligation; None where it cannot. See `feasible`."""
        outside = {r.qualifier or r.name for r in block.pending if r.outside}
        doubled: set[bytes] = set()
        unmet: dict[bytes | None, set[bytes]] = {}
        for reference in block.pending:
            count = self.count(block, reference)
            must = (reference.qualifier or reference.name) in outside
            if reference.outside and count:
                return None
            if count == 0 and (must or reference.soft):
                if self._hand_out(block, reference) is not None:
                    continue
                if must:
                    return None
            if count > 1:
                if not lenient or reference.fixed or reference.qualifier is not None:
                    return None
                doubled.add(reference.name)
            elif count == 0:
                unmet.setdefault(reference.qualifier, set()).add(reference.name)
        if block.outer:
            if block.natural and any(output.name == b"*" for output in block.outputs):
                return None
            doubled |= self._ambiguous_in_star(block)
        if doubled and not (lenient and all(self._mergeable(block, n) for n in doubled)):
            return None
        plain = self._left_over(block, unmet, doubled)
        if plain is None:
            return None
        payments = self._payments(block, unmet, plain)
        if payments is None:
            return None
        if any(output.name == b"*" for output in block.outputs) and (
            self._is_too_wide(block, payments) or not self._shown_around(block, payments)
        ):
            return None
        return Plan(tuple(sorted(doubled)), payments)

    def _is_too_wide(self, block: Block, payments: tuple[Payment, ...]) -> bool:
        """Tell whether the list would show more columns than the engine takes."""
        total = LEAST * len(block.nests)
        for output in block.outputs:
            if output.name != b"*":
                total += 1
                continue
            owner = output.qualifier
            held = (s.relation.names for s in block.sources if owner in (None, s.name))
            total += sum(map(len, held))
            owed = (payment for payment in payments if owner in (None, payment.qualifier))
            total += sum(self._width_of(block, payment) for payment in owed)
        return total > self.dialect.column_limit

    def _width_of(self, block: Block, payment: Payment) -> int:
        """Return the columns of a source that pays, at least."""
        stored = self.find_relation(block, payment.table) if payment.table is not None else None
        return len(stored.names) if stored else max(1, payment.width, len(payment.columns))

    def _left_over(
        self, block: Block, unmet: dict[bytes | None, set[bytes]], merged: set[bytes]
    ) -> set[bytes] | None:
        """Return the plain names that no owed `q.x` brings; None where one is brought twice.

        A source that pays `t1.x` must not make a plain `x` mean two columns.
        """
        plain = set(unmet.get(None, ()))
        for reference in block.pending:
            name = reference.name
            if reference.qualifier is None:
                owing = sum(name in names for q, names in unmet.items() if q is not None)
                met = self.count(block, reference) - (name in merged)
                if owing and (reference.outside or met + owing > 1):
                    return None
                if owing:
                    plain.discard(name)
        return plain

    def _payments(
        self, block: Block, unmet: dict[bytes | None, set[bytes]], plain: set[bytes]
    ) -> tuple[Payment, ...] | None:
        """Return the sources that pay, the list as wide as it has to be; None where none do."""
        qualified = sorted((q, names - {b"*"}) for q, names in unmet.items() if q is not None)
        found = [Payment(q, tuple(sorted(names))) for q, names in qualified]
        if plain:
            found.append(Payment(None, tuple(sorted(plain))))
        if not found and not block.sources and any(o.name == b"*" for o in block.outputs):
            found.append(Payment(None, ()))
        if len(block.sources) + len(found) + LEAST * len(block.nests) > SOURCE_LIMIT:
            return None
        if any(output.left_out for output in block.outputs):
            found = [one._replace(width=len(one.columns) + 1) for one in found]
        wide = self._widened(block, found)
        stored = self._stored(block, wide) if wide else None
        return self._paid_by_table(block, stored) if stored is not None else wide

    def _stored(self, block: Block, payments: tuple[Payment, ...]) -> Payment | None:
        """Return a payment that no derived table can make: no room, or names that none may give.

        No query calls a column TRUE: SQLite would take the word for it wherever it stands.
        """
        for payment in payments:
            long = len(payment.qualifier or b"") > self.dialect.name_limit
            if block.deep or long or not self._may_be_given(payment.columns):
                return payment
        return None

    def _may_be_given(self, names: tuple[bytes, ...]) -> bool:
        short = max(map(len, names), default=1) <= self.dialect.name_limit
        return short and b"" not in names and TRUTHS.isdisjoint(names)

    def _paid_by_table(self, block: Block, first: Payment) -> tuple[Payment, ...] | None:
        """Return payments, one of them by a table, which only a table or CTE can make."""
        if first.width:
            return None
        begun = block if block.phase == "items" else self.frames.change(block, phase="from")
        owner = first.qualifier
        if owner is not None and (block.deep or len(owner) > self.dialect.name_limit):
            names: tuple[bytes, ...] = (owner,)
        else:
            names = self.relation_names(block)
        for name in names:
            found = self.find_relation(block, name)
            if found is None or any(found.count(column) != 1 for column in first.columns):
                continue
            paid = self._with_source(begun, owner or name, found)
            rest = self.plan(paid) if paid is not None else None
            if rest is not None:
                return (first._replace(table=name), *rest.payments)
        return None

    def _widened(self, block: Block, found: list[Payment]) -> tuple[Payment, ...] | None:
        """Return payments so wide that the SELECT list has the columns that its query needs."""
        width = self.query_of(block).width
        if width is None or not block.outputs:  # none: FROM comes first
            return tuple(found)
        shows_all = self._shows_all(block)
        bases = [max(1, len(payment.columns)) for payment in found]
        if shows_all:
            missing = width - len(self.starred(block)) - sum(bases)
        else:
            missing = width - self.least_width(block)[0]
        if missing <= 0:
            return tuple(found) if missing == 0 else None
        if block.phase in ("items", "late") and not shows_all:
            return tuple(found)  # other items can follow
        if shows_all and not found:
            found, bases, missing = [Payment(None, ())], [1], missing - 1
        for place, payment in enumerate(found):
            times = 1 if shows_all else self._stars_of(block, payment.qualifier)
            if times and missing % times == 0:
                found[place] = payment._replace(width=bases[place] + missing // times)
                return tuple(found)
        return None

    def _stars_of(self, block: Block, qualifier: bytes | None) -> int:
        return sum(o.name == b"*" and o.qualifier == qualifier for o in block.outputs)

    def _shows_all(self, block: Block) -> bool:
        return any(o.name == b"*" and o.qualifier is None for o in block.outputs)

    def _ambiguous_in_star(self, block: Block) -> set[bytes]:
        """Return merged columns that another source has too, and `*` or `q.*` shows.

        After RIGHT and FULL JOIN, SQLite writes them out as plain names.
        """
        stars = {output.qualifier for output in block.outputs if output.name == b"*"}
        shown = [s.relation for s in block.sources if None in stars or s.name in stars]
        return {
            name
            for name, size in block.merged
            if any(relation.count(name) for relation in shown)
            and sum(source.relation.count(name) for source in block.sources) > size
        }

    def _mergeable(self, block: Block, name: bytes) -> bool:
        if block.deep or self.shows_all_of_a_width(block) or self.keeps_names(block):
            return False
        last = block.sources[-1].relation
        left = self.frames.change(block, sources=block.sources[:-1])
        return last.count(name) == 1 and self.count(left, Reference(None, name)) == 1

    def least_width(self, block: Block) -> tuple[int, bool]:
        """Return the columns that the list has at least, and whether FROM cannot add any."""
        total, exact = 0, True
        for output in block.outputs:
            if output.name != b"*":
                total += 1
            elif output.qualifier is None:
                total += max(1, len(self.starred(block)))
                exact = False
            else:
                bound = [s for s in block.sources if s.name == output.qualifier]
                owed = {r.name for r in block.pending if r.qualifier == output.qualifier}
                total += len(bound[0].relation.names) if bound else max(1, len(owed - {b"*"}))
                exact &= bool(bound)
        return total, exact

    def _with_source(self, block: Block, name: bytes | None, found: Relation) -> Block | None:
        """Return the SELECT with one more source, whatever is owed; None: the name is taken."""
        taken = {source.name.lower() for source in block.sources if source.name}
        if name is not None and name.lower() in taken:  # to sqlglot "A" and "a" are one
            return None
        if block.barred and not block.barred.isdisjoint(found.counts):
            return None
        if block.nests and (found.opaque or b"." in (name or b"")):
            return None  # in parentheses SQLite takes apart `table.column` at its dots
        if block.nests and self._nested_width(block) + len(found.names) > self.dialect.column_limit:
            return None
        if any(o.left_out and o.left_out.issuperset(found.names) for o in block.outputs):
            return None  # nothing may be left of it
        natural, hidden = block.natural, block.hidden
        if block.phase == "natural":
            if None in found.names and not self.may_hold_nameless(block):
                return None
            left = {column for source in block.sources for column in source.relation.counts}
            shared = tuple(sorted(left & found.counts.keys()))
            if any(self.count(block, Reference(None, column)) != 1 for column in shared):
                return None
            natural = (*natural, *shared)
            hidden = (*hidden, *((len(block.sources), column) for column in shared))
        source = Source(name, found)
        added: Block = self.frames.change(
            block, sources=(*block.sources, source), natural=natural, hidden=hidden
        )
        return added

    def _nested_width(self, block: Block) -> int:
        """Return the columns that the parentheses of FROM hold, and must still get, at least."""
        held = block.sources[block.nests[0].start :]
        return sum(len(source.relation.names) for source in held) + LEAST * len(block.nests)

    def may_hold_nameless(self, block: Block) -> bool:
        """Tell whether the next source may have a column that nobody has named.

        Behind NATURAL two such columns would be merged by SQLite where their texts are the same.
        """
        return block.phase != "natural" or all(None not in s.relation.names for s in block.sources)

    # --- what a derived table gives to the FROM around it ------------------------------------

    def fits_around(self, block: Block, *, open_list: bool = False) -> bool:
        """Tell whether the FROM around a derived table can hold what its list has so far.

        Args:
            block: a SELECT, of a derived table or not.
            open_list: other items can follow.
        """
        around = self._around(block)
        if around is None:
            return True
        if any(output.name == b"*" for output in block.outputs):
            return self.plan(block) is not None
        return self._holds(around, self._export(block, ()), open_list)

    def missing_around(self, block: Block) -> tuple[Block, Payment] | None:
        """Return the SELECT around a derived table, and the columns that it must still get for it.

        None: it needs no more.
        """
        around = self._around(block)
        if around is None or self.fits_around(block):
            return None
        made = self._export(block, ())
        for name, wanted in self._wanted(around).items():
            missing = tuple(sorted(c for c in wanted if not made.count(c)))
            if self._may_be_given(missing) and self._holds_as(
                around, name, self._enlarged(made, missing)
            ):
                return around, Payment(name, missing)
        return None

    def _shown_around(self, block: Block, payments: tuple[Payment, ...]) -> bool:
        """Tell whether the FROM around can hold what `*` shows of the sources that pay."""
        around = self._around(block)
        return around is None or self._holds(
            around, self._export(block, payments), False, grows=bool(payments)
        )

    def _around(self, block: Block) -> Block | None:
        """Return the SELECT whose FROM a SELECT is a derived table of; None: its names are free."""
        query = block.parent
        if not isinstance(query, Query) or query.role not in DERIVED or query.arms:
            return None
        assert isinstance(query.parent, Block)
        return query.parent

    def _export(self, block: Block, payments: tuple[Payment, ...]) -> Relation:
        """Return the columns of a list, `*` with what the sources show that pay."""
        names: list[bytes | None] = []
        shadows: list[bytes] = []
        keeps = self.keeps_stars(block)
        for output in block.outputs:
            if output.name == b"*":
                shown = self._starred_names(block, output.qualifier, payments)
                names += [name for name in shown if name not in output.left_out]
                shadows += [name for name in names if keeps and name is not None]
                for one in self.starred(block, output.qualifier):
                    shadows += sorted(one.shadows)
            else:
                names.append(output.name)
                shadows += sorted(output.shadows)
        return self.made_of(tuple(names), tuple(shadows))

    def _starred_names(
        self, block: Block, qualifier: bytes | None, payments: tuple[Payment, ...]
    ) -> list[bytes | None]:
        names = [output.name for output in self.starred(block, qualifier)]
        for payment in payments:
            if qualifier in (None, payment.qualifier):
                found = self.find_relation(block, payment.table) if payment.table else None
                names += found.names if found is not None else payment.columns
        return names

    def _holds(
        self, around: Block, made: Relation, open_list: bool, *, grows: bool = False
    ) -> bool:
        """Tell whether a FROM can hold a derived table, under no name or one that is owed."""
        if (open_list or grows) and any(output.left_out for output in around.outputs):
            made = self._enlarged(made, (None,))
        if self._holds_as(around, None, made):
            return True
        for name, wanted in self._wanted(around).items():
            missing = tuple(sorted(c for c in wanted if open_list and not made.count(c)))
            held = self._may_be_given(missing)
            if held and self._holds_as(around, name, self._enlarged(made, missing)):
                return True
        return False

    def _holds_as(self, around: Block, name: bytes | None, made: Relation) -> bool:
        held = self._with_source(around, name, made)
        lenient = around.phase in ("join", "full")
        return held is not None and self.plan(held, lenient=lenient) is not None

    def _wanted(self, around: Block) -> dict[bytes, set[bytes]]:
        """Return the columns owed by each alias."""
        wanted: dict[bytes, set[bytes]] = {}
        for reference in around.pending:
            if reference.qualifier is not None and not self.count(around, reference):
                wanted.setdefault(reference.qualifier, set()).add(reference.name)
        return {name: wanted[name] - {b"*"} for name in sorted(wanted)}

    def _enlarged(self, made: Relation, names: tuple[bytes | None, ...]) -> Relation:
        if not names:
            return made
        return self.made_of((*made.names, *names), tuple(sorted(made.lent)))

    # --- what `resolution` knows -------------------------------------------------------------

    def chain(self, frame: Frame) -> Iterator[Block]:
        """Yield the SELECTs whose columns can be seen, innermost first."""
        raise NotImplementedError

    def _hand_out(self, block: Block, reference: Reference) -> Block | None:
        """Return the SELECT where a query around meets an obligation; None where none does."""
        raise NotImplementedError
