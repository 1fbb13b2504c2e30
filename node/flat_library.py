"""What the nodes of a process share of form flat: rows of blocks, and states that were loaded.

Both follow from content alone. A node that finds them here pays as if it had made them.
"""

from collections import deque
from collections.abc import Callable

from node.execution import ExecutedBlock
from node.flat_rows import Rows, block_rows, first_rows, replacing_rows
from node.shared import Memo
from primitives.ids import Hash32
from storage.state import StateLayer

ROWS_MAX = 512
"""Blocks whose rows a process remembers."""

ROWS_BYTES_MAX = 64 * 1024 * 1024
"""Bytes that these have at most."""

STATES_MAX = 4
"""Loaded states that a process remembers."""

_Key = tuple[str, Hash32, Hash32, bool]
"""Which rows; of the block before, and the block; and whether they are an archive's."""


class FlatLibrary:
    """Rows and states of one chain.

    Args:
        rows_max: blocks whose rows are remembered; 0 remembers none.
        rows_bytes_max: bytes of keys and values that they have at most; a single block, such as
            a large genesis, may have more.
        states_max: loaded states that are remembered.
    """

    __slots__ = ("_byte_count", "_order", "_rows", "_rows_bytes_max", "_rows_max", "_states")

    def __init__(
        self,
        rows_max: int = ROWS_MAX,
        rows_bytes_max: int = ROWS_BYTES_MAX,
        states_max: int = STATES_MAX,
    ) -> None:
        self._rows_max = rows_max
        self._rows_bytes_max = rows_bytes_max
        self._byte_count = 0
        self._order: deque[tuple[_Key, int]] = deque()
        """Whose rows are remembered, the oldest first, with their bytes."""
        self._rows: dict[_Key, Rows] = {}
        self._states: Memo[bytes, StateLayer] = Memo(states_max)

    @staticmethod
    def isolated() -> "FlatLibrary":
        """Return a library that keeps nothing."""
        return FlatLibrary(0, 0, 0)

    def block(self, parent: ExecutedBlock, block: ExecutedBlock, *, archive: bool) -> Rows:
        """Return the rows of a block (`block_rows`)."""
        key = ("block", parent.digest, block.digest, archive)
        return self._once(key, lambda: block_rows(parent, block, archive=archive))

    def first(self, block: ExecutedBlock, *, archive: bool) -> Rows:
        """Return the rows of a first block (`first_rows`)."""
        key = ("first", block.digest, block.digest, archive)
        return self._once(key, lambda: first_rows(block, archive=archive))

    def replacing(self, old: ExecutedBlock, block: ExecutedBlock, *, archive: bool) -> Rows:
        """Return the rows of a state that was fetched (`replacing_rows`)."""
        key = ("replacing", old.digest, block.digest, archive)
        return self._once(key, lambda: replacing_rows(old, block, archive=archive))

    def state(self, content: bytes, load: Callable[[], StateLayer]) -> StateLayer:
        """Return a state that was loaded from rows.

        Args:
            content: a hash of the rows.
            load: makes it from them.
        """
        known = self._states.get(content)
        if known is None:
            known = load()
            self._states.put(content, known)
        return known

    def _once(self, key: _Key, make: Callable[[], Rows]) -> Rows:
        if not self._rows_max:
            return make()
        known = self._rows.get(key)
        return self._keep(key, make()) if known is None else known

    def _keep(self, key: _Key, rows: Rows) -> Rows:
        size = sum([len(row.key) + len(row.value or b"") for row in rows])
        self._rows[key] = rows
        self._order.append((key, size))
        self._byte_count += size
        while len(self._order) > self._rows_max or (
            self._byte_count > self._rows_bytes_max and len(self._order) > 1
        ):
            oldest, size = self._order.popleft()
            del self._rows[oldest]
            self._byte_count -= size
        return rows
