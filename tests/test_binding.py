import json

import pytest
import tiny
import tiny_tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql.decoding import binding
from text2sql.errors import ModelError

KINDS = {
    "byte-level": tiny_tokenizers.byte_level,
    "sentencepiece": tiny_tokenizers.llama_like,
    "mini": tiny.tokenizer,
}


def ids_of(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def joined(bound, ids):
    return b"".join(bound.bytes_of(token) for token in ids)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_the_bytes_of_a_texts_tokens_are_its_bytes(kind, text):
    tokenizer = KINDS[kind]()
    ids = ids_of(tokenizer, text)
    if tokenizer.unk_token_id in ids:
        return
    found, expected = joined(binding.bind(tokenizer), ids), text.replace("▁", " ").encode()
    assert found == expected or (kind == "sentencepiece" and found == b" " + expected)


@pytest.mark.parametrize("kind", KINDS)
def test_decode_shows_the_bytes_without_a_sentencepiece_blank_at_the_start(kind):
    tokenizer = KINDS[kind]()
    ids = ids_of(tokenizer, "x  SELECT 'é 订' \n\t FROM t")
    text = joined(binding.bind(tokenizer), ids[1:]).decode()
    shown = tokenizer.decode(ids[1:], skip_special_tokens=True)
    assert shown == (text.removeprefix(" ") if kind == "sentencepiece" else text)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(text=st.binary(max_size=40))
def test_any_bytes_can_be_written_exactly(kind, text):
    bound = binding.bind(KINDS[kind]())
    assert joined(bound, bound.write(text)) == text


def test_control_tokens_and_unknown_ids_have_no_bytes_but_added_words_have():
    tokenizer = tiny_tokenizers.byte_level()
    bound = binding.bind(tokenizer)
    of = tokenizer.convert_tokens_to_ids
    assert [bound.bytes_of(of(t)) for t in ("<|endoftext|>", "<|im_end|>")] == [None, None]
    assert bound.bytes_of(of("<tool_call>")) == b"<tool_call>"
    assert [bound.bytes_of(number) for number in (-1, len(tokenizer), 10**6)] == [None] * 3


def test_byte_tokens_and_blanks_of_sentencepiece_are_read():
    tokenizer = tiny_tokenizers.llama_like()
    of = tokenizer.convert_tokens_to_ids
    bound = binding.bind(tokenizer)
    assert bound.bytes_of(of("<0x0A>")) == b"\n"
    assert bound.bytes_of(of("▁SELECT")) == b" SELECT"
    assert bound.bytes_of(of("<human>")) == b"<human>"
    assert bound.bytes_of(of("</s>")) is bound.bytes_of(of("<unk>")) is None


def test_a_prompt_may_say_what_a_token_stands_for():
    tokenizer = tiny_tokenizers.byte_level()
    plain = binding.bind(tokenizer)
    token = plain.write(b"SELECT")[0]
    bound = plain.with_overrides({token: b"singer.name"})
    assert bound.bytes_of(token) == b"singer.name"
    assert bound.write(b"singer.name") == [token]
    spelled = bound.write(b"SELECT")
    assert token not in spelled and joined(bound, spelled) == b"SELECT"
    assert plain.bytes_of(token) == b"SELECT"


def test_a_binding_is_made_once_and_again_when_tokens_were_added():
    tokenizer = tiny.tokenizer()
    first = binding.bind(tokenizer)
    assert binding.bind(tokenizer) is first
    tokenizer.add_tokens(["<more>"])
    assert binding.bind(tokenizer).bytes_of(len(tokenizer) - 1) == b"<more>"


def test_a_byte_without_a_token_is_a_clear_error():
    with pytest.raises(ModelError, match="no token for the byte 0x42"):
        binding.Binding([b"A"]).write(b"AB")


def test_a_tokenizer_whose_tokens_are_no_bytes_is_refused():
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    with pytest.raises(ModelError, match="constraint none"):
        binding.token_bytes(PreTrainedTokenizerFast(tokenizer_object=inner))


@pytest.mark.spider
@pytest.mark.parametrize("kind", KINDS)
def test_gold_sql_of_spider_is_the_bytes_of_its_tokens(kind, spider):
    tokenizer = KINDS[kind]()
    bound = binding.bind(tokenizer)
    records = json.loads((spider / "dev.json").read_text(encoding="utf-8"))
    for record in records[::5]:
        sql = record["query"].strip()
        assert joined(bound, ids_of(tokenizer, sql)).decode().removeprefix(" ") == sql
