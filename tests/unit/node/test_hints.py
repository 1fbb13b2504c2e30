"""Hints as a node reads them: what strangers send is remembered, but not without bound."""

from types import SimpleNamespace
from typing import cast

from node.execution import ExecutedBlock
from node.hints import Hints
from node.schedule.hint import KEYS_MAX, MalformedHint, ScheduleHint, encode_hint
from primitives.access import AccessSet, slot_key
from primitives.ids import Address
from tests.unit.node.transfers import built, chain, transfer

A = Address(b"\x01" * 20)


def hint_of(slots: int, gas: int = 0) -> bytes:
    keys = tuple(slot_key(A, slot) for slot in range(slots))
    return encode_hint(ScheduleHint((AccessSet(keys, (), ()),), (gas,)))


def test_a_hint_is_read_once() -> None:
    hints, hint = Hints(), hint_of(3)
    said = hints.read(hint, 1)
    assert isinstance(said, ScheduleHint)
    assert hints.read(hint, 1) is said
    assert isinstance(hints.read(hint, 2), MalformedHint)


def test_long_hints_are_not_all_remembered() -> None:
    """What a hint says takes ten times its bytes in memory, and strangers choose how long it is."""
    long = [hint_of(1_000, gas) for gas in range(4)]
    hints = Hints(read_bytes_max=3 * len(long[-1]))
    first = hints.read(long[0], 1)
    assert hints.read(long[0], 1) is first
    for hint in long[1:]:
        hints.read(hint, 1)
    assert hints.read(long[3], 1) is hints.read(long[3], 1)
    assert hints.read(long[0], 1) is not first


def test_a_hint_that_nobody_could_read_is_not_sent() -> None:
    """It would count as a lie."""
    keys = tuple(slot_key(A, slot) for slot in range(KEYS_MAX + 1))
    block = built(chain(), transfer(0, 0))
    assert isinstance(Hints().read(Hints().make(block), 1), ScheduleHint)
    wide = SimpleNamespace(
        transactions=block.transactions,
        digest=block.digest,
        runs=block.runs,
        accesses=(AccessSet(keys, (), ()),),
    )
    assert Hints().make(cast("ExecutedBlock", wide)) == b""
