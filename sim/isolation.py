"""`fidelity = "isolated"`: nodes that share nothing but the time.

Usually the nodes of a run share what is a pure function of content: a message is one object for
all its receivers, a block is executed once, a signature checked once. That makes large networks
affordable, and what agrees by construction is not tested. Here every message is encoded by its
sender's bytes and decoded by each receiver for itself, and each node has its own genesis,
executes every block, and checks every signature and certificate that it is charged for. States
that stand in its store as a whole are read there, and not from memory.

A run costs many times as much and must be the same run: the digest does not change.
"""

import dataclasses
from collections.abc import Sequence

from consensus.signing import MessageVerifier
from network.codec import Codec
from network.compression import LinkCodec
from node.block_layout import EthereumBlocks
from node.certificates import CertificateReader
from node.config import Environment
from node.execution import genesis_executed
from node.executors.pool import InlinePool
from node.flat_library import FlatLibrary
from node.hints import Hints
from node.outlines import Outlines
from node.snapshot import SnapshotLibrary
from node.storage_config import SERVED_MAX
from node.tally import Tallies
from primitives.errors import InvalidEncoding
from primitives.ids import Instant
from primitives.machine import NOTHING, Effect, Event, Message, Received
from sim.blocks import BlockIndex, IndexedCache
from sim.crew import Crew, own_executor
from sim.hosts.clock import Step


def isolated_environment(
    shared: Environment,
    number: int,
    index: BlockIndex,
    verifier: MessageVerifier,
    crew: Crew | None = None,
) -> Environment:
    """Return one node's own environment, equal to the shared one.

    Args:
        shared: of the network.
        number: of the node. Neighbours execute blocks in different ways.
        index: still gets to know every block, for those who look from outside.
        verifier: checks signatures and remembers none.
        crew: of the run, if it has one.
    """
    own = Crew(InlinePool() if crew is None else crew.pool, own_executor(number, crew))
    return dataclasses.replace(
        shared,
        genesis_block=genesis_executed(shared.genesis),
        cache=IndexedCache(shared.genesis.params, index, 0, 0, own),
        verifier=verifier,
        certificates=CertificateReader(0),
        outlines=Outlines(),
        blocks=EthereumBlocks(),
        tallies=Tallies(),
        hints=Hints(),
        snapshots=SnapshotLibrary(SERVED_MAX),
        flat=FlatLibrary.isolated(),
        reads_store=True,
    )


class Wire:
    """The border between two nodes' memories: what crosses it is bytes.

    Args:
        codec: of the network's messages.
        links: how each node sends them, where they are compressed.
    """

    __slots__ = ("_codec", "_links")

    def __init__(self, codec: Codec, links: Sequence[LinkCodec] = ()) -> None:
        self._codec = codec
        self._links = links

    def behind(self, step: Step) -> Step:
        """Return a turn that gets every message as its own decoded copy.

        A frame that no decoder would let pass does not reach the node.
        """
        carried = self._carried

        def stepped(now: Instant, event: Event) -> Sequence[Effect]:
            if event.__class__ is not Received:
                return step(now, event)
            assert isinstance(event, Received)
            try:
                message = carried(event)
            except InvalidEncoding:
                return NOTHING
            return step(now, Received(event.sender, message))

        return stepped

    def _carried(self, event: Received) -> Message:
        """Return what the receiver makes of the bytes that a sender makes of a message."""
        codec = self._codec
        if not self._links:
            return codec.decode(codec.encode(event.message))
        link = self._links[event.sender]
        (frame,) = link.reader().feed(link.encode(event.message))
        return link.decode(frame)
