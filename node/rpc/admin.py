"""orrery_ methods that steer the node: for operators, who have the token."""

import msgspec

from network.conditions import Conditions
from node.rpc.arguments import BadArgument, required, text
from node.rpc.backend import Backend
from node.rpc.errors import invalid_params
from node.rpc.methods import Method, Parameters
from primitives.errors import InvalidInput
from primitives.ids import NodeId

NODES_MAX = 10_000


class LinkOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What some nodes are sent, and what happens to it."""

    nodes: tuple[int, ...]
    conditions: Conditions


def admin_methods() -> tuple[Method, ...]:
    """Return them."""
    return (
        Method("orrery_blockPeers", block_peers, 1, admin=True),
        Method("orrery_ignorePeers", ignore_peers, 1, admin=True),
        Method("orrery_unblockPeers", unblock_peers, admin=True),
        Method("orrery_setLinks", set_links, 1, admin=True),
        Method("orrery_stop", stop, admin=True),
        Method("orrery_profile", profile, 1, admin=True),
    )


def block_peers(backend: Backend, parameters: Parameters) -> bool:
    """orrery_blockPeers: cut the connections to these nodes, and refuse new ones."""
    backend.block_peers(required(parameters, 0, node_numbers))
    return True


def ignore_peers(backend: Backend, parameters: Parameters) -> bool:
    """orrery_ignorePeers: drop what these nodes send, and go on sending to them."""
    backend.ignore_peers(required(parameters, 0, node_numbers))
    return True


def unblock_peers(backend: Backend, parameters: Parameters) -> bool:
    """orrery_unblockPeers: let all nodes connect and be heard again."""
    backend.unblock_peers()
    return True


def set_links(backend: Backend, parameters: Parameters) -> bool:
    """orrery_setLinks: hold up what exactly these nodes are sent, until the next call.

    The parameter is a list of objects with `nodes` and `conditions`, the fields of
    `network.conditions.Conditions` in camel case, each of which may be left out.
    """
    backend.set_links(required(parameters, 0, link_orders))
    return True


def stop(backend: Backend, parameters: Parameters) -> bool:
    """orrery_stop: begin to end the process."""
    backend.stop()
    return True


def profile(backend: Backend, parameters: Parameters) -> object:
    """orrery_profile: `on`, `off`, `reset` or `table`."""
    try:
        return backend.profile(required(parameters, 0, text))
    except InvalidInput as error:
        raise invalid_params(f"invalid argument 0: {error}") from error


def link_orders(value: object) -> dict[NodeId, Conditions]:
    """Decode what holds up messages to which nodes.

    Raises:
        BadArgument: it is none, or names a node twice.
    """
    try:
        orders = msgspec.convert(value, list[LinkOrder])
    except msgspec.ValidationError as error:
        raise BadArgument(str(error)) from error
    links: dict[NodeId, Conditions] = {}
    for order in orders:
        for node in node_numbers(list(order.nodes)):
            if node in links:
                raise BadArgument(f"expected each node once, got {node} again")
            links[node] = order.conditions
    return links


def node_numbers(value: object) -> list[NodeId]:
    """Decode a list of nodes, as plain numbers.

    Raises:
        BadArgument: it is none.
    """
    if not isinstance(value, list) or len(value) > NODES_MAX:
        raise BadArgument(f"expected a list of at most {NODES_MAX} node numbers")
    for each in value:
        if isinstance(each, bool) or not isinstance(each, int) or each < 0:
            raise BadArgument(f"expected node numbers from 0 upward, got {each!r}")
    return [NodeId(each) for each in value]
