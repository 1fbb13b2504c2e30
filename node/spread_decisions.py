"""Blocks for those who do not vote, where proposals go over a mesh.

A follower is in the mesh too, so it holds each block as soon as the committee does. What it lacks
is the proof that the block is decided: its primary sends that after it over the same mesh. Block
and proof together go to the sync core, as an answer that came without a question, and are verified
and executed in their turn.

Neighbours announce every decided block as well. A follower that holds the block waits a moment for
its proof; if none comes, because the primary is dead, it fetches the block as it would otherwise.
"""

from collections.abc import Callable, Sequence

import msgspec

from network.messages import AnnounceBlock, CertifiedBlock
from network.sync import Sync
from node.certificates import CertificateReader
from node.events import SpreadTimer
from node.ledger import Ledger
from primitives.errors import InvalidEncoding
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import NOTHING, Effect, SetTimer

PATIENCE = Duration(500_000_000)
"""How long the proof of a block that is here may take after a neighbour's announcement, in ns."""
HELD_MAX = 64
"""Blocks that are held without proof, and proofs without block."""
HELD_BYTES_MAX = 64 << 20

Announced = Callable[[Instant, NodeId, AnnounceBlock], Sequence[Effect]]


class _Proof(msgspec.Struct, frozen=True, gc=False):
    height: int
    peer: NodeId
    """Who answers for it."""
    certificate: bytes


class _Held(msgspec.Struct, frozen=True, gc=False):
    height: int
    payload: bytes


class Decisions:
    """Blocks and proofs of one follower.

    Args:
        ledger: its blocks.
        sync: verifies what comes.
        certificates: reads proofs.
        announced: takes an announcement that nothing else answers.
    """

    __slots__ = (
        "_announced",
        "_certificates",
        "_held",
        "_ledger",
        "_proofs",
        "_sync",
        "_told",
    )

    def __init__(
        self, ledger: Ledger, sync: Sync, certificates: CertificateReader, announced: Announced
    ) -> None:
        self._ledger = ledger
        self._sync = sync
        self._certificates = certificates
        self._announced = announced
        self._held: dict[Hash32, _Held] = {}
        self._proofs: dict[Hash32, _Proof] = {}
        self._told: dict[Hash32, tuple[NodeId, AnnounceBlock]] = {}
        """Who was the first to announce a block that is held."""

    def hold(self, now: Instant, height: int, digest: Hash32, payload: bytes) -> Sequence[Effect]:
        """Keep a proposed block until it is decided."""
        self._held[digest] = _Held(height, payload)
        size = sum([len(held.payload) for held in self._held.values()])
        while len(self._held) > HELD_MAX or size > HELD_BYTES_MAX:
            size -= len(self._held.pop(next(iter(self._held))).payload)
        return self._join(now, digest)

    def prove(self, now: Instant, peer: NodeId, encoded: bytes) -> Sequence[Effect] | None:
        """Take a proof; None if it is none."""
        try:
            certificate = self._certificates.read(encoded)
        except InvalidEncoding:
            return None
        digest = Hash32(certificate.digest)
        self._proofs[digest] = _Proof(certificate.sequence, peer, encoded)
        if len(self._proofs) > HELD_MAX:
            del self._proofs[next(iter(self._proofs))]
        return self._join(now, digest)

    def on_announce_block(
        self, now: Instant, sender: NodeId, message: AnnounceBlock
    ) -> Sequence[Effect]:
        """Wait for the proof of a block that is here; fetch another."""
        digest = Hash32(message.digest)
        if digest not in self._held or message.height <= self._ledger.height:
            return self._announced(now, sender, message)
        begun = not self._told
        self._told.setdefault(digest, (sender, message))
        return (SetTimer(SpreadTimer.PROOF, PATIENCE),) if begun else NOTHING

    def on_timeout(self, now: Instant) -> Sequence[Effect]:
        """Fetch what was announced and has still no proof here."""
        told, self._told = self._told, {}
        effects: list[Effect] = []
        for sender, message in told.values():
            if message.height > self._ledger.height:
                effects += self._announced(now, sender, message)
        return effects

    def forget(self, height: int) -> None:
        """Drop what is decided here."""
        self._held = {name: each for name, each in self._held.items() if each.height > height}
        self._proofs = {name: each for name, each in self._proofs.items() if each.height > height}

    def _join(self, now: Instant, digest: Hash32) -> Sequence[Effect]:
        held, proof = self._held.get(digest), self._proofs.get(digest)
        if held is None or proof is None:
            return NOTHING
        block = CertifiedBlock(held.payload, proof.certificate)
        return self._sync.offered(now, proof.peer, proof.height, block)
