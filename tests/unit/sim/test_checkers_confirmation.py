"""The checker of confirmations: it fires whichever comes first, the promise or the commit."""

from node.execution import ExecutedBlock
from node.gateway_trace import FastConfirmed
from sim.checkers import Confirmation, Violation
from tests.unit.sim.checker_histories import History, build, chain, check_context, right_history

GATEWAY, ANOTHER = 10, 11


def confirm(history: History, block: ExecutedBlock, gateway: int = GATEWAY, place: int = 0) -> None:
    history.world.blocks.setdefault(block.digest, block)
    name = block.transactions[place].hash
    history.add(gateway, FastConfirmed(name, 0, block.number, block.digest, 1))


def other(height: int) -> ExecutedBlock:
    """A block that competes with the chain's at a height."""
    blocks = chain()
    return build(blocks[height - 1], list(blocks[height].block.transactions), fork=1)


def judge(history: History) -> Violation | None:
    return history.judge(Confirmation(check_context()))


def test_confirmations_that_come_true_are_right() -> None:
    history = History()
    for height in (1, 2, 3):
        for place in range(3):
            confirm(history, chain()[height], place=place)
            confirm(history, chain()[height], ANOTHER, place)
        history.commit_all([0, 1, 2], [height])
        confirm(history, chain()[height])
    assert judge(history) is None


def test_no_gateway_is_no_objection() -> None:
    assert judge(right_history()) is None


def test_it_objects_to_a_commit_of_another_block() -> None:
    history = History()
    confirm(history, other(2))
    history.commit_all([0], [1])
    history.commit(3, 2)
    violation = judge(history)
    assert violation is not None
    assert (violation.checker, violation.node) == ("confirmation", 3)
    assert f"gateway {GATEWAY} had confirmed {other(2).digest.hex()}" in violation.detail


def test_it_objects_to_a_late_confirmation_of_another_block() -> None:
    history = History()
    history.commit_all([0, 1], [1, 2])
    confirm(history, other(2))
    violation = judge(history)
    assert violation is not None
    assert violation.node == GATEWAY
    assert "is committed" in violation.detail


def test_it_objects_to_two_confirmations_that_contradict() -> None:
    history = History()
    confirm(history, chain()[1])
    confirm(history, other(1), ANOTHER)
    violation = judge(history)
    assert violation is not None
    assert violation.node == ANOTHER


def test_it_objects_to_a_confirmation_of_what_the_block_does_not_hold() -> None:
    history = History()
    block, name = chain()[1], chain()[2].transactions[0].hash
    history.add(GATEWAY, FastConfirmed(name, 0, 1, block.digest, 1))
    violation = judge(history)
    assert violation is not None
    assert "does not hold it" in violation.detail
