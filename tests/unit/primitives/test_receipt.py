import pytest

from primitives import rlp
from primitives.bloom import EMPTY_BLOOM, bloom_may_contain, logs_bloom, merge_blooms
from primitives.ids import Address, Gas, Hash32
from primitives.keccak import keccak256
from primitives.receipt import Log, Receipt, encode_receipt
from primitives.trie import ordered_root

TOPICS = (Hash32(bytes(31) + b"\x01"), Hash32(b"\xab" * 32))
LOG = Log(Address(b"\x0f" * 20), TOPICS, b"data")
OTHER = Log(Address(b"\x0e" * 20), (), b"")


def receipt(tx_type: int) -> Receipt:
    return Receipt(tx_type, 1, Gas(21_000), logs_bloom((LOG, OTHER)), (LOG, OTHER))


def test_a_receipt_is_a_list_of_four() -> None:
    expected = [b"\x01", b"\x52\x08", logs_bloom((LOG, OTHER))]
    logs = [[LOG.address, list(TOPICS), b"data"], [OTHER.address, [], b""]]
    assert rlp.decode(encode_receipt(receipt(0))) == [*expected, logs]


@pytest.mark.parametrize("tx_type", [1, 2, 3, 4])
def test_typed_receipts_start_with_their_type(tx_type: int) -> None:
    assert encode_receipt(receipt(tx_type)) == bytes([tx_type]) + encode_receipt(receipt(0))


def test_failure_is_an_empty_string() -> None:
    failed = Receipt(2, 0, Gas(1), EMPTY_BLOOM, ())
    assert rlp.decode(encode_receipt(failed)[1:]) == [b"", b"\x01", EMPTY_BLOOM, []]


def test_the_root_of_one_transfer_is_that_of_a_known_block() -> None:
    """All blocks with one plain legacy transfer and no log share this receipts root."""
    root = ordered_root([encode_receipt(Receipt(0, 1, Gas(21_000), EMPTY_BLOOM, ()))])
    assert root.hex() == "056b23fbba480696b65fe5a59b8f2148a1299103c4f57df839233af2cf4ca2d2"


def test_bits_are_those_that_the_yellow_paper_names() -> None:
    """Three pairs of bytes of the hash, modulo 2048, counted from the last bit of the filter."""
    for byte in range(64):
        log = Log(Address(bytes([byte]) * 20), (), b"")
        digest = keccak256(log.address)
        expected = bytearray(256)
        for first in (0, 2, 4):
            bit = (digest[first] << 8 | digest[first + 1]) % 2048
            expected[255 - bit // 8] |= 1 << bit % 8
        assert logs_bloom((log,)) == expected


def test_blooms_are_the_union_over_addresses_and_topics() -> None:
    together = logs_bloom((LOG, OTHER))
    assert together == merge_blooms((logs_bloom((LOG,)), logs_bloom((OTHER,))))
    for entry in (LOG.address, OTHER.address, *TOPICS):
        assert bloom_may_contain(together, entry)
    assert not bloom_may_contain(together, LOG.data)


def test_without_logs_the_bloom_is_empty() -> None:
    assert logs_bloom(()) == merge_blooms(()) == merge_blooms((EMPTY_BLOOM,)) == EMPTY_BLOOM
    assert not bloom_may_contain(EMPTY_BLOOM, b"")
