"""Mutants of a statement: one edit each, of the kinds that models and people get wrong.

    >>> mutate("SELECT name FROM singer", schema, Random(0), kind="clause_deleted")
    'SELECT name'

An edit replaces, moves, adds or deletes a name, an operator, a clause, a token or a character. Many
mutants are still fine: that is wanted, for the checker must not refuse those.

Covered: the words of SQLite, DuckDB and PostgreSQL; names in any quotes.
Not covered: several edits at once; statements that write.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random

from checker.fragments import (
    CONDITIONS,
    EXPRESSIONS,
    FUNCTIONS,
    HEADS,
    JOINS,
    KEYWORDS,
    LIMITS,
    LITERALS,
    OPERATORS,
    ORDERINGS,
    SET_OPERATORS,
    TAILS,
)
from checker.tokens import (
    Statement,
    bare,
    calls,
    clauses,
    columns,
    everywhere,
    keywords,
    literals,
    operators,
    qualifiers,
    read,
    strings,
    tables,
    terms,
    words_of,
)
from text2sql.schema.model import Schema

Edit = Callable[[Statement, Random], str | None]  # None: there is no place for it


def mutate(sql: str, schema: Schema, random: Random, *, kind: str) -> str | None:
    """Return a statement with one edit of a kind; None where it has no place for it.

    Args:
        sql: of at least one token.
        schema: of its database.
        random: decides which of the possible edits.
        kind: a key of EDITS.
    """
    statement = read(sql, schema)
    mutant = EDITS[kind](statement, random) if statement.spans else None
    return mutant if mutant != sql else None


def mutants(sql: str, schema: Schema, random: Random) -> Iterator[tuple[str, str]]:
    """Yield (kind, mutant), kinds at random, none twice; ends after 10,000 attempts."""
    seen = {sql}
    for _ in range(10_000):
        kind = random.choice(list(EDITS))
        mutant = mutate(sql, schema, random, kind=kind)
        if mutant is not None and mutant not in seen:
            seen.add(mutant)
            yield kind, mutant


def _pick(random: Random, places: Sequence[int]) -> int | None:
    return random.choice(places) if places else None


def _misspelt(word: str, random: Random) -> str:
    place = random.randrange(len(word))
    other = random.choice("aeinrst_")
    return word[:place] + random.choice(("", other, word[place] * 2)) + word[place + 1 :]


def _replacing(
    places: Callable[[Statement], Sequence[int]], text: Callable[[Statement, int, Random], str]
) -> Edit:
    """Make an edit that puts another text in the place of one of some tokens."""

    def edit(statement: Statement, random: Random) -> str | None:
        place = _pick(random, places(statement))
        if place is None:
            return None
        return statement.replace(place, place + 1, text(statement, place, random))

    return edit


def _from_list(places: Callable[[Statement], Sequence[int]], texts: Sequence[str]) -> Edit:
    return _replacing(
        places,
        lambda statement, place, random: statement.fill(
            random.choice(texts), random, statement.words[place]
        ),
    )


def _swap(statement: Statement, random: Random) -> str | None:
    if len(statement.spans) < 2:
        return None
    place = random.randrange(len(statement.spans) - 1)
    first, second = statement.words[place : place + 2]
    return statement.replace(place, place + 2, f"{second} {first}")


def _move_token(statement: Statement, random: Random) -> str | None:
    words = statement.words
    words.insert(random.randrange(len(words)), words.pop(random.randrange(len(words))))
    return _rearranged(statement, words)


def _other_name(names: Callable[[Statement], Sequence[str]]) -> Callable[..., str]:
    return lambda statement, place, random: random.choice(names(statement))


def _qualify(statement: Statement, random: Random) -> str | None:
    """Put a column behind an alias or a table, any of them."""
    place = _pick(random, columns(statement))
    if place is None:
        return None
    owners = [statement.words[n] for n in (*statement.aliases(), *tables(statement))]
    owner = random.choice([*owners, random.choice(statement.tables)])
    if place and statement.words[place - 1] == ".":
        return statement.replace(place - 2, place - 1, owner)
    return statement.replace(place, place, f"{owner}.")


def _unqualify(statement: Statement, random: Random) -> str | None:
    place = _pick(random, qualifiers(statement))
    return None if place is None else statement.replace(place, place + 2, "")


def _drop_alias(statement: Statement, random: Random) -> str | None:
    place = _pick(random, statement.aliases())
    return None if place is None else statement.replace(place - 1, place + 1, "")


def _drop(places: Callable[[Statement], Sequence[int]]) -> Edit:
    return _replacing(places, lambda statement, place, random: "")


def _double(places: Callable[[Statement], Sequence[int]]) -> Edit:
    return _replacing(places, lambda statement, place, random: f"{statement.words[place]} " * 2)


def _insert(places: Callable[[Statement], Sequence[int]], texts: Sequence[str]) -> Edit:
    """Make an edit that puts one of some texts before one of some tokens."""

    def written(statement: Statement, place: int, random: Random) -> str:
        return f"{statement.fill(random.choice(texts), random)} {statement.words[place]}"

    return _replacing(places, written)


def _append(places: Callable[[Statement], Sequence[int]], texts: Sequence[str]) -> Edit:
    """Make an edit that puts one of some texts behind one of some tokens."""

    def written(statement: Statement, place: int, random: Random) -> str:
        return f"{statement.words[place]} {statement.fill(random.choice(texts), random)}"

    return _replacing(places, written)


def _edit_clause(change: Callable[[Statement, list[tuple[int, int]], Random], str]) -> Edit:
    def edit(statement: Statement, random: Random) -> str | None:
        groups = clauses(statement)
        return change(statement, random.choice(groups), random) if groups else None

    return edit


def _delete_clause(statement: Statement, group: list[tuple[int, int]], random: Random) -> str:
    return statement.replace(*random.choice(group), "")


def _double_clause(statement: Statement, group: list[tuple[int, int]], random: Random) -> str:
    (first, last), (place, _) = random.choice(group), random.choice(group)
    text = " ".join(statement.words[first:last])
    return statement.replace(place, place, f"{text} ")


def _swap_clauses(statement: Statement, group: list[tuple[int, int]], random: Random) -> str:
    if len(group) < 2:
        return statement.sql
    place = random.randrange(len(group) - 1)
    (first, middle), (_, last) = group[place : place + 2]
    words = statement.words
    return statement.replace(first, last, " ".join([*words[middle:last], *words[first:middle]]))


def _move_clause(statement: Statement, group: list[tuple[int, int]], random: Random) -> str:
    (first, last), (place, _) = random.choice(group), random.choice(group)
    words = statement.words
    moved = words[first:last]
    rest = [*words[:first], *words[last:]]
    place = place if place <= first else place - (last - first)
    return _rearranged(statement, [*rest[:place], *moved, *rest[place:]])


def _move_to_end(statement: Statement, group: list[tuple[int, int]], random: Random) -> str:
    first, last = random.choice(group)
    words = statement.words
    return _rearranged(statement, [*words[:first], *words[last:], *words[first:last]])


def _rearranged(statement: Statement, words: list[str]) -> str:
    """Join words in a new order; the statement as it was where the order is the old one."""
    return statement.sql if words == statement.words else " ".join(words)


def _add_condition(statement: Statement, random: Random) -> str | None:
    """Put a condition into WHERE, HAVING or ON, or open one behind FROM."""
    condition = statement.fill(random.choice(CONDITIONS), random)
    places = words_of(statement, "WHERE", "HAVING", "ON", "AND", "OR", "WHEN")
    if places and random.random() < 0.7:
        place = random.choice(places) + 1
        return statement.replace(place, place, f"{condition} {random.choice(('AND', 'OR'))} ")
    keyword = random.choice(("WHERE", "HAVING", "ON", "AND"))
    ends = [last for group in clauses(statement) for _, last in group]
    return statement.replace(place := random.choice(ends), place, f" {keyword} {condition} ")


def _argument(statement: Statement, random: Random) -> str | None:
    """Give a call one argument more, or take its first away."""
    place = _pick(random, calls(statement))
    if place is None:
        return None
    if random.random() < 0.6:
        column = random.choice(statement.columns)
        return statement.replace(
            place + 2, place + 2, random.choice((f"{column}, ", "1, ", "DISTINCT "))
        )
    return statement.replace(place + 2, min(place + 3, len(statement.spans)), "")


def _wider(statement: Statement, random: Random) -> str | None:
    """Give a SELECT one output column more, or one of those it has away."""
    place = _pick(random, words_of(statement, "SELECT"))
    if place is None:
        return None
    place += 1 + (statement.words[place + 1 : place + 2] == ["DISTINCT"])
    if random.random() < 0.7:
        more = statement.fill(
            random.choice(("{column}, ", "1, ", "*, ", "count(*), ", "NULL, ")), random
        )
        return statement.replace(place, place, more)
    words = statement.words
    comma = next((n for n in range(place, len(words)) if words[n] in (",", "(")), None)
    return statement.replace(place, comma + 1, "") if comma and words[comma] == "," else None


def _position(statement: Statement, random: Random) -> str | None:
    """Put a number, in range or not, behind ORDER BY or GROUP BY."""
    place = _pick(random, [n for n in words_of(statement, "BY") if n + 1 < len(statement.spans)])
    if place is None:
        return None
    number = random.choice(("0", "1", "2", "3", "9", "-1", "1.0", "'1'", "1 + 1"))
    return statement.replace(
        place + 1, place + 2 if random.random() < 0.5 else place + 1, f"{number} "
    )


def _limit(statement: Statement, random: Random) -> str | None:
    limit = statement.fill(random.choice(LIMITS), random)
    place = _pick(random, words_of(statement, "LIMIT"))
    return (
        f"{statement.sql}{limit}" if place is None else statement.replace(place, place + 2, limit)
    )


def _quotes(statement: Statement, place: int, random: Random) -> str:
    inner = statement.words[place].strip("'\"")
    return random.choice(("'{}", "{}'", "{}", '"{}"', "`{}`", "[{}]", "''{}''", "'{}'''")).format(
        inner
    )


def _requoted(statement: Statement, place: int, random: Random) -> str:
    name = bare(statement.words[place])
    return random.choice(('"{}"', "`{}`", "[{}]", "'{}'", '"{}', '""{}""', '"{}" ')).format(name)


def _recased(statement: Statement, place: int, random: Random) -> str:
    return random.choice((str.upper, str.lower, str.swapcase))(statement.words[place])


def _edit_character(statement: Statement, random: Random) -> str | None:
    place = random.randrange(len(statement.sql))
    other = random.choice("abcXYZ019 _.,;()*'\"`[]=<>+-/|%$#@!?:\\\n\té中")
    kept = random.choice(("", statement.sql[place]))
    return statement.sql[:place] + random.choice(("", other)) + kept + statement.sql[place + 1 :]


def _space(statement: Statement, random: Random) -> str | None:
    """Take the white space between two tokens away, or put other white space there."""
    place = random.randrange(len(statement.spans))
    start = statement.spans[place][0]
    before = statement.sql[:start]
    space = random.choice(
        ("", "", " ", "\n", "\t ", " /* a ' note */ ", ' -- a " note\n', "\r\n", "\u00a0")
    )
    return before.rstrip() + space + statement.sql[start:]


def _tail(statement: Statement, random: Random) -> str | None:
    sql = statement.sql.rstrip(" \n;")
    return sql + statement.fill(random.choice(TAILS), random)


def _head(statement: Statement, random: Random) -> str | None:
    return statement.fill(random.choice(HEADS), random) + statement.sql


EDITS: dict[str, Edit] = {
    "column_swapped": _replacing(columns, _other_name(lambda s: s.columns)),
    "column_misspelt": _replacing(columns, lambda s, n, random: _misspelt(s.words[n], random)),
    "column_for_table": _replacing(columns, _other_name(lambda s: s.tables)),
    "column_qualified": _qualify,
    "column_unqualified": _unqualify,
    "column_requoted": _replacing(columns, _requoted),
    "table_swapped": _replacing(tables, _other_name(lambda s: s.tables)),
    "table_misspelt": _replacing(tables, lambda s, n, random: _misspelt(s.words[n], random)),
    "table_added": _append(tables, (", {table}", "JOIN {table}", "AS t9", "CROSS JOIN {table}")),
    "table_requoted": _replacing(tables, _requoted),
    "qualifier_swapped": _replacing(
        qualifiers, _other_name(lambda s: [s.words[n] for n in s.aliases()] or s.tables)
    ),
    "alias_dropped": _drop_alias,
    "alias_doubled": _replacing(
        Statement.aliases, _other_name(lambda s: [s.words[n] for n in s.aliases()])
    ),
    "alias_renamed": _from_list(
        Statement.aliases, ("x", "order", "select", "{column}", "{table}", '"a b"', "'a b'", "left")
    ),
    "alias_used": _replacing(
        columns, _other_name(lambda s: [s.words[n] for n in s.aliases()] or s.columns)
    ),
    "operator_swapped": _from_list(operators, OPERATORS),
    "operator_dropped": _drop(operators),
    "operator_doubled": _double(operators),
    "operator_negated": _insert(operators, ("NOT", "IS", "IS NOT", "= NOT", "-")),
    "clause_moved": _edit_clause(_move_clause),
    "clause_moved_to_end": _edit_clause(_move_to_end),
    "clause_doubled": _edit_clause(_double_clause),
    "clause_deleted": _edit_clause(_delete_clause),
    "clauses_swapped": _edit_clause(_swap_clauses),
    "condition_added": _add_condition,
    "function_renamed": _from_list(calls, FUNCTIONS),
    "argument_changed": _argument,
    "expression_wrapped": _from_list(terms, EXPRESSIONS),
    "column_wrapped": _from_list(columns, EXPRESSIONS),
    "parenthesis_deleted": _drop(lambda s: words_of(s, "(", ")")),
    "parenthesis_added": _insert(everywhere, ("(", ")")),
    "distinct_moved": _insert(terms, ("DISTINCT", "ALL", "DISTINCT ALL", "DISTINCT ON (1)")),
    "distinct_deleted": _drop(lambda s: words_of(s, "DISTINCT", "ALL")),
    "comma_dropped": _drop(lambda s: words_of(s, ",")),
    "comma_added": _insert(everywhere, (",",)),
    "star_put": _replacing(
        everywhere, lambda s, n, random: random.choice(("*", s.fill("{table}.*", random)))
    ),
    "keyword_misspelt": _replacing(keywords, lambda s, n, random: _misspelt(s.words[n], random)),
    "keyword_swapped": _replacing(keywords, _other_name(lambda s: sorted(KEYWORDS))),
    "keyword_added": _insert(everywhere, sorted(KEYWORDS)),
    "select_widened": _wider,
    "set_operator_changed": _from_list(
        lambda s: words_of(s, "UNION", "INTERSECT", "EXCEPT"), SET_OPERATORS
    ),
    "join_changed": _from_list(lambda s: words_of(s, "JOIN", ","), JOINS),
    "condition_of_join_changed": _from_list(
        lambda s: words_of(s, "ON"),
        ("", "USING", "WHERE", "ON NOT", "USING ({column}) AND", "AND"),
    ),
    "position_changed": _position,
    "ordering_changed": _append(columns, ORDERINGS),
    "limit_changed": _limit,
    "literal_changed": _from_list(literals, LITERALS),
    "literal_for_column": _from_list(columns, LITERALS),
    "quote_dropped": _replacing(strings, _quotes),
    "token_deleted": _drop(everywhere),
    "token_doubled": _double(everywhere),
    "tokens_swapped": _swap,
    "token_moved": _move_token,
    "character_edited": _edit_character,
    "space_changed": _space,
    "case_changed": _replacing(everywhere, _recased),
    "tail_added": _tail,
    "head_added": _head,
}
