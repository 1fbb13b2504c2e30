"""What a load client counts while it runs: totals, a series for each second, latencies."""

from sim.load.histogram import LatencyBySecond, LatencyHistogram
from sim.load.kinds import ErrorKind
from sim.report.series import SECOND_NS, SecondBins


class LoadLedger:
    """Counters of one load. All instants are ns since its beginning.

    Args:
        measured_from_ns: end of the warm-up.
    """

    __slots__ = (
        "acceptance",
        "accepted",
        "dropped",
        "errors",
        "final",
        "finality",
        "included",
        "inclusion",
        "inclusion_by_second",
        "intended",
        "lag",
        "lateness",
        "measured_from_ns",
        "reorganised",
        "resent",
        "sent",
    )

    def __init__(self, measured_from_ns: int = 0) -> None:
        self.measured_from_ns = measured_from_ns
        """Latencies of what was intended earlier are not counted: the warm-up."""
        self.lateness = LatencyHistogram()
        """From the intended instant to the first request: how late this client itself was."""
        self.lag = LatencyHistogram()
        """From the intended instant until this client came to it: nobody else's part."""
        self.intended = SecondBins()
        """Transactions by the second in which they should have been sent."""
        self.sent = SecondBins()
        """By the second in which they were first sent."""
        self.accepted = SecondBins()
        """By the second in which a node took them."""
        self.included = SecondBins()
        """By the second in which their block was seen."""
        self.final = SecondBins()
        """By the second in which their block was seen to be final."""
        self.dropped = SecondBins()
        """Intended and never sent, or given up, by the second of the intention."""
        self.resent = SecondBins()
        """Sent once more: repeated, or signed anew after a refusal."""
        self.errors: dict[ErrorKind, SecondBins] = {}
        self.acceptance = LatencyHistogram()
        """From the intended instant to the node's answer."""
        self.inclusion = LatencyHistogram()
        """From the intended instant to the block."""
        self.finality = LatencyHistogram()
        """From the intended instant to the finality of the block."""
        self.inclusion_by_second = LatencyBySecond()
        """Latencies to inclusion by the second of the intended instant."""
        self.reorganised = 0
        """Inclusions that were undone."""

    def on_accepted(self, intended_ns: int, at_ns: int) -> None:
        """Count a transaction that a node has taken."""
        self.accepted.add(at_ns, 1)
        if intended_ns >= self.measured_from_ns:
            self.acceptance.add(at_ns - intended_ns)

    def on_included(self, intended_ns: int, at_ns: int) -> None:
        """Count a transaction that a block holds."""
        self.included.add(at_ns, 1)
        if intended_ns >= self.measured_from_ns:
            self.inclusion.add(at_ns - intended_ns)
        self.inclusion_by_second.add(intended_ns // SECOND_NS, at_ns - intended_ns)

    def on_final(self, intended_ns: int, at_ns: int) -> None:
        """Count a transaction whose block is final."""
        self.final.add(at_ns, 1)
        if intended_ns >= self.measured_from_ns:
            self.finality.add(at_ns - intended_ns)

    def on_error(self, kind: ErrorKind, at_ns: int) -> None:
        """Count an answer other than yes, or the lack of one."""
        bins = self.errors.get(kind)
        if bins is None:
            bins = self.errors[kind] = SecondBins()
        bins.add(at_ns, 1)

    def error_totals(self) -> dict[str, int]:
        """Return errors by kind, most frequent first."""
        totals = {kind.value: bins.total for kind, bins in self.errors.items()}
        return dict(sorted(totals.items(), key=lambda each: (-each[1], each[0])))
