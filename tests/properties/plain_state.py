"""A state as one dictionary of everything, and random histories of it and of layers."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from primitives.account import encode_account
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.rlp import encode_int
from primitives.trie import secure_trie_root
from storage.account import Account
from storage.changes import StateChanges
from storage.outcome import Change, Outcome
from storage.state import StateLayer, StateOverlay

ADDRESSES = [Address(bytes([number]) * 20) for number in range(1, 7)]
CODES = [b"\x00", b"\x60\x00"]

CHANGE = st.builds(
    Change,
    st.sampled_from(ADDRESSES),
    st.integers(0, 2),
    st.none() | st.integers(1, 3),
    st.none(),
    st.none() | st.sampled_from(CODES),
    st.dictionaries(st.integers(0, 40), st.integers(0, 3), max_size=12).map(
        lambda values: tuple(values.items())
    ),
    st.sampled_from([False, False, True]),
    st.sampled_from([False, False, False, True]),
    st.just(False),
).map(lambda c: c if c.code is None else _with_code(c))

BLOCKS = st.lists(st.lists(CHANGE, max_size=5), max_size=12)


def _with_code(change: Change) -> Change:
    assert change.code is not None
    fields: dict[str, Any] = {name: getattr(change, name) for name in change.__struct_fields__}
    return Change(**{**fields, "code_hash": keccak256(change.code)})


@dataclass
class Plain:
    """Accounts and slots in dictionaries, changed one by one."""

    accounts: dict[Address, Account] = field(default_factory=dict)
    slots: dict[Address, dict[int, int]] = field(default_factory=dict)

    def copy(self) -> "Plain":
        return Plain(dict(self.accounts), {key: dict(each) for key, each in self.slots.items()})

    def apply(self, change: Change) -> None:
        address = change.address
        old = self.accounts.get(address, Account())
        account = Account(
            old.nonce if change.nonce is None else change.nonce,
            Wei(old.balance + change.delta),
            old.code_hash if change.code_hash is None else change.code_hash,
        )
        if change.is_destroyed or account == Account():
            self.accounts.pop(address, None)
            self.slots.pop(address, None)
            return
        self.accounts[address] = account
        slots = {} if change.is_wiped else self.slots.get(address, {})
        slots = {**slots, **dict(change.slots)}
        self.slots[address] = {slot: value for slot, value in slots.items() if value}
        if not self.slots[address]:
            del self.slots[address]

    def root(self) -> Hash32:
        return secure_trie_root(
            {
                address: encode_account(
                    account.nonce,
                    account.balance,
                    secure_trie_root(
                        {
                            slot.to_bytes(32, "big"): encode_int(value)
                            for slot, value in self.slots.get(address, {}).items()
                        }
                    ),
                    account.code_hash,
                )
                for address, account in self.accounts.items()
            }
        )


def after(base: StateLayer, changes: list[Change]) -> StateLayer:
    overlay = StateOverlay(base)
    for change in changes:
        overlay.apply(Outcome((), (change,), (), ()))
    return overlay.commit()


def history(blocks: list[list[Change]]) -> tuple[list[StateLayer], list[Plain]]:
    layers, plains = [StateLayer(None, StateChanges({}))], [Plain()]
    for changes in blocks:
        layers.append(after(layers[-1], changes))
        plain = plains[-1].copy()
        for change in changes:
            plain.apply(change)
        plains.append(plain)
    return layers, plains


def contents(layer: StateLayer) -> Plain:
    found = layer.everything()
    accounts = {key: each for key, each in found.accounts.items() if each is not None}
    return Plain(accounts, {key: dict(each) for key, each in found.slots.items()})
