"""Which ports the nodes of a network listen on, and whether these are free."""

import socket
from collections.abc import Sequence

import msgspec

from primitives.errors import OrreryError

LOOPBACK = "127.0.0.1"
RPC_FIRST = 8545
"""Where clients of Ethereum look for a node."""
P2P_FIRST = 30300
PORT_MAX = 65_535
RPC, PEERS = "RPC", "peers"
"""What a port is for."""


class PortsTaken(OrreryError):
    """Ports that nodes need and cannot have.

    Args:
        taken: (what for, port, reason) of each.
    """

    def __init__(self, taken: Sequence[tuple[str, int, str]]) -> None:
        self.taken = tuple(taken)
        lines = [
            f"{LOOPBACK}:{port}: expected a free port for {use}, got: {reason}"
            for use, port, reason in taken
        ]
        super().__init__("\n".join([*lines, f"name other ports with {_options(taken)}"]))


def _options(taken: Sequence[tuple[str, int, str]]) -> str:
    """Return the options that move the ports which are not to be had."""
    named = {RPC: "--rpc-port", PEERS: "--p2p-port"}
    uses = {use.partition(" ")[0] for use, _, _ in taken}
    needed = [option for use, option in named.items() if use in uses]
    return " and ".join(needed or named.values())


class NodePorts(msgspec.Struct, frozen=True):
    """Where one node listens."""

    rpc: int
    """JSON-RPC, WebSocket, metrics, health."""
    p2p: int
    """The other nodes."""


def plan_ports(count: int, rpc_first: int, p2p_first: int) -> tuple[NodePorts, ...]:
    """Return the ports of `count` nodes: two ranges that count up.

    Raises:
        PortsTaken: the ranges run into one another, or out of what ports there are.
    """
    low, high = sorted((rpc_first, p2p_first))
    if low + count > high:
        use = f"{count} nodes from {low} on"
        raise PortsTaken([(use, high, f"it is in both ranges, {rpc_first}... and {p2p_first}...")])
    if high + count - 1 > PORT_MAX:
        raise PortsTaken([(f"{count} nodes from {high} on", high, f"ports end at {PORT_MAX}")])
    return tuple(NodePorts(rpc_first + node, p2p_first + node) for node in range(count))


def check_free(ports: Sequence[NodePorts]) -> None:
    """Make sure that nobody listens where the nodes will.

    Raises:
        PortsTaken: with every port that is busy, or may not be had.
    """
    taken = []
    for node, each in enumerate(ports):
        for use, port in ((RPC, each.rpc), (PEERS, each.p2p)):
            reason = _refused(port)
            if reason:
                taken.append((f"{use} of node {node}", port, reason))
    if taken:
        raise PortsTaken(taken)


def _refused(port: int) -> str:
    """Return why a port cannot be had; nothing if it can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        # What an earlier network has left in TIME_WAIT is in nobody's way.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((LOOPBACK, port))
            tried.listen(1)
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return ""
