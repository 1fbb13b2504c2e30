"""Links that are played, with stubs for nodes: who is told what, and when."""

import json
from typing import Any

from sim.live.order import Network
from tests.unit.sim.live.networks import TEXT, Screen, prepared
from tests.unit.sim.live.test_session import until

MS = 1_000_000
FAR = """
[[events]]
at = "100ms"
kind = "crash"
node = 0
for = "400ms"
"""
ROUGH = """
[[events]]
at = "100ms"
kind = "crash"
node = 0
for = "500ms"
[[events]]
at = "200ms"
kind = "clog"
from = [0]
to = [1, 2]
for = "90s"
[[events]]
at = "300ms"
kind = "lose"
to = [3]
probability = 0.5
one_way = true
"""
BASE = """\
name = "tiny"
duration = "2s"
[network]
validators = 4
latency = "uniform"
latency_value = "10ms"
jitter = "normal"
jitter_size = 0.5
loss = 0.25
[workload]
kind = "transfers"
rate = 10
accounts = 4
"""


def told(network: Network, life: int = 1) -> dict[int, Any]:
    """Return what nodes were told of their links in one of their lives, as far as they were."""
    files = {n: network.layout.node(n) / f"links-{life}.json" for n in range(network.size)}
    return {node: json.loads(file.read_text()) for node, file in files.items() if file.exists()}


def test_all_nodes_know_their_links_before_time_begins_and_in_each_life(tmp_path):
    network = prepared(tmp_path / "net", FAR, base=BASE, links=True)
    at_begin: list[dict[int, Any]] = []

    def has_begun_again(screen: Screen) -> bool:
        if screen.networks and not at_begin:
            at_begin.append(told(network))
        return 0 in told(network, 2)

    summary, _ = until(network, has_begun_again)
    far = {"latencyNs": 10 * MS, "jitter": "normal", "jitterSize": 0.5, "loss": 0.25}
    for known in (at_begin[0], {**at_begin[0], **told(network, 2)}):
        assert sorted(known) == [0, 1, 2, 3]
        for node, (order,) in known.items():
            assert order["nodes"] == [each for each in range(4) if each != node]
            assert order["conditions"].items() >= far.items()
    assert summary.links


def test_a_fault_of_links_reaches_those_whom_it_concerns_also_after_a_crash(tmp_path):
    network = prepared(tmp_path / "net", ROUGH, base=TEXT.replace('"2s"', '"100s"'))

    def clogged(life: int, node: int) -> list[list[int]]:
        orders = told(network, life).get(node) or []
        return [each["nodes"] for each in orders if each["conditions"]["clogged"]]

    summary, screen = until(network, lambda screen: clogged(2, 0) == [[1, 2]])
    assert clogged(1, 0) == [], "it was down when the clog began"
    kinds = [kind for kind, _ in screen.kinds()]
    assert kinds[:4] == ["up", "crashed", "clogged", "loses messages"]
    assert screen.happenings[2].detail == "0 and 1 2"
    assert screen.happenings[3].detail == "0.5 of those between 0 1 2 3 to 3"
    (others,) = [orders for node, orders in told(network).items() if node == 3] or [[]]
    assert others == [], "what it sends is no concern of these faults"
    assert not summary.links
