"""Errors say what was expected, and still do when they come from a worker process.

Pickle, which brings them, makes them anew as `copy` does.
"""

from copy import copy

import pytest

from node.settings import Mistake
from node.validation_errors import InvalidBlock
from primitives.errors import CryptoError, InvalidEncoding, InvalidInput
from sim.scenario import ScenarioError

MISTAKES = [
    Mistake("x.toml:3", "network.cores", "a whole number", '"four"'),
    Mistake("b", "", "", ""),
]


@pytest.mark.parametrize(
    "error",
    [
        InvalidInput("workload.rate", "above 0", -1),
        InvalidInput("x", "a number", ValueError("y")),
        InvalidEncoding("rlp", "a list", b"\x80"),
        CryptoError("signature", "a low s", 7),
        InvalidBlock("block.gas_used", "21000", 42),
        ScenarioError(MISTAKES),
    ],
)
def test_an_error_crosses_from_another_process(error: InvalidInput) -> None:
    crossed = copy(error)
    assert type(crossed) is type(error)
    assert str(crossed) == str(error)
    assert (crossed.where, crossed.expected) == (error.where, error.expected)
    assert crossed.actual == str(error.actual)


def test_every_mistake_of_a_scenario_crosses() -> None:
    crossed = copy(ScenarioError(MISTAKES))
    assert crossed.mistakes == tuple(MISTAKES)
