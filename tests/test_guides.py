import json
import random
import re
from datetime import date

import pytest
import tiny
import tiny_tokenizers

from text2sql.bases.base import Base
from text2sql.decoding import guides
from text2sql.decoding.binding import Binding, bind
from text2sql.decoding.generation import Decoding
from text2sql.errors import SettingsError
from text2sql.prompting import ANSWERS
from text2sql.prompting.building import build_prompt
from text2sql.prompting.encoding import encode_completion
from text2sql.schema import read_spider_schemas
from text2sql.schema.model import Column, Schema, Table

SENTENCES = [
    b"SELECT a FROM t",
    b"SELECT a FROM t `q`",
    b"SELECT a FROM t [x]",
    b"SELECT '```' FROM t",
    b"SELECT '[/SQL]' FROM t",
    b"SELECT '</think>' FROM t",
    b"SELECT a -- ``` or [/SQL]",
    b"SELECT a /* ``` */ FROM t",
]
SCHEMA = Schema("shop", "sqlite", (Table("t", (Column("a"), Column("b"))),))


class Toy:
    """A checker of a few sentences; a state is what has been written, without blanks before it."""

    start = b""

    def step(self, state, data):
        text = re.sub(rb"^SELECT +", b"SELECT ", (state + data).lstrip())
        legal = any(s.startswith(text) for s in SENTENCES) or self.may_end(text)
        return text if legal else None

    def may_end(self, state):
        return state.rstrip(b"; \n") in SENTENCES

    def completion(self, state):
        ends = [s[len(state) :] for s in SENTENCES if s.startswith(state)]
        return min([b""] if self.may_end(state) else ends, key=len)


PIECES = [
    *(b"SELECT", b" a", b" FROM t", b" FROM t `", b"'", b"```", b"``", b"`", b"q`", b"/SQL]", b"["),
    *(b"x]", b" [", b"\n", b" ", b";", b"sql\n", b"```sql", b"</think>", b"<think>", b"<answer>"),
    *(b"</answer>", b";\n```", b"\n[/SQL]", b"```sql\nSEL", b"ECT a", b"shop", b" | ", b"shop | a"),
    *(b"hm", b"from", b"with", b"it's", b"--", b"/*", b"(", b" ``` or [/SQL]", b"\n```\n</answer>"),
]
STOP = len(PIECES)
BINDING = Binding([*PIECES, None, *(bytes([byte]) for byte in range(256))])


def toy_guide(answer_format, budget=200, begun="SELECT "):
    options = {"max_new_tokens": budget, "db_id": "shop", "begun": begun}
    return guides.SQLGuide(Toy(), BINDING, answer_format, [STOP], **options)


def walk(guide, randomly, budget):
    """Write a random legal text as a decoding loop does; return its ids."""
    cursor, ids = guide.start(), []
    while True:
        ending = guide.ending(cursor, budget - len(ids))
        if ending is not None:
            return ids + ending
        if guide.may_stop(cursor) and randomly.random() < 0.3:
            return ids
        tokens = randomly.sample(range(STOP), STOP) + list(range(STOP + 1, STOP + 257))
        moves = ((t, guide.advance(cursor, t)) for t in tokens)
        move = next((move for move in moves if move[1] is not None), None)
        if move is None:
            assert guide.may_stop(cursor), text_of(ids)
            return ids
        ids.append(move[0])
        cursor = move[1]


def text_of(ids, bound=BINDING):
    return b"".join(bound.bytes_of(token) for token in ids).decode()


@pytest.mark.parametrize("answer_format", ANSWERS)
@pytest.mark.parametrize("budget", [40, 150])
def test_whatever_is_let_through_is_read_as_checked_sql(answer_format, budget):
    guide = toy_guide(answer_format, budget)
    for seed in range(150):
        ids = walk(guide, random.Random(seed), budget)
        assert len(ids) < budget  # a stop token still fits
        found = ANSWERS[answer_format].find(text_of(ids))
        state = Toy().step(b"", found.encode())
        assert state is not None and Toy().may_end(state), text_of(ids)


