"""Adopts a state that peers give in chunks: verify who made it final, each chunk, then the whole.

Nothing of a peer is believed. An offer is a header with its certificate, and the ends of the
epochs in between: each is signed by the committee that this node knows at that point and commits
to the next one. A chunk must hash to the state root of that header. What is put together in the
end is the state with that root, whoever gave the pieces.
"""

from collections.abc import Sequence

import msgspec

from consensus.certificate import Certificate, InvalidCertificate
from network.messages import Chunk
from network.sync import Sync
from network.transfer import ChunkFetched, ChunksWhole, OfferFetched
from network.transfer_state import split_part
from node.commits import Commits
from node.config import Environment
from node.costs import STATE_ROOT
from node.execution import ExecutedBlock
from node.ledger import Ledger
from node.requests import Purpose, Requests
from node.snapshot import Closing, Manifest, SnapshotLibrary, anchor
from node.snapshot_chunks import LargeStorage, Piece, check_accounts, check_slots
from primitives.codec import decode_canonical
from primitives.epoch import Epoch, epoch_commitment, is_checkpoint
from primitives.errors import InvalidInput
from primitives.header import Header, decode_header, header_hash
from primitives.ids import Hash32, Instant
from primitives.keccak import keccak256
from primitives.machine import Compute, Demand, Effect, Serial
from storage.state import StateLayer
from storage.subtree import InvalidSubtree


class Proven(msgspec.Struct, frozen=True):
    """A checkpoint that a quorum has made final."""

    header: Header
    digest: Hash32
    certificate: Certificate
    encoded: bytes
    """The certificate as it is stored and sent."""
    epoch: Epoch
    """What the block after it belongs to."""
    closings: tuple[Closing, ...]
    """The ends of the epochs that this node had not seen."""


class OfferPurpose(Purpose, frozen=True, gc=False):
    """An offer is being verified."""

    offer: OfferFetched


class ChunkPurpose(Purpose, frozen=True, gc=False):
    """A chunk is being verified."""

    fetched: ChunkFetched


class StatePurpose(Purpose, frozen=True, gc=False):
    """The pieces are being put together."""

    proven: Proven
    kept: int
    """Accounts that came with an older state."""


class CheckOffer(msgspec.Struct, frozen=True):
    """Verify the certificates of an offer."""

    offer: OfferFetched
    epoch: Epoch
    """What this node's next block belongs to."""
    environment: Environment

    def run(self) -> Proven | InvalidInput:
        """Return the checkpoint, or what is wrong."""
        try:
            return self._checked()
        except InvalidInput as error:
            return error.with_traceback(None)

    def _checked(self) -> Proven:
        manifest = decode_canonical(self.offer.manifest, Manifest)
        epoch = self.epoch
        # The node may have come into a later epoch by itself since it asked.
        known = epoch.since
        closings = tuple(c for c in manifest.closings if decode_header(c.header).number > known)
        for closing in closings:
            epoch = self._close(epoch, closing)
        header = decode_header(manifest.header)
        encoded = manifest.certificate
        if closings and closings[-1].header == manifest.header:
            # The one that was looked at; what stands beside it may be anything.
            encoded = closings[-1].certificate
        else:
            self._prove(header, encoded, epoch)
            self._commits_to(header, epoch)
        digest = header_hash(header)
        if (header.number, digest) != (self.offer.height, self.offer.digest):
            expected = f"block {self.offer.height} ({self.offer.digest.hex()})"
            raise InvalidCertificate("offer", expected, f"{header.number} ({digest.hex()})")
        certificate = self.environment.certificates.read(encoded)
        return Proven(header, digest, certificate, encoded, epoch, closings)

    def _close(self, epoch: Epoch, closing: Closing) -> Epoch:
        """Return the epoch that a proven block begins."""
        header = decode_header(closing.header)
        committee = closing.committee
        self._prove(header, closing.certificate, epoch)
        following = Epoch(epoch.number + 1, committee, committee, header.number)
        self._commits_to(header, following)
        return following

    def _prove(self, header: Header, encoded: bytes, epoch: Epoch) -> None:
        """Check that the epoch's committee has made a checkpoint final."""
        shared = self.environment
        if not is_checkpoint(header.number, shared.genesis.params):
            raise InvalidCertificate("offer", "a checkpoint", f"block {header.number}")
        certificate = shared.certificates.read(encoded)
        if certificate.digest != header_hash(header) or certificate.sequence != header.number:
            raise InvalidCertificate("offer", "a certificate of its header", header.number)
        verifier = shared.verifier_of(epoch)
        shared.certificates.verify(encoded, epoch.committee, epoch.number, verifier)

    def _commits_to(self, header: Header, epoch: Epoch) -> None:
        params = self.environment.genesis.params
        expected = epoch_commitment(params, epoch.committee, epoch.number)
        if header.extra_data != expected:
            raise InvalidCertificate("offer", expected.hex(), header.extra_data.hex())


class CheckChunk(msgspec.Struct, frozen=True):
    """Verify a chunk."""

    under: Hash32 | LargeStorage
    """State root, or the account whose slots they are."""
    prefix: str
    chunk: Chunk
    held: Piece | None

    def run(self) -> Piece | InvalidInput:
        """Return what is in it, or what is wrong."""
        try:
            if isinstance(self.under, LargeStorage):
                return check_slots(self.under, self.prefix, self.chunk, self.held)
            return check_accounts(self.under, self.prefix, self.chunk, self.held)
        except InvalidInput as error:
            return error.with_traceback(None)


