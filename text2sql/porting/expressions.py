"""SQLite's expressions in DuckDB's SQL, so that they give what SQLite gives.

    >>> scope = Scope(lambda query, scope: [])
    >>> port_expression(sqlglot.parse_one("7 / 2", read="sqlite"), scope).sql("duckdb")
    '7 // 2'

Each construct of `HANDLERS` is written in the form that has SQLite's result for the kinds of its
operands (`sqlite_values`); functions by name are in `sqlite_functions`.

Sources: sqlite.org lang_expr, lang_aggfunc, windowfunctions, datatype3; DuckDB 2.0.0 tried beside
SQLite 3.40.

Covered: arithmetic, comparison by affinity, LIKE and GLOB, NOCASE, CAST, CASE, subqueries,
aggregates, window functions.
Not covered: integers beyond 64 bits, where SQLite goes on with doubles: DuckDB fails, or goes on
with 128 bits in sums; the case of letters beyond ASCII that LIKE meets in a column. `PortError`:
row values, JSON, REGEXP, shifts of bits.
"""

from collections.abc import Callable, Sequence

from sqlglot import exp

from text2sql.porting.functions import port_function
from text2sql.porting.values import (
    NUMBERS,
    PortError,
    Scope,
    affinity_of,
    any_kind,
    build,
    collated,
    collation_of,
    common_kind,
    comparable,
    converted,
    declared_affinity,
    folded,
    integer,
    kind_of,
    number,
    number_literal,
    operand,
    real,
    sort_key,
    text,
    truth,
    typed,
    unify,
    value,
)


def port_expression(node: exp.Expr, scope: Scope) -> exp.Expr:
    """Return SQLite's expression in DuckDB's SQL, with its kind.

    Args:
        node: as sqlglot reads it, columns qualified.
        scope: what columns and subqueries are.

    Raises:
        PortError: there is no form that would give SQLite's result.
    """
    if "kind" in node.meta:
        return node
    handle = HANDLERS.get(type(node))
    if handle is None:
        return _port_function(node, scope)
    return handle(node, scope)


def _column(node: exp.Column, scope: Scope) -> exp.Expr:
    output = scope.find(node)
    read = build(output.read_as, output.kind, x=typed(node.copy(), output.kind))
    return typed(read, output.kind, output.affinity)


def _literal(node: exp.Literal, scope: Scope) -> exp.Expr:
    return typed(node.copy(), "text") if node.is_string else number_literal(node.name)


def _null(node: exp.Expr, scope: Scope) -> exp.Expr:
    return typed(exp.Null(), "null")


def _boolean(node: exp.Expr, scope: Scope) -> exp.Expr:
    return typed(node.copy(), "boolean")


def _hex_string(node: exp.Expr, scope: Scope) -> exp.Expr:
    return build(f"unhex('{node.name}')", "blob")


def _paren(node: exp.Paren, scope: Scope) -> exp.Expr:
    inner = port_expression(node.this, scope)
    collation = inner.meta.get("collation")
    outer = typed(exp.Paren(this=inner), kind_of(inner), affinity_of(inner))
    outer.meta["collation"] = collation
    return outer


def _collate(node: exp.Collate, scope: Scope) -> exp.Expr:
    name = node.expression.name.lower()
    if name not in ("nocase", "binary", "rtrim"):
        raise PortError(f"no collation {name}")
    inner = port_expression(node.this, scope)
    inner.meta["collation"] = name
    return inner


def _subquery(node: exp.Subquery | exp.Select, scope: Scope) -> exp.Expr:
    outputs = scope.port_query(node, scope)
    if len(outputs) != 1:
        raise PortError("row values")
    query = node.copy() if isinstance(node, exp.Subquery) else exp.Subquery(this=node.copy())
    return typed(query, outputs[0].kind, outputs[0].affinity)


def _exists(node: exp.Exists, scope: Scope) -> exp.Expr:
    scope.port_query(node.this, scope)
    return typed(exp.Exists(this=node.this.copy()), "boolean")


