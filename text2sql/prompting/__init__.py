"""What a model reads and how its answer is read: segments, formats, answers, token ids, cards."""

from text2sql.prompting.answers import ANSWERS, AnswerFormat
from text2sql.prompting.budget import Fitted, count_tokens, fit
from text2sql.prompting.building import build_prompt, check_question
from text2sql.prompting.card import Card, check_card, make_card, read_card, write_card
from text2sql.prompting.encoding import (
    EncodedPrompt,
    encode,
    encode_completion,
    encode_segments,
    stop_ids,
)
from text2sql.prompting.formats import FORMATS, find_format
from text2sql.prompting.segments import LinkedValue, Prompt, Segment

__all__ = [
    "ANSWERS",
    "FORMATS",
    "AnswerFormat",
    "Card",
    "EncodedPrompt",
    "Fitted",
    "LinkedValue",
    "Prompt",
    "Segment",
    "build_prompt",
    "check_card",
    "check_question",
    "count_tokens",
    "encode",
    "encode_completion",
    "encode_segments",
    "find_format",
    "fit",
    "make_card",
    "read_card",
    "stop_ids",
    "write_card",
]
