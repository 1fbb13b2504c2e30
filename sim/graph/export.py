"""A dependency graph for other tools, through networkx."""

from io import BytesIO

import networkx as nx

from node.schedule import RAW, WAR, WAW, Graph
from sim.graph.subject import Subject

_KINDS = ((RAW, "raw"), (WAW, "waw"), (WAR, "war"))


def as_networkx(subject: Subject, graph: Graph) -> "nx.DiGraph[int]":
    """Return a block's graph: transactions by their place, then joins, with gas and senders."""
    exported: nx.DiGraph[int] = nx.DiGraph(block=subject.name)
    for index, (transaction, gas) in enumerate(zip(subject.transactions, subject.gas, strict=True)):
        sender, to = f"0x{transaction.sender.hex()}", transaction.to
        receiver = "" if to is None else f"0x{to.hex()}"
        exported.add_node(index, kind="transaction", gas=gas, sender=sender, to=receiver)
    for join in range(graph.transactions, graph.transactions + graph.joins):
        exported.add_node(join, kind="join", gas=0, sender="", to="")
    for source, target, kinds in zip(graph.sources, graph.targets, graph.kinds, strict=True):
        words = "+".join([name for bit, name in _KINDS if kinds & bit])
        exported.add_edge(source, target, kind=words)
    return exported


def graphml(exported: "nx.DiGraph[int]") -> bytes:
    """Return a graph in the GraphML form."""
    out = BytesIO()
    nx.write_graphml_xml(exported, out)
    return out.getvalue()


def dot(exported: "nx.DiGraph[int]") -> str:
    """Return a graph in the form of Graphviz."""
    lines = ["digraph block {", "  rankdir=LR;"]
    for node, data in exported.nodes(data=True):
        shape = "point" if data["kind"] == "join" else "circle"
        lines.append(
            f'  {node} [shape={shape}, tooltip="{data["gas"]} gas from {data["sender"]}"];'
        )
    for source, target, data in exported.edges(data=True):
        lines.append(f'  {source} -> {target} [tooltip="{data["kind"]}"];')
    return "\n".join([*lines, "}", ""])
