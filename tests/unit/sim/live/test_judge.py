"""What is expected of a live run, and what came of it."""

import msgspec
import pytest

from sim.live.closing import measured
from sim.live.judge import Outcome, judge
from sim.live.summary import LoadFigures, NodeEnd
from sim.live.witness import Check, Loss
from sim.load.histogram import Quantiles
from tests.unit.sim.live.networks import scenario

LOAD = LoadFigures(
    sent=100,
    accepted=100,
    final=100,
    unconfirmed=0,
    inclusion_seconds=Quantiles(count=100, p99=0.4),
    finality_seconds=Quantiles(count=100, p99=0.5),
    errors={},
)


def end(node: int, height: int = 50, digest: str | None = "0xa") -> NodeEnd:
    return NodeEnd(node, "validator", "up", height, digest, 1, "")


GOOD = Outcome(
    seconds=2.5,
    nodes=(end(0), end(1), end(2), end(3)),
    common_height=50,
    check=Check(blocks=10, transactions=30, nodes=(0, 1, 2, 3)),
    deaths=0,
    killed_at_end=(),
    tps=20.0,
    height=50,
    epoch=0,
    view_changes=1,
    growth=((0.0, 1), (0.5, 2), (1.9, 3), (2.4, 4)),
    load=LOAD,
)
HEALED = """
[[events]]
at = "500ms"
kind = "partition"
groups = [[0]]
for = "500ms"
"""


def verdicts(expect: str, events: str = "", **changes) -> dict[str, str]:
    made = scenario(f"{events}\n[expect]\n{expect}\n")
    outcome = msgspec.structs.replace(GOOD, **changes)
    return {each.name: each.verdict for each in judge(made, outcome)}


def verdict(expect: str, events: str = "", **changes) -> str:
    (found,) = list(verdicts(expect, events, **changes).values())[3:]
    return found


def test_three_things_are_expected_of_every_run():
    assert verdicts("") == {
        "one chain": "passed",
        "nothing confirmed is lost": "passed",
        "processes": "passed",
    }


def test_two_blocks_at_one_height_are_two_chains():
    nodes = (end(0), end(1), end(2, digest="0xb"), end(3))
    assert verdicts("", nodes=nodes)["one chain"] == "failed"


def test_who_does_not_answer_is_no_judge():
    killed = msgspec.structs.replace(end(2, digest=None), state="killed")
    assert verdicts("", nodes=(end(0), end(1), killed))["one chain"] == "passed"
    silent = tuple(end(node, digest=None) for node in range(4))
    found = verdicts("agreement = true", nodes=silent, check=Check())
    assert found["one chain"] == found["agreement"] == "not judged"
    assert found["nothing confirmed is lost"] == "not judged"


def test_a_node_that_runs_and_is_silent_is_not_passed_over():
    nodes = (end(0), end(1), end(2, digest=None))
    assert verdicts("", nodes=nodes)["one chain"] == "not judged"
    check = msgspec.structs.replace(GOOD.check, nodes=(0, 1), silent=(2,))
    assert verdicts("", check=check)["nothing confirmed is lost"] == "not judged"
    lost = msgspec.structs.replace(check, losses=(Loss(0, 5, "block 0xa", "nothing"),))
    assert verdicts("", check=lost)["nothing confirmed is lost"] == "failed"


def test_one_node_alone_and_block_0_show_nothing():
    killed = msgspec.structs.replace(end(1, digest=None), state="killed")
    assert verdicts("", nodes=(end(0), killed))["one chain"] == "not judged"
    assert verdicts("", common_height=0)["one chain"] == "not judged"
    assert verdicts("", common_height=0, height=0)["one chain"] == "passed"
    split = (end(0), end(1, digest="0xb"), end(2, digest=None))
    assert verdicts("", nodes=split)["one chain"] == "failed"


def test_what_no_node_has_any_more_is_lost_where_all_were_asked():
    check = msgspec.structs.replace(GOOD.check, unseen=2)
    assert verdicts("", check=check)["nothing confirmed is lost"] == "failed"
    some = msgspec.structs.replace(check, nodes=(0, 1, 2))
    assert verdicts("", check=some)["nothing confirmed is lost"] == "not judged"


def test_what_was_never_confirmed_counts_against_the_99th_percentile():
    late = msgspec.structs.replace(LOAD, final=100, unconfirmed=5, overdue=2)
    assert verdict('max_p99_confirmation = "1s"', load=late) == "failed"
    just = msgspec.structs.replace(late, final=198)
    assert verdict('max_p99_confirmation = "1s"', load=just) == "passed"


