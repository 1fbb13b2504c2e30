"""eth_getProof: what it answers is proven by the state root of the block."""

from typing import Any

import pytest

from node.rpc.errors import RpcError
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import EMPTY_KECCAK
from sim.contracts import load_artifact, mapping_slot
from storage.account import Account
from storage.proof import AccountProof, InvalidProof, SlotProof, verify_account
from tests.unit.node.rpc.chain_rig import Rig, hexed
from tests.unit.node.rpc.tokens import HOLDERS, TOKEN, deploy, pay
from tests.unit.node.transfers import account, raw_transfer, stranger


def number(text: str) -> int:
    return int(text, 16)


def raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def proven(rig: Rig, shown: dict[str, Any], height: str) -> None:
    """Check an answer against the state root that the block's header names."""
    root = Hash32(raw(rig.ask("eth_getBlockByNumber", height)["stateRoot"]))
    code_hash = Hash32(raw(shown["codeHash"]))
    found = Account(number(shown["nonce"]), Wei(number(shown["balance"])), code_hash)
    is_absent = found == Account(0, Wei(0), Hash32(EMPTY_KECCAK))
    slots = tuple(
        SlotProof(number(each["key"]), number(each["value"]), tuple(map(raw, each["proof"])))
        for each in shown["storageProof"]
    )
    proof = AccountProof(
        Address(raw(shown["address"])),
        None if is_absent else found,
        Hash32(raw(shown["storageHash"])),
        tuple(map(raw, shown["accountProof"])),
        slots,
    )
    verify_account(root, proof)


def test_accounts_that_are_there_and_that_are_not(rig: Rig) -> None:
    for nonce in range(5):
        rig.mine(raw_transfer(0, nonce, stranger(nonce), 1_000))
    for who in (account(0), account(1), stranger(3), stranger(99)):
        for height in ("0x0", "0x1", "0x3", "latest"):
            proven(rig, rig.ask("eth_getProof", hexed(who), [], height), height)


def test_slots_that_are_set_and_that_are_not(rig: Rig) -> None:
    deploy(rig)
    pay(rig, 1, 1, 2, 3)
    artifact = load_artifact("Token")
    slots = [mapping_slot(artifact.slot("balanceOf"), each) for each in HOLDERS]
    keys = [hex(artifact.slot("totalSupply")), *[hex(slot) for slot in slots]]
    for height in ("0x1", "0x2"):
        proven(rig, rig.ask("eth_getProof", hexed(TOKEN), keys, height), height)
    shown = rig.ask("eth_getProof", hexed(TOKEN), keys, "latest")
    proven(rig, shown, "latest")
    assert [number(each["value"]) for each in shown["storageProof"]][1:] == [1, 2, 3, 0]
    assert [each["key"] for each in shown["storageProof"]] == keys


def test_many_slots_are_proven_in_the_order_in_which_they_were_named(rig: Rig) -> None:
    deploy(rig)
    pay(rig, 1, 1, 2, 3)
    first = load_artifact("Token").slot("balanceOf")
    keys = [hex(mapping_slot(first, HOLDERS[place % 4])) for place in range(50)]
    shown = rig.ask("eth_getProof", hexed(TOKEN), keys, "latest")
    proven(rig, shown, "latest")
    assert [number(each["value"]) for each in shown["storageProof"]] == ([1, 2, 3, 0] * 13)[:50]


def test_words_are_echoed_as_words(rig: Rig) -> None:
    deploy(rig)
    key = f"0x{2:064x}"
    shown = rig.ask("eth_getProof", hexed(TOKEN), [key, "0x02"], "latest")
    assert [each["key"] for each in shown["storageProof"]] == [key, "0x2"]


def test_a_lie_is_not_proven(rig: Rig) -> None:
    rig.mine(raw_transfer(0, 0, stranger(1), 1_000))
    shown = rig.ask("eth_getProof", hexed(stranger(1)), [], "latest")
    shown["balance"] = "0x3e9"
    with pytest.raises(InvalidProof):
        proven(rig, shown, "latest")


def test_too_many_slots_are_refused(rig: Rig) -> None:
    error = rig.refused("eth_getProof", hexed(account(0)), ["0x1"] * 1_025, "latest")
    assert isinstance(error, RpcError)
    assert error.code == -32602
