"""Small whole networks, for properties of the ways in which blocks and transactions travel."""

from hypothesis import strategies as st

from network.offences import Offence
from sim.assembly import build_world
from sim.report.result import RunResult
from sim.run import run_scenario
from sim.scenario import Scenario, decode_scenario

TEXT = """
name = "whole"
duration = "24s"
[network]
validators = {validators}
followers = {followers}
latency = "uniform"
latency_value = "10ms"
{keys}
{classes}
[consensus]
request_timeout = "2s"
view_change_timeout = "2s"
batch_delay = "300ms"
block_interval = "300ms"
signatures = "real"
[chain]
base_fee = "fixed"
[workload]
kind = "transfers"
accounts = 12
rate = {rate}
spacing = "fixed"
stop = "14s"
resend_after = "3s"
{events}
[expect]
min_height = 5
agreement = true
agreement_within = 3
"""
LIAR = '[[network.classes]]\nname = "liars"\nnodes = [0]\nliar = "{}"\n'
CRASH = '[[events]]\nat = "{at}ms"\nkind = "crash"\nnode = {node}\nfor = "3s"\n'
CUT = '[[events]]\nat = "{at}ms"\nkind = "partition"\ngroups = [[{node}]]\nfor = "3s"\n'

faults = st.sampled_from(("", CRASH, CUT)).flatmap(
    lambda text: st.builds(
        lambda node, at: text.format(node=node, at=at), st.integers(2, 5), st.integers(2_000, 8_000)
    )
)
"""One of nodes 2 to 5 is down or cut off for three seconds, or none."""


def scenario(
    keys: str = "",
    classes: str = "",
    events: str = "",
    followers: int = 2,
    rate: int = 20,
    validators: int = 4,
) -> Scenario:
    given = {"keys": keys, "classes": classes, "events": events, "validators": validators}
    return decode_scenario(TEXT.format(followers=followers, rate=rate, **given))


def chain(scenario: Scenario, seed: int) -> list[str]:
    """Return the digests of all blocks that a run decides, by height."""
    with build_world(scenario, seed) as world:
        world.run_until(scenario.duration)
        ledger = world.node(1).ledger
        return [ledger.digest(height).hex() for height in range(1, ledger.height + 1)]


def blamed(scenario: Scenario, seed: int) -> tuple[RunResult, list[int]]:
    """Return what a run comes to, and who stands lower with anybody for anything but silence."""
    result = run_scenario(scenario, seed=seed)
    found = [
        each.peer
        for each in result.peer_scores
        if set(each.offences) - {Offence.SILENCE, Offence.UNASKED, Offence.EMPTY}
    ]
    return result, found
