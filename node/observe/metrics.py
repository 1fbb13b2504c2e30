"""The metrics of one live node: counted from what it does, written as Prometheus reads it.

Counting must not slow the node down: 15,000 votes a second pass here. So a count is an integer in
an object of this thread, and the text is made only when somebody asks: a collector hands the
numbers to prometheus_client, which knows the formats. (A counter of that library costs 0.3 us to
increment, and 1 us more to find by its labels; here a message costs two additions and a lookup.)
"""

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from node.observe.chain import ChainSource
from node.observe.collector import NodeCollector
from node.observe.consensus import ConsensusSource
from node.observe.families import SHARD, node_labels
from node.observe.messages import MessageSource
from node.observe.reading import Reading, Sampled, Source
from node.observe.sink import BlockTransactions
from node.observe.writes import WriteSource
from primitives.ids import Instant
from primitives.machine import TraceEvent

Handler = Callable[[int, Any], None]


class NodeMetrics:
    """Everything that is counted about one live node; a `Sink`.

    Args:
        node: its number, the label `node` of every series.
        blocks: looks up the transactions of a block that this node has just committed; without
            it there are no confirmation times.
        shard: the label `shard` of every series.
    """

    def __init__(
        self, node: int, blocks: BlockTransactions | None = None, shard: str = SHARD
    ) -> None:
        self.chain = ChainSource(blocks)
        self.consensus = ConsensusSource()
        self.messages = MessageSource()
        self.writes = WriteSource()
        self.sent = self.messages.sent
        """Takes in one send or broadcast; see `Sink`."""
        self._sources: list[Source] = [self.chain, self.consensus, self.messages, self.writes]
        self._sampled: list[Sampled] = [self.chain]
        self._handlers: dict[type[TraceEvent], Handler] = {}
        for part in (self.chain, self.consensus, self.messages):
            self._handlers.update(part.handlers())
        self.registry = CollectorRegistry(auto_describe=False)
        """Holds one collector; more may be registered."""
        self.registry.register(NodeCollector(self, node_labels(node, shard)))

    def event(self, at: Instant, event: TraceEvent) -> None:
        """Take in one protocol event."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(at, event)

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        """Take in one durable batch."""
        self.writes.stored(size, wait_ns)

    def add(self, source: Source) -> None:
        """Have a source read from now on, with the node's own labels."""
        self._sources.append(source)

    def add_sampled(self, source: Sampled) -> None:
        """Have a source look around at each `sample`; `add` it too if it has readings."""
        self._sampled.append(source)

    def sample(self, at_ns: int) -> None:
        """Let sampled sources look around; `Ticker` calls it once a second."""
        for source in self._sampled:
            source.sample(at_ns)

    def readings(self) -> Iterable[Reading]:
        """Yield the present numbers of all sources."""
        for source in self._sources:
            yield from source.readings()

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """Return the body for /metrics and its Content-Type.

        Args:
            accept: the request's Accept header: OpenMetrics for who asks for it, else the older
                text format of Prometheus.
        """
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
