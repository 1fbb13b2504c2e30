"""What was confirmed: remembered while the network runs, and asked for again at its end.

A node tells of a block once it is final. Whatever happens later (crashes, partitions, restarts),
every node must have the same block at that height, and every transaction in it must be where it
was. So blocks are noted as they become final, from whichever node has them first, with some of
their transactions.

Nodes keep only so many blocks. What they may have given up by the end is forgotten here as well.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import msgspec

from sim.live.client import NodeClient, Question, Refused, Unanswered
from sim.live.fleet import Fleet
from sim.live.watch import Watch, read_status

EVERY_S = 0.25
AT_ONCE = 25
"""Blocks that are asked for in one request."""
BLOCKS_MAX = 20_000
"""Blocks that are remembered at most."""
TALLIES_MAX = 1_000_000
"""Blocks whose number of transactions is remembered at most."""
TRANSACTIONS_A_BLOCK = 3
"""Transactions that are remembered of each: the first, the middle one and the last."""
CHECKED_BLOCKS = 1_000
"""Blocks that are asked for again, evenly spread over those that are remembered."""
PATIENCE_S = 15.0


class Confirmed(msgspec.Struct, frozen=True):
    """A final block."""

    at: float
    """When it was seen first, seconds since the network was up."""
    height: int
    digest: str
    count: int
    """Its transactions."""
    sample: tuple[str, ...]
    """Hashes of some of them."""


class Loss(msgspec.Struct, frozen=True):
    """Something confirmed that a node does not have, or has otherwise."""

    node: int
    height: int
    what: str
    """The block, or the transaction, by its hash."""
    found: str


class Check(msgspec.Struct, frozen=True):
    """What asking again has come to."""

    blocks: int = 0
    transactions: int = 0
    """Different ones that were asked for, of each node."""
    nodes: tuple[int, ...] = ()
    """That have answered."""
    silent: tuple[int, ...] = ()
    """That run and have not."""
    fewer: tuple[tuple[int, int], ...] = ()
    """Nodes that had to have only some of the blocks, and how many: they are behind, or began anew
    from a state."""
    unseen: int = 0
    """Blocks above the height of every node that has answered."""
    losses: tuple[Loss, ...] = ()


class _Answer(msgspec.Struct, frozen=True):
    """What one node has said."""

    node: int
    height: int
    asked: int
    """Blocks that it had to have."""
    losses: tuple[Loss, ...]


def read_block(found: Any, at: float) -> Confirmed:
    """Read a block with the hashes of its transactions."""
    hashes = found["transactions"]
    picked = dict.fromkeys((0, len(hashes) // 2, len(hashes) - 1)) if hashes else {}
    sample = tuple(hashes[position] for position in picked)[:TRANSACTIONS_A_BLOCK]
    return Confirmed(at, int(found["number"], 16), found["hash"], len(hashes), sample)


class Witness:
    """Remembers blocks as they become final.

    Args:
        fleet: whose chain.
        watch: knows how high it is.
        kept: blocks that every node keeps; None for all.
        now: seconds since the network was up.
    """

    def __init__(
        self, fleet: Fleet, watch: Watch, kept: int | None, now: Callable[[], float]
    ) -> None:
        self._fleet = fleet
        self._watch = watch
        self._now = now
        size = BLOCKS_MAX if kept is None else min(kept, BLOCKS_MAX)
        self.blocks: deque[Confirmed] = deque(maxlen=max(size, 1))
        """The latest, in order of their heights."""
        self.first: int | None = None
        """Height from which on it has watched."""
        self.transactions = 0
        """In all blocks since."""
        self._tallies: deque[tuple[float, int]] = deque(maxlen=TALLIES_MAX)

    def begin(self) -> None:
        """Watch from the present height on."""
        self.first = self._watch.height

    async def run(self) -> None:
        """Go on watching until cancelled."""
        while True:
            await self.catch_up()
            await asyncio.sleep(EVERY_S)

    async def catch_up(self) -> None:
        """Note all blocks that have become final since."""
        next_height = (self.blocks[-1].height if self.blocks else self.first or 0) + 1
        while next_height <= self._watch.height:
            last = min(next_height + AT_ONCE - 1, self._watch.height)
            for block in await self._fetch(next_height, last):
                self._note(block)
            noted = self.blocks[-1].height if self.blocks else 0
            if noted < last:
                return
            next_height = last + 1

    def tps(self, span_s: float) -> float:
        """Return the transactions that became final a second, over the last `span_s` seconds."""
        since = self._now() - span_s
        span = min(span_s, max(self._now(), 0.001))
        return sum(block.count for block in reversed(self.blocks) if block.at > since) / span

    def between(self, low: int, high: int) -> int:
        """Return the transactions in remembered blocks above height `low`, up to `high`."""
        if not self.blocks:
            return 0
        first = self.blocks[0].height
        wanted = islice(self.blocks, max(low + 1 - first, 0), max(high + 1 - first, 0))
        return sum(block.count for block in wanted)

    def counted(self, begin_s: float, end_s: float) -> int:
        """Return how many transactions became final in a span of time that is remembered."""
        return sum(count for at, count in self._tallies if begin_s <= at < end_s)

    def _note(self, block: Confirmed) -> None:
        self.blocks.append(block)
        self.transactions += block.count
        self._tallies.append((block.at, block.count))

    async def _fetch(self, first: int, last: int) -> list[Confirmed]:
        """Ask the node that has come furthest for blocks; return those that it has, in order."""
        nodes = [each.number for each in self._fleet.members if self._fleet.answers(each.number)]
        nodes.sort(key=lambda node: -self._watch.status(node).height)
        for node in nodes[:2]:
            with contextlib.suppress(Unanswered, Refused):
                return await _blocks(self._fleet.members[node].client, first, last, self._now())
        return []

    async def check(self, nodes: Sequence[int]) -> Check:
        """Ask nodes for all that is remembered.

        Args:
            nodes: whom; those that do not answer are left out.
        """
        blocks = _spread(list(self.blocks), CHECKED_BLOCKS)
        found = await asyncio.gather(*(self._ask_again(node, blocks) for node in nodes))
        answers = [each for each in found if each is not None]
        top = max((each.height for each in answers), default=0)
        return Check(
            blocks=len(blocks),
            transactions=sum(len(block.sample) for block in blocks),
            nodes=tuple(each.node for each in answers),
            silent=tuple(node for node in nodes if node not in {each.node for each in answers}),
            fewer=tuple((each.node, each.asked) for each in answers if each.asked < len(blocks)),
            unseen=sum(block.height > top for block in blocks) if answers else 0,
            losses=tuple(loss for each in answers for loss in each.losses),
        )

    async def _ask_again(self, node: int, blocks: Sequence[Confirmed]) -> "_Answer | None":
        """Return what a node lacks of what it should have; None if it does not answer.

        One that was away for long has begun anew from a state and has no blocks below it; and all
        give up old ones. A node tells from which height on it has them.
        """
        client = self._fleet.members[node].client
        try:
            height = read_status(await client.ask("orrery_status", patience_s=PATIENCE_S)).height
        except (Unanswered, Refused):
            return None
        own = [block for block in blocks if block.height <= height]
        asked: list[Question] = [
            ("eth_getBlockByNumber", (hex(block.height), False)) for block in own
        ]
        sampled = [(block, each) for block in own for each in block.sample]
        asked += [("eth_getTransactionReceipt", (each,)) for _, each in sampled]
        try:
            found = await client.try_all(asked, PATIENCE_S)
            lowest = read_status(await client.ask("orrery_status")).lowest
        except (Unanswered, Refused):
            return None
        wanted = [(block, f"block {block.digest}", "hash") for block in own]
        wanted += [(block, f"transaction {each}", "blockHash") for block, each in sampled]
        losses = [
            Loss(node, block.height, what, _digest(answer, key))
            for (block, what, key), answer in zip(wanted, found, strict=True)
            if block.height >= lowest and _digest(answer, key) != block.digest
        ]
        return _Answer(node, height, sum(block.height >= lowest for block in own), tuple(losses))


async def _blocks(client: NodeClient, first: int, last: int, at: float) -> list[Confirmed]:
    asked: list[Question] = [
        ("eth_getBlockByNumber", (hex(height), False)) for height in range(first, last + 1)
    ]
    blocks = []
    for found in await client.ask_all(asked):
        if found is None:
            break
        blocks.append(read_block(found, at))
    return blocks


def _digest(answer: Any, key: str) -> str:
    if isinstance(answer, Refused):
        return str(answer)
    return "nothing" if answer is None else str(answer.get(key))


def _spread(blocks: list[Confirmed], most: int) -> list[Confirmed]:
    """Pick at most so many, evenly, the last one among them."""
    if len(blocks) <= most:
        return blocks
    return [blocks[(position + 1) * len(blocks) // most - 1] for position in range(most)]
