"""What a live node's JSON-RPC server has done."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from node.observe.families import rpc
from node.observe.reading import Reading, by_label


class RpcFigures(Protocol):
    """What a server has done and holds now; `node.rpc.server.RpcFigures`."""

    @property
    def calls(self) -> Mapping[str, int]:
        """By method, of which there are only those that the server has."""
        ...

    @property
    def failures(self) -> Mapping[int, int]:
        """Answers that were errors, by code."""
        ...

    @property
    def connections(self) -> int:
        """Open now."""
        ...

    @property
    def connections_refused(self) -> int:
        """Closed at once: too many."""
        ...

    @property
    def connections_dropped(self) -> int:
        """Ended by a limit."""
        ...

    @property
    def connections_evicted(self) -> int:
        """That did nothing when others needed their places."""
        ...

    @property
    def websockets(self) -> int:
        """Open now."""
        ...

    @property
    def subscriptions(self) -> int:
        """Of WebSockets."""
        ...

    @property
    def filters(self) -> int:
        """That clients poll."""
        ...

    @property
    def waiting_calls(self) -> int:
        """Calls that wait for the node."""
        ...

    @property
    def news_left_out(self) -> int:
        """News that nobody was told of."""
        ...


class RpcSource:
    """Reads a server's figures.

    Args:
        figures: returns them.
    """

    def __init__(self, figures: Callable[[], RpcFigures]) -> None:
        self._figures = figures

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        found = self._figures()
        yield from by_label(rpc.CALLS, sorted(found.calls.items()))
        codes = [(str(code), count) for code, count in sorted(found.failures.items())]
        yield from by_label(rpc.ERRORS, codes)
        yield Reading(rpc.CONNECTIONS, found.connections)
        causes = (
            ("refused", found.connections_refused),
            ("dropped", found.connections_dropped),
            ("evicted", found.connections_evicted),
        )
        yield from by_label(rpc.CONNECTIONS_ENDED, causes)
        followers = (
            ("websockets", found.websockets),
            ("subscriptions", found.subscriptions),
            ("filters", found.filters),
        )
        yield from by_label(rpc.FOLLOWERS, followers)
        yield Reading(rpc.NEWS_LEFT_OUT, found.news_left_out)
        yield Reading(rpc.WAITING_CALLS, found.waiting_calls)
