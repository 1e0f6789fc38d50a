"""Mutants of a statement: one edit each, of the kinds that models and people get wrong.

    >>> mutate("SELECT name FROM singer", schema, Random(0), kind="clause_deleted")
    'SELECT name'

An edit replaces, moves, adds or deletes a name, an operator, a clause, a token or a character. Many
mutants are still fine: that is wanted, for the checker must not refuse those.

Covered: the words of SQLite, DuckDB and PostgreSQL; names in any quotes.
Not covered: several edits at once; statements that write.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from text2sql.schema.model import Schema
from text2sql.schema.quoting import quote

_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] | --[^\n]* | /\*.*?\*/
    | \d+(?:\.\d+)? | \w+ | <> | <= | >= | != | == | \|\| | :: | ->> | -> | \S""",
    re.VERBOSE | re.DOTALL,
)
_CLAUSE_WORDS = "WITH SELECT FROM WHERE GROUP HAVING WINDOW ORDER LIMIT UNION INTERSECT EXCEPT"
_OTHER_WORDS = """
    ALL AND AS ASC BETWEEN BY CASE CAST COLLATE CROSS DESC DISTINCT ELSE END ESCAPE EXISTS FILTER
    FIRST FULL GLOB IN INNER IS JOIN LAST LEFT LIKE NATURAL NOT NULL NULLS OFFSET ON OR OUTER OVER
    PARTITION RANGE RECURSIVE RIGHT ROWS THEN USING VALUES WHEN ILIKE INTERVAL QUALIFY
"""
_CLAUSES = frozenset(_CLAUSE_WORDS.split())
_KEYWORDS = _CLAUSES | frozenset(_OTHER_WORDS.split())
_OPERATORS = (
    *("=", "==", "<>", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "||", "&", "|", "<<"),
    *(
        "LIKE",
        "NOT LIKE",
        "GLOB",
        "IN",
        "NOT IN",
        "IS",
        "IS NOT",
        "AND",
        "OR",
        "BETWEEN",
        "->",
        "=",
    ),
    *("IS DISTINCT FROM", "IS NOT DISTINCT FROM", "REGEXP", "MATCH", "COLLATE", "ESCAPE", "NOT"),
    *("ISNULL", "NOTNULL", "NOT NULL", "~", "::", ":=", "^", "ILIKE", "SIMILAR TO", "."),
)
_LITERALS = (
    *("0", "1", "2", "-1", "1.5", ".5", "5.", "1e5", "0x1F", "''", "'it''s'", "'北京 🙂'", "NULL"),
    *("TRUE", "CURRENT_DATE", "x'00'", "'%a_'", "'unclosed", '"unclosed', '"some text"', "?", ":p"),
    *("DATE '2020-01-01'", "INTERVAL '1 day'", "9" * 30, "1_000", "'a' 'b'", "e'\\n'", "$$a$$"),
)
_FUNCTIONS = (
    *("count", "sum", "avg", "min", "max", "total", "group_concat", "length", "lower", "abs"),
    *("round", "coalesce", "ifnull", "nullif", "iif", "substr", "strftime", "date", "julianday"),
    *("row_number", "rank", "lag", "ntile", "no_such_function", "json_extract", "random", "typeof"),
    *("first_value", "string_agg", "concat", "left", "now", "date_trunc", "median", "printf"),
)
_JOINS = (
    *("JOIN", "LEFT JOIN", "INNER JOIN", "CROSS JOIN", "NATURAL JOIN", "FULL OUTER JOIN", ","),
    *("RIGHT JOIN", "OUTER JOIN", "LEFT", "LEFT SEMI JOIN", "NATURAL LEFT JOIN", "STRAIGHT_JOIN"),
)
_SET_OPERATORS = (
    "UNION",
    "UNION ALL",
    "INTERSECT",
    "EXCEPT",
    "INTERSECT ALL",
    "EXCEPT ALL",
    "MINUS",
)
_ORDERINGS = (
    *("DESC", "ASC", "ASC DESC", "NULLS LAST", "DESC NULLS FIRST", "COLLATE NOCASE", "NULLS"),
    *("COLLATE nothing", ", 1", ", 2 DESC", ", count(*)", ", NULL", ", 'a'", "USING >"),
)
_LIMITS = (
    *(" LIMIT 3", " LIMIT -1", " LIMIT 1.5", " LIMIT 'x'", " LIMIT 1, 2", " LIMIT 1 OFFSET 2"),
    *(" OFFSET 2", " LIMIT (SELECT 1)", " LIMIT {column}", " LIMIT count(*)", " LIMIT 1 LIMIT 1"),
    *(
        " LIMIT ALL",
        " LIMIT 1 ORDER BY 1",
        " FETCH FIRST 1 ROWS ONLY",
        " LIMIT 1 + 1",
        " LIMIT NULL",
    ),
)
_CONDITIONS = (
    *(
        "count(*) > 1",
        "sum({column}) > 1",
        "row_number() OVER () = 1",
        "{column}",
        "1",
        "{alias} = 1",
    ),
    *(
        "{column} IS NULL",
        "EXISTS (SELECT 1)",
        "{column} IN (SELECT 1, 2)",
        "{column} IN ()",
        "NOT",
    ),
    *(
        "{column} BETWEEN 1 AND 2 AND 3",
        "({column}, 1) = (1, 2)",
        "max({alias}) > 1",
        "{table}.a = 1",
    ),
    *("{column} = (SELECT {column} FROM {table})", "{column} IN {table}", "a.b.c.d = 1", "1 = 1 ="),
    *("{column} IN (1, 'a', NULL)", "{column} LIKE 'a' ESCAPE 'b'", "count(DISTINCT {column}) > 1"),
)
_EXPRESSIONS = (
    *(
        "(SELECT {column} FROM {table})",
        "(SELECT {column}, 1 FROM {table})",
        "(SELECT * FROM {table})",
    ),
    *(
        "count({0})",
        "sum(count({0}))",
        "sum({0}) OVER ()",
        "CAST({0} AS INTEGER)",
        "CAST({0} AS TEXT)",
    ),
    *(
        "CAST({0} AS nonsense)",
        "CAST({0})",
        "CASE WHEN {0} THEN 1 END",
        "CASE {0} WHEN 1 THEN 2 ELSE 3",
    ),
    *(
        "CASE ELSE {0} END",
        "-{0}",
        "+{0}",
        "~{0}",
        "NOT {0}",
        "({0})",
        "(({0})",
        "{0})",
        "{0} + 1",
        "{0} ||",
    ),
    *(
        "DISTINCT {0}",
        "{0} DISTINCT",
        "{0}.{0}",
        "{table}.{0}",
        "lower({0})",
        "lower()",
        "lower({0}, 1)",
    ),
    *(
        "max({0}, 1)",
        "max({0}) FILTER (WHERE 1)",
        "lower({0}) OVER ()",
        "rank()",
        "rank() OVER (ORDER BY {0})",
    ),
    *(
        "{0} COLLATE NOCASE",
        "{0} IS NULL",
        "{0} ISNULL",
        "{0} BETWEEN 1",
        "{0} AS x",
        "{0} AS",
        "ALL {0}",
    ),
    *(
        "EXISTS {0}",
        "EXISTS (SELECT {0})",
        "{0} IN (1, 2)",
        "[{0}]",
        "{0}[1]",
        "{0}::text",
        "({0}, {0})",
    ),
    *(
        "count(*)",
        "count(DISTINCT {0})",
        "count(DISTINCT {0}, 1)",
        "count(DISTINCT *)",
        "sum(*)",
        "count(ALL {0})",
    ),
    *(
        "min({0} ORDER BY {0})",
        "iif({0}, 1, 2)",
        "lag({0}) OVER (PARTITION BY {0})",
        "{0} NOT",
        "{0} IS",
    ),
    *(
        "VALUES (1)",
        "(VALUES (1))",
        "NULL",
        "*",
        "{table}.*",
        "{table}",
        "{0} {0}",
        "current_date()",
        "ROW(1)",
    ),
)
_TAILS = (
    *(
        "; SELECT 1",
        ";",
        " ;;",
        " -- note",
        " /* note */",
        " /* open",
        " UNION SELECT 1",
        ")",
        " WHERE 1",
    ),
    *(
        " UNION SELECT 1, 2",
        " UNION ALL SELECT {column} FROM {table}",
        " UNION SELECT * FROM {table}",
    ),
    *(
        " INTERSECT SELECT {column} FROM {table} ORDER BY 1",
        " ORDER BY 1",
        " ORDER BY 9",
        " ORDER BY 0",
    ),
    *(
        " ORDER BY {column}",
        " ORDER BY {alias}",
        " ORDER BY count(*)",
        " GROUP BY 1",
        " GROUP BY 9",
    ),
    *(" GROUP BY {column}", " GROUP BY count(*)", " HAVING count(*) > 1", " HAVING {column} = 1"),
    *(
        " GROUP BY {column} HAVING max({column}) > 1",
        " WINDOW w AS (ORDER BY 1)",
        ", {table}",
        " AS x",
    ),
    *(
        " JOIN {table} ON 1",
        " JOIN {table} USING ({column})",
        " CROSS JOIN {table}",
        " JOIN {table}",
    ),
    *(" FOR UPDATE", " INTO x", " EXCEPT ALL SELECT 1", " UNION VALUES (1)", " UNION (SELECT 1)"),
    *(
        " GROUP BY ROLLUP (1)",
        " QUALIFY 1",
        " TABLESAMPLE 1",
        " NATURAL JOIN {table}",
        " t2",
        " OR",
    ),
)
_HEADS = (
    *(
        "WITH x AS (SELECT 1) ",
        "WITH x AS (SELECT 1), x AS (SELECT 2) ",
        "WITH RECURSIVE x AS (SELECT 1) ",
    ),
    *(
        "EXPLAIN ",
        "(",
        "SELECT ",
        "WITH {table} AS (SELECT 1 AS one) ",
        "WITH x(a, b) AS (SELECT 1) ",
        ";",
    ),
    *(
        "SELECT 1 UNION ",
        "SELECT 1, 2 UNION ALL ",
        "/* note */ ",
        "-- note\n",
        "  \n\t",
        "VALUES (1) UNION ",
    ),
    *(
        "SELECT * FROM (",
        "DELETE ",
        "WITH x AS ",
        "SELECT count(*) FROM ",
        "SELECT 1 WHERE 1 IN ",
        "DISTINCT ",
    ),
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement in tokens, with what an edit needs to know of it."""

    sql: str
    spans: tuple[tuple[int, int], ...]
    schema: Schema
    columns: tuple[str, ...]  # of the schema, as SQL writes them
    tables: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """The tokens as written."""
        return [self.sql[start:end] for start, end in self.spans]

    def replace(self, first: int, last: int, text: str) -> str:
        """Put a text in the place of the tokens from `first` to before `last`."""
        start = self.spans[first][0] if first < len(self.spans) else len(self.sql)
        end = self.spans[last - 1][1] if last > first else start
        return f"{self.sql[:start]}{text}{self.sql[end:]}"

    def where(self, test: Callable[[str], bool]) -> list[int]:
        """Return the places of the tokens that pass."""
        return [place for place, word in enumerate(self.words) if test(word)]

    def named(self, names: Sequence[str]) -> list[int]:
        """Return the places of the tokens that are one of some names, quotes and case ignored."""
        known = {_bare(name) for name in names}
        return self.where(lambda word: _bare(word) in known and word[0] != "'")

    def aliases(self) -> list[int]:
        """Return the places where a table, a subquery or an output column gets another name."""
        words = self.words
        after = [n + 1 for n, word in enumerate(words[:-1]) if word.upper() == "AS"]
        return [n for n in after if _is_name(words[n])]

    def fill(self, template: str, random: Random, *more: str) -> str:
        """Put names of the schema, or an alias of the statement, into a template."""
        aliases = [self.words[n] for n in self.aliases()] or ["x"]
        return template.format(
            *more,
            column=random.choice(self.columns),
            table=random.choice(self.tables),
            alias=random.choice(aliases),
        )


Edit = Callable[[Statement, Random], str | None]  # None: there is no place for it


def read(sql: str, schema: Schema) -> Statement:
    """Cut a statement into tokens."""
    columns = tuple(quote(column.name, schema.dialect) for _, column in schema.columns())
    tables = tuple(quote(table.name, schema.dialect) for table in schema.tables)
    spans = tuple(found.span() for found in _TOKEN.finditer(sql))
    return Statement(sql, spans, schema, columns or ("x",), tables or ("x",))


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


def _bare(word: str) -> str:
    return word[1:-1].casefold() if word[:1] in '"`[' and len(word) > 1 else word.casefold()


def _is_name(word: str) -> bool:
    return word[0] in '"`[' or ((word[0].isalpha() or word[0] == "_") and not _is_keyword(word))


def _is_keyword(word: str) -> bool:
    return word.upper() in _KEYWORDS


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


def _columns(statement: Statement) -> list[int]:
    return statement.named(statement.columns)


def _tables(statement: Statement) -> list[int]:
    words = statement.words
    named = statement.named(statement.tables)
    return [n for n in named if n and words[n - 1].upper() in ("FROM", "JOIN", ",")]


def _qualifiers(statement: Statement) -> list[int]:
    words = statement.words
    return [n for n in range(len(words) - 1) if words[n + 1] == "." and _is_name(words[n])]


def _keywords(statement: Statement) -> list[int]:
    return statement.where(_is_keyword)


def _operators(statement: Statement) -> list[int]:
    return statement.where(lambda word: word.upper() in _OPERATORS and word != "*")


def _literals(statement: Statement) -> list[int]:
    return statement.where(lambda word: word[0] == "'" or word[0].isdigit())


def _strings(statement: Statement) -> list[int]:
    return statement.where(lambda word: word[0] in "'\"" and len(word) > 1)


def _calls(statement: Statement) -> list[int]:
    words = statement.words
    return [n for n in range(len(words) - 1) if words[n + 1] == "(" and _is_name(words[n])]


def _terms(statement: Statement) -> list[int]:
    """Return the places of names and literals that stand alone in an expression."""
    around = (".", "(", "AS", "FROM", "JOIN")
    words = [*statement.words, ""]
    return [
        n
        for n, word in enumerate(words[:-1])
        if (_is_name(word) or word[0] in "'0123456789")
        and words[n + 1] not in (".", "(")
        and (n == 0 or words[n - 1].upper() not in around[:1] + around[2:])
    ]


def _words_of(statement: Statement, *words: str) -> list[int]:
    return statement.where(lambda word: word.upper() in words)


def _any(statement: Statement) -> range:
    return range(len(statement.spans))


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
    place = _pick(random, _columns(statement))
    if place is None:
        return None
    owners = [statement.words[n] for n in (*statement.aliases(), *_tables(statement))]
    owner = random.choice([*owners, random.choice(statement.tables)])
    if place and statement.words[place - 1] == ".":
        return statement.replace(place - 2, place - 1, owner)
    return statement.replace(place, place, f"{owner}.")


def _unqualify(statement: Statement, random: Random) -> str | None:
    place = _pick(random, _qualifiers(statement))
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


def _clauses(statement: Statement) -> list[list[tuple[int, int]]]:
    """Return for every pair of parentheses, and outside all, the spans of its clauses."""
    words = statement.words
    groups: list[list[tuple[int, int]]] = []
    open_groups: list[list[int]] = [[]]
    for place, word in enumerate([*words, ")"]):
        if word == "(":
            open_groups.append([])
        elif word == ")" and (len(open_groups) > 1 or place == len(words)):
            starts = open_groups.pop()
            ends = [*starts[1:], place]
            groups.append(list(zip(starts, ends, strict=False)))
        elif word.upper() in _CLAUSES:
            open_groups[-1].append(place)
    return [group for group in groups if group]


def _edit_clause(change: Callable[[Statement, list[tuple[int, int]], Random], str]) -> Edit:
    def edit(statement: Statement, random: Random) -> str | None:
        groups = _clauses(statement)
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
    condition = statement.fill(random.choice(_CONDITIONS), random)
    places = _words_of(statement, "WHERE", "HAVING", "ON", "AND", "OR", "WHEN")
    if places and random.random() < 0.7:
        place = random.choice(places) + 1
        return statement.replace(place, place, f"{condition} {random.choice(('AND', 'OR'))} ")
    keyword = random.choice(("WHERE", "HAVING", "ON", "AND"))
    ends = [last for group in _clauses(statement) for _, last in group]
    return statement.replace(place := random.choice(ends), place, f" {keyword} {condition} ")


def _argument(statement: Statement, random: Random) -> str | None:
    """Give a call one argument more, or take its first away."""
    place = _pick(random, _calls(statement))
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
    place = _pick(random, _words_of(statement, "SELECT"))
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
    place = _pick(random, [n for n in _words_of(statement, "BY") if n + 1 < len(statement.spans)])
    if place is None:
        return None
    number = random.choice(("0", "1", "2", "3", "9", "-1", "1.0", "'1'", "1 + 1"))
    return statement.replace(
        place + 1, place + 2 if random.random() < 0.5 else place + 1, f"{number} "
    )


def _limit(statement: Statement, random: Random) -> str | None:
    limit = statement.fill(random.choice(_LIMITS), random)
    place = _pick(random, _words_of(statement, "LIMIT"))
    return (
        f"{statement.sql}{limit}" if place is None else statement.replace(place, place + 2, limit)
    )


def _quotes(statement: Statement, place: int, random: Random) -> str:
    inner = statement.words[place].strip("'\"")
    return random.choice(("'{}", "{}'", "{}", '"{}"', "`{}`", "[{}]", "''{}''", "'{}'''")).format(
        inner
    )


def _requoted(statement: Statement, place: int, random: Random) -> str:
    name = _bare(statement.words[place])
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
    return sql + statement.fill(random.choice(_TAILS), random)


def _head(statement: Statement, random: Random) -> str | None:
    return statement.fill(random.choice(_HEADS), random) + statement.sql


EDITS: dict[str, Edit] = {
    "column_swapped": _replacing(_columns, _other_name(lambda s: s.columns)),
    "column_misspelt": _replacing(_columns, lambda s, n, random: _misspelt(s.words[n], random)),
    "column_for_table": _replacing(_columns, _other_name(lambda s: s.tables)),
    "column_qualified": _qualify,
    "column_unqualified": _unqualify,
    "column_requoted": _replacing(_columns, _requoted),
    "table_swapped": _replacing(_tables, _other_name(lambda s: s.tables)),
    "table_misspelt": _replacing(_tables, lambda s, n, random: _misspelt(s.words[n], random)),
    "table_added": _append(_tables, (", {table}", "JOIN {table}", "AS t9", "CROSS JOIN {table}")),
    "table_requoted": _replacing(_tables, _requoted),
    "qualifier_swapped": _replacing(
        _qualifiers, _other_name(lambda s: [s.words[n] for n in s.aliases()] or s.tables)
    ),
    "alias_dropped": _drop_alias,
    "alias_doubled": _replacing(
        Statement.aliases, _other_name(lambda s: [s.words[n] for n in s.aliases()])
    ),
    "alias_renamed": _from_list(
        Statement.aliases, ("x", "order", "select", "{column}", "{table}", '"a b"', "'a b'", "left")
    ),
    "alias_used": _replacing(
        _columns, _other_name(lambda s: [s.words[n] for n in s.aliases()] or s.columns)
    ),
    "operator_swapped": _from_list(_operators, _OPERATORS),
    "operator_dropped": _drop(_operators),
    "operator_doubled": _double(_operators),
    "operator_negated": _insert(_operators, ("NOT", "IS", "IS NOT", "= NOT", "-")),
    "clause_moved": _edit_clause(_move_clause),
    "clause_moved_to_end": _edit_clause(_move_to_end),
    "clause_doubled": _edit_clause(_double_clause),
    "clause_deleted": _edit_clause(_delete_clause),
    "clauses_swapped": _edit_clause(_swap_clauses),
    "condition_added": _add_condition,
    "function_renamed": _from_list(_calls, _FUNCTIONS),
    "argument_changed": _argument,
    "expression_wrapped": _from_list(_terms, _EXPRESSIONS),
    "column_wrapped": _from_list(_columns, _EXPRESSIONS),
    "parenthesis_deleted": _drop(lambda s: _words_of(s, "(", ")")),
    "parenthesis_added": _insert(_any, ("(", ")")),
    "distinct_moved": _insert(_terms, ("DISTINCT", "ALL", "DISTINCT ALL", "DISTINCT ON (1)")),
    "distinct_deleted": _drop(lambda s: _words_of(s, "DISTINCT", "ALL")),
    "comma_dropped": _drop(lambda s: _words_of(s, ",")),
    "comma_added": _insert(_any, (",",)),
    "star_put": _replacing(
        _any, lambda s, n, random: random.choice(("*", s.fill("{table}.*", random)))
    ),
    "keyword_misspelt": _replacing(_keywords, lambda s, n, random: _misspelt(s.words[n], random)),
    "keyword_swapped": _replacing(_keywords, _other_name(lambda s: sorted(_KEYWORDS))),
    "keyword_added": _insert(_any, sorted(_KEYWORDS)),
    "select_widened": _wider,
    "set_operator_changed": _from_list(
        lambda s: _words_of(s, "UNION", "INTERSECT", "EXCEPT"), _SET_OPERATORS
    ),
    "join_changed": _from_list(lambda s: _words_of(s, "JOIN", ","), _JOINS),
    "condition_of_join_changed": _from_list(
        lambda s: _words_of(s, "ON"),
        ("", "USING", "WHERE", "ON NOT", "USING ({column}) AND", "AND"),
    ),
    "position_changed": _position,
    "ordering_changed": _append(_columns, _ORDERINGS),
    "limit_changed": _limit,
    "literal_changed": _from_list(_literals, _LITERALS),
    "literal_for_column": _from_list(_columns, _LITERALS),
    "quote_dropped": _replacing(_strings, _quotes),
    "token_deleted": _drop(_any),
    "token_doubled": _double(_any),
    "tokens_swapped": _swap,
    "token_moved": _move_token,
    "character_edited": _edit_character,
    "space_changed": _space,
    "case_changed": _replacing(_any, _recased),
    "tail_added": _tail,
    "head_added": _head,
}
