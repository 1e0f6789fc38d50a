"""From prompts to SQL: generation under constraints, verification, selection."""

from typing import TYPE_CHECKING

from text2sql.exports import late

if TYPE_CHECKING:
    from text2sql.decoding.checking import Checker as Checker

__all__ = ["Checker"]

__getattr__ = late(__name__, {"Checker": "checking"})
