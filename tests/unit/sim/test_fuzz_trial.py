"""One run of the search: its counts, and what becomes of objections and of exceptions."""

import pytest

from node.node import Node
from sim.fuzz import Counts, run_trial
from sim.scenario import Scenario, decode_table

EVENTS = [
    {"at": "1s", "kind": "crash", "node": "primary", "for": "2s"},
    {"at": "3500ms", "kind": "partition", "groups": [[0]], "for": "1s"},
    {"at": "4s", "kind": "slow", "node": 2, "factor": 3, "for": "500ms"},
    {"at": "4s", "kind": "latency", "extra": "10ms", "regions": "all", "for": "500ms"},
]
ROUGH = [
    {"at": "1s", "kind": "clog", "from": [1], "for": "200ms"},
    {"at": "1s", "kind": "duplicate", "probability": 0.5, "for": "1s"},
    {"at": "2s", "kind": "duplicate", "probability": 0.5, "from": [0], "for": "1s"},
    {"at": "1s", "kind": "reorder", "probability": 0.5, "delay": "20ms", "for": "1s"},
    {"at": "1s", "kind": "lose", "probability": 0.1, "for": "1s"},
    {"at": "1s", "kind": "clock", "node": 1, "ahead": "2s", "for": "1s"},
    {"at": "1s", "kind": "lying-disk", "node": 2, "cache": "100ms", "for": "2s"},
    {"at": "2s", "kind": "crash", "node": 2, "for": "1s"},
]


def scenario(**changes: object) -> Scenario:
    return decode_table(
        {
            "name": "trial",
            "duration": "6s",
            "network": {"validators": 4, "latency": "uniform", "latency_value": "5ms"},
            "consensus": {
                "signatures": "modelled",
                "request_timeout": "500ms",
                "view_change_timeout": "500ms",
            },
            "workload": {"rate": 20, "accounts": 10},
            "events": EVENTS,
            **changes,
        }
    )


def test_a_run_counts_what_it_went_through() -> None:
    trial = run_trial(scenario(), seed=3)
    assert trial.seed == 3
    assert trial.finding is None
    counts = trial.counts
    assert (counts.runs, counts.virtual_seconds) == (1, 6.0)
    assert (counts.crashes, counts.restarts, counts.partitions) == (1, 1, 1)
    assert (counts.slowdowns, counts.latency_spikes, counts.liars) == (1, 1, 0)
    assert counts.view_changes >= 1
    assert counts.blocks > 5


def test_every_kind_of_fault_is_counted_and_its_end_is_not() -> None:
    counts = run_trial(scenario(events=ROUGH, fidelity="isolated"), seed=3).counts
    assert (counts.clogs, counts.duplications, counts.reorderings, counts.losses) == (1, 2, 1, 1)
    assert (counts.clocks, counts.lying_disks, counts.isolated) == (1, 1, 1)
    # What the node with the lying disk says of itself does not count, its crash among it.
    assert counts.crashes == 0


def test_the_same_seed_runs_the_same() -> None:
    assert run_trial(scenario(), seed=3) == run_trial(scenario(), seed=3)


def test_counts_add_up() -> None:
    one, two = Counts(1, 2.5, 3, 4, 5, 6, 7, 8, 9, 10), Counts(1, 0.5, 1, 1, 1, 1, 1, 1, 1, 1)
    assert one + two == Counts(2, 3.0, 4, 5, 6, 7, 8, 9, 10, 11)
    assert one + Counts() == one


def test_an_objection_is_a_finding() -> None:
    events = [{"at": "1s", "kind": "crash", "node": node} for node in (1, 2)]
    trial = run_trial(scenario(events=events, expect={"recovery_within": "2s"}), seed=1)
    assert trial.finding is not None
    assert (trial.finding.check, trial.finding.at_ns) == ("recovery", 3_000_000_000)
    assert trial.counts.crashes == 2


def test_an_exception_is_a_finding_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Node.step

    def breaks_at_two_seconds(self: Node, now: int, event: object) -> object:
        if now > 2_000_000_000:
            raise ZeroDivisionError("by nothing")
        return honest(self, now, event)  # type: ignore[arg-type]

    monkeypatch.setattr(Node, "step", breaks_at_two_seconds)
    finding = run_trial(scenario(), seed=1).finding
    assert finding is not None
    assert finding.check == "error: ZeroDivisionError in breaks_at_two_seconds"
    assert finding.detail == "by nothing"
    assert finding.at_ns > 2_000_000_000


def test_ctrl_c_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Node, now: int, event: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(Node, "step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_trial(scenario(), seed=1)
