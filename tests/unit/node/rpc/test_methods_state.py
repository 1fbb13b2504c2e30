"""Accounts, code and storage: now, at earlier blocks, and where they are not kept any more."""

from collections.abc import Callable

import pytest

from node.ledger import CHAIN_CORE
from primitives.machine import Effect, Persist, Record
from sim.contracts import load_artifact, mapping_slot
from storage.flat import HISTORY
from tests.unit.node.harness import MILLISECOND, SECOND, Harness
from tests.unit.node.rpc.chain_rig import Rig, hexed
from tests.unit.node.rpc.tokens import HOLDERS, SUPPLY, TOKEN, deploy, pay, view
from tests.unit.node.transfers import ETHER, GWEI, account, raw_transfer, stranger

ME, OTHER = hexed(account(0)), hexed(stranger(1))


@pytest.mark.parametrize("reads_store", [False, True])
def test_earlier_states_are_read_from_the_store(
    make_rig: Callable[..., Rig], reads_store: bool
) -> None:
    rig = make_rig(reads_store=reads_store)
    for nonce in range(6):
        rig.mine(raw_transfer(0, nonce, stranger(1), 1_000))
    for height in range(1, 7):
        assert rig.ask("eth_getBalance", OTHER, hex(height)) == hex(1_000 * height)
        assert rig.ask("eth_getTransactionCount", ME, hex(height)) == hex(height)
    assert rig.ask("eth_getBalance", OTHER, "0x0") == "0x0"
    assert rig.ask("eth_getBalance", ME, "earliest") == hex(10 * ETHER)
    block = rig.ask("eth_getBlockByNumber", "0x3")
    for named in (block["hash"], {"blockHash": block["hash"]}, {"blockNumber": "0x3"}):
        assert rig.ask("eth_getBalance", OTHER, named) == hex(3_000)


def test_states_of_a_store_that_was_exchanged_are_not_asked(rig: Rig) -> None:
    for nonce in range(4):
        rig.mine(raw_transfer(0, nonce, stranger(1), 1_000))
    assert rig.ask("eth_getBalance", OTHER, "0x2") == hex(2_000)
    place = rig.harness.places[0]
    place.store = place.store.copy()
    key = (2).to_bytes(8, "big")
    place.store.write([Record(HISTORY, key, None), Record(HISTORY, key[:-1] + b"\x03", None)])
    assert "missing trie node" in rig.refused("eth_getBalance", OTHER, "0x2").message


def test_states_that_are_not_kept_are_refused_as_wallets_know_it(rig: Rig) -> None:
    for nonce in range(20):
        rig.mine(raw_transfer(0, nonce, stranger(1), 1_000))
    header = rig.ask("eth_getBlockByNumber", "0x2")
    error = rig.refused("eth_getBalance", OTHER, "0x2")
    root = header["stateRoot"]
    assert error.code == -32000
    assert error.message == (
        f"missing trie node {root[2:]} (path ) state {root} is not available, not found"
    )
    assert rig.ask("eth_getBalance", OTHER, hex(rig.height - 8)) == hex(1_000 * (rig.height - 8))


@pytest.mark.parametrize("method", ["eth_getBalance", "eth_getTransactionCount", "eth_getCode"])
def test_unknown_blocks_have_no_state(rig: Rig, method: str) -> None:
    for named in ("0x9", {"blockHash": hexed(b"\x22" * 32)}, hexed(b"\x22" * 32)):
        error = rig.refused(method, ME, named)
        words = "header not found" if named == "0x9" else "header for hash not found"
        assert (error.code, error.message) == (-32000, words)


def test_nonces_count_what_waits_without_a_gap(rig: Rig) -> None:
    rig.mine(raw_transfer(0, 0, stranger(1), 1))
    for nonce in (1, 2, 4):
        rig.send(raw_transfer(0, nonce, stranger(1), 1))
    assert rig.ask("eth_getTransactionCount", ME, "pending") == "0x3"
    assert rig.ask("eth_getTransactionCount", ME, "latest") == "0x1"
    assert rig.ask("eth_getTransactionCount", ME) == "0x1"
    assert rig.ask("eth_getTransactionCount", OTHER, "pending") == "0x0"


