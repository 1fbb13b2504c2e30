"""The pool against a list that is searched from end to end."""

from dataclasses import dataclass, field

from hypothesis import given, strategies as st

from consensus.batching.policy import BatchLimits
from node.builder import build_block
from node.execution import ExecutedBlock
from node.mempool import Mempool
from node.mempool_types import Admitted, MempoolLimits, Refused, Replaced
from node.validation import PooledTransaction
from primitives.ids import Address, Hash32, Instant
from tests.unit.node.transfers import (
    CONTEXT,
    ETHER,
    FIXED,
    GWEI,
    account,
    chain,
    transfer,
)

SENDERS = 4
GAS_LIMIT = 30_000_000


@dataclass
class Twin:
    """What the pool must hold, recomputed from scratch at every question."""

    nonces: dict[Address, int] = field(default_factory=dict)
    held: list[PooledTransaction] = field(default_factory=list)
    since: dict[tuple[Address, int], int] = field(default_factory=dict)
    """When each place, a sender and a nonce, was taken; a replacement does not take it anew."""

    def hold(self, incoming: PooledTransaction, at: int) -> None:
        """Take in a transaction; places that are free by now are forgotten."""
        places = [(each.sender, each.nonce) for each in self.held]
        self.since = {place: self.since[place] for place in places if place in self.since}
        self.since.setdefault((incoming.sender, incoming.nonce), at)
        self.held.append(incoming)

    def gapped(self) -> list[PooledTransaction]:
        """Return what stands behind nonce gaps, longest first."""
        ready = {each.hash for each in self.pending()}
        queued = [each for each in self.held if each.hash not in ready]
        return sorted(queued, key=lambda each: self.since[each.sender, each.nonce])

    def is_gapped(self, incoming: PooledTransaction) -> bool:
        """Whether a new transaction would stand behind a gap."""
        below = range(self.nonces.get(incoming.sender, 0), incoming.nonce)
        own = {each.nonce for each in self.held if each.sender == incoming.sender}
        return not own.issuperset(below)

    def pending(self) -> list[PooledTransaction]:
        ready = []
        for index in range(SENDERS):
            nonce = self.nonces.get(account(index), 0)
            own = {each.nonce: each for each in self.held if each.sender == account(index)}
            while nonce in own:
                ready.append(own[nonce])
                nonce += 1
        return ready

    def replace(self, old: Hash32 | None, evicted: tuple[Hash32, ...]) -> None:
        gone = {*evicted, old}
        self.held = [each for each in self.held if each.hash not in gone]

    def advance(self, block: ExecutedBlock) -> set[Hash32]:
        self.nonces = {account(i): block.state.nonce(account(i)) for i in range(SENDERS)}
        stale = {each.hash for each in self.held if each.nonce < self.nonces[each.sender]}
        self.replace(None, tuple(stale))
        return stale

    def selection(self, base_fee: int, count_max: int) -> list[PooledTransaction]:
        """Take the best head among all senders, again and again."""
        ready = self.pending()
        chosen: list[PooledTransaction] = []
        blocked: set[Address] = set()
        while len(chosen) < count_max:
            heads: dict[Address, PooledTransaction] = {}
            for each in ready:
                if each not in chosen and each.sender not in blocked:
                    heads.setdefault(each.sender, each)
            payable = {s: each for s, each in heads.items() if each.effective_tip(base_fee) >= 0}
            blocked |= set(heads) - set(payable)
            if not payable:
                break
            best = max(
                payable.values(),
                key=lambda each: (each.effective_tip(base_fee), -self.held.index(each)),
            )
            chosen.append(best)
        return chosen


Step = tuple[str, int, int, int, int]

ADD = st.tuples(
    st.just("add"),
    st.integers(0, SENDERS - 1),
    st.integers(0, 5),
    st.integers(0, 6),
    st.integers(0, 4),
)
MOVE = st.tuples(
    st.just("block"), st.integers(0, 5), st.just(0), st.integers(0, 6), st.integers(0, 4)
)
STEPS = st.lists(st.one_of(ADD, ADD, ADD, MOVE), max_size=40)


def offered(sender: int, nonce: int, tip: int, extra: int) -> PooledTransaction:
    cap = 5 * GWEI + tip * GWEI + extra
    return transfer(sender, nonce, cap=cap, tip=tip * GWEI, value=extra, params=FIXED)


