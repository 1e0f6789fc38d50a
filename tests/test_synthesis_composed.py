"""Questions composed of parts: each kind of narrowing, and what is asked of the rows."""

import re
from dataclasses import replace
from random import Random

import pytest

from text2sql.data.synthesis.families import combined, composed, grouping, narrowing, relations
from text2sql.data.synthesis.families.contrasts import contrast, linked_or_not
from text2sql.data.synthesis.families.counting import numerous, tally
from text2sql.data.synthesis.families.narrowing import GROUPING, Part, narrow
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.queries import Call, Compare, Junction, Query, Star, blocks
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.spellings import Spelled, write

KINDS = sorted(GROUPING, key=lambda kind: kind.__name__)


def parts(kind, language: str, seeds: range):
    """Yield (world, connection, table, part) of one kind of narrowing."""
    for seed in seeds:
        made = invent(Random(seed), language=language)
        speaker = Speaker(made.world, Random(seed))
        for table in made.world.nouns:
            part = kind(speaker, table, frozenset((table,)))
            if part is not None:
                yield made, speaker, table, part


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_narrowing_runs_and_narrows(kind, language):
    drawn = narrowed = 0
    for made, speaker, table, part in parts(kind, language, range(25)):
        query = Query((Star(table),), table)
        sqls = [write(q, Spelled(made.world.schema)) for q in (query, part.over(query))]
        everything, some = (made.connection.execute(sql).fetchall() for sql in sqls)
        drawn += 1
        narrowed += everything != some
        assert "{" not in part.words and part.words == part.words.strip()
        assert part.words and not speaker.behind(part.words).endswith("的的")
    assert drawn >= 5 and narrowed >= 0.6 * drawn


def test_parts_are_joined_and_no_table_stands_twice():
    sizes = set()
    for seed in range(120):
        made = invent(Random(seed))
        speaker = Speaker(made.world, Random(seed))
        for table in made.world.nouns:
            part = narrow(speaker, table, (0, 0, 1, 1), kinds=GROUPING)
            tables = [table, *(join.table for join in part.joins)]
            assert len(tables) == len(set(tables))
            sizes.add(len(tables))
            sql = write(part.over(Query((Star(table),), table)), Spelled(made.world.schema))
            made.connection.execute(sql)
    assert {1, 2, 3, 4} <= sizes


def test_nothing_narrows_without_words():
    speaker = Speaker(invent(Random(3)).world, Random(3))
    assert narrow(speaker, next(iter(speaker.world.nouns)), (1,)) == Part("")


def drafts(family, count: int):
    """Yield (sql, draft) of a family."""
    for seed in range(count):
        made = invent(Random(seed))
        draft = family(Speaker(made.world, Random(seed)))
        if draft is not None:
            sql = write(draft.query, Spelled(made.world.schema))
            made.connection.execute(sql)
            yield sql, draft


def test_groups_are_measured_limited_and_ordered_in_many_ways():
    drawn = [draft.query for _, draft in drafts(grouping.grouped, 250)]
    drawn += [draft.query for _, draft in drafts(grouping.per_parent, 150)]
    assert any(query.having and query.where for query in drawn)
    assert any(query.order and query.limit is None for query in drawn)
    assert any(query.order and query.limit for query in drawn)
    assert any(len(query.group) == 2 for query in drawn)
    assert len({len(query.select) for query in drawn}) >= 4


def test_a_count_that_is_said_of_parents_is_asked_of_their_groups():
    asked = [
        draft.query
        for _, draft in drafts(grouping.per_parent, 600)
        if re.search(r"to which .*? belong", draft.question)
    ]
    assert asked and all(query.having is not None for query in asked)


def test_sides_of_a_set_operation_show_the_same_columns():
    seen = set()
    for _, draft in drafts(combined.sets, 200):
        query = draft.query.source if isinstance(draft.query.source, Query) else draft.query
        assert query.then is not None and query.then[1].select == query.select
        seen |= {
            query.then[0],
            *(f"{query.then[0]} over joins" for side in blocks(query) if side.joins),
        }
    assert {"union", "intersect over joins", "except over joins"} <= seen


def test_up_to_five_tables_are_joined():
    sizes = set()
    for seed in range(60):
        made = invent(Random(seed))
        speaker = Speaker(made.world, Random(seed))
        for table in list(made.world.nouns) * (10 if len(made.world.nouns) > 4 else 1):
            part = narrowing.related(speaker, table, frozenset((table,)))
            sizes |= {1 + len(part.joins)} if part else set()
    assert sizes == {2, 3, 4, 5}


def test_kinds_have_weights():
    assert set(narrowing.KINDS) < set(GROUPING) and min(GROUPING.values()) > 0


def test_two_sides_differ_in_values_alone():
    drawn = 0
    for seed in range(60):
        made = invent(Random(seed))
        speaker, table = Speaker(made.world, Random(seed)), next(iter(made.world.nouns))
        if (sides := contrast(speaker, table)) is None:
            continue
        queries = (part.over(Query((Star(table),), table)) for part in sides)
        one, other = (write(query, Spelled(made.world.schema)) for query in queries)
        assert one != other and one.partition(" WHERE ")[0] == other.partition(" WHERE ")[0]
        drawn += 1
    assert drawn > 30


