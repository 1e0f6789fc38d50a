"""Token ids of a prompt and of its answer: one function for training, evaluation and serving.

    >>> encoded = encode(prompt, tokenizer)
    >>> encoded.ids == encoded.shared_ids + encoded.own_ids
    True
    >>> row = encoded.ids + encode_completion("SELECT 1", tokenizer, base)     # a training row

Ids are made segment by segment and joined, so that all questions on a database share the same first
ids and a model is served exactly what it was trained on. A blank at the end of a segment is
tokenised with the next one, because byte pair encodings write a blank and the word behind it as one
token.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from text2sql.bases.base import Base
from text2sql.errors import ModelError
from text2sql.prompting.answers import ANSWERS, AnswerFormat
from text2sql.prompting.formats import Format, resolve
from text2sql.prompting.segments import Prompt, Segment, merge
from text2sql.prompting.spelling import speller


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """A prompt's token ids."""

    shared_ids: list[int]  # bos included
    own_ids: list[int]

    @property
    def ids(self) -> list[int]:
        """All of them, in order."""
        return self.shared_ids + self.own_ids


def encode(prompt: Prompt, tokenizer: Any) -> EncodedPrompt:
    """Turn a prompt into token ids.

    Raises:
        PromptError: the tokenizer cannot write a question's text without a special token.
    """
    parts = encode_segments(prompt.segments, tokenizer)
    shared = _bos(prompt, tokenizer)
    own: list[int] = []
    for segment, ids in parts:
        (shared if segment.shared else own).extend(ids)
    return EncodedPrompt(shared, own)


def encode_segments(
    segments: Iterable[Segment], tokenizer: Any, *, first: bool = True
) -> list[tuple[Segment, list[int]]]:
    """Return each segment's token ids, neighbours of one kind joined.

    Args:
        segments: in order.
        tokenizer: of transformers.
        first: nothing stands before them, so that a SentencePiece-style blank may begin them.
    """
    spell = speller(tokenizer)
    result = []
    moved = _move_blanks(merge(segments))
    for place, segment in enumerate(moved):
        write = spell.trusted if segment.trusted else spell.untrusted
        followed = place + 1 < len(moved) and not moved[place + 1].text[0].isspace()
        result.append((segment, write(segment.text, first=first and place == 0, followed=followed)))
    return result


def _move_blanks(segments: tuple[Segment, ...]) -> list[Segment]:
    """Move blanks at the end of a segment to the start of the next."""
    moved: list[Segment] = []
    blanks = ""
    for place, segment in enumerate(segments):
        text = blanks + segment.text
        last = place == len(segments) - 1
        kept = text if last else text.rstrip(" ")
        blanks = text[len(kept) :]
        if kept:
            moved.append(Segment(kept, segment.shared, segment.trusted))
    return moved


def _bos(prompt: Prompt, tokenizer: Any) -> list[int]:
    wanted = speller(tokenizer).adds_bos if prompt.bos is None else prompt.bos
    return [tokenizer.bos_token_id] if wanted and tokenizer.bos_token_id is not None else []


def encode_completion(
    sql: str,
    tokenizer: Any,
    base: Base,
    *,
    format: str | Format | None = None,
    answer: str | None = None,
    db_id: str = "",
) -> list[int]:
    """Turn SQL into the ids that the model should write after a prompt, stop token included.

    Args:
        sql: its first statement is taken; for an answer format that points, what
            `decoding.pointing.to_pointers` returns.
        tokenizer: of transformers.
        base: says the formats and the stop token.
        format: the prompt's, if it is not the base's own.
        answer: the answer format, if it is not the base's own.
        db_id: for an answer format that names the database.

    Raises:
        PromptError: SQL that the answer format cannot say.
        ModelError: the tokenizer has no token that could end an answer.
    """
    chat = resolve(format or base.prompt_format, tokenizer).chat
    written: AnswerFormat = ANSWERS[answer or base.answer_format]
    before, text, after = written.parts(sql, db_id=db_id)
    segments = (
        Segment(chat.lead + before, False, True),
        Segment(text, False, written.pointers),
        Segment(after + chat.end, False, True),
    )
    ids = [token for _, part in encode_segments(segments, tokenizer, first=False) for token in part]
    return [*ids, stop_ids(base, tokenizer)[0]]


def stop_ids(base: Base, tokenizer: Any) -> list[int]:
    """Return the ids that end an answer: the base's stop tokens, then the tokenizer's eos.

    A stop string that is ordinary text (`;`, a fence) is no stop token: SQL may hold it in a
    string.

    Raises:
        ModelError: there is none.
    """
    tokens = tokenizer.added_tokens_decoder if base.stop else {}
    special = {str(token): number for number, token in tokens.items()}
    ids = [special[stop] for stop in base.stop if stop in special]
    if tokenizer.eos_token_id is not None:
        ids.append(tokenizer.eos_token_id)
    if not ids:
        raise ModelError(f"the tokenizer of base {base.name} has no token that ends a text")
    return list(dict.fromkeys(ids))
