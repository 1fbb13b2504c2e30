"""Runs of a whole committee in which the network decides who is told what, to the message.

Chaos finds such runs by luck; here they are written down, because each is the reason for a rule.
"""

from collections.abc import Callable

import pytest

from consensus.effects import RequestBlock, ValidateBlock
from consensus.messages import Commit, Decided, NewView, Prepare, PrePrepare, ViewChange
from primitives.ids import Sequence
from primitives.machine import Effect, Message
from tests.properties.consensus_chaos import IMPATIENT
from tests.unit.consensus.harness import Network
from tests.unit.consensus.toy_node import ToyNode

SIZES = (4, 5, 6, 7, 8)
Phase = PrePrepare | Prepare | Commit
Rule = Callable[[int, int, Message], bool]


def network(n: int, lost: Rule, kind: type[Network] = Network, seed: int = 1) -> Network:
    """Return a network that loses what `lost` says, however often it is repeated."""

    def tamper(sender: int, receiver: int, message: Message) -> Message | None:
        return None if lost(sender, receiver, message) else message

    return kind(n, seed, IMPATIENT, tamper=tamper)


def agree(net: Network, transactions: int) -> None:
    """Heal everything; wait until all have everything, each transaction once."""
    net.tamper = None
    net.heal()
    net.run_until(lambda: net.all_included() and len(set(net.heights())) == 1, 10_000)
    assert {node.replica.head for node in net.nodes} == {net.nodes[0].replica.head}
    included = [t for block, _ in net.nodes[0].chain for t in block.transactions]
    assert sorted(included) == list(range(transactions))


@pytest.mark.parametrize("n", SIZES)
def test_a_hole_at_n_with_n_plus_1_prepared_is_not_committed_over(n: int) -> None:
    """Nobody prepares 1 in view 0, everybody 2: view 1 begins with neither."""

    def lost(_: int, __: int, message: Message) -> bool:
        return isinstance(message, Prepare) and (message.view, message.sequence) == (0, 1)

    net = network(n, lost)
    net.submit(range(4))
    net.run(3)
    net.submit(range(4, 8))
    net.run_until(lambda: 2 in net.nodes[0].replica.state.prepared, 60)
    assert net.nodes[0].replica.state.slots[Sequence(1)].prepared is False
    assert net.sent["Commit"] == 0
    net.run_until(net.all_included, 5_000)
    assert all(certificate.view > 0 for _, certificate in net.nodes[0].chain)
    agree(net, 8)


@pytest.mark.parametrize("n", SIZES)
def test_n_is_replaced_in_the_next_view_while_one_replica_holds_n_plus_1_of_the_last(
    n: int,
) -> None:
    """The last replica alone prepares 1 and 2 in view 0, and is not heard in the view change."""
    holder = n - 1

    def lost(sender: int, receiver: int, message: Message) -> bool:
        if isinstance(message, Prepare | Commit) and message.view == 0:
            return receiver != holder
        if isinstance(message, ViewChange) and message.vote.view == 1:
            return sender == holder
        return receiver == holder and isinstance(message, NewView | Phase) and message.view == 1

    net = network(n, lost)
    net.submit(range(4))
    net.run(3)
    net.submit(range(4, 8))
    state = net.nodes[holder].replica.state
    net.run_until(lambda: sorted(state.prepared) == [1, 2], 60)
    old = [state.prepared[sequence].digest for sequence in sorted(state.prepared)]
    rest = range(n - 1)
    net.run_until(lambda: net.all_included(rest), 5_000)
    replaced = [block.digest for block, _ in net.nodes[0].chain]
    assert not set(old) & set(replaced)
    agree(net, 8)


class Unwatched(Network):
    """Does not look at votes, so that what comes of a wrong one is seen."""

    def _check_vote(self, node: ToyNode, message: Message) -> None:
        pass


def lost_on_the_way_to_view_3(sender: int, receiver: int, message: Message) -> bool:
    """Let four replicas of n = 4 see four views each in his own way.

    View 0: replica 3 alone prepares A. View 1 begins without it, and 0 alone prepares B. View 2
    begins without 0, so with A, whose PREPAREs are lost; COMMITs, if any, reach 2. View 3 begins
    without 2, so with B, which was prepared later than A.
    """
    apart = {1: 3, 2: 0, 3: 2}
    """Who is not heard when a view begins, and hears nothing of it."""
    if isinstance(message, Decided):
        return True
    if isinstance(message, ViewChange):
        return apart.get(message.vote.view) == sender
    if not isinstance(message, NewView | Phase):
        return False
    if apart.get(message.view) in {sender, receiver}:
        return True
    prepared_by = {0: 3, 1: 0, 2: None}
    if isinstance(message, Prepare) and message.view in prepared_by:
        return receiver != prepared_by[message.view]
    return isinstance(message, Commit) and message.view == 2 and receiver != 2