def test_rows_values_and_known_values_are_counted():
    told = set()
    for seed in range(150):
        speaker = Speaker(invent(Random(seed)).world, Random(seed))
        for table in speaker.world.nouns:
            call, words = tally(speaker, table)
            told.add((call.argument == Star(), call.distinct))
            assert words and call.name == "count"
    assert told == {(True, False), (False, True), (False, False)}


def test_what_belongs_to_a_row_is_counted_over_one_table_or_two():
    found = [part for *_, part in parts(numerous, "en", range(100))]
    assert {len(part.joins) for part in found} == {1, 2}
    assert {"between", ">="} <= {part.having.operator for part in found}
    assert all(part.group[0] == part.joins[0].on[0][0] for part in found)


def test_the_best_of_each_group_is_the_row_with_the_most():
    drawn = 0
    for seed in range(60):
        made = invent(Random(seed))
        draft = grouping.best_of_each(Speaker(made.world, Random(seed)))
        if draft is None:
            continue
        (call,) = (c for c in draft.query.select if isinstance(c, Call))
        queries = draft.query, replace(draft.query, select=(call,))
        sqls = (write(query, Spelled(made.world.schema)) for query in queries)
        shown, best = (made.connection.execute(sql).fetchall() for sql in sqls)
        place = draft.query.select.index(call)
        assert [row[place] for row in shown] == [row[0] for row in best]
        drawn += 1
    assert drawn > 10


def test_no_group_counts_the_different_values_of_its_own_key():
    drawn = [draft.query for _, draft in drafts(grouping.of_largest, 120)]
    drawn += [draft.query for _, draft in drafts(grouping.grouped, 120)]
    assert len(drawn) > 100
    for query in drawn:
        calls = [call for call in query.select if isinstance(call, Call) and call.distinct]
        assert not any(call.argument in query.group for call in calls)


def test_the_largest_of_some_rows_is_looked_for_among_them():
    nested = 0
    for _, draft in drafts(composed.superlative, 300):
        where = draft.query.where
        last = where if where is None or isinstance(where, Compare) else where.parts[-1]
        if draft.query.limit is None and isinstance(last, Compare):
            nested += 1
            assert last.operator == "=" and isinstance(last.right, Query)
            assert last.right.joins == draft.query.joins
    assert nested > 10


def test_rows_are_related_by_a_join_or_by_their_keys_alone():
    forms = set()
    for family in (relations.related, relations.both, relations.not_related):
        for sql, draft in drafts(family, 80):
            word = re.search(r"\b(DISTINCT|NOT IN|IN|INTERSECT|EXCEPT|OR)\b", sql)
            forms.add((draft.query.joins == (), word and word[0]))
    assert {(True, "IN"), (True, "NOT IN"), (False, "DISTINCT"), (False, "INTERSECT")} <= forms


def test_what_another_table_is_compared_with_is_worded_at_the_end_of_its_relation():
    for sql, draft in drafts(composed.far_compared, 60):
        where = draft.query.where
        first = where.parts[0] if not isinstance(where, Compare) else where
        assert draft.query.joins and isinstance(first.right, Query)
        assert first.left.table == draft.query.joins[-1].table, sql


def test_numbers_outside_two_ends_are_said_from_either_end():
    said = set()
    for *_, part in parts(narrowing.ends, "en", range(80)):
        assert isinstance(part.where, Junction)
        operators = tuple(side.operator for side in part.where.parts)
        said.add(operators)
        if operators == (">", "<"):
            assert re.search(r"(above|more|over).* or (below|less|under)", part.words)
    assert said == {(">=", "<="), ("<", ">"), (">", "<")}


def test_rows_with_others_are_set_against_those_with_some():
    found = 0
    for seed in range(120):
        speaker = Speaker(invent(Random(seed)).world, Random(seed))
        for table in speaker.world.nouns:
            if (sides := linked_or_not(speaker, table)) is None:
                continue
            one, other = sides
            found += 1
            assert one.where is None and other.where is not None and one.joins == other.joins
            assert one.words.startswith(" ") and other.words.startswith(" ")
    assert found > 50


def test_what_is_above_an_average_is_set_against_what_is_below():
    compared = 0
    for seed in range(300):
        speaker = Speaker(invent(Random(seed)).world, Random(seed))
        sides = contrast(speaker, next(iter(speaker.world.nouns)))
        wheres = [side.where for side in sides or ()]
        if wheres and all(isinstance(w, Compare) and isinstance(w.right, Query) for w in wheres):
            compared += 1
            assert {w.operator for w in wheres} == {"<", ">"} and wheres[0].left == wheres[1].left
            assert re.search(r"average|mean|avg", sides[0].words)
    assert compared >= 3
