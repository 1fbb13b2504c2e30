"""Answers consensus: builds the blocks it asks for, executes the blocks it is shown.

Several sequences are in flight, so the parent of a block is often not final, and sometimes not
even executed yet: what needs it waits here, bounded, until `BlockExecuted` tells of it. The pool
is asked for what fits on the parent's state, so that transactions of undecided ancestors are
not chosen twice.
"""

from collections.abc import Sequence

import msgspec

from consensus.effects import BlockBuilt, BlockValidated, RequestBlock, ValidateBlock
from node.backlog import Backlog
from node.builder import BuildContext
from node.config import Environment, NodeConfig
from node.costs import SELECT
from node.demand import block_demand
from node.events import BlockExecuted, PoolChanged, ToConsensus
from node.evidence import is_covered
from node.execution import ExecutedBlock
from node.execution_base_fee import next_base_fee
from node.intake import Intake
from node.ledger import Ledger
from node.mempool import Mempool
from node.peer_scores import Misdeed, PeerScores
from node.requests import Purpose, Requests
from node.shared_jobs import BuildBlock, ExecuteBlock
from node.trace import BlockBuiltTraced, BlockRefused
from node.validation_errors import InvalidBlock
from node.validation_header import check_timestamp_drift, earliest_timestamp
from primitives.ids import Duration, Hash32, Instant
from primitives.machine import NOTHING, Compute, Effect, Emit, Measured, SetTimer, Work

SECOND_NS = 1_000_000_000


class BuildPurpose(Purpose, frozen=True, gc=False):
    """The block of `request` is being built."""

    request: RequestBlock


class ExecutePurpose(Purpose, frozen=True, gc=False):
    """The block of `proposal` is being executed."""

    proposal: ValidateBlock


class BuildTimer(msgspec.Struct, frozen=True, gc=False):
    """Names the timer of a block whose timestamp would be ahead of the clock."""

    request: RequestBlock


