"""Invented databases, the questions drawn on them, and what a base reads of both."""

import re
from random import Random

import pytest

from text2sql.bases import mini
from text2sql.bases.base import Base
from text2sql.corpora import cells, synthetic_group
from text2sql.data.synthesis.drafting import FAMILIES, draw
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.kinds import guess, kinds
from text2sql.data.synthesis.lexicon import domains
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.spellings import Spelled, write
from text2sql.data.synthesis.worlds import plural, singular
from text2sql.decoding.checking import Checker
from text2sql.schema import render
from text2sql.schema.pointers import TOKENS
from text2sql.schema.words import key_of

SEEDS = range(40)


def invented(seed: int):
    return invent(Random(seed))


def test_an_invented_database_is_a_function_of_its_seed():
    first, again, other = invented(1), invented(1), invented(2)
    assert render(first.world.schema) == render(again.world.schema)
    assert render(first.world.schema) != render(other.world.schema)
    table = first.world.schema.tables[0].name
    rows = [x.connection.execute(f'SELECT * FROM "{table}"').fetchall() for x in (first, again)]
    assert rows[0] == rows[1] and len(rows[0]) > 5


def test_invented_databases_differ_in_size_style_and_keys():
    made = [invented(seed) for seed in SEEDS]
    sizes = {len(x.world.schema.tables) for x in made}
    assert {1, 2, 3, 4} <= sizes
    names = [t.name for x in made for t in x.world.schema.tables]
    assert any("_" in name for name in names) and any(re.search("[a-z][A-Z]", n) for n in names)
    assert any(not t.foreign_keys for x in made for t in x.world.schema.tables)
    assert all(x.world.links or len(x.world.schema.tables) <= 2 for x in made)


def test_foreign_keys_lead_to_rows():
    for seed in SEEDS:
        x = invented(seed)
        for link in x.world.links:
            sql = (
                f'SELECT count(*) FROM "{link.child.table}" WHERE "{link.child.column}" NOT IN'
                f' (SELECT "{link.parent.column}" FROM "{link.parent.table}")'
            )
            assert x.connection.execute(sql).fetchone() == (0,)


def test_every_family_draws_sql_that_runs_and_that_the_checker_takes():
    drawn = dict.fromkeys(FAMILIES, 0)
    for seed in range(60):
        x = invented(seed)
        speaker, checker = Speaker(x.world, Random(seed)), Checker(x.world.schema)
        for family in FAMILIES:
            draft = family(speaker)
            if draft is None:
                continue
            drawn[family] += 1
            sql = write(draft.query, Spelled(x.world.schema))
            x.connection.execute(sql)
            assert "{" not in draft.question and draft.question.strip()
            if seed < 12:
                assert checker.accepts(sql), checker.explain(sql)
    assert min(drawn.values()) > 5, {f.__name__: n for f, n in drawn.items() if n <= 5}


def test_pairs_differ_and_most_have_a_result():
    for seed in range(8):
        x = invented(seed)
        pairs = draw(x.world, x.connection, 16, Random(seed))
        assert len({pair.question.lower() for pair in pairs}) == len(pairs) > 8
        rows = [
            x.connection.execute(write(p.query, Spelled(x.world.schema))).fetchall() for p in pairs
        ]
        assert sum(bool(found) for found in rows) >= 0.7 * len(rows)


@pytest.fixture(scope="module")
def tokenizer():
    return mini.learn_tokenizer(
        ["how many books are there", "from select where group by order by"] * 4
    )


def test_a_synthetic_group_shares_one_schema_and_points_at_it(tokenizer):
    base = Base("points", None, prompt_format="pointers", answer_format="pointers")
    groups = [group for seed in range(6) if (group := synthetic_group(seed, tokenizer, base=base))]
    assert len(groups) >= 5
    pointers = {tokenizer.convert_tokens_to_ids(token) for token in TOKENS}
    for group in groups:
        shown = set(group.shared) & pointers
        for branch in group.branches:
            names = {i for i in set(branch.sql) & pointers if i in _names(tokenizer)}
            assert names <= shown and branch.sql[-1] == tokenizer.eos_token_id
    assert synthetic_group(3, tokenizer, base=base) == synthetic_group(3, tokenizer, base=base)


def test_an_analysts_questions_are_a_share_that_one_asks_for(tokenizer):
    base = Base("points", None, prompt_format="pointers", answer_format="pointers")
    plain, half = (
        [g for seed in range(5) if (g := synthetic_group(seed, tokenizer, base=base, warehouse=w))]
        for w in (0.0, 0.6)
    )
    texts = [
        [tokenizer.decode(branch.sql).upper() for group in groups for branch in group.branches]
        for groups in (plain, half)
    ]
    assert not [text for text in texts[0] if "OVER" in text]
    assert len([text for text in texts[1] if "OVER" in text]) >= 5


def _names(tokenizer) -> set[int]:
    return {tokenizer.convert_tokens_to_ids(token) for token in TOKENS if token[1] in "tc"}


def test_cells_of_an_invented_database_are_those_that_it_stores():
    x = invented(5)
    stored = cells(x.world)
    assert stored
    for text, values in list(stored.items())[:20]:
        value = values[0]
        sql = f'SELECT count(*) FROM "{value.table}" WHERE "{value.column}" = {value.sql}'
        assert x.connection.execute(sql).fetchone()[0] > 0
        assert text == key_of(value.sql[1:-1].replace("''", "'"))


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("city", "cities"),
        ("bus", "buses"),
        ("person", "people"),
        ("day", "days"),
        ("staff", "staff"),
    ],
)
def test_english_nouns_change_their_number(one, many):
    assert plural(one) == many and singular(many) == one
    assert singular(f"big {many}") == f"big {one}"
    assert plural(f"{one} of origin") == f"{many} of origin"


def test_the_kind_of_a_real_column_is_guessed_from_name_and_type():
    assert guess("unit_price", "REAL") == "price"
    assert guess("BirthDate", "DATE") == "birth date" and guess("PayDate", "DATE") == "date"
    assert guess("customer_name", "VARCHAR(20)") == "name"
    assert guess("price", "TEXT") == "text" and guess("xyz", "INT") == "number"


def test_the_lexicon_is_whole():
    for domain in domains().values():
        names = {entity.name for entity in domain.entities}
        for entity in domain.entities:
            assert entity.zh and entity.attributes
            assert {relation.to for relation in entity.relations} <= names
            assert {attribute.kind for attribute in entity.attributes} <= set(kinds())
        for bridge in domain.bridges:
            assert set(bridge.between) <= names
