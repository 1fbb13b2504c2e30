"""Which accesses count."""

from node.schedule import DeltaRule, LazyRule, StrictRule, build_graph
from primitives.access import BALANCE, CODE, EXISTENCE, NONCE, AccessSet, slot_key
from primitives.ids import Address

A, MINER = Address(b"\x01" * 20), Address(b"\x02" * 20)
EVERYTHING = tuple(A + field for field in (BALANCE, CODE, EXISTENCE, NONCE))
TIP = AccessSet((A + NONCE,), (A + NONCE,), (A + BALANCE, MINER + BALANCE))


def test_under_deltas_everything_counts_as_it_is():
    assert DeltaRule().counted(TIP) is TIP


def test_under_strict_a_moved_balance_is_read_and_written_but_for_the_fee_recipient():
    counted = StrictRule(MINER).counted(TIP)
    assert counted == AccessSet((A + NONCE, A + BALANCE), (A + NONCE, A + BALANCE))
    assert MINER + BALANCE in StrictRule().counted(TIP).reads


def test_under_strict_the_fee_recipient_does_not_count_even_where_its_balance_is_seen():
    looks = AccessSet((MINER + BALANCE, MINER + CODE), (MINER + BALANCE,))
    assert StrictRule(MINER).counted(looks) == AccessSet((MINER + CODE,), ())


def test_under_lazy_only_slots_nonces_and_code_count():
    # A slot whose name ends like that of a field is still a slot.
    slots = (slot_key(A, 5), slot_key(A, BALANCE[0]))
    counted = LazyRule().counted(AccessSet(EVERYTHING + slots, EVERYTHING, (A + BALANCE,)))
    assert counted == AccessSet((A + CODE, A + NONCE, *slots), (A + CODE, A + NONCE))


def test_the_fee_recipient_orders_nobody_under_any_rule():
    senders = [Address(bytes([k]) * 20) for k in range(3, 6)]
    block = [AccessSet((s + NONCE,), (s + NONCE,), (s + BALANCE, MINER + BALANCE)) for s in senders]
    for rule in (DeltaRule(), StrictRule(MINER), LazyRule()):
        assert build_graph(block, rule).sources == ()
    assert build_graph(block, StrictRule()).sources == (0, 1)


def test_a_sender_is_ordered_under_each_rule():
    for rule in (DeltaRule(), StrictRule(MINER), LazyRule()):
        assert build_graph([TIP, TIP], rule).sources == (0,)
