"""The precompiles of EIP-2537: encodings, lengths, and who must be in the subgroup."""

import pytest
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from contracts.precompiles.bls12_381.points import write_point
from tests.unit.contracts.precompiles.calls import run, word

FIELD = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf"
    "6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    16,
)
ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
G1_ADD, G1_MSM, G2_ADD, G2_MSM, PAIRING, MAP_FP, MAP_FP2 = range(0x0B, 0x12)
ONE1, ONE2 = write_point(G1Point()), write_point(G2Point())
INFINITY1, INFINITY2 = bytes(128), bytes(256)
TRUE, FALSE = word(1), word(0)


def element(number: int) -> bytes:
    return number.to_bytes(64, "big")


def times1(scalar: int) -> bytes:
    return write_point(G1Point() * Scalar(scalar))


def times2(scalar: int) -> bytes:
    return write_point(G2Point() * Scalar(scalar))


def outside1() -> bytes:
    """Return a point of the curve that is not in the subgroup."""
    for x in range(1, 100):
        y = pow(x**3 + 4, (FIELD + 1) // 4, FIELD)
        if (y * y - x**3 - 4) % FIELD == 0:
            point = element(x) + element(y)
            if not G1Point.from_xy_bytes_unchecked_be(point[16:64] + point[80:]).is_in_subgroup():
                return point
    raise AssertionError("most points of the curve are outside")


def outside2() -> bytes:
    """Return a point of the twist that is not in the subgroup."""
    for x in range(1, 100):
        compressed = bytearray(x.to_bytes(96, "big"))
        compressed[0] |= 0x80
        try:
            point = G2Point.from_compressed_bytes_unchecked(bytes(compressed))
        except ValueError:
            continue
        if not point.is_in_subgroup():
            return write_point(point)
    raise AssertionError("most points of the twist are outside")


OUTSIDE1, OUTSIDE2 = outside1(), outside2()
VALID = {
    G1_ADD: ONE1 + ONE1,
    G1_MSM: ONE1 + word(3) + times1(2) + word(5),
    G2_ADD: ONE2 + ONE2,
    G2_MSM: ONE2 + word(3) + times2(2) + word(5),
    PAIRING: ONE1 + times2(6) + times1(ORDER - 2) + times2(3),
    MAP_FP: element(1),
    MAP_FP2: element(1) + element(2),
}


def test_sums() -> None:
    assert run(G1_ADD, times1(2) + times1(3)) == times1(5)
    assert run(G1_ADD, ONE1 + INFINITY1) == ONE1
    assert run(G1_ADD, ONE1 + times1(ORDER - 1)) == INFINITY1
    assert run(G2_ADD, times2(2) + times2(3)) == times2(5)
    assert run(G2_ADD, INFINITY2 + INFINITY2) == INFINITY2


def test_sums_of_multiples() -> None:
    assert run(G1_MSM, VALID[G1_MSM]) == times1(13)
    assert run(G2_MSM, VALID[G2_MSM]) == times2(13)
    assert run(G1_MSM, ONE1 + word(ORDER)) == INFINITY1
    assert run(G2_MSM, ONE2 + word(ORDER + 1)) == ONE2
    assert run(G1_MSM, ONE1 + word(2**256 - 1)) == times1((2**256 - 1) % ORDER)
    assert run(G1_MSM, INFINITY1 + word(7)) == INFINITY1
    terms = b"".join(times1(at + 1) + word(at) for at in range(40))
    assert run(G1_MSM, terms) == times1(sum(at * (at + 1) for at in range(40)))


def test_pairings() -> None:
    assert run(PAIRING, VALID[PAIRING]) == TRUE
    assert run(PAIRING, ONE1 + ONE2) == FALSE
    assert run(PAIRING, ONE1 + INFINITY2) == TRUE
    assert run(PAIRING, INFINITY1 + ONE2) == TRUE


@pytest.mark.parametrize("number", VALID)
def test_lengths_are_exact(number: int) -> None:
    data = VALID[number]
    assert run(number, data) is not None
    assert run(number, b"") is None
    assert run(number, data[:-1]) is None
    assert run(number, data + b"\0") is None


@pytest.mark.parametrize("number", VALID)
def test_the_first_16_bytes_of_an_element_are_zeros(number: int) -> None:
    data = VALID[number]
    scalars = {G1_MSM: 160, G2_MSM: 288}.get(number, len(data) + 1)
    for at in range(0, min(len(data), scalars - 32), 64):
        for byte in (at, at + 15):
            assert run(number, data[:byte] + b"\1" + data[byte + 1 :]) is None


@pytest.mark.parametrize("number", VALID)
def test_elements_are_below_the_modulus(number: int) -> None:
    data = VALID[number]
    for excess in (FIELD, FIELD + 1, 2**384 - 1):
        assert run(number, element(excess) + data[64:]) is None
    same = element(int.from_bytes(data[:64], "big") + FIELD)
    assert run(number, same + data[64:]) is None


@pytest.mark.parametrize("number", [G1_ADD, G1_MSM, G2_ADD, G2_MSM, PAIRING])
def test_points_are_on_the_curve(number: int) -> None:
    data = VALID[number]
    assert run(number, data[:63] + bytes([data[63] ^ 1]) + data[64:]) is None


def test_additions_take_points_outside_of_the_subgroup() -> None:
    assert run(G1_ADD, OUTSIDE1 + INFINITY1) == OUTSIDE1
    assert run(G2_ADD, OUTSIDE2 + INFINITY2) == OUTSIDE2


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (G1_MSM, OUTSIDE1 + word(1)),
        (G1_MSM, OUTSIDE1 + word(0)),
        (G1_MSM, ONE1 + word(1) + OUTSIDE1 + word(1)),
        (G2_MSM, OUTSIDE2 + word(1)),
        (G2_MSM, OUTSIDE2 + word(0)),
        (PAIRING, OUTSIDE1 + ONE2),
        (PAIRING, OUTSIDE1 + INFINITY2),
        (PAIRING, ONE1 + OUTSIDE2),
        (PAIRING, INFINITY1 + OUTSIDE2),
    ],
)
def test_all_others_do_not(number: int, data: bytes) -> None:
    assert run(number, data) is None


def test_maps_lead_into_the_subgroup() -> None:
    for number in (0, 1, FIELD - 1):
        point = run(MAP_FP, element(number))
        assert point is not None
        assert run(G1_MSM, point + word(ORDER)) == INFINITY1
        twisted = run(MAP_FP2, element(number) + element(1))
        assert twisted is not None
        assert run(G2_MSM, twisted + word(ORDER)) == INFINITY2


def test_the_two_parts_of_an_element_have_their_order() -> None:
    assert run(MAP_FP2, element(1) + element(2)) != run(MAP_FP2, element(2) + element(1))
