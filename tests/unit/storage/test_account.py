import pytest
from hypothesis import given, strategies as st

from primitives import rlp
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32, Wei
from primitives.keccak import EMPTY_KECCAK
from primitives.trie import EMPTY_ROOT
from storage.account import SLIM_BYTES_MAX, Account, decode_slim, encode_slim

HASHES = st.binary(min_size=32, max_size=32).map(Hash32)
ACCOUNTS = st.builds(
    Account,
    st.integers(1, 2**64 - 1),
    st.integers(0, 2**256 - 1).map(Wei),
    st.just(EMPTY_KECCAK) | HASHES,
)


@given(ACCOUNTS, st.just(EMPTY_ROOT) | HASHES)
def test_a_slim_account_comes_back_whole(account: Account, root: Hash32) -> None:
    encoded = encode_slim(account, root)
    assert decode_slim(encoded) == (account, root)
    assert len(encoded) <= SLIM_BYTES_MAX


def test_what_an_ordinary_account_has_not_takes_one_byte_each() -> None:
    assert encode_slim(Account(1, Wei(2))) == bytes.fromhex("c401028080")


def test_the_widest_account_fits_the_limit() -> None:
    widest = Account(2**64 - 1, Wei(2**256 - 1), Hash32(b"\x01" * 32))
    assert len(encode_slim(widest, Hash32(b"\x02" * 32))) <= SLIM_BYTES_MAX


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x80",
        rlp.encode([b"\x01", b"\x02", b""]),
        rlp.encode([b"\x00\x01", b"\x02", b"", b""]),
        rlp.encode([b"", b"", b"", b""]),
        rlp.encode([b"\x01", b"\x02", EMPTY_ROOT, b""]),
        rlp.encode([b"\x01", b"\x02", b"", EMPTY_KECCAK]),
        rlp.encode([b"\x01", b"\x02", b"\x03" * 31, b""]),
        rlp.encode([b"\x01", b"\x02", [], b""]),
        rlp.encode([b"\x01", b"\x02", b"", b""]) + b"\x00",
        bytes([0xF8, SLIM_BYTES_MAX]) + bytes(SLIM_BYTES_MAX),
    ],
)
def test_no_other_form_is_an_account(encoded: bytes) -> None:
    with pytest.raises(InvalidEncoding):
        decode_slim(encoded)