class Proposals:
    """The node's answers to `RequestBlock` and `ValidateBlock`."""

    __slots__ = (
        "_backlog",
        "_charging",
        "_config",
        "_environment",
        "_executing",
        "_intake",
        "_ledger",
        "_pool",
        "_requests",
        "_scores",
        "_waiting",
    )

    def __init__(
        self,
        config: NodeConfig,
        environment: Environment,
        ledger: Ledger,
        pool: Mempool,
        backlog: Backlog,
        intake: Intake,
        requests: Requests,
        scores: PeerScores,
    ) -> None:
        self._backlog = backlog
        self._charging = environment.charging(config.execution)
        self._scores = scores
        self._config = config
        self._environment = environment
        self._ledger = ledger
        self._pool = pool
        self._intake = intake
        self._requests = requests
        self._executing: dict[Hash32, None] = {}
        self._waiting: list[RequestBlock | ValidateBlock] = []
        """What waits for its parent, oldest first."""

    def on_request_block(self, now: Instant, request: RequestBlock) -> list[Effect]:
        """Begin to build, once the parent is executed and the clock allows the timestamp."""
        parent = self._ledger.executed(request.parent)
        if parent is None:
            return self._wait(request)
        params = self._environment.genesis.params
        early_ns = earliest_timestamp(parent.block.header, params) * SECOND_NS - self._clock(now)
        ahead_max = self._config.clock_drift_max // 2
        if early_ns > ahead_max:
            return [SetTimer(BuildTimer(request), Duration(early_ns - ahead_max))]
        base_fee = next_base_fee(parent.block.header, params)
        limits = request.limits
        candidates = tuple(self._pool.select(parent.state, base_fee, params.gas_limit, limits))
        context = BuildContext(
            self._config.fee_recipient, self._clock(now) // SECOND_NS, limits=limits
        )
        job = BuildBlock(parent, candidates, context, self._environment.cache, self._charging)
        number = self._requests.open(BuildPurpose(request))
        return [Work(SELECT, len(candidates)), Compute(number, (Measured(),), job)]

    def built(self, now: Instant, purpose: BuildPurpose, block: ExecutedBlock) -> list[Effect]:
        """Hand the built block to consensus."""
        self._ledger.keep(block)
        request = purpose.request
        self._backlog.built(block, request.view)
        answer = BlockBuilt(
            request.view,
            request.sequence,
            block.digest,
            request.parent,
            block.payload,
            closing=block.closing,
            hint=self._charging.hint(block),
        )
        traced = BlockBuiltTraced(
            block.number, block.digest, len(block.transactions), block.block.header.gas_used
        )
        return [
            Emit(traced),
            ToConsensus(answer),
            BlockExecuted(block.digest),
            PoolChanged(news=True),
        ]

    def on_validate_block(self, now: Instant, proposal: ValidateBlock) -> list[Effect]:
        """Begin to execute a proposed block, once its parent is executed."""
        known = self._ledger.executed(proposal.digest)
        if known is not None and known.payload != proposal.payload:
            reason = "its payload is not that of the block with its digest, which is known"
            return self._refuse(proposal, reason, mislabelled=True)
        if known is not None and known.block.header.parent_hash != proposal.parent:
            return self._refuse(proposal, "it stands on another parent")
        if known is not None:
            return [_verdict(proposal, None, closing=known.closing)]
        if proposal.digest in self._executing:
            return []
        head = self._ledger.tip.number
        if proposal.sequence <= head:
            return [_verdict(proposal, self._conflict(proposal))]
        parent = self._ledger.executed(proposal.parent)
        if parent is None and proposal.sequence > head + 1:
            return self._wait(proposal)
        if parent is None:
            return self._refuse(proposal, "its parent is not the head of the chain")
        if parent.number + 1 != proposal.sequence:
            return self._refuse(proposal, f"its parent has height {parent.number}")
        self._executing[proposal.digest] = None
        hashes = self._environment.outlines.hashes(proposal.payload)
        demand = block_demand(hashes, self._intake.recovered)
        job = ExecuteBlock(
            parent,
            proposal.digest,
            proposal.payload,
            self._environment.cache,
            self._charging,
            proposal.hint,
        )
        return [Compute(self._requests.open(ExecutePurpose(proposal)), demand, job)]

    def executed(
        self, now: Instant, purpose: ExecutePurpose, result: ExecutedBlock | InvalidBlock
    ) -> list[Effect]:
        """Tell consensus what execution says."""
        proposal = purpose.proposal
        del self._executing[proposal.digest]
        is_refused = isinstance(result, InvalidBlock)
        proven = is_refused and self._is_covered(proposal)
        if isinstance(result, ExecutedBlock):
            if result.transactions:
                hashes = self._environment.outlines.hashes(result.payload)
                self._intake.recovered.update(hashes)
            result = self._check_clock(now, result)
        if isinstance(result, InvalidBlock):
            mislabelled = is_refused and not proven
            return self._refuse(proposal, str(result), proven=proven, mislabelled=mislabelled)
        self._ledger.keep(result)
        return [
            *self._check_hint(now, proposal, result),
            _verdict(proposal, None, closing=result.closing),
            BlockExecuted(proposal.digest),
        ]

    def _check_hint(
        self, now: Instant, proposal: ValidateBlock, block: ExecutedBlock
    ) -> Sequence[Effect]:
        """Count a false hint against who sent it: the builder of a block knows better."""
        if proposal.hinted_by is None or self._charging.is_true(block, proposal.hint):
            return NOTHING
        return self._scores.count(now, proposal.hinted_by, Misdeed.FALSE_HINT)

    def _is_covered(self, proposal: ValidateBlock) -> bool:
        """Tell whether a proposal's signature covers its payload, hence all faults found in it.

        Of another payload than the digest's nothing follows for the block.
        """
        return is_covered(proposal.payload, proposal.digest)

    def resume(self, now: Instant) -> list[Effect]:
        """Take up what waited, as far as parents are executed now, or can never be any more."""
        effects: list[Effect] = []
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            if isinstance(item, RequestBlock):
                if item.sequence > self._ledger.tip.number:
                    effects += self.on_request_block(now, item)
            else:
                effects += self.on_validate_block(now, item)
        return effects

    def is_executing(self, digest: Hash32) -> bool:
        """Whether this block is being executed, or waits for its parent to be."""
        return digest in self._executing or any(
            isinstance(item, ValidateBlock) and item.digest == digest for item in self._waiting
        )

    def _wait(self, item: RequestBlock | ValidateBlock) -> list[Effect]:
        """Keep `item` until its parent is executed; the oldest gives way when there are many."""
        self._waiting.append(item)
        if len(self._waiting) <= self._config.waiting_proposals:
            return []
        oldest = self._waiting.pop(0)
        if isinstance(oldest, RequestBlock):
            return []
        return self._refuse(oldest, "its parent was not executed in time")

    def _check_clock(self, now: Instant, block: ExecutedBlock) -> ExecutedBlock | InvalidBlock:
        clock = Instant(self._clock(now))
        try:
            check_timestamp_drift(block.block.header, clock, self._config.clock_drift_max)
        except InvalidBlock as error:
            return error.with_traceback(None)
        return block

    def _clock(self, now: Instant) -> int:
        """Return the node's time in ns on the scale of the chain's timestamps."""
        return now + self._environment.genesis.timestamp * SECOND_NS

    def _conflict(self, proposal: ValidateBlock) -> str | None:
        """Return why a proposal for a final height is wrong; None if it is the final block."""
        try:
            final = self._ledger.digest(proposal.sequence)
        except KeyError:
            return "its height is final, and the block of it is not held any more"
        return None if final == proposal.digest else f"{final.hex()} is final at its height"

    def _refuse(
        self,
        proposal: ValidateBlock,
        reason: str,
        *,
        proven: bool = False,
        mislabelled: bool = False,
    ) -> list[Effect]:
        refused = BlockRefused(proposal.sequence, proposal.digest, reason)
        verdict = BlockValidated(
            proposal.digest,
            accepted=False,
            reason=reason,
            proven=proven,
            mislabelled=mislabelled,
        )
        return [Emit(refused), ToConsensus(verdict)]


def _verdict(proposal: ValidateBlock, reason: str | None, *, closing: bool = False) -> Effect:
    accepted = reason is None
    return ToConsensus(BlockValidated(proposal.digest, accepted, reason or "", closing=closing))
