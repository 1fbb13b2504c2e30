"""Who reconciles learns in the end what flooding would bring, whatever happens on the way.

The naive twin is a set: what honest clients have handed over, at whoever an honest path leads to.
"""

from collections import Counter
from dataclasses import asdict
from unittest.mock import patch

import msgspec
from hypothesis import given, strategies as st

from network.messages import AnnounceTransactions
from network.offences import Offence
from network.reconcile import core as core_module, rounds
from network.reconcile.sketch import cells_for, element_name
from network.reconcile.state import ReconcileConfig
from primitives.ids import Hash32, NodeId
from primitives.keccak import keccak256
from tests.properties.reconcile_network import LIES, PATIENT, SECOND, Network

ACCIDENTS = {Offence.SILENCE, Offence.UNASKED}
LONG = 900 * SECOND


def linked(size: int, chords: bool) -> list[list[int]]:
    """Return a line of nodes, or a ring in which each has one more link across."""
    if not chords:
        return [[n for n in (at - 1, at + 1) if 0 <= n < size] for at in range(size)]
    near = [{(at + 1) % size, (at - 1) % size, (size - at) % size} for at in range(size)]
    return [sorted(each - {at}) for at, each in enumerate(near)]


def short(key: bytes, element: bytes) -> int:
    """Name so that among twenty transactions some share a name, more often than not."""
    return element_name(key, element) % 211


def settle(network: Network, batches: list[tuple[int, int]]) -> None:
    """Let clients hand over transactions, some at once and some later, and wait for the twin.

    Args:
        network: of which one node may be any.
        batches: to which node, modulo their number, a client gives how many.
    """
    expected: list[tuple[int, Hash32]] = []
    for number, (place, count) in enumerate(batches):
        origin = place % len(network.nodes)
        raws = [b"transaction %d of batch %d" % (each, number) for each in range(count)]
        network.run((number // 4) * SECOND // 3)
        if origin not in network.gone:
            network.admit(origin, raws, own=True)
        if origin not in network.gone and origin not in network.lies:
            names = [keccak256(raw) for raw in raws]
            expected += [(node, name) for node in network.reached(origin) for name in names]
    network.run(network.now + LONG, lambda: has_all(network, expected))
    assert expected == []
    for node in network.nodes:
        for peer, found in node.book.offences.items():
            assert peer in network.lies or set(found) <= ACCIDENTS


def has_all(network: Network, expected: list[tuple[int, Hash32]]) -> bool:
    """Tell whether all that the twin has has come; what has is not looked at again."""
    while expected and expected[-1][1] in network.nodes[expected[-1][0]].pool:
        expected.pop()
    return not expected


sizes = st.integers(2, 9)
batches = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 12)), min_size=1, max_size=12)


@given(sizes, st.booleans(), batches, st.booleans())
def test_without_losses_rounds_alone_bring_all_to_all(
    size: int, chords: bool, given: list[tuple[int, int]], tight: bool
) -> None:
    """Nothing is announced again, and nobody loses patience; sketches may be far too short."""
    network = Network(linked(size, chords), {}, repeats=False, config=PATIENT)
    with patch.object(rounds, "cells_for", (lambda difference: 3) if tight else cells_for):
        settle(network, given)


@given(sizes, st.booleans(), batches, st.integers(0, 30), st.data())
def test_losses_liars_and_absences_cost_time_and_no_transaction(
    size: int, chords: bool, given: list[tuple[int, int]], loss: int, data: st.DataObject
) -> None:
    names = st.sampled_from(sorted(LIES))
    drawn = data.draw(st.dictionaries(st.integers(0, size - 1), names, max_size=size // 2))
    lies = {node: LIES[name] for node, name in drawn.items()}
    network = Network(linked(size, chords), lies, loss, seed=data.draw(st.integers(0, 99)))
    network.run(data.draw(st.integers(0, 5)) * SECOND)
    network.gone = data.draw(st.sets(st.integers(0, size - 1), max_size=size // 3))
    settle(network, given)


@given(sizes, st.booleans(), batches, st.integers(0, 10))
def test_names_that_are_shared_cost_time_and_no_transaction(
    size: int, chords: bool, given: list[tuple[int, int]], loss: int
) -> None:
    core = patch.object(core_module, "element_name", short)
    with patch.object(rounds, "element_name", short), core:
        settle(Network(linked(size, chords), {}, loss), given)


def test_own_transactions_that_share_a_name_need_no_second_announcement() -> None:
    """One of them waits for a round with another salt. None shares a name with the peer's."""
    first = {keccak256(b"transaction %d of batch 0" % each) for each in range(60)}

    def apart(key: bytes, element: bytes) -> int:
        return element_name(key, element) % 400 + 400 * (element in first)

    config = msgspec.structs.replace(PATIENT, fanout=0)
    network = Network([[1], [0]], {}, repeats=False, config=config)
    for node in network.nodes:
        for link in node.core.state.links.values():
            link.spread = rounds.SPREAD_ONE
    core = patch.object(core_module, "element_name", apart)
    with patch.object(rounds, "element_name", apart), core:
        settle(network, [(0, 60), (1, 60)])
    assert sum(node.core.state.counts.differences for node in network.nodes) > 20


def test_these_networks_have_rounds_of_all_sorts() -> None:
    """Where names are short and sketches too; else the properties above would say little."""
    found: Counter[str] = Counter()
    for cells in (cells_for, lambda difference: 3, lambda difference: 9):
        network = Network(linked(9, chords=True), {}, repeats=False, config=PATIENT)
        with patch.object(rounds, "cells_for", cells):
            settle(network, [(place, 12) for place in range(9)])
        for node in network.nodes:
            found.update(asdict(node.core.state.counts))
    assert all(found[kind] for kind in ("plain", "extended", "failed", "differences"))
    assert found["rounds"] > found["plain"] + found["failed"]
    names = [
        [short(b"%016d" % salt, keccak256(b"%d" % each)) for each in range(20)]
        for salt in range(100)
    ]
    assert sum(len(set(each)) < 20 for each in names) > 40


@given(st.integers(2, 9), st.sampled_from(sorted(LIES)), st.integers(0, 99))
def test_what_liars_make_a_node_remember_and_send_is_bounded(
    size: int, lie: str, seed: int
) -> None:
    """Whatever half of the nodes do, a node keeps to its limits, and tells a peer once."""
    config = ReconcileConfig(fanout=1, pending_max=5, heard_max=4)
    liars = dict.fromkeys(range(1, size, 2), LIES[lie])
    network = Network(linked(size, chords=True), liars, config=config, seed=seed, repeats=False)
    for number in range(60):
        network.admit(number % size, [b"transaction %d" % number], own=False)
        network.run(number * SECOND // 10)
        for node in network.nodes:
            assert all(len(link.pending) <= 5 for link in node.core.state.links.values())
            assert len(node.announcer.heard_from) <= 4
    network.run(network.now + 20 * SECOND)
    told = sum(
        len(message.hashes) for message in network.said if isinstance(message, AnnounceTransactions)
    )
    links = sum(len(each) for each in network.neighbours)
    # Once over each link and way, and again where both ends tell while a round goes on.
    assert told <= 60 * links * 2
    assert all(NodeId(node) not in network.nodes[0].book.offences for node in network.gone)
