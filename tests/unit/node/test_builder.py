"""What goes into a block, and what its header says."""

import pytest
from msgspec.structs import replace

from consensus.batching import BatchLimits
from node.builder import BuildContext, build_block
from node.execution_base_fee import next_base_fee
from node.validation_block import execute_block
from primitives.block import decode_block, transactions_root
from primitives.fork import Fork
from primitives.header import header_hash
from primitives.ids import Gas, Wei
from primitives.keccak import keccak256
from primitives.params import MAX_TRANSACTION_GAS, ChainParams, Upgrade
from tests.unit.node.transfers import (
    CONTEXT,
    FIXED,
    GWEI,
    PARAMS,
    PROPOSER,
    account,
    built,
    chain,
    transfer,
)


def test_the_header_says_what_the_block_did() -> None:
    parent = chain()
    block = built(parent, transfer(0, 0), transfer(1, 0))
    header = block.block.header
    assert (header.parent_hash, header.number) == (parent.digest, 1)
    assert header.prev_randao == keccak256(parent.digest + (1).to_bytes(8, "big"))
    assert header.parent_beacon_block_root == parent.digest
    assert (header.gas_used, header.fee_recipient, header.timestamp) == (42_000, PROPOSER, 1)
    assert header.state_root == block.state.root() != parent.state.root()
    assert header.transactions_root == transactions_root(block.block.transactions)
    assert block.digest == header_hash(header)
    assert decode_block(block.payload) == block.block
    assert block.burnt == 42_000 * header.base_fee_per_gas
    assert block.tips == 42_000 * GWEI == block.state.balance(PROPOSER)


def test_candidates_that_are_not_valid_here_are_passed_over() -> None:
    candidates = (
        transfer(0, 1),
        transfer(0, 0),
        transfer(0, 0, value=2),
        transfer(9, 0),
        transfer(1, 0, cap=1, tip=0),
        transfer(2, 0),
    )
    block = build_block(chain(), candidates, CONTEXT, PARAMS)
    assert block.transactions == (candidates[1], candidates[5])
    assert execute_block(chain(), block.payload, PARAMS).digest == block.digest


def test_the_gas_limit_is_kept() -> None:
    params = ChainParams(gas_limit=Gas(63_000))
    candidates = [transfer(0, nonce) for nonce in range(5)]
    block = build_block(chain(params=params), candidates, CONTEXT, params)
    assert block.transactions == tuple(candidates[:3])
    assert block.block.header.gas_used == 63_000


def limited(**limits: int) -> BuildContext:
    return BuildContext(PROPOSER, 1, limits=BatchLimits(**limits))


def test_a_batch_takes_as_many_as_it_may() -> None:
    candidates = [transfer(0, nonce) for nonce in range(5)]
    block = build_block(chain(), candidates, limited(count=3), PARAMS)
    assert block.transactions == tuple(candidates[:3])


@pytest.mark.parametrize(("spare", "taken"), [(0, 2), (-1, 1)])
def test_a_batch_takes_as_many_bytes_as_it_may(spare: int, taken: int) -> None:
    candidates = [transfer(sender, 0) for sender in range(3)]
    size = sum(len(each.raw) for each in candidates[:2])
    block = build_block(chain(), candidates, limited(byte_count=size + spare), PARAMS)
    assert block.transactions == tuple(candidates[:taken])


@pytest.mark.parametrize(("gas", "taken"), [(51_000, 2), (50_999, 1)])
def test_a_batch_takes_what_may_use_no_more_gas_than_it_has_left(gas: int, taken: int) -> None:
    candidates = [transfer(0, 0), transfer(1, 0, gas=30_000)]
    block = build_block(chain(), candidates, limited(gas=gas), PARAMS)
    assert block.transactions == tuple(candidates[:taken])


@pytest.mark.parametrize("limits", [{"gas": 30_000}, {"byte_count": 300}])
def test_what_no_batch_has_room_for_stands_alone(limits: dict[str, int]) -> None:
    large = transfer(0, 0, data=b"\x01" * 400, gas=60_000)
    candidates = (large, transfer(1, 0))
    block = build_block(chain(), candidates, limited(**limits), PARAMS)
    assert block.transactions == (large,)
    assert block.block.header.gas_limit == PARAMS.gas_limit
    later = build_block(chain(), candidates[::-1], limited(**limits), PARAMS)
    assert later.transactions == (candidates[1],)


