"""Say what is wrong with a prediction, in classes that a person can act on.

    >>> classify(
    ...     "SELECT name FROM singer WHERE age > 20",
    ...     "SELECT T1.name FROM singer AS T1 WHERE T1.age >= 20",
    ...     error_kind=None,
    ... )
    ('wrong operator',)

Covered: the difference of two trees in a normal form. Aliases stand for their tables, positions
and output names for what they select; case, the order of tables and of commutative operands and
the way in which a join or a range is written do not count; columns that a join makes equal are
the same. What came of running the prediction is named first. With a schema, columns without a
table find theirs.
Not covered: whether a difference is what changed the result: every one that was found is named.
Equivalent queries of different build (IN against a join) differ in nesting. Statements that
sqlglot cannot read have the classes of their execution alone.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from text2sql.schema.model import Schema
from text2sql.scoring.normal_forms import Reading, Shape, Term, leftmost, parse, parts
from text2sql.scoring.spider.structure import Names

ERROR_CLASSES = {  # the most telling first
    "empty prediction": "there is no SQL: look at the model's output and the token limit",
    "refused": "not a single reading query: train on queries alone, or constrain the decoding",
    "does not parse": "no SQL: constrain the decoding, or raise the token limit if it was cut",
    "unknown table": "a table or alias that does not exist: constrain the decoding to the schema",
    "unknown column": "a column that does not exist: constrain the decoding to the schema",
    "unknown name": "a table, column or function that does not exist: constrain the decoding",
    "timeout": "did not end in time: look for a join without condition",
    "memory": "needed too much memory: look for a join without condition",
    "crash": "the process that ran it died: keep the statement and report it to the engine",
    "too large": "the result is too large to compare: look for a join without condition",
    "engine error": "the engine refused it: read its message, the dialect may be the wrong one",
    "wrong set operation": "UNION, INTERSECT or EXCEPT missing, needless or another one",
    "wrong table": "another table than gold's: improve schema linking, describe the tables",
    "missing join": "a table of gold is missing: describe keys and relationships",
    "extra join": "a table that gold does not need: fewer tables in the prompt",
    "join condition": "joined on other columns: declare the foreign keys",
    "join type": "inner where gold has an outer join, or the other way round",
    "nesting": "the same tables, put together by a subquery on one side and not on the other",
    "missing subquery": "gold has a subquery that the prediction does without",
    "extra subquery": "a subquery that gold does without",
    "wrong aggregate": "another function, or none, or one too many: describe units and totals",
    "wrong grouping": "grouped by something else, or not at all",
    "wrong having": "another condition on groups",
    "missing condition": "a condition of the question was left out",
    "extra condition": "a condition that the question does not ask for",
    "wrong connective": "AND where gold has OR, or the other way round",
    "wrong column": "another column than gold's: describe columns, add synonyms",
    "missing column": "a column that was asked for is not selected",
    "extra column": "a column is selected that was not asked for",
    "column order": "the right columns in another order",
    "wrong operator": "another comparison, such as > for >= or = for LIKE",
    "wrong literal": "another value: link values of the database into the prompt",
    "wrong expression": "a calculation, cast or function differs",
    "wrong distinct": "DISTINCT missing or needless",
    "wrong order": "sorted by something else, the other way round, or not at all",
    "wrong limit": "another number of rows",
    "same text": "gold but for spelling: the rows depend on ties, the clock or the engine",
    "other": "no class fits",
}
EXECUTION_CLASSES = {  # from the kinds of text2sql.execution; "truncated": cut at a cap
    "refused": "refused",
    "parse": "does not parse",
    "missing": "unknown name",
    "engine": "engine error",
    "timeout": "timeout",
    "memory": "memory",
    "killed": "crash",
    "truncated": "too large",
}
_FROM_CLASSES = {"wrong table", "missing join", "extra join", "join condition"}
_SUBQUERY_CLASSES = {"missing subquery", "extra subquery"}
# A column of the same name: wrong where both queries have both tables, else a consequence.
_OTHER_TABLE = "other table"


def classify(
    gold: str,
    predicted: str,
    *,
    error_kind: str | None,
    dialect: str = "sqlite",
    schema: Schema | Names | None = None,
) -> tuple[str, ...]:
    """Return the classes of error of a wrong prediction, the most telling first.

    Args:
        gold: gold SQL.
        predicted: SQL that a metric found wrong.
        error_kind: what came of running it, a key of EXECUTION_CLASSES; None when it ran.
        dialect: sqlglot's name of the SQL.
        schema: of the database; without it a column that names no table fits any.

    Returns:
        Keys of ERROR_CLASSES in its order, at least one. "same text" and "other" stand alone.
    """
    if not predicted.strip():
        return ("empty prediction",)
    if error_kind == "parse":
        return ("does not parse",)
    names = Names.of(schema) if isinstance(schema, Schema) else schema
    found = {EXECUTION_CLASSES.get(error_kind, "engine error")} if error_kind else set()
    try:
        found |= _differences(gold.strip(), predicted.strip(), dialect, names, error_kind)
    except RecursionError:  # nested too deeply for any reader
        found.add("other")
    if len(found) > 1:
        found -= {"same text", "other"}
    if found & {"unknown table", "unknown column"}:
        found.discard("unknown name")
    return tuple(name for name in ERROR_CLASSES if name in found)


def _differences(
    gold: str, predicted: str, dialect: str, names: Names | None, error_kind: str | None
) -> set[str]:
    if gold == predicted:
        return {"same text"}
    one, two = parse(gold, dialect), parse(predicted, dialect)
    if one is None or two is None:
        return {"other"}
    ones, twos = Reading(dialect, names), Reading(dialect, names)
    shapes = ones.read(one), twos.read(two)
    unknown = twos.unknown() if error_kind == "missing" else set()
    loose = ones.homeless | twos.homeless
    if loose:
        reading = Reading(dialect, names, loose)
        shapes = reading.read(one), reading.read(two)
    found = set(_compare_shapes(*shapes))
    if not found:  # then what is harmless under most rules must have done it
        reading = Reading(dialect, names, loose, exact=True)
        shapes = reading.read(one), reading.read(two)
        found = set(_compare_shapes(*shapes, strict=True))
        found = found or {"same text" if shapes[0] == shapes[1] else "other"}
    return _named_nesting(found, *shapes) | unknown


def _named_nesting(found: set[str], gold: "Shape", predicted: "Shape") -> set[str]:
    """Put "nesting" in place of what it explains: each table is there, at another depth."""
    if not found & _SUBQUERY_CLASSES or "wrong set operation" in found:
        return found
    same = Counter(gold.all_tables()) == Counter(predicted.all_tables())
    return found - _FROM_CLASSES - _SUBQUERY_CLASSES | {"nesting"} if same else found


def _equal_columns(gold: Shape, predicted: Shape) -> dict[Term, Term]:
    """Map each column that an inner join makes equal to others to one of them."""
    same: dict[Term, Term] = {}
    for shape in (gold, predicted):
        twice = {table for table, n in Counter(shape.tables).items() if n > 1}  # not the same rows
        for _, _, one, two in sorted(shape.joins, key=repr) if not shape.outer else ():
            if one[1] not in twice and two[1] not in twice:
                old, new = same.get(two, two), same.get(one, one)
                same |= {column: new for column, chosen in same.items() if chosen == old}
                same |= {one: new, two: new}
    return same


def _settled(term: Term, same: Mapping[Term, Term]) -> Term:
    if term[0] == "column":
        return same.get(term, term)
    if term[0] in ("literal", "query"):
        return term
    return (*term[:2], *(_settled(operand, same) for operand in term[2:]))


def _unmatched(
    gold: Iterable[Term], predicted: Iterable[Term], same: Mapping[Term, Term]
) -> tuple[list[Term], list[Term]]:
    """Return the terms of each side that the other does not have."""
    ones, twos = ([_settled(term, same) for term in side] for side in (gold, predicted))
    left = []
    for term in ones:
        if term in twos:
            twos.remove(term)
        else:
            left.append(term)
    return left, twos


def _compare_shapes(gold: Shape, predicted: Shape, strict: bool = False) -> Iterator[str]:
    """Yield the classes of what differs; where `strict`, of what seldom matters, too."""
    if gold.op != predicted.op:
        yield "wrong set operation"
        yield from _compare_shapes(leftmost(gold), leftmost(predicted), strict)
    elif gold != predicted:
        for one, two in zip(gold.sides, _in_order(gold, predicted), strict=True):
            yield from _compare_shapes(one, two, strict)
        found = set(_compare_clauses(gold, predicted, strict))
        if _OTHER_TABLE in found and gold.tables == predicted.tables:
            yield "wrong column"
        yield from found - {_OTHER_TABLE}


def _compare_clauses(gold: Shape, predicted: Shape, strict: bool) -> Iterator[str]:
    same = {} if strict else _equal_columns(gold, predicted)
    yield from _compare_sources(gold, predicted, strict)
    yield from _compare_items(gold.select, predicted.select, same)
    yield from _compare_conditions(gold.where, predicted.where, same)
    yield from _compare_groups(gold, predicted, same)
    if gold.distinct != predicted.distinct:
        yield "wrong distinct"
    orders = [[_settled(term, same) for term in shape.order] for shape in (gold, predicted)]
    # rows that come in an order nobody asked for are right, unless some of them are cut off
    if orders[0] != orders[1] and (strict or gold.order or predicted.limit):
        yield "wrong order"
    if gold.limit != predicted.limit:
        yield "wrong limit"


def _in_order(gold: Shape, predicted: Shape) -> tuple[Shape, ...]:
    """Return the sides of the predicted set operation in the order of gold's."""
    ones, twos = gold.sides, predicted.sides
    crossed = bool(ones) and (ones[0] == twos[1] or ones[1] == twos[0])
    return twos[::-1] if crossed and not gold.op.startswith("except") else twos


