"""One row of `orrery bench complexity`: what one decision takes at a committee's size.

The primary proposes an empty block at each beat, as in `orrery bench consensus`; the figures are
those of one decision in a world without faults. Nothing here depends on the machine that runs it.
"""

import json
import sys
from collections.abc import Callable, Sequence

from bench.consensus_row import BEAT, scenario
from consensus.costs import VOTE_SIGN, VOTE_VERIFY
from primitives.ids import Instant
from primitives.machine import Effect, Event, Work
from sim.assembly import build_world
from sim.run import rare_collections
from sim.trace import Observation, Traffic

Step = Callable[[Instant, Event], Sequence[Effect]]


class Tally:
    """Counts signatures made and checked, and messages with their bytes."""

    def __init__(self) -> None:
        self.units = {VOTE_SIGN: 0, VOTE_VERIFY: 0}
        self.messages = 0
        self.bytes = 0

    def watch(self, step: Step) -> Step:
        """Return a step that also counts what it costs."""
        units = self.units

        def turn(now: Instant, event: Event) -> Sequence[Effect]:
            effects = step(now, event)
            for effect in effects:
                if isinstance(effect, Work) and effect.kind in units:
                    units[effect.kind] += effect.units
            return effects

        return turn

    def traffic(self, traffic: Traffic) -> None:
        """Count what was sent."""
        self.messages += traffic.count
        self.bytes += traffic.bytes


class Clock:
    """Measures each decision, from the primary's own acceptance to every replica's commit."""

    def __init__(self, nodes: int) -> None:
        self._nodes = nodes
        self._proposed: dict[int, int] = {}
        self._took: dict[int, list[int]] = {}

    def observe(self, observation: Observation) -> None:
        """Note proposals and commits."""
        event = observation.event
        if event.name == "consensus.pre_prepared":
            self._proposed.setdefault(event.sequence, observation.at_ns)  # type: ignore[attr-defined]
        elif event.name == "consensus.committed":
            sequence: int = event.sequence  # type: ignore[attr-defined]
            took = observation.at_ns - self._proposed[sequence]
            self._took.setdefault(sequence, []).append(took)

    def spans(self) -> list[list[int]]:
        """Return, for each sequence that all have decided, the replicas' times, ascending, ns."""
        return [took for took in self._took.values() if len(took) == self._nodes]


def run(nodes: int, decisions: int) -> dict[str, object]:
    """Let a committee decide, and return the row."""
    plan = scenario(nodes, decisions, "modelled")
    world = build_world(plan, seed=1, with_clients=False)
    tally, clock = Tally(), Clock(nodes)
    steps = world.kernel._step
    steps[:] = [tally.watch(step) for step in steps]
    world.subscribe(events=clock.observe, traffic=tally.traffic)
    with rare_collections():
        # The last proposal is an interval before the end, which is time enough to decide it.
        world.run_until(plan.duration - BEAT // 2)
    spans = clock.spans()
    decided = len(spans)
    checks, made = tally.units[VOTE_VERIFY], tally.units[VOTE_SIGN]
    if decided != world.head.number or decided < decisions:
        raise AssertionError(f"expected {decisions} decisions everywhere, got {decided}")
    return {
        "nodes": nodes,
        "quorum": world.environment.genesis.committee.quorum,
        "messages_per_decision": round(tally.messages / decided),
        "bytes_per_decision": round(tally.bytes / decided),
        "signatures_per_decision": round(made / decided),
        "checks_per_decision": round(checks / decided),
        "checks_per_replica": round(checks / decided / nodes, 1),
        "first_commit_seconds": _mean([took[0] for took in spans]),
        "median_commit_seconds": _mean([took[nodes // 2] for took in spans]),
        "last_commit_seconds": _mean([took[-1] for took in spans]),
    }


def _mean(values: Sequence[int]) -> float:
    return round(sum(values) / len(values) / 1e9, 4)


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
