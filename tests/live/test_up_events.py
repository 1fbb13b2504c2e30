"""`orrery up`: committees that change, and every event that processes can be struck by."""

import pytest

from tests.live.test_up import up, verdicts

COMMITTEE = """
name = "committee"
duration = "14s"
[network]
validators = 5
followers = 1
[chain]
checkpoint_interval = 8
[consensus]
batch_delay = "100ms"
[workload]
kind = "transfers"
accounts = 20
rate = 20
[[events]]
at = "1s"
kind = "committee"
add = [5]
remove = [0]
rekey = [1]
[expect]
min_epoch = 1
agreement = true
"""

EVERYTHING = """
name = "everything"
duration = "70s"
[network]
validators = 7
followers = 2
[consensus]
batch_delay = "100ms"
request_timeout = "2s"
view_change_timeout = "2s"
certificates = "bls"
[workload]
kind = "erc20"
accounts = 40
rate = 30
[[events]]
at = "3s"
kind = "slow"
node = 1
factor = 8
for = "8s"
[[events]]
at = "13s"
kind = "partition"
ring = 2
for = "6s"
[[events]]
at = "21s"
kind = "partition"
groups = [[0, 1], [2, 3]]
bridge = [4, 5]
for = "5s"
[[events]]
at = "27s"
kind = "partition"
groups = [[2]]
direction = "in"
[[events]]
at = "32s"
kind = "heal"
[[events]]
at = "34s"
kind = "pause"
node = "primary"
for = "6s"
[[events]]
at = "42s"
kind = "churn"
rate = 0.4
down_time = "3s"
at_most = 2
for = "12s"
[[events]]
at = "58s"
kind = "restart"
node = "all"
[expect]
agreement = true
agreement_within = 5
"""


@pytest.mark.slow
def test_a_committee_changes_and_its_keys(tmp_path):
    summary = up(COMMITTEE, tmp_path, "--for", "14s")
    assert set(verdicts(summary).values()) == {"passed"}, summary["judgements"]
    kinds = [each["kind"] for each in summary["happenings"]]
    assert "committee change final" in kinds
    assert summary["epoch"] == 1
    again = up(COMMITTEE, tmp_path, "--for", "14s")
    assert again["epoch"] == 1, "a change that is final is not asked for again"
    assert "committee change asked for" not in [each["kind"] for each in again["happenings"]]


@pytest.mark.soak
def test_every_event_that_is_possible(tmp_path):
    summary = up(EVERYTHING, tmp_path, "--for", "70s")
    assert set(verdicts(summary).values()) == {"passed"}, summary["judgements"]
    assert summary["checked_blocks"] > 50
