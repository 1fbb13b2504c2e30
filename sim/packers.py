"""Which nodes compress how: one packer for all that do alike, and each node's wire."""

from collections.abc import Callable, Sequence

from network.codec import Codec
from network.compression import (
    PLAIN_AGREEMENT,
    Compression,
    CompressionPolicy,
    Dictionary,
    LinkCodec,
    agree,
)
from node.settings.packing import compression_policy
from sim.hosts.clock import Step
from sim.isolation import Wire
from sim.packing import Packer, PackingWire
from sim.scenario import NodePlan


class Packing:
    """How the messages of a network go over its links.

    Args:
        codec: of its messages.
        plans: of all nodes.
        dictionaries: that all nodes hold.
    """

    __slots__ = ("_codec", "_policies", "packers")

    def __init__(
        self, codec: Codec, plans: Sequence[NodePlan], dictionaries: tuple[Dictionary, ...]
    ) -> None:
        self._codec = codec
        self._policies = [compression_policy(plan, dictionaries) for plan in plans]
        made: list[tuple[CompressionPolicy, Packer | None]] = []
        self.packers: list[Packer | None] = []
        """Of each node; None for one that sends everything plain."""
        for policy in self._policies:
            known = [packer for other, packer in made if other == policy]
            if not known:
                known = [Packer(codec, policy) if policy.prefer else None]
                made.append((policy, known[0]))
            self.packers.append(known[0])

    def wire(self, node: int, *, apart: bool) -> Callable[[Step], Step] | None:
        """Return what stands between a node's turns and its links; None for nothing.

        Args:
            node: which.
            apart: whether it decodes for itself what others send.
        """
        plain = all(packer is None for packer in self.packers)
        if plain:
            return Wire(self._codec).behind if apart else None
        packing = PackingWire(self.packers, self.packers[node]).behind
        if not apart:
            return packing
        wire = Wire(self._codec, self._links()).behind
        return lambda step: packing(wire(step))

    def _links(self) -> list[LinkCodec]:
        """Return how each node's messages are encoded, and by whoever gets them decoded."""
        links: list[tuple[CompressionPolicy, LinkCodec]] = []
        found: list[LinkCodec] = []
        for policy in self._policies:
            known = [link for other, link in links if other == policy]
            if not known:
                compression = Compression(policy)
                way = agree(compression.offer, compression.offer)
                way = way if policy.prefer else PLAIN_AGREEMENT
                known = [LinkCodec(self._codec, compression, way, way)]
                links.append((policy, known[0]))
            found.append(known[0])
        return found
