"""Legal SQL from a user's own `model.generate`: a LogitsProcessor over the kit's guides.

    >>> processor = ConstraintProcessor(guide, prompt_length=ids.shape[1], stop_ids=[2])
    >>> model.generate(ids, logits_processor=[processor], do_sample=False, max_new_tokens=64)

`generate` asks for the scores of every row and has no place for a row's state: it is found again
from the row's own ids, so that beams may change places. Three ways, each of which leaves `generate`
no illegal choice:

- greedy (the default): only the best legal token stays.
- beam search, `keep=ConstraintProcessor.beams(num_beams, stop_ids)`: each row's best legal tokens
  stay, as many as the search can use. Nothing that it could have chosen is lost.
- sampling, `temperature=1.0`: the token is drawn here (`policy.pick_sample`), and only it stays.
  Give temperature, top_p and the generator to the processor. `generate` draws from one token, and
  its own temperature, top_k and top_p change nothing.

Covered: several prompts padded on the left, num_return_sequences, finished rows (they get padding).
Not covered: sampling within beams and contrastive search, for which `keep=None` leaves all legal
tokens and tests the whole vocabulary each step. Where fewer than `keep` tokens are legal, the whole
vocabulary is tested too. The nucleus is the model's own, not that of the legal tokens. A beam's
score is a sum of the model's log-probabilities, not renormalised over the legal tokens.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from transformers import LogitsProcessor

from text2sql.decoding import policy
from text2sql.decoding.guides import Cursor, Guide

if TYPE_CHECKING:
    from torch import Generator, Tensor

_LOWEST = -1e30  # a row of nothing but minus infinity has no distribution
_ENDED = object()  # of a row that has written a stop id


class ConstraintProcessor(LogitsProcessor):
    """Leave each row only legal tokens; one object serves one call of `generate`."""

    def __init__(
        self,
        guides: Guide | Sequence[Guide],
        prompt_length: int,
        stop_ids: Collection[int],
        *,
        keep: int | None = 1,
        temperature: float = 0.0,
        top_p: float = 1.0,
        generator: "Generator | None" = None,
        pad_id: int | None = None,
    ) -> None:
        """Set the processor up for one call.

        Args:
            guides: one a prompt, or one for all.
            prompt_length: width of `input_ids`, padding included.
            stop_ids: the ids that `generate` takes for the end.
            keep: legal tokens that stay in each row, from the best; None: all.
            temperature: above 0 the token is drawn here.
            top_p: mass of the nucleus that is drawn from.
            generator: for the draws.
            pad_id: what follows a finished text; None: the lowest stop id.
        """
        self._guides = list(guides) if isinstance(guides, Sequence) else [guides]
        self._prompt_length, self._stop_ids = prompt_length, frozenset(stop_ids)
        self._keep, self._temperature, self._top_p = keep, temperature, top_p
        self._generator = generator
        self._pad_id = min(self._stop_ids) if pad_id is None else pad_id
        self._before: dict[tuple[int, ...], Any] = {}  # the rows of the last step

    @staticmethod
    def beams(num_beams: int, stop_ids: Collection[int]) -> int:
        """Return how many continuations of one row a beam search may use.

        transformers 5.23, `GenerationMixin._beam_search`: `beams_to_keep`.
        """
        return max(2, 1 + len(set(stop_ids))) * num_beams

    def __call__(self, input_ids: "Tensor", scores: "Tensor") -> "Tensor":
        """Return the scores with every token at minus infinity that may not be chosen.

        Args:
            input_ids: (rows, length), prompts first; the rows of one prompt side by side.
            scores: (rows, vocab).
        """
        masked = scores.new_full(scores.shape, float("-inf"))
        rows = input_ids[:, self._prompt_length :].tolist()
        known: dict[tuple[int, ...], Any] = {}
        for place, ids in enumerate(rows):
            prompt = place * len(self._guides) // len(rows)
            cursor = known[prompt, *ids] = self._cursor(prompt, ids)
            if cursor is None or cursor is _ENDED:
                masked[place, self._pad_id] = 0.0
                continue
            kept = self._choose(scores[place], self._guides[prompt], cursor)
            masked[place, kept] = scores[place, kept].clamp_min(_LOWEST)
        self._before = known
        return masked

    def _cursor(self, prompt: int, ids: list[int]) -> Any:
        """Return the cursor behind the ids; None where they are illegal (a beam without hope)."""
        guide = self._guides[prompt]
        if (prompt, *ids[:-1]) in self._before and ids:
            return self._advance(guide, self._before[prompt, *ids[:-1]], ids[-1])
        cursor: Any = guide.start()
        for token in ids:
            cursor = self._advance(guide, cursor, token)
        return cursor

    def _advance(self, guide: Guide, cursor: Any, token: int) -> Any:
        if cursor is None or cursor is _ENDED:
            return cursor
        return _ENDED if token in self._stop_ids else guide.advance(cursor, token)

    def _choose(self, scores: "Tensor", guide: Guide, cursor: Cursor) -> list[int]:
        """Return the tokens of one row that stay."""
        if self._temperature > 0:
            options: dict[str, Any] = {"top_p": self._top_p, "generator": self._generator}
            warm = scores / self._temperature
            return [policy.pick_sample(warm, guide, cursor, self._stop_ids, **options)[0]]
        if self._keep == 1:
            return [policy.pick_greedy(scores, guide, cursor, self._stop_ids)[0]]
        count = self._keep if self._keep is not None else scores.numel()
        picks = policy.pick_beams(scores[None], guide, [cursor], self._stop_ids, count)
        return [token for _, token, _ in picks] or [min(self._stop_ids)]
