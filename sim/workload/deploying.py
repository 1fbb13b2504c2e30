"""Contracts that transactions bring: first the deployer's work, then the load."""

from collections.abc import Sequence
from typing import Protocol

from primitives.account_key import AccountKey
from primitives.errors import InvalidInput
from primitives.ids import Address, Hash32, Instant, Wei
from primitives.keccak import keccak256
from sim.workload.calls import Call
from sim.workload.minting import Purse
from sim.workload.outbox import Flight, Outbox
from sim.workload.workload import NetworkView, Submission, Workload, WorkloadContext

GWEI = 10**9
TIP = 3 * GWEI
"""What the deployer offers beside the base fee, wei per gas: more than the load's default."""
HEADROOM = 10
"""Its fee cap is so many times the base fee of the moment, and the tip."""
DEPLOYER_BALANCE = Wei(10**24)
"""A million ether."""


class Loop(Workload, Protocol):
    """Load whose beginning can be put off."""

    def postpone(self, until: Instant) -> None:
        """Send nothing before an instant."""
        ...


def deployer_key(seed: int) -> AccountKey:
    """Return the key of the account that creates contracts in runs of a seed."""
    return AccountKey(keccak256(f"orrery/deployer/{seed}".encode()))


class Deploying:
    """Sends what the deployer has to do, waits until all is final, and lets the load begin.

    Args:
        loop: the load.
        steps: what the deployer does, in order.
        key: of the deployer.
        context: the run.
        start: when it begins, ns.
        outbox: sends, and sends again, what the deployer does.

    Raises:
        InvalidInput: the deployer has sent more than its steps on this chain.
    """

    __slots__ = ("_deployer", "_loop", "_outbox", "_purse", "_start", "_steps")

    def __init__(
        self,
        loop: Loop,
        steps: Sequence[Call],
        key: AccountKey,
        context: WorkloadContext,
        start: Instant,
        outbox: Outbox,
    ) -> None:
        self._loop = loop
        done = context.first_nonces.get(key.address, 0)
        if done > len(steps):
            expected = f"a deployer that has sent no more than {len(steps)} transactions"
            raise InvalidInput("workload", expected, f"one that has sent {done}, for other load")
        # Each step is one transaction, so the nonce of the deployer tells how far it has come.
        self._steps = list(steps[done:])
        self._purse = Purse([key], context.params.chain_id, context.first_nonces)
        self._deployer = key.address
        self._outbox = outbox
        self._start = start

    @property
    def alloc(self) -> Sequence[tuple[Address, Wei]]:
        """Accounts that genesis must fund."""
        return [*self._loop.alloc, (self._deployer, DEPLOYER_BALANCE)]

    def next_at(self) -> Instant | None:
        """When the deployer or the load has something to say next."""
        if self._steps:
            return self._start
        return self._outbox.next_at() if self._outbox.in_flight else self._loop.next_at()

    def due(self, now: Instant, view: NetworkView) -> Sequence[Submission]:
        """Take what the deployer sends; the load's once all of that is final."""
        if self._steps:
            if now < self._start:
                return []
            steps, self._steps = self._steps, []
            return [self._send(step, view) for step in steps]
        if not self._outbox.in_flight:
            return self._loop.due(now, view)
        submissions: list[Submission] = []
        while (at := self._outbox.next_at()) is not None and at <= now:
            submissions.append(self._outbox.resend(view))
        return submissions

    def on_committed(self, now: Instant, hashes: Sequence[Hash32]) -> None:
        """Cross off what the deployer has done."""
        if self._steps or not self._outbox.in_flight:
            self._loop.on_committed(now, hashes)
            return
        self._outbox.settle(hashes)
        if not self._outbox.in_flight:
            self._loop.postpone(now)

    def _send(self, step: Call, view: NetworkView) -> Submission:
        max_fee = TIP + HEADROOM * view.base_fee()
        raw, digest = self._purse.sign(0, step, TIP, max_fee)
        return self._outbox.send(self._start, digest, Flight(raw, 0, 0), view)
