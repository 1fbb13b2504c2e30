"""Proofs that an account and its slots have, or have not, a value under a state root.

A proof is the list of encoded nodes on the way from the root to the key, as `eth_getProof` gives
them. Nodes shorter than a hash stand inside their parents and are not listed. A key is absent where
its way ends at an empty slot of a branch, or at a leaf or extension of other keys.

Reference: EIP-1186.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from primitives.errors import CryptoError, InvalidEncoding
from primitives.ids import Address, Hash32
from primitives.keccak import keccak256
from primitives.rlp import EMPTY_STRING, decode, encode_int
from primitives.trie import EMPTY_ROOT
from storage.account import ABSENT, Account, account_leaf
from storage.commitment import StateTrie, account_of, slot_hash, storage_of, storage_root
from storage.trie import Trie
from storage.trie_encoding import encoded
from storage.trie_nodes import HASHED, Branch, Extension, Node, Stub, child_at, loaded, nibbles_text
from storage.trie_reading import BRANCH_ITEMS, node_items, node_path


class InvalidProof(CryptoError):
    """Nodes that do not prove what they should."""


class SlotProof(msgspec.Struct, frozen=True, gc=False):
    """What a slot holds, and the proof under its account's storage root."""

    slot: int
    value: int
    """0 for a slot that is not set."""
    nodes: tuple[bytes, ...]


class AccountProof(msgspec.Struct, frozen=True, gc=False):
    """What an account holds, and the proof under a state root."""

    address: Address
    account: Account | None
    """None: there is none."""
    storage_root: Hash32
    nodes: tuple[bytes, ...]
    slots: tuple[SlotProof, ...]


def prove_account(trie: StateTrie, address: Address, slots: Sequence[int] = ()) -> AccountProof:
    """Return the proof of an account, there or not, and of some of its slots.

    Args:
        trie: the state (`StateLayer.trie`).
        address: whose.
        slots: below 2**256 each.
    """
    key = keccak256(address)
    leaf = trie.get(key)
    storage = storage_of(leaf)
    return AccountProof(
        address,
        None if leaf is None else account_of(leaf),
        storage_root(leaf),
        prove_key(trie, key),
        tuple([_prove_slot(storage, slot) for slot in slots]),
    )


def verify_account(root: Hash32, proof: AccountProof) -> None:
    """Check everything that a proof says against a state root that is trusted.

    Raises:
        InvalidProof: the account or a slot is another, or a node is not on the way.
    """
    name = proof.address.hex()
    found = verify_key(root, keccak256(proof.address), proof.nodes)
    told = None if proof.account is None else account_leaf(proof.account, proof.storage_root)
    if found != told or (told is None and proof.storage_root != EMPTY_ROOT):
        raise InvalidProof(f"proof.{name}", _shown(found), _shown(told))
    for each in proof.slots:
        value = verify_key(proof.storage_root, slot_hash(each.slot), each.nodes)
        said = encode_int(each.value) if each.value else None
        if value != said:
            raise InvalidProof(f"proof.{name}.{each.slot:#x}", _shown(value), _shown(said))


def proof_json(proof: AccountProof) -> dict[str, Any]:
    """Return a proof as `eth_getProof` answers. An absent account is one that has nothing."""
    account = proof.account or ABSENT
    return {
        "address": "0x" + proof.address.hex(),
        "accountProof": ["0x" + node.hex() for node in proof.nodes],
        "balance": hex(account.balance),
        "codeHash": "0x" + account.code_hash.hex(),
        "nonce": hex(account.nonce),
        "storageHash": "0x" + proof.storage_root.hex(),
        "storageProof": [
            {
                "key": hex(each.slot),
                "value": hex(each.value),
                "proof": ["0x" + node.hex() for node in each.nodes],
            }
            for each in proof.slots
        ],
    }


def prove_key(trie: Trie[Any], key: bytes) -> tuple[bytes, ...]:
    """Return the nodes that prove what stands at a 32-byte key, the root first."""
    path = key.hex()
    nodes: list[bytes] = []
    node: Node = trie.top
    depth = 0
    while node is not None:
        if isinstance(node, Stub):
            node = loaded(node)
        encoding = encoded(node, depth, trie.form.encode)
        if not depth or len(encoding) >= HASHED:
            nodes.append(encoding)
        if isinstance(node, Branch):
            node = child_at(node, int(path[depth], 16))[0]
            depth += 1
        elif isinstance(node, Extension) and path.startswith(nibbles_text(node.nibbles), depth):
            depth += len(node.nibbles)
            node = node.child
        else:
            break
    return tuple(nodes)


def verify_key(root: Hash32, key: bytes, nodes: Sequence[bytes]) -> bytes | None:
    """Return the value at a 32-byte key that the nodes prove; None if they prove its absence.

    Raises:
        InvalidProof: a node is missing, is another than its parent names, or is not needed.
    """
    path = key.hex()
    name = EMPTY_STRING if root == EMPTY_ROOT and not nodes else b"\xa0" + root
    left = list(reversed(nodes))
    while name != EMPTY_STRING:
        items = _open(name, left)
        if len(items) == BRANCH_ITEMS:
            if not path:
                raise InvalidProof("proof", "a leaf at the end of a key", "a branch")
            name, path = items[int(path[0], 16)], path[1:]
            continue
        nibbles, is_leaf = _path(items[0])
        if is_leaf:
            _require_all(left)
            return _value(items[1]) if nibbles == path else None
        if not nibbles:
            raise InvalidProof("proof", "a path in an extension", "none")
        if not path.startswith(nibbles):
            break
        name, path = items[1], path[len(nibbles) :]
    _require_all(left)
    return None


def _prove_slot(storage: Trie[int], slot: int) -> SlotProof:
    key = slot_hash(slot)
    return SlotProof(slot, storage.get(key) or 0, prove_key(storage, key))


def _open(name: bytes, left: list[bytes]) -> list[bytes]:
    """Return the items of the node that a parent names: the next one, or one that stands inside."""
    node = name
    if len(name) == HASHED + 1 and name[0] == 0xA0:
        if not left:
            raise InvalidProof("proof", f"the node {name[1:].hex()}", "the end")
        node = left.pop()
        if keccak256(node) != name[1:]:
            raise InvalidProof("proof", f"the node {name[1:].hex()}", keccak256(node).hex())
    try:
        return node_items(node)
    except InvalidEncoding as error:
        raise InvalidProof("proof", "nodes of a trie", error) from error


def _path(item: bytes) -> tuple[str, bool]:
    try:
        return node_path(item)
    except InvalidEncoding as error:
        raise InvalidProof("proof", "nodes of a trie", error) from error


def _value(item: bytes) -> bytes:
    try:
        value = decode(item)
    except InvalidEncoding as error:
        raise InvalidProof("proof", "a value in a leaf", error) from error
    if not isinstance(value, bytes) or not value:
        raise InvalidProof("proof", "a value in a leaf", item.hex())
    return value


def _require_all(left: list[bytes]) -> None:
    if left:
        raise InvalidProof("proof", "no node beyond the way", f"{len(left)} nodes")


def _shown(value: bytes | None) -> str:
    return "nothing" if value is None else value.hex()
