"""`orrery up --links`: messages that take as long as in the scenario, and worse."""

import pytest

from tests.live.test_up import up, verdicts

LATENCY_S = 0.15
HOPS = 3
"""Proposal, prepare and commit: nothing is final before that many messages behind one another."""

FAR = """
name = "far"
duration = "20s"
[network]
validators = 4
latency = "uniform"
latency_value = "150ms"
jitter = "none"
loss = 0.01
[consensus]
batch_delay = "50ms"
[workload]
kind = "transfers"
accounts = 20
rate = 20
stop = "15s"
[expect]
agreement = true
"""

ROUGH = """
[[events]]
at = "2s"
kind = "latency"
extra = "20ms"
for = "3s"
[[events]]
at = "3s"
kind = "duplicate"
probability = 0.3
delay = "100ms"
for = "6s"
[[events]]
at = "4s"
kind = "reorder"
probability = 0.3
delay = "80ms"
for = "6s"
[[events]]
at = "5s"
kind = "lose"
from = [2]
probability = 0.2
for = "4s"
[[events]]
at = "6s"
kind = "clog"
from = [1]
to = [2, 3]
for = "2s"
"""


@pytest.mark.slow
def test_nothing_is_final_sooner_than_its_messages_travel(tmp_path):
    summary = up(FAR + ROUGH, tmp_path, "--for", "20s", "--links")
    assert set(verdicts(summary).values()) == {"passed"}, summary["judgements"]
    assert summary["links"]
    assert summary["load"]["final"] > 0
    assert summary["load"]["finality_seconds"]["p50"] >= HOPS * LATENCY_S
    kinds = [each["kind"] for each in summary["happenings"]]
    for kind in ("latency added", "doubles messages", "mixes up messages", "loses messages"):
        assert kind in kinds
    assert kinds.index("clogged") < kinds.index("clogged no more")
