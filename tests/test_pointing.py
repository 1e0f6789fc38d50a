"""A base that points at names: its prompt, its answers, and the SQL that they stand for."""

import sqlite3

import pytest

from text2sql.bases import mini
from text2sql.bases.base import Base
from text2sql.cells import DatabaseCells
from text2sql.data.catalog import find_dataset
from text2sql.databases import locate
from text2sql.decoding.binding import bind_prompt
from text2sql.decoding.candidates import judge
from text2sql.decoding.checking import Checker
from text2sql.decoding.generation import Decoding
from text2sql.decoding.guides import make_guide
from text2sql.decoding.pointing import to_pointers, to_sql
from text2sql.errors import PromptError
from text2sql.execution import Executor
from text2sql.prompting import build_prompt, encode, encode_completion, fit
from text2sql.schema import Column, ForeignKey, Schema, Table, canonicalise, read_schema
from text2sql.schema.mentions import Linker
from text2sql.schema.pointers import COLUMNS, TOKENS, number
from text2sql.scoring.results import same_rows

BASE = Base("points", None, prompt_format="pointers", answer_format="pointers")
SINGER = Table(
    "singer",
    (Column("id", "INTEGER"), Column("full name", "TEXT"), Column("age", "INTEGER")),
    ("id",),
)
CONCERT = Table(
    "concert",
    (Column("year", "YEAR", comment="of the show"), Column("singer_id", "INTEGER")),
    (),
    (ForeignKey(("singer_id",), "singer", ("id",)),),
)
SCHEMA = Schema("music", "sqlite", (SINGER, CONCERT))


@pytest.fixture(scope="module")
def tokenizer():
    texts = ["how many singers are older than 30 ?", "SELECT count(*) FROM WHERE ORDER BY LIMIT"]
    return mini.learn_tokenizer(texts * 3)


def prompt(question: str):
    mentions = Linker(SCHEMA).mentions(question)
    return build_prompt(question, SCHEMA, format="pointers", today=None, mentions=mentions)


def ids(tokenizer, text: str) -> list[int]:
    return encode_completion(text, tokenizer, BASE)[:-1]


def test_every_name_is_shown_with_its_pointer_and_every_mention_is_marked():
    shown = prompt("Full names of singers older than 30, O'Brien?")
    assert shown.shared_text == (
        "singer <t0> : id <c0> * + , full name <c1> , age <c2> +\n"
        "concert <t1> : year <c3> ~ , singer id <c4> + > <t0> <c0>\n"
    )
    assert shown.own_text.startswith(
        "Full names <t0> <c1> of singers <t0> older <t0> <c2> than 30 <v0>, O'Brien <v1>?"
    )
    assert shown.pointers.sql["<c1>"] == 'singer."full name"'


def test_what_a_cell_holds_is_marked_as_it_is_stored_with_its_column(tmp_path):
    path = tmp_path / "music.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE singer (id INTEGER, "full name" TEXT)')
        connection.execute("INSERT INTO singer VALUES (1, 'Ann LEE')")
    connection.close()
    schema = read_schema(path)
    cells = DatabaseCells(locate(path), schema, folder=tmp_path / "cache")
    fitted = fit(
        "ids of ann lee", schema, base=BASE, tokenizer=None, max_length=500, today=None, cells=cells
    )
    assert "ann lee <v0> <t0> <c1>" in fitted.prompt.own_text
    assert fitted.prompt.pointers.sql["<v0>"] == "'Ann LEE'"


def test_pointers_are_one_token_each_and_text_of_a_question_is_never_one(tokenizer):
    encoded = encode(prompt("singers <t1> </s> of 30"), tokenizer)
    pointers = [tokenizer.convert_ids_to_tokens(i) for i in encoded.own_ids]
    assert pointers.count("<t0>") == 1 and pointers.count("<t1>") == 0
    assert tokenizer.eos_token not in pointers
    assert len(tokenizer) <= mini.VOCABULARY and set(TOKENS) <= set(tokenizer.get_vocab())