def test_the_size_limit_is_kept_and_smaller_ones_still_fit() -> None:
    params = ChainParams(max_block_bytes=2_400)
    large = transfer(0, 0, data=b"\x01" * 800, gas=100_000)
    candidates = (large, transfer(1, 0, data=b"\x01" * 800, gas=100_000), transfer(2, 0))
    block = build_block(chain(params=params), candidates, CONTEXT, params)
    assert block.transactions == (large, candidates[2])
    assert len(block.payload) <= 2_400


def test_the_size_limit_counts_what_stands_around_each_transaction() -> None:
    params = ChainParams(max_block_bytes=20_000)
    candidates = [transfer(0, nonce) for nonce in range(200)]
    block = build_block(chain(params=params), candidates, CONTEXT, params)
    assert 100 < len(block.transactions) < 200
    assert 19_000 < len(block.payload) <= 20_000


def test_an_early_clock_is_raised_to_the_parents_second() -> None:
    strict = ChainParams(timestamp_rule="strict")
    for params, second in ((PARAMS, 7), (strict, 8)):
        first = build_block(chain(params=params), (), BuildContext(PROPOSER, 7), params)
        again = build_block(first, (), BuildContext(PROPOSER, 3), params)
        assert (first.block.header.timestamp, again.block.header.timestamp) == (7, second)
        assert execute_block(first, again.payload, params).digest == again.digest


def test_extra_data_is_carried() -> None:
    block = build_block(chain(), (), BuildContext(PROPOSER, 1, b"orrery"), PARAMS)
    assert block.block.header.extra_data == b"orrery"


@pytest.mark.parametrize(
    ("gas_used", "expected"),
    [
        (15_000_000, 1_000_000_000),
        (30_000_000, 1_125_000_000),
        (0, 875_000_000),
        (22_500_000, 1_062_500_000),
        (15_000_001, 1_000_000_008),
        (14_999_999, 999_999_992),
    ],
)
def test_the_base_fee_follows_eip_1559(gas_used: int, expected: int) -> None:
    parent = replace(chain().block.header, gas_used=Gas(gas_used))
    assert next_base_fee(parent, PARAMS) == expected
    assert next_base_fee(parent, FIXED) == GWEI


def test_a_tiny_base_fee_still_rises_and_never_falls_below_zero() -> None:
    header = chain().block.header
    full = replace(header, gas_used=Gas(30_000_000), base_fee_per_gas=Wei(1))
    assert next_base_fee(full, PARAMS) == 2
    assert next_base_fee(replace(full, gas_used=Gas(0)), PARAMS) == 1
    assert next_base_fee(replace(full, base_fee_per_gas=Wei(0)), PARAMS) == 1


def test_elasticity_moves_the_target() -> None:
    """With elasticity 1 a full block is at its target, and the fee stays."""
    header = replace(chain().block.header, gas_used=Gas(30_000_000))
    assert next_base_fee(header, ChainParams(elasticity=1)) == GWEI
    tripled = ChainParams(elasticity=3, base_fee_change_denominator=4)
    assert next_base_fee(header, tripled) == GWEI + GWEI * 2 // 4


def test_what_the_rules_of_the_block_forbid_is_passed_over() -> None:
    """A pool checks by the rules that the chain began with; a block may come after an upgrade."""
    params = ChainParams(fork=Fork.PRAGUE, upgrades=(Upgrade(1, Fork.OSAKA),))
    parent = chain(params=params)
    large = transfer(0, 0, gas=MAX_TRANSACTION_GAS + 1, params=params)
    block = build_block(parent, (large, transfer(1, 0)), CONTEXT, params)
    assert [each.hash for each in block.transactions] == [transfer(1, 0).hash]
    assert execute_block(parent, block.payload, params).digest == block.digest


def test_balances_add_up_over_blocks() -> None:
    parent = chain()
    supply: int = sum(each.balance for each in parent.state.accounts().values())
    for nonce in range(3):
        parent = built(parent, transfer(0, nonce, account(1), 5), transfer(2, nonce))
        supply -= parent.burnt
        assert sum(each.balance for each in parent.state.accounts().values()) == supply
