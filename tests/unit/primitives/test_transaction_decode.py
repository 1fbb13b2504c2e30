"""Decoding: canonical forms only, each refusal with its reason and its words."""

import re

import pytest

from primitives import rlp
from primitives.errors import InvalidEncoding, OrreryError
from primitives.fork import Fork
from primitives.rlp import Decoded
from primitives.transaction import (
    Transaction,
    decode_transaction,
    encode_transaction,
    errors,
    transaction_hash,
)
from primitives.transaction.errors import InvalidTransaction
from tests.unit.primitives.samples import NAMES, SIGNED

RAW = dict(zip(NAMES, map(encode_transaction, SIGNED), strict=True))


@pytest.mark.parametrize("tx", SIGNED, ids=NAMES)
def test_what_is_encoded_decodes_to_the_same(tx: Transaction) -> None:
    raw = encode_transaction(tx)
    assert decode_transaction(raw) == tx
    assert type(decode_transaction(raw)) is type(tx)
    assert raw[0] == tx.tx_type or (tx.tx_type == 0 and raw[0] >= 0xC0)


def fields(name: str) -> list[Decoded]:
    """Return the fields of a sample, to be spoiled."""
    return rlp.decode_list(RAW[name].lstrip(b"\x01\x02\x03\x04"))


def spoiled(name: str, index: int, value: Decoded) -> bytes:
    """Return the sample with one field replaced."""
    items = fields(name)
    items[index] = value
    prefix = b"" if RAW[name][0] >= 0xC0 else RAW[name][:1]
    return prefix + rlp.encode(items)


def refusal(raw: bytes) -> InvalidTransaction:
    with pytest.raises(InvalidTransaction) as caught:
        decode_transaction(raw)
    return caught.value


WIDE = b"\x01" + bytes(32)
"""2**256."""
LIST: Decoded = []

CASES: list[tuple[str, int, Decoded, type[InvalidTransaction], str]] = [
    (
        "plain",
        0,
        b"\x00",
        errors.MalformedTransaction,
        "nonce: expected no leading zeros, got 0x00",
    ),
    ("plain", 0, LIST, errors.MalformedTransaction, "nonce: expected an integer, got a list"),
    ("plain", 0, b"\x01" * 9, errors.NonceOverflow, "nonce: expected at most 64 bits, got 9 bytes"),
    ("plain", 1, WIDE, errors.FeeOverflow, "gas_price: expected at most 256 bits, got 33 bytes"),
    ("plain", 2, b"\x01" * 9, errors.GasLimitOverflow, "gas_limit: expected at most 64 bits"),
    (
        "plain",
        3,
        b"\x01" * 19,
        errors.InvalidRecipient,
        "to: expected 20 bytes or none, got 19 bytes",
    ),
    (
        "plain",
        3,
        b"\x00" * 21,
        errors.InvalidRecipient,
        "to: expected 20 bytes or none, got 21 bytes",
    ),
    (
        "plain",
        3,
        LIST,
        errors.MalformedTransaction,
        "to: expected an address or nothing, got a list",
    ),
    ("plain", 4, WIDE, errors.ValueOverflow, "value: expected at most 256 bits, got 33 bytes"),
    ("plain", 5, LIST, errors.MalformedTransaction, "data: expected a byte string, got a list"),
    ("plain", 6, b"", errors.InvalidSignature, "v: expected 27, 28, or 35 and above, got 0"),
    ("plain", 6, b"\x1d", errors.InvalidSignature, "v: expected 27, 28, or 35 and above, got 29"),
    ("plain", 6, b"\x22", errors.InvalidSignature, "v: expected 27, 28, or 35 and above, got 34"),
    ("plain", 6, WIDE, errors.InvalidSignature, "v: expected at most 256 bits, got 33 bytes"),
    ("plain", 7, WIDE, errors.InvalidSignature, "r: expected at most 256 bits, got 33 bytes"),
    ("plain", 8, b"\x00\x01", errors.MalformedTransaction, "s: expected no leading zeros"),
    ("access-list", 0, WIDE, errors.WrongChainId, "chain_id: expected at most 256 bits"),
    ("access-list", 7, b"", errors.InvalidAccessList, "access_list: expected a list, got a byte"),
    ("access-list", 7, [b"a"], errors.InvalidAccessList, "expected entries [address, keys]"),
    ("access-list", 7, [[b"a"]], errors.InvalidAccessList, "expected entries [address, keys]"),
    (
        "access-list",
        7,
        [[b"a", []]],
        errors.InvalidAccessList,
        "address: expected 20 bytes, got 1 bytes",
    ),
    (
        "access-list",
        7,
        [[[], []]],
        errors.InvalidAccessList,
        "address: expected 20 bytes, got a list of 0",
    ),
    (
        "access-list",
        7,
        [[b"a" * 20, b""]],
        errors.InvalidAccessList,
        "storage_keys: expected a list",
    ),
    (
        "access-list",
        7,
        [[b"a" * 20, [b"k" * 31]]],
        errors.InvalidAccessList,
        "32 bytes, got 31 bytes",
    ),
    ("access-list", 7, [[b"a" * 20, [[]]]], errors.InvalidAccessList, "32 bytes, got a list of 0"),
    ("access-list", 8, b"\x02", errors.InvalidSignature, "y_parity: expected 0 or 1, got 2"),
    ("access-list", 8, b"\x01\x00", errors.InvalidSignature, "y_parity: expected at most 8 bits"),
    ("dynamic-fee", 2, WIDE, errors.FeeOverflow, "max_priority_fee_per_gas: expected at most 256"),
    ("dynamic-fee", 3, WIDE, errors.FeeOverflow, "max_fee_per_gas: expected at most 256 bits"),
    ("blob", 5, b"", errors.CreationRefused, "to: expected the recipient that a blob transaction"),
    ("blob", 9, WIDE, errors.FeeOverflow, "max_fee_per_blob_gas: expected at most 256 bits"),
    ("blob", 10, b"", errors.MalformedTransaction, "blob_versioned_hashes: expected a list"),
    ("blob", 10, [b"\x01" * 31], errors.InvalidBlobHash, "hashes: expected 32 bytes, got 31 bytes"),
    ("set-code", 5, b"", errors.CreationRefused, "to: expected the recipient that a set-code"),
    (
        "set-code",
        9,
        b"",
        errors.MalformedTransaction,
        "authorizations: expected a list, got a byte",
    ),
    ("set-code", 9, [b""], errors.InvalidAuthorization, "expected lists of 6, got 0 bytes"),
    (
        "set-code",
        9,
        [[b""] * 5],
        errors.InvalidAuthorization,
        "expected lists of 6, got a list of 5",
    ),
]


