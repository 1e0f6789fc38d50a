"""The bytes that each token id stands for: what a checker of bytes reads when a model writes ids.

    >>> binding = bind(tokenizer)
    >>> binding.bytes_of(tokenizer.convert_tokens_to_ids("ĠSELECT"))
    b' SELECT'
    >>> b"".join(map(binding.bytes_of, binding.write(b"SELECT count(*)")))
    b'SELECT count(*)'

Covered: byte-level BPE (StarCoder, Qwen, Llama 3, `mini`); SentencePiece-style BPE with byte
fallback (Code Llama, Ziya-LLaMA); added tokens; tokens whose meaning a prompt defines, `overrides`.
A control token has no bytes and is never legal inside SQL.
Not covered: WordPiece, and tokenizers that clean up blanks when they decode
(`clean_up_tokenization_spaces`), whose text is not the sum of its tokens.

A SentencePiece-style tokenizer's `decode` drops the one blank that the first token of a text begins
with; the bytes here keep it. An answer may begin with blanks in every answer format, so that the
two read the same.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from text2sql.errors import ModelError
from text2sql.prompting.segments import Prompt
from text2sql.schema.pointers import TOKENS

_BLANK = "▁"  # SentencePiece's
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
UNDEFINED = "\N{REPLACEMENT CHARACTER}".encode()
_LONGEST = 32  # bytes; longer tokens are runs of blanks, which no ending needs


def _printable() -> dict[int, int]:
    """Return GPT-2's alphabet: the character that stands for each byte (gpt-2, src/encoder.py)."""
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in own]
    return dict(zip(own, own, strict=True)) | {0x100 + n: byte for n, byte in enumerate(others)}


_ALPHABET = _printable()
# What is no character of the alphabet must not be taken for the byte of the same number.
_FOREIGN = {number: 0xFFFF for number in range(0x100) if number not in _ALPHABET}
_FROM_ALPHABET = _FOREIGN | _ALPHABET


@dataclass(frozen=True, slots=True)
class Binding:
    """What the ids of one tokenizer stand for, in one prompt."""

    token_bytes: Sequence[bytes | None]  # by id; None for a control token
    overrides: Mapping[int, bytes] = field(default_factory=dict)  # ids that this prompt defines
    index: Mapping[bytes, int] | None = None  # the lowest id of each text; None: made here
    undefined: frozenset[int] = frozenset()  # ids that only other prompts define
    own: Mapping[bytes, int] = field(init=False)

    def __post_init__(self) -> None:
        """Make the look-ups from bytes to ids."""
        if self.index is None:
            object.__setattr__(self, "index", _index(enumerate(self.token_bytes)))
        object.__setattr__(self, "own", _index(self.overrides.items()))

    def bytes_of(self, token: int) -> bytes | None:
        """Return the bytes of an id; None for a control token and for an id that has no token."""
        if token in self.overrides:
            return self.overrides[token]
        return self.token_bytes[token] if 0 <= token < len(self.token_bytes) else None

    def text_of(self, tokens: Sequence[int]) -> str:
        """Return the text of ids; control tokens are left out.

        What only another prompt defines is shown as U+FFFD: left out, it might make SQL of what is
        none.
        """
        read = (UNDEFINED if t in self.undefined else self.bytes_of(t) or b"" for t in tokens)
        return b"".join(read).decode("utf-8", "replace")

    def write(self, text: bytes) -> list[int]:
        """Return ids whose bytes are exactly `text`: the longest token first, from the left.

        Raises:
            ModelError: no token begins as the rest of the text does.
        """
        ids, here = [], 0
        while here < len(text):
            token = self._longest(text, here)
            ids.append(token)
            here += len(self.bytes_of(token) or b"")
        return ids

    def _longest(self, text: bytes, here: int) -> int:
        for end in range(min(len(text), here + _LONGEST), here, -1):
            token = self._find(text[here:end])
            if token is not None:
                return token
        raise ModelError(f"the tokenizer has no token for the byte 0x{text[here]:02X}")

    def _find(self, piece: bytes) -> int | None:
        assert self.index is not None
        if piece in self.own:
            return self.own[piece]
        token = self.index.get(piece)
        return None if token in self.overrides else token

    def with_overrides(
        self, overrides: Mapping[int, bytes], *, undefined: Iterable[int] = ()
    ) -> "Binding":
        """Return the binding of another prompt of the same tokenizer."""
        return Binding(self.token_bytes, overrides, self.index, frozenset(undefined))


