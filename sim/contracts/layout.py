"""Where Solidity keeps a contract's variables, for states that genesis brings along.

Reference: Solidity documentation, Layout of State Variables in Storage.
"""

from primitives.keccak import keccak256

WORD = 32


def mapping_slot(slot: int, *keys: int | bytes) -> int:
    """Return the slot of a mapping's value; of nested mappings with one key for each.

    Args:
        slot: of the mapping itself.
        keys: integers, or addresses as 20 bytes, outermost first.
    """
    for key in keys:
        padded = key.rjust(WORD, b"\x00") if isinstance(key, bytes) else key.to_bytes(WORD, "big")
        slot = int.from_bytes(keccak256(padded + slot.to_bytes(WORD, "big")), "big")
    return slot


def packed_word(*parts: tuple[int, int]) -> int:
    """Return the content of a slot that several variables share.

    Args:
        parts: value and offset in bytes of each, as the artifact's `storage` gives it.
    """
    word = 0
    for value, offset in parts:
        word |= value << 8 * offset
    return word
