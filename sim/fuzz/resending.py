"""How long lost copies keep a drawn network waiting.

A link delivers in order, and each loss of one copy doubles what all behind it wait. What is lost
while links are slow is sent again as slowly, also when they are quick again.
"""

from sim.fuzz.chance import MILLISECOND
from sim.scenario import Network

WORLD_LATENCY = 160 * MILLISECOND
"""Longest one-way delay of the region table, ns."""
RESENT_AFTER = 200 * MILLISECOND
"""How long a lost copy waits for the next one, beside a round trip (`sim.links.draws`)."""
RESENT_FROM = (0.0001, 0.005, 0.05, 0.2)
"""Losses from which one copy of a few hundred must be sent again once, twice, ..."""


def latency_of(network: Network) -> int:
    """Return the longest delay between two nodes, ns."""
    return WORLD_LATENCY if network.latency_value is None else network.latency_value


def resent(loss: float) -> int:
    """Return how often in a row some copy is lost now and then."""
    return sum(loss >= least for least in RESENT_FROM)


def resending(latency: int, times: int) -> int:
    """Return how long that keeps a message: each pause is twice the last, ns."""
    return (RESENT_AFTER + 2 * latency) * ((1 << times) - 1)


def extra_max(network: Network, within: int) -> int:
    """Return by how much links may be slowed, so that what is lost meanwhile arrives within a time.

    Args:
        network: with what it loses all the time.
        within: from the end of the slowness on, ns.
    """
    doublings = (1 << resent(network.loss)) - 1
    longest = (within // max(1, doublings) - RESENT_AFTER) // 2 - latency_of(network)
    return longest if doublings else within
