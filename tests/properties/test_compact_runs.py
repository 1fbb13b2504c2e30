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
from node.trace import PeerScored
from sim.assembly import build_world
from sim.trace import Observation
from tests.properties.whole_runs import LIAR, blamed, chain, faults, scenario

SECOND = 1_000_000_000
OLD = '[[network.classes]]\nname = "old"\nnodes = [{}]\nblocks = "full"\n'
LIARS = ("false-forms", "withholding", "garbage", "equivocating-primary", "lying-server")


@contextmanager
def bits(count: int) -> Iterator[None]:
    """Let short ids have fewer bits."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (short_ids, draft):
            patch.setattr(module, "SHORT_ID_MASK", (1 << count) - 1)
        yield


keys = st.sampled_from(
    (
        'blocks = "compact"',
        'blocks = "compact"\ncompact_mode = "low"',
        'blocks = "compact"\ncompression = "zstd"\ncompression_threshold = "64B"',
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
