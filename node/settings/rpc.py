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
    """0 takes a free one, which the log and `endpoints.json` tell."""
    cors: tuple[str, ...] = ()
    """Web pages that may use it from a browser, as "https://app.example"; "*" for any."""
    hosts: tuple[str, ...] = ("localhost",)
    """Names under which it may be addressed, or "*"; numeric addresses always may. A page that
    lets its own name point at this machine is kept out by it."""
    admin: bool = False
    """Whether the methods that steer the node exist. They want the token in `admin.token` of the
    data directory, which the node makes anew at each start."""
    connections_max: PositiveCount = 512
    """Clients that are connected at once, at most; one more may take the place of one that does
    nothing."""
    body_max: ByteCount = 5 * MEBIBYTE
    """Of one request, at most."""
    response_max: ByteCount = 25 * MEBIBYTE
    """Of the answer to one request, at most."""
    batch_max: PositiveCount = 1_000
    """Calls in one batch, at most."""
    cost_per_second: PositiveCount = 20_000
    """What all connections of one address may ask for on average; eth_blockNumber costs 1."""
    call_time_max: PositiveSpan = Duration(30 * SECOND)
    """A call that has not ended by then is answered with an error."""
    call_gas_max: PositiveCount = 50_000_000
    """Gas of one eth_call, eth_estimateGas or traced transaction."""
    call_work_max: PositiveSpan = Duration(5 * SECOND)
    """Time of the node's thread that one request may take, in small portions."""
    log_blocks_max: PositiveCount = 10_000
    """Blocks that one eth_getLogs looks through."""
    logs_max: PositiveCount = 10_000
    """Logs that it answers with."""
