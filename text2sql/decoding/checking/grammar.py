"""The context-free half of the checker: productions as text, read into an LL(1) table.

    >>> grammar = compile_grammar(FEATURES["sqlite"])
    >>> grammar.alternatives["limit"]
    (('LIMIT', @phase_limit, 'limit_value', 'limit_more'),)

One text serves every dialect: an alternative that begins with `+word` exists where the dialect has
that feature, one with `-word` where it has not. `@word` is an action of `scope`, run between two
terminals; it may refuse. `[x]` is optional, `{x}` repeats, UPPER CASE and quoted symbols are
terminals, `<x>` are the classes of names and numbers that the lexer tells apart.

Expressions are generated from `OPERATORS`, with precedence levels: sqlglot refuses `a IN (b) / c`
and reads `a BETWEEN b = c AND d` otherwise than SQLite.

Covered: what people and BIRD write; see the productions.
Not covered: rows other than before IN, in its list in DuckDB, and beside another row in SQLite;
LATERAL, structs, table functions in SQLite but those of JSON.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from text2sql.decoding.checking.choices import choices, empty_of, first_of
from text2sql.decoding.checking.symbols import Symbol, shortest

# Loosest first. A production of a level holds operands of the next tighter one.
NOT_LEVEL, PREDICATE_LEVEL, UNARY_LEVEL = 3, 4, 9
PRODUCTIONS = r"""
statement    = @open whole_query semicolon EOT
semicolon    = ';' semicolon |
query        = with body @with_read | body
whole_query  = with wide @with_read | wide
with         = WITH @with recursive cte { ',' cte }
recursive    = +recursive RECURSIVE @recursive |
cte          = <cte> @cte cte_columns AS materialized '(' @open_cte whole_query @close_cte ')'
cte_columns  = '(' <new_column> @cte_column { ',' <new_column> @cte_column } ')' |
materialized = +materialized MATERIALIZED | +materialized NOT MATERIALIZED |
body         = core { set_operation arm } order limit @end_query
arm          = core | +parenthesised_arms parenthesised
parenthesised = '(' @open_arm body ')' @close_arm
wide         = body | +parenthesised_arms parenthesised set_operation arm { set_operation arm }
               order limit @end_query
set_operation = @can_combine UNION union_all | @can_combine INTERSECT except_all @arm
             | @can_combine EXCEPT except_all @arm
union_all    = ALL @arm_union | @arm_union
except_all   = +except_all ALL |
core         = -from_first SELECT @select distinct items from clauses
             | +from_too FROM @from_leads sources @close_from from_items
             | +from_first FROM @from_first sources @close_from
               SELECT @select_after distinct items @end_items clauses
             | +values VALUES @values value_row { ',' value_row }
             | +from_first SELECT @select_alone distinct items @no_from clauses
from_items   = SELECT @select_after distinct items @end_items clauses
             | @select_star where @no_group
value_row    = '(' @value_row value_list ')' @end_value_row
value_list   = @value expr_1 { ',' @value expr_1 }
distinct     = DISTINCT distinct_on | ALL |
distinct_on  = +distinct_on ON '(' @distinct_on expr_1 @distinct_on_term
               { ',' expr_1 @distinct_on_term } ')' @end_distinct_on
             | @distinct
items        = item { ',' @next_item item } | +no_items @no_items
item         = '*' @star star_rest | @item expr_1 @item_value item_alias
star_rest    = +star_rest EXCLUDE @can_edit left_out replaced
             | +star_rest REPLACE @can_edit replacements |
left_out     = '(' <shown> @leave_out { ',' <shown> @leave_out } ')' | <shown> @leave_out
replaced     = REPLACE replacements |
replacements = '(' replacement { ',' replacement } ')'
replacement  = @replacement expr_1 @replacing AS <shown> @replace
item_alias   = AS <alias> @alias | <bare_alias> @alias |
from         = FROM @from sources @close_from | @no_from
sources      = source { join }
source       = <table> @table namespaced @is_source source_alias
             | -joined_tables @can_derive '(' derived
             | +joined_tables @can_derive '(' @open_nest nest
             | +json_tables json_table '(' expr_1 json_path ')' @end_json_table
               lateral_alias
             | +lateral LATERAL @can_see lateral | +lateral @can_see made_rows
