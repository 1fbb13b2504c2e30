"""How far a committee is, as its votes tell it."""

from consensus.messages import Commit, Prepare
from primitives.ids import Sequence, View
from primitives.machine import Event, Received
from sim.liars.place import LiarPlace


class Hearing:
    """The highest view and sequence of an epoch that a vote has named."""

    __slots__ = ("_epoch", "sequence", "view")

    def __init__(self) -> None:
        self._epoch = 0
        self.view = View(0)
        self.sequence = Sequence(0)

    def listen(self, event: Event, place: LiarPlace) -> None:
        """Keep up with the others. Views begin anew in each epoch."""
        if place.epoch != self._epoch:
            self._epoch = place.epoch
            self.view, self.sequence = View(0), place.origin.sequence
        if isinstance(event, Received) and isinstance(event.message, Prepare | Commit):
            vote = event.message
            if vote.sequence > place.origin.sequence:
                self.view = max(self.view, vote.view)
                self.sequence = max(self.sequence, vote.sequence)
