"""How much a disk can hold, and what the nodes of its machine have on it.

A batch needs its room when it is handed over, because old rows go only when the new ones are
there. So it is promised room for all that it brings; once it is durable, what counts is the rows
that there are. A disk without a limit counts nothing.
"""

from primitives.machine import Record


def rows_bytes(records: tuple[Record, ...]) -> int:
    """Return the room that a batch needs: keys and values of the rows that it brings."""
    return sum(len(r.key) + len(r.value) for r in records if r.value is not None)


class Space:
    """The room on one disk.

    Args:
        capacity: bytes of rows that it holds at most; None: any number.
    """

    __slots__ = ("_own", "_promised", "capacity", "used")

    def __init__(self, capacity: int | None = None) -> None:
        self._own = capacity
        self.capacity = capacity
        self.used = 0
        """Bytes of the rows on it."""
        self._promised: dict[int, int] = {}
        """Bytes of the batches under way, by node."""

    @property
    def free(self) -> int | None:
        """Bytes that it still takes; None for any number."""
        if self.capacity is None:
            return None
        return max(0, self.capacity - self.used - sum(self._promised.values()))

    def limit(self, room: int | None) -> None:
        """Let it take `room` more bytes than there are on it or under way; None: any number."""
        taken = self.used + sum(self._promised.values())
        self.capacity = None if room is None else taken + room

    def restore(self) -> None:
        """Let it take what it took at first."""
        self.capacity = self._own

    def promise(self, node: int, size: int) -> bool:
        """Keep room for a batch of a node; False if there is too little."""
        free = self.free
        if free is not None and size > free:
            return False
        self._promised[node] = self._promised.get(node, 0) + size
        return True

    def fulfil(self, node: int, size: int) -> None:
        """Note that a batch that had a promise is durable; its rows are counted by now."""
        self._promised[node] -= size

    def forget(self, node: int) -> None:
        """Note that all batches of a node that were under way are gone."""
        self._promised.pop(node, None)
