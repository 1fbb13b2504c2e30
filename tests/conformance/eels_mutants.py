"""Public state tests, changed at random, for the comparison with EELS.

What such a test expects is not looked at: the test is a state, a block and a transaction with a
point. Changed bytes of code, other gas limits and other forks lead right beside that point.
"""

import json
from pathlib import Path
from random import Random
from typing import Any

from msgspec.structs import replace

from bench.peers.case import Case
from contracts.opcodes import Op
from primitives.fork import Fork
from primitives.ids import Address, Gas, Wei
from primitives.transaction import Transaction, encode_transaction, sign_transaction
from tests.conformance.eels_worlds import FORK_WEIGHTS, FORKS, block_hashes
from tests.conformance.material import FORKS as FORK_NAMES, from_hex, number
from tests.conformance.state_cases import OVERSIZED, read_transaction

FOLDERS = ("cancun", "shanghai-berlin", "prague-osaka", "precompiles")
FILE_BYTES_MAX = 3_000_000
SLOW = ("bls", "pairing", "modexp", "point_eval", "kzg", "quadratic", "exploop", "performance")
"""Parts of the paths of tests that EELS takes seconds or minutes for."""
GAS_MAX = 3_000_000
BALANCE_MAX = 2**200
"""So that no sum leaves 256 bits, which EELS does not survive."""
TELLING = (
    Op.GAS, Op.SLOAD, Op.SSTORE, Op.TLOAD, Op.TSTORE, Op.CALL, Op.CALLCODE, Op.DELEGATECALL,
    Op.STATICCALL, Op.CREATE, Op.CREATE2, Op.SELFDESTRUCT, Op.REVERT, Op.RETURN, Op.STOP, Op.POP,
    Op.RETURNDATASIZE, Op.RETURNDATACOPY, Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODECOPY,
    Op.EXTCODEHASH, Op.JUMPDEST, Op.JUMP, Op.JUMPI, Op.MCOPY, Op.PUSH0,
)  # fmt: skip


class Mutants:
    """Draws changed tests from a directory of vectors."""

    def __init__(self, vectors: Path) -> None:
        top = vectors / "ethereum"
        found = [path for name in FOLDERS for path in sorted((top / name).rglob("*.json"))]
        self._paths = [
            path
            for path in found
            if path.stat().st_size < FILE_BYTES_MAX
            and not any(part in str(path.relative_to(top)).lower() for part in SLOW)
        ]
        assert self._paths, "the vectors have no state tests"

    def draw(self, random: Random) -> Case | None:
        """Return a case; None if the test that was drawn is none with a signed transaction."""
        path = random.choice(self._paths)
        tests = json.loads(path.read_text(encoding="utf-8"))
        name = random.choice(list(tests))
        test = tests[name]
        fields = test.get("transaction", {})
        if "secretKey" not in fields or OVERSIZED in str(fields):
            return None
        fork_name = random.choice([each for each in test["post"] if each in FORK_NAMES])
        indexes = random.choice(test["post"][fork_name])["indexes"]
        fork = FORK_NAMES[fork_name]
        if fork < FORKS[0] or random.random() < 0.4:
            fork = random.choices(FORKS, FORK_WEIGHTS)[0]
        tx = read_transaction(fields, indexes, 1)
        if tx is None:
            return None
        accounts = {name[2:].lower(): _account(random, each) for name, each in test["pre"].items()}
        tx = _changed(random, tx, list(accounts))
        tx = sign_transaction(tx, from_hex(fields["secretKey"]).rjust(32, b"\0"))
        header = _header(test["env"], fork)
        return {
            "name": f"{path.name} {name}",
            "fork": fork.name.lower(),
            "gas_used": 0,
            "header": header,
            "block_hashes": block_hashes(header["number"]),
            "transactions": [{"raw": encode_transaction(tx).hex()}],
            "accounts": accounts,
        }


def mutate(random: Random, code: bytes) -> bytes:
    """Return code with a few bytes replaced, removed or put in."""
    changed = bytearray(code)
    for _ in range(random.choice((1, 1, 2, 3))):
        if not changed:
            break
        place = random.randrange(len(changed))
        kind = random.randrange(5)
        if kind == 0:
            changed[place] = random.randrange(256)
        elif kind == 1:
            changed[place] = random.choice(TELLING)
        elif kind == 2:
            del changed[place]
        elif kind == 3:
            changed.insert(place, random.randrange(256))
        else:
            changed[place] ^= 1 << random.randrange(8)
    return bytes(changed)


def _account(random: Random, fields: dict[str, Any]) -> dict[str, Any]:
    code = from_hex(fields["code"])
    if code and random.random() < 0.5:
        code = mutate(random, code)
    slots = {str(number(slot)): number(value) for slot, value in fields["storage"].items()}
    return {
        "nonce": number(fields["nonce"]),
        "balance": min(number(fields["balance"]), BALANCE_MAX),
        "code": code.hex(),
        "storage": {slot: value for slot, value in slots.items() if value},
    }


def _changed(random: Random, tx: Transaction, addresses: list[str]) -> Transaction:
    gas = min(tx.gas_limit, GAS_MAX)
    if random.random() < 0.6:
        below = (0, 1, 2, 3, *[random.randrange(most) for most in (3_000, 50_000, 1_000_000)])
        gas = max(0, gas - random.choice(below))
    tx = replace(tx, gas_limit=Gas(gas))
    if random.random() < 0.1:
        tx = replace(tx, value=Wei(random.choice((0, 1, 10**18))))
    if random.random() < 0.1:
        tx = replace(tx, data=mutate(random, tx.data))
    if random.random() < 0.05 and tx.to is not None:
        tx = replace(tx, to=Address(bytes.fromhex(random.choice(addresses))))
    return tx


def _header(env: dict[str, str], fork: Fork) -> dict[str, Any]:
    """Return the block; what the test's own fork does not have is 0."""
    return {
        "coinbase": env["currentCoinbase"][2:].lower(),
        "number": min(number(env["currentNumber"]), 2**32),
        "timestamp": number(env["currentTimestamp"]),
        "gas_limit": number(env["currentGasLimit"]),
        "base_fee": number(env.get("currentBaseFee", "0x7")),
        "mix_hash": from_hex(env.get("currentRandom", "0x00")).rjust(32, b"\0").hex(),
        "difficulty": number(env.get("currentDifficulty", "0x20000")) if fork < Fork.PARIS else 0,
        "parent_hash": bytes(32).hex(),
        "excess_blob_gas": (
            number(env.get("currentExcessBlobGas", "0x0")) if fork >= Fork.CANCUN else 0
        ),
    }
