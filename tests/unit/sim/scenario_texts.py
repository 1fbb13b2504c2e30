"""Scenario texts that several test files use, and what is wrong with them."""

import pytest

from sim.scenario import ScenarioError, decode_scenario

MINIMAL = """\
name = "small"
duration = "30s"

[network]
validators = 4
"""

EVERYTHING = """\
name = "everything"
description = 'with "quotes", a \\ and ünïcode'
seed = 9
duration = "1.5min"
[network]
validators = 6
followers = 4
topology = "small-world"
degree = 4
rewire = 0.25
latency = "simblock-6-2019"
regions = { Europe = 0.5, Japan = 0.25, "North_America" = 0.25 }
bandwidth_up = "20Mbit"
bandwidth_down = "50Mbit"
loss = 0.01
jitter = "pareto"
jitter_size = 0.2
disk = "hdd"
[[network.classes]]
name = "weak"
nodes = [1, 2]
cores = 1
cpu_speed = 0.5
disk = { latency = "1ms", fsync = "9ms", throughput = "100MB" }
[[network.classes]]
name = "readers"
nodes = "followers"
mempool_bytes = "1MiB"
[consensus]
batch_size = 50
block_interval = "1s"
empty_blocks = true
signatures = "real"
[chain]
base_fee = "fixed"
base_fee_initial = "7 wei"
[workload]
kind = "transfers"
rate = 20.5
ramp = { to = 40, start = "5s", end = "20s" }
bursts = [{ factor = 3, start = "30s", length = "5s" }]
value_min = "1 gwei"
value_max = "0.5 ether"
[measure]
warm_up = "10s"
cool_down = "5s"
[[events]]
at = "50s"
kind = "latency"
extra = "40ms"
regions = ["Japan"]
for = "10s"
[[events]]
at = "20s"
kind = "partition"
groups = [["Japan"], [0, 2]]
for = "10s"
[[events]]
at = "40s"
kind = "crash"
node = "primary"
[[events]]
at = "45s"
kind = "restart"
node = "all"
[[events]]
at = "60s"
kind = "slow"
node = 3
factor = 2.5
[[events]]
at = "62s"
kind = "churn"
rate = 0.1
down_time = "3s"
nodes = "followers"
[expect]
min_tps = 5
max_p99_confirmation = "8s"
liveness_after_heal = "20s"
agreement = true
"""


def mistakes(text: str, *overrides: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        decode_scenario(text, "x.toml", overrides)
    return str(caught.value).splitlines()


def only_mistake(text: str, *overrides: str) -> str:
    found = mistakes(text, *overrides)
    assert len(found) == 1, found
    return found[0]


def with_network(lines: str) -> str:
    return MINIMAL + lines + "\n"


def with_event(lines: str) -> str:
    return MINIMAL + "\n[[events]]\n" + lines + "\n"


def with_section(section: str, lines: str) -> str:
    return f"{MINIMAL}\n[{section}]\n{lines}\n"
