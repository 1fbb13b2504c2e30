"""Two real transactions with one short id, and every place where they can meet."""

from collections.abc import Sequence

import pytest

from network.compact.draft import start_draft
from network.compact.form import BlockParts, make_form, read_form
from network.compact.messages import (
    BlockTransactions,
    CompactForm,
    GetBlockTransactions,
    GetWholeBlock,
    WholeBlock,
)
from network.compact.short_ids import short_id, short_id_key
from network.compact.state import BlockRebuilt
from primitives.ids import Hash32
from primitives.machine import Effect
from tests.unit.network.books import Book
from tests.unit.network.compact_material import (
    ALICE,
    HEADER,
    NONCE,
    NOW,
    Pool,
    block,
    digest,
    form,
    hashes,
    message_to,
    payload,
    relay,
    transaction,
    transaction_hash,
)

ONE, OTHER = 6_130_454, 19_171_158
"""Numbers of transactions that have the same id under `HEADER` and `NONCE`; found by search."""

BODY = block([1, ONE, 2])
NAME = digest(BODY)


def rebuilt(effects: Sequence[Effect]) -> list[bytes]:
    return [effect.payload for effect in effects if isinstance(effect, BlockRebuilt)]


def without_prefill(parts: BlockParts) -> CompactForm:
    """Return the form that a sender makes who has not looked for collisions."""
    return make_form(parts, hashes(parts.transactions), NONCE, prefill_bytes=0)


def test_the_pair_collides() -> None:
    key = short_id_key(HEADER, NONCE)
    one, other = (transaction_hash(transaction(number)) for number in (ONE, OTHER))
    assert one != other
    assert short_id(key, one) == short_id(key, other) == 0x3ED246EEA8B7


def test_bip152_two_matches_in_the_pool_lead_to_a_request() -> None:
    for order in ((1, 2, ONE, OTHER), (OTHER, 1, 2, ONE)):
        book = Book()
        core = relay(BODY, [transaction(number) for number in order], book=book)
        effects = core.receiver.begin(NOW, ALICE, form(BODY))
        assert message_to(effects, ALICE) == GetBlockTransactions(1, NAME, (1,))
        answer = BlockTransactions(1, (transaction(ONE),))
        assert rebuilt(core.on_message(NOW, ALICE, answer)) == [payload(BODY)]
        assert core.savings.ambiguous == 1
        assert not book.offences


def test_bip152_a_single_wrong_match_leads_to_the_whole_block() -> None:
    book = Book()
    core = relay(BODY, [transaction(number) for number in (1, 2, OTHER)], book=book)
    effects = core.receiver.begin(NOW, ALICE, form(BODY))
    assert message_to(effects, ALICE) == GetWholeBlock(1, NAME)
    answer = WholeBlock(1, payload(BODY))
    assert rebuilt(core.on_message(NOW, ALICE, answer)) == [payload(BODY)]
    assert core.savings.mismatches == 1
    assert not book.offences


def test_a_wrong_match_beside_a_missing_transaction_shows_when_that_has_come() -> None:
    book = Book()
    core = relay(BODY, [transaction(1), transaction(OTHER)], book=book)
    effects = core.receiver.begin(NOW, ALICE, form(BODY))
    assert message_to(effects, ALICE) == GetBlockTransactions(1, NAME, (2,))
    effects = core.on_message(NOW, ALICE, BlockTransactions(1, (transaction(2),)))
    assert message_to(effects, ALICE) == GetWholeBlock(2, NAME)
    assert not book.offences


def test_a_sender_prefills_transactions_of_its_block_that_collide() -> None:
    both = block([OTHER, 1, ONE])
    made = form(both)
    assert made.prefilled == ((0, transaction(OTHER)), (1, transaction(ONE)))
    core = relay(both, [transaction(1), transaction(ONE)])
    assert rebuilt(core.receiver.begin(NOW, ALICE, made)) == [payload(both)]


@pytest.mark.parametrize("held", [(1,), (1, ONE), (1, ONE, OTHER)])
def test_transactions_of_the_block_that_collide_are_asked_for_if_not_prefilled(
    held: tuple[int, ...],
) -> None:
    both = block([OTHER, 1, ONE])
    core = relay(both, [transaction(number) for number in held])
    effects = core.receiver.begin(NOW, ALICE, without_prefill(both))
    assert message_to(effects, ALICE) == GetBlockTransactions(1, NAME, (0, 1))
    answer = BlockTransactions(1, (transaction(OTHER), transaction(ONE)))
    assert rebuilt(core.on_message(NOW, ALICE, answer)) == [payload(both)]
    assert core.savings.ambiguous == 2


def test_a_transaction_that_the_pool_view_names_twice_is_one() -> None:
    class Twice(Pool):
        def hashes(self) -> list[Hash32]:
            return [*self.held, *self.held]

    draft = start_draft(read_form(form(BODY)), Twice([transaction(ONE)]))
    assert draft.missing == [0, 2]
    assert (draft.ambiguous, draft.matched) == (0, 1)


def test_a_third_match_does_not_make_the_second_one_right() -> None:
    class Thrice(Pool):
        def hashes(self) -> list[Hash32]:
            names = list(self.held)
            return [*names, *names[:1]]

    pool = Thrice([transaction(ONE), transaction(OTHER)])
    assert start_draft(read_form(form(BODY)), pool).missing == [0, 1, 2]


def test_a_transaction_that_has_left_the_pool_meanwhile_is_asked_for() -> None:
    class Leaky(Pool):
        def get(self, transaction: bytes) -> None:
            return None

    draft = start_draft(read_form(form(BODY)), Leaky([transaction(1)]))
    assert draft.missing == [0, 1, 2]
    assert draft.matched == 0
