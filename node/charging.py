"""How a node finds out what a job of its own took, once it is done."""

import msgspec

from node.demand import (
    ALL_AT_ONCE,
    OPTIMISTIC,
    ExecutionConfig,
    build_demand,
    execution_demand,
    refused_demand,
)
from node.enclosure import Enclosure
from node.execution import ExecutedBlock
from node.hints import Hints
from node.outlines import Outlines
from node.schedule.hint import ScheduleHint
from node.tally import Tallies
from node.trace import BlockExecutedTraced
from node.validation_errors import InvalidBlock
from primitives.machine import UNSPENT, Completed, Demand, Emit


class Charging(msgspec.Struct, frozen=True):
    """One node's way of executing, with what its process knows of blocks."""

    config: ExecutionConfig
    outlines: Outlines
    tallies: Tallies
    hints: Hints

    def hint(self, block: ExecutedBlock) -> bytes:
        """Return what goes out beside a block that this node has built."""
        useful = self.config.ships_hints and self.tallies.of(block).is_planned
        return self.hints.enclose(block, with_schedule=useful)

    def is_true(self, block: ExecutedBlock, hint: bytes) -> bool:
        """Whether what came with a block is its own, as far as this node has a reason to look.

        Who plans by a graph looks at the schedule hint, who starts from the access list at that.
        What was left out is not false.
        """
        starts_from_list = self.config.scheduler == ALL_AT_ONCE and bool(block.access_list)
        if not (self.config.uses_hints or starts_from_list):
            return True
        enclosed = self.hints.open(hint, is_listed=bool(block.access_list))
        if not isinstance(enclosed, Enclosure):
            return False
        if starts_from_list:
            return enclosed.access_list in (b"", block.access_list)
        return not enclosed.schedule or self._is_schedule(block, enclosed.schedule)

    def _is_schedule(self, block: ExecutedBlock, schedule: bytes) -> bool:
        said = self.hints.read(schedule, len(block.transactions))
        true = self.tallies.of(block)
        return isinstance(said, ScheduleHint) and said == ScheduleHint(true.accesses, true.gas)

    def traced(self, completed: Completed, *, built: bool) -> Emit | None:
        """Return what is to be traced of a job that is done; None if it executed nothing.

        Args:
            completed: the job, and what its task graphs took; where that is not known, it counts
                as nothing.
            built: it built a block of this node's.
        """
        block, spent = completed.result, completed.spent
        if spent is UNSPENT or not isinstance(block, ExecutedBlock):
            return None
        if spent is None and not block.transactions:
            return None
        # A tally takes 10 us a transaction, which a node in real time has better use for.
        critical_path = 0 if spent is None else self.tallies.of(block).critical_path
        spent = spent or UNSPENT
        event = BlockExecutedTraced(
            block.number,
            block.digest,
            built,
            len(block.transactions),
            block.block.header.gas_used,
            critical_path,
            spent.work_ns,
            spent.span_ns,
            spent.repeats,
        )
        return Emit(event)

    def built(self, block: ExecutedBlock) -> tuple[Demand, ...]:
        """Return what it took to build a block."""
        return build_demand(self.tallies.of(block), self.config)

    def executed(
        self, payload: bytes, result: ExecutedBlock | InvalidBlock, hint: bytes = b""
    ) -> tuple[Demand, ...]:
        """Return what it took to execute a block, or to refuse it.

        Args:
            payload: the block's encoding.
            result: of the execution.
            hint: what came with it; any bytes.
        """
        if not isinstance(result, ExecutedBlock):
            outline = self.outlines.of(payload)
            return refused_demand(len(outline.hashes), outline.gas)
        config, tally = self.config, self.tallies.of(result)
        enclosed = self.hints.enclosed(hint, is_listed=bool(result.access_list))
        if config.uses_hints:
            thought = self.hints.thought(result, enclosed.schedule)
            return execution_demand(tally, config.scheduler, thought.accesses)
        has_list = bool(result.access_list) and enclosed.access_list == result.access_list
        if config.scheduler == ALL_AT_ONCE and not has_list:
            return execution_demand(tally, OPTIMISTIC)
        return execution_demand(tally, config.scheduler)
