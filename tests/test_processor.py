from dataclasses import dataclass

import pytest
import torch
from transformers import AutoModelForCausalLM

from text2sql.decoding.processor import ConstraintProcessor

STOP, PAD = 1, 0
PROMPTS = torch.tensor([[PAD, PAD, 60, 61, 62], [70, 71, 72, 73, 74]])


@dataclass(frozen=True)
class Counting:
    """A guide: ids that rise, none more than `most` above the one before; a cursor is the last."""

    most: int
    low: int = 10
    high: int = 390

    def start(self):
        return self.low

    def advance(self, cursor, token):
        return token if cursor < token <= min(cursor + self.most, self.high) else None

    def may_stop(self, cursor):
        return cursor % 3 == 0

    def ending(self, cursor, left):
        return None


GUIDES = [Counting(40), Counting(7, low=100)]


class FullMask:
    """The same constraint as a mask of the whole vocabulary, each step of every row."""

    def __init__(self, guides):
        self.guides = guides

    def __call__(self, input_ids, scores):
        masked = torch.full_like(scores, -float("inf"))
        for row, ids in enumerate(input_ids[:, PROMPTS.shape[1] :].tolist()):
            guide = self.guides[row * len(self.guides) // len(scores)]
            last = ids[-1] if ids else guide.start()
            for token in range(scores.shape[1]):
                legal = guide.may_stop(last) if token == STOP else guide.advance(last, token)
                if legal or (last in (STOP, PAD) and token == PAD):
                    masked[row, token] = scores[row, token]
        return masked


@pytest.fixture(scope="module")
def model(tiny_llama):
    return AutoModelForCausalLM.from_pretrained(tiny_llama).eval()


def generate(model, processor, **options):
    torch.manual_seed(5)
    return model.generate(
        PROMPTS,
        attention_mask=(PROMPTS != PAD).long(),
        logits_processor=[processor],
        **{"max_new_tokens": 12, "pad_token_id": PAD, "eos_token_id": STOP} | options,
    )


def processor(guides=GUIDES, **options):
    return ConstraintProcessor(guides, PROMPTS.shape[1], [STOP], pad_id=PAD, **options)


def assert_legal(rows):
    for place, row in enumerate(rows[:, PROMPTS.shape[1] :].tolist()):
        guide = GUIDES[place * 2 // len(rows)]
        cursor, ended = guide.start(), False
        for token in row:
            if ended or token == STOP:
                assert token in (PAD, STOP) if ended else guide.may_stop(cursor)
                ended = True
                continue
            cursor = guide.advance(cursor, token)
            assert cursor is not None


def test_greedy_is_the_same_as_under_the_full_mask(model):
    found = generate(model, processor(), do_sample=False)
    assert torch.equal(found, generate(model, FullMask(GUIDES), do_sample=False))
    assert_legal(found)


@pytest.mark.parametrize("beams", [2, 5])
def test_beam_search_is_the_same_as_under_the_full_mask(model, beams):
    options = {"num_beams": beams, "num_return_sequences": beams, "do_sample": False}
    keep = ConstraintProcessor.beams(beams, [STOP])
    found = generate(model, processor(keep=keep), **options)
    assert torch.equal(found, generate(model, FullMask(GUIDES), **options))
    assert_legal(found)


def test_keeping_all_legal_tokens_is_the_full_mask(model):
    options = {"do_sample": True, "top_k": 0, "num_return_sequences": 3}
    found = generate(model, processor(keep=None), **options)
    assert torch.equal(found, generate(model, FullMask(GUIDES), **options))


def test_samples_are_legal_and_follow_the_seed(model):
    def drawn(seed):
        own = processor(temperature=1.3, generator=torch.Generator().manual_seed(seed))
        return generate(model, own, do_sample=True, num_return_sequences=8)

    first = drawn(3)
    assert_legal(first)
    assert torch.equal(first, drawn(3)) and not torch.equal(first, drawn(4))


def test_samples_follow_the_restricted_distribution(model):
    guide = Counting(4, low=200)
    with torch.inference_mode():
        mask = (PROMPTS[1:] != PAD).long()
        logits = model(PROMPTS[1:], attention_mask=mask).logits[0, -1].float() / 0.1
    own = processor([guide], temperature=0.1, generator=torch.Generator().manual_seed(1))
    counts = torch.zeros(400)
    for _ in range(10):
        rows = model.generate(
            PROMPTS[1:],
            attention_mask=mask,
            logits_processor=[own],
            do_sample=True,
            num_return_sequences=200,
            max_new_tokens=1,
            pad_token_id=PAD,
            eos_token_id=STOP,
        )
        counts += torch.bincount(rows[:, -1], minlength=400)
    expected = logits[201:205].softmax(-1)
    assert counts.sum() == counts[201:205].sum() == 2_000
    assert (counts[201:205] / 2_000 - expected).abs().sum() / 2 < 0.04


def test_a_dead_end_and_a_beam_without_hope_end_quietly(model):
    found = generate(model, processor(Counting(5, low=386)), num_beams=3, do_sample=False)
    assert found.shape[0] == 2
    found = generate(model, processor(Counting(3, low=388), temperature=1.0), do_sample=True)
    assert found.shape[1] <= PROMPTS.shape[1] + 4
