from collections.abc import Sequence

import pytest

from network.costs import SERVED
from network.messages import (
    AnnounceBlock,
    CertifiedBlock,
    CertifiedBlocks,
    GetBlocks,
    GetStatus,
    Status,
)
from network.sync import BlocksFetched, Sync
from network.sync_state import SyncConfig, SyncTimer
from network.trace import SyncFinished, SyncStarted
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import CancelTimer, Effect, Emit, Message, Send, SetTimer, Work

ALICE, BOB, CAROL = NodeId(1), NodeId(2), NodeId(3)
SECOND = 1_000_000_000
CONFIG = SyncConfig(
    peers=(ALICE, BOB, CAROL),
    request_timeout=Duration(SECOND),
    poll_interval=Duration(5 * SECOND),
    status_fanout=2,
    blocks_per_request=4,
)


class Chain:
    def __init__(self, height: int = 0) -> None:
        self.height = height

    def certified_block(self, height: int) -> CertifiedBlock | None:
        return block(height) if 1 <= height <= self.height else None

    def head(self) -> tuple[int, Hash32]:
        return self.height, digest(self.height)


def digest(height: int) -> Hash32:
    return Hash32(height.to_bytes(32, "big"))


def block(height: int) -> CertifiedBlock:
    return CertifiedBlock(b"block%d" % height, b"proof")


def sync(config: SyncConfig = CONFIG, height: int = 0) -> Sync:
    return Sync(config, Chain(height), height)


def announce(core: Sync, sender: NodeId, height: int, at: int = 0) -> Sequence[Effect]:
    return core.on_announce_block(Instant(at), sender, AnnounceBlock(height, digest(height)))


def answer(core: Sync, sender: NodeId, request: int, *heights: int) -> Sequence[Effect]:
    blocks = tuple(block(height) for height in heights)
    return core.on_certified_blocks(Instant(0), sender, CertifiedBlocks(request, blocks))


def sent(effects: Sequence[Effect]) -> list[tuple[NodeId, Message]]:
    return [(effect.to, effect.message) for effect in effects if isinstance(effect, Send)]


def traced(effects: Sequence[Effect]) -> list[object]:
    return [effect.event for effect in effects if isinstance(effect, Emit)]


def test_a_follower_fetches_an_announced_block() -> None:
    effects = announce(sync(), ALICE, 1)
    timer = SetTimer(SyncTimer.REQUEST, Duration(SECOND))
    assert effects == [Send(ALICE, GetBlocks(1, 1, 1)), timer]


def test_what_is_held_or_being_fetched_is_not_asked_for() -> None:
    core = sync(height=3)
    assert announce(core, ALICE, 3) == ()
    announce(core, ALICE, 4)
    assert announce(core, BOB, 4) == ()


def test_a_validator_leaves_near_blocks_to_consensus() -> None:
    core = sync(SyncConfig(follow_gap=8))
    assert announce(core, ALICE, 8) == ()
    assert sent(announce(core, ALICE, 9)) == [(ALICE, GetBlocks(1, 1, 9))]


def test_blocks_are_handed_over_and_the_next_are_asked_for_when_they_are_checked() -> None:
    core = sync()
    announce(core, ALICE, 6)
    assert answer(core, ALICE, 1, 1, 2, 3, 4) == (
        CancelTimer(SyncTimer.REQUEST),
        BlocksFetched(ALICE, 1, tuple(block(n) for n in (1, 2, 3, 4))),
    )
    assert announce(core, BOB, 6) == ()
    core.adopted(4)
    assert sent(core.checked(Instant(0))) == [(ALICE, GetBlocks(2, 5, 2))]


def test_a_catch_up_is_traced_from_its_start_to_its_end() -> None:
    core = sync()
    assert traced(announce(core, ALICE, 5)) == [SyncStarted(0, 5)]
    answer(core, ALICE, 1, 1, 2, 3, 4)
    assert core.adopted(4) == ()
    assert traced(core.checked(Instant(0))) == []
    answer(core, ALICE, 2, 5)
    assert traced(core.adopted(5)) == [SyncFinished(5)]
    assert core.checked(Instant(0)) == []


def test_following_the_tip_is_no_catch_up() -> None:
    core = sync()
    assert traced(announce(core, ALICE, 3)) == []
    assert traced(announce(core, ALICE, 3)) == []


def test_falling_behind_by_one_is_a_catch_up() -> None:
    effects = sync(height=9).fell_behind(Instant(0), BOB, 10)
    assert traced(effects) == [SyncStarted(9, 10)]
    assert sent(effects) == [(BOB, GetBlocks(1, 10, 1))]


def test_a_liar_is_counted_and_another_peer_asked() -> None:
    core = sync()
    announce(core, ALICE, 2)
    announce(core, BOB, 2)
    answer(core, ALICE, 1, 1, 2)
    effects = core.checked(Instant(0), "a bad certificate")
    assert sent(effects) == [(BOB, GetBlocks(2, 1, 2))]
    assert core.state.offences == {ALICE: {"a bad certificate": 1}}
    answer(core, BOB, 2, 1, 2)
    core.adopted(2)
    assert core.checked(Instant(0)) == []


def test_a_liar_is_never_asked_again() -> None:
    core = sync()
    announce(core, ALICE, 2)
    answer(core, ALICE, 1, 1, 2)
    assert core.checked(Instant(0), "a bad certificate") == []
    assert announce(core, ALICE, 9) == ()
    assert core.on_status(Instant(0), ALICE, Status(9, digest(9))) == ()
    assert core.fell_behind(Instant(0), ALICE, 9) == []