def _compare_sources(gold: Shape, predicted: Shape, strict: bool) -> Iterator[str]:
    ones, twos = Counter(gold.tables), Counter(predicted.tables)
    missing, extra = (ones - twos).total(), (twos - ones).total()
    if missing and extra:
        yield "wrong table"
    if missing != extra:
        yield "missing join" if missing > extra else "extra join"
    if ones == twos and gold.joins != predicted.joins:
        yield "join condition"
    if ones == twos and gold.outer != predicted.outer:
        yield "join type"
    for one, two in zip(gold.derived, predicted.derived, strict=False):
        yield from _compare_shapes(one, two, strict)
    if len(gold.derived) != len(predicted.derived):
        more = len(gold.derived) > len(predicted.derived)
        yield "missing subquery" if more else "extra subquery"


def _compare_items(
    gold: Sequence[Term], predicted: Sequence[Term], same: Mapping[Term, Term]
) -> Iterator[str]:
    ones, twos = _unmatched(gold, predicted, same)
    if not ones and not twos and gold != predicted:
        if [_settled(t, same) for t in gold] != [_settled(t, same) for t in predicted]:
            yield "column order"
        return
    stars = [any(term[0] == "star" for term in side) for side in (ones, twos)]
    if stars[0] != stars[1]:  # all columns on one side
        yield "missing column" if stars[0] else "extra column"
        return
    for one, two in [*_paired(ones, twos), *zip(ones, twos, strict=False)]:
        yield from _compare_terms(one, two)
    if len(gold) != len(predicted):
        yield "missing column" if len(gold) > len(predicted) else "extra column"


