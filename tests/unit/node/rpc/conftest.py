"""Rigs that close themselves."""

from collections.abc import Callable, Iterator

import pytest

from tests.unit.node.rpc.chain_rig import Rig


@pytest.fixture
def make_rig() -> Iterator[Callable[..., Rig]]:
    made: list[Rig] = []

    def make(*args: object, **fields: object) -> Rig:
        made.append(Rig(*args, **fields))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()
