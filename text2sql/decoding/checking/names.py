"""Which names may stand at a place, whole or begun.

For the lexer, for completions, for "did you mean".

A class of names is a terminal of the grammar: `<table>`, `<column>` (a column, a qualifier or a
function: what follows decides), `<member>` (after a dot), and the names that a query gives itself.
"""

from collections.abc import Iterator
from typing import Any

from text2sql.decoding.checking.actions import Actions
from text2sql.decoding.checking.dialects import SPANS
from text2sql.decoding.checking.frames import Block, Call, Context, Frame, Query, Reference
from text2sql.decoding.checking.lexer import cut, is_word, letter_end, whole_size
from text2sql.decoding.checking.lookups import TRUTHS
from text2sql.decoding.checking.obligations import ALIAS, FRESH
from text2sql.decoding.checking.relations import with_prefix
from text2sql.decoding.checking.scope import CALL_LIMIT, Scope
from text2sql.decoding.checking.words import NO_TYPES, NO_WINDOWS, OWN_WORDS, POSITIONS

# class of names -> position in `words.RESERVED`, of names that a query gives
GIVEN = {
    "<alias>": "alias",
    "<bare_alias>": "bare_alias",
    "<source_alias>": "alias",
    "<bare_source_alias>": "bare_alias",
    "<cte>": "cte",
    "<new_column>": "alias",
    "<new_window>": "alias",
}
NEW = frozenset({"<alias>", "<bare_alias>", "<cte>", "<new_column>", "<new_window>"})
KNOWN = {
    "<window>": "alias",
    "<table>": "table",
    "<namespaced_table>": "table",
    "<array_name>": "column",
    "<array_member>": "qualified",
    "<pair_qualifier>": "qualifier",
    "<pair_member>": "qualified",
    "<member>": "qualified",
    "<using>": "column",
    "<shown>": "column",
    "<collation>": "alias",
    "<column>": "",
}
COLLATION = b"C"  # the one that every server has; of two that are named, engines take neither
LISTED = ("<type>", "<field>", "<unit>", "<span>")
_NONE: frozenset[bytes] = frozenset()
CLASSES = frozenset((*GIVEN, *KNOWN, *LISTED, "<window>"))


