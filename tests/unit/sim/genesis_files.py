"""Genesis files in go-ethereum's form that tests run networks from."""

import json
from pathlib import Path
from typing import Any

from primitives.system_contracts import SYSTEM_CODE

BLOCKS = (
    *("homestead", "eip150", "eip155", "eip158", "byzantium"),
    *("constantinople", "petersburg", "istanbul", "berlin", "london"),
)
COUNTER = "0x00000000000000000000000000000000000000c0"
COUNTER_CODE = "0x5f546001015f5500"
"""Adds one to slot 0."""


def genesis_table(**changes: Any) -> dict[str, Any]:
    """Return an Osaka chain with a contract that counts its calls from 41 on.

    Args:
        changes: fields to replace, or, by None, to leave out; `config__chainId` is one of a part.
    """
    table: dict[str, Any] = {
        "config": {
            "chainId": 77,
            **{f"{name}Block": 0 for name in BLOCKS},
            "terminalTotalDifficulty": 0,
            **{f"{name}Time": 0 for name in ("shanghai", "cancun", "prague", "osaka")},
        },
        "timestamp": "0x65",
        "gasLimit": "0x989680",
        "baseFeePerGas": "0x3b9aca00",
        "alloc": {
            COUNTER: {"balance": "5", "nonce": "1", "code": COUNTER_CODE, "storage": {"0": "0x29"}},
            **{key.hex(): {"nonce": 1, "code": code.hex()} for key, code in SYSTEM_CODE.items()},
        },
    }
    for path, value in changes.items():
        *parts, last = path.split("__")
        at = table
        for part in parts:
            at = at[part]
        at[last] = value
        if value is None:
            del at[last]
    return table


def write_genesis(directory: Path, **changes: Any) -> Path:
    """Write it as `genesis.json` and return the file."""
    file = directory / "genesis.json"
    file.write_text(json.dumps(genesis_table(**changes)))
    return file
