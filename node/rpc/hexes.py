"""Numbers and bytes as JSON-RPC writes them.

Reference: https://ethereum.org/en/developers/docs/apis/json-rpc, "Hex encoding".
"""


def quantity_hex(value: int) -> str:
    """Return a quantity: 0x0, or hex digits without leading zeros."""
    return hex(value)


def data_hex(value: bytes) -> str:
    """Return bytes: two digits each."""
    return "0x" + value.hex()


def maybe_data(value: bytes | None) -> str | None:
    """Return bytes, or null."""
    return None if value is None else "0x" + value.hex()


def word_hex(value: int) -> str:
    """Return a number as the 32 bytes of a word."""
    return f"0x{value:064x}"
