"""What workers send arrives as it was, every field of it."""

import pytest

from contracts.result import ExecutionResult
from node.execution_transaction import run_of
from node.executors.wire import (
    LENGTH_BYTES,
    Answer,
    JobsEnded,
    frame,
    pack_account,
    pack_end,
    pack_int,
    read_order,
    read_report,
    unpack_account,
    unpack_end,
    unpack_int,
)
from node.executors.work import End
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.receipt import Log
from storage.account import Account
from storage.outcome import Change, Outcome, Sight

WHO, HASH = Address(b"a" * 20), Hash32(b"h" * 32)
BIG = 2**256 - 1
SIGHT = Sight(WHO, 7, HASH, True, BIG, BIG - 1, True, ((BIG, BIG), (0, 1)))
CHANGE = Change(WHO, -BIG, 2**64 - 2, HASH, b"code", ((BIG, BIG), (1, 0)), True, True, True)
OUTCOME = Outcome(
    (SIGHT, Sight(WHO, None, None, None, None, 0, None, ())),
    (CHANGE, Change(WHO, BIG, None, None, None, (), False, False, False)),
    (Log(WHO, (HASH, HASH), b"data"),),
    (WHO,),
    ((WHO, (BIG, 1)),),
)
RESULT = ExecutionResult(
    True, Gas(2**63), b"out", WHO, "OutOfGas", Wei(BIG), Wei(BIG), Gas(131_072)
)


def sent(end: End) -> End:
    data = frame(JobsEnded((pack_end(end),)))
    assert int.from_bytes(data[:LENGTH_BYTES], "big") == len(data) - LENGTH_BYTES
    report = read_report(data[LENGTH_BYTES:])
    assert isinstance(report, JobsEnded)
    return unpack_end(report.ends[0])


@pytest.mark.parametrize("structure", [OUTCOME, SIGHT, CHANGE, RESULT])
def test_the_samples_say_something_in_every_field(structure: object) -> None:
    """So a field that comes later is not forgotten: its default would be found here."""
    fields = type(structure).__struct_fields__  # type: ignore[attr-defined]
    assert all(getattr(structure, name) not in (None, 0, (), b"", False) for name in fields)


def test_an_attempt_that_ran_arrives_whole() -> None:
    end = End(3, run_of(RESULT, OUTCOME), OUTCOME.sights)
    assert sent(end) == end


@pytest.mark.parametrize("blocked", [None, 2])
def test_an_attempt_that_did_not_run_arrives_whole(blocked: int | None) -> None:
    end = End(3, None, OUTCOME.sights, blocked)
    assert sent(end) == end


@pytest.mark.parametrize("value", [0, 1, -1, 127, 128, -128, 2**255, BIG, -BIG])
def test_integers_of_any_size_travel(value: int) -> None:
    assert unpack_int(pack_int(value)) == value


@pytest.mark.parametrize("account", [None, Account(), Account(9, Wei(BIG), HASH)])
def test_accounts_travel(account: Account | None) -> None:
    assert unpack_account(pack_account(WHO, account)) == account


def test_an_answer_is_an_order() -> None:
    answer = Answer(code=b"x", has_storage=True)
    assert read_order(frame(answer)[LENGTH_BYTES:]) == answer
