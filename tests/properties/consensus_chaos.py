"""Seeded chaos for the consensus harness: first faults, then calm."""

import dataclasses
import random
from collections.abc import Callable

from consensus.messages import Commit, Prepare, ViewChange
from primitives.committee import Committee
from primitives.ids import Duration
from primitives.machine import Message
from tests.unit.consensus.harness import Network
from tests.unit.consensus.toys import MS, PARAMS

CALM_MS = 10_000

IMPATIENT = dataclasses.replace(
    PARAMS,
    request_timeout=Duration(60 * MS),
    view_change_timeout=Duration(60 * MS),
    repair_interval=Duration(25 * MS),
    fast_confirmation=True,
)
"""Timeouts of a few round trips, so that a short run sees many views."""


def play(
    n: int,
    seed: int,
    *,
    committee: Committee | None = None,
    chaos_ms: int = 2_000,
    delay_ms: tuple[float, float] = (1, 10),
    network: type[Network] = Network,
    spite: float = 0.0,
) -> Network:
    """Run faults of every shape, heal everything, and wait until every transaction is in.

    Args:
        n: replicas.
        seed: of everything.
        committee: replicas use it.
        chaos_ms: how long the faults last.
        delay_ms: least and most delay of a message.
        network: what they run in.
        spite: share of (phase, view, sequence, receiver) for which the network loses every vote,
            however often it is repeated; so in many views a block is prepared by few.

    Raises:
        SafetyViolation: from the harness.
        AssertionError: no progress in the calm.
    """
    rng = random.Random(seed * 1_009 + n)
    net = network(
        n,
        seed,
        IMPATIENT,
        committee,
        loss=rng.choice((0.0, 0.05, 0.2)),
        duplication=0.05,
        delay_ms=delay_ms,
        tamper=_spite(n, seed, spite) if spite else None,
    )
    number = 0
    while net.now < chaos_ms * MS:
        count = rng.choice((1, 4, 12))
        net.submit(range(number, number + count))
        number += count
        net.run(rng.uniform(0, 40))  # so that faults meet a decision under way
        _fault(net, rng)
        net.run(rng.choice((0, 20, 100)))
    _calm(net)
    net.run_until(lambda: net.all_included() and len(set(net.heights())) == 1, CALM_MS)
    return net


def _spite(n: int, seed: int, share: float) -> Callable[[int, int, Message], Message | None]:
    """Return a network that keeps some votes, and some VIEW-CHANGEs, from who needs them."""

    def tamper(sender: int, receiver: int, message: Message) -> Message | None:
        lost = share
        if isinstance(message, Prepare | Commit):
            place = f"{type(message).__name__} {message.view} {message.sequence} {receiver}"
        elif isinstance(message, ViewChange) and message.vote.view % n == receiver:
            place = f"ViewChange {message.vote.view} {sender}"
            lost = share / 4
        else:
            return message
        return None if random.Random(f"{seed} {place}").random() < lost else message

    return tamper


def _fault(net: Network, rng: random.Random) -> None:
    draw = rng.random()
    if draw < 0.3:
        order = list(range(net.n))
        rng.shuffle(order)
        cut = rng.choice((1, net.n - net.judge.quorum, net.n // 2))
        net.partition(order[:cut], order[cut:])
    elif draw < 0.6:
        net.heal()
    elif draw < 0.75:
        index = rng.randrange(net.n)
        if net.nodes[index].up:
            net.crash(index)
    else:
        for index in range(net.n):
            if not net.nodes[index].up:
                net.restart(index)


def _calm(net: Network) -> None:
    """Heal, restart, and let every node know of every transaction, as gossip would."""
    net.heal()
    net.loss = net.duplication = 0.0
    net.tamper = None
    for index, node in enumerate(net.nodes):
        if not node.up:
            net.restart(index)
    for node in net.nodes:
        included = [t for block, _ in node.chain for t in block.transactions]
        node.pool = {t: net.now for t in net.submitted if t not in included}
        net._news(node)