def check(pool: Mempool, twin: Twin, head: ExecutedBlock, base_fee: int) -> None:
    assert sorted(pool.hashes()) == sorted(each.hash for each in twin.held)
    assert pool.byte_count == sum(len(each.raw) for each in twin.held)
    pending = twin.pending()
    assert (pool.pending_count, pool.queued_count) == (len(pending), len(twin.held) - len(pending))
    for count_max in (1, 3, 100):
        chosen = pool.select(head.state, base_fee, GAS_LIMIT, BatchLimits(count_max))
        assert chosen == twin.selection(base_fee, count_max)
    heads = {each.sender: each for each in reversed(pending)}
    payable = [s for s, each in heads.items() if each.max_fee_per_gas >= base_fee]
    assert (pool.oldest_local_since is None) == (not payable)
    waiting = [each for each in pending if each.sender in payable]
    assert pool.waiting_count == len(waiting)
    assert pool.waiting_bytes == sum(len(each.raw) for each in waiting)
    assert pool.waiting_gas == sum(each.gas_limit for each in waiting)


@given(STEPS, st.sampled_from([3, 6, 100]), st.sampled_from([0, 1, 2, 4, 100]))
def test_the_pool_equals_a_searched_list(steps: list[Step], count: int, queued: int) -> None:
    head, base_fee = chain(params=FIXED), GWEI
    pool = Mempool(FIXED, MempoolLimits(count=count, queued=queued), head.state, base_fee)
    twin = Twin()
    for now, (kind, first, nonce, tip, extra) in enumerate(steps):
        at = Instant(now)
        if kind == "add":
            incoming = offered(first, nonce, tip, extra)
            place = [e for e in twin.held if (e.sender, e.nonce) == (incoming.sender, nonce)]
            full = twin.is_gapped(incoming) and not place and len(twin.gapped()) >= queued
            outcome = pool.add(at, incoming)
            if not isinstance(outcome, Refused):
                old = outcome.old if isinstance(outcome, Replaced) else None
                assert [each.hash for each in place] == ([] if old is None else [old])
                if full:
                    assert outcome.evicted == (gap_victim(twin).hash,)
                else:
                    check_victims(twin, incoming, outcome, base_fee)
                twin.replace(None, outcome.evicted)
                twin.hold(incoming, now)
                twin.replace(old, ())
                assert len(pool) <= count
                assert pool.queued_count <= queued
            elif outcome.error.code == "pool_full":
                check_full(twin, incoming, base_fee)
            elif outcome.error.code == "queue_full":
                assert full
                victim = gap_victim(twin) if queued else incoming
                assert victim.sender == incoming.sender
                assert victim.nonce < incoming.nonce or not queued
        else:
            base_fee = GWEI * extra * 3
            chosen = twin.selection(GWEI, first)
            head = build_block(head, chosen, CONTEXT, FIXED)
            removed = pool.advance(at, head.state, base_fee, head.state.changes)
            assert set(removed) == twin.advance(head)
        check(pool, twin, head, base_fee)


def gap_victim(twin: Twin) -> PooledTransaction:
    """Return the last transaction of whoever has stood behind a gap longest."""
    sender = twin.gapped()[0].sender
    return max((each for each in twin.held if each.sender == sender), key=lambda each: each.nonce)


def check_victims(
    twin: Twin, incoming: PooledTransaction, outcome: Admitted | Replaced, base_fee: int
) -> None:
    """Each victim's sender holds something cheaper than what came in, and is another sender."""
    for victim in (each for each in twin.held if each.hash in outcome.evicted):
        own = [each for each in twin.held if each.sender == victim.sender]
        assert victim.sender != incoming.sender
        assert min(each.effective_tip(base_fee) for each in own) < incoming.effective_tip(base_fee)
        assert all(each.nonce <= victim.nonce or each.hash in outcome.evicted for each in own)


def check_full(twin: Twin, incoming: PooledTransaction, base_fee: int) -> None:
    """Nobody else holds anything cheaper, or what came in stands behind a gap."""
    ready = [each.nonce for each in twin.pending() if each.sender == incoming.sender]
    start = twin.nonces.get(incoming.sender, 0)
    others = [each for each in twin.held if each.sender != incoming.sender]
    cheaper = [
        each for each in others if each.effective_tip(base_fee) < incoming.effective_tip(base_fee)
    ]
    assert incoming.nonce > start + len(ready) or not cheaper


@given(st.permutations(range(6)))
def test_the_order_of_arrival_does_not_matter_for_what_is_pending(order: list[int]) -> None:
    pool = Mempool(FIXED, MempoolLimits(), chain({0: ETHER}, FIXED).state, GWEI)
    for now, nonce in enumerate(order):
        pool.add(Instant(now), offered(0, nonce, 1, 0))
    chosen = pool.select(chain({0: ETHER}, FIXED).state, GWEI, GAS_LIMIT, BatchLimits(100))
    assert [each.nonce for each in chosen] == list(range(6))
    assert pool.oldest_local_since == order.index(0)
