"""The pool of transactions that wait for a block.

Each sender has a queue by nonce (`mempool_sender`). Admission follows what wallets know from
go-ethereum: a transaction takes the place of another with its sender and nonce only if it raises
both fee fields by ten percent; a sender's pooled transactions together may not cost more than
its balance; a full pool gives way to whoever pays more and stands behind no nonce gap. The pool
is bounded in transactions, bytes, transactions per sender, and transactions behind nonce gaps,
which cost their sender nothing and so give way to newer ones of their kind (`mempool_gaps`).

Contracts change balances and nonces of accounts that sent nothing, and an account whose code only
names another one may send as well (EIP-7702). Both are seen at the next head, as any change is.
Because any call may empty an account that delegates, the pool keeps its next transaction only, and
takes no second one while an authorization waits by which it would (`mempool_authorities`).
Blob transactions are not taken: in the form that blocks have they come without their blobs, and a
proposer must not commit to blobs that nobody has.

Work is proportional to what changed: admitting is logarithmic in the pool, a new head touches
the senders whose accounts the block changed. Only selection looks at every sender.
"""

from collections.abc import Iterable

from consensus.batching.policy import BatchLimits
from contracts.delegation import designated
from node.mempool_admission import check_admission
from node.mempool_authorities import AuthorityIndex, check_authorities
from node.mempool_errors import AlreadyKnown, PoolFull, QueueFull
from node.mempool_eviction import PriceIndex
from node.mempool_gaps import GapIndex
from node.mempool_selection import select_transactions
from node.mempool_sender import PoolEntry, SenderQueue
from node.mempool_types import (
    Admission,
    Admitted,
    MempoolLimits,
    Refused,
    Replaced,
    SenderReader,
)
from node.mempool_waiting import WaitingSenders
from node.validation import PooledTransaction, recheck_transaction
from primitives.ids import Address, Hash32, Instant
from primitives.params import ChainParams
from primitives.transaction import InvalidTransaction
from primitives.transaction.errors import SenderHasCode
from storage.account import ABSENT, Account, has_code


