"""Events on links: which links they mean, and what they do to them."""

from collections.abc import Callable

from sim.links import disturbances
from sim.links.disturbances import Disturbance, Ways
from sim.scenario import Duplicate, Lose, Network, Reorder, chosen_nodes, named_nodes
from sim.scenario.events import LinkEnd, LinkEvent


def link_ways(event: LinkEvent, network: Network, primary: Callable[[], int]) -> Ways:
    """Return the links that an event means now.

    Args:
        event: checked.
        network: whose links.
        primary: returns the primary of the moment.
    """

    def end(named: LinkEnd) -> tuple[int, ...]:
        if isinstance(named, tuple):
            return named_nodes(named, network)
        return (primary(),) if named == "primary" else tuple(chosen_nodes(named, network))

    return Ways(end(event.source), end(event.to), event.one_way)


def link_disturbance(event: Duplicate | Reorder | Lose, ways: Ways) -> Disturbance:
    """Return what an event does to links."""
    match event:
        case Duplicate():
            return disturbances.Duplicate(ways, event.probability, event.delay)
        case Reorder():
            return disturbances.Reorder(ways, event.probability, event.delay)
        case Lose():
            return disturbances.Lose(ways, event.probability)
