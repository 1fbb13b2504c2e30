"""Numbers that follow from the parent: blob gas and its price, gas limit, difficulty, rewards."""

from decimal import Decimal, getcontext

import msgspec
import pytest
from hypothesis import given, strategies as st

from node.execution_blob_gas import (
    blob_base_fee,
    blob_gas_max,
    fake_exponential,
    next_excess_blob_gas,
)
from node.execution_difficulty import next_difficulty
from node.execution_gas_limit import gas_limit_range, next_gas_limit
from node.execution_reward import BLOCK_REWARD, block_rewards
from primitives.blob_schedule import GAS_PER_BLOB, BlobSchedule
from primitives.fork import Fork
from primitives.genesis import Genesis, genesis_header
from primitives.header import Header
from primitives.ids import Gas, Hash32, Wei
from primitives.params import ChainParams
from storage.state import StateLayer
from tests.unit.node.transfers import COMMITTEE, GWEI, execution_on, stranger


def header(fork: Fork = Fork.OSAKA, **fields: object) -> Header:
    return msgspec.structs.replace(
        genesis_header(Genesis(ChainParams(fork=fork), (), COMMITTEE)), **fields
    )


def blobs(count: int) -> Gas:
    return Gas(count * GAS_PER_BLOB)


# ---------------------------------------------------------------- blob gas


@pytest.mark.parametrize(
    ("excess", "used", "after"),
    [(0, 0, 0), (0, 3, 0), (0, 4, 1), (2, 1, 0), (2, 6, 5), (10, 0, 7)],
)
def test_the_excess_grows_above_the_target_and_shrinks_below(
    excess: int, used: int, after: int
) -> None:
    """EIP-4844: Cancun's target is three blobs."""
    parent = header(Fork.CANCUN, excess_blob_gas=blobs(excess), blob_gas_used=blobs(used))
    assert next_excess_blob_gas(parent, ChainParams(fork=Fork.CANCUN)) == blobs(after)


def test_the_first_block_with_blobs_has_no_excess() -> None:
    shanghai = header(Fork.SHANGHAI)
    assert next_excess_blob_gas(shanghai, ChainParams(fork=Fork.CANCUN)) == 0


def test_blobs_that_are_too_cheap_do_not_lower_the_excess_at_full_speed() -> None:
    """EIP-7918: as long as 8,192 gas cost more than a blob, by used * (max - target) / max."""
    dear = header(base_fee_per_gas=Wei(GWEI), excess_blob_gas=blobs(100), blob_gas_used=blobs(9))
    cheap = msgspec.structs.replace(dear, base_fee_per_gas=Wei(16 * 13))
    osaka = ChainParams()
    assert blob_base_fee(blobs(100), osaka) == 13
    assert next_excess_blob_gas(dear, osaka) == blobs(103)
    assert next_excess_blob_gas(cheap, osaka) == blobs(103)
    empty = msgspec.structs.replace(dear, blob_gas_used=Gas(0))
    assert next_excess_blob_gas(empty, osaka) == blobs(100), "no block lowers it"
    at_reserve = msgspec.structs.replace(cheap, blob_gas_used=Gas(0))
    assert next_excess_blob_gas(at_reserve, osaka) == blobs(94)
    above = msgspec.structs.replace(at_reserve, base_fee_per_gas=Wei(16 * 13 + 1))
    assert next_excess_blob_gas(above, osaka) == blobs(100)
    assert next_excess_blob_gas(empty, ChainParams(fork=Fork.PRAGUE)) == blobs(94)


def test_the_most_blobs_of_a_block_are_a_parameter() -> None:
    assert blob_gas_max(ChainParams(fork=Fork.CANCUN)) == blobs(6)
    assert blob_gas_max(ChainParams()) == blobs(9)
    assert blob_gas_max(ChainParams(blobs=BlobSchedule(14, 21, 11_684_671))) == blobs(21)


