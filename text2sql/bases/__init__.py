"""Base models: which there are, what each wants to read, how to load one."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from text2sql.bases.architecture import Architecture as Architecture
    from text2sql.bases.base import Base as Base
    from text2sql.bases.catalogue import BASES as BASES
    from text2sql.bases.catalogue import find_base as find_base
    from text2sql.bases.loading import load_model as load_model
    from text2sql.bases.loading import load_tokenizer as load_tokenizer

_PLACES = {
    "Architecture": "architecture",
    "Base": "base",
    "BASES": "catalogue",
    "find_base": "catalogue",
    "load_model": "loading",
    "load_tokenizer": "loading",
}
__all__ = ["BASES", "Architecture", "Base", "find_base", "load_model", "load_tokenizer"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
