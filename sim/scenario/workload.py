"""`[workload]`: who sends what, and when.

The built-in kinds are spelt out with their units, key for key as `sim.workload` takes them: load
that accounts make in `sim.scenario.load` and `sim.scenario.load_contracts`, replays here. A
workload from another package takes whatever it likes: its table is handed on as it stands, and
its own factory is the judge of it.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from node.settings.quantities import Amount, Span
from primitives.ids import Duration, Wei
from sim.scenario.load import ETHER, TRANSFERS, Rate, Spacing, Transfers
from sim.scenario.load_contracts import Amm, Compute, Erc20, MainnetLike, Nft, Storage

REPLAY = "replay"
BUILT_IN = (TRANSFERS, REPLAY, "erc20", "amm", "nft", "storage", "compute", "mainnet-like")
"""Kinds that ship."""


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


Workload = Transfers | Replay | Erc20 | Amm | Nft | Storage | Compute | MainnetLike | Extension


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
