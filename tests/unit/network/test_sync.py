from collections.abc import Sequence

import pytest

from network.costs import SERVED
from network.messages import (
    AnnounceBlock,
    CertifiedBlock,
    CertifiedBlocks,
    GetBlocks,
    GetSnapshot,
    GetStatus,
    SnapshotOffer,
    Status,
)
from network.offences import Offence
from network.sync import BlocksFetched, Sync
from network.sync_state import Answer, SyncConfig, SyncTimer
from network.trace import SyncFinished, SyncStarted
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import CancelTimer, Effect, Emit, Message, Send, SetTimer, Work
from tests.unit.network.books import Book, noted

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

    lowest = 1


def digest(height: int) -> Hash32:
    return Hash32(height.to_bytes(32, "big"))


def block(height: int) -> CertifiedBlock:
    return CertifiedBlock(b"block%d" % height, b"proof")


def sync(config: SyncConfig = CONFIG, height: int = 0) -> Sync:
    return Sync(config, Chain(height), Book(), height)


def announce(core: Sync, sender: NodeId, height: int, at: int = 0) -> Sequence[Effect]:
    return core.on_announce_block(Instant(at), sender, AnnounceBlock(height, digest(height)))


def answer(
    core: Sync, sender: NodeId, request: int, *heights: int, at: int = 0, lowest: int = 1
) -> Sequence[Effect]:
    blocks = tuple(block(height) for height in heights)
    message = CertifiedBlocks(request, blocks, lowest)
    return core.on_certified_blocks(Instant(at), sender, message)


def sent(effects: Sequence[Effect]) -> list[tuple[NodeId, Message]]:
    return [(effect.to, effect.message) for effect in effects if isinstance(effect, Send)]


def asked(effects: Sequence[Effect]) -> list[tuple[NodeId, int]]:
    return [(to, each.first) for to, each in sent(effects) if isinstance(each, GetBlocks)]


def handed_over(effects: Sequence[Effect]) -> list[int]:
    return [effect.first for effect in effects if isinstance(effect, BlocksFetched)]


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


def test_the_next_blocks_are_asked_for_while_the_first_are_checked() -> None:
    core = sync()
    announce(core, ALICE, 6)
    timer = SetTimer(SyncTimer.REQUEST, Duration(SECOND))
    assert answer(core, ALICE, 1, 1, 2, 3, 4, at=5) == [
        BlocksFetched(ALICE, 1, tuple(block(n) for n in (1, 2, 3, 4))),
        Send(ALICE, GetBlocks(2, 5, 2)),
        timer,
    ]
    assert announce(core, BOB, 6) == ()


def test_several_peers_are_asked_for_different_heights_at_a_time() -> None:
    core = sync(height=2)
    for peer in (ALICE, BOB, CAROL):
        core.state.heights[peer] = 100
    assert sent(core.fell_behind(Instant(0), ALICE, 100)) == [
        (ALICE, GetBlocks(1, 3, 4)),
        (BOB, GetBlocks(2, 7, 4)),
        (CAROL, GetBlocks(3, 11, 4)),
    ]


def test_what_comes_too_early_waits_for_what_is_below_it() -> None:
    core = sync()
    core.state.heights = {ALICE: 8, BOB: 8}
    core.fell_behind(Instant(0), ALICE, 8)
    assert handed_over(answer(core, BOB, 2, 5, 6, 7, 8)) == []
    assert handed_over(answer(core, ALICE, 1, 1, 2, 3, 4)) == [1]
    core.adopted(4)
    assert handed_over(core.checked(Instant(0))) == [5]


def test_what_a_short_answer_leaves_out_is_asked_for_again() -> None:
    core = sync()
    core.state.heights = {ALICE: 8, BOB: 8}
    core.fell_behind(Instant(0), ALICE, 8)
    answer(core, BOB, 2, 5, 6, 7, 8)
    effects = answer(core, ALICE, 1, 1, 2)
    assert sent(effects) == [(ALICE, GetBlocks(3, 3, 2))]


