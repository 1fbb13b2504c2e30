"""What held a load up on this side: a figure of a node must not be the client's own.

A client that has no processor time left, signs too slowly, or has too few accounts offers less
than was asked for, and its latencies tell of itself. So whatever left late is put down to a cause.
"""

from collections.abc import Mapping
from enum import StrEnum

from sim.load.lanes import Lanes
from sim.load.result import LoadResult
from sim.report.page import units

LATE_S = 0.1
"""Requests may leave so late before a report speaks of it."""
BUSY = 0.9
"""Share of a core from which on a client's figures are its own."""


class Hold(StrEnum):
    """What transactions wait for on this side."""

    SIGNING = "signing"
    ANSWERS = "answers"
    """Accounts wait for a node's answer, or pause after a refusal."""
    BLOCKS = "blocks"
    """Accounts have as many in no block as they may have."""


_WORDS: Mapping[str, str] = {
    Hold.SIGNING: "transactions were not signed as fast as they were due (--ahead signs more "
    "of them before the load)",
    Hold.ANSWERS: "all accounts waited for answers, or paused after refusals (--accounts)",
    Hold.BLOCKS: "all accounts had as many in no block as they may have (--accounts, --in-flight)",
}


def hold_of(lanes: Lanes) -> Hold:
    """Return what most accounts that still send wait for."""
    counts = dict.fromkeys(Hold, 0)
    for lane in lanes.lanes:
        if not lane.retired:
            full = lane.in_flight >= lanes.most
            counts[Hold.BLOCKS if full else Hold.ANSWERS if lane.busy else Hold.SIGNING] += 1
    return max(counts, key=counts.__getitem__)


def limit_words(result: LoadResult) -> list[str]:
    """Return what whoever reads the figures must know of the client, a sentence each."""
    found = []
    late, lag = result.lateness_seconds.p99 or 0.0, result.lag_seconds.p99 or 0.0
    if result.client_busy > BUSY:
        found.append(
            f"The client itself was the limit: it took {units.percent(result.client_busy)} of a "
            "core while it sent. Its figures are its own, not the node's."
        )
    elif lag > LATE_S:
        found.append(
            f"The client itself was late: it came to one transaction in a hundred "
            f"{units.seconds(lag)} or more after it was due. This machine was busy with other "
            "things. Latencies count the delay."
        )
    elif late > LATE_S:
        held = max(result.held_up, key=result.held_up.__getitem__, default=Hold.ANSWERS)
        found.append(
            f"One request in a hundred left {units.seconds(late)} or more after it was due: "
            f"{_WORDS[held]}. Latencies count the delay."
        )
    if result.retired:
        found.append(
            f"{result.retired:,} of {result.accounts:,} accounts ran out of money and sent "
            "nothing more."
        )
    return found