derived      = @derived query @end_derived ')' derived_alias
nest         = derived | @nested source join { join } ')' @end_nest
json_table   = JSON_EACH @json_table | JSON_TREE @json_table
json_path    = ',' expr_1 |
lateral      = '(' @lateral query @end_derived ')' lateral_alias | made_rows
lateral_alias = AS <source_alias> @source_as | <bare_source_alias> @source_as
made_rows    = row_maker @make_rows '(' @call arguments @end_arguments ')' @end_rows rows_alias
row_maker    = UNNEST | GENERATE_SERIES | +row_ranges RANGE
rows_alias   = AS <source_alias> @source_as column_aliases
             | <bare_source_alias> @source_as column_aliases
namespaced   = +namespaces '.' @namespace <namespaced_table> @namespaced_table |
source_alias = @takes_alias AS <source_alias> @source_as
             | @takes_alias <bare_source_alias> @source_as | @source
derived_alias = AS <source_alias> @source_as column_aliases
             | <bare_source_alias> @source_as column_aliases
             | +anonymous_derived @source
column_aliases = +lateral '(' <new_column> @rows_column { ',' <new_column> @rows_column } ')'
               @rows_named
             | +lateral @rows_alone | -lateral
join         = @can_join ',' @comma source late_condition
             | @can_join JOIN @join source condition
             | @can_join INNER JOIN @join source condition
             | @can_join LEFT outer JOIN @join source condition
             | @can_join_outer RIGHT outer JOIN @join source condition
             | -full_pairs @can_join_outer FULL outer JOIN @join source condition
             | +full_pairs @can_join_full FULL outer JOIN @full source full_condition
             | +semi_joins SEMI @can_join_half JOIN @half source half_condition
             | +semi_joins ANTI @can_join_half JOIN @half source half_condition
             | +asof ASOF @can_join_asof asof_side JOIN @full source asof_condition
             | +positional @can_join_outer POSITIONAL JOIN @cross source
             | @can_join CROSS JOIN @cross source crossing
             | @can_join_naturally NATURAL natural JOIN @natural source
outer        = OUTER |
natural      = INNER | LEFT outer |
condition    = @settled ON @on expr_1 @end_on
             | @can_use USING '(' <using> @using { @can_use ',' <using> @using } @settled ')'
               @end_using
             | +bare_join @settled @bare
late_condition = +bare_join @late ON @on expr_1 @end_on |
half_condition = ON @on expr_1 @end_on @end_half
             | @can_use USING '(' <using> @using { @can_use ',' <using> @using } ')' @end_half
crossing     = +cross_condition ON @on expr_1 @end_on |
full_condition = @settled ON @on pair { AND pair } @end_full
             | @can_use USING '(' <using> @using { @can_use ',' <using> @using } @settled ')'
               @end_using
pair         = side '=' side @end_pair
asof_side    = LEFT | INNER |
asof_condition = @settled ON @on asof_pair { AND asof_pair } @end_asof
asof_pair    = side asof_sign side @end_pair
asof_sign    = '=' | '<' @uneven | '>' @uneven | '<=' @uneven | '>=' @uneven
side         = <pair_qualifier> @pair_qualifier '.' <pair_member> @pair_member
clauses      = where group having windows qualify sample
where        = WHERE @phase_where expr_1 @end_condition |
group        = GROUP @can_group BY @phase_group group_terms @end_group | @no_group
group_terms  = +group_by_all ALL @group_all | grouping { ',' grouping }
grouping     = +grouping_sets ROLLUP @can_roll '(' grouped { ',' grouped } ')'
             | +grouping_sets CUBE @can_roll '(' grouped { ',' grouped } ')'
             | +grouping_sets GROUPING @can_set SETS '(' grouping_set { ',' grouping_set } ')'
             | group_term
grouping_set = '(' grouping_columns ')'
grouping_columns = grouped { ',' grouped } |
grouped      = @term <column> name_tail @end_term
group_term   = @term expr_1 @end_term
having       = @can_have HAVING @phase_having expr_1 @end_condition |
windows      = +named_windows WINDOW window_definition { ',' window_definition } @windows_done
             | @windows_done
