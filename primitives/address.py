"""Account addresses: text with a checksum, and where addresses come from."""

from primitives import rlp
from primitives.errors import InvalidInput
from primitives.ids import Address
from primitives.keccak import keccak256
from primitives.secp256k1 import public_key

ADDRESS_BYTES = 20
ZERO_ADDRESS = Address(bytes(ADDRESS_BYTES))


def format_address(address: Address) -> str:
    """Return the text of an address, with EIP-55's checksum in the case of its letters."""
    digits = address.hex()
    nibbles = keccak256(digits.encode()).hex()
    pairs = zip(digits, nibbles, strict=False)
    return "0x" + "".join(d.upper() if n >= "8" else d for d, n in pairs)


def parse_address(text: str) -> Address:
    """Return the address that `text` names: 0x and 40 digits.

    All-lower and all-upper text carries no checksum; mixed case must carry the right one.

    Raises:
        InvalidInput: another shape, or a wrong checksum.
    """
    digits = text.removeprefix("0x")
    if len(digits) != 2 * ADDRESS_BYTES or digits == text or not _is_hex(digits):
        raise InvalidInput("address", "0x and 40 hexadecimal digits", repr(text[:60]))
    address = Address(bytes.fromhex(digits))
    if digits not in (digits.lower(), digits.upper()) and text != format_address(address):
        raise InvalidInput("address", f"the checksum {format_address(address)}", text)
    return address


def address_from_public_key(key: bytes) -> Address:
    """Return the account address of a 64-byte public key (x and y)."""
    return Address(keccak256(key)[12:])


def address_from_private_key(private_key: bytes) -> Address:
    """Return the account address that a 32-byte private key controls.

    Raises:
        CryptoError: not a private key.
    """
    return address_from_public_key(public_key(private_key))


def contract_address(creator: Address, nonce: int) -> Address:
    """Return the address of the contract that `creator` makes with the transaction `nonce`."""
    return Address(keccak256(rlp.encode([creator, rlp.int_bytes(nonce)]))[12:])


def _is_hex(digits: str) -> bool:
    return all(digit in "0123456789abcdefABCDEF" for digit in digits)
