"""Chaos with aggregated certificates and real signatures: agreement, and progress in the calm."""

import pytest

from tests.properties.consensus_chaos import play
from tests.unit.consensus.aggregates import BlsNetwork


@pytest.mark.parametrize("seed", range(3))
def test_chaos_then_calm_with_sums(seed: int) -> None:
    net = play(4, seed, chaos_ms=400, network=BlsNetwork)
    assert len({node.replica.head for node in net.nodes}) == 1
    shown = [certificate for node in net.nodes for _, certificate in node.chain]
    assert shown
    assert all(len(certificate.signatures) == 1 for certificate in shown)


def test_views_change_on_sums_that_others_have_made() -> None:
    """Prepared certificates in VIEW-CHANGEs and a NEW-VIEW are sums, checked as such."""
    net = play(4, 11, chaos_ms=600, delay_ms=(1, 40), network=BlsNetwork)
    assert max(net.views()) > 0
    assert len({node.replica.head for node in net.nodes}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_longer_chaos_with_sums(seed: int) -> None:
    net = play(4, seed, delay_ms=(1, 40) if seed % 2 else (1, 10), network=BlsNetwork)
    assert len({node.replica.head for node in net.nodes}) == 1