window_definition = <new_window> @new_window AS '(' @open_window window @end_over ')'
qualify      = +qualify QUALIFY @phase_qualify expr_1 @end_condition |
sample       = +sample USING @can_sample SAMPLE <count> @sample_count sample_unit |
sample_unit  = '%' @sample_percent | PERCENT @sample_percent | ROWS |
order        = ORDER @can_sort BY @phase_order order_terms |
order_terms  = +order_by_all ALL direction | order_term { ',' order_term }
order_term   = @term expr_1 @end_term direction nulls
direction    = ASC | DESC |
nulls        = NULLS nulls_place |
nulls_place  = FIRST | LAST
limit        = LIMIT @phase_limit limit_value limit_more
             | +fetch OFFSET @phase_limit <count> offset_rows
             | +fetch @phase_limit fetch |
offset_rows  = ROWS offset_fetch | ROW offset_fetch | offset_fetch
offset_fetch = fetch |
fetch        = FETCH fetch_place fetch_count ONLY
fetch_place  = FIRST | NEXT
fetch_count  = <count> row_word | row_word
row_word     = ROWS | ROW
limit_value  = limit_sum | +limit_query '(' @limit_scalar query @end_scalar ')'
limit_sum    = limit_count { limit_sign limit_count }
limit_count  = limit_number | +limit_sums '-' limit_number | +limit_sums '~' limit_number
             | +limit_sums NOT limit_number
limit_number = <count> limit_collated | +limit_sums TRUE @boolean | +limit_sums FALSE @boolean
limit_collated = +limit_sums COLLATE collation |
limit_sign   = +limit_sums '+' | +limit_sums '-' | +limit_sums '*'
limit_more   = OFFSET limit_sum | +limit_comma ',' limit_sum |

primary      = NUMBER @number | STRING @string | NULL @null | +blobs BLOB @blob
             | +booleans TRUE @boolean | +booleans FALSE @boolean
             | CURRENT_DATE @date_value | CURRENT_TIMESTAMP @timestamp_value
             | +current_time CURRENT_TIME @time_value
             | '(' parenthesis ')' @computed
             | CASE @case case END @end_case
             | CAST '(' @cast expr_1 @as AS type ')' @end_cast
             | EXISTS @can_exist '(' @exists query @end_exists ')'
             | +try_cast TRY_CAST '(' @cast expr_1 @as AS type ')' @end_cast
             | +extract EXTRACT @can_extract '(' @extract <field> @field FROM expr_1 @extracted ')'
               @end_extract
             | +interval INTERVAL @interval interval
             | +arrays ARRAY array
             | +list_literals array
             | +named_arguments MAKE_INTERVAL @can_make '(' @make_interval span { ',' span } ')'
               @end_make_interval
             | +position POSITION @can_position '(' @position expr_5 @positioned IN expr_5
               @end_position ')'
             | <column> name_tail
span         = <span> @span '=>' expr_1 @spanned
array        = '[' @array @array_value_next expr_1 @array_value
               { ',' @array_value_next expr_1 @array_value } ']' @end_array
parenthesis  = @scalar query @end_scalar | @group expr_1 row @end_parenthesis
row          = +rows @can_be_row ',' @row expr_1 { @next_in_row ',' @row expr_1 } |
case         = case_base when { when } case_else
case_base    = @case_base expr_1 @case_based |
when         = WHEN @when expr_1 @then_value THEN @then expr_1 @case_value
case_else    = ELSE @then expr_1 @case_value |
type         = <type> @type type_rest type_parameters
type_rest    = +long_types PRECISION @long_type | +long_types VARYING @long_type | @whole_type
type_parameters = @sized '(' <count> @type_parameter type_scale ')' |
type_scale   = @sized ',' <count> @type_parameter |
interval     = STRING_INTERVAL @interval_text interval_unit
             | +interval_count <count> @interval_count <unit> @interval_unit
interval_unit = <unit> @interval_unit | @interval_whole
name_tail    = '(' @call arguments @end_arguments ')' @called within filter over @end_call
             | '.' @dot member
             | +typed_literals STRING @typed_literal
             | @column
member       = <member> @member | '*' @qualified_star
arguments    = '*' @count_star
             | DISTINCT @distinct_argument argument_list call_order
             | +all_arguments ALL @all_arguments argument_list
             | argument_list call_order
             | +trim_from BOTH @trimmed trim_rest | +trim_from LEADING @trimmed trim_rest
             | +trim_from TRAILING @trimmed trim_rest
             | @no_arguments
argument_list = @argument expr_1 @end_argument more_arguments
more_arguments = ',' @next_argument expr_1 @end_argument more_arguments
             | +substring_from FROM @from_argument expr_1 @end_argument for_argument |