def _compare_groups(gold: Shape, predicted: Shape, same: Mapping[Term, Term]) -> Iterator[str]:
    ones, twos = ({_settled(t, same) for t in shape.group} for shape in (gold, predicted))
    if ones != twos:
        yield "wrong grouping"
    for name in _compare_conditions(gold.having, predicted.having, same):
        yield "wrong having"
        if name not in ("missing condition", "extra condition"):
            yield name


def _compare_conditions(
    gold: Iterable[Term], predicted: Iterable[Term], same: Mapping[Term, Term]
) -> Iterator[str]:
    ones, twos = _unmatched(gold, predicted, same)
    if _has_or(ones) != _has_or(twos):
        flat = _unmatched(_without_or(ones), _without_or(twos), {})
        # with the same conditions on both sides, it is the connective that differs
        if min(map(len, map(_without_or, (ones, twos)))) > 1 and not any(_left_over(*flat)):
            yield "wrong connective"
            ones, twos = flat
    for one, two in _paired(ones, twos):
        yield from _compare_terms(one, two)
    for left, name in ((ones, "missing"), (twos, "extra")):
        for term in left:
            nested = any(part[0] == "query" for part in parts(term))
            yield f"{name} subquery" if nested else f"{name} condition"


def _left_over(ones: list[Term], twos: list[Term]) -> tuple[list[Term], list[Term]]:
    ones, twos = ones[:], twos[:]
    list(_paired(ones, twos))
    return ones, twos


def _has_or(terms: Iterable[Term]) -> bool:
    return any(term[:2] == ("logic", "or") for term in terms)