def test_commit_over_a_certificate_of_an_older_view_would_break_agreement() -> None:
    """A has a certificate of view 0 and is proposed again in view 2, where it is not prepared.

    Who sent COMMIT for it all the same, because the NEW-VIEW has shown that certificate, would
    make A final at 2. But B's certificate is of view 1, and view 3 begins with B: two blocks at
    one height. With the rule, nothing is final before view 3 is.
    """
    net = network(4, lost_on_the_way_to_view_3, Unwatched)
    net.submit(range(2))
    net.run_until(lambda: max(net.views()) == 2, 2_000)
    first = net.nodes[3].replica.state.prepared[Sequence(1)]
    assert first.view == 0
    assert net.nodes[0].replica.state.prepared[Sequence(1)].view == 1
    assert net.nodes[0].replica.state.prepared[Sequence(1)].digest != first.digest
    net.run_until(lambda: net.nodes[2].replica.state.slots[Sequence(1)].digest == first.digest, 500)
    net.run_until(lambda: net.nodes[0].height == 1, 3_000)
    assert net.nodes[2].height == 0
    assert net.nodes[0].chain[0][1].view == 3
    agree(net, 2)


@pytest.mark.parametrize("n", SIZES)
def test_a_primary_that_is_silent_to_more_than_the_quorum_can_spare_is_replaced(n: int) -> None:
    quorum = Network(n).judge.quorum
    shunned = range(quorum - 1, n)

    def lost(sender: int, receiver: int, message: Message) -> bool:
        return sender == 0 and receiver in shunned and isinstance(message, PrePrepare)

    net = network(n, lost)
    net.submit(range(8))
    net.run_until(net.all_included, 5_000)
    assert min(net.views()) >= 1
    agree(net, 8)


@pytest.mark.parametrize("n", SIZES)
def test_a_primary_that_is_silent_to_f_replicas_serves_them_through_the_others(n: int) -> None:
    faults = Network(n).judge.faults

    def lost(sender: int, receiver: int, message: Message) -> bool:
        return sender == 0 and receiver >= n - faults

    net = network(n, lost)
    for first in range(0, 16, 4):
        net.submit(range(first, first + 4))
        net.run(60)
    net.run_until(net.all_included, 5_000)
    agree(net, 16)


class Laborious(Network):
    """Executes a block for longer than the request timeout."""

    def _perform(self, node: ToyNode, effect: Effect) -> None:
        if isinstance(effect, RequestBlock | ValidateBlock):
            longer = 3 * self.params.request_timeout // 2
            self._at(node, longer, lambda: super(Laborious, self)._perform(node, effect))
        else:
            super()._perform(node, effect)


@pytest.mark.parametrize("n", [1, *SIZES])
def test_execution_that_outlasts_the_timeout_does_not_cause_endless_view_changes(n: int) -> None:
    """The timeout doubles until a block fits, and then stays: not each block needs a view."""
    net = network(n, lambda *_: False, Laborious)
    for first in range(0, 40, 4):
        net.submit(range(first, first + 4))
        net.run(400)
    agree(net, 40)
    assert max(net.views()) <= 4
    assert len(net.traces(0, "consensus.view_change_started")) <= 4


@pytest.mark.parametrize("n", SIZES)
def test_a_withheld_commit_is_made_up_for_after_the_view(n: int) -> None:
    """One replica alone learns that 1 is final; whatever view comes, 1 stays."""

    def lost(_: int, receiver: int, message: Message) -> bool:
        return isinstance(message, Commit) and message.view == 0 and receiver != 1

    net = network(n, lost)
    net.submit(range(3))
    net.run_until(lambda: net.nodes[1].height == 1, 100)
    final = net.nodes[1].replica.head
    net.crash(1)
    rest = [i for i in range(n) if i != 1]
    net.run_until(lambda: net.all_included(rest), 5_000)
    assert net.nodes[0].chain[0][0].digest == final
    net.restart(1)
    agree(net, 3)
