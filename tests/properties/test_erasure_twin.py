"""The erasure code beside a twin that knows polynomials and single elements, and nothing else."""

import numpy
import pytest
from hypothesis import given, settings, strategies as st

from network.dissemination import galois
from network.dissemination.merkle import MerkleTree, leaf_hash, proof_length, proves
from network.dissemination.reed_solomon import ReedSolomon, shred_bytes
from primitives.errors import InvalidInput

POLYNOMIAL = 0x11D


def naive_product(left: int, right: int) -> int:
    """Multiply two polynomials over GF(2) and reduce them, bit by bit."""
    product = 0
    for bit in range(8):
        if right >> bit & 1:
            product ^= left << bit
    for bit in range(15, 7, -1):
        if product >> bit & 1:
            product ^= POLYNOMIAL << (bit - 8)
    return product


def naive_inverse(element: int) -> int:
    return next(other for other in range(256) if naive_product(element, other) == 1)


def elements(row: bytes) -> list[int]:
    """Read a row's elements out of its eight bit planes."""
    width = len(row) // 8
    planes = [row[plane * width : (plane + 1) * width] for plane in range(8)]
    return [
        sum((planes[bit][at // 8] >> at % 8 & 1) << bit for bit in range(8))
        for at in range(8 * width)
    ]


def naive_parity(data: list[bytes], parity: int) -> list[list[int]]:
    """Return the elements of each parity row, by the definition of a Cauchy matrix."""
    columns = [elements(row) for row in data]
    rows = []
    for number in range(parity):
        factors = [naive_inverse((len(data) + number) ^ column) for column in range(len(data))]
        sums = [0] * len(columns[0])
        for factor, column in zip(factors, columns, strict=True):
            sums = [a ^ naive_product(factor, b) for a, b in zip(sums, column, strict=True)]
        rows.append(sums)
    return rows


@pytest.mark.parametrize("left", [0, 1, 2, 29, 142, 255])
def test_products_are_those_of_polynomials(left: int) -> None:
    every = numpy.arange(256).astype(numpy.uint8)
    products = galois.multiply(numpy.full(256, left, numpy.uint8), every)
    assert products.tolist() == [naive_product(left, right) for right in range(256)]


def test_an_element_times_its_inverse_is_one() -> None:
    every = numpy.arange(1, 256).astype(numpy.uint8)
    assert (galois.multiply(every, galois.inverse(every)) == 1).all()
    with pytest.raises(InvalidInput, match="not zero"):
        galois.inverse(numpy.array([1, 0], numpy.uint8))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 400), st.randoms(use_true_random=False))
def test_parity_is_what_the_twin_computes(data: int, parity: int, size: int, random) -> None:
    payload = random.randbytes(size)
    shreds = ReedSolomon(data, parity).encode(payload)
    assert b"".join(shreds[:data])[:size] == payload
    assert [elements(row) for row in shreds[data:]] == naive_parity(shreds[:data], parity)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_k_shreds_give_the_payload_back(data: st.DataObject) -> None:
    count, parity = data.draw(st.integers(1, 12)), data.draw(st.integers(0, 12))
    payload = data.draw(st.binary(max_size=300)) * data.draw(st.integers(1, 30))
    code = ReedSolomon(count, parity)
    shreds = code.encode(payload)
    order = data.draw(st.permutations(range(code.total)))
    held = {index: shreds[index] for index in order[:count]}
    assert code.decode(held, len(payload)) == payload
    more = {index: shreds[index] for index in order}
    assert code.decode(more, len(payload)) == payload


def test_planes_longer_than_a_chunk_are_worked_on_whole() -> None:
    payload = bytes(range(256)) * 400
    code = ReedSolomon(2, 2)
    shreds = code.encode(payload)
    assert len(shreds[0]) > 8 * 8 * 2 * 128
    assert code.decode({2: shreds[2], 3: shreds[3]}, len(payload)) == payload
    for at in (0, 5_000, 51_199):
        # Position by position the code of a long row is that of a short one.
        column = [elements(row)[at] for row in shreds]
        sums = [
            naive_product(naive_inverse((2 + p) ^ 0), column[0])
            ^ naive_product(naive_inverse((2 + p) ^ 1), column[1])
            for p in range(2)
        ]
        assert column[2:] == sums


@pytest.mark.parametrize(("data", "parity"), [(0, 4), (200, 57), (3, -1)])
def test_a_code_that_the_field_does_not_have_is_refused(data: int, parity: int) -> None:
    with pytest.raises(InvalidInput, match="at most 256 together"):
        ReedSolomon(data, parity)


def test_too_few_or_strange_shreds_are_refused() -> None:
    code = ReedSolomon(3, 2)
    shreds = dict(enumerate(code.encode(b"payload")))
    with pytest.raises(InvalidInput, match="3 indexes below 5"):
        code.decode({0: shreds[0], 4: shreds[4]}, 7)
    with pytest.raises(InvalidInput, match="3 indexes below 5"):
        code.decode({0: shreds[0], 4: shreds[4], 5: shreds[1]}, 7)
    with pytest.raises(InvalidInput, match="shreds of 64 bytes"):
        code.decode({0: shreds[0], 1: shreds[1], 2: b"short"}, 7)
    with pytest.raises(InvalidInput, match="full rank"):
        galois.invert(numpy.array([[1, 1], [1, 1]], numpy.uint8))
    with pytest.raises(InvalidInput, match="multiple of 64"):
        galois.multiply_rows(numpy.eye(1, dtype=numpy.uint8), numpy.zeros((1, 60), numpy.uint8))


def test_shreds_are_whole_planes_of_words() -> None:
    assert [shred_bytes(size, 4) for size in (0, 1, 256, 257, 1024)] == [64, 64, 64, 128, 256]


@settings(deadline=None)
@given(st.integers(1, 70), st.data())
def test_a_leaf_proves_itself_at_its_own_place_only(count: int, data: st.DataObject) -> None:
    leaves = [index.to_bytes(2, "big") * 3 for index in range(count)]
    tree = MerkleTree(leaves)
    index = data.draw(st.integers(0, count - 1))
    proof = tree.proof(index)
    assert len(proof) == proof_length(count)
    assert proves(tree.root, index, leaves[index], proof, count)
    other = data.draw(st.integers(0, count + 1))
    assert proves(tree.root, other, leaves[index], proof, count) == (other == index)
    assert not proves(tree.root, index, leaves[index] + b"x", proof, count)
    assert not proves(tree.root, index, leaves[index], (*proof, bytes(32)), count)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        broken = (*proof[:at], bytes(31) + b"\x01", *proof[at + 1 :])
        assert not proves(tree.root, index, leaves[index], broken, count)


def test_an_inner_node_is_no_leaf() -> None:
    """Neither what is hashed for it, nor that without the byte that leaves begin with."""
    leaf = next(raw for raw in map(str, range(10_000)) if leaf_hash(raw.encode())[0] == 0)
    tree = MerkleTree([leaf.encode(), b"b", b"c", b"d"])
    pair = tree.proof(1)[0] + tree.proof(0)[0]
    for data in (pair, pair[1:], b"\x01" + pair):
        assert not proves(tree.root, 0, data, tree.proof(0)[1:], 2)
