"""What a coded tree may remember, whoever fills it: for whoever watches over a run."""

from network.dissemination.coded_tree import CodedTree
from primitives.ids import NodeId


def tree_tables(tree: CodedTree) -> tuple[tuple[str, int, int], ...]:
    """Return (table, entries, bound) of each table that peers can fill."""
    config, drafts = tree.config, [draft for _, draft in tree.drafts.entries()]
    of_leader: dict[NodeId, int] = {}
    for draft in drafts:
        of_leader[draft.leader] = of_leader.get(draft.leader, 0) + 1
    served = max((max(each.served.values(), default=0) for each in drafts), default=0)
    largest = max((draft.bytes_max for draft in drafts), default=0)
    return (
        ("tree.drafts", max(of_leader.values(), default=0), config.drafts_per_leader),
        ("tree.bytes", tree.drafts.bytes_held, max(config.bytes_max, largest)),
        ("tree.shreds", max((len(d.shreds) for d in drafts), default=0), config.total),
        ("tree.served", served, config.total),
    )
