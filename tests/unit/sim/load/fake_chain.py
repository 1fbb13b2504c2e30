"""An Ethereum chain in memory, as far as a load client can tell: pool, fees, blocks, no EVM."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from primitives.address import contract_address
from primitives.ids import Address
from primitives.keccak import keccak256
from primitives.transaction import DynamicFeeTransaction, decode_transaction, recover_sender

GWEI = 10**9
ETHER = 10**18


class Refused(Exception):
    """A transaction that the pool does not take, with go-ethereum's words."""


@dataclass(slots=True)
class Pooled:
    transaction: DynamicFeeTransaction
    sender: Address
    digest: bytes


@dataclass(slots=True)
class Block:
    number: int
    digest: bytes
    parent: bytes
    digests: list[bytes]
    gas_used: int
    base_fee: int


@dataclass(slots=True)
class FakeChain:
    """What a node knows. `seal` makes a block of what waits."""

    chain_id: int = 7
    gas_limit: int = 30_000_000
    base_fee: int = GWEI
    fixed_fee: bool = False
    pool_limit: int = 100_000
    sender_limit: int = 64
    keeps_gaps: bool = False
    """Whether a transaction may wait for the ones before it."""
    balances: dict[bytes, int] = field(default_factory=dict)
    nonces: dict[bytes, int] = field(default_factory=dict)
    code: dict[bytes, bytes] = field(default_factory=dict)
    storage: dict[bytes, int] = field(default_factory=dict)
    pool: dict[bytes, dict[int, Pooled]] = field(default_factory=dict)
    known: dict[bytes, Pooled] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    receipts: dict[bytes, int] = field(default_factory=dict)
    """Block number of each transaction that is in one."""
    final_behind: int = 0
    """So many blocks behind the newest one is the final one."""
    salt: int = 0
    undone: list[bytes] = field(default_factory=list)
    failing: bool = False
    """Whether receipts tell of failures."""

    def __post_init__(self) -> None:
        self.blocks.append(Block(0, keccak256(b"genesis"), bytes(32), [], 0, self.base_fee))

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    def fund(self, addresses: Sequence[bytes], balance: int = 1_000 * ETHER) -> None:
        for address in addresses:
            self.balances[bytes(address)] = balance

    def pending_nonce(self, address: bytes) -> int:
        nonce = self.nonces.get(address, 0)
        while nonce in self.pool.get(address, {}):
            nonce += 1
        return nonce

    def take(self, raw: bytes) -> bytes:
        """Take a transaction into the pool and return its hash."""
        digest = keccak256(raw)
        if digest in self.known:
            raise Refused("already known")
        transaction = decode_transaction(raw)
        assert isinstance(transaction, DynamicFeeTransaction)
        sender = recover_sender(transaction, raw)
        if transaction.chain_id != self.chain_id:
            raise Refused("invalid chain id for signer")
        if transaction.nonce < self.nonces.get(sender, 0):
            raise Refused(f"nonce too low: next nonce {self.nonces.get(sender, 0)}")
        if transaction.max_fee_per_gas < self.base_fee:
            raise Refused("max fee per gas less than block base fee")
        mine = self.pool.setdefault(sender, {})
        old = mine.get(transaction.nonce)
        if old is not None:
            offers = transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas
            had = old.transaction.max_fee_per_gas, old.transaction.max_priority_fee_per_gas
            if any(offer * 10 < before * 11 for offer, before in zip(offers, had, strict=True)):
                raise Refused("replacement transaction underpriced")
            self.known.pop(old.digest)
        elif transaction.nonce > self.pending_nonce(sender) and not self.keeps_gaps:
            raise Refused("nonce too high")
        elif len(self.known) >= self.pool_limit or len(mine) >= self.sender_limit:
            raise Refused("txpool is full")
        cost = transaction.gas_limit * transaction.max_fee_per_gas + transaction.value
        if self.balances.get(sender, 0) < cost:
            raise Refused("insufficient funds for gas * price + value")
        pooled = Pooled(transaction, sender, digest)
        mine[transaction.nonce] = pooled
        self.known[digest] = pooled
        return digest

    def overtake(self, raw: bytes) -> None:
        """Let somebody else's transaction wait where one of the same nonce waits, or none."""
        transaction = decode_transaction(raw)
        assert isinstance(transaction, DynamicFeeTransaction)
        sender, digest = recover_sender(transaction, raw), keccak256(raw)
        mine = self.pool.setdefault(sender, {})
        if transaction.nonce in mine:
            del self.known[mine[transaction.nonce].digest]
        mine[transaction.nonce] = self.known[digest] = Pooled(transaction, sender, digest)

    def lose(self, count: int) -> list[bytes]:
        """Forget the newest transactions of the pool, as a node that restarts does."""
        lost = list(self.known)[-count:]
        for digest in lost:
            pooled = self.known.pop(digest)
            del self.pool[pooled.sender][pooled.transaction.nonce]
        return lost

    def seal(self) -> Block:
        """Make a block of what can be in it."""
        gas, digests = 0, []
        for sender in list(self.pool):
            mine = self.pool[sender]
            while (pooled := mine.get(self.nonces.get(sender, 0))) is not None:
                transaction = pooled.transaction
                fits = gas + transaction.gas_limit <= self.gas_limit
                if not fits or transaction.max_fee_per_gas < self.base_fee:
                    break
                self._execute(pooled)
                gas += transaction.gas_limit
                digests.append(pooled.digest)
        return self._append(digests, gas)

    def reorganise(self, depth: int) -> None:
        """Replace the newest blocks by empty ones, and one more: what they held waits again."""
        gone, self.blocks = self.blocks[-depth:], self.blocks[:-depth]
        for block in reversed(gone):
            for digest in reversed(block.digests):
                del self.receipts[digest]
        self.undone = [digest for block in gone for digest in block.digests]
        self.salt += 1
        for _ in range(depth + 1):
            self._append([], 0)

    def seal_again(self) -> Block:
        """Put into a new block what the last reorganisation undid."""
        digests, self.undone = self.undone, []
        return self._append(digests, 21_000 * len(digests))

    def _execute(self, pooled: Pooled) -> None:
        transaction, sender = pooled.transaction, bytes(pooled.sender)
        self.nonces[sender] = transaction.nonce + 1
        del self.pool[sender][transaction.nonce]
        del self.known[pooled.digest]
        fee = transaction.gas_limit * self.base_fee
        self.balances[sender] = self.balances.get(sender, 0) - transaction.value - fee
        if transaction.to is None:
            self.code[contract_address(pooled.sender, transaction.nonce)] = b"\x00"
        else:
            to = bytes(transaction.to)
            self.balances[to] = self.balances.get(to, 0) + transaction.value

    def _append(self, digests: list[bytes], gas: int) -> Block:
        number = len(self.blocks)
        digest = keccak256(f"{number}/{self.salt}".encode() + b"".join(digests))
        block = Block(number, digest, self.head.digest, digests, gas, self.base_fee)
        self.blocks.append(block)
        for each in digests:
            self.receipts[each] = number
        if not self.fixed_fee:
            target = self.gas_limit // 2
            self.base_fee = max(7, self.base_fee + self.base_fee * (gas - target) // target // 8)
        return block
