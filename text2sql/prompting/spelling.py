"""Token ids of one text, as it would be inside a longer one.

Three things make a piece of text differ from itself inside a whole. A SentencePiece-style tokenizer
puts a blank before each text it is given: the piece is tokenised behind an anchor, whose ids are
dropped. GPT-2's rule for words writes two newlines as one token at the end of a text and as two
before a word: such a piece is tokenised with a letter behind it. And an added token (`</s>`,
`<|im_end|>`) is found in any text: in one that is not trusted, each such string is cut after its
first character, so that it is spelled out.

Covered: added tokens of every kind; special ids are checked for afterwards, whatever the normaliser
does.
Not covered: marks that are ordinary text in a vocabulary, such as Llama 2's `[INST]`.
"""

import re
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

from text2sql.errors import PromptError

ANCHORS = ("\n", "|", "a", "0")  # the first whose ids stay the same in front of a text is used

KNOWN = 4096  # pieces whose ids are remembered: a schema is spelled for each of its questions


class Speller:
    """What has to be known of a tokenizer to tokenise pieces of text."""

    def __init__(self, tokenizer: Any) -> None:
        """Look at the tokenizer's added tokens, and at what it does with the start of a text."""
        self.tokenizer = tokenizer
        self.size = len(tokenizer)
        self._known: dict[tuple[str, bool, bool], tuple[int, ...]] = {}
        unknown = getattr(tokenizer, "unk_token_id", None)
        # The id for unknown characters may well stand in a text; it is special all the same.
        self.forbidden = set(tokenizer.all_special_ids) - {unknown}
        self._marks = _marks(tokenizer)
        self._letter = self._ids("\na")[len(self._ids("\n")) :]  # without a blank before it
        self._anchored = self._ids("a") != self._letter
        first = tokenizer("a")["input_ids"][:1]
        self.adds_bos = tokenizer.bos_token_id is not None and first == [tokenizer.bos_token_id]

    def trusted(self, text: str, *, first: bool, followed: bool = False) -> list[int]:
        """Return the ids of a text in which special tokens are meant.

        Args:
            text: of a prompt format.
            first: nothing stands before it, so that the tokenizer's own blank may.
            followed: a visible character stands behind it.
        """
        return self._piece(text, first, followed)

    def untrusted(self, text: str, *, first: bool, followed: bool = False) -> list[int]:
        """Return the ids of a text in which nothing is special; arguments as in `trusted`.

        Raises:
            PromptError: this tokenizer cannot spell the text without a special token.
        """
        for pieces in (self._cut(text), list(text)):
            last = len(pieces) - 1
            ids = [
                token
                for place, piece in enumerate(pieces)
                for token in self._piece(piece, first and place == 0, followed and place == last)
            ]
            if self.forbidden.isdisjoint(ids):
                return ids
        bad = sorted(self.forbidden.intersection(ids))
        names = ", ".join(map(repr, self.tokenizer.convert_ids_to_tokens(bad)))
        raise PromptError(
            f"the tokenizer has no other way to write {names} than as a special token"
        )

    def _cut(self, text: str) -> list[str]:
        if self._marks is None:
            return [text]
        cuts = [0, *(match.start() + 1 for match in self._marks.finditer(text)), len(text)]
        return [text[start:end] for start, end in pairwise(cuts)]

    def _piece(self, text: str, first: bool, followed: bool) -> list[int]:
        key = (text, first, followed)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= KNOWN:
                self._known.clear()
            known = self._known[key] = tuple(self._spell(*key))
        return list(known)

    def _spell(self, text: str, first: bool, followed: bool) -> list[int]:
        behind = "a" if followed and text[-1:].isspace() else ""
        for anchor in [""] if first or not self._anchored else ANCHORS:
            ids = self._between(anchor, text, behind)
            if ids is None and behind:
                ids = self._between(anchor, text, "")
            if ids is not None:
                return ids
        return self._ids(text)

    def _between(self, anchor: str, text: str, behind: str) -> list[int] | None:
        """Return the ids of a text between two others, or None where they grow together."""
        start, whole = self._ids(anchor), self._ids(anchor + text + behind)
        end = self._letter if behind else []
        kept = whole[len(start) : len(whole) - len(end)]
        return kept if start + kept + end == whole else None

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"]) if text else []


def _marks(tokenizer: Any) -> re.Pattern[str] | None:
    """Return a pattern for each place where the tokenizer would see an added token."""
    strings: set[str] = set(map(str, tokenizer.all_special_tokens))
    for token in tokenizer.added_tokens_decoder.values():
        plain = str(token).strip("▁ ")
        # Words that were added to a vocabulary (Chinese ones, say) are harmless and better left
        # whole.
        if plain and (getattr(token, "special", True) or not plain.isalnum()):
            strings.add(str(token))
    forms = {
        form
        for s in strings
        for form in (s, s.strip("▁ "), s.replace("▁", " "))
        if len(form.strip()) > 1
    }
    if not forms:
        return None
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile(
        f"(?={'|'.join(map(re.escape, longest_first))})"
    )  # ahead only: marks may overlap


_spellers: "WeakKeyDictionary[Any, Speller]" = WeakKeyDictionary()


def speller(tokenizer: Any) -> Speller:
    """Return the tokenizer's speller; it is made once, and again when tokens were added."""
    known = _spellers.get(tokenizer)
    if known is None or known.size != len(tokenizer):
        known = _spellers[tokenizer] = Speller(tokenizer)
    return known
