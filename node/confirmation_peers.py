"""What a client of fast confirmation knows about validators: who is quick, who keeps it waiting.

A validator's lag is how long after the first signature for a block its own has come, averaged
over the blocks of late. Patience that was lost only puts a validator further back in the order,
and its next signatures bring it forward again. Who was caught lying stands behind all others
(`node.peer_scores`), and is asked when nobody else is left.
"""

from collections.abc import Iterable

from node.confirmation_messages import TRANSACTIONS_PER_WATCH
from node.peer_scores import PeerScores
from primitives.committee import Committee
from primitives.ids import Duration, Hash32, Instant, NodeId, View

FIRST_KEPT = 64
"""Blocks whose first signature's instant is remembered."""
WATCH_BYTES = 2 * 1024 * 1024
"""Transactions' bytes that are sent in one message at most, one transaction apart."""
WEIGHT = 4
"""A new lag counts as one part in so many."""


class Peers:
    """The validators of one committee, as one client meets them.

    Args:
        committee: the validators.
        offset: where the order begins while nothing is known.
        scores: how the client's node sees its peers.
    """

    __slots__ = ("_committee", "_first", "_index", "_lag", "_scores", "offset", "view")

    def __init__(self, committee: Committee, offset: int, scores: PeerScores) -> None:
        self._committee = committee
        self._scores = scores
        self.offset = offset
        """Where its order began."""
        self._index = {node: index for index, node in enumerate(committee.nodes)}
        self._lag = [0] * committee.size
        """Of each validator, ns."""
        self._first: dict[Hash32, Instant] = {}
        self.view = View(0)
        """The highest one that a quorum is known to have worked in."""

    def index(self, node: NodeId) -> int | None:
        """Return a node's place in the committee; None if it has none."""
        return self._index.get(node)

    def node(self, index: int) -> NodeId:
        """Return the node at a place."""
        return self._committee.members[index].node

    def everybody(self) -> range:
        """Return all places."""
        return range(self._committee.size)

    def ranking(self, now: Instant) -> list[int]:
        """Return all places, the quickest first of those that stand alike."""
        size, offset = self._committee.size, self.offset
        quick = sorted(range(size), key=lambda index: (self._lag[index], (index - offset) % size))
        ranked = self._scores.ranked(now, [self.node(index) for index in quick])
        return [self._index[node] for node in ranked]

    def prover(self, now: Instant, after: int | None = None) -> int:
        """Return whom to ask for proofs: the quickest, but not the one that was asked before."""
        return next((index for index in self.ranking(now) if index != after), 0)

    def holders(self, now: Instant) -> tuple[int, ...]:
        """Return who gets a new transaction: the primary and the quickest, 2f+1 in all.

        So many that f+1 correct ones are among them, whose refusal would be an answer.
        """
        primary = int(self._committee.primary(self.view))
        others = [index for index in self.ranking(now) if index != primary]
        return (primary, *others[: 2 * self._committee.faults])

    def heard(self, now: Instant, index: int, digest: Hash32) -> None:
        """Note that a validator's signature for a block has come."""
        first = self._first.setdefault(digest, now)
        self._lag[index] += (now - first - self._lag[index]) // WEIGHT
        while len(self._first) > FIRST_KEPT:
            del self._first[next(iter(self._first))]

    def blame(self, index: int, patience: Duration) -> None:
        """Put a validator further back, because it lied or kept the client waiting."""
        self._lag[index] += patience

    def portions(self, sized: Iterable[tuple[Hash32, int]]) -> list[list[Hash32]]:
        """Split transactions, each with its bytes, into what one message holds."""
        portions: list[list[Hash32]] = []
        room = 0
        for name, size in sized:
            if not portions or len(portions[-1]) >= TRANSACTIONS_PER_WATCH or room < size:
                portions.append([])
                room = WATCH_BYTES
            portions[-1].append(name)
            room -= size
        return portions