def follow(guide, ids):
    cursor = guide.start()
    for token in ids:
        cursor = guide.advance(cursor, token)
        if cursor is None:
            return None
    return cursor


@pytest.mark.parametrize("tokenizer", [tiny_tokenizers.byte_level, tiny_tokenizers.llama_like])
@pytest.mark.parametrize("answer_format", ANSWERS)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_an_answer_as_it_is_trained_is_legal(answer_format, sentence, tokenizer):
    tokenizer = tokenizer()
    base = Base("toy", None, prompt_format="llama2", answer_format=answer_format)
    ids = encode_completion(sentence.decode(), tokenizer, base, db_id="shop")
    options = {"max_new_tokens": 200, "db_id": "shop", "begun": "SELECT "}
    guide = guides.SQLGuide(Toy(), bind(tokenizer), answer_format, ids[-1:], **options)
    cursor = follow(guide, ids[:-1])
    assert cursor is not None and guide.may_stop(cursor)
    assert guide.advance(cursor, ids[-1]) is None  # a stop id is no text


def legal(answer_format, text):
    """Return whether a text is legal, and whether it may end."""
    guide = toy_guide(answer_format, 2_000)
    cursor = follow(guide, [STOP + 1 + byte for byte in text])
    return cursor is not None, cursor is not None and guide.may_stop(cursor)


@pytest.mark.parametrize(
    ("answer_format", "text", "expected"),
    [
        ("plain", b" \nSELECT a FROM t ;", (True, True)),
        ("plain", b"Sure", (False, False)),
        ("plain", b"SELECT a FROM", (True, False)),
        ("plain", b"SELECT a FROM t\n```", (False, False)),
        ("select", b" a FROM t", (True, True)),
        ("select", b"SELECT a", (False, False)),
        ("picard", b"shop | SELECT a FROM t", (True, True)),
        ("picard", b"SELECT a FROM t", (False, False)),
        ("picard", b"shop", (True, False)),
        ("open_fence", b"SELECT a FROM t", (True, True)),
        ("open_fence", b"SELECT a FROM t ``", (True, False)),
        ("open_fence", b"SELECT a FROM t `q`", (True, True)),
        ("open_fence", b"SELECT a FROM t;\n```\n", (True, True)),
        ("open_fence", b"SELECT a FROM t;\n```\nIt", (False, False)),
        ("open_fence", b"SELECT a FROM t```", (True, True)),
        ("open_fence", b"SELECT a ```", (False, False)),
        ("open_fence", b"SELECT a -- ``` or [/SQL]", (True, True)),
        ("open_fence", b"SELECT a -- ``` or [/SQL]\n```", (True, True)),
        ("sql_marks", b"SELECT a FROM t [x]", (True, True)),
        ("sql_marks", b"SELECT a FROM t\n[/SQL] ", (True, True)),
        ("sql_marks", b"SELECT [/SQL]", (False, False)),
        ("fence", b"SELECT a FROM t", (True, True)),
        ("fence", b"First, it's\n1. a\n\n```sql\nSELECT a FROM t\n```", (True, True)),
        ("fence", b"First ```sql\nSELECT a FROM t", (True, False)),
        ("fence", b"First ```sql\nSELECT b", (False, False)),
        ("fence", b"First ```python\n", (False, False)),
        ("fence", b"SELECT a is what I would", (False, False)),
        ("fence", b"```sql\nSELECT a FROM t\n``` and", (False, False)),
        ("after_think", b"<think>\nSELECT b?\n```sql\nx```</think> ```sql\n", (True, False)),
        ("after_think", b"hm</think>\n\n```sqlite\nSELECT '</think>' FROM t\n```", (True, True)),
        ("after_think", b"hm</think>\nSo", (False, False)),
        ("after_think", b"```sql\nSELECT a FROM t\n```", (True, True)),
        ("after_think", b"```sql\nSELECT '</think>", (False, False)),
        ("after_think", b"SELECT b", (False, False)),
        ("answer_tags", b"</think><answer>```sql\nSELECT a FROM t\n```</answer>", (True, True)),
        ("answer_tags", b"<answer>\n```sql\nSELECT a FROM t\n```\n", (True, True)),
        ("answer_tags", b"<think>a</think>\n```sql", (False, False)),
    ],
)
def test_text_is_free_before_the_sql_and_nowhere_else(answer_format, text, expected):
    assert legal(answer_format, text) == expected


