"""The bundled base: built in runs of any length, never over what is there by accident."""

import json
from functools import partial

import pytest
from typer.testing import CliRunner

from text2sql import bundled, corpora
from text2sql.bases import find_base, load_model, load_tokenizer
from text2sql.bundled import build_mini
from text2sql.errors import OutputError

STEPS = 3
short = partial(build_mini, steps=STEPS, held_out=2, texts=3)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built") / "mini"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundled, "TOKENS", 300)
        assert short(folder, minutes=0, seed=5) is False  # one step, then its minutes are over
        assert not folder.exists()
        with pytest.raises(OutputError, match="--resume goes on"):
            short(folder, seed=5)
        with pytest.raises(OutputError, match="begun with seed 5, not 6"):
            short(folder, resume=True, seed=6)
        assert short(folder, resume=True, seed=5) is True
    return folder


def test_a_build_that_was_stopped_is_finished_and_leaves_nothing_beside_it(built):
    assert [path.name for path in built.parent.iterdir()] == ["mini"]
    looked = [json.loads(line) for line in (built / "progress.jsonl").read_text().splitlines()]
    assert looked[-1]["steps"] == STEPS and 0 <= looked[-1]["held_out"] <= 1


def test_what_is_built_is_an_ordinary_base_that_points(built):
    base = find_base(built)
    assert (base.prompt_format, base.answer_format) == ("pointers", "pointers")
    model, tokenizer = load_model(base), load_tokenizer(base)
    assert type(model).__name__ == "LlamaForCausalLM"
    assert json.loads((built / "config.json").read_text())["dtype"] == "bfloat16"
    assert tokenizer.tokenize("<c7> name") == ["<c7>", "Ġname"]


def test_a_base_that_is_there_is_replaced_only_on_request(built):
    with pytest.raises(OutputError, match="--overwrite replaces it"):
        short(built)


def test_the_command_says_what_can_be_built_and_where(tmp_path):
    from text2sql.cli import app

    other = CliRunner().invoke(app, ["base", "build", "maxi"])
    assert other.exit_code != 0
    (tmp_path / "file").write_text("")
    wrong = CliRunner().invoke(app, ["base", "build", "--output", str(tmp_path / "file" / "mini")])
    assert wrong.exit_code != 0 and "cannot write" in str(wrong.exception)


def test_the_stream_is_a_function_of_seed_and_place(built):
    groups = corpora.stream(3, built)(0)
    first, second = next(groups), next(groups)
    groups.close()
    again = corpora.stream(3, built, workers=2)(1)
    assert next(again) == second != first
    again.close()
