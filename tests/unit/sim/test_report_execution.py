"""Figures, metrics and pictures of execution, from the trace alone."""

import io
import re

import msgspec
import pytest

from node.trace import BlockExecutedTraced
from sim.report.collect import Collector
from sim.report.execution import ExecutionLedger
from sim.report.metrics import write_metrics
from sim.report.page.execution import execution_card
from sim.report.page.speed_up import by_scheduler, speed_up_card
from sim.report.result import Execution, ExecutionFigures, ExecutionSetup
from sim.report.series import SECOND_NS
from sim.report.stream import NodeExecution, RunShape
from sim.trace import Observation

MS = 1_000_000
NODES = (NodeExecution("serial", 1), NodeExecution("optimistic", 4), NodeExecution("optimistic", 4))


def executed(*, built: bool = False, span_ms: int = 10, repeats: int = 0) -> BlockExecutedTraced:
    gas, path = 4_000_000, 1_000_000
    return BlockExecutedTraced(1, bytes(32), built, 80, gas, path, 20 * MS, span_ms * MS, repeats)


def ledger(*events: tuple[int, BlockExecutedTraced]) -> ExecutionLedger:
    made = ExecutionLedger(3)
    for node, event in events:
        made.on_executed(node, event)
    return made


def result(*events: tuple[int, BlockExecutedTraced]) -> Execution:
    found = ledger(*events).result(NODES)
    assert found is not None
    return found


def test_building_and_validating_are_apart() -> None:
    told = result((0, executed(built=True, span_ms=20)), (1, executed()), (2, executed(span_ms=5)))
    assert told.building.blocks == 1
    assert told.building.speed_up == 1.0
    assert told.validation.transactions == 160
    assert told.validation.speed_up == pytest.approx(40 / 15)
    assert told.validation.gas_per_second == pytest.approx(8_000_000 / 0.015)
    assert told.validation.speed_up_max == 4.0


def test_nothing_executed_is_nothing_told() -> None:
    assert ledger().result(NODES) is None
    assert execution_card(None) is None
    assert speed_up_card(None) is None


def test_nodes_that_execute_alike_stand_together() -> None:
    told = result((0, executed(span_ms=20)), (1, executed(repeats=2)), (2, executed(repeats=1)))
    rows = [(each.scheduler, each.cores, each.nodes) for each in told.setups]
    assert rows == [("optimistic", 4, 2), ("serial", 1, 1)]
    assert [each.figures.repeats for each in told.setups] == [3, 0]
    assert [each.figures.speed_up for each in told.setups] == [2.0, 1.0]


def test_where_all_execute_alike_there_is_nothing_to_compare() -> None:
    assert result((1, executed()), (2, executed())).setups == ()


def test_metrics_have_each_task_of_each_node() -> None:
    collector = Collector(
        RunShape(nodes=3, validators=3, duration_ns=SECOND_NS, execution=NODES), NoBlocks()
    )
    collector.observe(Observation(MS, 1, executed(span_ms=8, repeats=4)))
    collector.observe(Observation(MS, 0, executed(built=True)))
    collector.finish(SECOND_NS)
    out = io.StringIO()
    write_metrics(collector, out)
    text = out.getvalue()
    last = dict(re.findall(r"^(execution_\S+\{.*\}) (\S+) 1(?:\.0+)?$", text, re.MULTILINE))
    judged = 'node="1",shard="0",task="validation"'
    assert float(last[f"execution_gas_total{{{judged}}}"]) == 4_000_000
    assert float(last[f"execution_repeats_total{{{judged}}}"]) == 4
    assert float(last[f"execution_span_seconds_total{{{judged}}}"]) == 0.008
    assert float(last['execution_work_seconds_total{node="0",shard="0",task="building"}']) == 0.02
    assert 'execution_gas_total{node="2"' not in text


class NoBlocks:
    def transaction_hashes(self, digest: bytes) -> tuple[bytes, ...]:
        return ()


# ---------------------------------------------------------------- pictures


def setup(scheduler: str, cores: int, speed_up: float, most: float = 9.0) -> ExecutionSetup:
    figures = ExecutionFigures(
        blocks=1,
        transactions=10,
        repeats=0,
        gas=1,
        gas_per_second=1e6,
        speed_up=speed_up,
        speed_up_max=most,
    )
    return ExecutionSetup(scheduler=scheduler, cores=cores, nodes=1, figures=figures)


def compared(*setups: ExecutionSetup) -> Execution:
    return msgspec.structs.replace(result((1, executed())), setups=setups)


def test_the_table_has_a_row_for_each_task() -> None:
    card = str(execution_card(result((0, executed(built=True)), (1, executed(span_ms=5)))))
    assert card.count("<tr>") == 3
    assert ">validating<" in card
    assert ">800M<" in card, "gas a second"


def test_curves_are_by_scheduler_and_ascend_in_cores() -> None:
    curves = by_scheduler(
        [setup("b", 8, 4.0), setup("a", 1, 1.0), setup("b", 1, 0.9), setup("b", 2, 1.8)]
    )
    assert list(curves) == ["a", "b"]
    assert [each.cores for each in curves["b"]] == [1, 2, 8]


def test_the_picture_has_a_curve_for_each_scheduler_and_a_spot_for_each_setup() -> None:
    told = compared(
        setup("a", 1, 1.0), setup("a", 16, 6.0), setup("b", 1, 0.9), setup("b", 16, 7.0)
    )
    card = str(speed_up_card(told))
    assert card.count('class="curve ') == 2
    assert card.count("<circle") == 4
    assert "dependencies allow 9.0" in card
    assert 'class="limit"' in card
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', card)]
    assert heights[0] > heights[1], "a greater speed-up stands higher"
    assert heights[3] < heights[1]


def test_a_bound_far_above_the_curves_is_only_told() -> None:
    told = compared(setup("a", 1, 1.0, 80.0), setup("a", 4, 3.0, 80.0))
    card = str(speed_up_card(told))
    assert "dependencies allow 80.0" in card
    assert 'class="limit"' not in card


def test_one_number_of_cores_makes_no_curve() -> None:
    assert speed_up_card(compared(setup("a", 4, 1.0), setup("b", 4, 2.0))) is None
