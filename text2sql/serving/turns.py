"""Who is next: callers take turns, so that one who asks much delays others by a place only.

    >>> turns = Turns()
    >>> turns.add("ann", [1, 2, 3])
    >>> turns.add("ben", [4])
    >>> [turns.take() for _ in range(4)]
    [1, 4, 2, 3]

Not covered: several threads at once; the caller has a lock.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """What waits, by whose it is."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Hashable, deque[Item]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, whose: Hashable, items: Iterable[Item]) -> None:
        """Put items behind those of the same caller; a new caller comes last."""
        items = list(items)
        if items:
            self._waiting.setdefault(whose, deque()).extend(items)

    def next(self) -> Item:
        """Return what `take` would."""
        return next(iter(self._waiting.values()))[0]

    def take(self) -> Item:
        """Take what is next; its caller comes last now."""
        whose, items = self._waiting.popitem(last=False)
        found = items.popleft()
        if items:
            self._waiting[whose] = items
        return found

    def take_all(self, wanted: Callable[[Item], bool] = lambda item: True) -> list[Item]:
        """Take everything that is wanted, whoever's turn it is."""
        taken, kept = [], OrderedDict[Hashable, deque[Item]]()
        for whose, items in self._waiting.items():
            taken += [item for item in items if wanted(item)]
            left = deque(item for item in items if not wanted(item))
            if left:
                kept[whose] = left
        self._waiting = kept
        return taken
