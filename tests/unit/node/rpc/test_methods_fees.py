"""Fees: what was paid, what is suggested, and the history as the specification has it."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings, strategies as st

from node.rpc.call_runner import CallLimits
from node.rpc.chain import FinalBlock
from node.rpc.fees import block_rewards
from node.rpc.node_methods import MethodLimits
from tests.unit.node.rpc.chain_rig import Rig
from tests.unit.node.transfers import GWEI, raw_transfer, stranger

TIPS = (3 * GWEI, GWEI, 2 * GWEI)


def number(text: str) -> int:
    return int(text, 16)


def paid(rig: Rig, blocks: int = 3) -> None:
    """Let each of some blocks have a transfer for each of the tips."""
    for nonce in range(blocks):
        rig.mine(*[
            raw_transfer(sender, nonce, stranger(1), 1, tip=tip) for sender, tip in enumerate(TIPS)
        ])  # fmt: skip


def test_the_history_is_that_of_the_headers(rig: Rig) -> None:
    paid(rig)
    history = rig.ask("eth_feeHistory", "0x2", "latest", [])
    headers = [rig.ask("eth_getBlockByNumber", hex(height)) for height in (2, 3)]
    assert history["oldestBlock"] == "0x2"
    assert history["baseFeePerGas"][:2] == [header["baseFeePerGas"] for header in headers]
    assert history["gasUsedRatio"] == [
        number(header["gasUsed"]) / number(header["gasLimit"]) for header in headers
    ]
    assert history["baseFeePerBlobGas"] == ["0x1"] * 3
    assert history["blobGasUsedRatio"] == [0.0] * 2
    rig.mine(raw_transfer(0, 3, stranger(1), 1))
    following = rig.ask("eth_getBlockByNumber", "0x4")
    assert history["baseFeePerGas"][2] == following["baseFeePerGas"]


def test_rewards_are_tips_by_percentile_of_gas(rig: Rig) -> None:
    paid(rig)
    history = rig.ask("eth_feeHistory", "0x1", "0x3", [0, 33, 34, 66, 67, 100])
    tips = [GWEI, GWEI, 2 * GWEI, 2 * GWEI, 3 * GWEI, 3 * GWEI]
    assert history["reward"] == [[hex(tip) for tip in tips]]
    (genesis,) = rig.ask("eth_feeHistory", "0x1", "0x0", [50])["reward"]
    assert genesis == ["0x0"]


def test_a_history_begins_with_genesis_at_the_latest(rig: Rig) -> None:
    paid(rig, 2)
    for count in ("0x400", 1024, "1024"):
        history = rig.ask("eth_feeHistory", count, "latest")
        assert history["oldestBlock"] == "0x0"
        assert len(history["gasUsedRatio"]) == 3
        assert len(history["baseFeePerGas"]) == 4
        assert "reward" not in history
    assert rig.ask("eth_feeHistory", "0x0", "latest") == {"oldestBlock": "0x0", "gasUsedRatio": []}


def test_a_number_of_blocks_has_no_thousand_digits(rig: Rig) -> None:
    error = rig.refused("eth_feeHistory", "9" * 5_000, "latest")
    assert error.code == -32602
    assert rig.ask("eth_feeHistory", 10**30, "latest")["oldestBlock"] == "0x0"


def test_a_long_history_is_gathered_in_portions(make_rig: Callable[..., Rig]) -> None:
    """Decoding all transactions of a thousand blocks at once would keep the node for seconds."""
    limits = MethodLimits(calls=CallLimits(time_ns=0, slice_ns=1))
    rig = make_rig(limits=limits)
    paid(rig, 2)
    error = rig.refused("eth_feeHistory", "0x3", "latest", [50])
    assert error.message.startswith("execution aborted")


@pytest.mark.parametrize(
    ("percentiles", "message"),
    [
        ([-1], "invalid reward percentile: -1.000000"),
        ([100.5], "invalid reward percentile: 100.500000"),
        ([5, 4], "invalid reward percentile: #0:5.000000 >= #1:4.000000"),
        ([1] * 101, "over the query limit 100"),
    ],
)
def test_percentiles_that_make_no_sense(
    rig: Rig, percentiles: Sequence[float], message: str
) -> None:
    error = rig.refused("eth_feeHistory", "0x1", "latest", percentiles)
    assert (error.code, error.message) == (-32000, message)


def test_a_history_of_what_is_to_come(rig: Rig) -> None:
    error = rig.refused("eth_feeHistory", "0x1", "0x9", [])
    assert error.message == "request beyond head block: requested 9, head 0"


def test_suggestions_follow_what_was_paid(rig: Rig) -> None:
    assert rig.ask("eth_maxPriorityFeePerGas") == hex(GWEI)
    for nonce in range(4):
        rig.mine(*[raw_transfer(sender, nonce, stranger(1), 1, tip=5 * GWEI) for sender in (0, 1)])
    assert rig.ask("eth_maxPriorityFeePerGas") == hex(5 * GWEI)
    history = rig.ask("eth_feeHistory", "0x1", "latest")
    base_fee = number(history["baseFeePerGas"][1])
    assert number(rig.ask("eth_gasPrice")) == base_fee + 5 * GWEI
    assert rig.ask("eth_blobBaseFee") == "0x1"


class Fees:
    """A block of which only fees are known: (tip, gas) of each transaction."""

    def __init__(self, entries: Sequence[tuple[int, int]]) -> None:
        self.entries = entries
        self.header = self
        self.base_fee_per_gas = 0
        self.gas_used_ = sum(gas for _, gas in entries)
        self.transactions = [Paid(tip) for tip, _ in entries]
        self.tips = [tip for tip, _ in entries]

    def gas_used(self, index: int) -> int:
        return self.entries[index][1]


class Paid:
    def __init__(self, tip: int) -> None:
        self.max_priority_fee_per_gas = self.max_fee_per_gas = tip


class Header:
    def __init__(self, gas_used: int) -> None:
        self.base_fee_per_gas = 0
        self.gas_used = gas_used


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 50)), min_size=1, max_size=12),
    st.lists(st.integers(0, 100), max_size=6, unique=True),
)
@settings(max_examples=200)
def test_rewards_against_a_list_of_units(
    entries: list[tuple[int, int]], percentiles: list[int]
) -> None:
    """The twin writes down the tip of every single unit of gas."""
    block = Fees(entries)
    block.header = Header(block.gas_used_)  # type: ignore[assignment]
    units = sorted(tip for tip, gas in entries for _ in range(gas))
    expected = []
    for percentile in sorted(percentiles):
        threshold = int(len(units) * percentile / 100)
        expected.append(units[max(threshold - 1, 0)])
    assert block_rewards(block, sorted(percentiles)) == expected  # type: ignore[arg-type]


def test_a_block_is_looked_at_once_for_all_suggestions(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def noted(block: FinalBlock) -> list[int]:
        looked.append(block.number)
        return sorted(block.tips)

    monkeypatch.setattr(FinalBlock, "ascending_tips", property(noted))
    for nonce in range(30):
        rig.mine(raw_transfer(0, nonce, stranger(1), 1, tip=GWEI + nonce))
        if nonce % 5 == 4:
            rig.ask("eth_gasPrice")
            rig.ask("eth_maxPriorityFeePerGas")
    assert sorted(looked) == list(range(1, 31))
    assert rig.ask("eth_maxPriorityFeePerGas") == hex(GWEI + 10 + 11)
