"""Filters: asked from time to time, forgotten when nobody asks."""

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import pytest

from node.rpc import filters as filters_module
from node.rpc.caller import Caller, Callers
from node.rpc.errors import RpcError
from node.rpc.filters import Filters
from node.rpc.limits import Rates, Watching
from tests.unit.node.rpc.server_rig import FakeFeed, Rig, ask, request, with_rig

HASHES = [bytes([each]) * 32 for each in range(10)]


class World:
    """Filters over a chain and a clock that the test moves."""

    def __init__(self, **limits: Any) -> None:
        self.feed = FakeFeed()
        self.seconds = 0.0
        self.names = 0
        self.filters = Filters(self.feed, Watching(**limits), self._name, lambda: self.seconds)
        self.callers = Callers(Rates(), lambda: 0)
        self.caller: Caller = self.callers.new()

    def _name(self) -> str:
        self.names += 1
        return hex(self.names)

    def changes(self, id_: str) -> list[Any]:
        answer = self.filters.changes(self.caller, (id_,))
        if isinstance(answer, Coroutine):
            answer = asyncio.run(answer)
        return list(cast("list[object]", answer))


def test_a_block_filter_tells_hashes_since_it_was_last_asked() -> None:
    world = World()
    world.feed.tip = 3
    id_ = world.filters.new_block_filter(world.caller, ())
    assert world.changes(id_) == []
    world.feed.tip = 5
    assert world.changes(id_) == [f"0x{4:064x}", f"0x{5:064x}"]
    assert world.changes(id_) == []


def test_a_log_filter_tells_matching_logs_since_it_was_last_asked_and_all_when_asked_for_all() -> (
    None
):
    world = World()
    world.feed.tip = 1
    id_ = world.filters.new_log_filter(world.caller, ({"divisor": 2},))
    world.feed.tip = 3
    assert [log["blockNumber"] for log in world.changes(id_)] == ["0x2", "0x3", "0x3"]
    assert world.changes(id_) == []
    assert len(cast("list[object]", world.filters.logs(world.caller, (id_,)))) == 4


def test_a_filter_that_was_not_asked_for_long_tells_a_part_and_then_the_next() -> None:
    world = World(filter_blocks=3)
    id_ = world.filters.new_block_filter(world.caller, ())
    world.feed.tip = 8
    assert [len(world.changes(id_)) for _ in range(4)] == [3, 3, 2, 0]


def test_a_log_filter_tells_as_much_as_an_answer_holds_and_then_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Block n has n logs. A block that has too many alone is told all the same."""
    monkeypatch.setattr(filters_module, "LOGS_MAX", 4)
    world = World()
    id_ = world.filters.new_log_filter(world.caller, ({},))
    world.feed.tip = 6
    assert [len(world.changes(id_)) for _ in range(5)] == [1 + 2 + 3, 4, 5, 6, 0]


def test_two_who_ask_a_log_filter_at_once_are_told_everything_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filters_module, "_SLICE_NS", -1)
    world = World()
    id_ = world.filters.new_log_filter(world.caller, ({},))
    world.feed.tip = 3

    async def both() -> list[Any]:
        asked = [world.filters.changes(world.caller, (id_,)) for _ in range(2)]
        return await asyncio.gather(*cast("list[Coroutine[Any, Any, Any]]", asked))

    assert sorted(len(told) for told in asyncio.run(both())) == [0, 6]


def test_pending_filters_tell_hashes_each_from_its_own_beginning() -> None:
    world = World()
    first = world.filters.new_pending_filter(world.caller, ())
    world.filters.on_pooled(HASHES[:2])
    second = world.filters.new_pending_filter(world.caller, ())
    world.filters.on_pooled(HASHES[2:3])
    hexes = [f"0x{each.hex()}" for each in HASHES]
    assert world.changes(second) == hexes[2:3]
    assert world.changes(first) == hexes[:3]
    assert world.changes(first) == []


def test_of_hashes_that_nobody_asks_for_only_the_last_are_kept() -> None:
    world = World(filter_items=4)
    id_ = world.filters.new_pending_filter(world.caller, ())
    world.filters.on_pooled(HASHES)
    assert world.changes(id_) == [f"0x{each.hex()}" for each in HASHES[-4:]]


def test_without_a_pending_filter_no_hash_is_kept() -> None:
    world = World()
    world.filters.new_block_filter(world.caller, ())
    world.filters.on_pooled(HASHES)
    assert not world.filters._pending
    id_ = world.filters.new_pending_filter(world.caller, ())
    world.filters.on_pooled(HASHES)
    world.filters.uninstall(world.caller, (id_,))
    world.filters.sweep()
    assert not world.filters._pending


def test_a_filter_that_nobody_asks_for_five_minutes_is_removed() -> None:
    world = World()
    asked = world.filters.new_block_filter(world.caller, ())
    world.filters.new_block_filter(world.caller, ())
    world.seconds = 200.0
    world.changes(asked)
    world.seconds = 301.0
    world.filters.sweep()
    assert len(world.filters) == 1
    assert world.changes(asked) == []
    world.seconds = 601.1
    world.filters.sweep()
    with pytest.raises(RpcError, match="filter not found"):
        world.changes(asked)


def test_a_filter_can_be_removed_once() -> None:
    world = World()
    id_ = world.filters.new_block_filter(world.caller, ())
    assert world.filters.uninstall(world.caller, (id_,)) is True
    assert world.filters.uninstall(world.caller, (id_,)) is False


def test_only_logs_can_be_asked_for_in_full() -> None:
    world = World()
    id_ = world.filters.new_block_filter(world.caller, ())
    with pytest.raises(RpcError, match="filter not found"):
        world.filters.logs(world.caller, (id_,))


def test_one_caller_has_a_share_of_all_filters_and_gets_it_back() -> None:
    world = World(filters_per_connection=2, filters=3)
    first = world.filters.new_block_filter(world.caller, ())
    world.filters.new_pending_filter(world.caller, ())
    with pytest.raises(RpcError) as refused:
        world.filters.new_block_filter(world.caller, ())
    assert refused.value.code == -32005
    world.filters.new_block_filter(world.callers.new(), ())
    with pytest.raises(RpcError, match="too many filters"):
        world.filters.new_block_filter(world.callers.new(), ())
    world.filters.uninstall(world.caller, (first,))
    world.filters.new_block_filter(world.caller, ())


def test_filters_work_over_http_from_any_connection() -> None:
    async def test(rig: Rig) -> None:
        blocks = (await ask(rig, request("eth_newBlockFilter")))["result"]
        pending = (await ask(rig, request("eth_newPendingTransactionFilter")))["result"]
        logs = (await ask(rig, request("eth_newFilter", {})))["result"]
        assert len({blocks, pending, logs}) == 3
        rig.commit()
        rig.pool(HASHES[1])
        await ask(rig, request("test_number"))
        for id_, expected in (
            (blocks, [f"0x{1:064x}"]),
            (pending, [f"0x{HASHES[1].hex()}"]),
            (logs, [{"blockNumber": "0x1", "logIndex": "0x0", "removed": False}]),
        ):
            assert (await ask(rig, request("eth_getFilterChanges", id_)))["result"] == expected
        assert len((await ask(rig, request("eth_getFilterLogs", logs)))["result"]) == 1
        assert (await ask(rig, request("eth_uninstallFilter", logs)))["result"] is True
        gone = await ask(rig, request("eth_getFilterChanges", logs))
        assert gone["error"] == {"code": -32000, "message": "filter not found"}

    with_rig(test)
