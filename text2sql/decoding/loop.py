"""Write the answers to many prompts on one local model: our own batched decoding loop.

    >>> decode(prompts, model, tokenizer, Decoding(max_new_tokens=64), stop_ids=[2])
    [[Generation(text='SELECT count(*) FROM orders', tokens=9)], ...]

Prompts with the same shared ids (the schema) are decoded together: the model reads those ids once.
The samples of a prompt share its question as well. A row that is done leaves the batch, and the
next question takes its place, so that `batch_size` rows are busy as long as prompts are left.

A text depends on its prompt, the seed and the number of the sample, and not on the batch that it
was written in, up to rounding: the random numbers of a row are its own.

Covered: greedy decoding, sampling, beam search (as transformers does it by default: scores divided
by length, no early stopping); guides, which say which tokens are legal.
Not covered: sampling within beams; repetition penalties and other changes of the logits.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from text2sql.decoding.batch import Batch
from text2sql.decoding.binding import Binding
from text2sql.decoding.cache import Prefixes, Split, shares_prefix
from text2sql.decoding.generation import Decoding, Generation, Listen
from text2sql.decoding.writers import Asked
from text2sql.prompting.encoding import EncodedPrompt

if TYPE_CHECKING:
    from text2sql.decoding.guides import Guide


def decode(
    prompts: Sequence[EncodedPrompt],
    model: Any,
    tokenizer: Any,
    decoding: Decoding,
    *,
    stop_ids: Sequence[int],
    guides: "Sequence[Guide | None] | None" = None,
    bindings: Sequence[Binding | None] | None = None,
    prefixes: Prefixes | None = None,
    listen: Listen | None = None,
) -> list[list[Generation]]:
    """Write `decoding.num_samples` texts for each prompt.

    Args:
        prompts: token ids in segments; those with the same shared ids are decoded together.
        model: a causal model of transformers, with or without an adapter, in evaluation mode.
        tokenizer: the model's.
        decoding: samples, temperature, beams, seed, rows of a batch.
        stop_ids: ids that end a text.
        guides: what is legal, one a prompt; None leaves a prompt free.
        prefixes: kept from call to call, so that the next one need not read the schema again.
        listen: is told each text as it grows; a beam search has none until its end.

    Returns:
        For each prompt its texts, without special tokens: samples in order, beams from the best
        (fewer than `num_samples` only where a guide lets fewer be written).

    Raises:
        ModelError: the model keeps no keys and values.
    """
    options: dict[str, Any] = {"stop_ids": stop_ids, "guides": guides}
    options |= {"bindings": bindings, "prefixes": prefixes, "listen": listen}
    found = dict(decode_each(prompts, model, tokenizer, decoding, **options))
    return [found[place] for place in range(len(prompts))]


def decode_each(
    prompts: Sequence[EncodedPrompt],
    model: Any,
    tokenizer: Any,
    decoding: Decoding,
    *,
    stop_ids: Sequence[int],
    guides: "Sequence[Guide | None] | None" = None,
    bindings: Sequence[Binding | None] | None = None,
    prefixes: Prefixes | None = None,
    listen: Listen | None = None,
) -> Iterator[tuple[int, list[Generation]]]:
    """Yield each prompt's place and texts as soon as they are written; see `decode`.

    The order is that of being done, one group of prompts with the same shared ids after another.
    """
    prefixes = prefixes if prefixes is not None else Prefixes(1)
    batch = Batch(model, decoding, stop_ids, prefixes)
    for group in _groups(prompts, prefixes, sharing=shares_prefix(model)):
        asked: dict[Asked, int] = {}
        for place, (shared, own) in group:
            read = reader(tokenizer, bindings[place] if bindings else None)
            hear = partial(listen, place) if listen is not None else None
            asked[Asked(shared, own, read, guides[place] if guides else None, hear)] = place
        for found in asked:
            batch.add(found)
        while batch.busy:
            for done in batch.step():
                if done.error is not None:
                    raise done.error
                yield asked[done.asked], done.texts


def reader(tokenizer: Any, binding: Binding | None) -> Callable[[list[int]], str]:
    """Return what turns ids into text: what a prompt's pointers stand for, where it has some."""
    if binding is not None:
        return binding.text_of
    return lambda ids: str(tokenizer.decode(ids, skip_special_tokens=True))


def _groups(
    prompts: Sequence[EncodedPrompt], prefixes: Prefixes, *, sharing: bool
) -> Iterator[list[tuple[int, Split]]]:
    """Yield prompts by what they share, in order of first use, with their places.

    Those that share nothing with another come last, and are read whole.
    """
    members: dict[tuple[int, ...], list[int]] = {}
    for place, prompt in enumerate(prompts):
        members.setdefault(tuple(prompt.shared_ids) if sharing else (), []).append(place)
    alone: list[int] = []
    for shared, places in members.items():
        if len(places) == 1 < len(members) and shared not in prefixes:
            alone += places
        else:
            yield _group(prompts, places, len(shared))
    if alone:
        yield _group(prompts, alone, 0)


def _group(
    prompts: Sequence[EncodedPrompt], places: Sequence[int], shared: int
) -> list[tuple[int, Split]]:
    # the longest first: a batch that does not fit into memory fails at once
    order = sorted(places, key=lambda place: (-len(prompts[place].ids), place))
    return [(place, (prompts[place].ids[:shared], prompts[place].ids[shared:])) for place in order]