@given(st.integers(0, 20), st.integers(0, 10**6), st.integers(10**6, 10**8))
def test_the_price_is_an_exponential(whole: int, part: int, fraction: int) -> None:
    excess = whole * fraction + part
    getcontext().prec = 60
    exact = (Decimal(excess) / Decimal(fraction)).exp()
    found = fake_exponential(1, excess, fraction)
    assert exact * Decimal("0.999") - 1 <= found <= exact, "terms are rounded down"


def test_there_is_no_blob_fee_before_cancun() -> None:
    assert blob_base_fee(0, ChainParams(fork=Fork.SHANGHAI)) == 0
    assert blob_base_fee(0, ChainParams(fork=Fork.CANCUN)) == 1


# ---------------------------------------------------------------- gas limit


def test_a_fixed_gas_limit_is_the_only_one() -> None:
    parent = header(gas_limit=Gas(5))
    assert gas_limit_range(parent, ChainParams()) == (30_000_000, 30_000_000)
    assert next_gas_limit(parent, ChainParams()) == 30_000_000


@pytest.mark.parametrize(
    ("parent", "least", "greatest"),
    [
        (1_024_000, 1_023_001, 1_024_999),
        (5_001, 5_000, 5_004),
        (30_000_000, 29_970_705, 30_029_295),
        (2**63 - 1, 2**63 - 2**53 + 1, 2**63 - 1),
    ],
)
def test_ethereums_gas_limit_moves_by_less_than_a_part(
    parent: int, least: int, greatest: int
) -> None:
    params = ChainParams(gas_limit_rule="ethereum")
    assert gas_limit_range(header(gas_limit=Gas(parent)), params) == (least, greatest)


@pytest.mark.parametrize(
    ("wanted", "given"), [(2_000_000, 1_024_999), (1_024_500, 1_024_500), (21_000, 1_023_001)]
)
def test_a_builder_moves_the_gas_limit_towards_the_chains(wanted: int, given: int) -> None:
    params = ChainParams(gas_limit_rule="ethereum", gas_limit=Gas(wanted))
    assert next_gas_limit(header(gas_limit=Gas(1_024_000)), params) == given


# ---------------------------------------------------------------- rewards


@pytest.mark.parametrize(
    ("seconds", "fields", "difficulty"),
    [
        (1, {}, 2_048_000 + 1_000),
        (8, {}, 2_048_000 + 1_000),
        (9, {}, 2_048_000),
        (17, {}, 2_048_000),
        (18, {}, 2_048_000 - 1_000),
        (9, {"ommers_hash": Hash32(bytes(32))}, 2_048_000 + 1_000),
        (10_000, {}, 2_048_000 - 99_000),
        (10_000, {"difficulty": 131_072}, 131_072),
        (9, {"number": 9_899_998}, 2_048_000),
        (9, {"number": 9_899_999}, 2_048_001),
        (9, {"number": 10_199_999}, 2_048_008),
    ],
)
def test_difficulty_follows_the_time_since_the_parent(
    seconds: int, fields: dict[str, object], difficulty: int
) -> None:
    """EIP-100, and EIP-3554 for the bomb."""
    parent = header(Fork.LONDON, timestamp=500, **{"difficulty": 2_048_000, **fields})
    assert next_difficulty(500 + seconds, parent) == difficulty


def test_makers_of_a_block_and_of_its_ommers_are_paid_before_paris() -> None:
    """Yellow Paper, section 11.3."""
    run = execution_on(StateLayer(None, {}), params=ChainParams(fork=Fork.LONDON))
    context = msgspec.structs.replace(run.setting.context, number=10, fee_recipient=stranger(1))
    ommers = (
        header(Fork.LONDON, number=9, fee_recipient=stranger(2)),
        header(Fork.LONDON, number=8, fee_recipient=stranger(3)),
    )
    assert block_rewards(context, ()) == [(stranger(1), BLOCK_REWARD)]
    assert block_rewards(context, ommers) == [
        (stranger(2), BLOCK_REWARD * 7 // 8),
        (stranger(3), BLOCK_REWARD * 6 // 8),
        (stranger(1), BLOCK_REWARD + BLOCK_REWARD // 16),
    ]
