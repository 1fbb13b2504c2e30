"""Merkle proofs over ordered tries: forged ones are refused, each for its reason."""

import pytest

from primitives import rlp
from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.trie import EMPTY_ROOT, ordered_nodes, ordered_root
from primitives.trie_proof import InvalidProof, index_nodes, prove_ordered, proven_value

VALUES = [b"value %d of a receipt that is longer than a hash" % i for i in range(300)]
SHORT = [bytes([i + 1]) for i in range(20)]


def test_the_nodes_give_the_root() -> None:
    for values in ([], VALUES[:1], VALUES[:17], VALUES, SHORT):
        root, nodes = ordered_nodes(values)
        assert root == ordered_root(values)
        assert all(keccak256(node) == name for name, node in nodes.items())


@pytest.mark.parametrize("values", [VALUES, VALUES[:1], VALUES[:129], SHORT, SHORT[:1]])
def test_every_index_can_be_proven(values: list[bytes]) -> None:
    root = ordered_root(values)
    for index, value in enumerate(values):
        nodes = index_nodes(prove_ordered(values, [index]))
        assert proven_value(root, index, nodes) == value


def test_proofs_of_one_trie_share_their_nodes() -> None:
    apart = sum(len(prove_ordered(VALUES, [index])) for index in range(20, 40))
    together = prove_ordered(VALUES, range(20, 40))
    assert len(together) == len(set(together)) < apart
    nodes = index_nodes(together)
    root = ordered_root(VALUES)
    assert [proven_value(root, index, nodes) for index in range(20, 40)] == VALUES[20:40]


def test_a_value_that_is_not_there_cannot_be_asked_for() -> None:
    for index in (-1, len(VALUES)):
        with pytest.raises(IndexError):
            prove_ordered(VALUES, [index])


def test_a_proof_does_not_hold_for_another_index() -> None:
    nodes = index_nodes(prove_ordered(VALUES, [7]))
    with pytest.raises(InvalidProof, match="every node on the way"):
        proven_value(ordered_root(VALUES), 200, nodes)


def test_a_proof_does_not_hold_beyond_the_end() -> None:
    _, nodes = ordered_nodes(SHORT)
    with pytest.raises(InvalidProof):
        proven_value(ordered_root(SHORT), 20, nodes)


def test_a_proof_does_not_hold_under_another_root() -> None:
    nodes = index_nodes(prove_ordered(VALUES, [7]))
    with pytest.raises(InvalidProof, match="every node on the way"):
        proven_value(ordered_root(VALUES[:299]), 7, nodes)


@pytest.mark.parametrize("missing", [0, 1, -1])
def test_a_missing_node_breaks_the_proof(missing: int) -> None:
    proof = list(prove_ordered(VALUES, [7]))
    del proof[missing]
    with pytest.raises(InvalidProof, match="every node on the way"):
        proven_value(ordered_root(VALUES), 7, index_nodes(proof))


def test_a_changed_value_changes_its_hash() -> None:
    proof = prove_ordered(VALUES, [7])
    changed = proof[-1].replace(b"value 7", b"value 8")
    assert changed != proof[-1]
    with pytest.raises(InvalidProof, match="every node on the way"):
        proven_value(ordered_root(VALUES), 7, index_nodes([*proof[:-1], changed]))


def test_the_empty_trie_proves_nothing() -> None:
    with pytest.raises(InvalidProof):
        proven_value(EMPTY_ROOT, 0, {EMPTY_ROOT: rlp.EMPTY_STRING})
    with pytest.raises(InvalidProof):
        proven_value(EMPTY_ROOT, 0, {})


def test_an_extension_without_nibbles_does_not_go_round_for_ever() -> None:
    loop = rlp.encode([bytes.fromhex("00"), b"\x11" * 32])
    with pytest.raises(InvalidProof, match="leads elsewhere"):
        proven_value(Hash32(b"\x11" * 32), 0, {Hash32(b"\x11" * 32): loop})


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (rlp.encode([b"\x20\x80", b"a", b"b"]), "2 or 17 items"),
        (rlp.encode([b"\x40\x80", b"value"]), "hex-prefix"),
        (rlp.encode([b"", b"value"]), "hex-prefix"),
        (rlp.encode([[b"\x20"], b"value"]), "hex-prefix"),
        (rlp.encode([b"\x2f\x80", b"value"]), "hex-prefix"),
        (rlp.encode([b"\x20\x80", b""]), "a value at 0"),
        (rlp.encode([b"\x20\x80", [b"value"]]), "a value at 0"),
        (rlp.encode([b"\x20\x01", b"value"]), "another's leaf"),
        (rlp.encode(b"text"), "canonical RLP"),
        (b"\xc2\x81\x00", "canonical RLP"),
        (b"", "canonical RLP"),
        (rlp.encode([b""] * 17), "every node on the way"),
        (rlp.encode([b"\x00\x80", rlp.encode([b""] * 17)[:3]]), "every node on the way"),
    ],
)
def test_what_is_no_node_is_refused(node: bytes, reason: str) -> None:
    with pytest.raises(InvalidProof, match=reason):
        proven_value(keccak256(node), 0, {keccak256(node): node})


def test_a_value_at_a_branch_is_not_one_of_an_ordered_trie_of_fewer() -> None:
    """Index 0 has the key 80 and no key continues it: what stands there must be whole."""
    inner = rlp.encode([b""] * 16 + [b"value"])
    root = rlp.encode([b"\x00\x80", keccak256(inner)])
    nodes = index_nodes([inner, root])
    assert proven_value(keccak256(root), 0, nodes) == b"value"
    with pytest.raises(InvalidProof):
        proven_value(keccak256(root), 1, nodes)


def test_a_forged_leaf_stands_under_its_own_hash() -> None:
    """Nobody can say which hash a node has: it is computed."""
    proof = prove_ordered(VALUES, [7])
    lie = rlp.encode([b"\x20", b"another receipt"])
    with pytest.raises(InvalidProof, match="every node on the way"):
        proven_value(ordered_root(VALUES), 7, index_nodes([*proof[:-1], lie]))
