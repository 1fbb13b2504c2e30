"""The keys of nodes that a committee may come to know, and the changes that name them.

Every validator of the first committee has one key, and another for each time that the scenario's
timeline re-keys it; a follower that is added has one, too. Which key a change names follows from
the timeline alone, so it can be said before the run.
"""

from collections.abc import Iterable

from node.verifiers import Keys
from primitives.committee import Member
from primitives.committee_change import CommitteeChange
from primitives.ids import NodeId
from sim.scenario import ChangeCommittee, Scenario
from sim.signatures import member_keys


class Electorate:
    """What a scenario's committee changes need.

    Args:
        scenario: checked.
        seed: the run's seed.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._scenario = scenario
        self._seed = seed
        self._generations: dict[int, int] = {}
        """How often each node has been re-keyed by the changes so far."""
        self._spare: dict[int, dict[int, Keys]] = {}
        """Keys of each node beside the one that genesis knows, by generation, in order."""
        events = [event for event in scenario.events if isinstance(event, ChangeCommittee)]
        self.changes: tuple[tuple[int, tuple[CommitteeChange, ...]], ...] = tuple(
            (event.at, tuple(self._changes(event)))
            for event in sorted(events, key=lambda event: event.at)
        )
        """When each change is handed in, ns, and what it says; in order of time."""

    def spare_keys(self, node: int) -> tuple[Keys, ...]:
        """Return the keys that a node needs beside the one that genesis knows."""
        return tuple(self._spare.get(node, {}).values())

    def spare_generations(self, node: int) -> tuple[int, ...]:
        """Return which of a node's keys those are: how often it was re-keyed before each."""
        return tuple(self._spare.get(node, {}))

    def _changes(self, event: ChangeCommittee) -> Iterable[CommitteeChange]:
        for node in event.remove:
            yield CommitteeChange("remove", NodeId(node))
        for node in event.add:
            member = self._member(node)
            yield CommitteeChange("add", *_fields(member))
        for node in event.rekey:
            self._generations[node] = self._generations.get(node, 0) + 1
            member = self._member(node)
            yield CommitteeChange("rekey", *_fields(member))

    def _member(self, node: int) -> Member:
        """Return a node under its key of the moment, and see to it that it has that key."""
        generation, consensus = self._generations.get(node, 0), self._scenario.consensus
        real = consensus.signatures == "real"
        keys, member = member_keys(self._seed, node, generation, real, consensus.certificates)
        known_at_genesis = generation == 0 and node < self._scenario.network.validators
        spare = self._spare.setdefault(node, {})
        if not known_at_genesis:
            spare.setdefault(generation, keys)
        return member


def _fields(member: Member) -> tuple[NodeId, bytes, bytes, bytes]:
    return member.node, member.public_key, member.aggregate_key, member.possession
