"""A block's access list equals the one of a naive twin, whatever transactions do.

The twin knows no outcome. It notes the arguments of every call, and compares all cells before and
after each transaction. Reference: EIP-7928.
"""

from collections.abc import Callable
from typing import NamedTuple

from hypothesis import given, strategies as st

from node.access_list import AccessListBuilder
from primitives.block_access_list import AccountChanges, SlotChanges, check_order
from primitives.ids import Address, Wei
from primitives.keccak import keccak256
from storage.account import ABSENT, Account
from storage.changes import StateChanges
from storage.journal import Journal
from storage.state import StateLayer, StateOverlay

CODE = b"\x60\x01"
RICH, POOR, CONTRACT, NEW, OTHER = (Address(bytes([n]) * 20) for n in range(1, 6))
PLACES = (RICH, POOR, CONTRACT, NEW, OTHER)
SLOTS = (0, 1, 2**255)

LOOKS: dict[str, Callable[[Journal, Address], object]] = {
    "balance": Journal.balance,
    "nonce": Journal.nonce,
    "code": Journal.code,
    "code_hash": Journal.code_hash,
    "is_empty": Journal.is_empty,
    "has_storage": Journal.has_storage,
}
ACTS = (
    *LOOKS,
    "add",
    "take",
    "count",
    "set_code",
    "load",
    "original",
    "store",
    "create",
    "destroy",
)
Step = tuple[str, Address, int, int]

steps = st.tuples(
    st.sampled_from([*ACTS, "warm", "mark", "revert"]),
    st.sampled_from(PLACES),
    st.sampled_from(SLOTS),
    st.integers(0, 3),
)


class Cells(NamedTuple):
    """All that there is of one account."""

    balance: int
    nonce: int
    code: bytes
    slots: tuple[int, ...]


class Twin:
    """The list of a block, from what was asked and from all cells before and after."""

    def __init__(self) -> None:
        self.slots: dict[Address, set[int]] = {}
        self.history: list[tuple[int, dict[Address, Cells], dict[Address, Cells]]] = []

    def look(self, address: Address, slot: int | None = None) -> None:
        seen = self.slots.setdefault(address, set())
        if slot is not None:
            seen.add(slot)

    def account(self, address: Address) -> AccountChanges:
        fields: dict[str, list[tuple[int, object]]] = {"balance": [], "nonce": [], "code": []}
        changed: dict[int, list[tuple[int, int]]] = {}
        for index, before, after in self.history:
            old, new = before[address], after[address]
            for name, found in fields.items():
                if getattr(old, name) != getattr(new, name):
                    found.append((index, getattr(new, name)))
            for slot, was, is_ in zip(SLOTS, old.slots, new.slots, strict=True):
                if was != is_:
                    changed.setdefault(slot, []).append((index, is_))
        return AccountChanges(
            address,
            tuple([SlotChanges(slot, tuple(changed[slot])) for slot in sorted(changed)]),
            tuple(sorted(self.slots[address] - set(changed))),
            tuple(fields["balance"]),  # type: ignore[arg-type]
            tuple(fields["nonce"]),  # type: ignore[arg-type]
            tuple(fields["code"]),  # type: ignore[arg-type]
        )


def cells(state: StateOverlay) -> dict[Address, Cells]:
    found = {}
    for address in PLACES:
        account = state.account(address) or ABSENT
        slots = tuple([state.slot(address, slot) for slot in SLOTS])
        code = state.code(account.code_hash)
        found[address] = Cells(account.balance, account.nonce, code, slots)
    return found


def first_state() -> StateLayer:
    accounts = {
        RICH: Account(3, Wei(1_000)),
        POOR: Account(0, Wei(1)),
        CONTRACT: Account(1, Wei(10), code_hash=keccak256(CODE)),
    }
    codes = {keccak256(CODE): CODE}
    return StateLayer(None, StateChanges(accounts, {CONTRACT: {0: 5, 1: 6}}, {}, codes))


class Transaction:
    """Takes steps on a journal, as far as a virtual machine could take them, and notes them."""

    def __init__(self, journal: Journal, twin: Twin) -> None:
        self.journal = journal
        self.twin = twin
        self.marks: list[int] = []

    def take(self, step: Step) -> None:
        name, address, slot, number = step
        if name == "warm":
            self.journal.warm_address(address)
            self.journal.warm_slot(address, slot)
        elif name == "mark":
            self.marks.append(self.journal.snapshot())
        elif name == "revert":
            if self.marks:
                self.journal.revert(self.marks.pop())
        elif name in ("load", "original", "store"):
            self._slot(name, address, slot, number)
        elif name != "destroy" or self.journal.was_created(address):
            self.twin.look(address)
            self._account(name, address, number)

    def _slot(self, name: str, address: Address, slot: int, number: int) -> None:
        if name == "original":
            self._slot("load", address, slot, number)  # As SSTORE does.
            self.journal.original(address, slot)
            return
        if name == "store":
            if self._is_nothing(address):
                return  # Only contracts store.
            self.journal.store(address, slot, number)
        else:
            self.journal.load(address, slot)
        self.twin.look(address, slot)

    def _is_nothing(self, address: Address) -> bool:
        self.twin.look(address)
        return not self.journal.nonce(address)

    def _account(self, name: str, address: Address, number: int) -> None:
        journal = self.journal
        if name in LOOKS:
            LOOKS[name](journal, address)
        elif name == "add":
            journal.add_balance(address, number)
        elif name == "take":
            journal.take_balance(address, number)
        elif name == "count":
            journal.set_nonce(address, journal.nonce(address) + 1)
        elif name == "set_code":
            if journal.nonce(address):
                journal.set_code(address, (b"", CODE, b"\x00", b"\x01")[number])
        elif name == "create":
            self._create(address)
        elif name == "destroy":
            journal.take_balance(address, journal.balance(address))
            journal.destroy(address)

    def _create(self, address: Address) -> None:
        journal = self.journal
        if not (journal.nonce(address) or journal.code(address) or journal.has_storage(address)):
            journal.begin_contract(address)
            journal.set_nonce(address, 1)


@given(st.lists(st.lists(steps, max_size=12), max_size=5))
def test_access_lists_equal_those_of_the_naive_twin(block: list[list[Step]]) -> None:
    state, builder, twin = StateOverlay(first_state()), AccessListBuilder(), Twin()
    for index, transaction in enumerate(block):
        journal = Journal(state)
        run = Transaction(journal, twin)
        for step in transaction:
            run.take(step)
        outcome = journal.finish()
        builder.note(index, outcome, state)
        before = cells(state)
        state.apply(outcome)
        twin.history.append((index, before, cells(state)))
    built = builder.build()
    check_order(built)
    assert built == tuple([twin.account(address) for address in sorted(twin.slots)])
