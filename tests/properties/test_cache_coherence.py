"""Whatever commits, settles and drops: a cached read is what a dictionary would say."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from primitives.machine import Record
from storage.cache import POLICIES, CachedTable, CacheOptions, Kind, LayeredCache, Limits
from storage.memory import MemoryStore

TEXT = Kind[str]("texts", str.encode, bytes.decode, len)
KEYS = st.integers(0, 9).map(lambda number: bytes([number]))
VALUES = st.none() | st.text("xyz", max_size=3)
WRITES = st.dictionaries(KEYS, VALUES, max_size=5)
STEPS = st.lists(
    st.tuples(st.just("read"), KEYS)
    | st.tuples(st.just("commit"), WRITES)
    | st.tuples(st.just("settle"), st.integers(0, 3))
    | st.tuples(st.just("drop"), st.integers(0, 3)),
    max_size=60,
)
BELOW = st.none() | st.builds(Limits, st.integers(1, 5), st.integers(200, 1_500))


class Versions:
    """The naive twin: one whole dictionary for each layer that is pending."""

    def __init__(self) -> None:
        self.stack: list[tuple[int, dict[bytes, str | None]]] = [(0, {})]

    def store(self) -> MemoryStore:
        store = MemoryStore()
        rows = self.stack[-1][1].items()
        store.write(Record("texts", k, v.encode()) for k, v in rows if v is not None)
        return store


class Switch:
    """A store that shows what the top of the stack says."""

    def __init__(self) -> None:
        self.now = MemoryStore()

    def get(self, table: str, key: bytes) -> bytes | None:
        return self.now.get(table, key)


@pytest.mark.parametrize("policy", list(POLICIES))
@given(
    limits=st.builds(Limits, st.integers(1, 5), st.integers(200, 1_500)), below=BELOW, steps=STEPS
)
def test_reads_are_what_the_last_commit_left(
    policy: str, limits: Limits, below: Limits | None, steps: list[tuple[str, Any]]
) -> None:
    switch, twin = Switch(), Versions()
    table = CachedTable(TEXT, switch, CacheOptions(limits, below, POLICIES[policy]))
    cache = LayeredCache([table])
    for layer, (what, argument) in enumerate(steps, 1):
        pending = cache.pending
        assert pending == tuple(number for number, _ in twin.stack[1:])
        if what == "read":
            assert table.read(argument) == twin.stack[-1][1].get(argument)
        elif what == "commit":
            twin.stack.append((layer, {**twin.stack[-1][1], **argument}))
            switch.now = twin.store()
            cache.commit(layer, {"texts": argument.items()})
        elif argument < len(pending) and what == "settle":
            cache.settle(pending[argument])
            twin.stack = twin.stack[argument + 1 :]
        elif argument < len(pending):
            twin.stack = twin.stack[: argument + 1]
            switch.now = twin.store()
            cache.drop(pending[argument])
    for number in range(10):
        assert table.read(bytes([number])) == twin.stack[-1][1].get(bytes([number]))
