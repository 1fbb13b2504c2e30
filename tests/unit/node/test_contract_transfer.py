"""States with contracts survive a restart, and reach a node that was away."""

import pytest
from msgspec.structs import replace as changed

from network.messages import CHUNK_ACCOUNTS, Chunk, Content, GetChunk
from primitives.genesis import GenesisContract
from primitives.ids import Address
from primitives.keccak import keccak256
from primitives.machine import Message
from storage.state import StateLayer
from tests.unit.node.harness import SECOND, Harness, agree
from tests.unit.node.state_rig import (
    CONTRACTS,
    COUNTER,
    COUNTING,
    FEW,
    LARGE,
    LARGE_SLOTS,
    MANY,
    adopted,
    advance,
    call,
    network,
    refused,
    slots_up_to,
)


def slots_of(state: StateLayer, address: Address) -> dict[int, int]:
    return dict(state.everything().slots[address])


def counted(state: StateLayer) -> tuple[int, int]:
    return state.slot(COUNTER, 0), state.slot(LARGE, 0)


def check_whole(harness: Harness, node: int) -> None:
    """Node `node` has what node 0 has, and what was there at genesis."""
    state, expected = (harness.node(each).ledger.tip.state for each in (node, 0))
    assert state.accounts() == expected.accounts()
    assert state.everything().slots == expected.everything().slots
    assert set(slots_up_to(LARGE_SLOTS)) <= set(slots_of(state, LARGE).items())
    code_hash = keccak256(COUNTING)
    assert state.code(code_hash) == COUNTING
    tip = harness.node(node).ledger.tip
    assert tip.state.root() == tip.block.header.state_root


@pytest.mark.parametrize("accounts", [FEW, MANY])
def test_contracts_reach_a_node_that_was_away(accounts: int) -> None:
    harness = network(accounts, contracts=CONTRACTS)
    call(harness, 2)
    harness.crash(3)
    call(harness, 12, first=4)
    harness.start(3)
    harness.run(2 * SECOND)
    agree(harness, 14)
    assert adopted(harness) == [12]
    assert not refused(harness)
    check_whole(harness, 3)
    assert counted(harness.node(3).ledger.tip.state) == (14, 14)
    asked = [m for _, _, m in harness.sent if isinstance(m, GetChunk) and m.account]
    assert len(asked) == 17
    call(harness, 2, first=28)
    assert counted(harness.node(3).ledger.tip.state) == (16, 16)
    agree(harness, 16)


def test_what_was_fetched_can_be_served_and_restored() -> None:
    harness = network(contracts=CONTRACTS)
    harness.crash(3)
    call(harness, 12)
    harness.start(3)
    harness.run(2 * SECOND)
    harness.crash(3)
    harness.start(3)
    check_whole(harness, 3)
    harness.crash(2)
    call(harness, 12, first=24)
    harness.tamper = lambda sender, to, message: (
        None if to == 2 and sender != 3 and isinstance(message, Chunk) else message
    )
    harness.start(2)
    harness.run(20 * SECOND)
    agree(harness, 24)
    assert adopted(harness, 2) == [24]
    check_whole(harness, 2)


def test_a_restart_finds_slots_and_codes() -> None:
    harness = network(contracts=CONTRACTS)
    call(harness, 9)
    harness.crash(1)
    harness.start(1)
    assert harness.node(1).ledger.height == 9
    check_whole(harness, 1)
    assert counted(harness.node(1).ledger.tip.state) == (9, 9)


def test_two_heavy_accounts_whose_hashes_begin_alike_are_parted() -> None:
    """Eight nibbles are found in a fraction of a second; nobody who splits there lies."""
    alike = [Address(number.to_bytes(20, "big")) for number in (0x1000034AD, 0x10001B069)]
    assert len({keccak256(address)[:4] for address in alike}) == 1
    slots = slots_up_to(CHUNK_ACCOUNTS)
    heavy = tuple(GenesisContract(address, COUNTING, storage=slots) for address in alike)
    harness = network(contracts=(*CONTRACTS, *heavy))
    harness.crash(3)
    call(harness, 12)
    harness.start(3)
    harness.run(5 * SECOND)
    agree(harness, 12)
    assert adopted(harness) == [12]
    assert not harness.node(3).parts.sync.state.liars
    check_whole(harness, 3)


# ---------------------------------------------------------------- peers that lie


def leave_out_a_slot(chunk: Chunk) -> Chunk:
    return changed(chunk, slots=chunk.slots[1:])


def add_a_slot(chunk: Chunk) -> Chunk:
    return changed(chunk, slots=(*chunk.slots, (b"\x77" * 32, b"\x01")))


def change_a_slot(chunk: Chunk) -> Chunk:
    (slot, value), *others = chunk.slots
    return changed(chunk, slots=((slot, value + b"\x01"), *others))


def repeat_a_slot(chunk: Chunk) -> Chunk:
    return changed(chunk, slots=(*chunk.slots, chunk.slots[-1]))


def send_accounts_too(chunk: Chunk) -> Chunk:
    return changed(chunk, accounts=((b"\x01" * 20, b"\xc4\x01\x02\x80\x80"),))


def bend_the_way(chunk: Chunk) -> Chunk:
    return changed(chunk, way=(*chunk.way[:-1], chunk.way[-1][:-1] + b"\x00"))


