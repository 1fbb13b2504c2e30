"""Adopts blocks that were fetched with their certificates: verify, execute, make final.

Blocks of one answer are taken in order, each on top of the last. Nothing of a peer is believed:
the certificate must prove the digest, and the payload must be the block with that digest and
execute. The first block that fails ends the answer, and the peer is counted as a liar.
"""

from collections import deque
from collections.abc import Sequence

import msgspec

from consensus.certificate import Certificate, InvalidCertificate
from network.messages import CertifiedBlock
from network.offences import Offence
from network.sync import BlocksFetched, Sync
from node.commits import Commits
from node.config import Environment, NodeConfig
from node.demand import block_demand
from node.execution import ExecutedBlock
from node.intake import Intake
from node.ledger import Ledger
from node.requests import Purpose, Requests
from node.shared_jobs import ExecuteBlock
from node.trace import BlockRefused
from node.validation_errors import InvalidBlock
from primitives.errors import InvalidEncoding
from primitives.ids import Instant
from primitives.machine import Compute, Demand, Effect, Emit


class AdoptPurpose(Purpose, frozen=True, gc=False):
    """A fetched block is being verified and executed."""

    height: int
    certificate: Certificate
    encoded: bytes


class CheckCertifiedBlock(msgspec.Struct, frozen=True):
    """Verify a certificate, then execute its block."""

    certificate: bytes
    environment: Environment
    execution: ExecuteBlock

    def run(self) -> ExecutedBlock | InvalidBlock | InvalidCertificate:
        """Return the executed block, or what is wrong."""
        shared, epoch = self.environment, self.execution.parent.epoch
        try:
            shared.certificates.verify(
                self.certificate, epoch.committee, epoch.number, shared.verifier_of(epoch)
            )
        except InvalidCertificate as error:
            return error.with_traceback(None)
        return self.execution.run()

    def demand(
        self, result: ExecutedBlock | InvalidBlock | InvalidCertificate
    ) -> tuple[Demand, ...]:
        """Return what it took, beside the votes of the certificate."""
        if isinstance(result, InvalidCertificate):
            return ()
        return self.execution.demand(result)


class Adoption:
    """Turns fetched blocks of one node into final ones."""

    __slots__ = (
        "_blocks",
        "_charging",
        "_commits",
        "_environment",
        "_intake",
        "_ledger",
        "_next",
        "_requests",
        "_sync",
    )

    def __init__(
        self,
        config: NodeConfig,
        environment: Environment,
        ledger: Ledger,
        intake: Intake,
        commits: Commits,
        sync: Sync,
        requests: Requests,
    ) -> None:
        self._charging = environment.charging(config.execution)
        self._environment = environment
        self._ledger = ledger
        self._intake = intake
        self._commits = commits
        self._sync = sync
        self._requests = requests
        self._blocks: deque[CertifiedBlock] = deque()
        self._next = 0
        """Height of the first of them."""

    def on_blocks_fetched(self, now: Instant, effect: BlocksFetched) -> Sequence[Effect]:
        """Begin with the first block of an answer."""
        self._blocks.extend(effect.blocks)
        self._next = effect.first
        return self._proceed(now)

    def checked(
        self,
        now: Instant,
        purpose: AdoptPurpose,
        result: ExecutedBlock | InvalidBlock | InvalidCertificate,
    ) -> Sequence[Effect]:
        """Make a good block final and take the next; end the answer at a bad one."""
        if not isinstance(result, ExecutedBlock):
            return self._refuse(now, purpose.height, purpose.certificate.digest, str(result))
        if purpose.height != self._ledger.height + 1:
            return self._proceed(now)
        if result.transactions:
            self._intake.recovered.update(self._environment.outlines.hashes(result.payload))
        effects = self._commits.adopt(now, result, purpose.encoded, purpose.certificate)
        effects += self._proceed(now)
        return effects

    def _proceed(self, now: Instant) -> Sequence[Effect]:
        """Check the next block that is not final here yet; report the end of the answer."""
        while self._blocks:
            block, height = self._blocks.popleft(), self._next
            self._next += 1
            if height > self._ledger.height:
                return self._check(now, height, block)
        return self._sync.checked(now)

    def _check(self, now: Instant, height: int, block: CertifiedBlock) -> list[Effect]:
        try:
            certificate = self._environment.certificates.read(block.certificate)
        except InvalidEncoding as error:
            return self._refuse(now, height, b"", str(error))
        if certificate.sequence != height:
            reason = f"certificate: expected one of height {height}, got {certificate.sequence}"
            digest = certificate.digest
            return self._refuse(now, height, digest, reason, Offence.MISPLACED)
        shared = self._environment
        signatures = min(len(certificate.signers), self._ledger.tip.epoch.committee.size)
        hashes = shared.outlines.hashes(block.payload)
        votes = shared.verifier.policy.costs.checking(signatures)
        demand = (*votes, *block_demand(hashes, self._intake.recovered))
        execution = ExecuteBlock(
            self._ledger.tip, certificate.digest, block.payload, shared.cache, self._charging
        )
        job = CheckCertifiedBlock(block.certificate, shared, execution)
        purpose = AdoptPurpose(height, certificate, block.certificate)
        return [Compute(self._requests.open(purpose), demand, job)]

    def _refuse(
        self,
        now: Instant,
        height: int,
        digest: bytes,
        reason: str,
        offence: Offence = Offence.FALSE_BLOCK,
    ) -> list[Effect]:
        self._blocks.clear()
        refused = Emit(BlockRefused(height, digest, reason))
        return [refused, *self._sync.checked(now, offence)]
