"""What the tables of a mesh may hold, whoever fills them: for whoever watches over a run."""

from collections import Counter

from network.mesh.state import MeshState


def mesh_tables(state: MeshState) -> tuple[tuple[str, int, int], ...]:
    """Return (table, entries, bound) of each table that peers can fill."""
    config, peers = state.config, state.peers.values()
    links = max((len(links) for links in state.mesh.values()), default=0)
    served = max((held.most_served for held in state.cache.held()), default=0)
    watched = Counter(peer for makers in state.promises.values() for peer in makers)
    return (
        # Better peers may be grafted into a mesh that is full, and one is cut down at each beat.
        ("mesh.links", links, config.degree_high + config.opportunistic_grafts),
        ("mesh.served", served, config.retransmissions),
        ("mesh.seen", len(state.seen), config.seen_max),
        ("mesh.cache bytes", state.cache.bytes_held, config.cache_bytes),
        ("mesh.pending bytes", state.pending_bytes, config.pending_bytes_max),
        ("mesh.pending", len(state.pending), config.pending_per_peer * len(peers)),
        ("mesh.refused", len(state.refused), config.refused_max),
        ("mesh.backoff", len(state.backoff), config.backoffs_max),
        ("mesh.gone", len(state.gone), config.retained_max),
        ("mesh.promises", max(watched.values(), default=0), config.promises_per_peer),
        ("mesh.topics", max((len(p.topics) for p in peers), default=0), config.topics_per_peer),
        ("mesh.unwanted", max((len(p.unwanted) for p in peers), default=0), config.unwanted_max),
    )
