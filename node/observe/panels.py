"""What the Grafana dashboard shows: its panels and their queries, every name from the table.

Queries select by the dashboard's variables `network` and `node`; a run in virtual time that was
loaded with promtool has no network, which "All" includes.
"""

import msgspec

from node.observe.families import Family, Kind, chain, consensus, network, rpc, runtime, storage

SELECTOR = 'network=~"$network",node=~"$node"'
_WINDOW = "$__rate_interval"


class Query(msgspec.Struct, frozen=True):
    """One PromQL expression, and what its lines are called."""

    expression: str
    legend: str


class Panel(msgspec.Struct, frozen=True):
    """One graph."""

    title: str
    description: str
    unit: str
    """Grafana's name of it: "s", "bytes", "Bps", "ops", "short", "percentunit"."""
    queries: tuple[Query, ...]
    stacked: bool = False


class Row(msgspec.Struct, frozen=True):
    """Panels under one title."""

    title: str
    panels: tuple[Panel, ...]


def series(family: Family, *matchers: str) -> str:
    """Return a selector of a counter's or gauge's series."""
    return f"{family.sample}{{{','.join((SELECTOR, *matchers))}}}"


def per_second(family: Family, *matchers: str) -> str:
    """Return the rate of a counter."""
    assert family.kind is Kind.COUNTER, family.name
    return f"rate({series(family, *matchers)}[{_WINDOW}])"


def quantile(family: Family, share: float, *labels: str) -> str:
    """Return a quantile of a histogram over all selected nodes, apart for each of `labels`."""
    assert family.kind is Kind.HISTOGRAM, family.name
    kept = ", ".join(("le", *labels))
    rate = f"rate({family.name}_bucket{{{SELECTOR}}}[{_WINDOW}])"
    return f"histogram_quantile({share}, sum by ({kept}) ({rate}))"


def quantiles(family: Family) -> tuple[Query, ...]:
    """Return the median and the tail."""
    return tuple(Query(quantile(family, share), f"p{share * 100:g}") for share in (0.5, 0.95, 0.99))


def _by_node(expression: str) -> tuple[Query, ...]:
    return (Query(expression, "node {{node}}"),)


