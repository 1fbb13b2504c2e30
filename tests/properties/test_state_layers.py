"""Layers over layers hold, and commit to, what one dictionary of everything does.

A history is blocks of changes: accounts set and removed, slots set and unset, storage wiped. Any
layer may be asked for its root at any time, in any order, and may be built on twice.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings, strategies as st

from node.snapshot import SnapshotLibrary
from primitives.account import encode_account
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.rlp import encode_int
from primitives.trie import secure_trie_root
from storage.account import Account
from storage.change_rows import decode_run, encode_run
from storage.changes import StateChanges, merged_all, settled
from storage.outcome import Change, Outcome
from storage.proof import prove_account, verify_account
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


@settings(max_examples=150)
@given(BLOCKS, st.data())
def test_layers_equal_one_dictionary_of_everything(
    blocks: list[list[Change]], data: st.DataObject
) -> None:
    layers, plains = history(blocks)
    places = data.draw(st.permutations(range(len(layers))))
    for place in places[: data.draw(st.integers(1, len(layers)))]:
        layer, plain = layers[place], plains[place]
        assert contents(layer) == plain
        assert layer.root() == plain.root()
        for address in ADDRESSES:
            slots = plain.slots.get(address, {})
            assert layer.account(address) == plain.accounts.get(address)
            assert [layer.slot(address, slot) for slot in range(41)] == [
                slots.get(slot, 0) for slot in range(41)
            ]
            assert layer.has_storage(address) == bool(slots)
            but = data.draw(st.sets(st.integers(0, 40), max_size=4))
            assert layer.has_storage(address, but) == bool(set(slots) - but)
    for account in plains[-1].accounts.values():
        assert keccak256(layers[-1].code(account.code_hash)) == account.code_hash


@settings(max_examples=60)
@given(BLOCKS, st.lists(CHANGE, min_size=1, max_size=8))
def test_an_overlay_reads_what_has_changed_so_far(
    blocks: list[list[Change]], changes: list[Change]
) -> None:
    layers, plains = history(blocks)
    overlay, plain = StateOverlay(layers[-1]), plains[-1].copy()
    for change in changes:
        overlay.apply(Outcome((), (change,), (), ()))
        plain.apply(change)
        for address in ADDRESSES:
            slots = plain.slots.get(address, {})
            assert overlay.account(address) == plain.accounts.get(address)
            assert overlay.has_storage(address) == bool(slots)
            found = {slot: overlay.slot(address, slot) for slot in range(41)}
            assert {slot: value for slot, value in found.items() if value} == slots
        if change.code and change.address in plain.accounts:
            assert overlay.code(keccak256(change.code)) == change.code
    above = StateOverlay(overlay)
    above.apply(Outcome((), tuple(changes[:1]), (), ()))
    plain.apply(changes[0])
    address = changes[0].address
    slots = plain.slots.get(address, {})
    assert [above.slot(address, slot) for slot in range(41)] == [
        slots.get(slot, 0) for slot in range(41)
    ]


@settings(max_examples=60)
@given(BLOCKS, st.lists(CHANGE, max_size=5), st.lists(CHANGE, max_size=5), st.integers(0, 12))
def test_blocks_on_one_parent_do_not_disturb_each_other(
    blocks: list[list[Change]], one: list[Change], other: list[Change], place: int
) -> None:
    layers, plains = history(blocks)
    base, plain = layers[place % len(layers)], plains[place % len(layers)]
    for changes in (one, other):
        expected = plain.copy()
        for change in changes:
            expected.apply(change)
        branch = after(base, changes)
        assert contents(branch) == expected
        assert branch.root() == expected.root()
    assert base.root() == plain.root()


@settings(max_examples=60)
@given(BLOCKS, st.integers(1, 4))
def test_stored_runs_make_the_state_that_they_were_written_from(
    blocks: list[list[Change]], interval: int
) -> None:
    """In any grouping, merged two by two or all at once, over something or over nothing."""
    layers, plains = history(blocks)
    changes = [layer.all_changes for layer in layers]
    groups = [changes[at : at + interval] for at in range(0, len(changes), interval)]
    library = SnapshotLibrary(0)
    runs = [library.run(b"%d" % place, group) for place, group in enumerate(groups)]
    assert [decode_run(run) for run in runs] == [
        decode_run(encode_run(decode_run(run))) for run in runs
    ]
    state = library.state(None, tuple(reversed(runs)))
    assert state.root() == plains[-1].root()
    assert contents(state) == plains[-1]
    whole = runs[0]
    for run in runs[1:]:
        whole = library.merged(whole, run, is_bottom=True)
    assert contents(library.state(None, (whole,))) == plains[-1]
    assert settled(merged_all(tuple(reversed(changes)))).slots == plains[-1].slots
    if len(runs) > 2:
        upper = library.merged(runs[1], runs[2], is_bottom=False)
        newer = tuple(reversed(runs[3:]))
        base = library.state(None, (runs[0],))
        assert contents(library.state(base, (*newer, upper))) == plains[-1]
        lower = library.merged(runs[1], runs[2], is_bottom=True, genesis=base)
        assert contents(library.state(base, (*newer, lower))) == plains[-1]
        for address, values in decode_run(lower).slots.items():
            assert all(value or base.slot(address, slot) for slot, value in values.items())


@settings(max_examples=60)
@given(BLOCKS, st.sampled_from(ADDRESSES), st.lists(st.integers(0, 40), max_size=3))
def test_every_version_proves_itself(
    blocks: list[list[Change]], address: Address, slots: list[int]
) -> None:
    layers, plains = history(blocks)
    layers[-1].root()
    for layer, plain in zip(layers, plains, strict=True):
        proof = prove_account(layer.trie(), address, slots)
        verify_account(plain.root(), proof)
        values = plain.slots.get(address, {})
        assert proof.account == plain.accounts.get(address)
        assert [each.value for each in proof.slots] == [values.get(slot, 0) for slot in slots]
