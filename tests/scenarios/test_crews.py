"""A run is the same whoever computes for it: nobody beside it, or one or two workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.costs import COMPUTE_GAS, EXECUTE
from node.execution import genesis_executed
from node.executors.choice import Load, pays
from node.executors.executor import ParallelExecutor
from node.shared import ComputeCache
from primitives.genesis import Genesis
from primitives.ids import Duration, Wei
from sim.cli import main
from sim.crew import Crew, hired, lone_crew, own_executor, prices_of, weigh_by
from sim.profile import load_profile
from sim.randomness import generator
from sim.run import run_scenario, run_with
from sim.scenario import Scenario, load_scenario
from sim.workload.chores import Mints
from sim.workload.setting import Setting
from sim.workload.site import Site
from tests.unit.node.transfers import COMMITTEE, ETHER, PARAMS, account, built, transfer

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "scenarios" / "liars" / "wrong-hint.toml"
SECOND = 10**9


def scenario(*overrides: str) -> Scenario:
    """Contract calls, and a primary whose hints are false; nodes that share nothing."""
    loaded = load_scenario(FILE, ["consensus.signatures=modelled", *overrides])
    return msgspec.structs.replace(loaded, duration=Duration(4 * SECOND), fidelity="isolated")


@contextmanager
def always(workers: int) -> Iterator[Crew]:
    with hired(workers, always=True) as crew:
        yield crew


def test_the_digest_is_the_same_with_no_one_and_two_workers() -> None:
    found = {}
    for workers in (0, 1, 2):
        with always(workers) as crew:
            result = run_with(crew, scenario(), seed=5)
            found[workers] = result.digest, result.height, result.transactions
            if workers:
                assert isinstance(crew.executor, ParallelExecutor)
                assert crew.executor.blocks > 10
    assert found[0] == found[1] == found[2]
    assert found[0][1] > 5
    assert found[0][2] > 20


def test_sharing_the_nodes_state_makes_no_difference_either() -> None:
    shared = msgspec.structs.replace(scenario(), fidelity="shared")
    assert run_scenario(shared, seed=5).digest == run_scenario(scenario(), seed=5).digest


def test_the_digest_is_the_same_with_cold_and_warm_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ComputeCache] = []
    begin = ComputeCache.__init__

    def begin_warm(self: ComputeCache, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        if made:
            first = made[0]
            self.engine, self._blocks = first.engine, first._blocks
            self._transactions = first._transactions
        made.append(self)

    monkeypatch.setattr(ComputeCache, "__init__", begin_warm)
    shared = msgspec.structs.replace(scenario(), fidelity="shared")
    cold = run_scenario(shared, seed=5)
    assert len(made) == 1
    kept = len(made[0]._blocks), len(made[0]._transactions)
    warm = run_scenario(shared, seed=5)
    assert (len(made[1]._blocks), len(made[1]._transactions)) == kept
    assert min(kept) > 5
    assert warm.digest == cold.digest


def test_isolated_neighbours_execute_in_different_ways() -> None:
    executors = [own_executor(number) for number in range(5)]
    strategies = {str(getattr(each, "_strategy", "serial")) for each in executors}
    assert len(strategies) == 5
    crew = lone_crew()
    assert own_executor(1, crew) is crew.executor


def test_the_command_line_takes_workers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", str(FILE), "--seed", "5", "--out", str(tmp_path), "--json"]
    found = []
    for workers in ("0", "2"):
        main([*command, "--set", "duration=2s", "--execution-workers", workers])
        found.append(msgspec.json.decode(capsys.readouterr().out)["digest"])
    assert found[0] == found[1]


def test_the_profile_says_what_is_worth_sharing_out() -> None:
    prices = prices_of(load_profile())
    costs = load_profile().costs_ps()
    assert (prices.transaction, prices.gas) == (costs[EXECUTE], costs[COMPUTE_GAS])
    assert pays(prices, Load(64, 64 * 1_000_000), 2)
    assert not pays(prices, Load(1_000, 0), 16)


def test_a_call_weighs_what_it_is_charged_and_not_its_gas() -> None:
    """Mints set slots, for 20,000 gas each; to hand them over takes longer than to run them."""
    setting = Setting([account(index) for index in range(40)], generator(0, "crew"), Site(None))
    mints = Mints(setting, 1, 0.0)
    owned = tuple([(account(index), Wei(ETHER)) for index in range(40)])
    contracts = setting.site.contracts
    parent = genesis_executed(Genesis(PARAMS, owned, COMMITTEE, contracts=contracts))
    calls = [mints.call(index) for index in range(40)]
    signed = [
        transfer(index, to=call.to, value=0, gas=call.gas_limit, data=call.data)
        for index, call in enumerate(calls)
    ]
    block = built(parent, *signed)
    assert all(run.result.succeeded for run in block.runs)
    profile = load_profile()
    weights = list(map(weigh_by(profile), block.transactions, block.runs))
    assert len(weights) == 40
    assert not pays(prices_of(profile), Load(40, sum(weights)), 2)
    assert sum(weights) < sum([run.result.gas_used for run in block.runs]) // 8


@pytest.mark.parametrize("workers", [0, 1])
def test_a_crew_is_dismissed_at_the_end(workers: int) -> None:
    with hired(workers, always=True) as crew:
        assert crew.pool.workers == workers
