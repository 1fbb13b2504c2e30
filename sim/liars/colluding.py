"""Colluding: several nodes share one plan, and vote for both blocks of their own primary.

Whichever of them is primary shows one half of the others another block (`second_story`); all of
them then PREPARE and COMMIT to each half what that half was shown. With f of them two quorums still
share an honest replica. With f+1 they need not, and the chain splits: this is the liar that shows
what the committee's size is for.
"""

from collections.abc import Iterable, Sequence as Seq

from msgspec.structs import replace

from consensus.messages import Commit, Prepare, PrePrepare
from primitives.ids import Hash32, Instant, NodeId
from primitives.machine import Effect, Event, Machine, Message, Received
from sim.liars.context import LiarContext
from sim.liars.forgery import second_story
from sim.liars.speaker import Speaker

STORIES_MAX = 256
"""Blocks whose second story is remembered, the oldest first to go."""


class Colluding:
    """One of several liars that tell the same two stories."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        self._context = context
        self._stories: dict[Hash32, PrePrepare] = {}
        self._speaker = Speaker(honest, context, (PrePrepare, Prepare, Commit), self._tell)

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn; learn from an accomplice's proposal what the others will be told."""
        if isinstance(event, Received) and isinstance(event.message, PrePrepare):
            proposal, place = event.message, self._context.place()
            primary = place.committee.nodes[place.committee.primary(proposal.view)]
            told_by_accomplice = event.sender == primary and primary in self._context.accomplices
            if told_by_accomplice and place.index is not None:
                self._story(proposal)
        return self._speaker.step(now, event)

    def _tell(self, to: NodeId, message: Message) -> Iterable[Message]:
        place = self._context.place()
        _, misled = place.halves
        if to not in misled:
            return (message,)
        if isinstance(message, PrePrepare):
            return (self._story(message) if place.is_own(message) else message,)
        assert isinstance(message, Prepare | Commit)
        story = self._stories.get(message.digest)
        if story is None or message.replica != place.index:
            return (message,)
        return (self._context.sign(replace(message, digest=story.digest)),)

    def _story(self, proposal: PrePrepare) -> PrePrepare:
        """Return the second story of a block; an accomplice needs only its digest."""
        told = self._stories.get(proposal.digest)
        if told is None or told.view != proposal.view:
            told = self._stories[proposal.digest] = second_story(proposal, self._context)
            if len(self._stories) > STORIES_MAX:
                del self._stories[next(iter(self._stories))]
        return told
