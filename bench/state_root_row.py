"""One row of `orrery bench state-root`: the root after a block, beside building it anew.

Accounts own different balances and have no storage; their keys are hashes, so the trie is as deep
as any of its size. Each block changes other accounts, drawn at random, so its paths are not
in the processor's cache. What is timed is all from the block's changes to the new root: hashed
addresses, encoded leaves, updated nodes. The plain twin of `primitives.trie` sorts and encodes
the whole state. All of it is processor time.
"""

import gc
import json
import sys
import time
from pathlib import Path
from random import Random
from statistics import median

from primitives.ids import Address, Wei
from primitives.trie import secure_trie_root
from storage.account import Account, account_leaf
from storage.state import StateLayer

PAGE_BYTES = 4_096
ETHER = 10**18


def run(accounts: int, changed: int, blocks: int) -> dict[str, object]:
    """Build a state, change it block by block, and return the row.

    Args:
        accounts: in the state.
        changed: of them in each block.
        blocks: measured, after one that is not.
    """
    generator = Random(accounts)
    addresses = [Address(generator.randbytes(20)) for _ in range(accounts)]
    before = _resident_bytes()
    state = StateLayer(None, {address: _account(generator) for address in addresses})
    flat = _resident_bytes()
    start = time.process_time()
    state.root()
    build = time.process_time() - start
    gc.collect()
    trie = _resident_bytes()
    seconds: list[float] = []
    for _ in range(blocks + 1):
        drawn = generator.sample(addresses, changed)
        state = StateLayer(state, {address: _account(generator) for address in drawn})
        start = time.process_time()
        state.root()
        seconds.append(time.process_time() - start)
    leaves = {address: account_leaf(each) for address, each in state.accounts().items()}
    start = time.process_time()
    plain = secure_trie_root(leaves)
    rebuilt = time.process_time() - start
    if plain != state.root():
        raise AssertionError(f"the plain trie has another root: {plain.hex()}")
    updated = median(seconds[1:])
    return {
        "accounts": accounts,
        "changed": changed,
        "root_milliseconds": round(1_000 * updated, 2),
        "root_milliseconds_max": round(1_000 * max(seconds[1:]), 2),
        "microseconds_per_change": round(1e6 * updated / changed, 2),
        "build_seconds": round(build, 2),
        "plain_seconds": round(rebuilt, 2),
        "plain_ratio": round(rebuilt / updated, 1),
        "flat_bytes_per_account": round((flat - before) / accounts),
        "trie_bytes_per_account": round((trie - flat) / accounts),
    }


def _account(generator: Random) -> Account:
    return Account(generator.randrange(100), Wei(ETHER + generator.randrange(ETHER)))


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