class Mempool:
    """The pool of one node.

    Args:
        params: the chain's rules.
        limits: the node's policy.
        state: the accounts at the head of the chain.
        base_fee: wei per gas of the next block.
        timestamp: the earliest that the next block may have, in seconds.
    """

    __slots__ = (
        "_admissions",
        "_authorities",
        "_by_hash",
        "_byte_count",
        "_gaps",
        "_limits",
        "_params",
        "_pending",
        "_prices",
        "_senders",
        "_state",
        "_waiting",
        "rules",
    )

    def __init__(
        self,
        params: ChainParams,
        limits: MempoolLimits,
        state: SenderReader,
        base_fee: int,
        timestamp: int = 0,
    ) -> None:
        self.rules = params.at(timestamp)
        """In force for the earliest next block. All that is pooled keeps them."""
        self._params = params
        self._limits = limits
        self._state = state
        self._admissions = 0
        self._byte_count = 0
        self._pending = 0
        self._by_hash: dict[Hash32, PoolEntry] = {}
        self._senders: dict[Address, SenderQueue] = {}
        self._gaps = GapIndex(self._senders)
        self._authorities = AuthorityIndex()
        self._waiting = WaitingSenders(base_fee)
        self._prices = PriceIndex(self._by_hash, base_fee)

    def __len__(self) -> int:
        return len(self._by_hash)

    def __contains__(self, transaction_hash: Hash32) -> bool:
        return transaction_hash in self._by_hash

    def get(self, transaction_hash: Hash32) -> PooledTransaction | None:
        """Return the pooled transaction with this hash, or None."""
        entry = self._by_hash.get(transaction_hash)
        return None if entry is None else entry.transaction

    def hashes(self) -> Iterable[Hash32]:
        """Return the hashes of all pooled transactions, in the order of their admission."""
        return self._by_hash.keys()

    def senders(self) -> tuple[Address, ...]:
        """Return the address of everyone who has a transaction here."""
        return tuple(self._senders)

    def queue(self, sender: Address) -> SenderQueue | None:
        """Return what it holds of a sender, to look at; None if that is nothing."""
        return self._senders.get(sender)

    @property
    def byte_count(self) -> int:
        """Bytes of all pooled encodings."""
        return self._byte_count

    @property
    def pending_count(self) -> int:
        """Transactions whose lower nonces are all used or pooled."""
        return self._pending

    @property
    def queued_count(self) -> int:
        """Transactions behind nonce gaps."""
        return len(self._by_hash) - self._pending

    @property
    def waiting_count(self) -> int:
        """Pending transactions of the senders whose next one can pay the base fee."""
        return self._waiting.count

    @property
    def waiting_bytes(self) -> int:
        """Bytes of these transactions' encodings."""
        return self._waiting.byte_count

    @property
    def waiting_gas(self) -> int:
        """Gas limits of these transactions together."""
        return self._waiting.gas

    @property
    def oldest_local_since(self) -> Instant | None:
        """Since when, by this node's admissions, the oldest executable transaction waits.

        None when no transaction could be put into the next block.
        """
        return self._waiting.oldest()

    def waiting_heads(self, before: Instant) -> list[PooledTransaction]:
        """Return the next transaction of each sender that has been executable since `before`."""
        senders = self._waiting.since(before)
        queues = [self._senders[sender] for sender in senders]
        return [queue.entries[queue.next_nonce].transaction for queue in queues]

    def add(self, now: Instant, transaction: PooledTransaction) -> Admission:
        """Admit a transaction that `check_transaction` has accepted, or say why not."""
        try:
            if transaction.hash in self._by_hash:
                raise AlreadyKnown("mempool", "a new transaction", transaction.hash.hex())
            return self._admit(now, recheck_transaction(transaction, self.rules))
        except InvalidTransaction as error:
            return Refused(error.with_traceback(None))

    def select(
        self, state: SenderReader, base_fee: int, gas_limit: int, limits: BatchLimits
    ) -> list[PooledTransaction]:
        """Choose what a block on `state` should contain: best tip first, nonces in order.

        Args:
            state: the accounts that the block is built on; may be ahead of the pool's head by
                blocks that are not final yet, whose transactions are then left out.
            base_fee: of that block, in wei per gas.
            gas_limit: of that block.
            limits: of what to return. The first transaction may exceed its bytes and gas: it
                would never be chosen otherwise.

        Returns:
            Transactions whose gas fits, counting for each the least that it can use. Ties in
            the tip go to what was admitted first.
        """
        account_of = None if state is self._state else state.account
        return select_transactions(self._senders, account_of, base_fee, gas_limit, limits)

    def advance(
        self,
        now: Instant,
        state: SenderReader,
        base_fee: int,
        touched: Iterable[Address],
        timestamp: int = 0,
    ) -> tuple[Hash32, ...]:
        """Move to a new head of the chain.

        Args:
            now: the time of the turn.
            state: the accounts at the new head.
            base_fee: wei per gas of the block after it.
            touched: every address whose account changed since the last head, repeats allowed.
            timestamp: the earliest that the block after it may have, in seconds.

        Returns:
            The hashes that left the pool: included, overtaken by another transaction of their
            nonce, not payable any more, or forbidden by an upgrade.
        """
        self._state = state
        self._prices.set_base_fee(base_fee)
        removed: list[Hash32] = []
        senders, account_of = self._senders, state.account
        for sender in touched:
            queue = senders.get(sender)
            if queue is None:
                continue
            account = account_of(sender) or ABSENT
            before = queue.pending
            queue.delegates = has_code(account) and self._delegates(account)
            for entry in queue.advance(now, account.nonce, account.balance):
                removed.append(entry.transaction.hash)
                self._unlist(entry)
            self._settle(sender, queue, before)
        rules = self._params.at(timestamp)
        if rules.fork != self.rules.fork:
            self.rules = rules
            removed += self._keep_allowed()
        self._waiting.set_base_fee(now, base_fee)
        return tuple(removed)

    def _keep_allowed(self) -> tuple[Hash32, ...]:
        """Look at everything by new rules; drop what they forbid, and return its hashes."""
        forbidden = []
        for entry in self._by_hash.values():
            try:
                entry.transaction = recheck_transaction(entry.transaction, self.rules)
            except InvalidTransaction:
                forbidden.append(entry)
        gone = self._evict(forbidden)
        for sender in dict.fromkeys([entry.transaction.sender for entry in forbidden]):
            if (queue := self._senders.get(sender)) is not None:
                for entry in queue.behind_gaps():
                    self._gaps.add(entry, self.queued_count)
        return gone

    def _admit(self, now: Instant, transaction: PooledTransaction) -> Admission:
        """Check, make room, insert. Nothing has changed when a check refuses."""
        sender, nonce = transaction.sender, transaction.nonce
        queue = self._senders.get(sender) or self._new_queue(sender)
        delegates = queue.delegates or sender in self._authorities
        check_admission(transaction, queue, delegates, self._limits, self._params)
        authorities = check_authorities(transaction, self._senders)
        old = queue.entries.get(nonce)
        is_behind_gap = nonce > queue.pending_end
        gapped = self._gapped_victim(transaction) if is_behind_gap and old is None else None
        evicted = self._make_room(transaction, old or gapped, is_behind_gap)
        if gapped is not None:
            evicted = self._evict([gapped])
        self._senders[sender] = queue
        before = queue.pending
        if old is not None:
            self._unlist(old)
        entry = PoolEntry(transaction, self._admissions, now, self._admissions)
        if old is not None:
            entry.gapped_from = old.gapped_from
        self._admissions += 1
        queue.put(entry)
        queue.promote(now)
        self._by_hash[transaction.hash] = entry
        self._authorities.add(transaction.hash, authorities)
        self._byte_count += len(transaction.raw)
        self._prices.add(entry)
        self._settle(sender, queue, before)
        if is_behind_gap and old is None:
            self._gaps.add(entry, self.queued_count)
        if old is not None:
            return Replaced(old.transaction.hash, evicted)
        return Admitted(nonce < queue.pending_end, evicted)

    def _new_queue(self, sender: Address) -> SenderQueue:
        account = self._state.account(sender) or ABSENT
        delegates = has_code(account) and self._delegates(account)
        if has_code(account) and not delegates:
            raise SenderHasCode("transaction.sender", "an account without code", "a contract")
        start = (account.nonce, account.balance, account.nonce)
        return SenderQueue(*start, delegates=delegates)

    def _delegates(self, account: Account) -> bool:
        """Whether an account's code only names another one (EIP-7702), so that it may send."""
        return designated(self._state.code(account.code_hash)) is not None

    def _gapped_victim(self, incoming: PooledTransaction) -> PoolEntry | None:
        """Return what gives way to a transaction behind a nonce gap; None while there is room."""
        if self.queued_count < self._limits.queued:
            return None
        victim = self._gaps.victim(incoming)
        if victim is None:
            expected = f"at most {self._limits.queued} transactions behind nonce gaps"
            raise QueueFull("mempool", expected, self.queued_count + 1)
        return victim

    def _make_room(
        self, incoming: PooledTransaction, leaving: PoolEntry | None, is_behind_gap: bool
    ) -> tuple[Hash32, ...]:
        """Evict until `incoming` fits, or refuse it without evicting.

        What stands behind a nonce gap evicts nobody for a fee: it may never be executed, so it
        could clear the pool by promising fees that it never pays.

        Args:
            incoming: what needs room.
            leaving: what makes room by itself: the transaction that it replaces, or the one
                that gives way to it behind nonce gaps.
            is_behind_gap: whether `incoming` has to wait for a missing nonce.
        """
        count = len(self._by_hash) + 1 - self._limits.count
        byte_count = self._byte_count + len(incoming.raw) - self._limits.byte_count
        if leaving is not None:
            count -= 1
            byte_count -= len(leaving.transaction.raw)
        if count <= 0 and byte_count <= 0:
            return ()
        if is_behind_gap:
            raise PoolFull("mempool", "room, which none is made for behind a nonce gap", "none")
        return self._evict(self._prices.victims(incoming, self._senders, count, byte_count))

    def _evict(self, victims: list[PoolEntry]) -> tuple[Hash32, ...]:
        for victim in victims:
            sender = victim.transaction.sender
            queue = self._senders[sender]
            before = queue.pending
            queue.take(victim.transaction.nonce)
            self._unlist(victim)
            self._settle(sender, queue, before)
        return tuple(victim.transaction.hash for victim in victims)

    def _unlist(self, entry: PoolEntry) -> None:
        del self._by_hash[entry.transaction.hash]
        self._authorities.remove(entry.transaction.hash)
        self._byte_count -= len(entry.transaction.raw)

    def _settle(self, sender: Address, queue: SenderQueue, pending_before: int) -> None:
        """Bring counts and the waiting order up to date after a change of a queue."""
        pending = queue.pending
        self._pending += pending - pending_before
        if pending:
            head = queue.entries[queue.next_nonce]
            fee_cap = head.transaction.max_fee_per_gas
            self._waiting.put(
                sender,
                head.order,
                head.pending_since,
                fee_cap,
                pending,
                queue.pending_bytes,
                queue.pending_gas,
            )
            return
        self._waiting.drop(sender)
        if not queue.entries:
            del self._senders[sender]