def _index(items: Any) -> dict[bytes, int]:
    index: dict[bytes, int] = {}
    for token, piece in items:
        if piece and len(piece) <= _LONGEST:
            index.setdefault(piece, token)
    return index


_pointers: "WeakKeyDictionary[Any, tuple[int, dict[str, int]]]" = WeakKeyDictionary()
_bindings: "WeakKeyDictionary[Any, tuple[int, Binding]]" = WeakKeyDictionary()


def bind(tokenizer: Any) -> Binding:
    """Return the tokenizer's binding; it is made once, and again when tokens were added.

    Raises:
        ModelError: a tokenizer of a kind that is not covered.
    """
    size, known = _bindings.get(tokenizer, (-1, None))
    if known is None or size != len(tokenizer):
        known = Binding(token_bytes(tokenizer))
        _bindings[tokenizer] = (len(tokenizer), known)
    return known


def bind_prompt(prompt: Prompt, tokenizer: Any) -> Binding:
    """Return the tokenizer's binding with what a prompt's pointers stand for.

    Raises:
        ModelError: a tokenizer of a kind that is not covered, or without the pointers' tokens.
    """
    binding = bind(tokenizer)
    if prompt.pointers is None:
        return binding
    ids = pointer_ids(tokenizer)
    overrides = {ids[token]: data for token, data in prompt.pointers.bytes().items()}
    return binding.with_overrides(overrides, undefined=ids.values() - overrides.keys())


def pointer_ids(tokenizer: Any) -> dict[str, int]:
    """Return the id of each pointer; the whole vocabulary is looked through once.

    Raises:
        ModelError: the tokenizer has no such tokens.
    """
    size, known = _pointers.get(tokenizer, (-1, {}))
    if size != len(tokenizer):
        vocabulary = tokenizer.get_vocab()
        if TOKENS[0] not in vocabulary:
            raise ModelError("this base has no pointers: its prompt format is another")
        known = {token: vocabulary[token] for token in TOKENS}
        _pointers[tokenizer] = (len(tokenizer), known)
    return known


def token_bytes(tokenizer: Any) -> tuple[bytes | None, ...]:
    """Return the bytes of every id of a tokenizer.

    Args:
        tokenizer: of transformers.

    Returns:
        By id; None where there is no token, or one that is no text (end of sequence, padding).

    Raises:
        ModelError: a tokenizer of a kind that is not covered.
    """
    read = _reader(tokenizer)
    vocabulary = tokenizer.get_vocab()
    result: list[bytes | None] = [None] * (max(vocabulary.values(), default=-1) + 1)
    added = tokenizer.added_tokens_decoder
    for token, number in vocabulary.items():
        if number not in added:
            result[number] = read(token) or None
    for number, token in added.items():
        text = None if getattr(token, "special", True) else str(token).replace(_BLANK, " ").encode()
        result[number] = text
    for number in tokenizer.all_special_ids:
        result[number] = None
    return tuple(result)


def _reader(tokenizer: Any) -> Any:
    """Return what turns a token of the vocabulary into its bytes."""
    kinds = _decoders(tokenizer)
    if "ByteLevel" in kinds:
        return _byte_level
    if "ByteFallback" in kinds:
        return _byte_fallback
    if "Metaspace" in kinds or "Replace" in kinds:
        return _sentence_piece
    raise ModelError(
        f"the tokens of a {type(tokenizer).__name__} have no bytes that are known:"
        " decode with constraint none"
    )


def _decoders(tokenizer: Any) -> set[str]:
    """Return the kinds of the tokenizer's decoding steps; guessed where it is pure Python."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        vocabulary = tokenizer.get_vocab()
        named = {"Ġ": "ByteLevel", "<0x0A>": "ByteFallback", _BLANK: "Metaspace"}
        return {kind for token, kind in named.items() if token in vocabulary}
    if backend.decoder is None:
        return set()
    state = json.loads(backend.decoder.__getstate__())
    return {step["type"] for step in state.get("decoders", [state])}


def _byte_level(token: str) -> bytes:
    try:
        return token.translate(_FROM_ALPHABET).encode("latin-1")
    except UnicodeEncodeError:  # not of the alphabet: it stands for itself
        return token.encode()


def _byte_fallback(token: str) -> bytes:
    byte = _BYTE.fullmatch(token)
    return bytes([int(byte[1], 16)]) if byte else _sentence_piece(token)


def _sentence_piece(token: str) -> bytes:
    return token.replace(_BLANK, " ").encode()
