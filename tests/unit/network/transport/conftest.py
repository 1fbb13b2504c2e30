"""The loops on which connections have to work."""

import asyncio
from collections.abc import Callable

import pytest

from network.transport import new_event_loop

Loops = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=[asyncio.new_event_loop, new_event_loop], ids=["asyncio", "fastest"])
def loops(request: pytest.FixtureRequest) -> Loops:
    made: Loops = request.param
    return made
