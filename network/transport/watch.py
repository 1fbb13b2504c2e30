"""Looks at all connections now and then: whether something takes too long."""

import asyncio
from collections.abc import Mapping

from network.transport.link import Link
from network.transport.roster import Roster
from network.transport.settings import LinkSettings

SECOND = 1_000_000_000
_TICKS_MISSED = 4


async def look_after(settings: LinkSettings, links: Mapping[int, Link], roster: Roster) -> None:
    """Look until cancelled.

    A process that was stopped must not take its own sleep for the silence of others: when it wakes,
    what they have done meanwhile has not been read yet. So all their time begins anew.

    Args:
        settings: of the transport.
        links: all connections.
        roster: all peers.
    """
    interval = settings.config.patience.tick
    before = settings.now()
    while True:
        await asyncio.sleep(interval / SECOND)
        now = settings.now()
        overslept = now - before > _TICKS_MISSED * interval
        if overslept:
            settings.rooms.forgive()
        for link in list(links.values()):
            if overslept:
                link.health.on_resumed(now)
                link.outlet.forgive(now)
            else:
                link.tick(now)
        roster.expire(now)
        before = now