def _without_or(terms: Iterable[Term]) -> list[Term]:
    return [t for term in terms for t in (term[2:] if term[0] == "logic" else (term,))]


def _paired(ones: list[Term], twos: list[Term]) -> Iterator[tuple[Term, Term]]:
    """Take out and yield the terms of both sides that have most in common, best first."""
    scores = sorted(
        ((_likeness(one, two), -i, -j) for i, one in enumerate(ones) for j, two in enumerate(twos)),
        reverse=True,
    )
    pairs: dict[int, int] = {}
    for score, i, j in scores:
        if score > 1 and -i not in pairs and -j not in pairs.values():
            pairs[-i] = -j
    found = [(ones[i], twos[j]) for i, j in pairs.items()]
    ones[:] = [one for i, one in enumerate(ones) if i not in pairs]
    twos[:] = [two for j, two in enumerate(twos) if j not in pairs.values()]
    yield from found


def _likeness(one: Term, two: Term) -> int:
    """Count what two terms share: a column or a value is worth twice a function or operator."""
    shared = Counter(map(_mark, parts(one))) & Counter(map(_mark, parts(two)))
    return sum(n * (2 if mark[0] in ("column", "literal") else 1) for mark, n in shared.items())


def _mark(term: Term) -> Term:
    return term if term[0] in ("column", "literal") else term[:1]


def _compare_terms(gold: Term, predicted: Term) -> Iterator[str]:
    """Yield the classes of what differs in two expressions or conditions."""
    heads = gold[0], predicted[0]
    if gold == predicted:
        return
    if heads == ("query", "query"):
        yield from _compare_shapes(gold[1], predicted[1])
    elif "query" in heads:
        yield "missing subquery" if gold[0] == "query" else "extra subquery"
    elif "aggregate" in heads:
        yield from _compare_aggregates(gold, predicted)
    elif "not" in heads:
        if heads != ("not", "not"):
            yield "wrong operator"
        one, two = (term[2] if term[0] == "not" else term for term in (gold, predicted))
        yield from _compare_terms(one, two)
    elif set(heads) <= {"column", "star"}:
        if gold[-1] != predicted[-1]:
            yield "wrong column"
        elif gold[1] and predicted[1]:
            yield _OTHER_TABLE
    elif "literal" in heads:
        yield "wrong literal" if set(heads) <= {"literal", "column"} else "wrong expression"
    else:
        yield from _compare_operands(gold, predicted)


def _compare_aggregates(gold: Term, predicted: Term) -> Iterator[str]:
    if gold[0] != predicted[0]:
        yield "wrong aggregate"
        inner = [term[2:3] if term[0] == "aggregate" else (term,) for term in (gold, predicted)]
        columns = [term for side in inner for term in side if term[0] == "column"]
        if len(columns) == 2 and columns[0] != columns[1]:
            yield "wrong column"
        return
    if gold[1][0] != predicted[1][0]:
        yield "wrong aggregate"
    if gold[1][1] != predicted[1][1]:
        yield "wrong distinct"
    for one, two in zip(gold[2:], predicted[2:], strict=False):
        # count(*) against max(age): the function says it
        if gold[1][0] == predicted[1][0] or "star" not in (one[0], two[0]):
            yield from _compare_terms(one, two)
    if len(gold) != len(predicted):
        yield "wrong expression"


def _compare_operands(gold: Term, predicted: Term) -> Iterator[str]:
    conditions = {"compare", "in"}
    heads = {gold[0], predicted[0]}
    if "logic" in heads:
        one, two = (t[2:] if t[0] == "logic" else (t,) for t in (gold, predicted))
        if heads == {"logic"} and gold[1] != predicted[1]:
            yield "wrong connective"
        yield from _compare_conditions(one, two, {})
        return
    if gold[:2] != predicted[:2]:
        alike = heads <= conditions or heads == {"arithmetic"}
        yield "wrong operator" if alike else "wrong expression"
    ones, twos = list(gold[2:]), list(predicted[2:])
    if heads <= conditions:  # the value of one side stands first
        yield from _compare_terms(ones.pop(0), twos.pop(0))
        ones, twos = _unmatched(ones, twos, {})
    yield from (name for pair in zip(ones, twos, strict=False) for name in _compare_terms(*pair))
    if len(ones) != len(twos):
        yield "wrong literal" if "in" in heads else "wrong expression"
