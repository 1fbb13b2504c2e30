"""Families of JSON-RPC: `rpc_*`."""

from node.observe.families.family import LIVE, Family, Kind

_SOURCE = "node.rpc.server.RpcFigures"


def _live(name: str, kind: Kind, meaning: str, labels: tuple[str, ...] = ()) -> Family:
    return Family(name, kind, meaning, _SOURCE, labels=labels, worlds=LIVE)


CALLS = _live("rpc_calls", Kind.COUNTER, "Calls, by method.", ("method",))
ERRORS = _live("rpc_errors", Kind.COUNTER, "Answers that were errors, by code.", ("code",))
CONNECTIONS = _live("rpc_connections", Kind.GAUGE, "Connections of clients, WebSockets too.")
CONNECTIONS_ENDED = _live(
    "rpc_connections_ended",
    Kind.COUNTER,
    "Connections that the server did not let in, or has ended by a limit.",
    ("cause",),
)
FOLLOWERS = _live(
    "rpc_followers",
    Kind.GAUGE,
    "What follows the chain for clients: WebSockets, their subscriptions, and filters.",
    ("what",),
)
NEWS_LEFT_OUT = _live(
    "rpc_news_left_out",
    Kind.COUNTER,
    "Blocks and transactions that subscribers were not told of: too much came at once.",
)
WAITING_CALLS = _live(
    "rpc_waiting_calls", Kind.GAUGE, "Calls that wait for the node, or are computed in portions."
)

FAMILIES = (
    CALLS,
    ERRORS,
    CONNECTIONS,
    CONNECTIONS_ENDED,
    FOLLOWERS,
    NEWS_LEFT_OUT,
    WAITING_CALLS,
)
