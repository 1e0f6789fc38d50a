"""Every stage on a base that points: it learns, what it cannot say is counted, adapters answer."""

import json
from datetime import date

import pytest
from test_stages import DPO, GRPO, REJECT, SFT, Script, by_length, find_data, right, run, table

from text2sql.bases import find_base, load_tokenizer
from text2sql.data.catalog import find_dataset
from text2sql.prompting import stop_ids
from text2sql.stage_runs import open_judge
from text2sql.training.plan import plan
from text2sql.training.recipe import read_recipe
from text2sql.training.records import encode_examples
from text2sql.training.reinforcement import encode_prompts, rewards
from text2sql.training.rewards import REWARDS
from text2sql.training.stage_settings import Grpo

TWICE = "SELECT a.name FROM customers AS a JOIN customers AS b ON a.customer_id < b.customer_id"
MEASURED = GRPO | {"reward_weights": {"validity": 1.0, "execution": 1.0, "format": 0.5}}
HINDSIGHT = REJECT | {"hindsight_per_question": 1}


def recipe_of(base, **settings):
    known = {"data": "samples", "today": "2026-01-01", "max_length": 4096}
    return read_recipe(None, base=str(base), **(known | settings))


def made_day(recipe):
    return date.fromisoformat(recipe.today)


def wrong(gold: str) -> str:
    return "SELECT name FROM customers LIMIT 7"


def unsayable(gold: str) -> str:
    return TWICE


def unlike(gold: str) -> str:
    return "SELECT nothing FROM nowhere"


def with_length(*asked) -> list:
    """Return the rewards, the last exchanged for one that differs among random texts."""
    return [*rewards(*asked)[:-1], *by_length()]


@pytest.fixture(scope="module")
def folder(tiny_pointing, tmp_path_factory):
    """Return the folder of a run through all kinds of stages, on a real judge."""
    script = Script(right, wrong, unsayable, unlike)
    output = tmp_path_factory.mktemp("pointing") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("text2sql.training.stage_kinds.rewards", with_length)
        run(tiny_pointing, output, [SFT, HINDSIGHT, DPO, MEASURED], script, limit=4)
    return output


def test_every_stage_learns_and_counts_what_pointers_cannot_say(folder):
    sft, reject, dpo, grpo = table(folder)

    assert all(record["kept"] is None and record["steps"] == 2 for record in table(folder))
    assert (sft["examples"], sft["skipped"]) == (4, 0)
    assert reject["counts"]["hindsight"] == 4 and reject["skipped"] == 0
    assert dpo["counts"]["pairs"] == dpo["examples"] + dpo["skipped"] == 12
    assert dpo["skipped"] == 8 and grpo["examples"] == 4
    assert len({record["adapter"] for record in table(folder)}) == 4


def test_the_adapter_loads_back_and_answers_in_sql(folder, shop):
    from text2sql import Predictor

    with Predictor.from_pretrained(folder, database=shop) as predictor:
        answer = predictor.predict("How many customers are there?")
    assert json.loads((folder / "prompt_card.json").read_text())["answer_format"] == "pointers"
    assert answer.error is None and answer.candidates[0].valid


def test_rewards_read_pointers_as_the_names_that_they_stand_for(tiny_pointing):
    base, made = find_base(tiny_pointing), recipe_of(tiny_pointing)
    tokenizer, dataset = load_tokenizer(base), find_dataset("samples", split="train", limit=1)
    prompts = encode_prompts(dataset, base, tokenizer, made, Grpo(max_completion_length=60))
    encoded = encode_examples(dataset, base, tokenizer, made, max_length=4096, today=made_day(made))
    labels = encoded.rows[0]["labels"]
    gold = [label for label in labels if label >= 0]
    foreign = [*gold[:-1], tokenizer.convert_tokens_to_ids("<c191>"), *stop_ids(base, tokenizer)]

    plain = tokenizer.batch_decode([gold, foreign], skip_special_tokens=True)
    texts = prompts.spelled(prompts.rows * 2, plain, [gold, foreign])
    columns = {key: [prompts.rows[0][key]] * 2 for key in ("db_id", "queries")}
    with open_judge(dataset, None) as judge:
        asked = rewards(judge, dataset, base, dict.fromkeys(REWARDS, 1.0))
        found = [reward(completions=texts, **columns) for reward in asked]
    assert [one for one, _ in found] == [1.0, 1.0, 1.0] and found[0][1] == found[1][1] == 0.0


def test_the_plan_counts_the_tokens_of_pointers(tiny_pointing):
    dataset = find_data(recipe_of(tiny_pointing, limit=None))
    made, base = recipe_of(tiny_pointing, limit=None), find_base(tiny_pointing)
    found = plan(made, dataset)
    encoded = encode_examples(
        dataset, base, load_tokenizer(base), made, max_length=4096, today=made_day(made)
    )
    assert not found.estimated and found.skipped == len(encoded.skips) > 0
    assert found.tokens == encoded.tokens
