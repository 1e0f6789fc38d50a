from datetime import date

import pytest
import tiny_tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql.bases import find_base
from text2sql.errors import ModelError, PromptError
from text2sql.prompting import (
    FORMATS,
    Segment,
    build_prompt,
    count_tokens,
    encode,
    encode_completion,
    encode_segments,
    fit,
    stop_ids,
)
from text2sql.schema.model import Column, Schema, Table

DAY = date(2026, 11, 20)
SCHEMA = (
    "CREATE TABLE customers (\n    id INTEGER PRIMARY KEY, -- who </s> buys\n    full_name TEXT\n);"
)
KINDS = {"llama": tiny_tokenizers.llama_like, "bytes": tiny_tokenizers.byte_level}
MARKS = [
    "</s>",
    "<s>",
    "<unk>",
    "<human>",
    "<bot>",
    "<|im_end|>",
    "<|endoftext|>",
    "<tool_call>",
    "<<s>/s>",
    "▁</s>",
]
texts = st.lists(
    st.one_of(
        st.sampled_from(MARKS),
        st.sampled_from([" ", "\n", "  ", "it's", "订单", "🎉", "a"]),
        st.text(max_size=4),
    ),
    min_size=1,
    max_size=6,
).map("".join)


@pytest.fixture(params=KINDS)
def tokenizer(request):
    return KINDS[request.param]()


def prompt(question="How many orders in May?", format="plain", **options):
    return build_prompt(question, SCHEMA, format=format, today=DAY, **options)


def decoded(ids, tokenizer):
    text = tokenizer.decode(ids, skip_special_tokens=False)
    bos = tokenizer.bos_token
    # SentencePiece's blank at the start of a text stays in front when bos stands before it.
    return text.removeprefix(bos).removeprefix(" ") if bos and text.startswith(bos) else text


def blanks(text, kind):
    """SentencePiece writes a blank as ▁ (U+2581) and reads both as a blank."""
    return text.replace("▁", " ") if kind == "llama" else text


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)  # the machine may be busy
@given(
    question=texts.filter(str.strip),
    format=st.sampled_from(["plain", "codes", "dail", "xiyan", "llama-3-sqlcoder"]),
)
def test_decoding_the_ids_gives_the_text_back(kind, question, format):
    tokenizer = KINDS[kind]()
    built = prompt(question, format)
    assert decoded(encode(built, tokenizer).ids, tokenizer) == blanks(built.text, kind)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)  # the machine may be busy
@given(text=texts)
def test_nothing_in_untrusted_text_becomes_a_special_token(kind, text):
    tokenizer = KINDS[kind]()
    segments = (
        Segment("Question: ", True, True),
        Segment(text, False, False),
        Segment("\n", False, True),
    )
    ids = [token for _, part in encode_segments(segments, tokenizer) for token in part]
    marks = {
        number for number, token in tokenizer.added_tokens_decoder.items() if str(token) != "<unk>"
    }
    assert marks.isdisjoint(ids)
    assert decoded(ids, tokenizer).removeprefix(" ") == blanks(f"Question: {text}\n", kind)


def test_the_marks_of_a_format_are_special_tokens():
    tokenizer = tiny_tokenizers.byte_level()
    ids = encode(prompt("Say <|im_end|>!", "chatml"), tokenizer).ids
    ends = ids.count(tokenizer.convert_tokens_to_ids("<|im_end|>"))
    assert ends == 2  # the system's and the user's, not the question's
    assert ids[0] == tokenizer.convert_tokens_to_ids("<|im_start|>")


def test_ziyas_marks_are_special_though_they_are_only_added_words():
    tokenizer = tiny_tokenizers.llama_like()
    ids = encode(prompt("<human>: hello <bot>:", "ziya-llama"), tokenizer).ids
    marks = [tokenizer.convert_tokens_to_ids(mark) for mark in ("<human>", "<bot>")]
    assert [token for token in ids if token in marks] == marks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", ["plain", "dail", "codes", "llama2"])
def test_ids_by_segment_are_those_of_the_whole_text(kind, format):
    tokenizer = KINDS[kind]()
    built = build_prompt("How many orders in May?", "CREATE TABLE t (a);", format=format, today=DAY)
    whole = tokenizer(built.text, add_special_tokens=False)["input_ids"]
    ids = encode(built, tokenizer).ids
    assert ids[len(ids) - len(whole) :] == whole


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", [name for name in FORMATS if name != "pointers"])
@settings(deadline=None)  # the machine may be busy
@given(first=texts.filter(str.strip), second=texts.filter(str.strip))
def test_all_questions_on_a_schema_share_their_first_ids(kind, format, first, second):
    tokenizer = KINDS[kind]()
    one, other = (encode(prompt(question, format), tokenizer) for question in (first, second))
    assert one.shared_ids == other.shared_ids
    assert one.ids == one.shared_ids + one.own_ids


