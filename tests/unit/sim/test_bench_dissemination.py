"""The benchmark of dissemination does what its table says, on a network worked out by hand."""

from typing import Any

import pytest
from numpy.random import default_rng
from rich.console import Console

from bench import command, dissemination_row, toy_network
from bench.dissemination_row import LEADER, MAKERS, PLACE, NoBook
from bench.toy_network import ToyNetwork
from network.offences import Offence
from primitives.ids import Instant, NodeId
from primitives.machine import CancelTimer

SMALL = 64 * 1024


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dissemination_row, "BLOCK_BYTES", SMALL)
    monkeypatch.setattr(dissemination_row, "ROUNDS", 1)


def test_a_block_takes_its_turn_on_the_uplink_and_then_the_latency(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(toy_network, "LATENCY_NS_MIN", 1_000)
    monkeypatch.setattr(toy_network, "LATENCY_NS_MAX", 1_001)
    policies = MAKERS["direct"](4, default_rng(1))
    network = ToyNetwork(policies, frozenset(), 8_000_000_000, default_rng(1))
    network.act(LEADER, policies[0].publish(Instant(0), PLACE, bytes(100)))
    network.run(1_000_000)
    # A byte takes a nanosecond; header, name, place and payload are 123 of them.
    assert network.sent_bytes == [3 * 123, 0, 0, 0]
    assert network.arrived_ns == {1: 1_123, 2: 1_246, 3: 1_369}


@pytest.mark.parametrize("silent", [0, 20])
@pytest.mark.parametrize("policy", MAKERS)
def test_every_policy_brings_the_block_to_all(policy: str, silent: int) -> None:
    row = dissemination_row.run(policy, 16, silent)
    mebibyte = SMALL / (1 << 20)
    assert 0 < row["most_seconds"] <= row["all_seconds"] < 5  # type: ignore[operator]
    leader = row["leader_mebibytes"] / mebibyte  # type: ignore[operator]
    low, high = {"direct": (15, 15.1), "mesh": (6, 14)}.get(policy, (2, 2.5))
    assert low <= leader <= high
    assert row["repeated_blocks"] >= 0  # type: ignore[operator]
    if silent == 0:
        assert {**dissemination_row.run(policy, 16, 0), "cpu_seconds": 0} == {
            **row,
            "cpu_seconds": 0,
        }


def test_a_code_is_timed_beside_tables() -> None:
    row = dissemination_row.coding(4, 4)
    rates = [value for name, value in row.items() if name != "code"]
    assert len(rates) == 4
    assert all(rate > 0 for rate in rates)  # type: ignore[operator]


def test_the_tables_have_their_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def here(module: str, options: dict[str, Any]) -> dict[str, object]:
        is_code = "data" in options
        return dissemination_row.coding(**options) if is_code else dissemination_row.run(**options)

    monkeypatch.setattr(dissemination_row, "measure", here)
    monkeypatch.setattr(dissemination_row, "COMMITTEES", (5,))
    monkeypatch.setattr(dissemination_row, "CODES", ((2, 2),))
    machine = {"processor": "a processor", "python": "3.11"}
    for name in ("dissemination", "shreds"):
        report = command.BENCHES[name]()
        command.show(name, {"machine": machine, **report}, Console(width=300))
    printed = capsys.readouterr().out
    assert all(column in printed for column in dissemination_row.HEADINGS.values())
    assert printed.count("tree-16") == 2


def test_what_no_policy_asks_for_stops_the_benchmark() -> None:
    network = ToyNetwork(MAKERS["direct"](2, default_rng(1)), frozenset(), 1, default_rng(1))
    with pytest.raises(AssertionError, match="CancelTimer"):
        network.act(0, [CancelTimer("none")])
    with pytest.raises(AssertionError, match="node 1: no answer in time"):
        NoBook().count(Instant(0), NodeId(1), Offence.SILENCE)