for_argument = FOR @next_argument expr_1 @end_argument |
trim_rest    = @argument expr_1 @end_argument FROM @next_argument expr_1 @end_argument
within       = +within_group WITHIN @within GROUP '(' ORDER BY expr_1 @end_within direction nulls
               ')' |
call_order   = +call_order ORDER @can_order BY @call_order window_term { ',' window_term }
               @end_call_order |
filter       = -bare_filter @can_filter FILTER '(' @filter WHERE expr_1 @end_filter ')'
             | +bare_filter @can_filter FILTER '(' @filter filter_word expr_1 @end_filter ')' |
filter_word  = WHERE |
over         = @can_over OVER window_reference |
window_reference = '(' @over window @end_over ')' | +named_windows <window> @over_name
window       = +base_windows <window> @base_window frame | partition window_order
partition    = PARTITION BY @window_term expr_1 @end_window_term
               { ',' @window_term expr_1 @end_window_term } |
window_order = ORDER BY sort_term { ',' sort_term } sorted_frame | frame
sort_term    = @window_term expr_1 @end_sort_term direction nulls
window_term  = @window_term expr_1 @end_window_term direction nulls
sorted_frame = @can_frame ROWS frame_extent exclude | @can_frame RANGE sorted_extent exclude
             | +groups @can_frame GROUPS frame_extent exclude |
frame        = @can_frame ROWS frame_extent exclude | @can_frame RANGE range_extent exclude |
frame_extent = BETWEEN frame_between | UNBOUNDED PRECEDING | CURRENT ROW | <count> PRECEDING
frame_between = UNBOUNDED PRECEDING AND frame_end
             | CURRENT ROW AND frame_end_current
             | <count> frame_between_count
frame_between_count = PRECEDING AND frame_end | FOLLOWING AND frame_end_following
frame_end    = CURRENT ROW | UNBOUNDED FOLLOWING | <count> frame_side
frame_side   = PRECEDING | FOLLOWING
frame_end_current = CURRENT ROW | UNBOUNDED FOLLOWING | <count> FOLLOWING
frame_end_following = UNBOUNDED FOLLOWING | <count> FOLLOWING
range_extent = BETWEEN range_between | UNBOUNDED PRECEDING | CURRENT ROW
range_between = UNBOUNDED PRECEDING AND range_end | CURRENT ROW AND range_end
range_end    = CURRENT ROW | UNBOUNDED FOLLOWING
sorted_extent = BETWEEN sorted_between | UNBOUNDED PRECEDING | CURRENT ROW | range_offset PRECEDING
sorted_between = UNBOUNDED PRECEDING AND sorted_end | CURRENT ROW AND sorted_end
             | range_offset sorted_sides
sorted_sides = PRECEDING AND sorted_end | FOLLOWING AND sorted_end_following
sorted_end   = CURRENT ROW | UNBOUNDED FOLLOWING | range_offset FOLLOWING
sorted_end_following = UNBOUNDED FOLLOWING | range_offset FOLLOWING
range_offset = +interval INTERVAL @range_moment interval @range_interval | <count> @range_count
exclude      = +exclude EXCLUDE excluded |
excluded     = NO OTHERS | CURRENT ROW | GROUP | TIES

unary        = '-' @sign unary_or_not @signed
             | '+' @sign unary_or_not @signed @unchanged
             | +bit_operators '~' @sign unary_or_not @signed
             | primary postfix
unary_or_not = unary | +not_inside NOT @not expr_3 @negation
postfix      = +collate @counted @can_collate COLLATE collation @computed
             | +double_colon postfix_cast | +collations collated
             | +subscripts '[' @subscript expr_1 @bound @subscripted ']' postfix
             | +slices '[' @subscript subscript ']' postfix
             | +time_zone @can_zone AT TIME ZONE @zone STRING @string @zoned |
subscript    = expr_1 @bound upto | ':' @slice from_start
from_start   = <count> @number @bound @sliced | '-' @sign <count> @number @signed @bound @sliced
             | @sliced
