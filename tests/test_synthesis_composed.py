"""Questions composed of parts: each kind of narrowing, and what is asked of the rows."""

import re
from random import Random

import pytest

from text2sql.data.synthesis.families import combined, composed, narrowing
from text2sql.data.synthesis.families.narrowing import GROUPING, Part, narrow
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.queries import Query, Star, blocks
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
    for seed in range(60):
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
    drawn = [draft.query for _, draft in drafts(composed.grouped, 150)]
    drawn += [draft.query for _, draft in drafts(composed.per_parent, 150)]
    assert any(query.having and query.where for query in drawn)
    assert any(query.order and query.limit is None for query in drawn)
    assert any(query.order and query.limit for query in drawn)
    assert any(len(query.group) == 2 for query in drawn)
    assert len({len(query.select) for query in drawn}) >= 4


def test_a_count_that_is_said_of_parents_is_asked_of_their_groups():
    asked = [
        draft.query
        for _, draft in drafts(composed.per_parent, 200)
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
