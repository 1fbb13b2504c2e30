"""Schedule hints: one compact encoding, and no trust in what others send."""

import pytest
from hypothesis import given, strategies as st

from node.schedule import build_graph
from node.schedule.hint import (
    HINT_BYTES_MAX,
    MalformedHint,
    ScheduleHint,
    decode_hint,
    encode_hint,
    guess_hint,
)
from node.validation import check_transaction
from primitives.access import AccessSet, slot_key
from primitives.address import address_from_private_key, contract_address
from primitives.codec import encode_canonical
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.transaction import (
    AccessListEntry,
    Authorization,
    DynamicFeeTransaction,
    SetCodeTransaction,
    encode_transaction,
    sign_authorization,
    sign_transaction,
)
from tests.unit.node.test_mempool_authorities import set_code as authorizing
from tests.unit.node.transfers import GWEI, PARAMS, built, chain, private_key

A, B, C = (Address(bytes([k]) * 20) for k in (1, 2, 3))

CELLS = st.builds(
    lambda address, cell: address + cell,
    st.sampled_from([A, B, C]),
    st.one_of(
        st.sampled_from([b"b", b"n", b"c", b"e"]),
        st.sampled_from([0, 1, 255, 256, 2**255, 2**256 - 1, 0x62 << 248]).map(
            lambda slot: slot.to_bytes(32, "big")
        ),
    ),
)
KEYS = st.sets(CELLS, max_size=6).map(lambda s: tuple(sorted(s)))
BALANCES = st.sets(st.sampled_from([A + b"b", B + b"b", C + b"b", C + b"e"])).map(
    lambda s: tuple(sorted(s))
)
HINTS = st.lists(
    st.tuples(st.builds(AccessSet, KEYS, KEYS, BALANCES), st.integers(0, 2**63 - 1)), max_size=6
).map(lambda rows: ScheduleHint(tuple(a for a, _ in rows), tuple(g for _, g in rows)))


@given(HINTS)
def test_a_hint_comes_back(hint):
    assert decode_hint(encode_hint(hint), len(hint.gas)) == hint


@given(HINTS, st.data())
def test_no_bytes_but_the_encoding_decode_to_a_hint(hint, data):
    """Whatever still decodes after a byte was changed is another hint's encoding."""
    raw = bytearray(encode_hint(hint))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255))
    try:
        other = decode_hint(bytes(raw), len(hint.gas))
    except MalformedHint:
        return
    assert encode_hint(other) == raw


@given(st.binary(max_size=60))
def test_noise_is_malformed_or_canonical(noise):
    try:
        hint = decode_hint(noise, 0)
    except MalformedHint:
        return
    assert encode_hint(hint) == noise


def form(accounts=((A, b"b", ()),), transactions=((21_000, (), (), (0,)),)):
    return encode_canonical((accounts, transactions))


BROKEN = {
    "too few transactions": (form(transactions=()), "1 transactions, got 0"),
    "a short address": (form(accounts=((b"a", b"b", ()),)), "20 bytes"),
    "addresses in another order": (form(accounts=((B, b"b", ()), (A, b"b", ()))), "ascending addr"),
    "an account twice": (form(accounts=((A, b"b", ()), (A, b"n", ()))), "ascending addresses"),
    "an unknown field": (form(accounts=((A, b"bx", ()),)), "letters of fields"),
    "a field twice": (form(accounts=((A, b"bb", ()),)), "letters of fields"),
    "a leading zero": (form(accounts=((A, b"b", (b"\0\1",)),)), "no leading zero"),
    "a slot too long": (form(accounts=((A, b"b", (b"\1" * 33,)),)), "up to 32 bytes"),
    "slots in another order": (form(accounts=((A, b"b", (b"\2", b"\1")),)), "ascending slots"),
    "a number too high": (form(transactions=((1, (1,), (), (0,)),)), "numbers below 1, got 1"),
    "a key twice": (form(transactions=((1, (0, 0), (), (0,)),)), "ascending numbers"),
    "a key of nobody": (form(accounts=((A, b"bn", ()),)), "keys that are used"),
    "a delta of a nonce": (form(accounts=((A, b"n", ()),)), "balances"),
    "a negative step": (form(transactions=((1, (-1,), (), (0,)),)), "MessagePack form"),
    "negative gas": (form(transactions=((-1, (), (), (0,)),)), "MessagePack form"),
    "too many bytes": (b"\0" * (HINT_BYTES_MAX + 1), f"at most {HINT_BYTES_MAX} bytes"),
}


@pytest.mark.parametrize(("raw", "expected"), BROKEN.values(), ids=BROKEN)
def test_a_malformed_hint_is_refused_with_what_was_expected(raw, expected):
    with pytest.raises(MalformedHint, match=expected):
        decode_hint(raw, 1)


def test_many_keys_in_few_bytes_are_refused_before_they_take_memory():
    slots = tuple(k.to_bytes(3, "big") for k in range(1 << 16, (1 << 16) + 140_000))
    with pytest.raises(MalformedHint, match="at most 131072 keys"):
        decode_hint(form(accounts=((A, b"b", slots),)), 1)