upto         = ':' @slice until | @subscripted
until        = expr_1 @bound @sliced | @sliced
postfix_cast = '::' @double_colon type @end_cast postfix_casts
postfix_casts = postfix_cast | +collations collated |
collated     = COLLATE @sorted_as <collation> @collated
collation    = NOCASE | BINARY | RTRIM
comparand    = +quantified ANY @can_quantify '(' @quantified query @end_quantified ')'
             | +quantified ALL @can_quantify '(' @quantified query @end_quantified ')'
             | expr_5 @compared
             | +any_all ANY @any_of '(' @in any_of ')' @end_in
             | +any_all SOME @any_of '(' @in any_of ')' @end_in
             | +any_all ALL @any_of '(' @in any_of ')' @end_in
any_of       = @in_query query @end_in_query | @in_array <array_name> @array_name array_rest
             | +arrays @any_array ARRAY array @end_any_array
array_rest   = '.' @array_dot <array_member> @array_member | @array_alone
is_tail      = not_word is_value
not_word     = NOT |
is_value     = DISTINCT @can_compare FROM @compare expr_5 @compared
             | +is_any @compare expr_5 @compared
             | -is_any NULL @is_null | -is_any TRUE @is_truth | -is_any FALSE @is_truth
negated      = IN @in_left in_tail | BETWEEN @between between | LIKE @like like
             | +glob GLOB @like glob | +ilike ILIKE @like like | +not_null NULL @is_null
             | +similar_to SIMILAR @can_match TO @match STRING @string @matched
in_tail      = '(' @in in_list ')' @end_in
in_list      = @in_query query @end_in_query
             | +empty_list @in_nothing
             | @in_values expr_1 @in_value { ',' @in_next expr_1 @in_value }
