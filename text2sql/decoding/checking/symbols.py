"""The symbols of a grammar: what tells them apart, and how much they take at least.

>>> is_terminal("SELECT"), is_terminal("query"), is_terminal("@select")
(True, False, False)
"""

Symbol = str  # "name": nonterminal; "SELECT", "(", "<table>": terminal; "@name": action


def is_terminal(symbol: Symbol) -> bool:
    """Tell a terminal from a nonterminal; actions are neither."""
    return not (symbol[0] == "@" or symbol[0].islower())


def shortest(alternatives: dict[str, tuple[tuple[Symbol, ...], ...]]) -> dict[Symbol, int]:
    """Return the bytes that each nonterminal takes at least, a space after each terminal."""
    least: dict[Symbol, int] = {}
    changed = True
    while changed:
        changed = False
        for name, bodies in alternatives.items():
            for body in bodies:
                size = sum(_size(symbol, least) for symbol in body)
                if size < least.get(name, 1 << 20):
                    least[name] = size
                    changed = True
    return least


def _size(symbol: Symbol, least: dict[Symbol, int]) -> int:
    if symbol[0] == "@" or symbol == "EOT":
        return 0
    if is_terminal(symbol):
        return len(symbol) + 1 if symbol[0].isupper() and symbol not in ("NUMBER",) else 1
    return least.get(symbol, 1 << 20)
