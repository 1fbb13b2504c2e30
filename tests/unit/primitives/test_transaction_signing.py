"""Hashes, signatures and who made them."""

import msgspec
import pytest

from primitives.address import address_from_private_key
from primitives.errors import CryptoError
from primitives.fork import Fork
from primitives.ids import Gas, Wei
from primitives.secp256k1 import HALF_ORDER, ORDER
from primitives.transaction import (
    LegacyTransaction,
    Transaction,
    encode_transaction,
    errors,
    recover_authority,
    recover_sender,
    sign_transaction,
    signing_hash,
)
from tests.unit.primitives.samples import (
    DYNAMIC_FEE,
    ETHER,
    GWEI,
    KEY,
    NAMES,
    OTHER_KEY,
    PERMISSION,
    SENDER,
    SIGNED,
    TO,
)

EIP_155_EXAMPLE = LegacyTransaction(1, 9, Wei(20 * GWEI), Gas(21_000), TO, ETHER, b"")


def test_the_example_of_eip_155() -> None:
    digest = "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"
    assert signing_hash(EIP_155_EXAMPLE).hex() == digest
    signed = sign_transaction(EIP_155_EXAMPLE, KEY)
    assert encode_transaction(signed).hex() == (
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080"
        "25a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
        "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    )
    assert signed.v == 37


@pytest.mark.parametrize("tx", SIGNED, ids=NAMES)
def test_the_sender_is_the_signer(tx: Transaction) -> None:
    assert recover_sender(tx) == SENDER
    assert recover_sender(tx, encode_transaction(tx)) == SENDER


@pytest.mark.parametrize("tx", SIGNED, ids=NAMES)
def test_the_signing_hash_is_the_same_from_the_bytes(tx: Transaction) -> None:
    """The short cut through the encoding agrees with the plain way, at odd signatures too."""
    for r, s, y_parity in [(tx.r, tx.s, tx.y_parity), (1, 0x7F, 0), (0x80, 2**248, 1), (0, 0, 0)]:
        changed = msgspec.structs.replace(tx, r=r, s=s, y_parity=y_parity)
        assert signing_hash(changed, encode_transaction(changed)) == signing_hash(tx)


def test_the_chain_id_is_signed() -> None:
    hashes = {
        signing_hash(msgspec.structs.replace(EIP_155_EXAMPLE, chain_id=chain_id))
        for chain_id in (None, 0, 1, 2)
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(("chain_id", "v"), [(None, 27), (0, 35), (1, 37), (1337, 2709)])
def test_v_of_a_legacy_signature(chain_id: int | None, v: int) -> None:
    tx = msgspec.structs.replace(EIP_155_EXAMPLE, chain_id=chain_id)
    assert tx.v == v
    assert msgspec.structs.replace(tx, y_parity=1).v == v + 1


def test_signing_is_deterministic_with_low_s() -> None:
    for nonce in range(40):
        tx = msgspec.structs.replace(DYNAMIC_FEE, nonce=nonce)
        signed = sign_transaction(tx, OTHER_KEY)
        assert signed == sign_transaction(tx, OTHER_KEY)
        assert 0 < signed.s <= HALF_ORDER
        assert recover_sender(signed) == address_from_private_key(OTHER_KEY)


def mirrored(tx: Transaction) -> Transaction:
    """Return the second valid signature of the same signer: s mirrored, the other parity."""
    return msgspec.structs.replace(tx, s=ORDER - tx.s, y_parity=1 - tx.y_parity)


@pytest.mark.parametrize("tx", SIGNED, ids=NAMES)
def test_a_mirrored_signature_is_refused(tx: Transaction) -> None:
    """Without this rule anyone could give a transaction a second hash (EIP-2)."""
    with pytest.raises(
        errors.InvalidSignature, match=r"transaction\.s: expected a value in \[1, 0x7"
    ):
        recover_sender(mirrored(tx))
    assert recover_sender(mirrored(tx), fork=Fork.FRONTIER) == SENDER
    with pytest.raises(errors.InvalidSignature, match=r"transaction\.s"):
        recover_sender(mirrored(tx), fork=Fork.HOMESTEAD)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"r": 0}, r"transaction\.r: expected a value in \[1, group order\), got 0x0"),
        ({"r": ORDER}, r"transaction\.r: expected a value in \[1, group order\)"),
        ({"s": 0}, r"transaction\.s: expected a value in .*, got 0x0"),
        ({"s": HALF_ORDER + 1}, r"transaction\.s: expected a value in"),
        ({"s": ORDER}, r"transaction\.s: expected a value in"),
        ({"y_parity": 2}, r"transaction\.y_parity: expected 0 or 1, got 2"),
        ({"y_parity": -1}, r"transaction\.y_parity: expected 0 or 1, got -1"),
        ({"r": 5}, r"transaction\.signature: expected a public key that fits it, got none"),
    ],
)
def test_values_out_of_range_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(errors.InvalidSignature, match=message):
        recover_sender(msgspec.structs.replace(SIGNED[3], **change))


def test_an_unsigned_transaction_has_no_sender() -> None:
    with pytest.raises(errors.InvalidSignature, match="got 0x0"):
        recover_sender(DYNAMIC_FEE)


@pytest.mark.parametrize("key", [b"", bytes(32), ORDER.to_bytes(32, "big")])
def test_only_a_private_key_signs(key: bytes) -> None:
    with pytest.raises(CryptoError, match=r"private key: expected 32 bytes in \[1, order\)"):
        sign_transaction(DYNAMIC_FEE, key)


def test_another_field_is_another_sender() -> None:
    tx = SIGNED[3]
    changed = msgspec.structs.replace(tx, nonce=tx.nonce + 1)
    assert recover_sender(changed) != SENDER


def test_an_authority_is_the_signer_of_its_authorization() -> None:
    assert recover_authority(PERMISSION) == address_from_private_key(OTHER_KEY)


@pytest.mark.parametrize(
    "change",
    [{"r": 0}, {"s": 0}, {"s": HALF_ORDER + 1}, {"y_parity": 2}, {"y_parity": 27}, {"r": ORDER}],
)
def test_an_authorization_that_nobody_signed(change: dict[str, int]) -> None:
    assert recover_authority(msgspec.structs.replace(PERMISSION, **change)) is None
