"""The decoding loop: the tokens of transformers' `generate` on each prompt alone, in batches."""

import random
from dataclasses import dataclass
from datetime import date

import pytest
import torch
from test_shared_cache import build
from transformers import GenerationConfig

from text2sql.decoding import cache, loop, writers
from text2sql.decoding.backends import LocalBackend
from text2sql.decoding.generation import Decoding
from text2sql.errors import ModelError, SettingsError
from text2sql.prompting.encoding import EncodedPrompt

STOPS = [1, *range(20, 90)]  # so many that a random model meets one
TODAY = date(2026, 1, 1)


class Numbers:
    """A tokenizer that writes ids as numbers: texts are equal where ids are."""

    def decode(self, ids, skip_special_tokens):
        return " ".join(map(str, ids))


def make_prompts(count: int = 9, databases: int = 2, seed: int = 0) -> list[EncodedPrompt]:
    """Return prompts on some databases and one that shares nothing."""
    numbers = random.Random(seed)

    def ids(count: int) -> list[int]:
        return [numbers.randrange(90, 400) for _ in range(count)]

    schemas = [ids(30 - place) for place in range(databases)]
    prompts = [
        EncodedPrompt(schemas[place % databases], ids(numbers.randrange(1, 9)))
        for place in range(count - 1)
    ]
    return [*prompts, EncodedPrompt([], ids(12))]


def decoded(model, prompts, stops=STOPS, **settings):
    guides = settings.pop("guides", None)
    decoding = Decoding(**{"max_new_tokens": 16, "batch_size": 4} | settings)
    found = loop.decode(prompts, model, Numbers(), decoding, stop_ids=stops, guides=guides)
    return [[[int(n) for n in text.text.split()] for text in texts] for texts in found]


def generated(model, prompt, stops=STOPS, *, processor=None, **settings):
    """Return the ids that `generate` writes for one prompt alone."""
    config = GenerationConfig(
        **{"max_new_tokens": 16, "pad_token_id": stops[0], "eos_token_id": stops} | settings
    )
    with torch.inference_mode():
        output = model.generate(
            torch.tensor([prompt.ids]),
            generation_config=config,
            prefix_allowed_tokens_fn=processor,
        )
    rows = [row[len(prompt.ids) :].tolist() for row in output]
    return [until(row, set(stops)) for row in rows]


def until(ids, stops):
    return ids[: next((place for place, token in enumerate(ids) if token in stops), len(ids))]


@pytest.fixture(scope="module")
def llama():
    model = build("llama")
    model.generation_config = GenerationConfig()
    return model


@pytest.mark.parametrize("architecture", ["llama", "gpt_bigcode", "qwen2", "mistral", "bloom"])
def test_greedy_texts_are_those_of_generate_on_each_prompt_alone(architecture):
    model, prompts = build(architecture), make_prompts()
    endless = decoded(model, prompts, [1])
    stops = [1, *(text[3 * (place % 4)] for place, (text,) in enumerate(endless[::2]))]
    found = decoded(model, prompts, stops)

    assert found == [generated(model, prompt, stops) for prompt in prompts]
    assert len({len(text) for (text,) in found}) > 1


@pytest.mark.parametrize("architecture", ["llama", "mistral"])
def test_beams_are_those_of_generate(architecture):
    model, prompts = build(architecture), make_prompts(5)
    stops = [1, 50, 60]
    found = decoded(model, prompts, stops, num_beams=3, num_samples=2, batch_size=8)

    beams = {"num_beams": 3, "num_return_sequences": 2}
    assert found == [generated(model, prompt, stops, **beams) for prompt in prompts]


@pytest.mark.parametrize("top_p", [1.0, 0.8])
def test_a_sample_depends_on_prompt_seed_and_number_alone(llama, top_p):
    prompts = make_prompts(5)
    settings = {"num_samples": 3, "temperature": 1.0, "top_p": top_p, "seed": 5}
    found = decoded(llama, prompts, batch_size=16, **settings)

    assert found == decoded(llama, prompts, batch_size=2, **settings)
    assert found[3:4] == decoded(llama, prompts[3:4], **settings)
    assert found != decoded(llama, prompts, **settings | {"seed": 6})
    assert len({str(text) for text in found[0]}) == 3


def test_draws_follow_the_probabilities_of_the_nucleus():
    logits = torch.log(torch.tensor([[0.1, 0.4, 0.2, 0.3]])).expand(1000, -1)
    points = [(place + 0.5) / 1000 for place in range(1000)]
    whole, nucleus = writers.draw(logits, 1.0, points), writers.draw(logits, 0.6, points)

    assert [whole.count(token) for token in range(4)] == [100, 400, 200, 300]
    assert [nucleus.count(token) for token in range(4)] == [0, 571, 0, 429]


def test_rows_stay_busy_while_prompts_are_left(llama, monkeypatch):
    busy = []
    step = cache.SharedRows.step
    monkeypatch.setattr(
        cache.SharedRows,
        "step",
        lambda self, tokens: busy.append(len(tokens)) or step(self, tokens),
    )
    prompts = make_prompts(40, databases=1)[:-1]
    found = decoded(llama, prompts, batch_size=4)

    written = sum(len(text) for (text,) in found)
    assert max(busy) == 4 and sum(count == 4 for count in busy) > len(busy) * 0.8
    assert len(busy) < written / 3


