"""What a live network is seen to do."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from sim.live.fleet import Fleet
from sim.live.watch import Watch


def status(epoch: int, view: int | None) -> dict[str, Any]:
    return {
        "height": 5,
        "lowest": 0,
        "view": view,
        "epoch": epoch,
        "primary": None if view is None else view % 4,
        "peers": [],
        "pool": {"pending": 0, "queued": 0},
        "syncing": False,
    }


class Client:
    """Answers with the status that it was told last."""

    def __init__(self) -> None:
        self.told = status(0, 0)

    async def ask(self, _method: str) -> dict[str, Any]:
        return self.told


def watched(*clients: Client) -> Watch:
    members = [SimpleNamespace(number=n, client=each) for n, each in enumerate(clients)]
    return Watch(cast(Fleet, SimpleNamespace(members=members, answers=lambda _: True)))


def look(watch: Watch) -> None:
    asyncio.run(watch.look())


def test_view_changes_are_those_of_this_up_on_a_chain_that_goes_on():
    validator, follower = Client(), Client()
    watch = watched(validator, follower)
    follower.told = status(1, None)
    validator.told = status(1, 2)
    look(watch)
    assert watch.view_changes == 0
    validator.told = status(1, 3)
    look(watch)
    assert watch.view_changes == 1
    validator.told = status(2, 1)
    look(watch)
    assert watch.view_changes == 2


def test_a_view_that_is_seen_late_counts():
    client = Client()
    watch = watched(client)
    assert watch.view_changes == 0
    look(watch)
    client.told = status(0, 1)
    look(watch)
    assert watch.view_changes == 1
