"""Whom a node tells of a transaction at once, and whom by rounds.

A few neighbours, drawn for each transaction anew, are told at once, so that it travels fast as far
as chance carries it. It reaches about four fifths of all nodes with two, of whatever degree; rounds
bring it to the others. Neighbours that cannot reconcile are told at once too, and nobody is told
what it has told of itself.

Reference: BIP 330, "Low-fanout flooding". There outgoing links are preferred, because strangers
choose who they call; here neighbours are configured, and what is drawn anew for each transaction
cannot be guessed.
"""

from collections.abc import Sequence

from network.announcements import Entry, announcements
from network.draws import Draws
from network.reconcile.core import Reconciler
from network.reconcile.state import ReconcileConfig, ReconcileTimer
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import NOTHING, Effect, Send, SetTimer


def begins(own: NodeId, peer: NodeId) -> bool:
    """Tell which end of a link begins the rounds: one of the two, at each node half of its links.

    Args:
        own: this node.
        peer: the other end.
    """
    return (own < peer) == bool((own + peer) % 2)


class ReconcilingAnnouncer:
    """A `network.gossip.Announcer` that reconciles.

    Args:
        own: this node.
        config: limits and delays.
        core: holds the rounds.
        draws: whom to tell at once.
    """

    __slots__ = ("_draws", "_own", "_peers", "config", "core", "heard_from")

    def __init__(
        self, own: NodeId, config: ReconcileConfig, core: Reconciler, draws: Draws
    ) -> None:
        self._own = own
        self.config = config
        self._draws = draws
        self._peers: dict[NodeId, bool] = {}
        """Neighbours, and whether they reconcile."""
        self.heard_from: dict[bytes, list[NodeId]] = {}
        """Who has told of what this node has not told of, oldest first."""
        self.core = core

    def start(self, now: Instant, peers: Sequence[NodeId]) -> list[Effect]:
        """Begin with the neighbours that are linked already, at a moment of this node's own."""
        for peer in peers:
            self.connected(now, peer, reconciles=True)
        if not peers:
            return []
        first = Duration(1 + int(self._draws.integers(self.config.interval)))
        return [SetTimer(ReconcileTimer.ROUND, first)]

    def connected(self, now: Instant, peer: NodeId, *, reconciles: bool) -> Sequence[Effect]:
        """Tell a neighbour of what comes from now on."""
        self._peers[peer] = reconciles
        if reconciles:
            return self.core.connected(now, peer, asks=begins(self._own, peer))
        self.core.disconnected(peer)
        return NOTHING

    def disconnected(self, peer: NodeId) -> None:
        """Do without a neighbour."""
        self._peers.pop(peer, None)
        self.core.disconnected(peer)

    def announce(self, now: Instant, entries: Sequence[Entry]) -> Sequence[Effect]:
        """Tell some of the neighbours now, and let the others wait for rounds."""
        plain = [peer for peer, reconciles in self._peers.items() if not reconciles]
        others = [peer for peer, reconciles in self._peers.items() if reconciles]
        told: dict[NodeId, list[Entry]] = {peer: [] for peer in self._peers}
        later: dict[NodeId, dict[Hash32, tuple[int, int]]] = {peer: {} for peer in others}
        for entry, order in zip(entries, self._orders(len(entries), len(others)), strict=True):
            heard = self.heard_from.pop(entry[0], ())
            for peer in plain:
                if peer not in heard:
                    told[peer].append(entry)
            drawn = [others[place] for place in order if others[place] not in heard]
            for peer in drawn[: self.config.fanout]:
                told[peer].append(entry)
            for peer in drawn[self.config.fanout :]:
                later[peer][entry[0]] = entry[1]
        effects = self._tell(told)
        for peer, waiting in later.items():
            if waiting:
                effects += self.core.add(now, peer, waiting)
        return effects

    def repeat(self, now: Instant, entries: Sequence[Entry]) -> Sequence[Effect]:
        """Tell some neighbours again; most know it, and a round would cost as much for each."""
        peers = list(self._peers)
        told: dict[NodeId, list[Entry]] = {peer: [] for peer in peers}
        for entry, order in zip(entries, self._orders(len(entries), len(peers)), strict=True):
            for place in order[: self.config.fanout]:
                told[peers[place]].append(entry)
        return self._tell(told)

    def heard(self, peer: NodeId, transactions: Sequence[bytes]) -> None:
        """Note that a peer has these: it need not be told."""
        heard = self.heard_from
        for transaction in transactions:
            peers = heard.setdefault(transaction, [])
            if peer not in peers:
                peers.append(peer)
        while len(heard) > self.config.heard_max:
            del heard[next(iter(heard))]
        self.core.heard(peer, transactions)

    def _orders(self, entries: int, peers: int) -> list[list[int]]:
        """Return one order of peers for each entry."""
        drawn: list[list[int]] = self._draws.random((entries, peers)).argsort(axis=1).tolist()
        return drawn

    def _tell(self, told: dict[NodeId, list[Entry]]) -> list[Effect]:
        most = self.config.hashes_per_announcement
        return [
            Send(peer, message)
            for peer, entries in told.items()
            for message in announcements(entries, most)
        ]
