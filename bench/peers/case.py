"""A block to execute, in a form that every engine's process reads.

Numbers are integers, bytes are hexadecimal without 0x, so that reading it needs no library.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Case = dict[str, Any]
"""Keys: `name`; `fork` (the fork's name, as EELS names its packages); `gas_used`;
`header` (`coinbase`, `number`, `timestamp`, `gas_limit`, `base_fee`, `mix_hash`, `difficulty`,
`parent_hash`, `excess_blob_gas`); `transactions`, each with `raw` and `sender`; `accounts` before
the block: address to `nonce`, `balance`, `code` and `storage`, slot to value."""

Prepared = TypeVar("Prepared")


def read_case() -> tuple[Case, int]:
    """Read what the command line names: a file with a case, and how often to execute it."""
    options = json.loads(sys.argv[1])
    case: Case = json.loads(Path(options["file"]).read_text(encoding="utf-8"))
    return case, options["repeats"]


def measure_case(
    case: Case,
    repeats: int,
    prepare: Callable[[Case], Prepared],
    execute: Callable[[Prepared], int],
) -> dict[str, object]:
    """Execute a block several times, each on a new state; return the row to print.

    Args:
        case: the block.
        repeats: at least 1.
        prepare: makes the state, decodes the transactions, recovers the senders. Not timed.
        execute: executes the transactions in order; returns the gas they used. Timed, in
            processor seconds, with garbage collection as the interpreter does it by itself.

    Raises:
        AssertionError: the gas used is not that of the block.
    """
    seconds = []
    for _ in range(repeats):
        prepared = prepare(case)
        gc.collect()
        start = time.process_time()
        gas_used = execute(prepared)
        seconds.append(time.process_time() - start)
        if gas_used != case["gas_used"]:
            raise AssertionError(f"{case['name']}: {gas_used} gas, not {case['gas_used']}")
    return {
        "first_seconds": round(seconds[0], 4),
        "best_seconds": round(min(seconds), 4),
    }
