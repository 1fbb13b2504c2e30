"""What executing a block is charged for: counted by transaction, planned by what is known."""

from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from network.gossip_state import KnownHashes
from node.charging import Charging
from node.costs import (
    ACCEPT,
    ACCESS,
    BODY_ROOTS,
    CALL,
    COMPUTE_GAS,
    DECODE,
    EXECUTE,
    RECOVER,
    SCHEDULE,
    STATE_ROOT,
    STORAGE_ROOT,
    SYSTEM,
)
from node.demand import (
    LIST_PERCENT,
    ExecutionConfig,
    SchedulerName,
    block_demand,
    broken,
    execution_demand,
    transaction_demand,
)
from node.execution import genesis_executed
from node.hints import Hints
from node.outlines import Outlines
from node.schedule import RAW, build_graph
from node.schedule.hint import ScheduleHint, encode_hint
from node.tally import Tallies, Tally, tally
from node.validation import PooledTransaction
from node.validation_errors import WrongDigest
from primitives.access import AccessSet
from primitives.errors import InvalidInput
from primitives.genesis import Genesis, GenesisContract
from primitives.ids import Address, Wei
from primitives.machine import Demand, Measured, Serial, TaskGraph, Tasks
from tests.unit.node.transfers import COMMITTEE, FIXED, account, built, transfer

COUNTER = bytes.fromhex("5f546001015f5500")
"""Adds one to slot 0."""
ONE, OTHER = Address(b"\xc1" * 20), Address(b"\xc2" * 20)
ALLOC = tuple((account(index), Wei(10**19)) for index in range(5))
CONTRACTS = tuple(GenesisContract(each, COUNTER, storage=((0, 7),)) for each in (ONE, OTHER))
GENESIS = genesis_executed(Genesis(FIXED, ALLOC, COMMITTEE, contracts=CONTRACTS))


def call(sender: int, to: Address) -> PooledTransaction:
    return transfer(sender, 0, to=to, value=0, gas=60_000)


BLOCK = built(GENESIS, call(0, ONE), call(1, ONE), call(2, OTHER), params=FIXED)
PLAIN = built(GENESIS, transfer(0, 0), transfer(0, 1), transfer(1, 0), params=FIXED)
EMPTY = built(GENESIS, params=FIXED)
ONES = (1, 1, 1)
COMPUTED = 2 + 3 + 3 + 2
"""Gas of a call beside what its slot costs: PUSH0, PUSH1, ADD, PUSH0."""


def charging(scheduler: SchedulerName = "serial", **options: object) -> Charging:
    config = ExecutionConfig(scheduler, **options)  # type: ignore[arg-type]
    return Charging(config, Outlines(), Tallies(), Hints())


def graph_of(demand: Sequence[Demand]) -> TaskGraph:
    (graph,) = [each for each in demand if isinstance(each, TaskGraph)]
    return graph


# ---------------------------------------------------------------- what was not seen before


def test_each_new_transaction_is_a_task_of_its_own() -> None:
    assert transaction_demand(3) == (Tasks(DECODE, (1, 1, 1)), Tasks(RECOVER, (1, 1, 1)))


def test_a_block_of_known_transactions_costs_no_recovery() -> None:
    hashes = (transfer(0, 0).hash, transfer(0, 1).hash)
    recovered = KnownHashes(10)
    recovered.add(hashes[0])
    assert block_demand(hashes, recovered)[1] == Tasks(RECOVER, (1,))
    recovered.add(hashes[1])
    assert block_demand(hashes, recovered) == (Measured(),)


def test_outlines_name_a_bodys_transactions_once_and_survive_a_malformed_one() -> None:
    outlines = Outlines()
    names = tuple(transaction.hash for transaction in BLOCK.transactions)
    assert outlines.hashes(BLOCK.payload) == names
    assert outlines.hashes(BLOCK.payload) is outlines.hashes(BLOCK.payload)
    assert outlines.of(BLOCK.payload).gas == BLOCK.block.header.gas_used
    assert outlines.hashes(b"\xc0garbage") == ()


# ---------------------------------------------------------------- by scheduler


def test_one_after_another_is_one_task() -> None:
    counted = tally(BLOCK)
    more = ((CALL, (3,)), (COMPUTE_GAS, (3 * counted.computed[0],)), (ACCESS, (6,)))
    assert charging().executed(BLOCK.payload, BLOCK) == (
        Serial(SYSTEM, 1),
        TaskGraph(EXECUTE, (3,), (), "block-order", more),
        Serial(BODY_ROOTS, 3),
        Serial(STATE_ROOT, counted.accounts),
        Serial(STORAGE_ROOT, counted.slots),
    )


