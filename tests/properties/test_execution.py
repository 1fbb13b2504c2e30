"""Random transfers against plain arithmetic on dictionaries."""

import msgspec
import pytest
from hypothesis import assume, given, strategies as st

from node.builder import BuildContext, build_block
from node.execution import ExecutedBlock
from node.validation_block import execute_block
from node.validation_errors import InvalidBlock
from primitives.address import ZERO_ADDRESS
from primitives.block import Block, encode_block
from primitives.header import Header
from primitives.ids import Address
from primitives.params import ChainParams
from primitives.system_contracts import system_contracts
from tests.unit.node.transfers import ETHER, FIXED, GWEI, PARAMS, account, chain, stranger, transfer

PEOPLE = 4
PLACES = [*(account(index) for index in range(PEOPLE)), stranger(0), ZERO_ADDRESS]

TRANSFERS = st.lists(
    st.tuples(
        st.integers(0, PEOPLE - 1),
        st.integers(0, len(PLACES) - 1),
        st.sampled_from([0, 1, ETHER // 3, ETHER]),
        st.sampled_from([0, GWEI // 2, 2 * GWEI]),
        st.sampled_from([0, 1, 2]),
        st.sampled_from([0, 0, 0, 1]),
    ),
    max_size=12,
)
BLOCKS = st.lists(st.tuples(st.integers(0, len(PLACES) - 1), TRANSFERS), min_size=1, max_size=3)


class Twin:
    """The same accounting as three lines a transfer, step by step as Ethereum tells it."""

    def __init__(self) -> None:
        self.balance: dict[Address, int] = {account(i): (i + 1) * ETHER for i in range(PEOPLE)}
        self.nonce: dict[Address, int] = {}
        self.burnt = 0

    def apply(self, sender: Address, to: Address, value: int, cap: int, tip: int, gas: int) -> bool:
        """Buy the whole gas limit, send, refund, pay the proposer; False if not affordable."""
        used = 21_000
        if self.balance.get(sender, 0) < gas * cap + value or cap < self.base_fee:
            return False
        price = min(cap, self.base_fee + tip)
        self.balance[sender] -= gas * price
        self.balance[sender] -= value
        self.balance[to] = self.balance.get(to, 0) + value
        self.balance[sender] += (gas - used) * price
        earned = used * (price - self.base_fee)
        self.balance[self.proposer] = self.balance.get(self.proposer, 0) + earned
        self.burnt += used * self.base_fee
        self.nonce[sender] = self.nonce.get(sender, 0) + 1
        return True

    base_fee = 0
    proposer = ZERO_ADDRESS


def grown(
    twin: Twin,
    parent: ExecutedBlock,
    proposer: int,
    plan: list[tuple[int, ...]],
    params: ChainParams,
) -> ExecutedBlock:
    """Build a block from a plan, moving the twin alongside."""
    twin.proposer = PLACES[proposer]
    empty = build_block(parent, (), BuildContext(twin.proposer, 1), params)
    twin.base_fee = empty.block.header.base_fee_per_gas
    candidates, expected = [], []
    for sender, to, value, tip, tx_type, gap in plan:
        cap = 3 * GWEI
        nonce = twin.nonce.get(account(sender), 0) + gap
        checked = transfer(
            sender, nonce, PLACES[to], value, cap=cap, tip=tip, gas=40_000, tx_type=tx_type
        )
        candidates.append(checked)
        offered = tip if tx_type == 2 else cap
        if gap == 0 and twin.apply(account(sender), PLACES[to], value, cap, offered, 40_000):
            expected.append(checked)
    block = build_block(parent, candidates, BuildContext(twin.proposer, 1), params)
    assert list(block.transactions) == expected
    return block


@given(BLOCKS, st.booleans())
def test_blocks_equal_plain_arithmetic(
    blocks: list[tuple[int, list[tuple[int, ...]]]], fixed: bool
) -> None:
    params = FIXED if fixed else PARAMS
    twin = Twin()
    parent = chain(dict(enumerate(twin.balance.values())), params)
    supply = sum(twin.balance.values())
    burnt = 0
    for proposer, plan in blocks:
        block = grown(twin, parent, proposer, plan, params)
        again = execute_block(parent, block.payload, params)
        assert (again.digest, again.receipts) == (block.digest, block.receipts)
        assert again.state.changes == block.state.changes
        parent, burnt = again, burnt + again.burnt
        accounts = parent.state.accounts()
        balances = {key: each.balance for key, each in accounts.items() if each.balance}
        assert balances == {key: value for key, value in sorted(twin.balance.items()) if value}
        own = dict.fromkeys(system_contracts(params.fork), 1)
        nonces = {key: each.nonce for key, each in accounts.items() if each.nonce}
        assert nonces == twin.nonce | own
        assert burnt == twin.burnt
        assert sum(balances.values()) + burnt == supply
        assert all(each.nonce or each.balance for each in accounts.values())


SAMPLE = build_block(
    chain(), [transfer(0, 0), transfer(1, 0, value=7)], BuildContext(stranger(5), 5), PARAMS
)


def mutated(value: int | bytes, position: int, bit: int) -> int | bytes:
    if isinstance(value, int):
        return value ^ (1 << (position % 16))
    if not value:
        return value
    place = position % len(value)
    return value[:place] + bytes((value[place] ^ (1 << bit),)) + value[place + 1 :]


@given(st.sampled_from(Header.__struct_fields__), st.integers(0, 300), st.integers(0, 7))
def test_a_change_of_any_header_field_is_refused(field: str, position: int, bit: int) -> None:
    """Only extra data are the proposer's to choose; a later timestamp changes the state."""
    old = getattr(SAMPLE.block.header, field)
    new = mutated(old, position, bit)
    assume(new != old)
    header = msgspec.structs.replace(SAMPLE.block.header, **{field: new})
    with pytest.raises(InvalidBlock):
        execute_block(chain(), encode_block(Block(header, SAMPLE.block.transactions)), PARAMS)


@given(st.integers(0, len(SAMPLE.payload) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_makes_another_block(position: int, bit: int) -> None:
    payload = bytearray(SAMPLE.payload)
    payload[position] ^= 1 << bit
    try:
        block = execute_block(chain(), bytes(payload), PARAMS)
    except InvalidBlock:
        return
    assert block.digest != SAMPLE.digest
    assert block.block.transactions == SAMPLE.block.transactions
