"""The leader sends its block to everybody itself."""

from collections.abc import Callable, Hashable, Sequence

import msgspec

from network.dissemination.messages import BlockBody
from network.dissemination.policy import SEQUENCES_AHEAD, Horizon, PayloadArrived, Place
from network.mesh.state import Verdict
from network.offences import Offence, PeerBook
from primitives.ids import Hash32, Instant, NodeId
from primitives.machine import NOTHING, Broadcast, Effect, Message


class DirectConfig(msgspec.Struct, frozen=True):
    """Limits of direct dissemination."""

    group: str = "committee"
    """Who gets the block."""
    sequences_ahead: int = SEQUENCES_AHEAD
    places_max: int = 1_024
    """Proposals that are remembered as having come."""


class Direct:
    """The core of one node.

    Args:
        config: limits.
        leader_of: says who leads at a place.
        digest: hash that names a payload.
        book: notes what peers do wrong.
    """

    __slots__ = ("_book", "_came", "_config", "_digest", "_leader_of", "duplicates", "horizon")

    def __init__(
        self,
        config: DirectConfig,
        leader_of: Callable[[Place], NodeId],
        digest: Callable[[bytes], Hash32],
        book: PeerBook,
    ) -> None:
        self._config = config
        self._leader_of = leader_of
        self._digest = digest
        self._book = book
        self._came: dict[Place, None] = {}
        self.horizon = Horizon(config.sequences_ahead)
        self.duplicates = 0
        """Blocks that came again."""

    def publish(self, now: Instant, place: Place, payload: bytes) -> Sequence[Effect]:
        """Send a block of one's own to the group."""
        self._remember(place)
        return (Broadcast(self._config.group, BlockBody(place.sequence, place.view, payload)),)

    def on_message(self, now: Instant, sender: NodeId, message: Message) -> Sequence[Effect]:
        """Hand over a block that its leader has sent, once.

        A second one for the same place is not looked at: consensus, which sees signed proposals,
        is where contradictions are noticed and proven.
        """
        if not isinstance(message, BlockBody):
            return NOTHING
        place = Place(message.sequence, message.view)
        if not self.horizon.is_near(place.sequence):
            return NOTHING
        if sender != self._leader_of(place):
            return self._book.count(now, sender, Offence.UNASKED)
        if place in self._came:
            self.duplicates += 1
            return NOTHING
        self._remember(place)
        identity = self._digest(message.payload)
        return (PayloadArrived(place, identity, message.payload, sender),)

    def _remember(self, place: Place) -> None:
        if len(self._came) >= self._config.places_max:
            del self._came[next(iter(self._came))]
        self._came[place] = None

    def on_timeout(self, now: Instant, timer: Hashable) -> Sequence[Effect]:
        """Nothing is due at any time."""
        return NOTHING

    def judged(self, now: Instant, identity: bytes, verdict: Verdict) -> Sequence[Effect]:
        """Nothing is passed on."""
        return NOTHING

    def advance(self, now: Instant, sequence: int) -> None:
        """Forget decided sequences."""
        self.horizon.advance(sequence)
        self._came = {place: None for place in self._came if place.sequence > sequence}
