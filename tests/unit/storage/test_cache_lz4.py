"""Values that LZ4 has packed: the same again, never much longer, and refused when they rotted."""

import pytest
from hypothesis import given, strategies as st

from primitives.errors import InvalidEncoding, InvalidInput
from storage.cache import CachedTable, CacheOptions, Kind, Limits, Lz4
from storage.memory import MemoryStore

CODE = bytes.fromhex("6080604052") * 400


@given(st.binary(max_size=64), st.integers(0, 40), st.integers(0, 600))
def test_what_was_packed_comes_back(data: bytes, times: int, least: int) -> None:
    value, packer = data * times, Lz4(least)
    packed = packer.compress(value)
    assert packer.decompress(packed) == value
    assert len(packed) <= len(value) + 1


def test_code_gets_shorter_and_a_hash_is_not_tried() -> None:
    assert len(Lz4().compress(CODE)) < len(CODE) // 10
    assert Lz4().compress(bytes(32)) == bytes(33)


@pytest.mark.parametrize(
    "data", [b"", b"\x02abc", b"\x01", b"\x01\xff\xff\xff\xff", Lz4().compress(CODE)[:-3]]
)
def test_what_did_not_come_from_there_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidEncoding, match=r"cache\.lz4"):
        Lz4().decompress(data)


def test_a_negative_length_is_refused() -> None:
    with pytest.raises(InvalidInput, match="try_bytes_min"):
        Lz4(-1)


def test_a_table_of_code_keeps_packed_what_its_first_level_lets_go() -> None:
    store = MemoryStore()
    kind = Kind[bytes]("state.code", bytes, bytes, len)
    limits = Limits(1, 1 << 20)
    table = CachedTable(kind, store, CacheOptions(limits, Limits(10, 1 << 20), compressor=Lz4()))
    table.write(b"a", CODE)
    table.write(b"b", CODE + b"b")
    counters = table.counters()
    assert (counters.encoded.entries, counters.decoded.entries) == (1, 1)
    assert counters.encoded.bytes < len(CODE)
    assert table.read(b"a") == CODE
    assert table.counters().promotions == 1
