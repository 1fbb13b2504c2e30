"""An account as the state trie holds it."""

from primitives.ids import Hash32
from primitives.keccak import EMPTY_KECCAK
from primitives.rlp import encode_bytes, encode_int, encode_list
from primitives.trie import EMPTY_ROOT


def encode_account(
    nonce: int,
    balance: int,
    storage_root: Hash32 = EMPTY_ROOT,
    code_hash: Hash32 = EMPTY_KECCAK,
) -> bytes:
    """Return the state trie's leaf of an account: RLP of (nonce, balance, root, code hash).

    Reference: Yellow Paper, section 4.1.
    """
    parts = (
        encode_int(nonce),
        encode_int(balance),
        encode_bytes(storage_root),
        encode_bytes(code_hash),
    )
    return encode_list(parts)