class BuildState(msgspec.Struct, frozen=True):
    """Put verified pieces together."""

    root: Hash32
    pieces: tuple[Piece, ...]
    library: SnapshotLibrary

    def run(self) -> StateLayer | InvalidSubtree:
        """Return the state; a root that differs would be a fault of this node's own."""
        state = self.library.assembled(self.root, self.pieces)
        if state.root() != self.root:
            return InvalidSubtree("state", self.root.hex(), state.root().hex())
        return state


class Arrival:
    """Turns offers and chunks of peers into the state of one node."""

    __slots__ = (
        "_commits",
        "_environment",
        "_ledger",
        "_older",
        "_pieces",
        "_proven",
        "_requests",
        "_storages",
        "_sync",
        "_target",
    )

    def __init__(
        self,
        environment: Environment,
        ledger: Ledger,
        commits: Commits,
        sync: Sync,
        requests: Requests,
    ) -> None:
        self._environment = environment
        self._ledger = ledger
        self._commits = commits
        self._sync = sync
        self._requests = requests
        self._proven: dict[Hash32, Proven] = {}
        """Offers that were verified, by digest."""
        self._target: Hash32 | None = None
        """The block whose state the pieces belong to."""
        self._pieces: dict[str, Piece] = {}
        """Verified chunks by prefix."""
        self._older: dict[str, Piece] = {}
        """Verified chunks of a state that nobody holds any more."""
        self._storages: dict[bytes, LargeStorage] = {}
        """Accounts of the target whose slots come in chunks of their own, by hashed address."""

    def on_offer_fetched(self, now: Instant, effect: OfferFetched) -> Sequence[Effect]:
        """Verify an offer."""
        job = CheckOffer(effect, self._ledger.tip.epoch, self._environment)
        quorum = self._ledger.tip.epoch.committee.quorum
        demand: tuple[Demand, ...] = (*self._environment.verifier.policy.costs.checking(quorum),)
        return [Compute(self._requests.open(OfferPurpose(effect)), demand, job)]

    def offer_checked(
        self, now: Instant, purpose: OfferPurpose, result: Proven | InvalidInput
    ) -> Sequence[Effect]:
        """Tell sync what an offer is worth."""
        offer, transfer = purpose.offer, self._sync.transfer
        if isinstance(result, Proven):
            self._proven[result.digest] = result
            told = transfer.offer_checked(now, offer.request, offer.height, offer.digest)
            if not transfer.is_active:
                self._proven = {}
            return told
        return transfer.offer_checked(now, offer.request, 0, offer.digest, str(result))

    def on_chunk_fetched(self, now: Instant, effect: ChunkFetched) -> Sequence[Effect]:
        """Verify a chunk."""
        if effect.digest != self._target:
            self._older |= self._pieces
            self._pieces, self._target = {}, effect.digest
            self._storages = {}
            self._proven = {effect.digest: self._proven[effect.digest]}
        proven, chunk = self._proven[effect.digest], effect.chunk
        held = self._pieces.get(effect.prefix) or self._older.get(effect.prefix)
        account, prefix = split_part(effect.prefix)
        under = self._storages[account] if account else proven.header.state_root
        job = CheckChunk(under, prefix, chunk, held)
        slots = len(chunk.slots) + sum([len(row[2]) for row in chunk.contracts])
        demand = (Serial(STATE_ROOT, len(chunk.accounts) + slots + len(chunk.way)),)
        return [Compute(self._requests.open(ChunkPurpose(effect)), demand, job)]

    def chunk_checked(
        self, now: Instant, purpose: ChunkPurpose, result: Piece | InvalidInput
    ) -> Sequence[Effect]:
        """Keep a good chunk; tell sync of a bad one."""
        fetched, transfer = purpose.fetched, self._sync.transfer
        if isinstance(result, InvalidInput):
            return transfer.chunk_checked(now, fetched.request, 0, b"", str(result))
        large = {bytes(keccak256(each.address)): each for each in result.large}
        if fetched.digest == self._target:
            self._pieces[fetched.prefix] = result
            self._storages |= large
        return transfer.chunk_checked(
            now, fetched.request, result.weight, result.reference, storages=tuple(large)
        )

    def on_chunks_whole(self, now: Instant, effect: ChunksWhole) -> Sequence[Effect]:
        """Put the state together."""
        proven = self._proven[effect.digest]
        pieces = tuple(self._pieces.values())
        total = sum(piece.cells for piece in pieces)
        kept = sum(
            len(piece.accounts)
            for prefix, piece in self._pieces.items()
            if self._older.get(prefix) is piece
        )
        job = BuildState(proven.header.state_root, pieces, self._environment.snapshots)
        number = self._requests.open(StatePurpose(proven, kept))
        return [Compute(number, (Serial(STATE_ROOT, total),), job)]

    def assembled(
        self, now: Instant, purpose: StatePurpose, result: StateLayer | InvalidSubtree
    ) -> Sequence[Effect]:
        """Make the checkpoint the head, unless the node has come so far by itself."""
        assert isinstance(result, StateLayer), f"pieces that do not make their state: {result}"
        proven = purpose.proven
        self._proven, self._target = {}, None
        self._pieces, self._older, self._storages = {}, {}, {}
        effects: list[Effect] = []
        if proven.header.number > self._ledger.height:
            block: ExecutedBlock = anchor(proven.header, result, proven.epoch)
            effects += self._commits.leap(
                now, block, proven.encoded, proven.certificate, proven.closings, purpose.kept
            )
        return [*effects, *self._sync.transferred(now)]
