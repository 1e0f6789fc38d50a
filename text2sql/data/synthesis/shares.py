"""How often each family of questions is drawn, as a user wants it.

    >>> weights = with_shares({"joins": 0.5, "single.count": 0.1})
    >>> round(sum(w for f, w in weights.items() if family_name(f).startswith("joins.")), 2)
    0.5

A share is of all questions that are drawn; the families that are not named keep their weights among
themselves, and those that are only drawn when asked for (`drafting.EXTRA`) have none. What is drawn
is not yet kept: a family that a database gives little to gets less.
"""

from collections.abc import Iterable, Mapping

from text2sql.data.synthesis.drafting import EXTRA, FAMILIES, family_name
from text2sql.data.synthesis.families.parts import Family
from text2sql.errors import SettingsError, UnknownName


def read_shares(texts: Iterable[str]) -> dict[str, float]:
    """Return shares by name, from texts such as `joins=0.5`.

    Raises:
        SettingsError: no number from 0 to 1, or more than 1 together.
        UnknownName: no such family.
    """
    shares: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            shares[name.strip()] = float(number)
        except ValueError:
            raise SettingsError(f"a share is written NAME=NUMBER, not {text!r}") from None
    for name, share in shares.items():
        if name not in names():
            raise UnknownName("family of questions", name, names())
        if not 0 <= share <= 1:
            raise SettingsError(f"the share of {name!r} must be from 0 to 1, not {share:g}")
    if sum(shares.values()) > 1 + 1e-9:
        raise SettingsError(f"the shares are {sum(shares.values()):g} together: at most 1")
    return shares


def names() -> list[str]:
    """Return the names of families, and of the rooms that hold them."""
    known = [family_name(family) for family in (*FAMILIES, *EXTRA)]
    return sorted({name.partition(".")[0] for name in known} | set(known))


def with_shares(shares: Mapping[str, float]) -> dict[Family, float]:
    """Return the weights of all families, 1 together.

    A name may be a family's or its room's; where both are given, the room's share is for the rest.

    Raises:
        SettingsError: no family is left that could be drawn.
    """
    weights = FAMILIES | EXTRA
    owner = {family: _owner(family_name(family), shares) for family in weights}
    weights = {f: w for f, w in weights.items() if f in FAMILIES or owner[f]}
    rest = 1 - sum(shares.values())
    totals: dict[str | None, float] = {}
    for family, weight in weights.items():
        totals[owner[family]] = totals.get(owner[family], 0) + weight
    found = {
        family: weight / totals[owner[family]] * shares.get(owner[family] or "", rest)
        for family, weight in weights.items()
    }
    if not any(weight > 0 for weight in found.values()):
        raise SettingsError("the shares leave no family of questions that could be drawn")
    return found


def _owner(name: str, shares: Mapping[str, float]) -> str | None:
    return next((each for each in (name, name.partition(".")[0]) if each in shares), None)