@pytest.mark.parametrize(("name", "index", "value", "reason", "message"), CASES)
def test_a_spoiled_field_is_refused(
    name: str, index: int, value: Decoded, reason: type[InvalidTransaction], message: str
) -> None:
    error = refusal(spoiled(name, index, value))
    assert type(error) is reason
    assert message in str(error)


@pytest.mark.parametrize(
    ("index", "value", "reason", "message"),
    [
        (0, WIDE, errors.InvalidAuthorization, "authorization.chain_id: expected at most 256 bits"),
        (1, b"a", errors.InvalidAuthorization, "authorization.address: expected 20 bytes, got 1"),
        (2, b"\x01" * 9, errors.InvalidAuthorization, "authorization.nonce: expected at most 64"),
        (2, b"\x00", errors.MalformedTransaction, "authorization.nonce: expected no leading zeros"),
        (2, LIST, errors.MalformedTransaction, "authorization.nonce: expected an integer"),
        (3, b"\x01\x00", errors.InvalidAuthorization, "authorization.y_parity: expected at most 8"),
        (4, WIDE, errors.InvalidAuthorization, "authorization.r: expected at most 256 bits"),
        (5, WIDE, errors.InvalidAuthorization, "authorization.s: expected at most 256 bits"),
    ],
)
def test_a_spoiled_authorization_is_refused(
    index: int, value: Decoded, reason: type[InvalidTransaction], message: str
) -> None:
    [authorization] = rlp.read_items(fields("set-code")[9], "test")
    items = list(rlp.read_items(authorization, "test"))
    items[index] = value
    error = refusal(spoiled("set-code", 9, [items]))
    assert type(error) is reason
    assert message in str(error)


def test_an_odd_authorization_is_carried_along() -> None:
    """Values that no signature has make the authorization void, not the transaction (EIP-7702)."""
    items: Decoded = [b"", b"a" * 20, b"\xff" * 8, b"\xff", b"\xff" * 32, b"\xff" * 32]
    raw = spoiled("set-code", 9, [items])
    assert encode_transaction(decode_transaction(raw)) == raw