def test_a_loss_is_told_with_its_place():
    losses = tuple(Loss(2, height, "block 0xa", "nothing") for height in range(5, 10))
    check = msgspec.structs.replace(GOOD.check, losses=losses)
    outcome = msgspec.structs.replace(GOOD, check=check)
    (found,) = [each for each in judge(scenario(), outcome) if each.name.startswith("nothing")]
    assert found.verdict == "failed"
    assert "node 2 has at height 5, for block 0xa: nothing" in found.detail
    assert found.detail.endswith("and 2 more")


def test_processes_that_end_by_themselves_or_not_at_all_fail():
    assert verdicts("", deaths=1)["processes"] == "failed"
    assert verdicts("", killed_at_end=(3,))["processes"] == "failed"


def test_numbers():
    assert verdict("min_tps = 10", tps=10.0) == "passed"
    assert verdict("min_tps = 10", tps=9.9) == "failed"
    assert verdict("min_tps = 10", load=None) == "not judged"
    assert verdict('max_p99_confirmation = "500ms"') == "passed"
    assert verdict('max_p99_confirmation = "499ms"') == "failed"
    assert verdict('max_p99_confirmation = "1s"', load=None) == "not judged"
    assert verdict("min_height = 50") == "passed"
    assert verdict("min_height = 51") == "failed"
    assert verdict("min_view_changes = 1") == "passed"
    assert verdict("min_view_changes = 2") == "failed"
    assert verdict("max_view_changes = 1") == "passed"
    assert verdict("max_view_changes = 0") == "failed"


def test_agreement_is_between_the_heads_of_who_answers():
    near = (end(0, 50), end(1, 48), end(2, 10, None))
    assert verdict("agreement = true", nodes=near) == "passed"
    assert verdict("agreement = true", nodes=(end(0, 50), end(1, 47))) == "failed"


def test_a_chain_grows_again_after_a_heal():
    """At 1 s; the next block is seen at 1.9 s."""
    assert verdict('liveness_after_heal = "900ms"', HEALED) == "passed"
    assert verdict('liveness_after_heal = "800ms"', HEALED) == "failed"
    assert verdict('recovery_within = "1s"', HEALED) == "passed"
    assert verdict('recovery_within = "800ms"', HEALED) == "failed"
    still = ((0.0, 1), (0.5, 2))
    assert verdict('recovery_within = "1s"', HEALED, growth=still) == "failed"


def test_what_nobody_can_see_from_outside_is_named():
    assert verdict('stranded_after = "1s"') == "not judged"


def test_what_fails_for_want_of_time_is_not_judged():
    assert verdict("min_height = 51", seconds=1.9) == "not judged"
    assert verdict("min_height = 50", seconds=1.9) == "passed"
    early = {"seconds": 1.2, "growth": ((0.0, 1),)}
    assert verdict('recovery_within = "1s"', HEALED, **early) == "not judged"


def test_a_bound_can_be_broken_early_and_is_kept_at_the_end_only():
    assert verdict("max_view_changes = 0", seconds=1.2) == "failed"
    assert verdict("max_view_changes = 1", seconds=1.2) == "not judged"
    assert verdict("max_view_changes = 1") == "passed"


def test_what_had_its_time_fails_however_early_the_end():
    early = {"seconds": 1.95, "growth": ((0.0, 1), (0.5, 2), (1.9, 3))}
    assert verdict('liveness_after_heal = "800ms"', HEALED, **early) == "failed"
    early["growth"] = ((0.0, 1), (0.5, 2))
    assert verdict('liveness_after_heal = "800ms"', HEALED, **early) == "failed"
    assert verdict('liveness_after_heal = "960ms"', HEALED, **early) == "not judged"


def test_throughput_is_that_of_the_scenario_however_long_the_network_is_up():
    made = scenario('[measure]\nwarm_up = "500ms"\ncool_down = "300ms"\n')
    assert measured(made, 2.0) == measured(made, 600.0) == pytest.approx((0.5, 1.7))
    assert measured(made, 1.0) == pytest.approx((0.5, 0.7))
    assert measured(made, 0.7) == (0.0, 0.7)


def test_safety_is_judged_however_early_the_end():
    nodes = (end(0), end(1, digest="0xb"))
    assert verdicts("", nodes=nodes, seconds=0.1)["one chain"] == "failed"