_CHAIN = Row(
    "Chain",
    (
        Panel(
            "Throughput",
            "Transactions that nodes commit a second. All nodes commit the same ones, so lines lie "
            "on each other unless some fall behind.",
            "ops",
            (
                *_by_node(series(chain.TPS)),
                Query(
                    f"max(max by (node) ({per_second(chain.TRANSACTIONS)}))", "fastest, smoothed"
                ),
            ),
        ),
        Panel(
            "Confirmation time",
            "From submission at a node to commit at that node.",
            "s",
            quantiles(chain.CONFIRMATION_TIME),
        ),
        Panel("Block time", "Between two commits at a node.", "s", quantiles(chain.BLOCK_TIME)),
        Panel("Height", "Head of each node.", "short", _by_node(series(chain.HEIGHT))),
        Panel(
            "Block size",
            "Bytes of committed blocks.",
            "bytes",
            quantiles(chain.BLOCK_SIZE),
        ),
        Panel(
            "Gas",
            "Gas that committed blocks use a second.",
            "short",
            _by_node(per_second(chain.GAS_USED)),
        ),
    ),
)
_CLIENTS = Row(
    "Clients and pool",
    (
        Panel(
            "Submitted and refused",
            "Transactions that clients hand over, and those refused, by reason.",
            "ops",
            (
                Query(f"sum({per_second(chain.SUBMITTED)})", "submitted"),
                Query(f"sum by (code) ({per_second(chain.REJECTED)})", "refused: {{code}}"),
            ),
        ),
        Panel(
            "Pool",
            "Transactions that wait; queued ones wait for another one of their sender.",
            "short",
            (Query(series(chain.POOL_TRANSACTIONS), "node {{node}} {{state}}"),),
        ),
    ),
)
_RPC = Row(
    "JSON-RPC",
    (
        Panel(
            "Calls",
            "Calls a second, by method.",
            "ops",
            (Query(f"sum by (method) ({per_second(rpc.CALLS)})", "{{method}}"),),
            stacked=True,
        ),
        Panel(
            "Errors",
            "Answers a second that were errors, by code.",
            "ops",
            (Query(f"sum by (code) ({per_second(rpc.ERRORS)})", "{{code}}"),),
        ),
        Panel(
            "Connections",
            "Connections of clients, WebSockets too.",
            "short",
            _by_node(series(rpc.CONNECTIONS)),
        ),
    ),
)
_CONSENSUS = Row(
    "Consensus",
    (
        Panel(
            "View", "View that each validator works in.", "short", _by_node(series(consensus.VIEW))
        ),
        Panel(
            "Decisions",
            "From a replica's first accepted proposal of a sequence to its commit.",
            "s",
            quantiles(consensus.DECISION_TIME),
        ),
        Panel(
            "View changes",
            "Views given up a second.",
            "short",
            _by_node(per_second(consensus.VIEW_CHANGES)),
        ),
        Panel(
            "Lies and offences",
            "Proofs of lies by what was said, and offences of peers by what they did.",
            "short",
            (
                Query(f"sum by (kind) ({series(consensus.EVIDENCE)})", "proof: {{kind}}"),
                Query(f"sum by (reason) ({series(network.OFFENCES)})", "{{reason}}"),
            ),
        ),
        Panel(
            "Fetching",
            "1 while a node fetches blocks or a state.",
            "short",
            _by_node(series(chain.SYNC_RUNNING)),
        ),
    ),
)
_NETWORK = Row(
    "Network",
    (
        Panel(
            "Bytes by kind",
            "Bytes that nodes send a second, by kind of message, before compression and TLS.",
            "Bps",
            (Query(f"sum by (kind) ({per_second(network.SENT_BYTES)})", "{{kind}}"),),
            stacked=True,
        ),
        Panel(
            "Messages by kind",
            "Messages that nodes send a second, one for each recipient.",
            "ops",
            (Query(f"sum by (kind) ({per_second(network.SENT_MESSAGES)})", "{{kind}}"),),
            stacked=True,
        ),
        Panel("Round trips", "Of pings between nodes.", "s", quantiles(network.LATENCY)),
        Panel(
            "Peers",
            "Peers that are connected.",
            "short",
            (Query(f"sum by (node) ({series(network.PEERS)})", "node {{node}}"),),
        ),
        Panel(
            "Waiting for peers",
            "Bytes that peers have not taken yet.",
            "bytes",
            _by_node(series(network.QUEUED_BYTES)),
        ),
        Panel(
            "Dropped",
            "Messages dropped a second, by class of traffic.",
            "ops",
            (Query(f"sum by (traffic) ({per_second(network.DROPPED_MESSAGES)})", "{{traffic}}"),),
        ),
    ),
)
_EXECUTION = Row(
    "Execution",
    (
        Panel(
            "Speed-up",
            "Virtual time: that of one core for the transactions of blocks, by what they took.",
            "short",
            (
                Query(
                    f"sum by (task) ({per_second(consensus.WORK)})"
                    f" / sum by (task) ({per_second(consensus.SPAN)})",
                    "{{task}}",
                ),
            ),
        ),
        Panel(
            "Gas executed",
            "Gas a second, by what it was executed for.",
            "short",
            (Query(f"sum by (task) ({per_second(consensus.EXECUTED_GAS)})", "{{task}}"),),
        ),
    ),
)
_STORAGE = Row(
    "Storage",
    (
        Panel(
            "Durable after",
            "From handing over a batch until it is durable.",
            "s",
            quantiles(storage.SYNC_WAIT),
        ),
        Panel(
            "Written",
            "Keys and values made durable a second.",
            "Bps",
            _by_node(per_second(storage.WRITTEN)),
        ),
        Panel(
            "Disk",
            "Bytes that the disk moves a second.",
            "Bps",
            (Query(per_second(storage.DISK_IO), "node {{node}} {{direction}}"),),
        ),
        Panel(
            "Store",
            "Bytes of tables, buffers and readers.",
            "bytes",
            (
                Query(
                    f"sum by (node, place) ({series(storage.FAMILY_BYTES)})",
                    "node {{node}} {{place}}",
                ),
            ),
        ),
    ),
)
_PROCESS = Row(
    "Process",
    (
        Panel(
            "CPU",
            "Cores that each process keeps busy.",
            "short",
            _by_node(series(runtime.CPU_USAGE)),
        ),
        Panel("Memory", "Resident memory.", "bytes", _by_node(series(runtime.MEMORY))),
        Panel(
            "Queues",
            "Entries that wait inside a node.",
            "short",
            (Query(series(runtime.QUEUE_DEPTH), "node {{node}} {{queue}}"),),
        ),
        Panel(
            "Refused by queues",
            "Entries a second that found a queue full.",
            "ops",
            (Query(per_second(runtime.QUEUE_DROPPED), "node {{node}} {{queue}}"),),
        ),
        Panel(
            "Event loop",
            "How much too late the loop wakes up who asked for it.",
            "s",
            quantiles(runtime.LOOP_LAG),
        ),
        Panel(
            "Jobs",
            "Processor time of computations a second, by priority.",
            "short",
            (Query(f"sum by (priority) ({per_second(runtime.JOB_TIME)})", "{{priority}}"),),
            stacked=True,
        ),
        Panel(
            "Operations",
            "Time of named operations a second, while the profiler is on.",
            "short",
            (
                Query(
                    f"sum by (operation) (rate({runtime.OPERATION_TIME.name}_sum{{{SELECTOR}}}"
                    f"[{_WINDOW}]))",
                    "{{operation}}",
                ),
            ),
        ),
    ),
)

ROWS = (_CHAIN, _CLIENTS, _RPC, _CONSENSUS, _NETWORK, _EXECUTION, _STORAGE, _PROCESS)
"""The dashboard, from top to bottom."""
