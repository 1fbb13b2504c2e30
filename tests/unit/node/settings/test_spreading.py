"""Keys of meshes, trees and reconciliation, as a node takes them."""

import pytest

from network.reconcile import ReconcileConfig
from node.settings import NetworkSettings
from node.settings.spreading import check_spreading, spread_config
from primitives.ids import Duration, NodeId
from sim.scenario import Network, ScenarioError, decode_scenario

PATH = ("network",)
MILLISECOND = 1_000_000


def test_by_default_nothing_spreads_and_nothing_is_wrong() -> None:
    for names in (NetworkSettings(), Network(validators=4)):
        assert spread_config(names) is None
        assert list(check_spreading(names, PATH)) == []


def test_transactions_are_reconciled_as_the_keys_say() -> None:
    interval = Duration(40 * MILLISECOND)
    names = NetworkSettings(gossip="reconcile", reconcile_fanout=3, reconcile_interval=interval)
    ways = spread_config(names, (NodeId(2),))
    assert ways is not None
    assert (ways.gossip, ways.has_mesh, ways.peers) == ("reconcile", False, (2,))
    usual = ReconcileConfig()
    assert (ways.reconcile.fanout, ways.reconcile.interval) == (3, interval)
    assert ways.reconcile.rest == interval // 2 < usual.rest, "or own rounds would be refused"
    assert ways.reconcile.patience == usual.patience
    slow = spread_config(NetworkSettings(gossip="reconcile"))
    assert slow is not None
    assert slow.reconcile == usual


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("mesh_degree = 5", "network.mesh_degree: expected between mesh_degree_low, 6"),
        ("tree_parity = 300", "network.tree_parity: expected at most"),
        ('reconcile_interval = "9ms"', "network.reconcile_interval: expected at least 10ms"),
        ("reconcile_fanout = 0", "network.reconcile_fanout: expected"),
        ('gossip = "reconcil"', "network.gossip: expected"),
    ],
)
def test_what_does_not_fit_is_named(keys: str, expected: str) -> None:
    text = f'name = "x"\nduration = "1s"\n[network]\nvalidators = 4\n{keys}\n'
    with pytest.raises(ScenarioError, match=expected.replace("[", r"\[")):
        decode_scenario(text)
