from dataclasses import dataclass

import pytest
import torch

from text2sql.decoding import policy

STOP = 9


@dataclass(frozen=True)
class Sequences:
    """A guide that lets a few sequences of tokens through; a cursor is what has been written."""

    legal: tuple

    def start(self):
        return ()

    def advance(self, cursor, token):
        after = (*cursor, token)
        return after if any(s[: len(after)] == after for s in self.legal) else None

    def may_stop(self, cursor):
        return cursor in self.legal

    def ending(self, cursor, left):
        return None


GUIDE = Sequences(((3, 1), (3, 5, 2), (7,), (7, 7)))
INFINITY = float("inf")


def chances_of_legal(logits, guide, cursor, *, top_p=1.0):
    """Return the restricted distribution, every token of the vocabulary being tested."""
    chances = logits.softmax(-1)
    order = chances.argsort(descending=True, stable=True).tolist()
    before, nucleus = 0.0, set()
    for token in order:
        if before < top_p:
            nucleus.add(token)
        before += chances[token].item()
    mask = torch.tensor([t in nucleus and allowed(guide, cursor, t) for t in range(len(logits))])
    return chances * mask / (chances * mask).sum()


def allowed(guide, cursor, token):
    return guide.may_stop(cursor) if token == STOP else guide.advance(cursor, token) is not None


def frequencies(logits, cursor, draws, **options):
    generator = torch.Generator().manual_seed(7)
    counts = torch.zeros(len(logits))
    for _ in range(draws):
        options["generator"] = generator
        counts[policy.pick_sample(logits, GUIDE, cursor, [STOP], **options)[0]] += 1
    return counts / draws


@pytest.mark.parametrize(
    ("alone", "cursor", "draws"), [(3, (), 20_000), (0, (), 4_000), (1, (3,), 4_000)]
)
def test_samples_follow_the_distribution_restricted_to_legal(alone, cursor, draws, monkeypatch):
    monkeypatch.setattr(policy, "_DRAWS", alone)  # one by one, before the race of all
    logits = torch.randn(12, generator=torch.Generator().manual_seed(alone))
    expected = chances_of_legal(logits, GUIDE, cursor)
    found = frequencies(logits, cursor, draws)
    assert (found - expected).abs().sum() / 2 < 1.5 / draws**0.5  # total variation
    legal = expected > 0
    chi_square = (draws * (found - expected)[legal] ** 2 / expected[legal]).sum()
    assert chi_square < 16  # two legal tokens: one degree of freedom, p < 0.0001


def test_the_nucleus_is_the_models_own_and_then_restricted():
    logits = torch.tensor([2.0, 1.9, 1.8, 1.7, 1.0, 0.9, 0.8, 1.6, 0.1, 0.0])
    expected = chances_of_legal(logits, GUIDE, (), top_p=0.7)
    assert expected[3] > 0 and expected[7] > 0
    found = frequencies(logits, (), 2_000, top_p=0.7)
    assert (found - expected).abs().sum() / 2 < 0.04


def test_where_the_nucleus_holds_nothing_legal_the_best_of_the_tail_is_taken():
    logits = torch.tensor([9.0, 0, 0, 1.0, 0, 0, 0, 2.0, 0, 0])
    assert policy.pick_sample(logits, GUIDE, (), [STOP], top_p=0.5) == (7, (7,))


def test_the_nucleus_keeps_what_transformers_keeps():
    from transformers import TopPLogitsWarper

    for seed, top_p in enumerate((0.1, 0.5, 0.9, 0.99)):
        logits = 2 * torch.randn(5_000, generator=torch.Generator().manual_seed(seed))
        kept = TopPLogitsWarper(top_p)(None, logits[None].clone())[0] > -INFINITY
        assert torch.equal(policy._nucleus(logits.softmax(-1), top_p) > 0, kept)


@pytest.mark.parametrize("size", [8, 9, 128, 700, 9_000])
def test_greedy_is_the_best_of_all_legal_tokens(size):
    for seed in range(10):
        logits = torch.randn(size, generator=torch.Generator().manual_seed(seed)).round(decimals=1)
        legal = {(int(t),) for t in torch.randperm(size)[:3]} | {(size - 1,)}
        best = min((t for (t,) in legal), key=lambda t: (-logits[t].item(), t))
        token, cursor = policy.pick_greedy(logits, Sequences(tuple(legal)), (), [])
        assert (token, cursor) == (best, (best,))


def test_equal_logits_go_to_the_lowest_legal_id():
    guide = Sequences(((4_000,), (70,), (4_500,)))
    assert policy.pick_greedy(torch.zeros(5_000), guide, (), [0])[0] == 70
    assert policy.pick_greedy(torch.zeros(5_000, dtype=torch.bfloat16), guide, (), [0])[0] == 70


def test_a_stop_is_legal_only_where_the_text_may_end():
    logits = torch.zeros(10)
    logits[STOP] = 5
    assert policy.pick_greedy(logits, GUIDE, (3, 5), [STOP]) == (2, (3, 5, 2))
    assert policy.pick_greedy(logits, GUIDE, (7,), [STOP]) == (STOP, (7,))


def test_a_dead_end_ends_the_text():
    assert policy.pick_greedy(torch.zeros(10), GUIDE, (1, 1), [STOP]) == (STOP, (1, 1))
    assert policy.pick_sample(torch.zeros(10), GUIDE, (1, 1), [STOP]) == (STOP, (1, 1))


def test_beams_are_the_best_legal_continuations_of_all():
    scores = torch.randn((3, 10), generator=torch.Generator().manual_seed(3))
    cursors = [(3,), (7,), ()]
    every = [
        (beam, token)
        for beam, cursor in enumerate(cursors)
        for token in range(10)
        if allowed(GUIDE, cursor, token)
    ]
    every.sort(key=lambda pick: -scores[pick].item())
    found = policy.pick_beams(scores, GUIDE, cursors, [STOP], 4)
    assert [pick[:2] for pick in found] == every[:4]
    assert len(policy.pick_beams(scores, GUIDE, cursors, [STOP], 99)) == len(every)


def test_a_beam_of_minus_infinity_goes_no_further():
    scores = torch.zeros((2, 10))
    scores[0] = -INFINITY
    found = policy.pick_beams(scores, GUIDE, [(), ()], [STOP], 10)
    assert [pick[:2] for pick in found] == [(1, 3), (1, 7)]


def test_the_same_seed_draws_the_same_tokens():
    logits = torch.randn(10, generator=torch.Generator().manual_seed(1))
    assert torch.equal(frequencies(logits, (), 50), frequencies(logits, (), 50))


def test_a_proposal_that_was_refused_is_not_needed_again():
    logits = torch.tensor([9.0, 1.0, 8.0, 3.0, 0.0, 2.0, 0.0, 4.0, 0.0, 0.0])
    assert policy.pick_greedy(logits, GUIDE, (), [STOP], refused=True) == (7, (7,))
    assert policy.pick_greedy(logits, GUIDE, (), [STOP]) == (7, (7,))
