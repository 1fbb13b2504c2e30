"""A queue with a limit that says how full it is and what it has turned away."""

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class BoundedQueue(Generic[Item]):
    """First in, first out, on one thread; what finds no room is turned away and counted.

    Args:
        depth_max: items that may wait.
    """

    __slots__ = ("_items", "depth_max", "drops", "peak")

    def __init__(self, depth_max: int) -> None:
        self.depth_max = depth_max
        self.drops = 0
        """Items that were turned away so far."""
        self.peak = 0
        """The most that ever waited."""
        self._items: deque[Item] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> bool:
        """Let an item wait; False if there is no room for it."""
        if len(self._items) >= self.depth_max:
            self.drops += 1
            return False
        self._items.append(item)
        self.peak = max(self.peak, len(self._items))
        return True

    def take(self) -> Item | None:
        """Return what has waited longest; None if nothing waits."""
        return self._items.popleft() if self._items else None

    def clear(self) -> None:
        """Forget what waits."""
        self._items.clear()
