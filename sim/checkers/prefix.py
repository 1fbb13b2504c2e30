"""Prefix: a node's chain only grows, block by linked block, and a restart does not rewrite it.

A commit is announced when the block is on its way to the disk, so a crash may lose the last few
announced blocks. After a restart the node may therefore commit again from a lower height, but
only the same blocks: each must be the one that it announced before. How far back it may fall is
a parameter, or a node that lost its whole disk would pass for one that merely restarted. A node
that was away for long may fetch a state instead of blocks: its chain goes on from there, and
whether that is the others' chain `agreement` says. A node whose rows have rotted may begin with
genesis again, and says so.
"""

from collections import deque

import msgspec

from primitives.ids import Hash32, Instant, NodeId
from sim.checkers.checker import CheckContext, CheckedWorld, Violation
from sim.checkers.events import (
    BLOCK_COMMITTED,
    NODE_CRASHED,
    NODE_RESTARTED,
    ROWS_ROTTED,
    STATE_ADOPTED,
    STORE_DISCARDED,
    Commit,
    Observed,
    is_adoption,
    is_commit,
)

LOSS_MAX = 64
"""Announced blocks that a crash may lose from the end of a node's chain by default."""


LINKS_REMEMBERED = 16_384
"""Blocks whose parent stays known."""


class _Chain(msgspec.Struct, gc=False):
    """What one node has announced."""

    height: int
    digest: Hash32
    crashed: bool = False
    restarted: bool = False
    """Restarted, and nothing committed since."""
    rotten: bool = False
    """Some rows on its disk have rotted."""
    refetched: int = 0
    """Blocks up to here it has been given again. They come faster than a disk takes them, so a
    crash meanwhile may lose any number of these."""


class Prefix:
    """Follows the head of every node.

    Args:
        context: the run.
        loss_max: announced blocks that a crash may lose.
    """

    name = "prefix"
    events = (
        BLOCK_COMMITTED,
        STATE_ADOPTED,
        NODE_CRASHED,
        NODE_RESTARTED,
        ROWS_ROTTED,
        STORE_DISCARDED,
    )

    def __init__(self, context: CheckContext, loss_max: int = LOSS_MAX) -> None:
        self._genesis = context.genesis_hash
        self._loss_max = loss_max
        self._chains: dict[int, _Chain] = {}
        self._parents: dict[Hash32, Hash32] = {}
        self._order: deque[Hash32] = deque()

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Object to a commit that does not extend what its node had."""
        chain = self._chains.setdefault(observation.node, _Chain(0, self._genesis))
        event = observation.event
        if event.name == NODE_CRASHED:
            chain.crashed = True
        elif event.name == NODE_RESTARTED:
            chain.crashed, chain.restarted = False, True
        elif event.name == ROWS_ROTTED:
            chain.rotten = True
        elif event.name == STORE_DISCARDED:
            if not chain.rotten:
                what = "discarded its chain, of which nothing was damaged"
                at = Instant(observation.at_ns)
                return Violation(self.name, at, NodeId(observation.node), what)
            chain.refetched = max(chain.refetched, chain.height)
            chain.height, chain.digest = 0, self._genesis
        elif is_adoption(event):
            if event.height <= chain.height and not chain.restarted:
                behind = f"adopted a state of height {event.height}, its head is {chain.height}"
                at = Instant(observation.at_ns)
                return Violation(self.name, at, NodeId(observation.node), behind)
            chain.height, chain.digest = event.height, Hash32(event.digest)
            chain.restarted = False
        elif is_commit(event):
            detail = self._objection(chain, event)
            if detail is not None:
                at = Instant(observation.at_ns)
                return Violation(self.name, at, NodeId(observation.node), detail)
            self._remember(Hash32(event.digest), Hash32(event.parent))
            chain.height, chain.digest = event.height, Hash32(event.digest)
            chain.restarted = False
        return None

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Agree with the end: every commit was judged when it happened."""
        return None

    def _remember(self, digest: Hash32, parent: Hash32) -> None:
        """Keep the links of the chain, as far as a node that was down may need them."""
        if digest in self._parents:
            return
        self._parents[digest] = parent
        self._order.append(digest)
        if len(self._order) > LINKS_REMEMBERED:
            del self._parents[self._order.popleft()]

    def _objection(self, chain: _Chain, event: Commit) -> str | None:
        what = f"committed height {event.height}"
        if chain.crashed:
            return f"{what} while crashed"
        if event.height == chain.height + 1:
            if event.parent == chain.digest:
                return None
            return f"{what} on parent {event.parent.hex()}, not on its head {chain.digest.hex()}"
        if not chain.restarted or event.height > chain.height:
            return f"{what}, expected height {chain.height + 1}"
        return self._recommit_objection(chain, event)

    def _recommit_objection(self, chain: _Chain, event: Commit) -> str | None:
        """Judge the first commit after a restart, at or below the head announced before."""
        lost = chain.height - event.height + 1
        new = chain.height - max(event.height - 1, chain.refetched)
        if event.height < 1 or new > self._loss_max:
            return (
                f"committed height {event.height} after a restart at height {chain.height}: "
                f"{new} blocks lost, at most {self._loss_max} may be"
            )
        earlier = chain.digest
        for _ in range(lost - 1):
            if earlier not in self._parents:
                # Too long ago to compare; that the block is the others', `agreement` says.
                return None
            earlier = self._parents[earlier]
        if event.digest == earlier:
            return None
        return (
            f"committed {event.digest.hex()} at height {event.height} after a restart, "
            f"before it {earlier.hex()}"
        )
