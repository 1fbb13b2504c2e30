"""Proofs are those of the textbook's trie, show what is there, and nothing else."""

import pytest
from hypothesis import given, strategies as st

from primitives.ids import Address, Wei
from primitives.keccak import EMPTY_KECCAK, keccak256
from storage.account import Account
from storage.changes import StateChanges
from storage.proof import (
    InvalidProof,
    prove_account,
    prove_key,
    verify_account,
    verify_key,
)
from storage.state import StateLayer
from storage.trie import bytes_trie
from tests.properties.naive_trie import naive_proof

# Hashed keys spread; keys with long common beginnings make extensions, and leaves at odd depths.
NEAR = st.tuples(st.sampled_from([b"\x00", b"\x01", b"\x10", b"\xab"]), st.binary(max_size=2)).map(
    lambda parts: (parts[0] * 3 + parts[1]).ljust(32, b"\x07")
)
ENDS = st.integers(0, 40).map(lambda number: bytes(31) + bytes([number]))
"""Keys that part at their ends: their leaves are short and stand inside their parents."""
KEYS = st.one_of(st.binary(max_size=3).map(keccak256), NEAR, ENDS)
VALUES = st.one_of(st.binary(min_size=1, max_size=4), st.binary(min_size=30, max_size=70))
LEAVES = st.dictionaries(KEYS, VALUES, max_size=40)


@given(LEAVES, KEYS, st.data())
def test_a_proof_is_that_of_the_textbook_and_shows_what_is_there(
    leaves: dict[bytes, bytes], key: bytes, data: st.DataObject
) -> None:
    if data.draw(st.booleans()) and leaves:
        key = data.draw(st.sampled_from(sorted(leaves)))
    trie = bytes_trie().updated(dict(leaves))
    proof = prove_key(trie, key)
    assert list(proof) == naive_proof(leaves, key)
    assert verify_key(trie.root, key, proof) == leaves.get(key) == trie.get(key)


@given(LEAVES.filter(bool), KEYS, st.data())
def test_a_proof_with_any_other_node_is_refused(
    leaves: dict[bytes, bytes], key: bytes, data: st.DataObject
) -> None:
    if data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(leaves)))
    trie = bytes_trie().updated(dict(leaves))
    proof = prove_key(trie, key)
    place = data.draw(st.integers(0, len(proof) - 1))
    bent = bytearray(proof[place])
    bent[data.draw(st.integers(0, len(bent) - 1))] ^= data.draw(st.integers(1, 255))
    for other in (
        (*proof[:place], bytes(bent), *proof[place + 1 :]),
        (*proof[:place], *proof[place + 1 :]),
        (*proof, proof[-1]),
        proof[::-1] if len(proof) > 1 else (),
    ):
        with pytest.raises(InvalidProof):
            verify_key(trie.root, key, other)


@given(LEAVES, LEAVES, KEYS)
def test_a_proof_of_another_state_is_refused_or_shows_the_truth(
    leaves: dict[bytes, bytes], others: dict[bytes, bytes], key: bytes
) -> None:
    trie, other = bytes_trie().updated(dict(leaves)), bytes_trie().updated(dict(others))
    if trie.root == other.root:
        return
    with pytest.raises(InvalidProof):
        verify_key(trie.root, key, prove_key(other, key))


ADDRESSES = st.integers(1, 6).map(lambda number: Address(bytes(19) + bytes([number])))
SLOTS = st.integers(0, 5)
ACCOUNTS = st.dictionaries(
    ADDRESSES,
    st.tuples(
        st.builds(
            Account,
            st.integers(1, 2),
            st.integers(0, 2).map(Wei),
            st.sampled_from([EMPTY_KECCAK, keccak256(b"code")]),
        ),
        st.dictionaries(SLOTS, st.sampled_from([1, 2, 2**255])),
    ),
)


def state(accounts: dict[Address, tuple[Account, dict[int, int]]]) -> StateLayer:
    return StateLayer(
        None,
        StateChanges(
            {key: account for key, (account, _) in accounts.items()},
            {key: slots for key, (_, slots) in accounts.items() if slots},
        ),
    )


@given(ACCOUNTS, ADDRESSES, st.lists(SLOTS, max_size=4))
def test_accounts_and_slots_prove_themselves(
    accounts: dict[Address, tuple[Account, dict[int, int]]], address: Address, slots: list[int]
) -> None:
    layer = state(accounts)
    proof = prove_account(layer.trie(), address, slots)
    verify_account(layer.root(), proof)
    account, values = accounts.get(address, (None, {}))
    assert proof.account == account
    assert [(each.slot, each.value) for each in proof.slots] == [
        (slot, values.get(slot, 0)) for slot in slots
    ]


@given(ACCOUNTS, ACCOUNTS, ADDRESSES, st.lists(SLOTS, min_size=1, max_size=4))
def test_a_proof_that_says_what_is_not_so_is_refused(
    accounts: dict[Address, tuple[Account, dict[int, int]]],
    others: dict[Address, tuple[Account, dict[int, int]]],
    address: Address,
    slots: list[int],
) -> None:
    layer, other = state(accounts), state(others)
    true, false = (prove_account(each.trie(), address, slots) for each in (layer, other))
    mixed = type(true)(address, false.account, false.storage_root, true.nodes, false.slots)
    if (false.account, false.storage_root) == (true.account, true.storage_root):
        verify_account(layer.root(), mixed)
        return
    with pytest.raises(InvalidProof):
        verify_account(layer.root(), mixed)
