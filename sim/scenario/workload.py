"""`[workload]`: who sends what, and when.

The built-in kinds are spelt out here with their units, key for key as `sim.workload` takes them.
A workload from another package takes whatever it likes: its table is handed on as it stands, and
its own factory is the judge of it.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from primitives.ids import Duration, Wei
from sim.scenario.quantities import Amount, PositiveCount, PositiveSpan, Span

ETHER = 10**18
GWEI = 10**9
TRANSFERS, REPLAY = "transfers", "replay"
BUILT_IN = (TRANSFERS, REPLAY)
"""Kinds that ship."""

Rate = Annotated[float, Meta(gt=0, lt=1e9)]
"""Transactions in a second, in the whole network."""

Skew = Annotated[float, Meta(ge=0, le=10)]
"""A Zipf exponent; 0 is uniform, about 1 is mainnet."""

Crowd = Annotated[int, Meta(ge=1, le=1_000_000)]
"""Accounts or clients; each has a key and a place in genesis, so a slip of the key costs hours."""

Spacing = Literal["poisson", "fixed"]

DrawnAmount = Annotated[Wei, Meta(ge=0, le=2**63 - 1, extra={"unit": "amount"})]
"""Wei; at most a little over 9 ether, because it is drawn as a 63-bit integer."""


class Ramp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rate moves in a straight line to `to` and stays there."""

    to: Annotated[float, Meta(ge=0, lt=1e9)]
    """Transactions a second at the end."""
    start: Span
    end: Span


class Burst(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rate is multiplied for a while."""

    factor: Annotated[float, Meta(ge=0, lt=1e6)]
    start: Span
    length: PositiveSpan


class Transfers(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=TRANSFERS
):
    """Value transfers between accounts, in an open loop (rate) or a closed one (clients)."""

    accounts: Crowd = 1_000
    balance: Amount = Wei(1_000_000 * ETHER)
    """What genesis gives to each account, wei."""
    rate: Rate | None = None
    """Open loop: transactions a second, whether or not the network keeps up."""
    clients: Crowd | None = None
    """Closed loop: clients that each wait for their commit before they send again."""
    think_time: Span = Duration(0)
    """Closed loop: pause between a commit and the client's next transaction, ns."""
    spacing: Spacing = "poisson"
    """Whether gaps between transactions are exponential or all alike."""
    skew: Skew = 0.0
    """How unevenly senders are chosen."""
    receiver_skew: Skew | None = None
    """How unevenly receivers are chosen; as `skew` if left out."""
    value_min: DrawnAmount = Wei(1)
    value_max: DrawnAmount = Wei(ETHER // 1_000)
    tip_min: DrawnAmount = Wei(GWEI)
    """Smallest priority fee for one gas, wei."""
    tip_max: DrawnAmount = Wei(2 * GWEI)
    fee_headroom: Annotated[float, Meta(ge=1)] = 10.0
    """The fee cap is the tip and this many times the base fee of the moment."""
    start: Span = Duration(0)
    stop: PositiveSpan | None = None
    """When the load ends; with the run if left out."""
    ramp: Ramp | None = None
    bursts: tuple[Burst, ...] = ()
    in_flight_max: PositiveCount = 64
    """Uncommitted transactions of one account, beyond which another account sends instead."""
    resend_after: Span = Duration(5_000_000_000)
    """Patience of a client before it repeats a transaction at another node; 0s is endless."""


class Replay(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=REPLAY):
    """Raw signed transactions from a file, in file order."""

    replay: Annotated[str, Meta(min_length=1)]
    """The file: one transaction in hex a line. Relative to the scenario's directory in the
    scenario file, absolute after decoding."""
    rate: Rate = 100.0
    spacing: Spacing = "fixed"
    balance: Amount = Wei(1_000_000 * ETHER)
    """What genesis gives to each sender that the file shows, wei."""
    start: Span = Duration(0)
    resend_after: Span = Duration(5_000_000_000)


class Extension(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="extension"
):
    """A workload of another package, by its entry point in the group `orrery.workloads`.

    In the file it reads like a built-in one: `kind = "its-name"` and its own keys beside it.
    """

    name: str
    options: dict[str, Any] = {}
    """The rest of the table, as it stands in the file."""


Workload = Transfers | Replay | Extension


def workload_options(workload: Workload) -> tuple[str, dict[str, object]]:
    """Return the kind and the options that the workload's factory takes, units decoded.

    Options that were left out and default to "none" are not in the mapping.
    """
    if isinstance(workload, Extension):
        return workload.name, dict(workload.options)
    table: dict[str, object] = msgspec.to_builtins(workload)
    kind = str(table.pop("kind"))
    return kind, {key: value for key, value in table.items() if value is not None}


def unify_workload(table: object) -> object:
    """Rewrite a raw `[workload]` table so that its `kind` always names one of our Structs.

    Without a kind, `replay` means a replay and anything else transfers.
    """
    if not isinstance(table, dict):
        return table
    kind = table.get("kind", REPLAY if REPLAY in table else TRANSFERS)
    if kind in BUILT_IN or not isinstance(kind, str):
        return {**table, "kind": kind}
    options = {key: value for key, value in table.items() if key != "kind"}
    return {"kind": "extension", "name": kind, "options": options}


def spelt_out(table: dict[str, object]) -> dict[str, object]:
    """Undo `unify_workload`: the table as its author would write it."""
    if table.get("kind") != "extension":
        return table
    options = table["options"]
    assert isinstance(options, dict)
    return {"kind": table["name"], **options}