def say_nothing_changed(chunk: Chunk) -> Chunk:
    return changed(chunk, content=Content.UNCHANGED, slots=())


@pytest.mark.parametrize(
    "lie",
    [
        leave_out_a_slot,
        add_a_slot,
        change_a_slot,
        repeat_a_slot,
        send_accounts_too,
        bend_the_way,
        say_nothing_changed,
    ],
)
def test_a_lie_about_slots_is_found_in_its_chunk(lie: object) -> None:
    def tamper(sender: int, to: int, message: Message) -> Message | None:
        if sender in {0, 1} and isinstance(message, Chunk) and message.slots:
            return lie(message)  # type: ignore[operator, no-any-return]
        return message

    harness = with_liars(tamper)
    assert set(refused(harness)) == {0, 1}


def wrong_code(chunk: Chunk) -> Chunk:
    (address, code, slots), *others = chunk.contracts
    return changed(chunk, contracts=((address, code + b"\x00", slots), *others))


def without_contracts(chunk: Chunk) -> Chunk:
    return changed(chunk, contracts=())


def another_contract(chunk: Chunk) -> Chunk:
    return changed(chunk, contracts=(*chunk.contracts, (b"\x01" * 20, b"", ())))


def a_slot_too_many(chunk: Chunk) -> Chunk:
    (address, code, slots), *others = chunk.contracts
    return changed(chunk, contracts=((address, code, (*slots, (b"\x99", b"\x01"))), *others))


def slots_that_are_not_set(chunk: Chunk) -> Chunk:
    """They make no other root, but weigh: a needless split would not show."""
    (address, code, slots), *others = chunk.contracts
    unset = tuple((bytes((0x99, place)), b"") for place in range(200))
    return changed(chunk, contracts=((address, code, (*slots, *unset)), *others))


def slots_beside_accounts(chunk: Chunk) -> Chunk:
    return changed(chunk, slots=((b"\x01", b"\x01"),))


@pytest.mark.parametrize(
    "lie",
    [
        wrong_code,
        without_contracts,
        another_contract,
        a_slot_too_many,
        slots_that_are_not_set,
        slots_beside_accounts,
    ],
)
def test_a_lie_about_contracts_is_found_in_its_chunk(lie: object) -> None:
    def tamper(sender: int, to: int, message: Message) -> Message | None:
        if sender in {0, 1} and isinstance(message, Chunk) and message.contracts:
            return lie(message)  # type: ignore[operator, no-any-return]
        return message

    liars = set(refused(with_liars(tamper)))
    assert liars
    assert liars <= {0, 1}


def test_who_puts_slots_off_that_fit_is_found_out_and_costs_one_request() -> None:
    def tamper(sender: int, to: int, message: Message) -> Message | None:
        if sender != 2 and isinstance(message, Chunk) and message.contracts:
            rows = tuple([(address, code, ()) for address, code, _ in message.contracts])
            return changed(message, contracts=rows)
        return message

    harness = away_with_contracts()
    harness.tamper = tamper
    harness.start(3)
    harness.run(20 * SECOND)
    agree(harness, 12)
    liars = harness.node(3).parts.sync.state.liars
    assert liars
    assert set(liars) <= {0, 1}
    check_whole(harness, 3)


def test_a_split_of_slots_that_fit_is_found_out() -> None:
    def tamper(sender: int, to: int, message: Message) -> Message | None:
        if sender in {0, 1} and isinstance(message, Chunk) and len(message.slots) > 0:
            return Chunk(message.request, Content.SPLIT, (), ())
        return message

    harness = with_liars(tamper)
    assert set(harness.node(3).parts.sync.state.liars) == {0, 1}


def away_with_contracts() -> Harness:
    harness = network(contracts=CONTRACTS)
    harness.crash(3)
    call(harness, 12)
    return harness


def with_liars(tamper: object) -> Harness:
    """Node 3 comes back to peers of which some lie; it ends with the true state."""
    harness = away_with_contracts()
    harness.tamper = tamper  # type: ignore[assignment]
    harness.start(3)
    harness.run(20 * SECOND)
    agree(harness, 12)
    check_whole(harness, 3)
    return harness


def test_slots_that_are_the_same_in_a_newer_state_are_not_sent_twice() -> None:
    harness = network(contracts=CONTRACTS)
    harness.crash(3)
    advance(harness, 12)
    harness.tamper = lambda sender, to, message: (
        None if to == 3 and isinstance(message, Chunk) and len(message.slots) > 75 else message
    )
    harness.start(3)
    harness.run(300_000_000)
    for _ in range(12):
        advance(harness, 1)
    harness.tamper = lambda sender, to, message: message
    harness.run(20 * SECOND)
    agree(harness, 24)
    check_whole(harness, 3)
    named = {
        m.request
        for sender, _, m in harness.sent
        if sender == 3 and isinstance(m, GetChunk) and m.account and m.held
    }
    unchanged = {
        m.request
        for _, to, m in harness.sent
        if to == 3 and isinstance(m, Chunk) and m.content is Content.UNCHANGED
    }
    assert named
    assert named <= unchanged, "advance() leaves the contracts alone"


def test_the_contracts_of_this_test_are_as_large_as_it_says() -> None:
    assert LARGE_SLOTS > CHUNK_ACCOUNTS