@pytest.mark.parametrize("name", NAMES)
def test_too_few_and_too_many_fields(name: str) -> None:
    items = fields(name)
    prefix = b"" if RAW[name][0] >= 0xC0 else RAW[name][:1]
    for changed in (items[:-1], [*items, b""], []):
        error = refusal(prefix + rlp.encode(changed))
        assert type(error) is errors.MalformedTransaction
        assert re.search(rf"expected {len(items)} fields in an? .* transaction", str(error))


@pytest.mark.parametrize("name", NAMES)
def test_every_truncation_is_refused(name: str) -> None:
    raw = RAW[name]
    for length in range(len(raw)):
        assert isinstance(refusal(raw[:length]), errors.MalformedTransaction)


@pytest.mark.parametrize("name", NAMES)
def test_bytes_after_the_end_are_refused(name: str) -> None:
    error = refusal(RAW[name] + b"\x00")
    assert "expected the item to end at byte" in str(error)


@pytest.mark.parametrize(
    ("raw", "reason", "message"),
    [
        ("", errors.MalformedTransaction, "transaction: expected at least one byte, got none"),
        ("00", errors.UnsupportedType, "transaction.type: expected a type of OSAKA, got 0x00"),
        ("05c0", errors.UnsupportedType, "transaction.type: expected a type of OSAKA, got 0x05"),
        ("7f", errors.UnsupportedType, "transaction.type: expected a type of OSAKA, got 0x7f"),
        (
            "80",
            errors.MalformedTransaction,
            "expected a type byte below 0x80 or a list, got a byte",
        ),
        (
            "b8",
            errors.MalformedTransaction,
            "expected a type byte below 0x80 or a list, got a byte",
        ),
        ("02", errors.MalformedTransaction, "transaction: rlp: expected an item at byte 0"),
        ("0280", errors.MalformedTransaction, "transaction: rlp: expected a list, got a byte"),
        ("ff", errors.MalformedTransaction, "transaction: rlp: expected 8 bytes of length"),
    ],
)
def test_what_is_no_transaction(raw: str, reason: type[InvalidTransaction], message: str) -> None:
    error = refusal(bytes.fromhex(raw))
    assert type(error) is reason
    assert message in str(error)


def test_an_oversized_transaction_is_refused_unread() -> None:
    raw = RAW["plain"]
    assert decode_transaction(raw, bytes_max=len(raw)) == SIGNED[0]
    with pytest.raises(errors.TransactionTooLarge) as caught:
        decode_transaction(raw, bytes_max=len(raw) - 1)
    assert str(caught.value) == (
        f"transaction: expected at most {len(raw) - 1} bytes, got {len(raw)}"
    )
    with pytest.raises(errors.TransactionTooLarge, match="at most 8388608 bytes, got 8388609"):
        decode_transaction(bytes(8_388_609))


@pytest.mark.parametrize("parts", [4, 5])
def test_a_blob_wrapper_is_no_transaction_of_a_block(parts: int) -> None:
    """Two wrappers are in use: of EIP-4844 (4 parts), and with cell proofs (EIP-7594, 5)."""
    wrapped = b"\x03" + rlp.encode([fields("blob"), *[[b""]] * (parts - 1)])
    error = refusal(wrapped)
    assert type(error) is errors.BlobWrapperRefused
    assert "as it stands in a block, got one wrapped with blobs" in str(error)


@pytest.mark.parametrize(
    ("name", "fork"),
    [
        ("access-list", Fork.BERLIN),
        ("dynamic-fee", Fork.LONDON),
        ("blob", Fork.CANCUN),
        ("set-code", Fork.PRAGUE),
    ],
)
def test_a_type_is_unknown_before_its_fork(name: str, fork: Fork) -> None:
    assert decode_transaction(RAW[name], fork) == SIGNED[NAMES.index(name)]
    before = Fork(fork - 1)
    with pytest.raises(errors.UnsupportedType, match=f"expected a type of {before.name}, got"):
        decode_transaction(RAW[name], before)


def test_refusals_are_encoding_errors_too_where_they_are() -> None:
    """Whoever only asks whether bytes are well-formed need not know of transactions."""
    error = refusal(b"")
    assert isinstance(error, InvalidEncoding)
    assert isinstance(error, OrreryError)
    assert error.code == "malformed"


def test_the_hash_is_over_the_bytes() -> None:
    assert len({transaction_hash(raw) for raw in RAW.values()}) == len(RAW)


def test_the_codes_are_distinct() -> None:
    leaves = InvalidTransaction.__subclasses__()
    codes = [leaf.code for leaf in leaves if leaf.__module__ == errors.__name__]
    assert len(codes) == len(set(codes)) > 25
    assert InvalidTransaction.code not in codes
