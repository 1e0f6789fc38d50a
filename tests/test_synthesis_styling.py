"""How invented databases write their names."""

import re
from collections import Counter
from random import Random

from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.styling import CASES, Style, abbreviations, draw_style

PLAIN = Style("snake", False, 0.0, False, "id", "", 0.0, False, False)


def changed(**said) -> Style:
    fields = {name: getattr(PLAIN, name) for name in Style.__slots__}
    return Style(**fields | said)


def test_a_name_is_written_in_the_case_of_its_database():
    words = ["unit", "price"]
    written = {case: changed(case=case).column(words, ["book"], Random(1)) for case in CASES}
    assert written["snake"] == "unit_price" and written["pascal"] == "UnitPrice"
    assert written["camel"] == "unitPrice" and written["upper"] == "UNIT_PRICE"
    assert len(set(written.values())) == len(CASES)


def test_a_prefix_is_the_tables_name_or_its_first_letters():
    owner = ["employee"]
    long, short = changed(prefix=1.0), changed(prefix=1.0, short_prefix=True)
    assert long.column(["age"], owner, Random(1)) == "employee_age"
    assert short.column(["age"], owner, Random(1)) == "emp_age"
    assert short.column(["age"], ["chess", "player"], Random(1)) == "cp_age"
    assert long.column(["employee", "age"], owner, Random(1)) == "employee_age"


def test_a_plain_style_drops_the_tables_name():
    assert changed(plain=True).column(["hub", "name"], ["hub"], Random(1)) == "name"
    assert changed(plain=True).column(["hub"], ["hub"], Random(1)) == "hub"


def test_words_and_whole_names_are_abbreviated():
    short = changed(abbreviated=1.0)
    assert short.column(["department", "code"], ["x"], Random(1)) == "dept_code"
    assert short.column(["first", "name"], ["x"], Random(1)) in (
        "fname", "f_name", "name_first", "given_name", "forename",
    )  # fmt: skip
    words = [w for ways in abbreviations()["words"].values() for w in ways]
    assert all(re.fullmatch("[a-z]+", word) for word in words)


def test_styles_differ_and_keys_may_be_codes():
    styles = [draw_style(Random(seed)) for seed in range(300)]
    assert {style.case for style in styles} == set(CASES)
    assert len({style.key for style in styles}) == 4
    key = next(s for s in range(300) if draw_style(Random(s)).key == "table code")
    assert draw_style(Random(key)) == draw_style(Random(key))


def test_databases_are_as_wide_and_as_many_tables_as_real_ones():
    made = [invent(Random(seed)) for seed in range(120)]
    tables = Counter(len(x.world.schema.tables) for x in made)
    assert max(tables) > 7 and tables[3] > tables[6]
    widths = Counter(len(t.columns) for x in made for t in x.world.schema.tables)
    assert min(widths) <= 2 and max(widths) >= 14
    texts = [c.type for x in made for t in x.world.schema.tables for c in t.columns]
    assert any(
        t.primary_key and t.columns[0].type == "TEXT" for x in made for t in x.world.schema.tables
    )
    assert 0.3 < sum(t.startswith(("TEXT", "VAR", "CHAR")) for t in texts) / len(texts) < 0.6


def test_foreign_keys_lead_to_tables_whatever_the_domains_share():
    for seed in range(0, 60_000, 200):
        schema = invent(Random(seed)).world.schema
        names = {table.name for table in schema.tables}
        assert {key.table for t in schema.tables for key in t.foreign_keys} <= names
