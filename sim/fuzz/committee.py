"""Drawn committee changes.

Each node stands in one change at most, and those that stay are enough without those that come. So
a schedule that is shrunk stays a possible one, whichever events are left out.
"""

from collections.abc import Sequence

from primitives.committee_change import COMMITTEE_MIN
from primitives.ids import Duration
from sim.fuzz.chance import Chance
from sim.fuzz.faults import START
from sim.scenario import BitRot, ChangeCommittee, LyingDisk, Network, TimelineEvent

CHANGES_PERCENT = 30
"""In so many runs of a hundred the committee changes."""
INTERVALS = (1, 2, 4, 8, 16)
"""Blocks from one checkpoint to the next, in those runs."""


def draw_changes(
    chance: Chance, network: Network, faults: Sequence[TimelineEvent], until: int
) -> tuple[ChangeCommittee, ...]:
    """Draw who comes, who goes and who gets another key.

    Args:
        chance: draws.
        network: its followers may be added.
        faults: what else happens.
        until: no change is handed in later, ns.
    """
    joining = list(range(network.validators, network.peers))
    staying = chance.shuffled(range(network.validators))
    leaving = [staying.pop() for _ in range(_most_leaving(network, faults)) if chance.hit(50)]
    rekeyed = [node for node in staying if chance.hit(25)]
    events: list[ChangeCommittee] = []
    for _ in range(chance.between(1, 3)):
        change = ChangeCommittee(
            at=Duration(chance.between(START, max(START, until - 1))),
            add=_some(chance, joining),
            remove=_some(chance, leaving),
            rekey=_some(chance, rekeyed),
        )
        if change.add or change.remove or change.rekey:
            events.append(change)
    return tuple(sorted(events, key=lambda event: event.at))


def _most_leaving(network: Network, faults: Sequence[TimelineEvent]) -> int:
    """Return how many may go, so that the rest bears all liars, rotten disks and a change."""
    liars: list[int] = []
    for each in network.classes:
        if each.liar is not None:
            liars += range(network.validators) if isinstance(each.nodes, str) else each.nodes
    liars += [event.node for event in faults if isinstance(event, LyingDisk | BitRot)]
    needed = max(COMMITTEE_MIN, 3 * len(set(liars)) + 1)
    return max(0, network.validators - needed)


def _some(chance: Chance, nodes: list[int]) -> tuple[int, ...]:
    """Take some of the nodes out of the list."""
    return tuple(sorted(nodes.pop() for _ in range(len(nodes)) if chance.hit(60)))
