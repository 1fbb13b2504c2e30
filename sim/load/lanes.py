"""Accounts that take turns: each sends one transaction after the other, never two at once.

A node refuses, or keeps waiting, what comes before its predecessor; and two requests on two
connections may overtake each other. So an account is busy until its transaction has been answered,
and another one takes the next turn. Each account also has only so many in the air, because pools
admit only so many of one sender.
"""

from collections import deque
from collections.abc import Sequence

from sim.load.signing import Signed


class Lane:
    """One account with the transactions that are signed for it."""

    __slots__ = (
        "asked",
        "busy",
        "expected",
        "home",
        "in_flight",
        "index",
        "is_queued",
        "ready",
        "retired",
        "shift",
        "tries",
    )

    def __init__(self, index: int, nonce: int) -> None:
        self.index = index
        self.ready: deque[Signed] = deque()
        self.expected = nonce
        """Nonce of the next transaction that may join `ready`."""
        self.asked = b""
        """Hash of the transaction that a node has been asked to take, and has not answered for."""
        self.busy = False
        """Whether a transaction is being answered, or the account pauses."""
        self.home = -1
        """Highest nonce of its own that a block has held."""
        self.in_flight = 0
        """Taken by a node and in no block yet."""
        self.retired = False
        """Whether it can send nothing more: it has run out of money."""
        self.shift = 0
        """By how many nodes it has moved on from its own."""
        self.tries = 0
        """Refusals in a row."""
        self.is_queued = False


class Lanes:
    """All accounts, in the order of their turns.

    Args:
        nonces: with which they go on.
        in_flight_max: most transactions of one account that are in no block.
    """

    __slots__ = ("_free", "_retired", "lanes", "most", "signed")

    def __init__(self, nonces: Sequence[int], in_flight_max: int) -> None:
        self.lanes = [Lane(index, nonce) for index, nonce in enumerate(nonces)]
        self._free: deque[Lane] = deque()
        self.most = in_flight_max
        self._retired = 0
        self.signed = 0
        """Transactions that are ready."""

    @property
    def all_retired(self) -> bool:
        """Whether nobody can send anything."""
        return self._retired == len(self.lanes)

    @property
    def retired(self) -> int:
        """How many accounts send nothing more."""
        return self._retired

    @property
    def has_free(self) -> bool:
        """Whether `take` would return something."""
        return bool(self._free)

    def add(self, signed: Signed) -> None:
        """Take a signed transaction in, if it is the one that its account needs next."""
        lane = self.lanes[signed.account]
        if signed.nonce != lane.expected or lane.retired:
            return
        lane.expected += 1
        lane.ready.append(signed)
        self.signed += 1
        self.settle(lane)

    def take(self) -> tuple[Lane, Signed] | None:
        """Return the account whose turn it is, now busy, and its transaction."""
        if not self._free:
            return None
        lane = self._free.popleft()
        lane.is_queued = False
        lane.busy = True
        self.signed -= 1
        return lane, lane.ready.popleft()

    def release(self, lane: Lane) -> None:
        """An account is no longer busy."""
        lane.busy = False
        self.settle(lane)

    def put_back(self, lane: Lane, signed: Signed) -> None:
        """Let a transaction that nobody took be its account's next one again."""
        lane.ready.appendleft(signed)
        self.signed += 1

    def restart(self, lane: Lane, nonce: int) -> None:
        """Throw away what is signed for an account, which goes on with another nonce."""
        if lane.is_queued:
            self._free.remove(lane)
            lane.is_queued = False
        self.signed -= len(lane.ready)
        lane.ready.clear()
        lane.expected = nonce

    def retire(self, lane: Lane) -> None:
        """An account sends nothing more."""
        if not lane.retired:
            lane.retired = True
            self._retired += 1
            self.restart(lane, lane.expected)

    def settle(self, lane: Lane) -> None:
        """Give an account a turn if it can take one."""
        able = lane.ready and not lane.busy and lane.in_flight < self.most
        if able and not lane.is_queued:
            lane.is_queued = True
            self._free.append(lane)

    def wanting(self, depth: int, most: int) -> list[int]:
        """Return accounts, up to `most` mentions, that have less than `depth` ready."""
        wanted: list[int] = []
        for lane in self.lanes:
            lack = 0 if lane.retired else depth - len(lane.ready)
            wanted += [lane.index] * max(lack, 0)
            if len(wanted) >= most:
                break
        return wanted[:most]