def _connector(node: exp.And | exp.Or, scope: Scope) -> exp.Expr:
    sides = (truth(port_expression(side, scope)) for side in (node.this, node.expression))
    left, right = (operand(side) if isinstance(side, exp.Or) else side for side in sides)
    return typed(type(node)(this=left, expression=right), "boolean")


def _not(node: exp.Not, scope: Scope) -> exp.Expr:
    return typed(exp.Not(this=operand(truth(port_expression(node.this, scope)))), "boolean")


def _comparison(node: exp.Binary, scope: Scope) -> exp.Expr:
    left, right = port_expression(node.left, scope), port_expression(node.right, scope)
    return _compare(type(node), left, right)


def _compare(operator: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    collation = collation_of(left, right)
    left, right = (collated(side, collation) for side in converted(left, right))
    if kind_of(left) == "any" and kind_of(right) in NUMBERS and operator in _ABOVE:
        return _compare_with_number(operator, left, right)
    if kind_of(right) == "any" and kind_of(left) in NUMBERS and operator in _ABOVE:
        return _compare_with_number(_TURNED[operator], right, left)
    left, right = map(operand, unify([left, right]))
    return typed(operator(this=left.copy(), expression=right.copy()), "boolean")


# whether the tag of text passes
_ABOVE: dict[type[exp.Expr], str] = {exp.GT: "=", exp.GTE: "=", exp.LT: "<>", exp.LTE: "<>"}
_TURNED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GT: exp.LT,
    exp.LT: exp.GT,
    exp.GTE: exp.LTE,
    exp.LTE: exp.GTE,
}