def test_what_a_liar_gave_before_is_not_used() -> None:
    core = sync()
    core.state.heights = {BOB: 8, ALICE: 8}
    core.fell_behind(Instant(0), BOB, 8)
    answer(core, ALICE, 2, 5, 6, 7, 8)
    answer(core, BOB, 1, 1, 2, 3, 4)
    core.adopted(4)
    core.checked(Instant(0))
    assert core.state.checking == Answer(ALICE, 5, tuple(block(n) for n in (5, 6, 7, 8)))
    core.state.ready.append(Answer(ALICE, 9, (block(9),)))
    effects = core.checked(Instant(0), Offence.FALSE_BLOCK)
    assert core.state.ready == []
    assert asked(effects) == [(BOB, 5)]


def test_the_requests_stay_within_reach_of_the_head() -> None:
    core = sync()
    core.state.heights = dict.fromkeys((ALICE, BOB, CAROL), 100)
    core.fell_behind(Instant(0), ALICE, 100)
    for request, first in ((2, 5), (3, 9)):
        answer(core, BOB if request == 2 else CAROL, request, *range(first, first + 4))
    assert [r.first for r in core.state.requests.values()] == [1]
    assert len(core.state.ready) == 2


def test_a_catch_up_is_traced_from_its_start_to_its_end() -> None:
    core = sync()
    assert traced(announce(core, ALICE, 5)) == [SyncStarted(0, 5)]
    answer(core, ALICE, 1, 1, 2, 3, 4)
    assert core.adopted(4) == []
    assert traced(core.checked(Instant(0))) == []
    answer(core, ALICE, 2, 5)
    assert traced(core.adopted(5)) == [SyncFinished(5)]
    assert traced(core.checked(Instant(0))) == []


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
    effects = core.checked(Instant(0), Offence.FALSE_BLOCK)
    assert sent(effects) == [(BOB, GetBlocks(2, 1, 2))]
    assert noted(core) == {ALICE: {"a block or certificate that is not valid": 1}}
    answer(core, BOB, 2, 1, 2)
    core.adopted(2)
    assert core.checked(Instant(0)) == []


def test_a_liar_is_never_asked_again() -> None:
    core = sync()
    announce(core, ALICE, 2)
    answer(core, ALICE, 1, 1, 2)
    assert core.checked(Instant(0), Offence.FALSE_BLOCK) == []
    assert announce(core, ALICE, 9) == ()
    assert core.on_status(Instant(0), ALICE, Status(9, digest(9))) == ()
    assert core.fell_behind(Instant(0), ALICE, 9) == []


def test_who_gives_other_blocks_than_asked_for_is_asked_again_when_it_says_it_has_them() -> None:
    core = sync()
    announce(core, ALICE, 2)
    answer(core, ALICE, 1, 1, 2)
    assert core.checked(Instant(0), Offence.MISPLACED) == []
    assert noted(core) == {ALICE: {"a block of another height than was asked for": 1}}
    assert asked(announce(core, ALICE, 9)) == [(ALICE, 1)]


def test_a_catch_up_whose_goal_was_a_lie_ends() -> None:
    core = sync()
    announce(core, ALICE, 100)
    effects = answer(core, ALICE, 1)
    assert traced(effects) == [SyncFinished(0)]
    assert noted(core)[ALICE] == {"an answer without the blocks it claimed to hold": 1}


def test_silence_turns_to_another_peer() -> None:
    core = sync()
    announce(core, ALICE, 1)
    announce(core, BOB, 1)
    effects = core.on_request_timeout(Instant(SECOND))
    timer = SetTimer(SyncTimer.REQUEST, Duration(SECOND))
    assert effects == [Send(BOB, GetBlocks(2, 1, 1)), timer]
    assert noted(core) == {ALICE: {"no answer in time": 1}}


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
    assert core.checked(Instant(0)) == []
    assert timer in announce(core, ALICE, 2, at=300)
    answer(core, ALICE, 2, 2)
    assert core.on_request_timeout(Instant(SECOND + 300)) == []


