"""A state whose root several threads ask for at once."""

from collections.abc import Callable
from typing import Any

import pytest

from primitives.ids import Address, Wei
from storage.account import Account
from storage.state import StateLayer, genesis_state
from tests.unit.storage.threads import together

BLOCKS, ROUNDS = 12, 20


class Interrupted(StateLayer):
    """A layer in which another thread does something between two steps."""

    __slots__ = ("before_reading",)

    before_reading: Callable[[], None] | None

    @property
    def _parent(self) -> Any:
        if getattr(self, "before_reading", None) is not None:
            assert self.before_reading is not None
            self.before_reading()
        return vars(StateLayer)["_parent"].__get__(self)

    @_parent.setter
    def _parent(self, parent: StateLayer | None) -> None:
        vars(StateLayer)["_parent"].__set__(self, parent)


def chain(kind: type[StateLayer] = StateLayer) -> list[StateLayer]:
    layer = genesis_state({Address(bytes([number]) * 20): Account(1, Wei(1)) for number in (1, 2)})
    layers = [layer]
    for number in range(BLOCKS):
        layer = kind(layer, {Address(bytes([3 + number]) * 20): Account(0, Wei(1 + number))})
        layers.append(layer)
    return layers


def test_threads_that_ask_for_roots_at_once_get_the_right_ones() -> None:
    expected = [layer.root() for layer in chain()]
    for _ in range(ROUNDS):
        layers = chain()
        roots = together(4, lambda number, own=layers: own[-1 - number].root())  # type: ignore[misc]
        assert roots == expected[-1:-5:-1]


@pytest.mark.parametrize("step", range(1, 5))
def test_a_root_may_be_there_before_the_next_step(step: int) -> None:
    layer = chain(Interrupted)[-1]
    assert isinstance(layer, Interrupted)
    steps = 0

    def overtake() -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            layer.before_reading = None
            layer.root()

    layer.before_reading = overtake
    assert layer.root() == chain()[-1].root()