def _compare_with_number(operator: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Compare values of any type with a number: text is above every number.

    Not as unions: DuckDB's optimiser makes a BETWEEN of two such conditions, and has none for them.
    """
    digits = build("union_extract(:x, 'n')", "numeric", x=left)
    same = typed(operator(this=digits, expression=operand(right.copy())), "boolean")
    sql = f"coalesce(:same, union_tag(:x) {_ABOVE[operator]} 's')"
    return build(sql, "boolean", same=same, x=left)


def _is(node: exp.Is, scope: Scope) -> exp.Expr:
    left = port_expression(node.this, scope)
    if isinstance(node.expression, exp.Null):
        return typed(exp.Is(this=operand(value(left)), expression=exp.Null()), "boolean")
    if isinstance(node.expression, exp.Boolean):
        right = node.expression.copy()
        return typed(exp.Is(this=operand(truth(left)), expression=right), "boolean")
    return _compare(exp.NullSafeEQ, left, port_expression(node.expression, scope))


def _between(node: exp.Between, scope: Scope) -> exp.Expr:
    middle = port_expression(node.this, scope)
    low = _compare(exp.GTE, middle, port_expression(node.args["low"], scope))
    high = _compare(exp.LTE, middle, port_expression(node.args["high"], scope))
    if low.this == high.this and kind_of(low.this) != "any":  # DuckDB has no BETWEEN of a union
        made = exp.Between(this=low.this, low=low.expression, high=high.expression)
        return typed(made, "boolean")
    return typed(exp.Paren(this=exp.And(this=low, expression=high)), "boolean")


def _in(node: exp.In, scope: Scope) -> exp.Expr:
    left = port_expression(node.this, scope)
    collation = collation_of(left)
    query = node.args.get("query")
    if query is not None:
        return _in_query(left, query, scope)
    if node.args.get("field") is not None or node.args.get("unnest") is not None:
        raise PortError("IN with the name of a table")
    # x IN (y, z) is x = +y OR x = +z: what is in the list has no affinity
    items = [value(port_expression(item, scope)) for item in node.expressions]
    items = [typed(item, kind_of(item)) for item in items]
    if not items:
        return typed(exp.false(), "boolean")
    if len(items) == 1:
        return _compare(exp.EQ, left, items[0])
    pairs = [comparable(left, item) for item in items]
    left, *rights = unify([pairs[0][0], *(right for _, right in pairs)])
    if any(pair[0] != pairs[0][0] for pair in pairs):
        left, *rights = map(any_kind, (left, *rights))
    left, *rights = (collated(side, collation) for side in (left, *rights))
    return typed(exp.In(this=operand(left), expressions=[r.copy() for r in rights]), "boolean")


def _in_query(left: exp.Expr, query: exp.Expr, scope: Scope) -> exp.Expr:
    outputs = scope.port_query(query, scope)
    if len(outputs) != 1:
        raise PortError("row values")
    collation = collation_of(left)
    item = typed(exp.column("c", "q"), outputs[0].kind, outputs[0].affinity)
    left, right = (collated(side, collation) for side in comparable(left, item))
    if isinstance(query, exp.Subquery):
        query = query.this
    if right != item:
        inner = exp.Subquery(this=query.copy(), alias=exp.TableAlias(this="q", columns=["c"]))
        query = exp.select(right.copy()).from_(inner)
    return typed(exp.In(this=operand(left), query=exp.Subquery(this=query.copy())), "boolean")


def _like(node: exp.Expr, scope: Scope) -> exp.Expr:
    """LIKE ignores the case of ASCII letters, and of no others."""
    escape = None
    negated = bool(node.args.get("negate"))
    if isinstance(node, exp.Escape):
        node, escape = node.this, node.expression.copy()
        negated = bool(node.args.get("negate"))
    left, right = (text(port_expression(side, scope)) for side in (node.this, node.expression))
    if isinstance(right, exp.Literal) and right.name.isascii():
        found: exp.Expr = exp.ILike(this=operand(left), expression=right.copy())
    else:
        found = exp.Like(this=folded(left), expression=folded(right))
    if escape is not None:
        found = exp.Escape(this=found, expression=escape)
    return typed(exp.Not(this=exp.Paren(this=found)) if negated else found, "boolean")


def _glob(node: exp.Glob, scope: Scope) -> exp.Expr:
    left, right = (text(port_expression(side, scope)) for side in (node.this, node.expression))
    if not isinstance(right, exp.Literal):
        raise PortError("GLOB with a pattern that is no literal")
    pattern = exp.Literal.string(right.name.replace("[^", "[!"))
    return typed(exp.Glob(this=operand(left), expression=pattern), "boolean")


def _arithmetic(node: exp.Binary, scope: Scope) -> exp.Expr:
    left, right = (number(port_expression(side, scope)) for side in (node.left, node.right))
    kinds = {kind_of(left), kind_of(right)}
    kind = "integer" if kinds == {"integer"} else "real" if "real" in kinds else "numeric"
    if kind == "integer":  # a literal alone would be computed with 32 bits
        left, right = _wide(left), _wide(right)
    return typed(type(node)(this=operand(left), expression=operand(right)), kind)


def _wide(node: exp.Expr) -> exp.Expr:
    return build("CAST(:x AS BIGINT)", "integer", x=node) if isinstance(node, exp.Literal) else node


def _division(node: exp.Div, scope: Scope) -> exp.Expr:
    left, right = (number(port_expression(side, scope)) for side in (node.left, node.right))
    safe = right
    if not (isinstance(right, exp.Literal) and float(right.name)):
        safe = build("nullif(:x, 0)", kind_of(right), x=right)
    kinds = {kind_of(left), kind_of(right)}
    if kinds == {"integer"}:
        return build(":a // :b", "integer", a=left, b=safe)
    if "real" in kinds:
        return build("CAST(:a AS DOUBLE) / :b", "real", a=left, b=safe)
    sql = (
        "CASE WHEN :a = trunc(:a) AND :b = trunc(:b) THEN trunc(CAST(:a AS DOUBLE) / :c)"
        " ELSE CAST(:a AS DOUBLE) / :c END"
    )
    return build(sql, "numeric", a=left, b=right, c=safe)


def _modulo(node: exp.Mod, scope: Scope) -> exp.Expr:
    sides = [number(port_expression(side, scope)) for side in (node.left, node.right)]
    left, right = map(integer, sides)
    kinds = {kind_of(side) for side in sides}
    rest = build(":a % nullif(:b, 0)", "integer", a=left, b=right)
    if kinds == {"integer"}:
        return rest
    return typed(real(rest), "real" if "real" in kinds else "numeric")


def _negation(node: exp.Neg, scope: Scope) -> exp.Expr:
    inner = number(port_expression(node.this, scope))
    return typed(exp.Neg(this=operand(inner)), kind_of(inner))


def _bits(node: exp.Expr, scope: Scope) -> exp.Expr:
    sides = {
        key: operand(_wide(integer(port_expression(side, scope))))
        for key, side in node.args.items()
        if isinstance(side, exp.Expr)
    }
    return typed(type(node)(**sides), "integer")


def _concatenation(node: exp.DPipe, scope: Scope) -> exp.Expr:
    left, right = (text(port_expression(side, scope)) for side in (node.left, node.right))
    return build(":a || :b", "text", a=left, b=right)


def _cast(node: exp.Cast, scope: Scope) -> exp.Expr:
    wanted = declared_affinity(node.args["to"].sql("sqlite"))
    inner = port_expression(node.this, scope)
    if wanted == "integer":
        return typed(_wide(integer(inner)), "integer", "numeric")
    if wanted == "real":
        return typed(build("CAST(:x AS DOUBLE)", "real", x=number(inner)), "real", "numeric")
    if wanted == "text":
        return typed(text(inner).copy(), "text", "text")
    if wanted == "numeric":
        found = number(inner).copy()
        return typed(found, kind_of(found), "numeric")
    raise PortError("CAST to BLOB")


def _case(node: exp.Case, scope: Scope) -> exp.Expr:
    subject = node.this and port_expression(node.this, scope)
    tests, results = [], []
    for branch in node.args["ifs"]:
        test = port_expression(branch.this, scope)
        tests.append(_compare(exp.EQ, subject, test) if subject else truth(test))
        results.append(port_expression(branch.args["true"], scope))
    default = node.args.get("default")
    results.append(port_expression(default, scope) if default else typed(exp.Null(), "null"))
    return _choice(tests, results)


def _choice(tests: Sequence[exp.Expr], results: Sequence[exp.Expr]) -> exp.Expr:
    """Return CASE over tests with their results; the last result is the default."""
    results = unify(results)
    case = exp.Case(ifs=[], default=results[-1].copy())
    for test, result in zip(tests, results, strict=False):
        case.append("ifs", exp.If(this=test.copy(), true=result.copy()))
    return typed(case, common_kind(results))


def _if(node: exp.If, scope: Scope) -> exp.Expr:
    branches = [node.args["true"], node.args.get("false") or exp.Null()]
    results = [port_expression(branch, scope) for branch in branches]
    return _choice([truth(port_expression(node.this, scope))], results)


def _coalesce(node: exp.Coalesce, scope: Scope) -> exp.Expr:
    items = unify([port_expression(item, scope) for item in (node.this, *node.expressions)])
    made = exp.Coalesce(this=items[0].copy(), expressions=[item.copy() for item in items[1:]])
    return typed(made, common_kind(items))


def _nullif(node: exp.Nullif, scope: Scope) -> exp.Expr:
    left = value(port_expression(node.this, scope))
    same = _compare(exp.EQ, left, port_expression(node.expression, scope))
    sql = "CASE WHEN NOT coalesce(:same, false) THEN :x END"
    return build(sql, kind_of(left), same=same, x=left)


def _scalar_extreme(node: exp.Greatest | exp.Least, scope: Scope) -> exp.Expr:
    """max(a, b) of SQLite is NULL where any argument is; DuckDB's greatest ignores NULL."""
    items = unify([port_expression(item, scope) for item in (node.this, *node.expressions)])
    nulls = exp.or_(*(exp.Is(this=operand(item.copy()), expression=exp.Null()) for item in items))
    chosen = type(node)(this=items[0].copy(), expressions=[item.copy() for item in items[1:]])
    case = exp.Case(ifs=[exp.If(this=exp.Not(this=exp.Paren(this=nulls)), true=chosen)])
    return typed(case, common_kind(items))


# Aggregates and windows


def _argument(node: exp.Expr, scope: Scope, as_kind: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """Return an aggregate's argument in a form; DISTINCT is decided before it is converted."""
    if not isinstance(node.this, exp.Distinct):
        return as_kind(port_expression(node.this, scope))
    if len(node.this.expressions) != 1:
        raise PortError("DISTINCT of several arguments")
    inner = as_kind(port_expression(node.this.expressions[0], scope))
    return typed(exp.Distinct(expressions=[inner.copy()]), kind_of(inner))


def _count(node: exp.Count, scope: Scope) -> exp.Expr:
    if node.this is None or isinstance(node.this, exp.Star):
        return typed(exp.Count(this=exp.Star(), big_int=True), "integer")
    inner = _argument(node, scope, sort_key)
    return typed(exp.Count(this=inner.copy(), big_int=True), "integer")


def _sum(node: exp.Sum, scope: Scope) -> exp.Expr:
    inner = _argument(node, scope, number)
    return typed(exp.Sum(this=inner.copy()), kind_of(inner))


def _avg(node: exp.Avg, scope: Scope) -> exp.Expr:
    return typed(exp.Avg(this=_argument(node, scope, number).copy()), "real")


def _extreme(node: exp.Min | exp.Max, scope: Scope) -> exp.Expr:
    inner = _argument(node, scope, value)
    return typed(type(node)(this=inner.copy()), kind_of(inner))


def _group_concat(node: exp.GroupConcat, scope: Scope) -> exp.Expr:
    inner = _argument(node, scope, text)
    separator = node.args.get("separator")
    between = text(port_expression(separator, scope)) if separator else exp.Literal.string(",")
    return typed(exp.GroupConcat(this=inner.copy(), separator=between.copy()), "text")


def _window(node: exp.Window, scope: Scope) -> exp.Expr:
    function = port_expression(node.this, scope)
    made = node.copy()
    made.set("this", function.copy())
    keys = node.args.get("partition_by") or []
    made.set("partition_by", [sort_key(port_expression(key, scope)).copy() for key in keys])
    if node.args.get("order"):
        made.set("order", port_order(node.args["order"], scope))
    return typed(made, kind_of(function))


def port_order(order: exp.Order, scope: Scope) -> exp.Order:
    """Return ORDER BY with its terms ported; constants, which order nothing, are left out."""
    made = order.copy()
    terms = []
    for term in order.expressions:
        key = sort_key(port_expression(term.this, scope))
        if not isinstance(key, exp.Literal | exp.Null):
            term = term.copy()
            term.set("this", key.copy())
            terms.append(term)
    made.set("expressions", terms)
    return made


def _filter(node: exp.Filter, scope: Scope) -> exp.Expr:
    inner = port_expression(node.this, scope)
    where = exp.Where(this=truth(port_expression(node.expression.this, scope)).copy())
    return typed(exp.Filter(this=inner.copy(), expression=where), kind_of(inner))


def _window_value(node: exp.Expr, scope: Scope) -> exp.Expr:
    """lag, lead, first_value, last_value, nth_value: the first argument's kind."""
    made = node.copy()
    inner = value(port_expression(node.this, scope))
    made.set("this", inner.copy())
    default = node.args.get("default")
    if default is not None:
        inner, other = unify([inner, port_expression(default, scope)])
        made.set("this", inner.copy())
        made.set("default", other.copy())
    return typed(made, kind_of(inner))


def _ranking(node: exp.Expr, scope: Scope) -> exp.Expr:
    is_share = isinstance(node, exp.PercentRank | exp.CumeDist)
    return typed(node.copy(), "real" if is_share else "integer")


def _first(node: exp.First, scope: Scope) -> exp.Expr:
    """Return a column's value in the first row of an order, as `porting` asks for it."""
    ordered = node.this if isinstance(node.this, exp.Order) else None
    inner = value(port_expression(ordered.this if ordered else node.this, scope))
    form: exp.Expr = inner.copy()
    if ordered:
        form = port_order(ordered, scope)
        form.set("this", inner.copy())
    return typed(exp.First(this=form), kind_of(inner), affinity_of(inner))


def _port_function(node: exp.Expr, scope: Scope) -> exp.Expr:
    if not isinstance(node, exp.Func):
        raise PortError(f"no form for {node.key}: {node.sql('sqlite')[:60]}")
    name, arguments = _call(node)
    return port_function(name, [port_expression(argument, scope) for argument in arguments])


# names that sqlglot gives to what SQLite calls otherwise
_NAMES = {
    "substring": "substr",
    "str_position": "instr",
    "power": "pow",
    "ts_or_ds_to_date": "date",
}


def _call(node: exp.Func) -> tuple[str, list[exp.Expr]]:
    """Return a function's name in SQLite and its arguments, however sqlglot has filed them."""
    if isinstance(node, exp.Anonymous):
        return node.name.lower(), list(node.expressions)
    if isinstance(node, exp.TimeToStr):
        moment = node.this.this if isinstance(node.this, exp.TsOrDsToTimestamp) else node.this
        return "strftime", [node.args["format"], moment]
    if isinstance(node, exp.Log) and node.args.get("expression"):
        base = node.this.name
        return (f"log{base}", [node.expression]) if base in ("2", "10") else ("log", [])
    arguments: list[exp.Expr] = []
    for key in node.arg_types:
        found = node.args.get(key)
        items = found if isinstance(found, list) else [found]
        arguments += [item for item in items if isinstance(item, exp.Expr)]
    name = node.sql_name().lower()
    if isinstance(node, exp.Trim):
        sides = {"LEADING": "ltrim", "TRAILING": "rtrim"}
        return sides.get(node.args.get("position") or "", "trim"), arguments
    clock = {"current_date": "date", "current_timestamp": "datetime", "current_time": "time"}
    return clock.get(name, _NAMES.get(name, name)), arguments


HANDLERS: dict[type[exp.Expr], Callable[..., exp.Expr]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Null: _null,
    exp.Boolean: _boolean,
    exp.HexString: _hex_string,
    exp.Paren: _paren,
    exp.Collate: _collate,
    exp.Subquery: _subquery,
    exp.Select: _subquery,
    exp.Exists: _exists,
    exp.And: _connector,
    exp.Or: _connector,
    exp.Not: _not,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), _comparison),
    **dict.fromkeys((exp.NullSafeEQ, exp.NullSafeNEQ), _comparison),
    exp.Is: _is,
    exp.Between: _between,
    exp.In: _in,
    exp.Like: _like,
    exp.Escape: _like,
    exp.Glob: _glob,
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul), _arithmetic),
    exp.Div: _division,
    exp.Mod: _modulo,
    exp.Neg: _negation,
    **dict.fromkeys((exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseNot), _bits),
    exp.DPipe: _concatenation,
    exp.Cast: _cast,
    exp.Case: _case,
    exp.If: _if,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Greatest: _scalar_extreme,
    exp.Least: _scalar_extreme,
    exp.Count: _count,
    exp.Sum: _sum,
    exp.Avg: _avg,
    exp.Min: _extreme,
    exp.Max: _extreme,
    exp.GroupConcat: _group_concat,
    exp.First: _first,
    exp.Window: _window,
    exp.Filter: _filter,
    **dict.fromkeys((exp.Lag, exp.Lead), _window_value),
    **dict.fromkeys((exp.FirstValue, exp.LastValue, exp.NthValue), _window_value),
    **dict.fromkeys((exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile), _ranking),
    **dict.fromkeys((exp.PercentRank, exp.CumeDist), _ranking),
}
