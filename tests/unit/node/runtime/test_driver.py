"""What a driver does with turns, with a machine that says what it is told to."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from node.intake import ClientsAnswered
from node.rpc.backend import SubmitOutcome
from node.runtime.driver import Driver
from node.runtime.errors import Panicked
from node.runtime.hub import EventHub
from node.runtime.keeper import StoreKeeper
from node.runtime.limits import DriverLimits
from node.runtime.submissions import STOPPED
from node.trace import TransactionSubmitted
from primitives.ids import Duration, Instant, NodeId, RequestId, Token
from primitives.machine import (
    Broadcast,
    CancelTimer,
    Completed,
    Compute,
    Effect,
    Emit,
    Event,
    Loopback,
    Persist,
    Persisted,
    Received,
    Record,
    Send,
    SetTimer,
    Started,
    Submitted,
    TimerFired,
    Work,
)
from primitives.transaction import transaction_hash
from storage.store import DamagedStore
from tests.unit.node.runtime.live_world import PATIENCE_SECONDS, Log, on_loop
from tests.unit.sim.kernel_worlds import Ping, Poke

MILLISECOND = 1_000_000
PEER = NodeId(1)
TRACED = TransactionSubmitted(b"x")


class Panic(BaseException):
    """What a library in Rust raises."""


class Answer:
    """A job."""

    def __init__(self, result: object) -> None:
        self.result = result

    def run(self) -> object:
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


class Writer:
    """Makes durable when it is told to, and has as much room as it is told."""

    def __init__(self) -> None:
        self.has_room = True
        self.submitted: list[tuple[str, Token]] = []

    def submit(self, core: str, token: Token, records: Sequence[Record]) -> int:
        self.submitted.append((core, token))
        return 7

    def close(self) -> None:
        pass


class Scene:
    """A driver, and all that it does, in order."""

    def __init__(self, workers: int = 0, **limits: int) -> None:
        loop = asyncio.get_running_loop()
        self.answers: dict[type[Event], Sequence[Effect]] = {}
        self.seen: list[Event] = []
        self.out: list[Send | Broadcast] = []
        self.paused: list[tuple[str, int]] = []
        self.failures: list[Exception] = []
        self.raises: deque[BaseException] = deque()
        self.log, self.writer = Log(), Writer()
        hub = EventHub(lambda sink, error: None)
        hub.subscribe(self.log)
        self.keeper = StoreKeeper(loop, lambda: Instant(5), hub)
        self.driver = Driver(
            loop,
            self,
            lambda: Instant(5),
            self.keeper,
            self,
            hub,
            lambda node: self.paused.append(("pause", node)),
            lambda node: self.paused.append(("resume", node)),
            lambda node, size: None,
            DriverLimits(workers=workers, **limits),
            self.failures.append,
        )
        self.keeper.begin(self.writer, self.driver)

    def step(self, now: Instant, event: Event) -> Sequence[Effect]:
        self.seen.append(event)
        if self.raises:
            raise self.raises.popleft()
        return self.answers.get(type(event), ())

    def send(self, effect: Send) -> None:
        if effect.to == 99:
            raise ValueError("nobody has such a number")
        self.out.append(effect)

    def broadcast(self, effect: Broadcast) -> None:
        self.out.append(effect)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                await asyncio.sleep(0.001)

    async def settle(self) -> None:
        """Let the loop turn often enough for a dozen events, each in a portion of its own."""
        for _ in range(50):
            await asyncio.sleep(0)


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    on_loop(scene())


def test_each_effect_is_performed_in_its_order() -> None:
    async def scene() -> None:
        world = Scene()
        event = Poke(1)
        world.answers[Started] = (
            Work("hash", 3),
            Send(PEER, Ping(1)),
            SetTimer("late", Duration(MILLISECOND)),
            SetTimer("never", Duration(MILLISECOND)),
            Broadcast("committee", Ping(2)),
            CancelTimer("never"),
            Work("hash", 4),
            Loopback(event),
            Compute(RequestId(8), (), Answer("done")),
            Emit(TRACED),
        )
        world.driver.start()
        await world.until(lambda: len(world.seen) == 4)
        assert world.out == [Send(PEER, Ping(1)), Broadcast("committee", Ping(2))]
        assert world.seen[:2] == [Started(), event]
        assert sorted(map(repr, world.seen[2:])) == sorted(
            map(repr, [Completed(RequestId(8), "done", None), TimerFired("late")])
        )
        assert world.log.events == [TRACED]
        assert world.driver.figures.work == {"hash": 7}
        world.driver.stop()

    play(scene)


@pytest.mark.parametrize("overtaken", [False, True])
def test_a_timer_that_is_cancelled_before_its_turn_does_not_fire(*, overtaken: bool) -> None:
    async def scene() -> None:
        world = Scene()
        world.answers[Started] = (SetTimer("a", Duration(3_600_000 * MILLISECOND)),)
        world.answers[Poke] = (CancelTimer("a"),) if overtaken else ()
        world.driver.start()
        await world.settle()
        world.driver.leave(Loopback(Poke(1)))
        timer = world.driver.timers._timers["a"]
        timer.due = 0
        world.driver.timers._come_up(timer)
        await world.settle()
        fired = [] if overtaken else [TimerFired("a")]
        assert world.seen == [Started(), Poke(1), *fired]
        world.driver.stop()

    play(scene)


def test_what_a_node_asked_for_comes_first_then_peers_by_class_then_clients() -> None:
    async def scene() -> None:
        world = Scene(messages_per_submission=2)
        for number in range(5):
            world.driver.receive(PEER, Ping(number), 10)
        submitted = [world.driver.submit(bytes([number])) for number in range(3)]
        world.driver.leave(Loopback(Poke(9)))
        await world.settle()
        kinds = "".join(type(event).__name__[0] for event in world.seen)
        assert kinds == "PRRSRRSRS"
        assert all(not asyncio.ensure_future(each).done() for each in submitted)
        world.driver.stop()

    play(scene)


def test_the_loop_has_its_turn_between_portions() -> None:
    async def scene() -> None:
        world = Scene(portion_ns=0)
        passes: list[int] = []

        def count() -> None:
            passes.append(len(world.seen))
            if len(world.seen) < 10:
                asyncio.get_running_loop().call_soon(count)

        for number in range(10):
            world.driver.receive(PEER, Ping(number), 10)
        asyncio.get_running_loop().call_soon(count)
        await world.until(lambda: len(world.seen) == 10)
        assert passes[:9] == list(range(1, 10)), "one turn for each pass of the loop"
        assert world.driver.figures.portions >= 10
        world.driver.stop()

    play(scene)


def test_without_room_for_batches_only_the_nodes_own_events_have_turns() -> None:
    async def scene() -> None:
        world = Scene()
        world.writer.has_room = False
        world.driver.receive(PEER, Ping(1), 10)
        world.driver.leave(Loopback(Poke(1)))
        await world.settle()
        assert world.seen == [Poke(1)]
        assert world.driver.figures.stalls
        world.writer.has_room = True
        await world.until(lambda: len(world.seen) == 2)
        assert world.seen[1] == Received(PEER, Ping(1))
        world.driver.stop()

    play(scene)


def test_with_too_many_jobs_peers_wait() -> None:
    async def scene() -> None:
        world = Scene(jobs=1)
        world.answers[Poke] = (Compute(RequestId(1), (), Answer(1)),)
        world.driver.leave(Loopback(Poke(1)))
        world.driver.receive(PEER, Ping(1), 10)
        await world.until(lambda: len(world.seen) == 3)
        assert world.seen == [Poke(1), Completed(RequestId(1), 1, None), Received(PEER, Ping(1))]
        world.driver.stop()

    play(scene)


def test_a_peer_that_fills_its_share_is_paused_and_goes_on() -> None:
    async def scene() -> None:
        world = Scene(peer_messages=4)
        for number in range(4):
            world.driver.receive(PEER, Ping(number), 10)
        assert world.paused == [("pause", PEER)]
        await world.until(lambda: len(world.seen) == 4)
        assert world.paused == [("pause", PEER), ("resume", PEER)]
        world.driver.stop()

    play(scene)


def test_what_follows_a_batch_waits_until_it_is_durable() -> None:
    async def scene() -> None:
        world = Scene()
        world.answers[Started] = (
            Persist(Ping.core, Token(1), ()),
            Send(PEER, Ping(1)),
            Emit(TRACED),
        )
        world.driver.start()
        await world.settle()
        assert (world.out, world.log.events, world.keeper.waiting) == ([], [TRACED], 1)
        world.keeper.persisted([Persisted(Ping.core, Token(1))])
        await world.settle()
        assert world.out == [Send(PEER, Ping(1))]
        assert world.seen == [Started(), Persisted(Ping.core, Token(1))]
        assert (world.log.batches, world.keeper.waiting) == (1, 0)
        world.driver.stop()

    play(scene)


def test_clients_are_told_what_became_of_their_transactions() -> None:
    async def scene() -> None:
        world = Scene()
        good, bad = transaction_hash(b"good"), transaction_hash(b"bad")
        first, twice = world.driver.submit(b"good"), world.driver.submit(b"good")
        second = world.driver.submit(b"bad")
        assert await twice == SubmitOutcome(good, "already_known")
        await world.settle()
        assert world.seen == [Submitted(b"good"), Submitted(b"bad")]
        world.answers[Poke] = (ClientsAnswered(((bad, "nonce_too_low"), (good, ""))),)
        world.driver.leave(Loopback(Poke(1)))
        assert await first == SubmitOutcome(good)
        assert await second == SubmitOutcome(bad, "nonce_too_low")
        submissions = world.driver.submissions
        assert (submissions.accepted, len(submissions)) == (1, 0)
        assert submissions.refused == {"already_known": 1, "nonce_too_low": 1}
        world.driver.stop()
        assert (await world.driver.submit(b"late")).refusal == STOPPED

    play(scene)


def test_a_client_beyond_the_queue_is_refused_at_once() -> None:
    async def scene() -> None:
        world = Scene(submissions=2)
        world.writer.has_room = False
        outcomes = [asyncio.ensure_future(world.driver.submit(bytes([n]))) for n in range(3)]
        await world.settle()
        assert [each.done() for each in outcomes] == [False, False, True]
        assert outcomes[2].result().refusal == "intake_full"
        assert world.driver.arrivals.drops == 1
        world.driver.stop()
        assert {(await each).refusal for each in outcomes[:2]} == {STOPPED}

    play(scene)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    "where", ["turn", "job", "store", "released", "unknown", "panic", "worker"]
)
def test_an_error_ends_the_node_once_with_its_reason(where: str, workers: int) -> None:
    async def scene() -> None:
        world = Scene(workers)
        error: Exception = DamagedStore("state.accounts", "a row", "none")
        world.answers[Started] = (Persist(Ping.core, Token(1), ()), Send(NodeId(99), Ping(1)))
        if where == "turn":
            world.raises.append(error)
        elif where == "job":
            world.answers[Started] = (Compute(RequestId(1), (), Answer(error)),)
        elif where == "unknown":
            world.answers[Started] = (Effect(),)
        elif where == "panic":
            world.raises.append(Panic("in the middle of a turn"))
        elif where == "worker":
            world.answers[Started] = (Compute(RequestId(1), (), Answer(Panic("at work"))),)
        world.driver.start()
        await world.settle()
        if where == "store":
            world.keeper.failed(error, [Persisted(Ping.core, Token(1))])  # type: ignore[arg-type]
        elif where == "released":
            world.keeper.persisted([Persisted(Ping.core, Token(1))])
        await world.until(lambda: bool(world.failures))
        if where in ("turn", "job", "store"):
            assert world.failures == [error]
        else:
            kinds = {"released": ValueError, "unknown": KeyError}
            assert isinstance(world.failures[0], kinds.get(where, Panicked))
        turns = len(world.seen)
        world.driver.receive(PEER, Ping(1), 10)
        world.driver.leave(Loopback(Poke(1)))
        world.driver.fail(RuntimeError("later"))
        await world.settle()
        assert (len(world.seen), len(world.failures)) == (turns, 1)
        world.driver.stop()

    play(scene)


def test_after_its_end_nothing_of_it_goes_on() -> None:
    async def scene() -> None:
        world = Scene()
        world.answers[Started] = (
            SetTimer("a", Duration(0)),
            Persist(Ping.core, Token(1), ()),
            Send(PEER, Ping(1)),
            Compute(RequestId(1), (), Answer(1)),
        )
        world.driver.start()
        await asyncio.sleep(0)
        world.driver.stop()
        world.keeper.persisted([Persisted(Ping.core, Token(1))])
        world.keeper.failed(DamagedStore("a", "b", "c"), [])
        await asyncio.sleep(0.01)
        assert world.seen == [Started()]
        assert (world.out, world.failures) == ([], [])

    play(scene)