class Names:
    """The names that one scope knows."""

    def __init__(self, scope: Scope, actions: Actions) -> None:
        self.scope, self.actions, self.dialect = scope, actions, scope.dialect
        self.listed = {
            "<type>": tuple(
                sorted(name.encode() for name in self.dialect.cast_types if " " not in name)
            ),
            "<field>": tuple(sorted(self.dialect.fields)),
            "<unit>": tuple(sorted(self.dialect.units)),
            "<span>": tuple(sorted(SPANS)),
        }
        self.typed_literals = tuple(
            sorted(n for n, _ in self.dialect.literal_types if self.dialect.typed)
        )

    @property
    def takes_any_type(self) -> bool:
        """Whether CAST may name a type that nobody knows, as names may be made up."""
        return self.dialect.any_type and self.scope.invents

    def is_listed(self, terminal: str, name: bytes) -> bool:
        """Tell whether a word is one of a class that is listed: a type, a unit, a field."""
        if terminal == "<type>" and self.takes_any_type and name.isascii():
            return len(name) <= self.dialect.name_limit and name.decode() not in NO_TYPES
        return name in self.listed[terminal]

    def may_be_bare(self, terminal: str, name: bytes) -> bool:
        """Tell whether a word may stand unquoted for a class of names; columns decide later."""
        if terminal == "<member>" and name in TRUTHS:
            return False
        if terminal in ("<window>", "<new_window>"):
            allowed = all(self.dialect.allows(name, position) for position in POSITIONS)
            # they have no quotes, and endings are plain
            return allowed and name.isascii() and name not in NO_WINDOWS
        position = GIVEN.get(terminal) or KNOWN.get(terminal)
        if terminal in GIVEN and not (
            len(name) <= self.dialect.name_limit and name.decode("utf-8", "replace").isidentifier()
        ):
            return False
        return not position or self.dialect.allows(name, position)

    def prefix_ok(
        self,
        terminal: str,
        frame: Frame,
        held: Any,
        prefix: bytes,
        depth: int,
        *,
        quoted: bool = False,
        without: bytes = b"",
    ) -> bool:
        """Tell whether a name that begins so may stand here.

        Args:
            terminal: the class of names.
            frame: where the text stands.
            held: what the last name was.
            prefix: what the name begins with.
            depth: parentheses that are open.
            quoted: it stands in quotes.
            without: a mark that it cannot have in these quotes; b"": none.
        """
        if terminal in GIVEN:
            plain = terminal == "<new_window>"  # which `may_be_bare` wants in ASCII
            begun = quoted or prefix.isascii() or (not plain and self.begins_name(prefix))
            return begun and self._given_prefix_ok(terminal, frame, held, prefix, quoted, without)
        may_be_made = whole_size(prefix) <= self.dialect.name_limit
        if terminal == "<type>" and self.takes_any_type and may_be_made:
            return prefix.isascii()
        if terminal == "<column>" and (
            (may_be_made and self.is_free(frame))
            or self._alias_may_begin(frame, prefix)
            or (
                not quoted
                and any(name.startswith(prefix) for name in self.typed_literals)
                and self.takes_literals(frame)
            )
        ):
            return True
        if terminal == "<window>" and self._window_is_free(frame):
            return prefix.isascii() and len(prefix) < self.dialect.name_limit
        if terminal == "<shown>" and may_be_made and self.is_free(frame):
            return True
        if terminal == "<member>" and may_be_made and self._member_is_free(frame, held[1]):
            return True
        names = self.known(terminal, frame, held, prefix, depth)
        if without:
            names = (name for name in names if without not in name)
        if quoted:
            return any(terminal != "<column>" or self.word_fits(frame, n, 2, depth) for n in names)
        return any(self._fits_bare(terminal, frame, name, depth) for name in names)

    def _fits_bare(self, terminal: str, frame: Frame, name: bytes, depth: int) -> bool:
        """Tell whether a known name that is legal here is so without quotes."""
        if not is_word(name) or self.dialect.fold(name, quoted=False) != name:
            return False
        if not name.isascii() and not name.decode().isidentifier():
            return False  # an emoji is a letter to SQLite, and to sqlglot none
        if terminal == "<column>":
            return self.word_fits(frame, name, 0, depth)
        return self.may_be_bare(terminal, name)

    def _given_prefix_ok(
        self, terminal: str, frame: Frame, held: Any, prefix: bytes, quoted: bool, without: bytes
    ) -> bool:
        if whole_size(prefix) > self.dialect.name_limit:
            return False
        if terminal == "<new_column>" and held and held[0] == "rows as":
            found = self.actions.row_names(frame, held)  # type: ignore[arg-type]
            return any(name == FRESH or name.startswith(prefix) for name in found)
        if terminal not in ("<source_alias>", "<bare_source_alias>"):
            return True
        if isinstance(frame, Block) and frame.nests and b"." in prefix:
            return False  # see `Plans._with_source`
        return any(
            quoted or name.endswith(FRESH) or self.may_be_bare(terminal, name)
            for name in self._source_aliases(frame, held, prefix)
            if not (without and without in name)
        )

    def begins_name(self, prefix: bytes) -> bool:
        """Tell whether letters beyond ASCII, the last perhaps cut in two, can begin a name."""
        left = cut(prefix)
        if left is None:
            return False
        whole = prefix[: len(prefix) - len(left)].decode()
        if left and letter_end(left, first=not whole) is None:
            return False
        return (whole or "x").isidentifier()

    def _source_aliases(self, frame: Frame, held: Any, prefix: bytes) -> Iterator[bytes]:
        assert isinstance(frame, Block)
        if held[0] == "rows":
            for name in self.actions.row_aliases(frame, held):
                if name == FRESH or name.startswith(prefix):
                    yield prefix + name if name == FRESH else name
            return
        if held[0] != "source":  # of a namespace, whose table is still to come
            return
        if held[1] is not None and not self.scope.joins_itself:
            return  # tables keep their names
        lenient = frame.phase in ("join", "full")
        wanted = sorted({r.qualifier for r in frame.pending if r.qualifier})
        for name in wanted:
            if name.startswith(prefix) and self.scope.add_source(
                frame, name, held[2], lenient=lenient
            ):
                yield name
        if self.scope.add_source(frame, FRESH, held[2], lenient=lenient):
            yield prefix + FRESH

    def _window_is_free(self, frame: Frame) -> bool:
        return self.scope.block_of(frame).phase in ("items", "late")

    def is_free(self, frame: Frame) -> bool:
        """Tell whether a column, or what qualifies it, may have any name.

        It may where some FROM around is still unread.
        """
        for block in self.scope.seen(frame):
            if block.phase == "compound":
                return False  # ORDER BY behind a set operation sees its items alone
            if block.phase == "items":
                free = self.scope.invents and not block.deep
                fresh = (Reference(None, FRESH), Reference(FRESH, FRESH))
                return free and any(self.scope.resolve(frame, one) is not None for one in fresh)
        return False

    def _alias_may_begin(self, frame: Frame, prefix: bytes) -> bool:
        """Tell whether a name before a dot, whose FROM is not read yet, may begin so."""
        for block in self.scope.seen(frame):
            if block.phase == "compound":
                return False
            if block.phase == "items":
                owed = any((r.qualifier or b"").startswith(prefix) for r in block.pending)
                likely = owed or not prefix or ALIAS.fullmatch(prefix) is not None
                return likely and not block.deep
            if not self.scope.looks_around(block):
                return False
        return False

    def _member_is_free(self, frame: Frame, qualifier: bytes) -> bool:
        for block in self.scope.seen(frame):
            if any(source.name == qualifier for source in block.sources):
                return False
            if block.phase == "items":
                fresh = Reference(qualifier, FRESH)
                free = self.scope.invents and not block.deep
                return free and self.scope.resolve(frame, fresh) is not None
        return False

    def known(
        self, terminal: str, frame: Frame, held: Any, prefix: bytes, depth: int
    ) -> Iterator[bytes]:
        """Yield the names of the schema and of this query that are legal here and begin so.

        Args:
            terminal: the class of names.
            frame: where the text stands.
            held: what the last name was.
            prefix: what the name begins with.
            depth: parentheses that are open; CALL_LIMIT leaves out functions.
        """
        if terminal == "<column>":
            yield from self._columns(frame, prefix, depth)
        elif terminal == "<member>":
            yield from self._members(frame, held[1], prefix)
        elif terminal == "<table>":
            yield from self._tables(frame, prefix)
        elif terminal == "<namespaced_table>":
            yield from self._namespaced(frame, held[1], prefix)
        elif terminal in ("<array_name>", "<array_member>"):
            arrays = self.actions.arrays(frame)
            names = arrays.get(held[1], ()) if held else {*filter(None, arrays), *arrays[None]}
            yield from (name for name in sorted(names) if name.startswith(prefix))
        elif terminal in ("<pair_qualifier>", "<pair_member>"):
            paired = self.actions.paired(self.scope.block_of(frame))
            found = paired if terminal == "<pair_qualifier>" else paired.get(held[1], ())
            yield from (name for name in sorted(found) if name.startswith(prefix))
        elif terminal == "<collation>":
            yield from [COLLATION] if COLLATION.startswith(prefix) else []
        elif terminal == "<shown>":
            yield from self._shown(self.scope.block_of(frame), prefix)
        elif terminal == "<using>":
            usable = self.actions.usable(self.scope.block_of(frame))
            yield from (name for name in usable if name.startswith(prefix))
        elif terminal == "<window>":
            block = self.scope.block_of(frame)
            if isinstance(frame, Context) and not self._window_is_free(frame):
                return  # what a window is based on is still to be defined
            windows = (name for name, _ in sorted(block.windows))
            free = (b"w",) if block.phase in ("items", "late") else ()
            yield from (n for n in (*windows, *free) if n.startswith(prefix))
        elif terminal in LISTED:
            yield from with_prefix(self.listed[terminal], prefix)

    def _tables(self, frame: Frame, prefix: bytes) -> Iterator[bytes]:
        assert isinstance(frame, Block)
        for name in with_prefix(self.scope.relation_names(frame), prefix):
            if self.table_fits(frame, name):
                yield name
        if "namespaces" in self.dialect.features:
            spaces = (name for name in self.scope.namespaces if name and name.startswith(prefix))
            yield from (name for name in sorted(spaces) if self.scope.namespace_fits(frame, name))

    def _namespaced(self, frame: Frame, namespace: bytes, prefix: bytes) -> Iterator[bytes]:
        assert isinstance(frame, Block)
        for name, found in sorted(self.scope.namespaces[namespace].items(), key=lambda one: one[0]):
            if name.startswith(prefix) and self.scope.can_add(frame, name, found):
                yield name

    def table_fits(self, block: Block, name: bytes) -> bool:
        """Tell whether FROM may hold a table or CTE of that name here."""
        found = self.scope.find_relation(block, name)
        if found is None or not self.scope.can_add(block, name, found):
            return False
        query = block.parent
        assert isinstance(query, Query)
        itself = query.cte == name and query.recursion == "possible"
        return not (itself and (block.aggregates or any(o.uses for o in block.outputs)))

    def _members(self, frame: Frame, qualifier: bytes, prefix: bytes) -> Iterator[bytes]:
        for block in self.scope.seen(frame):
            for source in self.scope.visible(block):
                if source.name == qualifier:
                    for name in source.relation.with_prefix(prefix):
                        reference = Reference(qualifier, name)
                        fits = self.scope.may_lead(block, reference)
                        if fits and self.scope.suits(frame, reference):
                            yield name
                    return
            if block.phase == "items":
                found = self.scope.find_relation(block, qualifier)
                for name in (
                    found.with_prefix(prefix)
                    if found
                    else self.scope.columns_to_come(block, prefix)
                ):
                    if self.scope.owe(block, Reference(qualifier, name)) is not None:
                        yield name
                return

    def _columns(self, frame: Frame, prefix: bytes, depth: int) -> Iterator[bytes]:
        yield from self._plain_columns(frame, prefix)
        yield from self._qualifiers(frame, prefix)
        if depth < CALL_LIMIT:
            for name in with_prefix(self.scope.function_names, prefix):
                if depth < self._room(name) and self.callable(frame, name):
                    yield name
            if self.takes_literals(frame):
                yield from with_prefix(self.typed_literals, prefix)

    def _room(self, name: bytes) -> int:
        """Return the depth below which a function may be called: one of lists needs another."""
        function = self.dialect.functions.get(name.decode("utf-8", "replace"))
        of_lists = function is not None and function.takes[:1] == ("list",)
        return CALL_LIMIT - 12 if of_lists else CALL_LIMIT

    def callable(self, frame: Frame, name: bytes) -> bool:
        """Tell whether a function may be called here."""
        if isinstance(frame, Block) and (frame.phase == "compound" or self.scope.is_led(frame)):
            return False
        function = self.dialect.functions.get(name.decode("utf-8", "replace"))
        return (
            function is not None
            and self.scope.begin_call(frame, function) is not None
            and self.actions.may_call(frame, function)
        )

    def _plain_columns(self, frame: Frame, prefix: bytes) -> Iterator[bytes]:
        for number, block in enumerate(self.scope.seen(frame)):
            if block.phase == "limit":
                return
            if block.phase == "compound":
                names = self.scope.sorted_by(block)
                yield from sorted(name for name in names if name.startswith(prefix))
                return
            if not number and block.phase in ("where", "group", "having", "order", "qualify"):
                aliases = {o.name for o in block.outputs if o.explicit and o.name}
                for name in sorted(aliases):
                    if name.startswith(prefix) and self.column_fits(frame, name):
                        yield name
            if block.phase == "items" and not self.scope.makes(block, prefix):
                yield from self._coming_columns(block, prefix)
            for source in self.scope.visible(block):
                for name in source.relation.with_prefix(prefix):
                    reference = Reference(None, name)
                    renamed = block.phase == "order" and self.scope.is_renamed(block, reference)
                    fits = self.scope.may_lead(block, reference)
                    fits = fits and self.scope.suits(frame, reference)
                    if self.scope.count(block, reference) != 1 or renamed or not fits:
                        continue
                    if not number or self.scope.resolve(frame, reference) is not None:
                        yield name

    def _shown(self, block: Block, prefix: bytes) -> Iterator[bytes]:
        """Yield columns that `*` may show, of any table that FROM could hold."""
        found = {*self.scope.columns_to_come(block, prefix), *self.scope.column_names, b"x"}
        for name in sorted(name for name in found if name.startswith(prefix)):
            if self.scope.owe(block, Reference(None, name, local=True)) is not None:
                yield name

    def _coming_columns(self, block: Block, prefix: bytes) -> Iterator[bytes]:
        """Yield the columns that FROM, which is not read yet, could bring."""
        for name in self.scope.columns_to_come(block, prefix):
            if self.scope.owe(block, Reference(None, name)) is not None:
                yield name

    def column_fits(self, frame: Frame, name: bytes) -> bool:
        """Tell whether a column of that name may stand here, as a whole term at least."""
        return self.scope.resolve(frame, Reference(None, name), alone=True) is not None

    def _qualifiers(self, frame: Frame, prefix: bytes) -> Iterator[bytes]:
        for number, block in enumerate(self.scope.seen(frame)):
            if block.phase in ("limit", "compound"):
                return
            for source in self.scope.visible(block):
                if number and source.name and not self.scope.qualifier_fits(frame, source.name):
                    continue
                named = source.name and source.name.startswith(prefix) and not source.mute
                if source.name and named and self.scope.qualifies(frame, source):
                    yield source.name
            if block.phase == "items":
                for name in with_prefix(self.scope.relation_names(block), prefix):
                    if self.scope.qualifier_fits(frame, name):
                        yield name

    def own_words(self, frame: Frame) -> frozenset[bytes]:
        """Return the words that are no names in the argument that is read."""
        call = frame.parent if isinstance(frame, Context) else frame
        return OWN_WORDS.get(call.function.name, _NONE) if isinstance(call, Call) else _NONE

    def string_fits(self, frame: Frame) -> bool:
        """Tell whether a name in double quotes that nobody has may stand here, as a string."""
        unknown = Reference(None, FRESH, soft=True)
        return self.scope.resolve(frame, unknown, alone=True) is not None

    def takes_literals(self, frame: Frame) -> bool:
        """Tell whether `DATE '2020-01-01'` may stand here."""
        if not isinstance(frame, Block):
            return True
        return frame.phase not in ("compound", "limit") and not self.scope.is_led(frame)

    def word_fits(self, frame: Frame, name: bytes, quoted: int, depth: int) -> bool:
        """Tell whether `<column>` may be this name: a column, a qualifier or a function."""
        allows = self.dialect.allows
        if not quoted and name in self.own_words(frame):
            return False
        if (quoted or allows(name, "qualifier")) and self.scope.qualifier_fits(frame, name):
            return True
        if not quoted and depth < self._room(name) and self.callable(frame, name):
            return True
        typed = not quoted and name in self.typed_literals and self.takes_literals(frame)
        if typed and self.actions.may_say(frame, name):
            return True
        if not quoted and not allows(name, "column"):
            return False
        reference = Reference(None, name, soft=self.dialect.may_be_string(name, quoted))
        return self.scope.resolve(frame, reference, alone=True) is not None