def test_many_accesses_in_few_bytes_are_refused_before_they_take_memory():
    """A key that was named before takes one byte, and eight or more in memory."""
    slots = tuple(k.to_bytes(3, "big") for k in range(1 << 16, (1 << 16) + 100_000))
    each = (1, (0, *[1] * 99_999), (), ())
    with pytest.raises(MalformedHint, match="at most 1048576 accesses"):
        decode_hint(form(accounts=((A, b"", slots),), transactions=(each,) * 11), 11)


def test_a_key_stands_once_and_numbers_are_short():
    one = AccessSet((slot_key(A, 2**255),), (slot_key(A, 2**255),), ())
    alone = len(encode_hint(ScheduleHint((one,), (1,))))
    assert len(encode_hint(ScheduleHint((one,) * 100, (1,) * 100))) - alone <= 99 * 7 + 4


# ---------------------------------------------------------------- guesses


def transaction(to, value=0, listed=()):
    return DynamicFeeTransaction(
        chain_id=1,
        nonce=0,
        max_priority_fee_per_gas=Wei(1),
        max_fee_per_gas=Wei(1),
        gas_limit=Gas(50_000),
        to=to,
        value=Wei(value),
        data=b"",
        access_list=listed,
    )


def test_a_guess_orders_transactions_of_one_sender():
    sent = [(transaction(B), A), (transaction(C), A), (transaction(A), B)]
    hint = guess_hint(sent, C)
    graph = build_graph(hint.accesses)
    assert list(zip(graph.sources, graph.targets, strict=True)) == [(0, 1)]
    assert hint.gas == (50_000,) * 3


def test_a_guess_orders_what_names_one_slot():
    listed = (AccessListEntry(C, (Hash32(bytes(32)),)),)
    sent = [(transaction(C, listed=listed), A), (transaction(C, listed=listed), B)]
    hint = guess_hint(sent, C)
    assert build_graph(hint.accesses).sources == (0,)
    assert slot_key(C, 0) in hint.accesses[0].writes


def test_a_guess_lets_payments_to_one_account_go_at_once():
    sent = [(transaction(C, value=5), A), (transaction(C, value=5), B), (transaction(None), C)]
    hint = guess_hint(sent, C)
    assert build_graph(hint.accesses).sources == ()
    assert C + b"b" in hint.accesses[0].deltas
    assert decode_hint(encode_hint(hint), 3) == hint


def test_a_guess_orders_a_call_behind_the_creation_of_what_it_calls():
    made = contract_address(A, 0)
    sent = [(transaction(None, value=5), A), (transaction(made), B), (transaction(C), C)]
    hint = guess_hint(sent, C)
    graph = build_graph(hint.accesses)
    assert list(zip(graph.sources, graph.targets, strict=True)) == [(0, 1)]
    assert made + b"b" in hint.accesses[0].deltas


KEYS_OF = {address_from_private_key(key): key for key in (b"\1" * 32, b"\2" * 32)}
FIRST, SECOND = KEYS_OF


def set_code(*authorizations):
    """A transaction with authorizations, each of an account for a chain."""
    signed = tuple(
        sign_authorization(Authorization(chain_id, B, 0), KEYS_OF[authority])
        for authority, chain_id in authorizations
    )
    fields = (1, 0, Wei(1), Wei(1), Gas(100_000), B, Wei(0), b"", ())
    return SetCodeTransaction(*fields, (*signed, Authorization(0, B, 0, 0, 0, 0)))


def test_a_guess_orders_what_authorities_send_and_who_calls_them():
    """EIP-7702 counts up their nonces and changes their code."""
    sent = [
        (set_code((FIRST, 0), (SECOND, 1)), A),
        (transaction(C), FIRST),
        (transaction(SECOND), B),
        (transaction(C), C),
    ]
    graph = build_graph(guess_hint(sent, C).accesses)
    assert list(zip(graph.sources, graph.targets, strict=True)) == [(0, 1), (0, 2)]


def test_a_guess_passes_over_authorizations_for_other_chains():
    sent = [(set_code((FIRST, 2)), A), (transaction(C), FIRST)]
    assert build_graph(guess_hint(sent, C).accesses).sources == ()


def test_a_guess_names_what_execution_accesses_of_creations_and_authorities():
    """All fields of accounts. Slots that code touches, and what begins to exist, no guess knows."""
    unsigned = DynamicFeeTransaction(
        PARAMS.chain_id, 0, Wei(GWEI), Wei(10 * GWEI), Gas(200_000), None, Wei(5), b"", ()
    )
    raw = encode_transaction(sign_transaction(unsigned, private_key(0)))
    block = built(chain(), check_transaction(raw, PARAMS), authorizing(1, 2))
    assert len(block.transactions) == 2
    pairs = [(each.transaction, each.sender) for each in block.transactions]
    guess = guess_hint(pairs, block.block.header.fee_recipient)
    for found, guessed in zip(block.accesses, guess.accesses, strict=True):
        assert set(found.reads) == set(guessed.reads)
        assert {key for key in guessed.writes if key[20:] != b"e"} <= set(found.writes)
        assert {key for key in found.writes if key[20:] in (b"n", b"c")} <= set(guessed.writes)
        assert {key for key in found.deltas if key[20:] == b"b"} <= set(guessed.deltas)
