"""Where all that a live node tells of itself comes together, and goes out to who listens."""

from collections.abc import Callable

from node.observe.sink import Sink
from primitives.ids import Instant
from primitives.machine import TraceEvent


class EventHub:
    """A sink in front of others that come and go.

    A sink that raises is let go, so that a broken reader of events cannot stop the node.

    Args:
        on_broken: is told of a sink that was let go, and why.
    """

    __slots__ = ("_on_broken", "_sinks")

    def __init__(self, on_broken: Callable[[Sink, Exception], None]) -> None:
        self._on_broken = on_broken
        self._sinks: tuple[Sink, ...] = ()

    def subscribe(self, sink: Sink) -> Callable[[], None]:
        """Let a sink learn of all that comes from now on; return what ends that."""
        self._sinks = (*self._sinks, sink)

        def unsubscribe() -> None:
            self._sinks = tuple([each for each in self._sinks if each is not sink])

        return unsubscribe

    def event(self, at: Instant, event: TraceEvent) -> None:
        """Publish one protocol event."""
        for sink in self._sinks:
            try:
                sink.event(at, event)
            except Exception as error:  # noqa: BLE001 - whatever it is, the node goes on
                self._let_go(sink, error)

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        """Publish one send or broadcast: its kind, receivers, and bytes of all copies."""
        for sink in self._sinks:
            try:
                sink.sent(at, kind, count, size)
            except Exception as error:  # noqa: BLE001 - likewise
                self._let_go(sink, error)

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        """Publish one durable batch: its bytes, and how long it took."""
        for sink in self._sinks:
            try:
                sink.stored(at, size, wait_ns)
            except Exception as error:  # noqa: BLE001 - likewise
                self._let_go(sink, error)

    def _let_go(self, sink: Sink, error: Exception) -> None:
        self._sinks = tuple([each for each in self._sinks if each is not sink])
        self._on_broken(sink, error)
