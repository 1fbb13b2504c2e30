"""A block of a run, found by running the scenario again: same seed, same block."""

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import msgspec

from node.execution import ExecutedBlock
from primitives.errors import InvalidEncoding, InvalidInput
from sim.assembly import build_world
from sim.checkers.events import BLOCK_COMMITTED
from sim.graph.subject import Subject
from sim.report.tracefile import read_trace
from sim.report.writer import SCENARIO, SUMMARY, TRACE
from sim.run import PROGRESS_STEPS, rare_collections
from sim.scenario import load_scenario
from sim.world import World


class _Summary(msgspec.Struct, frozen=True):
    """What is needed of a run's summary."""

    scenario: str
    seed: int


def is_run_directory(folder: Path) -> bool:
    """Whether a folder is one that `orrery run` has written."""
    return (folder / SCENARIO).is_file() and (folder / SUMMARY).is_file()


def read_run_block(folder: Path, height: int | None) -> Subject:
    """Repeat a run as far as needed and return one of its blocks.

    Costs are those of the profile that ships, so a run with others cannot be repeated here; nor
    one of another version, or of a scenario that was changed afterwards.

    Args:
        folder: the run's directory.
        height: of the block; None for the first with the most transactions.

    Raises:
        InvalidInput: the run has no such block or another one there, or its files are malformed.
    """
    place = folder / SUMMARY
    try:
        summary = msgspec.json.decode(place.read_bytes(), type=_Summary)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(str(place), "the summary of a run", str(error)) from error
    scenario = load_scenario(folder / SCENARIO, ())
    found: ExecutedBlock | None = None
    seen = 0
    with build_world(scenario, summary.seed) as world, rare_collections():
        for step in range(1, PROGRESS_STEPS + 1):
            world.run_until(scenario.duration * step // PROGRESS_STEPS)
            for block in _new_blocks(world, seen):
                seen = block.number
                if height is None:
                    fuller = found is None or len(block.transactions) > len(found.transactions)
                    found = block if fuller else found
                elif seen == height:
                    found = block
            if height is not None and found is not None:
                break
    if found is None:
        expected = f"the height of a block, from 1 to {seen}" if seen else "a run with blocks"
        raise InvalidInput(f"{folder}: block", expected, height)
    _require_committed(folder, found)
    return _subject(found, f"{summary.scenario}, seed {summary.seed}")


def _require_committed(folder: Path, block: ExecutedBlock) -> None:
    """Refuse a block that is not the one which the run's trace has, as far as it has any."""
    trace = folder / TRACE
    digest = "0x" + block.digest.hex()
    others: list[str] = []
    if not trace.is_file():
        return
    with suppress(InvalidEncoding):  # a killed run leaves a trace without an end
        for line in read_trace(trace):
            if line.event == BLOCK_COMMITTED and line.fields["height"] == block.number:
                if line.fields["digest"] == digest:
                    return
                others.append(line.fields["digest"])
    if others:
        expected = f"the block {others[0]} of its trace"
        found = f"{digest}: the run had another profile, version or scenario"
        raise InvalidInput(f"{folder}: block {block.number}", expected, found)


def _new_blocks(world: World, seen: int) -> list[ExecutedBlock]:
    """Return the blocks above a height, lowest first."""
    blocks = []
    block = world.head
    while block.number > seen:
        blocks.append(block)
        block = world.block(block.block.header.parent_hash)
    return blocks[::-1]


def _subject(block: ExecutedBlock, run: str) -> Subject:
    totals = [0, *[receipt.cumulative_gas_used for receipt in block.receipts]]
    return Subject(
        name=f"block {block.number} of {run}",
        label=str(block.number),
        transactions=block.transactions,
        accesses=block.accesses,
        gas=tuple([after - before for before, after in pairwise(totals)]),
        fee_recipient=block.block.header.fee_recipient,
    )
