"""The rows of `orrery bench hostile`: what a live node does while it is attacked.

Four validators run as processes of their own, with the defaults that they are shipped with. The
first is attacked from other addresses of this machine, one attack after the other. Beside it an
honest client asks the same node, over a connection that it keeps and over new ones, and sends
transactions to another validator. Memory and descriptors are those of the attacked process.
"""

import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.hostile.p2p import P2P_ATTACKS
from bench.hostile.rpc import RPC_ATTACKS
from bench.hostile.siege import Report, Siege, besieged
from bench.hostile.watch import Seen
from bench.rows import measure

ATTACKS = (*RPC_ATTACKS, *P2P_ATTACKS)
QUIET_S = 5.0
MEBIBYTE = 1 << 20

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "hostile_port": "port",
        "attack": "attack",
        "attack_seconds": "s",
        "got": "what the attacker got",
        "reasons": "why the node ended it",
        "resident_peak_mib": "peak",
        "resident_after_mib": "after",
        "descriptors_peak": "files",
        "descriptors_after": "after",
        "honest": "asked",
        "honest_failed": "failed",
        "honest_p50_ms": "p50 ms",
        "honest_p99_ms": "p99 ms",
        "knock_p99_ms": "new p99",
        "chain_blocks": "blocks",
        "processor": "cores",
    }
)


def bench_hostile() -> dict[str, Any]:
    """Attack a live node in every way there is, and see how its clients and its chain fare."""
    return {"rows": measure("bench.hostile_row", {"size": 1.0})["rows"]}


def rows(siege: Siege, size: float) -> list[dict[str, Any]]:
    """Return a row for quiet times and one for each attack.

    Args:
        siege: the node.
        size: share of each attack's full size.
    """
    before = siege.quiet(QUIET_S)
    found = [_row("", "none", QUIET_S, before, before, (), ())]
    for attack in ATTACKS:
        report = siege.suffer(attack, size, before)
        found.append(row_of(report))
    return found


def row_of(report: Report) -> dict[str, Any]:
    """Return the row of one attack."""
    return _row(
        report.port,
        report.attack,
        report.seconds,
        report.during,
        report.after,
        sorted(report.got.items()),
        sorted(report.reasons.items()),
    )


def _row(
    port: str,
    attack: str,
    seconds: float,
    during: Seen,
    after: Seen,
    got: Iterable[tuple[str, int]],
    reasons: Iterable[tuple[str, int]],
) -> dict[str, Any]:
    return {
        "hostile_port": port,
        "attack": attack,
        "attack_seconds": seconds,
        "got": _listed(got),
        "reasons": _listed(reasons),
        "resident_peak_mib": during.resident_max // MEBIBYTE,
        "resident_after_mib": after.resident // MEBIBYTE,
        "descriptors_peak": during.descriptors_max,
        "descriptors_after": after.descriptors,
        "honest": during.asked + during.knocked,
        "honest_failed": during.failed,
        "honest_p50_ms": during.p50_ms,
        "honest_p99_ms": during.p99_ms,
        "knock_p99_ms": during.knock_p99_ms,
        "chain_blocks": during.blocks,
        "processor": during.cpu,
    }


def _listed(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join([f"{count:,} {name}" for name, count in counts])


def main() -> None:
    """Print the rows as one JSON object."""
    options = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as directory, besieged(Path(directory)) as siege:
        print(json.dumps({"rows": rows(siege, options["size"])}))


if __name__ == "__main__":
    main()
