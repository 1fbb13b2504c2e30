"""What the report needs to know of the network in order to draw it."""

import msgspec


class NodePicture(msgspec.Struct, frozen=True):
    """One node."""

    region: str
    """Name as the scenario gives it; "" if regions play no part."""
    validator: bool
    label: str = ""
    """Its node class or host, for the hover text."""


class LinkPicture(msgspec.Struct, frozen=True):
    """One link of the topology, either way."""

    a: int
    b: int
    latency_ns: int
    """One-way base latency without jitter and queues."""


class NetworkPicture(msgspec.Struct, frozen=True):
    """Nodes by index, and the links between them."""

    nodes: tuple[NodePicture, ...] = ()
    links: tuple[LinkPicture, ...] = ()
    topology: str = ""
    """In words: "full mesh", "random-regular, degree 8"."""
