"""Whatever well-formed messages come in whatever order, no core raises, and none remembers more.

What does not follow from an honest conversation is made of random values, of pieces of real
messages, and of numbers that requests really have.
"""

from random import Random

from hypothesis import given, strategies as st
from msgspec import structs

from network.compact.form import make_form
from network.compact.messages import (
    LIMITS as COMPACT_LIMITS,
    BlockTransactions,
    CompactBlock,
    CompactForm,
    GetBlockTransactions,
    SendCompact,
    WholeBlock,
)
from network.compact.state import CompactConfig
from network.reconcile.messages import LIMITS as RECONCILE_LIMITS, AskSketch
from network.reconcile.state import ReconcileConfig
from primitives.ids import Duration, Instant, NodeId
from primitives.machine import Message
from tests.properties.message_samples import sample
from tests.unit.network.books import Book
from tests.unit.network.compact_material import (
    block,
    digest,
    hashes,
    payload,
    publish,
    relay,
    transaction,
)
from tests.unit.network.reconcile_material import announced, entries, handle, reconciler

PEERS = [NodeId(number) for number in range(1, 5)]
CONFIG = CompactConfig(
    request_timeout=Duration(50), held_max=3, rebuilds_max=4, rebuilds_per_peer=2, holders_max=2
)
BLOCKS = [block(range(number), header=b"header %d" % number) for number in range(6)]


def hostile_message(chance: Random) -> Message:
    """Return a message about blocks that exist, with some of its fields made up."""
    parts = chance.choice(BLOCKS)
    raws = tuple(transaction(chance.randrange(8)) for _ in range(chance.randrange(4)))
    number = chance.randrange(1, 12)
    form = make_form(parts, hashes(parts.transactions), bytes(8))
    ids = form.ids[: chance.randrange(len(form.ids) + 1)]
    prefilled = tuple((chance.randrange(4), raw) for raw in raws)
    odd = CompactForm(parts.header, bytes(8), ids, prefilled, parts.rest)
    return chance.choice(
        [
            sample(chance.choice(list(COMPACT_LIMITS)), chance),
            SendCompact(high=chance.random() < 0.5),
            CompactBlock(chance.choice([0, number]), chance.choice([form, odd])),
            GetBlockTransactions(number, digest(parts), (chance.randrange(9),)),
            BlockTransactions(number, raws),
            BlockTransactions(number, parts.transactions),
            WholeBlock(number, chance.choice([payload(parts), b"", b"none"])),
        ]
    )


@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_compact_cores_take_anything(chance: Random, steps: int) -> None:
    pool = [transaction(number) for number in range(0, 6, 2)]
    core = relay(BLOCKS[3], pool, CONFIG, Book())
    now = 0
    for _ in range(steps):
        now += chance.randrange(20)
        peer = chance.choice(PEERS)
        match chance.randrange(8):
            case 0:
                core.receiver.want(Instant(now), digest(chance.choice(BLOCKS)), peer)
            case 1:
                publish(core, chance.choice(BLOCKS))
            case 2:
                core.on_request_timeout(Instant(now))
            case 3:
                core.disconnected(Instant(now), peer)
            case _:
                core.on_message(Instant(now), peer, hostile_message(chance))
        state = core.receiver.state
        assert len(state.rebuilds) <= CONFIG.rebuilds_max
        assert len(core.server.held) <= CONFIG.held_max
        assert len(core.modes.chosen) <= 3
        assert {state.numbers[each.request] for each in state.rebuilds.values()} == set(
            state.rebuilds
        ), "each block on its way has one open request"
        assert len(state.numbers) == len(state.rebuilds)
        assert (state.alarm is None) == (not state.rebuilds)
        for rebuild in state.rebuilds.values():
            assert len(rebuild.holders) <= CONFIG.holders_max
            assert rebuild.asked not in rebuild.holders


@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_a_reconciling_core_takes_anything_and_tells_only_what_was_to_be_told(
    chance: Random, steps: int
) -> None:
    config = ReconcileConfig(timeout=Duration(50), rest=Duration(0), pending_max=10)
    core = reconciler(config)
    core.connected(Instant(0), PEERS[0], asks=True)
    core.connected(Instant(0), PEERS[1], asks=False)
    added: dict[NodeId, set[bytes]] = {peer: set() for peer in PEERS}
    now = 0
    for _ in range(steps):
        now += chance.randrange(20)
        peer = chance.choice(PEERS[:3])
        link = core.state.links.get(peer)
        choice = chance.random()
        if choice < 0.4:
            new = entries([chance.randrange(40)])
            added[peer] |= new.keys()
            effects = core.add(Instant(now), peer, new)
        elif choice < 0.6:
            effects = core.on_round_timeout(Instant(now))
        else:
            message = sample(chance.choice(list(RECONCILE_LIMITS)), chance)
            if chance.random() < 0.7 and link is not None:
                begun = link.round_last if link.answered is None else link.answered.number
                known = begun + isinstance(message, AskSketch)
                message = structs.replace(message, round=known)
            effects = handle(core, peer, message, now)
        assert set(announced(effects)) <= added[peer]
        assert all(len(each.pending) <= config.pending_max for each in core.state.links.values())
    waiting = core.state.links[PEERS[0]].pending
    assert waiting.keys() <= added[PEERS[0]]
