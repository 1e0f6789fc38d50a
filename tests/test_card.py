import copy
import json
from dataclasses import replace

import pytest
import tiny_tokenizers

from text2sql.bases import find_base
from text2sql.errors import ModelError, OutputError
from text2sql.prompting import FORMATS, check_card, make_card, read_card, write_card

BASE = find_base("qwen2.5-coder-7b-instruct")


@pytest.fixture
def tokenizer():
    return tiny_tokenizers.byte_level.__wrapped__()  # its own: tests change it


def card(tokenizer, **options):
    return make_card(BASE, tokenizer, **{"style": "ddl", "language": "en", **options})


def test_a_card_is_read_as_it_was_written(tokenizer, tmp_path):
    written = write_card(tmp_path, base=BASE, tokenizer=tokenizer, style="mschema", language="zh")
    assert read_card(tmp_path) == written
    assert (written.base, written.format, written.style, written.language) == (
        BASE.name,
        "chatml",
        "mschema",
        "zh",
    )
    check_card(read_card(tmp_path), tokenizer, BASE)


@pytest.mark.parametrize("kind", ["byte_level", "llama_like"])
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_prompt_has_the_same_fingerprint(kind, format):
    make = getattr(tiny_tokenizers, kind).__wrapped__
    first, second = (card(make(), format=format, style="ddl_rows") for _ in range(2))
    assert first == second


def test_what_changes_a_prompt_changes_the_fingerprint(tokenizer):
    changes = [
        {},
        {"style": "compact"},
        {"language": "zh"},
        {"format": "plain"},
        {"format": "omnisql"},
    ]
    prints = {card(tokenizer, **change).fingerprint for change in changes}
    assert len(prints) == len(changes)


def test_another_chat_template_is_refused(tokenizer):
    trained = card(tokenizer)
    changed = copy.copy(tokenizer)
    changed.chat_template = tiny_tokenizers.CHATML_TEMPLATE.replace(
        "{{ m['role'] }}\n", "{{ m['role'] }}: "
    )
    with pytest.raises(
        ModelError, match=r"fingerprint was .* trained on base qwen2\.5-coder-7b-instruct"
    ):
        check_card(trained, changed, BASE)


def test_another_tokenizer_is_refused(tokenizer):
    with pytest.raises(ModelError, match="tokenizer was"):
        check_card(card(tokenizer), tiny_tokenizers.llama_like(), BASE)


def test_other_stop_tokens_are_refused(tokenizer):
    with pytest.raises(ModelError, match="stop_ids was"):
        check_card(card(tokenizer), tokenizer, replace(BASE, stop=("<|im_start|>",)))


def test_another_answer_format_is_refused(tokenizer):
    with pytest.raises(ModelError, match="answer_format differs"):
        check_card(card(tokenizer), tokenizer, replace(BASE, answer_format="fence"))


def test_a_format_that_this_version_does_not_know_is_told(tokenizer):
    trained = card(tokenizer).model_copy(update={"format": "chatlm"})
    with pytest.raises(ModelError, match=r"does not fit base .*did you mean 'chatml'"):
        check_card(trained, tokenizer, BASE)


def test_tokenizing_a_batch_does_not_change_the_card(tokenizer):
    before = card(tokenizer)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer(["a b", "c"], padding=True, truncation=True, max_length=4)
    assert card(tokenizer) == before


def test_a_saved_tokenizer_has_the_same_card(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path)
    check_card(card(tokenizer), AutoTokenizer.from_pretrained(tmp_path), BASE)


def test_a_local_base_is_named_by_its_folder(tokenizer, tmp_path):
    assert make_card(
        replace(BASE, path=tmp_path), tokenizer, style="ddl", language="en"
    ).base == str(tmp_path)
    twin = replace(find_base("codellama-7b"), hub_id="meta-llama/CodeLlama-7b-hf")
    assert (
        make_card(twin, tokenizer, style="ddl", language="en").base == "meta-llama/CodeLlama-7b-hf"
    )
    assert make_card(find_base("mini"), tokenizer, style="ddl", language="en").base == "mini"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "holds no prompt_card.json"),
        ("{", "cannot read .*prompt_card.json"),
        ("{}", "prompt_card.json: base: Field required"),
        (json.dumps({"extra": 1}), "prompt_card.json: "),
    ],
)
def test_a_card_that_cannot_be_read_is_one_line(tmp_path, content, message):
    if content is not None:
        (tmp_path / "prompt_card.json").write_text(content)
    with pytest.raises(ModelError, match=message):
        read_card(tmp_path)


def test_a_missing_folder_is_told(tokenizer, tmp_path):
    with pytest.raises(ModelError, match="nowhere: the folder does not exist"):
        read_card(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="cannot write"):
        write_card(tmp_path / "nowhere", base=BASE, tokenizer=tokenizer, style="ddl", language="en")
