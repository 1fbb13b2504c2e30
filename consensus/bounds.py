"""What a replica's tables may hold, whoever fills them.

A peer decides how much it sends, so every table that peers can fill has a bound that follows from
the committee's parameters alone. Here they stand side by side, for whoever watches over a run.

Blocks have none in this list: each view may leave a pipeline of blocks that were accepted in it
and that a later view may want back, and only a delivery clears them away.
"""

from consensus.state import KEPT, ReplicaState


def overfull(state: ReplicaState) -> tuple[str, int, int] | None:
    """Return (table, entries, bound) of the first table that holds too much; None if none does."""
    size, window, reach = state.size, state.params.window, state.params.reach
    changing, repair = state.changing, state.repair
    early = max((len(kept.messages) for kept in state.early.values()), default=0)
    evidence = max((len(kept) for kept in state.misdeeds.kept.values()), default=0)
    tables = (
        # A new view may begin with a window of blocks above a base that is a window ahead.
        ("slots", len(state.slots), 3 * window),
        ("prepared", len(state.prepared), 3 * window),
        # Such blocks may be certified one by one while the head stands still.
        ("certified", len(state.certified), 3 * window),
        ("trail", len(state.trail), reach),
        ("early", len(state.early), size),
        ("early.messages", early, 3 * reach),
        ("changing.latest", len(changing.latest), size),
        ("changing.proven", len(changing.proven), size),
        ("changing.established", len(changing.established), size * window),
        ("repair.missing", len(repair.missing), 3 * window),
        ("repair.peer_views", len(repair.peer_views), size),
        ("repair.peer_sequences", len(repair.peer_sequences), size),
        ("repair.answered", len(repair.answered), size),
        ("impatient", len(state.impatient), size),
        ("fairness.complaints", len(state.fairness.complaints), size),
        ("misdeeds.kept", evidence, KEPT + 1),
        ("misdeeds.scores", len(state.misdeeds.scores), size),
    )
    return next(((name, held, bound) for name, held, bound in tables if held > bound), None)
