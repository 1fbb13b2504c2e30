"""Proofs in the form of `eth_getProof`."""

import msgspec
import pytest

from primitives.ids import Address, Wei
from primitives.keccak import keccak256
from primitives.trie import EMPTY_ROOT
from storage.account import Account
from storage.changes import StateChanges
from storage.proof import InvalidProof, SlotProof, proof_json, prove_account, verify_account
from storage.state import StateLayer, genesis_state

CONTRACT, NOBODY = Address(b"\x01" * 20), Address(b"\x02" * 20)
LAYER = StateLayer(
    None,
    StateChanges(
        {
            CONTRACT: Account(1, Wei(5), keccak256(b"code")),
            **{Address(bytes([n]) * 20): Account(0, Wei(n)) for n in range(3, 60)},
        },
        {CONTRACT: {slot: slot + 1 for slot in range(30)}},
    ),
)


def test_the_form_is_that_of_eth_get_proof() -> None:
    """EIP-1186: names of fields, hexadecimal numbers, nodes in order from the root."""
    proof = prove_account(LAYER.trie(), CONTRACT, [3, 99])
    found = proof_json(proof)
    assert list(found) == [
        "address",
        "accountProof",
        "balance",
        "codeHash",
        "nonce",
        "storageHash",
        "storageProof",
    ]
    assert (found["balance"], found["nonce"]) == ("0x5", "0x1")
    assert keccak256(bytes.fromhex(found["accountProof"][0][2:])) == LAYER.root()
    assert keccak256(bytes.fromhex(found["storageProof"][0]["proof"][0][2:])) == proof.storage_root
    assert [(each["key"], each["value"]) for each in found["storageProof"]] == [
        ("0x3", "0x4"),
        ("0x63", "0x0"),
    ]


def test_nobody_has_an_account_that_has_nothing() -> None:
    proof = prove_account(LAYER.trie(), NOBODY, [1])
    verify_account(LAYER.root(), proof)
    assert proof.slots == (SlotProof(1, 0, ()),)
    assert proof_json(proof)["storageHash"] == "0x" + EMPTY_ROOT.hex()


def test_an_empty_state_proves_absence_with_no_node_at_all() -> None:
    empty = genesis_state({})
    proof = prove_account(empty.trie(), NOBODY)
    assert proof.nodes == ()
    verify_account(empty.root(), proof)
    with pytest.raises(InvalidProof):
        verify_account(LAYER.root(), proof)


def test_slots_of_another_account_are_no_proof() -> None:
    proof = prove_account(LAYER.trie(), CONTRACT, [3])
    for false in (
        msgspec.structs.replace(proof, slots=(SlotProof(3, 0, ()),)),
        msgspec.structs.replace(proof, slots=(msgspec.structs.replace(proof.slots[0], slot=4),)),
        msgspec.structs.replace(proof, slots=(msgspec.structs.replace(proof.slots[0], value=5),)),
        msgspec.structs.replace(proof, storage_root=EMPTY_ROOT),
        msgspec.structs.replace(proof, account=None),
        msgspec.structs.replace(proof, address=NOBODY),
    ):
        with pytest.raises(InvalidProof):
            verify_account(LAYER.root(), false)