def test_an_answer_without_blocks_turns_to_another_peer() -> None:
    core = sync()
    announce(core, ALICE, 1)
    announce(core, BOB, 1)
    assert answer(core, ALICE, 1, at=1) == [
        Send(BOB, GetBlocks(2, 1, 1)),
        SetTimer(SyncTimer.REQUEST, Duration(SECOND)),
    ]


@pytest.mark.parametrize(("sender", "number"), [(BOB, 1), (ALICE, 2)])
def test_an_answer_that_was_not_asked_for_is_not_used(sender: NodeId, number: int) -> None:
    core = sync()
    announce(core, ALICE, 1)
    assert answer(core, sender, number, 1) == ()
    assert noted(core) == {sender: {"an answer that was not asked for": 1}}


def test_more_blocks_than_asked_for_are_a_lie() -> None:
    core = sync()
    announce(core, ALICE, 1)
    assert answer(core, ALICE, 1, 1, 2) == [CancelTimer(SyncTimer.REQUEST)]
    assert noted(core) == {ALICE: {"more blocks than were asked for": 1}}


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
    small = Sync(SyncConfig(response_bytes=1), Chain(5), Book(), 5)
    effects = small.on_get_blocks(Instant(0), BOB, GetBlocks(7, 1, 5))
    assert effects[1] == Send(BOB, CertifiedBlocks(7, (block(1),)))
    large = Sync(CONFIG, Chain(100), Book(), 100)
    (_, reply) = large.on_get_blocks(Instant(0), BOB, GetBlocks(7, 1, 1 << 50))
    assert len(reply.message.blocks) == 64  # type: ignore[attr-defined]


# ---------------------------------------------------------------- blocks that are not held any more


def test_a_peer_that_has_dropped_a_block_is_no_liar_and_not_asked_for_it_again() -> None:
    core = sync()
    core.state.heights = {ALICE: 40, BOB: 40}
    core.fell_behind(Instant(0), ALICE, 40)
    effects = answer(core, ALICE, 1, lowest=20)
    assert noted(core) == {}
    assert (ALICE, 1) not in asked(effects)
    answer(core, BOB, 2, lowest=1)
    assert noted(core) == {BOB: {"an answer without the blocks it claimed to hold": 1}}


def test_a_state_is_fetched_when_nobody_holds_the_next_block() -> None:
    core = sync()
    core.on_status(Instant(0), ALICE, Status(40, digest(40), 20))
    assert core.transfer.is_active
    assert asked(core.on_status(Instant(0), BOB, Status(40, digest(40), 20))) == []


def test_a_state_is_fetched_when_too_many_blocks_are_missing() -> None:
    near = sync(SyncConfig(snapshot_gap=39))
    assert sent(near.fell_behind(Instant(0), ALICE, 40)) == [(ALICE, GetSnapshot(1, 0))]
    far = sync(SyncConfig(snapshot_gap=40))
    assert sent(far.fell_behind(Instant(0), ALICE, 40)) == [(ALICE, GetBlocks(1, 1, 16))]


def test_blocks_go_on_when_the_state_is_adopted() -> None:
    core = sync()
    core.on_status(Instant(0), ALICE, Status(40, digest(40), 20))
    core.adopted(32)
    assert asked(core.transferred(Instant(0))) == [(ALICE, 33)]


def test_an_offer_in_vain_leads_back_to_blocks_if_somebody_holds_them() -> None:
    core = sync(SyncConfig(snapshot_gap=39))
    core.fell_behind(Instant(0), ALICE, 40)
    core.transfer.on_snapshot_offer(Instant(0), ALICE, SnapshotOffer(1, 0, digest(0), b""))
    assert not core.transfer.is_active
    assert asked(announce(core, ALICE, 41)) == [(ALICE, 1)]
