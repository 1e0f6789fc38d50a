"""Conditions are drawn from rows that there are, so that several of them have a common answer."""

from random import Random

import pytest

from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.queries import Compare, Junction, Query, Star
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.spellings import Spelled, write
from text2sql.data.synthesis.witnesses import Witness


def called(world, random: Random) -> Witness:
    """Return a witness who is there."""
    witness = Witness(world, random)
    while not witness._called:
        witness.call()
    return witness


def test_values_of_one_table_stand_in_one_row():
    for seed in range(20):
        world = invent(Random(seed)).world
        for table, fields in world.fields.items():
            witness = called(world, Random(seed))
            seen = {f.col.column: v for f in fields if (v := witness.value(f)) is not None}
            names = [column.name for column in world.schema.table(table).columns]
            rows = [dict(zip(names, row, strict=True)) for row in world.samples[table]]
            assert any(seen.items() <= row.items() for row in rows)


def test_rows_of_two_tables_are_joined():
    for seed in range(20):
        world = invent(Random(seed)).world
        for link in world.links:
            child, parent = link.child.table, link.parent.table
            witness = called(world, Random(seed))
            one, other = witness._row(child), witness._row(parent)
            between = [k for k in world.links if (k.child.table, k.parent.table) == (child, parent)]
            keys = [(witness._places[k.child], witness._places[k.parent]) for k in between]
            assert child == parent or any(one[here] == other[there] for here, there in keys)


def test_nobody_is_seen_who_is_away():
    world = invent(Random(3)).world
    witness, field = called(world, Random(1)), next(iter(world.fields.values()))[1]
    witness.value(field)
    with witness.away():
        assert witness.value(field) is None
    assert witness._called


@pytest.mark.parametrize("language", ["en", "zh"])
def test_two_conditions_joined_by_and_have_a_common_answer_mostly(language):
    several, answered = 0, 0
    for seed in range(60):
        made = invent(Random(seed), language=language)
        speaker = Speaker(made.world, Random(seed))
        for table in made.world.nouns:
            speaker.witness.call()
            where, _ = speaker.conditions(table, (0, 0, 1))
            if isinstance(where, Junction) and where.operator == "and":
                sql = write(Query((Star(),), table, where=where), Spelled(made.world.schema))
                several, answered = (
                    several + 1,
                    answered + bool(made.connection.execute(sql).fetchone()),
                )
    assert several > 80 and answered > 0.7 * several


def test_a_condition_beside_another_one_has_another_column_or_another_value():
    for seed in range(40):
        speaker = Speaker(invent(Random(seed)).world, Random(seed))
        speaker.witness.call()
        for table in speaker.world.nouns:
            first = speaker.condition(table, equal=True)
            if first is None:
                continue
            other = speaker.beside(table, first[0], "and", equal=True)
            either = speaker.beside(table, first[0], "or", equal=True)
            assert other is None or other[0].left != first[0].left
            assert either is None or (isinstance(either[0], Compare) and either[0] != first[0])