def test_a_token_may_reach_over_a_border():
    guide = toy_guide("fence")
    tokens = [b"hm", b"```sql\nSEL", b"ECT a", b" FROM t", b";\n```"]
    cursor = follow(guide, [PIECES.index(token) for token in tokens])
    assert guide.may_stop(cursor)


@pytest.mark.parametrize("answer_format", ["after_think", "answer_tags"])
def test_reasoning_ends_while_there_is_room_for_a_query(answer_format):
    guide, hm = toy_guide(answer_format, budget=100), PIECES.index(b"hm")
    cursor, written = guide.start(), 0
    while (after := guide.advance(cursor, hm)) is not None:
        cursor, written = after, written + 1
    assert written == 50
    assert guide.advance(cursor, PIECES.index(b"</think>")) is not None


def test_the_ending_comes_in_time_and_not_before():
    guide = toy_guide("fence", budget=60)
    cursor = guide.start()
    assert guide.ending(cursor, 60) is None
    shortest = text_of(guide.ending(cursor, 3))
    assert ANSWERS["fence"].find(shortest) == "SELECT a FROM t"


def test_a_budget_that_holds_no_answer_is_a_clear_error():
    with pytest.raises(SettingsError, match="max_new_tokens is 3, but the shortest answer takes"):
        toy_guide("picard", budget=3)


def test_equal_places_are_one_and_what_is_remembered_is_bounded(monkeypatch):
    guide = toy_guide("plain")
    first = guide.advance(guide.start(), PIECES.index(b"SELECT"))
    assert first == guide.advance(guide.start(), PIECES.index(b"SELECT"))
    assert len({first, first}) == 1
    monkeypatch.setattr(guides, "MAX_EDGES", 10)
    assert follow(guide, [PIECES.index(b" ")] * 100) is not None
    assert guide.advance(first, PIECES.index(b" a")) is not None
    assert sum(len(track.nodes) for track in guide._tracks.values()) <= 12


def test_what_is_remembered_is_bounded_for_answers_that_reason_too(monkeypatch):
    monkeypatch.setattr(guides, "MAX_EDGES", 4)
    guide = toy_guide("fence")
    written = [b"hm", b" ", b"```sql", b"\n", b"SELECT", b" a", b" FROM t", b"\n", b"```"]
    assert guide.may_stop(follow(guide, [PIECES.index(piece) for piece in written]))


def test_pointer_tokens_of_a_prompt_are_read_as_what_they_stand_for():
    pointer = PIECES.index(b"hm")
    bound = BINDING.with_overrides({pointer: b" a FROM t"})
    guide = guides.SQLGuide(Toy(), bound, "plain", [STOP], max_new_tokens=20)
    assert guide.may_stop(follow(guide, [PIECES.index(b"SELECT"), pointer]))


def asked(**changes):
    prompt = build_prompt("How many?", SCHEMA, format="plain", today=date(2026, 11, 20))
    base = Base("toy", None, prompt_format="plain")
    options = {"base": base, "tokenizer": tiny.tokenizer(), "schema": SCHEMA} | changes
    decoding = options.pop("decoding", Decoding())
    return guides.make_guide(prompt, decoding=decoding, **options)


def test_types_are_a_constraint_of_their_own():
    assert guides.checker_of(SCHEMA, constraint="types").types
    assert not guides.checker_of(SCHEMA).types


def test_no_constraint_means_no_guide():
    assert asked(decoding=Decoding(constraint="none")) is None