def test_a_catch_up_whose_goal_was_a_lie_ends() -> None:
    core = sync()
    announce(core, ALICE, 100)
    effects = answer(core, ALICE, 1)
    assert traced(effects) == [SyncFinished(0)]
    assert core.state.offences[ALICE] == {"an answer without the blocks it claimed to hold": 1}


def test_silence_turns_to_another_peer() -> None:
    core = sync()
    announce(core, ALICE, 1)
    announce(core, BOB, 1)
    effects = core.on_request_timeout(Instant(SECOND))
    timer = SetTimer(SyncTimer.REQUEST, Duration(SECOND))
    assert effects == [Send(BOB, GetBlocks(2, 1, 1)), timer]
    assert core.state.offences == {ALICE: {"no answer in time": 1}}


def test_silence_of_the_only_peer_that_is_ahead_asks_others_for_their_height() -> None:
    core = sync()
    announce(core, ALICE, 1)
    effects = core.on_request_timeout(Instant(SECOND))
    assert effects == [Send(ALICE, GetStatus()), Send(BOB, GetStatus())]


def test_the_timer_runs_only_while_an_answer_is_awaited() -> None:
    core = sync()
    timer = SetTimer(SyncTimer.REQUEST, Duration(SECOND))
    assert timer in announce(core, ALICE, 1)
    assert CancelTimer(SyncTimer.REQUEST) in answer(core, ALICE, 1, 1)
    core.adopted(1)
    core.checked(Instant(0))
    assert timer in announce(core, ALICE, 2, at=300)
    answer(core, ALICE, 2, 2)
    assert core.on_request_timeout(Instant(SECOND + 300)) == ()


def test_an_answer_without_blocks_ends_the_wait_before_the_next_begins() -> None:
    core = sync()
    announce(core, ALICE, 1)
    announce(core, BOB, 1)
    assert answer(core, ALICE, 1) == [
        CancelTimer(SyncTimer.REQUEST),
        Send(BOB, GetBlocks(2, 1, 1)),
        SetTimer(SyncTimer.REQUEST, Duration(SECOND)),
    ]


@pytest.mark.parametrize(("sender", "number"), [(BOB, 1), (ALICE, 2)])
def test_an_answer_that_was_not_asked_for_is_not_used(sender: NodeId, number: int) -> None:
    core = sync()
    announce(core, ALICE, 1)
    assert answer(core, sender, number, 1) == ()
    assert core.state.offences == {sender: {"an answer that was not asked for": 1}}


def test_more_blocks_than_asked_for_are_a_lie() -> None:
    core = sync()
    announce(core, ALICE, 1)
    assert answer(core, ALICE, 1, 1, 2) == [CancelTimer(SyncTimer.REQUEST)]
    assert core.state.failures == {ALICE: 1}


def test_a_start_at_genesis_asks_nobody() -> None:
    assert sync().start(Instant(0)) == [SetTimer(SyncTimer.POLL, CONFIG.poll_interval)]


def test_a_late_start_asks_some_peers_for_their_height() -> None:
    effects = sync().start(Instant(7))
    assert sent(effects) == [(ALICE, GetStatus()), (BOB, GetStatus())]


def test_a_higher_status_starts_a_catch_up() -> None:
    core = sync(height=3)
    assert core.on_status(Instant(0), ALICE, Status(3, digest(3))) == ()
    effects = core.on_status(Instant(0), BOB, Status(4, digest(4)))
    assert sent(effects) == [(BOB, GetBlocks(1, 4, 1))]


def test_a_poll_asks_the_next_peer_only_while_the_head_stands_still() -> None:
    core = sync()
    timer = SetTimer(SyncTimer.POLL, CONFIG.poll_interval)
    assert core.on_poll_timeout(Instant(0)) == [timer]
    assert core.on_poll_timeout(Instant(0)) == [Send(ALICE, GetStatus()), timer]
    assert core.on_poll_timeout(Instant(0)) == [Send(BOB, GetStatus()), timer]
    core.adopted(1)
    assert core.on_poll_timeout(Instant(0)) == [timer]


def test_status_tells_the_head() -> None:
    effects = sync(height=5).on_get_status(Instant(0), BOB, GetStatus())
    assert effects == (Send(BOB, Status(5, digest(5))),)


def test_blocks_are_served_up_to_the_head() -> None:
    core = sync(height=5)
    size = len(b"block4proof") * 2
    effects = core.on_get_blocks(Instant(0), BOB, GetBlocks(7, 4, 9))
    answered = CertifiedBlocks(7, (block(4), block(5)))
    assert effects == (Work(SERVED, size), Send(BOB, answered))


def test_blocks_that_are_not_held_are_answered_with_nothing() -> None:
    effects = sync(height=5).on_get_blocks(Instant(0), BOB, GetBlocks(7, 6, 1))
    assert effects[1] == Send(BOB, CertifiedBlocks(7, ()))


def test_an_answer_stops_at_its_size_and_count() -> None:
    small = Sync(SyncConfig(response_bytes=1), Chain(5), 5)
    effects = small.on_get_blocks(Instant(0), BOB, GetBlocks(7, 1, 5))
    assert effects[1] == Send(BOB, CertifiedBlocks(7, (block(1),)))
    large = Sync(CONFIG, Chain(100), 100)
    (_, reply) = large.on_get_blocks(Instant(0), BOB, GetBlocks(7, 1, 1 << 50))
    assert len(reply.message.blocks) == 64  # type: ignore[attr-defined]
