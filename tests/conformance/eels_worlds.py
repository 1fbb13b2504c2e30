"""Random worlds for the comparison with EELS: accounts, a block, and transactions of all types."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from bench.peers.case import Case
from contracts.creation import salted_address
from contracts.delegation import designator
from contracts.opcodes import Op
from contracts.validity import worst_cost
from node.execution_blob_gas import blob_base_fee
from primitives.address import ZERO_ADDRESS, address_from_private_key, contract_address
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.params import ChainParams
from primitives.transaction import (
    AccessListEntry,
    AccessListTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    Transaction,
    encode_transaction,
    intrinsic_gas,
    recover_sender,
    sign_authorization,
    sign_transaction,
)
from tests.conformance.eels_programs import SALTS, Surroundings, Writer, push, returning

FORKS = (Fork.LONDON, Fork.PARIS, Fork.SHANGHAI, Fork.CANCUN, Fork.PRAGUE, Fork.OSAKA)
FORK_WEIGHTS = (2, 1, 1, 3, 4, 4)
KEYS = tuple(keccak256(b"sender %d" % number) for number in range(4))
SENDERS = tuple(address_from_private_key(key) for key in KEYS)
CONTRACTS = tuple(Address(bytes([0xC0 + number]) * 20) for number in range(5))
PLAIN, NOBODY = Address(b"\x77" * 20), Address(b"\x99" * 20)
MINER = Address(b"\xfe" * 20)
RIPEMD = Address(bytes(19) + b"\x03")
SLOW_PRECOMPILES = frozenset({0x08, 0x0A, 0x0C, 0x0E, 0x0F, 0x10, 0x11})
"""EELS takes long for these, so they are rare."""
BASE_FEE = 7
BLOB_GAS = 131_072
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of the curve that signatures are on."""
GAS_PLENTY = (250_000, 250_000, 250_000, 250_000, 250_000, 250_000, 250_000, 1_500_000)
"""EELS takes about a second for a million."""
Accounts = dict[str, dict[str, Any]]


def precompile_inputs(vectors: Path | None) -> list[tuple[int, bytes]]:
    """Return inputs of precompiles with their numbers: a few plain ones, and public vectors."""
    inputs = [(number, b"") for number in range(1, 0x12)]
    inputs += [(number, bytes(range(size))) for number in (2, 3, 4) for size in (1, 32, 33, 100)]
    inputs.append((0x100, bytes(160)))
    if vectors is None:
        return inputs
    for path in sorted((vectors / "ethereum" / "precompiles-geth").rglob("*.json")):
        number = _precompile_number(path.stem)
        if number is None:
            continue
        for case in json.loads(path.read_text(encoding="utf-8")):
            data = bytes.fromhex(case["Input"])
            if len(data) <= 1_024:
                inputs.append((number, data))
    return inputs


_NAMES: Mapping[str, int] = {
    "ecRecover": 1, "modexp": 5, "bn256Add": 6, "bn256ScalarMul": 7, "bn256Pairing": 8,
    "blake2F": 9, "pointEvaluation": 0x0A, "blsG1Add": 0x0B, "blsG1MultiExp": 0x0C,
    "blsG1Mul": 0x0C, "blsG2Add": 0x0D, "blsG2MultiExp": 0x0E, "blsG2Mul": 0x0E,
    "blsPairing": 0x0F, "blsMapG1": 0x10, "blsMapG2": 0x11, "p256Verify": 0x100,
}  # fmt: skip


def _precompile_number(stem: str) -> int | None:
    name = stem.removeprefix("fail-")
    best = [key for key in _NAMES if name.startswith(key)]
    return _NAMES[max(best, key=len)] if best else None


