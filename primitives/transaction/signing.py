"""Signing a transaction, and finding out who signed one."""

from typing import TypeVar

import msgspec

from primitives import secp256k1
from primitives.address import address_from_public_key
from primitives.errors import CryptoError
from primitives.fork import LATEST, Fork
from primitives.ids import Address
from primitives.secp256k1 import HALF_ORDER, ORDER
from primitives.transaction.encode import authorization_hash, signing_hash
from primitives.transaction.errors import InvalidSignature
from primitives.transaction.types import Authorization, Transaction

AnyTransaction = TypeVar("AnyTransaction", bound=Transaction)


def sign_transaction(tx: AnyTransaction, private_key: bytes) -> AnyTransaction:
    """Return `tx` with the signature of a 32-byte private key (deterministic, low s).

    Raises:
        CryptoError: not a private key.
    """
    y_parity, r, s = secp256k1.sign(signing_hash(tx), private_key)
    return msgspec.structs.replace(tx, y_parity=y_parity, r=r, s=s)


def recover_sender(tx: Transaction, raw: bytes | None = None, fork: Fork = LATEST) -> Address:
    """Return the address of the account that signed `tx`.

    Args:
        tx: a signed transaction.
        raw: its canonical encoding, if at hand: saves encoding it anew.
        fork: Frontier accepts s in the upper half, all later forks refuse it (EIP-2).

    Raises:
        InvalidSignature: a value out of range, or no public key fits.
    """
    check_signature(tx, fork)
    try:
        key = secp256k1.recover(signing_hash(tx, raw), tx.y_parity, tx.r, tx.s)
    except CryptoError as error:
        raise InvalidSignature("transaction.signature", error.expected, error.actual) from error
    return address_from_public_key(key)


def check_signature(tx: Transaction, fork: Fork = LATEST) -> None:
    """Check the ranges of the signature's values, without any curve arithmetic.

    Raises:
        InvalidSignature: y parity, r or s out of range.
    """
    if tx.y_parity not in (0, 1):
        raise InvalidSignature("transaction.y_parity", "0 or 1", tx.y_parity)
    if not 0 < tx.r < ORDER:
        raise InvalidSignature("transaction.r", "a value in [1, group order)", hex(tx.r))
    s_max = HALF_ORDER if fork >= Fork.HOMESTEAD else ORDER - 1
    if not 0 < tx.s <= s_max:
        raise InvalidSignature("transaction.s", f"a value in [1, {s_max:#x}]", hex(tx.s))


def sign_authorization(authorization: Authorization, private_key: bytes) -> Authorization:
    """Return `authorization` with the signature of a 32-byte private key.

    Raises:
        CryptoError: not a private key.
    """
    y_parity, r, s = secp256k1.sign(authorization_hash(authorization), private_key)
    return msgspec.structs.replace(authorization, y_parity=y_parity, r=r, s=s)


def recover_authority(authorization: Authorization) -> Address | None:
    """Return the account that signed, or None: an authorization nobody signed is skipped.

    Reference: EIP-7702, behaviour, step 3.
    """
    if authorization.s > HALF_ORDER:
        return None
    digest = authorization_hash(authorization)
    try:
        key = secp256k1.recover(digest, authorization.y_parity, authorization.r, authorization.s)
    except CryptoError:
        return None
    return address_from_public_key(key)
