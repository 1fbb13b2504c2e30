"""Parameters that no chain can run with, and rules that change at a point in time."""

import pytest

from primitives.blob_schedule import NO_BLOBS, BlobSchedule
from primitives.codec import decode_canonical, encode_canonical
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.params import ChainParams, Upgrade

FASTER = BlobSchedule(10, 15, 8_346_193)


@pytest.mark.parametrize(
    ("fork", "schedule"),
    [
        (Fork.SHANGHAI, NO_BLOBS),
        (Fork.CANCUN, BlobSchedule(3, 6, 3_338_477)),
        (Fork.PRAGUE, BlobSchedule(6, 9, 5_007_716)),
        (Fork.OSAKA, BlobSchedule(6, 9, 5_007_716)),
    ],
)
def test_each_fork_has_its_blobs(fork: Fork, schedule: BlobSchedule) -> None:
    assert ChainParams(fork=fork).blob_schedule == schedule
    assert ChainParams(fork=fork, blobs=FASTER).blob_schedule == FASTER


def test_upgrades_are_in_force_from_their_second_on() -> None:
    params = ChainParams(
        fork=Fork.SHANGHAI,
        upgrades=(
            Upgrade(10, Fork.CANCUN),
            Upgrade(20, Fork.OSAKA),
            Upgrade(30, Fork.OSAKA, FASTER),
        ),
    )
    found = [(params.at(time).fork, params.at(time).blob_schedule.most) for time in range(0, 50, 5)]
    assert found == (
        [(Fork.SHANGHAI, 0)] * 2
        + [(Fork.CANCUN, 6)] * 2
        + [(Fork.OSAKA, 9)] * 2
        + [(Fork.OSAKA, 15)] * 4
    )
    assert params.at(10).upgrades == ()
    assert decode_canonical(encode_canonical(params), ChainParams) == params


def test_parameters_without_upgrades_are_always_in_force() -> None:
    params = ChainParams()
    assert params.at(2**40) is params


@pytest.mark.parametrize(
    "upgrades",
    [
        (Upgrade(10, Fork.CANCUN), Upgrade(10, Fork.PRAGUE)),
        (Upgrade(10, Fork.PRAGUE), Upgrade(20, Fork.CANCUN)),
        (Upgrade(10, Fork.LONDON),),
        (Upgrade(-1, Fork.PRAGUE),),
    ],
)
def test_upgrades_do_not_go_back(upgrades: tuple[Upgrade, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"chain\.upgrades: expected ascending times and forks"):
        ChainParams(fork=Fork.SHANGHAI, upgrades=upgrades)


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("gas_limit_rule", "fixed or ethereum"),
        ("beacon_rule", "derived or given"),
        ("withdrawal_rule", "none or given"),
        ("base_fee_rule", "ethereum or fixed"),
        ("certificates", "ed25519 or bls"),
    ],
)
def test_an_unknown_choice_is_refused(field: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=rf"chain\.{field}: expected {says}, got other"):
        ChainParams(**{field: "other"})  # type: ignore[arg-type]


@pytest.mark.parametrize("numbers", [(7, 6, 1), (-1, 6, 1), (3, 2**17, 1), (3, 6, 0)])
def test_a_blob_schedule_must_make_sense(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidInput, match=r"chain\.blobs"):
        BlobSchedule(*numbers)