class World:
    """A fork, a block and accounts; gives cases of one or more transactions on them."""

    def __init__(self, random: Random, inputs: list[tuple[int, bytes]]) -> None:
        self.random = random
        self.fork = random.choices(FORKS, FORK_WEIGHTS)[0]
        slow = random.random() < 0.05
        inputs = [each for each in inputs if slow or each[0] not in SLOW_PRECOMPILES]
        self.around = Surroundings(self.fork, self._targets(), inputs, ())
        self.around = self.around._replace(initcodes=self._initcodes())
        self.writer = Writer(random, self.around)
        self.nonces = [random.choice((0, 0, 1, 5)) for _ in SENDERS]
        if random.random() < 0.2:
            self.nonces[-1] = random.choice((2**64 - 2, 2**64 - 1))
        self.header = self._header()
        self.accounts = self._accounts()

    def case(self, transactions: list[Transaction]) -> Case:
        """Return a case of these transactions."""
        return {
            "name": "random",
            "fork": self.fork.name.lower(),
            "gas_used": 0,
            "header": self.header,
            "block_hashes": block_hashes(self.header["number"]),
            "transactions": [{"raw": encode_transaction(tx).hex()} for tx in transactions],
            "accounts": self._adjusted(transactions),
        }

    def _adjusted(self, transactions: list[Transaction]) -> Accounts:
        """Return the accounts; now and then the first sender has just what the worst case takes."""
        if not transactions or self.random.random() < 0.9:
            return self.accounts
        tx = transactions[0]
        accounts = dict(self.accounts)
        balance = max(0, worst_cost(tx) + self.random.choice((-1, 0, 0, 1, 1_000)))
        sender = recover_sender(tx, fork=self.fork).hex()
        accounts[sender] = {**accounts[sender], "balance": balance}
        return accounts

    def _targets(self) -> tuple[bytes, ...]:
        random = self.random
        made = [contract_address(creator, nonce) for creator in CONTRACTS[:2] for nonce in (1, 2)]
        precompiles = [number.to_bytes(20, "big") for number in (1, 2, 3, 4, 9, 0x0B, 0x100)]
        most = [*CONTRACTS, *CONTRACTS, *SENDERS, PLAIN, NOBODY, MINER, *precompiles, *made]
        return tuple(random.sample(most, 12)) + tuple(CONTRACTS)

    def _initcodes(self) -> tuple[bytes, ...]:
        writer = Writer(self.random, self.around._replace(initcodes=(b"",)))
        heir = push(int.from_bytes(self.random.choice(self.around.targets), "big"))
        runtime = writer.program(4)
        store = push(1) + push(0) + bytes([Op.SSTORE])
        return (
            b"",
            returning(runtime),
            returning(runtime, store),
            returning(bytes([Op.CALLER, Op.SELFDESTRUCT])),
            returning(bytes([Op.ADDRESS, Op.SELFDESTRUCT]), store),
            returning(b"\xef"),
            returning(designator(Address(CONTRACTS[0]))),
            push(self.random.choice((24_576, 24_577))) + push(0) + bytes([Op.RETURN]),
            push(self.random.randrange(64)) + push(0) + bytes([Op.REVERT]),
            heir + bytes([Op.SELFDESTRUCT]),
            bytes([Op.ADDRESS, Op.SELFDESTRUCT]),
            bytes([Op.INVALID]),
            bytes([Op.JUMPDEST]) + push(0) + bytes([Op.JUMP]),
            writer.program(3),
        )

    def _header(self) -> dict[str, Any]:
        random = self.random
        excess = random.choice((0, 0, 131_072, 10**7, 10**8)) if self.fork >= Fork.CANCUN else 0
        return {
            "coinbase": self._coinbase().hex(),
            "number": random.choice((1, 5, 256, 257, 300)),
            "timestamp": random.choice((1, 1_800_000_000)),
            "gas_limit": 30_000_000,
            "base_fee": random.choice((0, BASE_FEE, BASE_FEE)),
            "mix_hash": keccak256(b"mixed").hex(),
            "difficulty": 131_072 if self.fork < Fork.PARIS else 0,
            "parent_hash": bytes(32).hex(),
            "excess_blob_gas": excess,
        }

    def _coinbase(self) -> Address:
        """Return who gets the tips: nobody special, or one that takes part, or is created."""
        if self.random.random() < 0.7:
            return MINER
        made = contract_address(SENDERS[0], self.nonces[0])
        return self.random.choice((CONTRACTS[0], SENDERS[0], NOBODY, RIPEMD, made))

    def _accounts(self) -> Accounts:
        random, accounts = self.random, Accounts()
        for sender, nonce in zip(SENDERS, self.nonces, strict=True):
            code = b""
            if self.fork >= Fork.PRAGUE and random.random() < 0.4:
                code = designator(Address(random.choice((*self.around.targets, sender, NOBODY))))
            balance = random.choice((10**18, 10**18, 10**18, 10**12, 10**7))
            accounts[sender.hex()] = self._account(nonce, balance, code)
        for contract in CONTRACTS:
            code = self._code(contract)
            nonce = random.choice((1, 1, 1, 1, 0, 2**64 - 2, 2**64 - 1))
            accounts[contract.hex()] = self._account(nonce, random.choice((0, 1, 10**6)), code)
        accounts[PLAIN.hex()] = self._account(0, 5, b"", has_storage=False)
        if random.random() < 0.3:
            accounts[RIPEMD.hex()] = self._account(0, 1, b"", has_storage=False)
        for address in self._future_addresses():
            if random.random() < 0.1:
                kind = random.randrange(4)
                code, nonce = (b"\x00" if kind == 0 else b""), (1 if kind == 1 else 0)
                accounts[address.hex()] = self._account(nonce, 3, code, has_storage=kind == 2)
        return accounts

    def _code(self, contract: Address) -> bytes:
        """Return a contract's code: two call the others, and one always fails."""
        if contract in CONTRACTS[:2]:
            return self.writer.driver(self.random.randrange(3, 10))
        if contract == CONTRACTS[-1]:
            return self.writer.failing()
        return self.writer.program(self.random.randrange(1, 8))

    def _future_addresses(self) -> list[Address]:
        """Return addresses at which programs may create."""
        found = [contract_address(contract, 1) for contract in CONTRACTS]
        found += [
            contract_address(sender, nonce)
            for sender, nonce in zip(SENDERS, self.nonces, strict=True)
        ]
        for contract in CONTRACTS[:3]:
            for initcode in self.around.initcodes[:4]:
                found += [salted_address(contract, salt, initcode) for salt in range(SALTS)]
        return found

    def _account(
        self, nonce: int, balance: int, code: bytes, has_storage: bool = True
    ) -> dict[str, Any]:
        slots = range(4) if has_storage else ()
        storage = {slot: self.random.choice((0, 0, 1, 2)) for slot in slots}
        return {
            "nonce": nonce,
            "balance": balance,
            "code": code.hex(),
            "storage": {str(slot): value for slot, value in storage.items() if value},
        }

    def variations(self) -> Iterator[list[Transaction]]:
        """Yield several lists of transactions: with plenty of gas first, then with less."""
        random = self.random
        for _ in range(4):
            yield self._several(lambda: None)
        for _ in range(3):
            yield self._several(
                lambda: random.choice(
                    (-1, 0, 1, *[random.randrange(most) for most in (3_000, 30_000, 150_000)])
                )
            )

    def _several(self, gas: Callable[[], int | None]) -> list[Transaction]:
        """Return a few transactions that may follow one another."""
        random, nonces = self.random, list(self.nonces)
        found = []
        for _ in range(random.choice((1, 1, 2, 3))):
            person = random.randrange(len(KEYS))
            nonce = nonces[person]
            nonce += random.choice((-1, 1)) if nonce and random.random() < 0.03 else 0
            found.append(self.transaction(person, nonce, gas()))
            nonces[person] = min(nonces[person] + 1, 2**64 - 1)
        return found

    def transaction(self, person: int, nonce: int, gas: int | None = None) -> Transaction:
        """Return a signed transaction of any type of the fork.

        Args:
            person: who sends it.
            nonce: that it has.
            gas: its gas limit above the intrinsic gas; None: plenty.
        """
        random = self.random
        unsigned = self.unsigned(random.choice(self.types()), nonce)
        least = intrinsic_gas(unsigned, self.fork).minimum
        limit = max(0, least + (random.choice(GAS_PLENTY) if gas is None else gas))
        unsigned = msgspec.structs.replace(unsigned, gas_limit=Gas(limit))
        return sign_transaction(unsigned, KEYS[person])

    def types(self) -> list[int]:
        """Return the types of transactions, as often as each is to come."""
        types = [0, 1, 2, 2, 2]
        types += [3] if self.fork >= Fork.CANCUN else []
        return types + ([4, 4] if self.fork >= Fork.PRAGUE else [])

    def unsigned(self, kind: int, nonce: int) -> Transaction:
        """Return a transaction of a type, with no gas limit and no signature yet."""
        random = self.random
        to: Address | None = Address(random.choice(self.around.targets))
        if random.random() < 0.7:
            to = random.choice((CONTRACTS[0], CONTRACTS[0], CONTRACTS[1], *CONTRACTS))
        data = random.randbytes(random.choice((0, 0, 4, 32, 68, 300)))
        data = bytes(len(data)) if random.random() < 0.2 else data
        if kind < 3 and random.random() < 0.2:
            to, data = None, random.choice(self.around.initcodes)
        value = Wei(random.choice((0, 0, 1, 1_000)))
        gas = Gas(0)
        entries = tuple([self._entry() for _ in range(random.choice((0, 0, 1, 3)))])
        price = random.choice((BASE_FEE, BASE_FEE, BASE_FEE + 1, 10, 10, 10, 10, 3))
        tip = Wei(random.choice((0, 0, 1, price)))
        fee = Wei(price)
        if kind == 0:
            chain = random.choice((1, 1, None))
            return LegacyTransaction(chain, nonce, fee, gas, to, value, data)
        if kind == 1:
            return AccessListTransaction(1, nonce, fee, gas, to, value, data, entries)
        if kind == 2:
            return DynamicFeeTransaction(1, nonce, tip, fee, gas, to, value, data, entries)
        assert to is not None
        if kind == 3:
            count = random.choice((1, 1, 2, 6, 7, 9, 10))
            hashes = tuple([Hash32(b"\x01" + bytes([n]) * 31) for n in range(count)])
            params = ChainParams(fork=self.fork)
            blob_fee = blob_base_fee(self.header["excess_blob_gas"], params)
            blob_fee = Wei(blob_fee + random.choice((0, 0, 1, -1, 10**6)))
            return BlobTransaction(
                1, nonce, tip, fee, gas, to, value, data, entries, blob_fee, hashes
            )
        count = random.choice((1, 1, 2, 4))
        permits = tuple([self._authorization(nonce) for _ in range(count)])
        return SetCodeTransaction(1, nonce, tip, fee, gas, to, value, data, entries, permits)

    def _entry(self) -> AccessListEntry:
        address = Address(self.random.choice(self.around.targets))
        keys = [Hash32(bytes(31) + bytes([self.random.randrange(5)])) for _ in range(2)]
        return AccessListEntry(address, tuple(keys[: self.random.randrange(3)]))

    def _authorization(self, nonce: int) -> Authorization:
        """Return one that may hold, or be wrong in one of many ways."""
        random = self.random
        person = random.randrange(len(KEYS))
        right = self.nonces[person]
        its_nonce = random.choice((right, right, right, right + 1, nonce + 1, 0))
        target = random.choice((*self.around.targets, *SENDERS, ZERO_ADDRESS))
        chain = random.choice((0, 1, 1, 1, 2, 2**256 - 1))
        unsigned = Authorization(chain, Address(target), min(its_nonce, 2**64 - 1))
        key = KEYS[person] if random.random() < 0.95 else keccak256(random.randbytes(4))
        signed = sign_authorization(unsigned, key)
        if random.random() < 0.1:
            spoilt: dict[str, int] = random.choice(
                (
                    {"s": ORDER - signed.s}, {"r": 0}, {"s": 0}, {"r": ORDER}, {"r": 2**256 - 1},
                    {"y_parity": 2}, {"y_parity": 255}, {"y_parity": 1 - signed.y_parity},
                )
            )  # fmt: skip
            signed = msgspec.structs.replace(signed, **spoilt)
        return signed


def block_hashes(number: int) -> list[str]:
    """Return the hashes of the blocks below, the oldest first."""
    return [block_hash(each).hex() for each in range(max(0, number - 256), number)]


def block_hash(number: int) -> Hash32:
    """Return the hash that a block below is said to have."""
    return keccak256(str(number).encode())
