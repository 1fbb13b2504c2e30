"""Whatever happens: agreement, valid certificates, no contradiction; and in the calm, progress."""

import pytest
from hypothesis import given, settings, strategies as st

from consensus.trace import EvidenceFound
from tests.properties.consensus_chaos import play

SIZES = (1, 2, 4, 5, 6, 7, 8)


@pytest.mark.parametrize("n", SIZES)
def test_chaos_then_calm(n: int) -> None:
    for seed in range(10):
        net = play(n, seed)
        assert len({node.replica.head for node in net.nodes}) == 1


@pytest.mark.parametrize("n", [4, 7])
def test_chaos_with_delays_near_the_timeouts(n: int) -> None:
    for seed in range(3):
        play(n, seed, delay_ms=(1, 40))


@given(n=st.sampled_from(SIZES), seed=st.integers(0, 2**32))
@settings(max_examples=15)
def test_chaos_at_random(n: int, seed: int) -> None:
    play(n, seed, chaos_ms=1_500)


@given(n=st.sampled_from((4, 5, 7)), seed=st.integers(0, 2**32))
@settings(max_examples=15)
def test_crashes_make_no_replica_guilty(n: int, seed: int) -> None:
    """Votes are durable before they leave, so nobody contradicts himself in a later life."""
    net = play(n, seed, chaos_ms=1_500)
    for node in net.nodes:
        assert not node.replica.scores
        assert not [event for event in node.trace if isinstance(event, EvidenceFound)]


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = play(5, 77, chaos_ms=1_500), play(5, 77, chaos_ms=1_500)
    assert first.sent == second.sent
    assert first.now == second.now
    assert [node.trace for node in first.nodes] == [node.trace for node in second.nodes]


@pytest.mark.slow
@pytest.mark.soak
def test_long_chaos(soak_runs: int) -> None:
    for seed in range(10_000, 10_000 + soak_runs):
        for n in SIZES:
            play(n, seed, delay_ms=(1, 40) if seed % 2 else (1, 10))
