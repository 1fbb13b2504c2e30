"""What rounds may remember, whoever fills it: for whoever watches over a run."""

from network.reconcile.announcer import ReconcilingAnnouncer
from network.reconcile.state import GONE_MAX

SKETCHES_MAX = 2
"""Of one round."""


def round_tables(announcer: ReconcilingAnnouncer) -> tuple[tuple[str, int, int], ...]:
    """Return (table, entries, bound) of each table that peers can fill."""
    config, links = announcer.config, announcer.core.state.links.values()
    rounds = [each for link in links for each in (link.asked, link.answered) if each is not None]
    pending = max((len(link.pending) for link in links), default=0)
    entries = max((len(each.entries) for each in rounds), default=0)
    sketches = max((len(each.sketches) for each in rounds), default=0)
    return (
        ("reconcile.heard", len(announcer.heard_from), config.heard_max),
        ("reconcile.pending", pending, config.pending_max),
        ("reconcile.entries", entries, config.pending_max),
        ("reconcile.gone", len(announcer.core.state.gone), GONE_MAX),
        ("reconcile.sketches", sketches, SKETCHES_MAX),
    )