def test_a_dialect_that_the_checker_does_not_know_is_said_once(capsys):
    strange = Schema("shop", "clickhouse", SCHEMA.tables)
    guides._told.clear()
    assert asked(schema=strange) is None and asked(schema=strange) is None
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and "knows no clickhouse (known: sqlite" in message
    assert guides.unconstrained_reason("clickhouse") in message
    for known in ("sqlite", "duckdb", "postgres"):
        assert guides.unconstrained_reason(known) is None


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_models_are_held_to_the_schema_on_other_engines_too(dialect):
    guide = asked(schema=Schema("shop", dialect, SCHEMA.tables))
    assert guide is not None


def test_equal_questions_share_a_guide_and_its_memory():
    tokenizer = tiny.tokenizer()
    guide = asked(tokenizer=tokenizer)
    assert asked(tokenizer=tokenizer) is guide
    assert asked(tokenizer=tokenizer, decoding=Decoding(max_new_tokens=30)) is not guide


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM t WHERE b = 'x;```'", True),
        ("SELECT count(*) FROM t GROUP BY a", True),
        ("SELECT c FROM t", False),
        ("SELECT a FROM s", False),
        ("DROP TABLE t", False),
    ],
)
@pytest.mark.parametrize("tokenizer", [tiny_tokenizers.byte_level, tiny_tokenizers.llama_like])
def test_only_sql_of_the_schema_is_let_through(sql, expected, tokenizer):
    base = Base("toy", None, prompt_format="llama2", answer_format="fence")
    guide = asked(tokenizer=tokenizer(), base=base)
    ids = encode_completion(sql, tokenizer(), base)[:-1]
    cursor = follow(guide, ids)
    assert (cursor is not None and guide.may_stop(cursor)) is expected


def test_a_prompt_that_has_not_begun_the_sql_leaves_select_to_the_model():
    base = Base("toy", None, prompt_format="plain", answer_format="select")
    guide = asked(base=base)
    assert follow(guide, bind(tiny.tokenizer()).write(b"SELECT a FROM t")) is not None


@pytest.mark.spider
def test_the_gold_of_spider_is_legal_in_every_answer_format(spider):
    schemas = read_spider_schemas(spider / "tables.json")
    records = json.loads((spider / "dev.json").read_text(encoding="utf-8"))[::40]
    tokenizer, bound = tiny.tokenizer(), bind(tiny.tokenizer())
    for place, record in enumerate(records):
        spelled = [name for name in ANSWERS if name != "pointers"]  # see test_pointing
        name = spelled[place % len(spelled)]
        base = Base("toy", None, prompt_format="plain", answer_format=name)
        guide = asked(base=base, tokenizer=tokenizer, schema=schemas[record["db_id"]])
        text = ANSWERS[name].wrap(record["query"], db_id=record["db_id"])
        text = f"SELECT {text}" if name == "select" else text
        cursor = follow(guide, bound.write(text.encode()))
        assert cursor is not None and guide.may_stop(cursor), (name, record["query"])


class Wasteful:
    """A checker of texts over a, b and c that end with b; its shortest endings are not short."""

    start = ""

    def step(self, state: str, data: bytes) -> str | None:
        text = data.decode()
        return text[-1:] or state if set(text) <= set("abc") else None

    def may_end(self, state: str) -> bool:
        return state == "b"

    def completion(self, state: str) -> bytes:
        return {"": b"ab", "a": b"ccb", "b": b"", "c": b"ab"}[state]


def test_what_is_legal_near_the_budget_does_not_depend_on_other_texts():
    binding = Binding((None, b"a", b"b", b"c"))
    guide = guides.SQLGuide(Wasteful(), binding, "plain", [0], max_new_tokens=4)

    def legal(*ids: int) -> bool:
        return follow(guide, ids) is not None

    # behind "a" the checker asks for three more bytes: legal only on the way that it gave before
    assert not legal(2, 1)
    assert legal(1) and legal(1, 2)
    assert not legal(2, 1)
