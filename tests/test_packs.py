"""A schema that is too wide: packs of joined tables, the one that is chosen, and strays."""

from datetime import date

import pytest
from tiny_tokenizers import byte_level

from text2sql.bases import find_base
from text2sql.errors import SchemaError
from text2sql.prompting import encode, fit
from text2sql.prompting.budget import count_tokens
from text2sql.schema import Column, ForeignKey, Schema, Table, render
from text2sql.schema.packs import choose, split

DAY = date(2026, 1, 1)


def table(name: str, columns: str, *parents: str) -> Table:
    keys = tuple(ForeignKey((f"{parent}_id",), parent, ("id",)) for parent in parents)
    names = ["id", *columns.split(), *(f"{parent}_id" for parent in parents)]
    return Table(name, tuple(Column(n, "TEXT") for n in names), ("id",), keys)


def shop(number: int) -> list[Table]:
    """Three joined tables whose names hold the number."""
    return [
        table(f"order{number}", "price day", f"client{number}", f"article{number}"),
        table(f"client{number}", "city street"),
        table(f"article{number}", "colour weight"),
    ]


MIXED = [shop(n) for n in range(8)]
# the three tables of a shop stand far apart in the schema
WIDE = Schema("wide", "sqlite", tuple(t for place in zip(*MIXED, strict=True) for t in place))


def fits(part: Schema) -> bool:
    return len(render(part)) < 1_000


def test_joined_tables_share_a_pack_and_every_table_is_in_exactly_one():
    packs = split(WIDE, fits)
    assert 1 < len(packs) < 8 and all(map(fits, packs))
    names = [t.name for pack in packs for t in pack.tables]
    assert sorted(names) == sorted(t.name for t in WIDE.tables)
    for pack in packs:
        kept = {t.name for t in pack.tables}
        assert all(
            key.table in kept for t in WIDE.tables if t.name in kept for key in t.foreign_keys
        )


def test_a_split_is_a_function_of_the_schema_alone():
    assert split(WIDE, fits) == split(WIDE, fits)
    whole = split(WIDE, lambda part: True)
    assert len(whole) == 1 and len(whole[0].tables) == len(WIDE.tables)


def test_a_table_too_wide_for_a_pack_keeps_its_first_columns_and_its_keys():
    broad = table("broad", " ".join(f"measure_{i}" for i in range(200)), "client1")
    schema = Schema("d", "sqlite", (broad, *shop(1)))
    first = next(p for p in split(schema, fits) if p.table("broad"))
    shown = [c.name for c in first.find_table("broad").columns]
    assert {"id", "client1_id", "measure_0"} <= set(shown) and len(shown) < 100
    with pytest.raises(SchemaError, match="'broad' alone is too large"):
        split(schema, lambda part: not part.table("broad"))


def test_a_question_chooses_the_pack_that_holds_its_tables():
    packs = split(WIDE, fits)
    chosen = choose("which client3 lives in the city of client3?", WIDE, packs)
    assert chosen.pack.table("client3")
    assert not chosen.pack.table("client7")


def test_what_a_question_needs_of_another_pack_is_a_stray():
    packs = split(WIDE, fits)
    chosen = choose("order3 and order3 price, and colour of article7", WIDE, packs)
    strays = chosen.strays(lambda part: len(render(part)) < 400)
    assert chosen.pack.table("order3") and strays.table("article7")
    joined = chosen.joined(strays)
    assert joined.table("order3") and joined.table("article7")
    assert "client7" in joined.left_out
    assert not chosen.strays(lambda part: False).tables


def test_questions_on_a_wide_schema_share_their_pack_and_strays_open_their_own_part():
    tokenizer = byte_level()
    settings = {"base": find_base("codellama-7b"), "tokenizer": tokenizer, "today": DAY}
    room = count_tokens(fit("?", WIDE, max_length=10**6, **settings).prompt, tokenizer) // 2
    first = fit("city of client3?", WIDE, max_length=room, **settings)
    second = fit("street of client3, colour of article7?", WIDE, max_length=room, **settings)
    assert first.prompt.shared_text == second.prompt.shared_text
    assert "client3" in first.prompt.shared_text
    assert "CREATE TABLE article7" in second.prompt.own_text
    assert len(encode(second.prompt, tokenizer).ids) <= room
    assert "left out of the schema" in first.report()


def test_a_pack_is_the_same_where_training_leaves_room_for_the_answer():
    tokenizer = byte_level()
    settings = {"base": find_base("codellama-7b"), "tokenizer": tokenizer, "today": DAY}
    served = fit("city of client3?", WIDE, max_length=700, **settings)
    trained = fit("city of client3?", WIDE, max_length=690, **settings)
    assert served.prompt.shared_text == trained.prompt.shared_text


def test_a_format_that_puts_the_question_first_is_reduced_for_each_question():
    base = find_base("generic")
    settings = {"base": base, "tokenizer": None, "today": DAY, "format": "sqlcoder"}
    fitted = fit("city of client3?", WIDE, max_length=400, **settings)
    assert fitted.schema.table("client3") and fitted.schema.left_out
