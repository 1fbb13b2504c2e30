"""What subscriptions of a real chain are told, and since when."""

from typing import cast

import pytest

from node.rpc.backend import Backend
from node.rpc.caller import Caller, Callers
from node.rpc.errors import RpcError
from node.rpc.limits import Rates, Watching
from node.rpc.subscriptions import Subscriptions
from tests.unit.node.rpc.chain_rig import Rig
from tests.unit.node.rpc.tokens import deploy, pay


class Listener:
    """A caller, and what it was told."""

    def __init__(self, rig: Rig) -> None:
        assert rig.node_methods is not None
        self.told: list[str] = []
        self.feed = rig.node_methods.feed(cast("Backend", rig.backend))
        self.subscriptions = Subscriptions(self.feed, Watching(), lambda: f"0x{len(self.told):x}")
        self.caller: Caller = Callers(Rates(), lambda: 0).new(
            push=lambda id_, news: self.told.append(news.decode())
        )

    def follow(self, *parameters: object) -> None:
        self.subscriptions.subscribe(self.caller, parameters)

    def hear(self, height: int) -> None:
        for _ in self.subscriptions.on_block(height):
            pass


def test_a_block_that_was_final_before_is_no_news(rig: Rig) -> None:
    """The hub's word of a block may come after somebody has seen it and subscribed."""
    listener = Listener(rig)
    deploy(rig)
    listener.follow("logs", {})
    listener.hear(1)
    assert listener.told == []
    pay(rig, 1, 7)
    listener.hear(2)
    (log,) = listener.told
    assert f"0x{7:064x}" in log


def test_heads_before_are_no_news_either(rig: Rig) -> None:
    listener = Listener(rig)
    deploy(rig)
    listener.follow("newHeads")
    listener.hear(1)
    pay(rig, 1, 7)
    listener.hear(2)
    (head,) = listener.told
    assert rig.ask("eth_getBlockByNumber", "0x2")["hash"] in head


def test_ranges_that_are_not_held_are_an_error(rig: Rig) -> None:
    listener = Listener(rig)
    deploy(rig)
    wanted = listener.feed.criteria({})
    assert len(list(listener.feed.logs(wanted, 0, 1))) == 1
    rig.backend.node.ledger.lowest = 3
    with pytest.raises(RpcError, match="pruned history"):
        rig.wait(listener.feed.all_logs(wanted))
