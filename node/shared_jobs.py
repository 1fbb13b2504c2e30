"""The computations that a node asks its host for, as `Job`s."""

import msgspec

from node.builder import BuildContext
from node.charging import Charging
from node.demand import ALL_AT_ONCE
from node.execution import ExecutedBlock
from node.executors.executor import NO_HINTS, BlockHints
from node.schedule.hint import ScheduleHint
from node.shared import ComputeCache
from node.validation import PooledTransaction
from node.validation_errors import InvalidBlock, WrongDigest
from primitives.ids import Hash32
from primitives.machine import Demand
from primitives.params import ChainParams
from primitives.transaction import InvalidTransaction


class CheckTransactions(msgspec.Struct, frozen=True):
    """Decode a batch of transactions, check what needs no state, recover the senders."""

    raws: tuple[bytes, ...]
    cache: ComputeCache
    rules: ChainParams | None = None
    """In force for the next block; those that the chain begins with if None."""

    def run(self) -> tuple[PooledTransaction | InvalidTransaction, ...]:
        """Return for each transaction what it is, or why it is refused."""
        return tuple(self.cache.transactions(self.raws, self.rules))


class BuildBlock(msgspec.Struct, frozen=True):
    """Build the block that follows `parent`."""

    parent: ExecutedBlock
    candidates: tuple[PooledTransaction, ...]
    context: BuildContext
    cache: ComputeCache
    charging: Charging

    def run(self) -> ExecutedBlock:
        """Return the built block."""
        return self.cache.build(self.parent, self.candidates, self.context)

    def demand(self, result: ExecutedBlock) -> tuple[Demand, ...]:
        """Return what it took."""
        return self.charging.built(result)


class ExecuteBlock(msgspec.Struct, frozen=True):
    """Validate and execute a block that came from elsewhere."""

    parent: ExecutedBlock
    digest: Hash32
    """The hash under which it was announced."""
    payload: bytes
    cache: ComputeCache
    charging: Charging
    hint: bytes = b""
    """What came with the block (`node.enclosure`), to plan by and to start from; not trusted."""

    def run(self) -> ExecutedBlock | InvalidBlock:
        """Return the executed block, or why it is refused."""
        result = self.cache.execute(self.parent, self.payload, self._hints())
        if isinstance(result, ExecutedBlock) and result.digest != self.digest:
            return WrongDigest("block", self.digest.hex(), result.digest.hex())
        return result

    def demand(self, result: ExecutedBlock | InvalidBlock) -> tuple[Demand, ...]:
        """Return what it took."""
        return self.charging.executed(self.payload, result, self.hint)

    def _hints(self) -> BlockHints:
        """Return what came with the block, if it can be read and this node has use for it."""
        if not self.hint:
            return NO_HINTS
        charging, hints = self.charging, self.charging.hints
        outline = charging.outlines.of(self.payload)
        enclosed = hints.enclosed(self.hint, is_listed=outline.access_list_hash is not None)
        accesses = schedule = None
        if charging.config.scheduler == ALL_AT_ONCE:
            accesses = hints.access_list(enclosed.access_list, outline)
        if enclosed.schedule:
            said = hints.read(enclosed.schedule, len(outline.hashes))
            schedule = said if isinstance(said, ScheduleHint) else None
        return BlockHints(schedule, accesses)