between      = expr_5 @between_low AND expr_5 @between_high
like         = expr_5 @liked escape
glob         = expr_5 @liked
escape       = ESCAPE @escape ESCAPE_STRING |
"""

# level -> (operator, what follows it, whether another of the level may follow)
OPERATORS: list[tuple[int, str, str, bool]] = [
    (1, "OR @logic", "expr_2 @logical", True),
    (2, "AND @logic", "expr_3 @logical", True),
    *(
        (4, f"'{sign}' @compare", "comparand", True)
        for sign in ("=", "<>", "!=", "<", ">", "<=", ">=")
    ),
    (4, "+double_equals '==' @compare", "expr_5 @compared", True),
    (4, "IS @is", "is_tail", True),
    (4, "+isnull ISNULL @is_null", "", True),
    (4, "+isnull NOTNULL @is_null", "", True),
    (4, "NOT @negated", "negated", True),
    (4, "IN @in_left", "in_tail", True),
    (4, "BETWEEN @between", "between", True),
    (4, "LIKE @like", "like", True),
    (4, "+glob GLOB @like", "glob", True),
    (4, "+ilike ILIKE @like", "like", True),
    *(
        (4, f"+regex '{sign}' @match", "STRING @string @matched", True)
        for sign in ("~", "~*", "!~", "!~*")
    ),
    (4, "+similar_to SIMILAR @can_match", "TO @match STRING @string @matched", True),
    *(
        (5, f"+bit_operators '{sign}' @bits", "expr_6 @bitted", True)
        for sign in ("&", "|", "<<", ">>")
    ),
    *((6, f"'{sign}' @arithmetic", "expr_7 @calculated", True) for sign in "+-"),
    *((7, f"'{sign}' @arithmetic", "expr_8 @calculated", True) for sign in "*/%"),
    (7, "+whole_division '//' @arithmetic", "expr_8 @calculated", True),
    (5, "+text_arrow '->>' @json_arrow", "ARROW_KEY @json_key", True),
    (8, "'||' @concat", "unary_or_not @concatenated", True),
    (8, "+json_arrows '->' @arrow", "unary @arrowed", True),
    (8, "+json_arrows '->>' @arrow", "unary @arrowed", True),
    (8, "+json_keys '->' @arrow", "ARROW_KEY @arrowed", True),
    (8, "+json_keys '->>' @arrow", "ARROW_KEY @told", True),
]
# NOT behind an operator takes all that a NOT before a comparison takes: `a = NOT b = c`.
_NOT_INSIDE = "+not_inside NOT @not expr_3 @negation"
_SYMBOL = re.compile(r"'[^']+'|@\w+|<\w+>|[+-]?[A-Za-z_]\w*|[\[\]{}|=]")


@dataclass(frozen=True, slots=True, eq=False)
class Grammar:
    """Productions of one dialect and order, and the table that chooses among them."""

    alternatives: dict[str, tuple[tuple[Symbol, ...], ...]]
    table: dict[str, dict[str, int]]  # nonterminal -> terminal -> number of the alternative
    empty: dict[str, int]  # nonterminal -> the alternative that may be nothing
    first: dict[str, frozenset[str]]
    shortest: dict[Symbol, int]  # bytes that a symbol takes at least, a space after each
    names: list[tuple[str, int]] = field(default_factory=list)  # every production, in order

    def describe(self, production: tuple[str, int]) -> str:
        """Return a production as it is written above."""
        name, number = production
        body = (s for s in self.alternatives[name][number] if not s.startswith("@"))
        return f"{name} = {' '.join(body)}"


@cache
def compile_grammar(features: frozenset[str]) -> Grammar:
    """Read `PRODUCTIONS` for a dialect.

    Raises:
        ValueError: one terminal could begin two alternatives: a mistake in this module.
    """
    alternatives = {
        name: tuple(tuple(alternative) for alternative in bodies)
        for name, bodies in _read(features)
    }
    alternatives = _reachable(alternatives)
    empty = empty_of(alternatives)
    first = first_of(alternatives, empty)
    table = {name: choices(name, bodies, first, empty) for name, bodies in alternatives.items()}
    names = [(name, n) for name, bodies in alternatives.items() for n in range(len(bodies))]
    return Grammar(alternatives, table, empty, first, shortest(alternatives), names)


def _read(features: frozenset[str]) -> Iterator[tuple[str, list[list[Symbol]]]]:
    lines = re.sub(r"\n +", " ", PRODUCTIONS).strip().splitlines()  # indented: continued
    for line in filter(None, map(str.strip, (*lines, *_expressions()))):
        name, _, body = line.partition("=")
        yield from _split(name.strip(), _SYMBOL.findall(body), features)


def _expressions() -> Iterator[str]:
    """Yield `expr_p` (operators of level p and tighter) and the tails after an operand."""
    for level in range(1, UNARY_LEVEL):
        tail = f"tail_{level}_{UNARY_LEVEL - 1}"
        if level <= NOT_LEVEL:
            after_not = f"tail_{level}_{NOT_LEVEL - 1}" if level < NOT_LEVEL else ""
            yield f"expr_{level} = NOT @not expr_3 @negation {after_not} | unary {tail}"
        else:
            yield f"expr_{level} = unary {tail} | {_NOT_INSIDE}"
        for most in range(level, UNARY_LEVEL):
            choices = (
                f"{sign} {operand} tail_{level}_{at if again else at - 1}"
                if at > level or again
                else f"{sign} {operand}"
                for at, sign, operand, again in OPERATORS
                if level <= at <= most
            )
            yield f"tail_{level}_{most} = {' | '.join(choices)} |"


def _split(
    name: str, symbols: list[str], features: frozenset[str]
) -> Iterator[tuple[str, list[list[Symbol]]]]:
    """Yield a production and those that its brackets stand for."""
    bodies: list[list[Symbol]] = [[]]
    extra = 0
    place = 0
    while place < len(symbols):
        symbol = symbols[place]
        if symbol in "[{":
            close, depth = place + 1, 1
            while depth:
                depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(symbols[close], 0)
                close += 1
            extra += 1
            part = f"{name}_{extra}"
            inner = symbols[place + 1 : close - 1] + ([part] if symbol == "{" else [])
            yield from _split(part, [*inner, "|"], features)
            bodies[-1].append(part)
            place = close
            continue
        if symbol == "|":
            bodies.append([])
        else:
            bodies[-1].append(symbol.strip("'") if symbol[0] == "'" else symbol)
        place += 1
    yield name, list(_with_features(bodies, features))


def _with_features(
    bodies: Iterable[list[Symbol]], features: frozenset[str]
) -> Iterator[list[Symbol]]:
    for body in bodies:
        if body and len(body[0]) > 1 and body[0][0] in "+-" and body[0][1].isalpha():
            if (body[0][1:] in features) != (body[0][0] == "+"):
                continue
            body = body[1:]
        yield body


def _reachable(
    alternatives: dict[str, tuple[tuple[Symbol, ...], ...]],
) -> dict[str, tuple[tuple[Symbol, ...], ...]]:
    found, todo = {"statement"}, ["statement"]
    while todo:
        for body in alternatives[todo.pop()]:
            new = {s for s in body if s[0].islower()} - found
            found |= new
            todo += sorted(new)
    return {name: bodies for name, bodies in alternatives.items() if name in found}
