"""Whole networks with compact blocks decide what networks with whole blocks decide.

Where nothing depends on some milliseconds, the very same blocks; else the same transactions, with
every checker content: under faults, with liars that send wrong forms, and with short ids of so few
bits that transactions of pool and block share them all the time. Nobody is blamed for those.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings, strategies as st

from network.compact import draft, short_ids
from network.offences import Offence
from node.trace import PeerScored
from sim.assembly import build_world
from sim.report.result import RunResult
from sim.run import run_scenario
from sim.scenario import Scenario, decode_scenario
from sim.trace import Observation

SECOND = 1_000_000_000
TEXT = """
name = "forms"
duration = "24s"
[network]
validators = 4
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
OLD = '[[network.classes]]\nname = "old"\nnodes = [{}]\nblocks = "full"\n'
CRASH = '[[events]]\nat = "{at}ms"\nkind = "crash"\nnode = {node}\nfor = "3s"\n'
CUT = '[[events]]\nat = "{at}ms"\nkind = "partition"\ngroups = [[{node}]]\nfor = "3s"\n'
LIARS = ("false-forms", "withholding", "garbage", "equivocating-primary", "lying-server")


def scenario(
    keys: str = "", classes: str = "", events: str = "", followers: int = 2, rate: int = 20
) -> Scenario:
    given = {"keys": keys, "classes": classes, "events": events}
    return decode_scenario(TEXT.format(followers=followers, rate=rate, **given))


@contextmanager
def bits(count: int) -> Iterator[None]:
    """Let short ids have fewer bits."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (short_ids, draft):
            patch.setattr(module, "SHORT_ID_MASK", (1 << count) - 1)
        yield


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


keys = st.sampled_from(
    (
        'blocks = "compact"',
        'blocks = "compact"\ncompact_mode = "low"',
        'blocks = "compact"\ncompression = "zstd"\ncompression_threshold = "64B"',
    )
)
faults = st.sampled_from(("", CRASH, CUT)).flatmap(
    lambda text: st.builds(
        lambda node, at: text.format(node=node, at=at), st.integers(2, 5), st.integers(2_000, 8_000)
    )
)


@settings(max_examples=5)
@given(keys, faults, st.sampled_from((3, 8, 48)), st.integers(1, 1_000))
def test_the_same_blocks_are_decided_in_either_form(
    keys: str, fault: str, bit_count: int, seed: int
) -> None:
    """Blocks are built every 500 ms of what came 50 ms before or earlier: time to spare."""
    full = chain(scenario(events=fault, rate=4), seed)
    with bits(bit_count):
        compact = chain(scenario(keys, events=fault, rate=4), seed)
    assert len(full) > 20
    assert compact == full


@settings(max_examples=8)
@given(
    keys,
    st.sampled_from(LIARS),
    faults,
    st.sampled_from((4, 10, 48)),
    st.booleans(),
    st.integers(1, 1_000),
)
def test_liars_and_shared_ids_cost_no_transaction(
    keys: str, liar: str, fault: str, bit_count: int, mixed: bool, seed: int
) -> None:
    classes = LIAR.format(liar) + (OLD.format("3, 5") if mixed else "")
    with bits(bit_count):
        result, found = blamed(scenario(keys, classes, fault), seed)
    assert result.passed, result
    assert result.unconfirmed == 0
    assert set(found) <= {0}


@settings(max_examples=4)
@given(keys, faults, st.sampled_from((2, 5, 9)), st.integers(1, 1_000))
def test_nobody_is_blamed_for_an_id_that_fits_another_transaction(
    keys: str, fault: str, bit_count: int, seed: int
) -> None:
    with bits(bit_count):
        result, found = blamed(scenario(keys, events=fault), seed)
    assert result.passed
    assert result.compact is not None
    assert result.unconfirmed == 0
    assert found == []


def test_a_wrong_transaction_with_the_right_id_is_seen_and_nobody_blamed() -> None:
    seen: list[Observation] = []
    with bits(7), build_world(scenario('blocks = "compact"', rate=120), 1) as world:
        world.subscribe(events=seen.append)
        world.run_until(10 * SECOND)
    names = [observation.event.name for observation in seen]
    assert "compact.mismatched" in names
    assert PeerScored.name not in names