def test_a_graph_is_built_planned_and_accepted() -> None:
    counted = tally(BLOCK)
    frame, graph, *_ = execution_demand(counted, "critical-path")
    more = ((CALL, ONES), (COMPUTE_GAS, counted.computed), (ACCESS, (2, 2, 2)))
    before = ((SCHEDULE, counted.access_count),)
    after = ((ACCEPT, 3), (ACCESS, sum(counted.cells)))
    assert frame == Serial(SYSTEM, 1)
    assert graph == TaskGraph(
        EXECUTE, ONES, ((0, 1),), "critical-path", more, before=before, after=after
    )


@pytest.mark.parametrize("scheduler", get_args(SchedulerName))
def test_plain_transfers_are_not_worth_handing_over(scheduler: SchedulerName) -> None:
    demand = charging(scheduler).executed(PLAIN.payload, PLAIN)
    assert graph_of(demand) == TaskGraph(EXECUTE, (3,), (), "block-order")
    assert charging(scheduler).hint(PLAIN) == b""


def test_an_optimist_builds_no_graph_but_meets_the_true_one() -> None:
    demand = charging("optimistic").executed(BLOCK.payload, BLOCK)
    assert graph_of(demand).edges == ((0, 1),)
    assert graph_of(demand).before == ()
    assert graph_of(demand).after == ((ACCEPT, 6), (ACCESS, 2 * sum(tally(BLOCK).cells)))


