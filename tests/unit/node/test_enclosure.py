"""What stands beside a block on its way: read by whom it serves, bounded, and never trusted."""

import dataclasses
from collections.abc import Sequence

import pytest

from node.charging import Charging
from node.costs import SCHEDULE
from node.demand import LIST_PERCENT, ExecutionConfig, SchedulerName
from node.enclosure import NOTHING_ENCLOSED, Enclosure, decode_enclosure, encode_enclosure
from node.execution import ExecutedBlock, genesis_executed
from node.executors.executor import NO_HINTS, BlockHints
from node.hints import Hints
from node.outlines import Outline, Outlines
from node.schedule.hint import HINT_BYTES_MAX, MalformedHint
from node.shared import ComputeCache
from node.shared_jobs import ExecuteBlock
from node.tally import Tallies, tally
from node.validation_errors import InvalidBlock
from primitives.block_access_list import GAS_PER_ITEM, decode_access_list, item_count
from primitives.codec import encode_canonical
from primitives.genesis import Genesis
from primitives.keccak import keccak256
from primitives.machine import Demand, TaskGraph
from tests.unit.node.test_demand import ALLOC, BLOCK as UNLISTED, CONTRACTS, ONE, OTHER, call
from tests.unit.node.transfers import COMMITTEE, FIXED, built

LISTED = dataclasses.replace(FIXED, block_access_list=True)
GENESIS = genesis_executed(Genesis(LISTED, ALLOC, COMMITTEE, contracts=CONTRACTS))
BLOCK = built(GENESIS, call(0, ONE), call(1, ONE), call(2, OTHER), params=LISTED)
LIST = BLOCK.access_list
OUTLINE = Outlines().of(BLOCK.payload)
RIGHT = encode_enclosure(b"", LIST)
WRONG = encode_enclosure(b"", b"\xc0")
JUNK = b"junk"


def charging(scheduler: SchedulerName) -> Charging:
    return Charging(ExecutionConfig(scheduler), Outlines(), Tallies(), Hints())


# ---------------------------------------------------------------- its form


@pytest.mark.parametrize("parts", [(b"hint", b"list"), (b"hint", b""), (b"", b"list")])
def test_hint_and_list_travel_together_or_alone(parts: tuple[bytes, bytes]) -> None:
    encoded = encode_canonical(Enclosure(*parts))
    assert decode_enclosure(encoded, is_listed=True) == Enclosure(*parts)
    if parts[1]:
        assert encode_enclosure(*parts) == encoded


def test_without_lists_a_hint_goes_as_it_is() -> None:
    assert encode_enclosure(b"hint", b"") == b"hint"
    assert decode_enclosure(b"hint", is_listed=False) == Enclosure(b"hint")


def test_no_bytes_are_nothing() -> None:
    assert encode_enclosure(b"", b"") == b""
    for is_listed in (False, True):
        assert decode_enclosure(b"", is_listed=is_listed) == NOTHING_ENCLOSED


@pytest.mark.parametrize(
    "data",
    [
        JUNK,
        RIGHT + b"\0",
        RIGHT[:-1],
        encode_canonical(NOTHING_ENCLOSED),
        encode_canonical((b"hint", "list")),
        encode_canonical(Enclosure(b"", bytes(HINT_BYTES_MAX))),
    ],
)
def test_any_other_form_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedHint, match="enclosure"):
        decode_enclosure(data, is_listed=True)


