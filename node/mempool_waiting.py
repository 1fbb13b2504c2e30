"""Since when this node has had a transaction that a primary could have included.

The answer drives the request timer of consensus, so it must not blame a primary for what no
primary could do. A transaction waits only if it is *executable*: its sender's lower nonces are
in the pool, and the first of them can pay the current base fee. Only each sender's head (lowest
pending nonce) is looked at, since whatever stands behind it cannot be older in effect.

A sender whose head cannot pay is parked, with all that stands behind it. A change of the base
fee moves only the senders it concerns, by two heaps ordered by the heads' fee caps.
"""

import msgspec

from node.mempool_heap import LazyHeap
from primitives.ids import Address, Instant


class _Head(msgspec.Struct, gc=False):
    """The lowest pending transaction of one sender."""

    order: int
    since: Instant
    fee_cap: int
    pending: int
    byte_count: int
    gas: int
    parked: bool


class WaitingSenders:
    """Senders with executable transactions, oldest head first.

    Args:
        base_fee: wei per gas of the next block.
    """

    __slots__ = (
        "_base_fee",
        "_heads",
        "_oldest",
        "_parked",
        "_payable",
        "_priced",
        "_unparked_at",
        "byte_count",
        "count",
        "gas",
    )

    def __init__(self, base_fee: int) -> None:
        self.count = 0
        """Pending transactions of senders that are not parked."""
        self.byte_count = 0
        """Bytes of their encodings."""
        self.gas = 0
        """Their gas limits together."""
        self._base_fee = base_fee
        self._heads: dict[Address, _Head] = {}
        self._unparked_at: dict[Address, Instant] = {}
        self._oldest: LazyHeap[tuple[int, int, Address]] = LazyHeap(self._is_waiting)
        self._payable: LazyHeap[tuple[int, int, Address]] = LazyHeap(self._is_payable)
        self._priced = False
        """Whether `_payable` is kept: from the first change of the base fee on. Where it is
        fixed, nobody ever asks."""
        self._parked: LazyHeap[tuple[int, int, Address]] = LazyHeap(self._is_parked)

    def put(
        self,
        sender: Address,
        order: int,
        since: Instant,
        fee_cap: int,
        pending: int,
        byte_count: int,
        gas: int,
    ) -> None:
        """Set a sender's head, and what of its transactions is pending.

        Args:
            order: number of the head's admission, unique in this pool.
            since: when the head became pending.
            fee_cap: the head's maximum fee per gas, in wei.
            pending: how many of the sender's transactions are pending.
            byte_count: bytes of their encodings.
            gas: their gas limits together.
        """
        head = self._heads.get(sender)
        self._forget(head)
        if head is not None and head.order == order:
            head.pending, head.byte_count, head.gas = pending, byte_count, gas
            self._remember(head)
            return
        since = max(since, self._unparked_at.get(sender, since))
        head = _Head(order, since, fee_cap, pending, byte_count, gas, parked=False)
        self._heads[sender] = head
        if fee_cap < self._base_fee:
            head.parked = True
            self._parked.push((-fee_cap, order, sender), len(self._heads))
        else:
            self._admit(sender, head)

    def drop(self, sender: Address) -> None:
        """Forget a sender that has nothing pending any more."""
        self._forget(self._heads.pop(sender, None))
        self._unparked_at.pop(sender, None)

    def set_base_fee(self, now: Instant, base_fee: int) -> None:
        """Park and unpark the senders that a new base fee concerns.

        An unparked sender waits from `now`: nobody could have included it before.
        """
        if base_fee == self._base_fee:
            return
        self._base_fee = base_fee
        if not self._priced:
            self._priced = True
            heads = self._heads.items()
            self._payable.refill([(h.fee_cap, h.order, s) for s, h in heads if not h.parked])
        if not self._heads:
            return
        while (entry := self._payable.first()) is not None and entry[0] < base_fee:
            head = self._heads[entry[2]]
            self._forget(head)
            head.parked = True
            self._parked.push((-head.fee_cap, head.order, entry[2]), len(self._heads))
        while (entry := self._parked.first()) is not None and -entry[0] >= base_fee:
            head = self._heads[entry[2]]
            head.parked = False
            head.since = self._unparked_at[entry[2]] = now
            self._admit(entry[2], head)

    def oldest(self) -> Instant | None:
        """Return when the oldest executable head became so; None when there is none."""
        entry = self._oldest.first()
        return None if entry is None else Instant(entry[0])

    def since(self, before: Instant) -> list[Address]:
        """Return the senders whose head became executable at `before` or earlier."""
        return [
            sender
            for sender, head in self._heads.items()
            if not head.parked and head.since <= before
        ]

    def _admit(self, sender: Address, head: _Head) -> None:
        self._remember(head)
        self._oldest.push((head.since, head.order, sender), len(self._heads))
        if self._priced:
            self._payable.push((head.fee_cap, head.order, sender), len(self._heads))

    def _forget(self, head: _Head | None) -> None:
        if head is not None and not head.parked:
            self.count -= head.pending
            self.byte_count -= head.byte_count
            self.gas -= head.gas

    def _remember(self, head: _Head) -> None:
        if not head.parked:
            self.count += head.pending
            self.byte_count += head.byte_count
            self.gas += head.gas

    def _is_waiting(self, entry: tuple[int, int, Address]) -> bool:
        head = self._heads.get(entry[2])
        return (
            head is not None
            and not head.parked
            and head.order == entry[1]
            and head.since == entry[0]
        )

    def _is_payable(self, entry: tuple[int, int, Address]) -> bool:
        head = self._heads.get(entry[2])
        return head is not None and not head.parked and head.order == entry[1]

    def _is_parked(self, entry: tuple[int, int, Address]) -> bool:
        head = self._heads.get(entry[2])
        return head is not None and head.parked and head.order == entry[1]