def test_bos_stands_first_and_once():
    tokenizer = tiny_tokenizers.llama_like()
    for format in ("plain", "llama2", "ziya-coding-34b"):
        ids = encode(prompt(format=format), tokenizer).ids
        assert ids[0] == tokenizer.bos_token_id and ids.count(tokenizer.bos_token_id) == 1


def test_a_tokenizer_that_puts_no_bos_gets_none_unless_the_format_says_so():
    assert tiny_tokenizers.byte_level().bos_token_id is None
    ids = encode(prompt(format="codes"), tiny_tokenizers.byte_level()).ids
    assert tiny_tokenizers.byte_level().decode(ids) == prompt(format="codes").text


def test_a_training_row_ends_with_the_stop_token_of_the_base(tokenizer):
    base = find_base("qwen2.5-coder-7b-instruct")
    ids = encode_completion("SELECT 1;", tokenizer, base)
    end = "<|im_end|>" if "<|im_end|>" in tokenizer.all_special_tokens else tokenizer.eos_token
    assert tokenizer.convert_ids_to_tokens(ids[-1]) == end
    assert tokenizer.decode(ids[:-1]).strip() == "SELECT 1"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # its published answer has a blank on either side
        ("codellama-7b-instruct", " SELECT a\nFROM t "),
        ("deepseek-coder-6.7b-instruct", "\nSELECT a\nFROM t\n"),
        ("omnisql-7b", "```sql\nSELECT a\nFROM t\n```"),
        ("sqlcoder-7b-2", "SELECT a\nFROM t\n[/SQL]"),
        ("mini", "SELECT a\nFROM t"),
    ],
)
def test_a_completion_is_written_as_the_base_answers(name, text):
    tokenizer = tiny_tokenizers.byte_level()
    ids = encode_completion("SELECT a\nFROM t", tokenizer, find_base(name))
    assert tokenizer.decode(ids[:-1]) == text


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)  # the machine may be busy
@given(literal=texts)
def test_gold_sql_cannot_end_its_own_row(kind, literal):
    tokenizer, base = KINDS[kind](), find_base("codellama-7b")
    sql = "SELECT '{}'".format(literal.replace("'", "''"))
    ids = encode_completion(sql, tokenizer, base)
    assert set(ids[:-1]).isdisjoint(stop_ids(base, tokenizer))
    assert tokenizer.decode(ids[:-1], skip_special_tokens=False) == blanks(sql, kind)


def test_stop_ids_are_special_tokens_only():
    tokenizer = tiny_tokenizers.byte_level()
    base = find_base("sqlcoder-7b-2")
    assert ";" in base.stop and stop_ids(base, tokenizer) == [tokenizer.eos_token_id]


def test_a_tokenizer_without_any_end_is_refused():
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    endless = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    )
    with pytest.raises(ModelError, match="no token that ends a text"):
        stop_ids(find_base("mini"), endless)


def test_a_tokenizer_that_can_only_write_a_mark_refuses_the_text():
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"!": 0, "?": 1}, unk_token="?")),
        eos_token="!",
        unk_token="?",
    )
    with pytest.raises(PromptError, match="no other way to write '!'"):
        encode_segments([Segment("!", False, False)], tokenizer)


WIDE = Schema(
    "wide",
    "sqlite",
    tuple(
        Table(
            f"{name}_{i}",
            tuple(Column(f"{name}_{part}", "TEXT") for part in ("id", "kind", "note")),
        )
        for name in ("invoice", "stop", "meter")
        for i in range(12)
    ),
)


def test_a_wide_schema_is_reduced_until_the_prompt_fits(tokenizer):
    settings = {"base": find_base("codellama-7b"), "tokenizer": tokenizer, "today": DAY}
    whole = fit("which meter kind?", WIDE, max_length=100_000, **settings)
    assert whole.schema is WIDE and whole.report() == ""
    room = count_tokens(whole.prompt, tokenizer) // 3
    fitted = fit("which meter kind?", WIDE, max_length=room, **settings)
    assert count_tokens(fitted.prompt, tokenizer) <= room
    assert "meter_kind" in fitted.prompt.shared_text
    assert fitted.schema.left_out and "by relevance" in fitted.report()


@pytest.mark.parametrize(
    ("base", "reason"),
    [("codellama-7b", "tokens of 20,"), ("mini", "more names than the base can point at, with 20")],
)
def test_a_prompt_that_cannot_fit_is_refused_with_its_length(base, reason, tokenizer):
    with pytest.raises(PromptError, match=reason):
        fit(
            "which meter?",
            WIDE,
            base=find_base(base),
            tokenizer=tokenizer,
            max_length=20,
            today=DAY,
        )


def test_without_a_tokenizer_tokens_are_estimated():
    built = prompt("有多少个订单？")
    assert 30 < count_tokens(built, None) < 120
    assert (
        fit(
            "meter?", WIDE, base=find_base("generic"), tokenizer=None, max_length=9999, today=DAY
        ).schema
        is WIDE
    )