def test_a_schema_is_read_once_for_all_its_prompts(llama, monkeypatch):
    read = []
    reading = cache.read_prefix
    monkeypatch.setattr(cache, "read_prefix", lambda m, ids: read.append(ids) or reading(m, ids))
    prompts = make_prompts(9, databases=2)
    decoded(llama, prompts, num_samples=2)

    assert read == [prompts[0].shared_ids, prompts[1].shared_ids]


def test_prompts_come_as_they_are_done_with_their_place(llama):
    prompts = make_prompts(6)
    asked = prompts, llama, Numbers(), Decoding(batch_size=2, max_new_tokens=8)
    each = list(loop.decode_each(*asked, stop_ids=STOPS))

    assert sorted(place for place, _ in each) == list(range(6))
    assert dict(each) == dict(enumerate(loop.decode(*asked, stop_ids=STOPS)))


def test_a_prompt_that_is_all_schema_is_answered(llama):
    prompts = [EncodedPrompt([50, 51, 52], []), EncodedPrompt([50, 51, 52], [53])]

    assert decoded(llama, prompts) == [generated(llama, prompt) for prompt in prompts]


def test_more_samples_than_rows_are_written_in_turns(llama):
    found = decoded(llama, make_prompts(2), num_samples=7, temperature=1.0, batch_size=3)

    assert [len(texts) for texts in found] == [7, 7]


@dataclass(frozen=True)
class EvenOdd:
    """Even and odd ids by turns; the text may end after an even number of them."""

    def start(self):
        return 0

    def advance(self, cursor, token):
        return cursor + 1 if token % 2 == cursor % 2 and token not in STOPS else None

    def may_stop(self, cursor):
        return cursor >= 4 and cursor % 2 == 0

    def ending(self, cursor, left):
        needed = [] if self.may_stop(cursor) else [94, 95][cursor % 2 :]
        return needed if left <= 3 else None

    def allowed(self, ids):
        legal = [token for token in range(400) if self.advance(len(ids), token) is not None]
        return legal + (STOPS if self.may_stop(len(ids)) else [])


def test_a_guide_lets_only_legal_tokens_through(llama):
    prompts, guide = make_prompts(), EvenOdd()
    found = decoded(llama, prompts, guides=[guide] * len(prompts))

    for prompt, (text,) in zip(prompts, found, strict=True):
        start = len(prompt.ids)
        (free,) = generated(
            llama,
            prompt,
            processor=lambda batch, ids, start=start: guide.allowed(ids[start:].tolist()),
        )
        assert text[:13] == free[:13] and len(text) <= 16


def test_a_guided_text_that_is_too_long_gets_its_ending(llama):
    prompts, guide = make_prompts(4), EvenOdd()
    for settings in ({}, {"num_samples": 2, "temperature": 1.5}, {"num_beams": 3}):
        found = decoded(llama, prompts, guides=[guide] * len(prompts), **settings)
        for text in (text for texts in found for text in texts):
            assert all(token % 2 == place % 2 for place, token in enumerate(text))
            assert guide.may_stop(len(text)) and len(text) <= 16


def test_prompts_without_a_guide_stay_free_beside_guided_ones(llama):
    prompts = make_prompts()
    guides = [EvenOdd() if place % 2 else None for place in range(len(prompts))]
    found, free = decoded(llama, prompts, guides=guides), decoded(llama, prompts)

    assert found[::2] == free[::2] and found[1::2] != free[1::2]


@pytest.fixture
def backend(tiny_llama):
    from text2sql.bases import find_base, load_model, load_tokenizer

    base = find_base(tiny_llama)
    return LocalBackend(load_model(base), load_tokenizer(base), base)


def ask(backend, schema, question):
    from text2sql.prompting import build_prompt

    prompt = build_prompt(question, schema, format=backend.base.prompt_format, today=TODAY)
    return backend.generate([prompt], Decoding(max_new_tokens=8, constraint="none"), schema=schema)


def test_the_backend_keeps_the_schema_from_call_to_call(backend, shop, monkeypatch):
    from text2sql.schema import read_schema

    read, reading, schema = [], cache.read_prefix, read_schema(shop)
    monkeypatch.setattr(cache, "read_prefix", lambda m, ids: read.append(ids) or reading(m, ids))
    first = ask(backend, schema, "How many orders?")
    ask(backend, schema, "How many customers?")

    assert len(read) == 2  # one of them when the model was tried out
    assert ask(backend, schema, "How many orders?") == first


def test_a_closed_backend_says_so(backend, shop):
    from text2sql.schema import read_schema

    backend.close()
    with pytest.raises(ModelError, match="is closed"):
        ask(backend, read_schema(shop), "How many orders?")


def test_beams_and_samples_that_contradict_each_other_are_refused():
    with pytest.raises(SettingsError, match="3 beams are at most 3 texts"):
        Decoding(num_beams=3, num_samples=4)
    assert Decoding(num_beams=3, num_samples=2).effective_temperature == 0