def test_without_a_block_access_list_all_at_once_is_optimistic() -> None:
    assert graph_of(charging("all-at-once").executed(BLOCK.payload, BLOCK)).scheduler == (
        "optimistic"
    )
    counted = tally(BLOCK)
    graph = graph_of(execution_demand(counted, "all-at-once"))
    assert graph.edges == ()
    assert graph.before == ((SCHEDULE, LIST_PERCENT * counted.access_count // 100),)


def test_an_empty_block_costs_its_frame_and_roots() -> None:
    kinds = [each.kind for each in charging("optimistic").executed(EMPTY.payload, EMPTY)]
    assert kinds == [SYSTEM, BODY_ROOTS, STATE_ROOT, STORAGE_ROOT]


def test_a_builder_goes_in_order_unless_it_is_told_otherwise() -> None:
    assert graph_of(charging("level-groups").built(BLOCK)).units == (3,)
    assert graph_of(charging(building="optimistic").built(BLOCK)).units == ONES
    hinting = charging("level-groups").built(BLOCK)
    assert hinting[-1] == Serial(SCHEDULE, tally(BLOCK).access_count)
    assert charging("level-groups", hints=False).built(BLOCK)[-1].kind == STORAGE_ROOT


def test_a_refused_block_costs_what_it_claims() -> None:
    error = WrongDigest("block", "a", "b")
    demand = charging("optimistic").executed(BLOCK.payload, error)
    assert Serial(EXECUTE, 3) in demand
    assert Serial(COMPUTE_GAS, BLOCK.block.header.gas_used - 63_000) in demand
    assert (
        sum(each.units for each in charging().executed(b"junk", error) if isinstance(each, Serial))
        == 3
    )


@pytest.mark.parametrize("options", [{"scheduler": "fastest"}, {"building": "level-groups"}])
def test_a_name_that_is_none_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match=r"execution\.\w+: expected one of serial"):
        ExecutionConfig(**options)  # type: ignore[arg-type]


# ---------------------------------------------------------------- hints


def hint_of(*accesses: AccessSet) -> bytes:
    return encode_hint(ScheduleHint(accesses, (21_000,) * len(accesses)))


def test_a_true_hint_breaks_nothing() -> None:
    charged = charging("critical-path")
    hint = charged.hint(BLOCK)
    assert charged.is_true(BLOCK, hint)
    demand = charged.executed(BLOCK.payload, BLOCK, hint)
    assert graph_of(demand) == graph_of(execution_demand(tally(BLOCK), "critical-path"))


def test_a_hint_with_true_accesses_and_other_gas_is_false() -> None:
    """Who weighs by it gives one worker most of the block."""
    hint = hint_of(*tally(BLOCK).accesses)
    assert not charging("level-groups").is_true(BLOCK, hint)


def test_a_hint_that_hides_a_dependency_costs_the_transaction_again() -> None:
    nothing = AccessSet((), ())
    hint = hint_of(nothing, nothing, nothing)
    charged = charging("critical-path")
    graph = graph_of(charged.executed(BLOCK.payload, BLOCK, hint))
    assert graph.edges == ()
    assert graph.again == (1,)
    assert not charged.is_true(BLOCK, hint)


def test_a_hint_that_invents_dependencies_only_slows() -> None:
    same = AccessSet((), (b"x" * 20 + b"n",))
    graph = graph_of(
        charging("level-groups").executed(BLOCK.payload, BLOCK, hint_of(same, same, same))
    )
    assert graph.edges == ((0, 1), (1, 2))
    assert graph.again == ()


@pytest.mark.parametrize("hint", [b"", b"junk", hint_of(AccessSet((), ()))])
def test_without_a_usable_hint_the_transactions_speak_for_themselves(hint: bytes) -> None:
    """They do not say which slots they write; who reads one is found out and runs again."""
    graph = graph_of(charging("critical-path").executed(BLOCK.payload, BLOCK, hint))
    assert graph.edges == ()
    assert graph.again == (1,)
    by_nonce = built(GENESIS, call(0, ONE), transfer(0, 1, to=OTHER, gas=60_000), params=FIXED)
    graph = graph_of(charging("critical-path").executed(by_nonce.payload, by_nonce, hint))
    assert graph.edges == ((0, 1),)
    assert graph.again == ()


def test_who_does_not_plan_by_hints_neither_makes_nor_judges_them() -> None:
    assert charging("optimistic").hint(BLOCK) == b""
    assert charging("serial").is_true(BLOCK, b"junk")
    assert not charging("level-groups").is_true(BLOCK, b"junk")
    assert charging("level-groups").is_true(BLOCK, b"")


# ---------------------------------------------------------------- what was broken


def naive_broken(planned: Sequence[AccessSet], true: Sequence[AccessSet]) -> tuple[int, ...]:
    """Look at all pairs: who reads what another wrote last, and is not planned behind him."""
    count = len(true)
    behind: list[set[int]] = []
    for later in range(count):
        before: set[int] = set()
        for earlier in range(later):
            if set(planned[earlier].writes) & {*planned[later].reads, *planned[later].writes}:
                before |= {earlier} | behind[earlier]
        behind.append(before)
    wrong: set[int] = set()
    for later in range(count):
        for key in true[later].reads:
            writers = [k for k in range(later) if key in true[k].writes]
            if writers and (writers[-1] not in behind[later] or writers[-1] in wrong):
                wrong.add(later)
    return tuple(sorted(wrong))


KEYS = st.lists(st.sampled_from([bytes([k]) * 21 for k in range(4)]), max_size=3, unique=True)


@st.composite
def two_views(draw: st.DrawFn) -> tuple[list[AccessSet], list[AccessSet]]:
    def accesses() -> list[AccessSet]:
        return [
            AccessSet(tuple(sorted(draw(KEYS))), tuple(sorted(draw(KEYS)))) for _ in range(count)
        ]

    count = draw(st.integers(1, 7))
    return accesses(), accesses()


@given(two_views())
def test_what_is_broken_is_what_a_look_at_all_pairs_finds(
    views: tuple[list[AccessSet], list[AccessSet]],
) -> None:
    planned, true = views
    found = broken(build_graph(planned), build_graph(true, kinds=RAW))
    assert found == naive_broken(planned, true)
    assert broken(build_graph(true), build_graph(true, kinds=RAW)) == ()


def test_whoever_reads_a_balance_waits_for_all_who_moved_it() -> None:
    key = account(0) + b"b"
    paid, reads = AccessSet((), (), (key,)), AccessSet((key,), ())
    true = build_graph([paid, paid, reads], kinds=RAW)
    assert broken(build_graph([paid, paid, reads]), true) == ()
    nothing = AccessSet((), ())
    assert broken(build_graph([paid, nothing, reads]), true) == (2,)


def test_a_tally_is_taken_once() -> None:
    tallies = Tallies()
    counted = tallies.of(BLOCK)
    assert isinstance(counted, Tally)
    assert tallies.of(BLOCK) is counted
    assert counted.gas == tuple(run.result.gas_used for run in BLOCK.runs)
    assert counted.critical_path == counted.gas[0] + counted.gas[1]
    assert counted.calls == ONES
    assert counted.cells == (2, 2, 2)
    assert counted.computed == (COMPUTED,) * 3
    assert tally(PLAIN).calls == tally(PLAIN).computed == (0, 0, 0)
