"""Which arguments a function takes, by their kinds.

    >>> [take(forms["left"][0], place) for place in range(3)]
    ['text', 'integer', None]

Covered: optional and repeated arguments, arguments that must be of the first one's kind.
Not covered: what an argument says, where it must be one literal (see `strings`).
"""

from text2sql.decoding.checking.functions import Function
from text2sql.decoding.checking.kinds.rules import Rules
from text2sql.decoding.checking.kinds.tables import element, expand


def take(form: Function, place: int) -> str | None:
    """Return what a form takes at a place; None: nothing."""
    if place < len(form.takes):
        return form.takes[place]
    if form.most is not None or not form.takes:
        return None
    tail = form.takes[-form.step :]
    return tail[(place - len(form.takes)) % len(tail)]


def take_all(form: Function, kinds: tuple[str, ...], *, rules: Rules) -> bool:
    """Tell whether a form takes arguments of some kinds, as far as they go."""
    for place, kind in enumerate(kinds):
        takes = take(form, place)
        if takes is None:
            return False
        if takes == "any":
            continue
        if takes == "element":
            if rules.unify(element(kinds[0]), kind) is None:
                return False
        elif takes == "same":
            if rules.unify(same_kind(form, kinds[:place], rules=rules), kind) is None:
                return False
        elif not expand(kind) <= expand(takes) | ({"string"} if "text" in expand(takes) else set()):
            return False
    return True


def same_kind(form: Function, kinds: tuple[str, ...], *, rules: Rules) -> str:
    """Return the kind of the first argument, and of all that must be of its kind."""
    if not kinds:
        return "null"
    kind = kinds[0]
    for place, other in enumerate(kinds[1:], 1):
        if take(form, place) == "same":
            kind = rules.unify(kind, other) or "any"
    return kind
