"""The LL(1) table of a grammar: which alternative a terminal chooses.

>>> empty_of({"limit": (("LIMIT", "<count>"), ())})
{'limit': 1}
"""

from text2sql.decoding.checking.symbols import Symbol, is_terminal

Alternatives = dict[str, tuple[tuple[Symbol, ...], ...]]


def empty_of(alternatives: Alternatives) -> dict[str, int]:
    """Return the nonterminals that may be nothing, each with the alternative that may."""
    empty: dict[str, int] = {}
    while True:
        before = len(empty)
        for name, bodies in alternatives.items():
            for number, body in enumerate(bodies):
                if name not in empty and all(s[0] == "@" or s in empty for s in body):
                    empty[name] = number
        if len(empty) == before:
            return empty


def first_of(alternatives: Alternatives, empty: dict[str, int]) -> dict[str, frozenset[str]]:
    """Return the terminals that each nonterminal may begin with."""
    first: dict[str, frozenset[str]] = dict.fromkeys(alternatives, frozenset())
    changed = True
    while changed:
        changed = False
        for name, bodies in alternatives.items():
            found = first[name].union(*(_begins(body, first, empty) for body in bodies))
            changed |= found != first[name]
            first[name] = found
    return first


def _begins(
    body: tuple[Symbol, ...], first: dict[str, frozenset[str]], empty: dict[str, int]
) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for symbol in body:
        if is_terminal(symbol):
            return found | {symbol}
        if symbol[0] != "@":
            found |= first[symbol]
            if symbol not in empty:
                break
    return found


def choices(
    name: str,
    bodies: tuple[tuple[Symbol, ...], ...],
    first: dict[str, frozenset[str]],
    empty: dict[str, int],
) -> dict[str, int]:
    """Return the alternative that each terminal chooses.

    Raises:
        ValueError: one terminal could begin two alternatives.
    """
    found: dict[str, int] = {}
    for number, body in enumerate(bodies):
        for terminal in _begins(body, first, empty):
            if terminal in found:
                raise ValueError(f"{terminal} begins two alternatives of {name}")
            found[terminal] = number
    return found
