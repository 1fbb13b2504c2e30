"""`[rpc]`: JSON-RPC over HTTP and WebSocket, metrics and health, all on one port."""

import msgspec

from node.settings.quantities import ByteCount, Host, Port, PositiveCount, PositiveSpan
from primitives.ids import Duration

MEBIBYTE = 1 << 20
SECOND = 1_000_000_000


class RpcSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What clients reach the node by."""

    enabled: bool = True
    """Whether the node listens for them at all."""
    host: Host = "127.0.0.1"
    """This machine alone, unless said otherwise: nobody asks a client who it is."""
    port: Port = 8_545
    """0 takes a free one, which the log and `orrery_status` tell."""
    cors: tuple[str, ...] = ()
    """Origins whose pages may use it from a browser; "*" for all."""
    admin: bool = False
    """Whether the methods that steer the node exist. They want the token in `admin.token` of the
    data directory, which the node makes anew at each start."""
    body_bytes_max: ByteCount = 5 * MEBIBYTE
    """Of one request, at most."""
    batch_max: PositiveCount = 1_000
    """Calls in one batch, at most."""
    response_bytes_max: ByteCount = 25 * MEBIBYTE
    """Of the answer to one request, at most."""
    connections_max: PositiveCount = 1_024
    """Clients that are connected at once, at most."""
    call_gas_max: PositiveCount = 50_000_000
    """Gas of one eth_call or eth_estimateGas."""
    call_time_max: PositiveSpan = Duration(5 * SECOND)
    """Time that one call may take, ns."""
    log_blocks_max: PositiveCount = 10_000
    """Blocks that one eth_getLogs looks through."""
    logs_max: PositiveCount = 10_000
    """Logs that it answers with."""
