"""The driver of live nodes with a machine that plays a list of turns, and nobody to talk to."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

from node.runtime.driver import Driver
from node.runtime.hub import EventHub
from node.runtime.keeper import Held, StoreKeeper
from node.runtime.limits import DriverLimits
from primitives.ids import Instant
from primitives.machine import (
    Broadcast,
    Effect,
    Event as MachineEvent,
    Loopback,
    Persist,
    Persisted,
    Send,
)
from storage.rocks import Committer, RocksStore, profile
from tests.unit.durability_worlds import Happened, Turns, number_of, watch
from tests.unit.node.runtime.live_world import on_loop
from tests.unit.sim.kernel_worlds import Poke

PATIENCE_SECONDS = 60.0


class DriverWorld:
    """What a live node does with these effects.

    Args:
        path: of the store.
        before_sync: called on the committer's thread before each sync; may block it.
        make: the driver, or a mutant.
    """

    def __init__(
        self,
        path: Path,
        before_sync: Callable[[], None] = lambda: None,
        make: type[Driver] = Driver,
    ) -> None:
        self.happened: list[Happened] = []
        self.played = Event()
        """Set when all turns are over, and what they let go at once has left."""
        self._path = path
        self._before_sync = before_sync
        self._make = make
        self._turns: list[Sequence[Effect]] = []
        self._submitted: list[int] = []

    def play(self, turns: Turns) -> list[Happened]:
        on_loop(self._play(turns))
        return self.happened

    async def _play(self, turns: Turns) -> None:
        self._turns = list(turns)
        loop, failures = asyncio.get_running_loop(), list[Exception]()
        with RocksStore(self._path, profile("small")) as store:
            hub = EventHub(lambda _sink, _error: None)
            keeper = StoreKeeper(loop, lambda: Instant(0), hub)
            driver = self._make(
                loop, self, lambda: Instant(0), keeper, self, hub, ignore, ignore, ignore,
                DriverLimits(workers=0), failures.append,
            )  # fmt: skip
            self._note_leaving(driver)
            with Committer(store, keeper) as committer:
                watch(committer, store, self._submitted, self.happened, self._before_sync)
                keeper.begin(committer, driver)
                for _ in turns:
                    driver.leave(Loopback(Poke(0)))
                    await asyncio.sleep(0)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while self._turns:
                        await asyncio.sleep(0.001)
                for _ in range(10):
                    await asyncio.sleep(0)
                self.played.set()
                await self._until_quiet(keeper, driver, failures)
                driver.stop()

    async def _until_quiet(
        self, keeper: StoreKeeper, driver: Driver, failures: Sequence[Exception]
    ) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._turns or keeper.waiting or driver._own:
                assert not failures, failures
                await asyncio.sleep(0.001)

    def _note_leaving(self, driver: Driver) -> None:
        """Note what goes: a message on its way out, an event on its way to its turn."""
        leave = driver.leave

        def noted(effect: Held) -> None:
            if not isinstance(effect, Loopback) or effect.event != Poke(0):
                assert not isinstance(effect, Broadcast), "no turn of these broadcasts"
                self.happened.append(Happened("left", number_of(effect)))
            leave(effect)

        driver.leave = noted  # type: ignore[method-assign]

    # The machine.

    def step(self, now: Instant, event: MachineEvent) -> Sequence[Effect]:
        if isinstance(event, Persisted):
            self.happened.append(Happened("acknowledged", int(event.token)))
            return ()
        if isinstance(event, Poke) and event.number:
            return ()
        effects = self._turns.pop(0)
        self._submitted += [number_of(each) for each in effects if isinstance(each, Persist)]
        return effects

    # Its links.

    def send(self, effect: Send) -> None:
        pass

    def broadcast(self, effect: Broadcast) -> None:
        pass


def ignore(*_: object) -> None:
    """Nobody is there to be paused, or to have something kept of."""
