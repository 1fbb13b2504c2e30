"""Layers over layers hold, and commit to, what one dictionary of everything does.

A history is blocks of changes: accounts set and removed, slots set and unset, storage wiped. Any
layer may be asked for its root at any time, in any order, and may be built on twice.
"""

from hypothesis import given, settings, strategies as st

from node.snapshot import SnapshotLibrary
from primitives.ids import Address
from primitives.keccak import keccak256
from storage.change_rows import decode_run, encode_run
from storage.changes import merged_all, settled
from storage.outcome import Change, Outcome
from storage.proof import prove_account, verify_account
from storage.state import StateOverlay
from tests.properties.plain_state import ADDRESSES, BLOCKS, CHANGE, after, contents, history


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
