import pytest
from hypothesis import given, strategies as st

from network.outbox import BatchConfig, Batcher, BatchReady
from primitives.errors import InvalidInput
from primitives.ids import Duration, Instant, NodeId
from primitives.machine import NOTHING, SetTimer

TIMER = "batch"
ALICE, BOB = NodeId(1), NodeId(2)
CONFIG = BatchConfig(items_max=3, bytes_max=10, delay=Duration(100))


def make(config: BatchConfig = CONFIG) -> Batcher:
    return Batcher(config, TIMER)


def test_a_batch_leaves_when_it_has_enough_entries() -> None:
    core = make()
    assert core.add(Instant(0), ALICE, "a", 1) == [SetTimer(TIMER, CONFIG.delay)]
    assert core.add(Instant(1), ALICE, "b", 1) == []
    assert core.add(Instant(2), ALICE, "c", 1) == [BatchReady(TIMER, ALICE, ("a", "b", "c"))]
    assert len(core) == 0


def test_a_batch_leaves_when_it_has_enough_bytes() -> None:
    core = make()
    core.add(Instant(0), ALICE, "a", 4)
    assert core.add(Instant(0), ALICE, "b", 6) == [BatchReady(TIMER, ALICE, ("a", "b"))]


def test_an_entry_that_does_not_fit_sends_off_what_waits() -> None:
    core = make()
    core.add(Instant(0), ALICE, "a", 4)
    effects = core.add(Instant(0), ALICE, "b", 7)
    assert effects == [BatchReady(TIMER, ALICE, ("a",)), SetTimer(TIMER, CONFIG.delay)]
    assert core.add(Instant(0), ALICE, "huge", 11) == [
        BatchReady(TIMER, ALICE, ("b",)),
        SetTimer(TIMER, CONFIG.delay),
        BatchReady(TIMER, ALICE, ("huge",)),
    ]


def test_a_batch_leaves_when_its_first_entry_has_waited_long_enough() -> None:
    core = make()
    core.add(Instant(0), ALICE, "a", 1)
    core.add(Instant(60), BOB, "b", 1)
    core.add(Instant(90), ALICE, "c", 1)
    assert core.on_timeout(Instant(100)) == [
        BatchReady(TIMER, ALICE, ("a", "c")),
        SetTimer(TIMER, Duration(60)),
    ]
    assert core.on_timeout(Instant(160)) == [BatchReady(TIMER, BOB, ("b",))]
    assert core.on_timeout(Instant(300)) == []


def test_what_waits_already_is_not_asked_for_twice() -> None:
    core = make()
    core.add(Instant(0), ALICE, "a", 1)
    assert core.add(Instant(0), ALICE, "a", 1) == NOTHING
    assert core.add(Instant(0), BOB, "a", 1) == []


def test_without_delay_every_entry_leaves_alone() -> None:
    core = make(BatchConfig(delay=Duration(0)))
    assert core.add(Instant(5), ALICE, "a", 1)[-1] == BatchReady(TIMER, ALICE, ("a",))


def test_what_waits_for_a_peer_that_has_gone_is_dropped() -> None:
    core = make()
    core.add(Instant(0), ALICE, "a", 1)
    core.forget(ALICE)
    core.forget(BOB)
    assert core.on_timeout(Instant(100)) == []


@pytest.mark.parametrize("config", [{"items_max": 0}, {"bytes_max": 0}, {"delay": Duration(-1)}])
def test_batches_that_can_hold_nothing_are_refused(config: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match=r"network\.batching"):
        BatchConfig(**config)  # type: ignore[arg-type]


STEPS = st.tuples(st.integers(0, 60), st.sampled_from([ALICE, BOB]), st.integers(0, 12))


@given(st.lists(STEPS, max_size=40))
def test_every_entry_leaves_once_within_limits_and_in_time(
    steps: list[tuple[int, NodeId, int]],
) -> None:
    """Each entry is of as many bytes as its step says; the timer is served when it is due."""
    core, now, alarm = make(), 0, None
    added: dict[tuple[NodeId, int], int] = {}
    left: list[tuple[NodeId, int]] = []

    def perform(effects, at: int) -> None:
        nonlocal alarm
        for effect in effects:
            if isinstance(effect, SetTimer):
                alarm = at + effect.delay_ns
                continue
            assert isinstance(effect, BatchReady)
            sizes = [steps[name][2] for name in effect.items]  # type: ignore[call-overload]
            assert len(sizes) == 1 or (len(sizes) <= 3 and sum(sizes) <= 10)
            for name in effect.items:
                assert at - added[effect.peer, name] <= 100  # type: ignore[index]
                left.append((effect.peer, name))  # type: ignore[arg-type]

    for name, (passed, peer, size) in enumerate(steps):
        while alarm is not None and alarm <= now + passed:
            at, alarm = alarm, None
            perform(core.on_timeout(Instant(at)), at)
        now += passed
        added[peer, name] = now
        perform(core.add(Instant(now), peer, name, size), now)
    while alarm is not None:
        at, alarm = alarm, None
        perform(core.on_timeout(Instant(at)), at)
    assert sorted(left) == sorted(added)
