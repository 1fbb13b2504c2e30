"""What a live run came to: `summary.json`."""

from typing import Literal

import msgspec

from sim.live.events import Happening
from sim.live.witness import Loss
from sim.load.histogram import Quantiles

Verdict = Literal["passed", "failed", "not judged"]


class Judgement(msgspec.Struct, frozen=True):
    """One thing that was expected, and what came of it."""

    name: str
    verdict: Verdict
    detail: str
    """What was asked and what was found, or why nobody can say."""


class NodeEnd(msgspec.Struct, frozen=True):
    """How one node stood when the network was asked to end."""

    node: int
    role: str
    state: str
    height: int
    digest: str | None
    """Of its block at the common height; None if it did not answer."""
    starts: int
    """How often its process was started."""
    rpc: str


class LoadFigures(msgspec.Struct, frozen=True):
    """What the load came to."""

    sent: int
    accepted: int
    final: int
    unconfirmed: int
    """Sent, and in no block when the load ended."""
    inclusion_seconds: Quantiles
    """From the instant when a transaction was to be sent to that when its block was seen."""
    finality_seconds: Quantiles
    """Likewise until that block was seen to be final."""
    errors: dict[str, int]
    overdue: int = 0
    """Unconfirmed ones that have waited longer than `max_p99_confirmation`."""


class LiveSummary(msgspec.Struct, frozen=True):
    """One `up`, from its first node to its last."""

    scenario: str
    seed: int
    directory: str
    genesis: str
    """Hash of block 0."""
    continued: bool
    """Whether the chain was there already."""
    links: bool
    """Whether messages took as long as over the scenario's links."""
    seconds: float
    """For how long the network was up."""
    partial: bool
    """Whether it ended before the scenario did."""
    first_height: int
    height: int
    """The greatest of any node."""
    common_height: int
    """The greatest that every running node has reached."""
    nodes: tuple[NodeEnd, ...]
    transactions: int
    """That became final meanwhile."""
    tps: float
    """Of those, a second, in the measured window."""
    checked_blocks: int
    checked_transactions: int
    """Final ones that every running node was asked for again at the end."""
    losses: tuple[Loss, ...]
    view_changes: int
    """Views above 0 that were seen."""
    epoch: int
    load: LoadFigures | None
    judgements: tuple[Judgement, ...]
    happenings: tuple[Happening, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing that was expected has failed."""
        return all(each.verdict != "failed" for each in self.judgements)


def encode_summary(summary: LiveSummary) -> bytes:
    """Return a summary as JSON for people and programs."""
    return msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"