def test_what_is_too_long_is_left_out_the_hint_first() -> None:
    half = bytes(HINT_BYTES_MAX * 2 // 3)
    long = bytes(HINT_BYTES_MAX)
    for parts, left in (
        ((half, half), (b"", half)),
        ((half, long), (half, b"")),
        ((long, half), (b"", half)),
    ):
        encoded = encode_enclosure(*parts)
        assert len(encoded) <= HINT_BYTES_MAX
        assert decode_enclosure(encoded, is_listed=True) == Enclosure(*left)
    assert encode_enclosure(b"", long) == encode_enclosure(long, long) == b""


# ---------------------------------------------------------------- the list in it


def test_the_right_list_is_decoded_once() -> None:
    hints = Hints()
    found = hints.access_list(LIST, OUTLINE)
    assert found == decode_access_list(LIST)
    assert hints.access_list(bytes(bytearray(LIST)), OUTLINE) is found


@pytest.mark.parametrize("listed", [b"", b"\xc0", JUNK, LIST + b"\0"])
def test_a_list_with_another_hash_is_not_used(listed: bytes) -> None:
    assert Hints().access_list(listed, OUTLINE) is None


@pytest.mark.parametrize("listed", [JUNK, b"\xc1\xc0", b"\xc0\x00"])
def test_nor_is_one_that_cannot_be_read_though_its_header_vouches_for_it(listed: bytes) -> None:
    outline = Outline((), 0, 60_000_000, keccak256(listed))
    hints = Hints()
    assert hints.access_list(listed, outline) is None
    assert hints.access_list(listed, outline) is None


def test_nor_one_with_more_items_than_its_block_has_gas_for() -> None:
    enough = item_count(decode_access_list(LIST)) * GAS_PER_ITEM
    for gas_limit, fits in ((enough, True), (enough - 1, False), (GAS_PER_ITEM, False)):
        outline = Outline((), 0, gas_limit, keccak256(LIST))
        assert (Hints().access_list(LIST, outline) is not None) is fits


# ---------------------------------------------------------------- who sends and reads it


def test_builders_send_the_list_and_those_that_plan_a_hint_with_it() -> None:
    both = decode_enclosure(charging("critical-path").hint(BLOCK), is_listed=True)
    assert both == Enclosure(Hints().make(BLOCK), LIST)
    for scheduler in ("serial", "optimistic", "all-at-once"):
        assert charging(scheduler).hint(BLOCK) == RIGHT
        assert charging(scheduler).hint(UNLISTED) == b""
    empty = built(GENESIS, params=LISTED)
    assert charging("serial").hint(empty) == encode_enclosure(b"", empty.access_list)


def graph_of(demand: Sequence[Demand]) -> TaskGraph:
    (graph,) = [each for each in demand if isinstance(each, TaskGraph)]
    return graph


def test_reading_the_list_is_charged_where_it_is_read() -> None:
    read = ((SCHEDULE, LIST_PERCENT * tally(BLOCK).access_count // 100),)
    graph = graph_of(charging("all-at-once").executed(BLOCK.payload, BLOCK, RIGHT))
    assert (graph.scheduler, graph.edges, graph.before) == ("all-at-once", (), read)
    for scheduler in ("serial", "optimistic", "critical-path"):
        charged = charging(scheduler)
        without = charged.executed(BLOCK.payload, BLOCK)
        assert charged.executed(BLOCK.payload, BLOCK, RIGHT) == without


@pytest.mark.parametrize("beside", [b"", WRONG, JUNK, encode_canonical(Enclosure(b"hint"))])
def test_without_the_right_list_all_at_once_is_optimistic(beside: bytes) -> None:
    demand = charging("all-at-once").executed(BLOCK.payload, BLOCK, beside)
    assert demand == charging("optimistic").executed(BLOCK.payload, BLOCK)


def test_a_wrong_list_counts_where_it_would_have_been_used() -> None:
    reader = charging("all-at-once")
    assert [reader.is_true(BLOCK, each) for each in (RIGHT, b"", WRONG, JUNK)] == [
        True,
        True,
        False,
        False,
    ]
    assert reader.is_true(BLOCK, encode_canonical(Enclosure(b"hint"))), "the list was left out"
    assert reader.is_true(UNLISTED, JUNK)
    for scheduler in ("serial", "optimistic"):
        assert charging(scheduler).is_true(BLOCK, JUNK)
    planner = charging("critical-path")
    assert planner.is_true(BLOCK, planner.hint(BLOCK))
    assert planner.is_true(BLOCK, WRONG), "it has no use for lists"
    assert not planner.is_true(BLOCK, encode_enclosure(b"hint", LIST))
    assert not planner.is_true(BLOCK, JUNK)


class Asked(ComputeCache):
    """Notes what an executor would be told."""

    __slots__ = ("told",)

    def execute(
        self, parent: ExecutedBlock, payload: bytes, hints: BlockHints = NO_HINTS
    ) -> ExecutedBlock | InvalidBlock:
        self.told = hints
        return super().execute(parent, payload, hints)


@pytest.mark.parametrize(
    ("scheduler", "beside", "gets_list"),
    [
        ("all-at-once", RIGHT, True),
        ("all-at-once", b"", False),
        ("all-at-once", WRONG, False),
        ("all-at-once", JUNK, False),
        ("optimistic", RIGHT, False),
        ("critical-path", RIGHT, False),
    ],
)
def test_the_executor_gets_the_right_list(
    scheduler: SchedulerName, beside: bytes, gets_list: bool
) -> None:
    cache = Asked(LISTED, 0, 0)
    job = ExecuteBlock(GENESIS, BLOCK.digest, BLOCK.payload, cache, charging(scheduler), beside)
    result = job.run()
    assert isinstance(result, ExecutedBlock)
    assert result.digest == BLOCK.digest
    assert cache.told == BlockHints(None, decode_access_list(LIST) if gets_list else None)


def test_a_hint_in_an_envelope_is_read_like_one_without() -> None:
    cache = Asked(LISTED, 0, 0)
    charged = charging("critical-path")
    beside = charged.hint(BLOCK)
    ExecuteBlock(GENESIS, BLOCK.digest, BLOCK.payload, cache, charged, beside).run()
    assert cache.told.schedule is not None
    assert cache.told.schedule.accesses == BLOCK.accesses