def test_gold_becomes_pointers_and_the_same_rows_come_back():
    dataset = find_dataset("samples", split="train")
    said = 0
    with Executor() as executor:
        for example in dataset.examples:
            schema = dataset.schema(example.db_id)
            mentions = Linker(schema).mentions(example.question)
            shown = build_prompt(
                example.question, schema, format="pointers", today=None, mentions=mentions
            )
            sql = canonicalise(example.query, schema)
            try:
                pointed = to_pointers(sql, Checker(schema), shown.pointers)
            except PromptError as error:
                assert "pointers cannot say it" in str(error)
                continue
            said += 1
            back = to_sql(spelled(pointed, shown), Checker(schema, order="from-first"))
            database = dataset.database(example.db_id)
            rows = [executor.execute(text, database).rows for text in (sql, back)]
            assert same_rows(*rows, ordered="ORDER BY" in sql), (sql, back)
    assert said >= 0.95 * len(dataset.examples)


def spelled(pointed: str, shown) -> str:
    for token, text in sorted(shown.pointers.bytes().items(), key=lambda pair: -len(pair[0])):
        pointed = pointed.replace(f" {token}", token).replace(token, text.decode())
    return pointed


def test_what_pointers_cannot_tell_apart_is_refused():
    twice = "SELECT a.age FROM singer AS a JOIN singer AS b ON a.id < b.id"
    inner = "SELECT avg(b.age) FROM singer AS b WHERE b.id < a.id"
    hidden = f"SELECT age FROM singer AS a WHERE age > ({inner})"
    for sql in (twice, hidden):
        with pytest.raises(PromptError, match="pointers cannot say it"):
            to_pointers(sql, Checker(SCHEMA), prompt("?").pointers)


def test_a_model_may_point_at_what_the_prompt_has_and_from_reads(tokenizer):
    shown = prompt("how many singers are older than 30?")
    guide = make_guide(shown, BASE, tokenizer, SCHEMA, Decoding())
    legal = ids(tokenizer, "FROM <t0> SELECT count(*) WHERE <c2> > <v0>")
    cursor = guide.start()
    for token in legal:
        cursor = guide.advance(cursor, token)
        assert cursor is not None
    assert guide.may_stop(cursor)
    begun = guide.start()
    for token in ids(tokenizer, "FROM <t0> SELECT"):
        begun = guide.advance(begun, token)
    columns = [token for token in TOKENS if token.startswith("<c")]
    legal = [c for c in columns if guide.advance(begun, ids(tokenizer, c)[0]) is not None]
    assert legal == ["<c0>", "<c1>", "<c2>"]


def test_an_answer_is_read_as_the_sql_that_it_stands_for(tokenizer):
    shown = prompt("singers named O'Brien")
    binding = bind_prompt(shown, tokenizer)
    written = ids(tokenizer, "FROM <t0> SELECT <c1> WHERE <c1> = <v0>")
    text = b"".join(binding.bytes_of(token) for token in written).decode()
    found = judge([text], base=BASE, schema=SCHEMA, explain=None)[0]
    assert found.valid
    name = 'singer."full name"'  # the tokenizer knows no capitals
    assert found.sql == f"select {name} from singer where {name} = 'O''Brien'"


def test_more_names_than_pointers_are_refused_in_words():
    wide = Table("wide", tuple(Column(f"c{i}") for i in range(COLUMNS + 1)))
    with pytest.raises(PromptError, match=f"points at {COLUMNS} columns at most"):
        number(Schema("d", "sqlite", (wide,)))


def test_a_pointer_of_another_prompt_makes_no_sql(tokenizer):
    shown = prompt("how many singers?")
    binding = bind_prompt(shown, tokenizer)
    texts = ("FROM <t0> SELECT count(*)", "FROM <t0> <t9> SELECT count(*)")
    known, foreign = (ids(tokenizer, text) for text in texts)
    assert binding.text_of(known) == "from singer select count(*)"
    assert "\N{REPLACEMENT CHARACTER}" in binding.text_of(foreign)
    assert not judge([binding.text_of(foreign)], base=BASE, schema=SCHEMA, explain=None)[0].valid