def test_a_state_between_store_and_head_is_in_memory(rig: Rig) -> None:
    """Blocks whose batches are not durable yet have states, too."""
    rig.harness.submit(0, raw_transfer(0, 0, stranger(1), 1_000))
    while rig.height == 0:
        rig.harness.run(MILLISECOND // 100)
    assert rig.backend.node.ledger.unsettled
    assert rig.ask("eth_getBalance", OTHER, "0x1") == hex(1_000)
    assert rig.ask("eth_getBalance", OTHER, "latest") == hex(1_000)


def test_states_of_several_blocks_that_are_not_durable(rig: Rig) -> None:
    """The disk is slow with the chain's batches, and quick with what consensus waits for."""
    hold_back(rig.harness)
    for nonce in range(3):
        rig.mine(raw_transfer(0, nonce, stranger(1), 1_000))
    assert list(rig.backend.node.ledger.unsettled) == [1, 2, 3]
    for height in range(4):
        assert rig.ask("eth_getBalance", OTHER, hex(height)) == hex(1_000 * height)
        block = rig.ask("eth_getBlockByNumber", hex(height))
        assert rig.ask("eth_getBlockByHash", block["hash"]) == block


def hold_back(harness: Harness) -> None:
    perform = harness._perform

    def slowly(index: int, effect: Effect) -> None:
        place = harness.places[index]
        if not isinstance(effect, Persist) or effect.origin != CHAIN_CORE:
            perform(index, effect)
            return
        life = place.life
        place.gate.begin(effect.origin, effect.token)
        harness._at(harness.now + 60 * SECOND, lambda: harness._durable(index, life, effect))

    harness._perform = slowly  # type: ignore[method-assign]


def test_code_and_slots_of_a_contract(rig: Rig) -> None:
    deploy(rig)
    pay(rig, 1, 7)
    token, artifact = hexed(TOKEN), load_artifact("Token")
    assert rig.ask("eth_getCode", token) == hexed(artifact.runtime_code)
    assert rig.ask("eth_getCode", token, "0x0") == "0x"
    assert rig.ask("eth_getCode", OTHER) == "0x"
    supply = artifact.slot("totalSupply")
    shown = f"0x{SUPPLY:064x}"
    for key in (hex(supply), f"0x{supply:064x}", f"0x0{supply:x}"):
        assert rig.ask("eth_getStorageAt", token, key, "latest") == shown
    slot = mapping_slot(artifact.slot("balanceOf"), HOLDERS[0])
    assert rig.ask("eth_getStorageAt", token, hex(slot)) == f"0x{7:064x}"
    assert rig.ask("eth_getStorageAt", token, hex(slot), "0x1") == f"0x{0:064x}"
    call = view("balanceOf(address)", HOLDERS[0])
    assert int(rig.ask("eth_call", call), 16) == 7
    assert int(rig.ask("eth_call", call, "0x1"), 16) == 0


@pytest.mark.parametrize(("key", "code"), [("x", -32000), ("0x" + "1" * 65, -32000), (5, -32602)])
def test_slots_that_are_none_are_refused(rig: Rig, key: object, code: int) -> None:
    assert rig.refused("eth_getStorageAt", ME, key, "latest").code == code


def test_fees_are_paid_from_balances(rig: Rig) -> None:
    digest = rig.send(raw_transfer(0, 0, stranger(1), 5))
    rig.mine()
    receipt = rig.ask("eth_getTransactionReceipt", digest)
    paid = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    assert int(rig.ask("eth_getBalance", ME), 16) == 10 * ETHER - 5 - paid
    miner = rig.ask("eth_getBlockByNumber", "0x1")["miner"]
    assert int(rig.ask("eth_getBalance", miner), 16) == 21_000 * GWEI
