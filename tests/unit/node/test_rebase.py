"""States that move up on a store forget what they read of another one."""

from msgspec import structs

from node.execution import ExecutedBlock
from node.flat_rows import block_rows, first_rows, replacing_rows
from node.rebase import Rebase
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import EMPTY_KECCAK
from storage.account import Account
from storage.flat import DiskState
from storage.memory import MemoryStore
from storage.state import StateLayer
from tests.unit.node.transfers import chain

GENESIS = chain()
STEADY, BUSY = Address(b"\x01" * 20), Address(b"\x02" * 20)


def block(parent: ExecutedBlock, **balances: int) -> ExecutedBlock:
    """Return a child after which some accounts have other balances."""
    places = {"steady": STEADY, "busy": BUSY}
    changes = {
        places[name]: Account(1, Wei(balance), EMPTY_KECCAK) for name, balance in balances.items()
    }
    state = StateLayer(parent.state, changes)
    number = parent.number + 1
    header = structs.replace(GENESIS.block.header, number=number, state_root=state.root())
    return structs.replace(
        GENESIS,
        block=structs.replace(GENESIS.block, header=header),
        digest=Hash32(bytes([number]) * 32),
        state=state,
        payload=b"1",
    )


def test_what_was_read_before_a_state_was_fetched_is_not_read_again() -> None:
    """The blocks between are unknown, so nobody could write through what they have changed."""
    blocks = [GENESIS]
    for number in range(1, 9):
        steady = {1: 10, 4: 20}.get(number)
        changed = {"busy": number} if steady is None else {"busy": number, "steady": steady}
        blocks.append(block(blocks[-1], **changed))
    store = MemoryStore()
    store.write(first_rows(GENESIS, archive=False))
    rebase = Rebase(store, 1, 0)
    rebase.persisted(0)
    head = GENESIS
    bases = []
    for number in (1, 2, 3, 5, 6, 7, 8):
        new = blocks[number]
        if number == 5:
            new = structs.replace(new, payload=b"")
            rows = replacing_rows(head, new, archive=False)
        else:
            rows = block_rows(head, new, archive=False)
        head = rebase.head(head, new)
        store.write(rows)
        rebase.persisted(number)
        bases.append(rebase.base)
        assert head.state.balance(STEADY) == (10 if number < 4 else 20), number
        assert head.state.balance(BUSY) == number
        assert head.state.root() == blocks[number].block.header.state_root
    assert [isinstance(each, DiskState) for each in bases] == [
        False, True, True, False, False, True, True,
    ]  # fmt: skip
