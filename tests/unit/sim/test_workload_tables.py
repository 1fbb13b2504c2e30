"""A workload's table: every mistake names its key, what was expected, and the likely name."""

from typing import Annotated, Literal

import msgspec
import pytest

from primitives.errors import InvalidInput
from sim.workload import decode_table


class Pool(msgspec.Struct, forbid_unknown_fields=True):
    depth: int


class Auction(msgspec.Struct, forbid_unknown_fields=True, rename={"spacing_law": "spacing"}):
    every_ms: Annotated[int, msgspec.Meta(ge=1)] = 1_000
    eager: bool = False
    share: float | None = None
    spacing_law: Literal["even", "poisson"] = "even"
    pools: tuple[Pool, ...] = ()
    reserve: Pool | None = None
    weights: dict[str, int] = {}


def mistake(table: dict[str, object]) -> str:
    with pytest.raises(InvalidInput) as caught:
        decode_table(Auction, table)
    return str(caught.value)


def test_a_right_table_decodes() -> None:
    table: dict[str, object] = {"every_ms": 5, "spacing": "poisson", "pools": [{"depth": 2}]}
    assert decode_table(Auction, table) == Auction(
        every_ms=5, spacing_law="poisson", pools=(Pool(2),)
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"every_ms": 0}, "workload.every_ms: expected int >= 1, got 0"),
        ({"eager": "yes"}, 'workload.eager: expected true or false, got "yes"'),
        ({"share": "half"}, 'workload.share: expected a number, got "half"'),
        ({"share": True}, "workload.share: expected a number, got true"),
        ({"spacing": "odd"}, 'workload.spacing: expected one of "even", "poisson", got "odd"'),
        (
            {"pools": [{"depth": 1}, {"z": 2}]},
            "workload.pools[1].z: expected one of depth, got an unknown key",
        ),
        (
            {"pools": [{}]},
            "workload.pools[0].depth: expected a whole number, got nothing: the key is missing",
        ),
        ({"reserve": {"q": 1}}, "workload.reserve.q: expected one of depth, got an unknown key"),
        ({"reserve": 4}, "workload.reserve: expected object | null, got 4"),
        ({"weights": {"a": "b"}}, "workload.weights[...]: expected a whole number, got str"),
    ],
)
def test_a_mistake_is_told_with_its_key(table: dict[str, object], message: str) -> None:
    assert mistake(table) == message


def test_all_names_are_told_as_the_table_spells_them() -> None:
    assert mistake({"spacing_law": "even"}) == (
        "workload.spacing_law: expected one of every_ms, eager, share, spacing, pools, reserve, "
        'weights, got an unknown key; did you mean "spacing"?'
    )


def test_a_long_value_is_shortened() -> None:
    assert mistake({"eager": "x" * 100}).endswith("x...")
    assert len(mistake({"eager": "x" * 100})) < 120
