"""What a load came to: the object that `orrery load --json` prints and `summary.json` holds."""

from pathlib import Path

import msgspec

from primitives.errors import InvalidEncoding
from sim.load.histogram import Quantiles


class Series(msgspec.Struct, frozen=True):
    """Counts for each second of the load, the wait at its end included."""

    intended: list[int]
    """By the second in which they should have been sent."""
    sent: list[int]
    accepted: list[int]
    included: list[int]
    final: list[int]
    dropped: list[int]
    errors: dict[str, list[int]]
    """By kind."""
    inclusion_p50: list[float | None]
    """Seconds, by the second in which the transactions should have been sent."""
    inclusion_p99: list[float | None]


class Blocks(msgspec.Struct, frozen=True):
    """The chain while the load ran."""

    count: int
    transactions: int
    """Of everybody."""
    gas_used: int
    fullness: float | None
    """Gas used by gas allowed; None without blocks."""
    block_time_p50: float | None
    """Seconds between blocks as the client saw them."""
    base_fee_first: int | None
    base_fee_last: int | None
    """Wei per gas."""


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """One load."""

    urls: tuple[str, ...]
    software: str
    """What the first node says of itself."""
    chain_id: int
    genesis: str
    began: str
    """Wall clock, UTC, ISO 8601."""
    mix: str
    loop: str
    """"open" or "closed"."""
    offered: str
    """The rate, ramp or clients as on the command line."""
    accounts: int
    seed: int
    planned_seconds: float
    seconds: float
    """How long it was offered."""
    measured_seconds: float
    """The part that throughput and latencies are of: without the warm-up."""
    drain_seconds: float
    """The wait at the end for what was on its way."""
    intended: int
    """Transactions that should have been sent."""
    sent: int
    """Those that were handed to a node at all."""
    accepted: int
    """Those that a node took."""
    included: int
    """Those that are in a block."""
    final: int
    """Those whose block is final."""
    unconfirmed: int
    """Handed over, and in no block at the end."""
    dropped: int
    """Intended, and given up because no node took them in time."""
    resent: int
    """Requests beyond the first for a transaction."""
    repriced: int
    """Signed again before they were sent, because fees had risen."""
    reorganised: int
    """Inclusions that a reorganisation of the chain undid."""
    looked_at: int
    """Included ones whose receipts were read: a sample."""
    failed: int
    """Those of the sample that were included and failed, such as calls that revert."""
    errors: dict[str, int]
    """Refusals and lost answers by kind."""
    offered_tps: float
    """Intended transactions a second, in the measured part."""
    tps: float
    """Included transactions a second, in the measured part."""
    acceptance_seconds: Quantiles
    """From the intended instant to the node's answer."""
    inclusion_seconds: Quantiles
    """From the intended instant to the block, as the client saw it."""
    finality_seconds: Quantiles
    """From the intended instant to the block's finality; empty where nodes know none."""
    lateness_seconds: Quantiles
    """From the intended instant to the first request: the client's own share."""
    lag_seconds: Quantiles = Quantiles()
    """Of that, until the client came to it: what neither nodes nor accounts had a part in."""
    has_finality: bool
    presigned: int
    """Transactions that were signed before the first was sent."""
    client_cpu_seconds: float
    """Processor time of the sending process while it sent; signing is in another process."""
    client_busy: float = 0.0
    """Share of a core that it took while the load was offered, without the wait at the end."""
    held_up: dict[str, int] = {}
    """Seconds in which transactions waited on this side, by what for (`sim.load.limits`)."""
    retired: int = 0
    """Accounts that ran out of money and sent nothing more."""
    blocks: Blocks
    series: Series
    partial: bool = False
    """It ended early."""
    trouble: str | None = None
    """Why it ended early, other than by the user."""
    run_directory: str | None = None

    @property
    def passed(self) -> bool:
        """Whether transactions came through, and nothing broke."""
        return self.trouble is None and self.included > 0


def encode_load(result: LoadResult) -> bytes:
    """Return the result as indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def read_load(path: Path) -> LoadResult:
    """Read a `summary.json`.

    Raises:
        InvalidEncoding: the file holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=LoadResult)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEncoding(str(path), "a summary that `orrery load` wrote", error) from error
