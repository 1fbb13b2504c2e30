"""Strangers, followers and callers that mean no good, at the ports of a real node.

Four validators run as processes; the first one, which is the primary, is attacked. Meanwhile an
honest client asks it, over the connection that it keeps and over new ones, and transactions are
sent to another validator. `orrery bench hostile` prints the same as a table, at full size.
"""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.hostile import Attack
from bench.hostile.p2p import P2P_ATTACKS
from bench.hostile.rpc import RPC_ATTACKS
from bench.hostile.siege import SLACK, Report, Siege, besieged
from bench.hostile.watch import Seen
from bench.hostile_row import HEADINGS, row_of
from tests.live.devnet import wait_for

MEBIBYTE = 1 << 20
GROWTH_MAX = 500 * MEBIBYTE
"""Bodies, answers and traces at once, each of which has its own limit, and what Python adds."""
DESCRIPTORS_MAX = 1_100
"""512 connections of clients, as many of nodes, and what a node has anyway."""
SHORT = 0.03
"""Share of an attack's full size that `make test` has time for."""
FULL = frozenset({"10,000 silent connections", "600 idle connections", "slow heads"})
"""Those that are nothing without their full number."""
LONG = FULL | {
    "strangers after TLS", "calls without end", "calls whose callers left", "answers not taken",
    "large filters", "80 followers", "slow bodies", "false transactions",
}  # fmt: skip
"""What takes long even where it is small."""


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    directory: Path = tmp_path_factory.mktemp("siege")
    with besieged(directory) as found:
        yield found


def suffers(siege: Siege, attack: Attack, size: float, before: Seen) -> Report:
    """Attack the node, and check all that must hold whatever the attack is."""
    report = siege.suffer(attack, size, before)
    during, after, name = report.during, report.after, f"{attack.port}: {attack.name}"
    assert psutil.pid_exists(siege.nodes[0].pid), name
    assert not during.errors, name
    assert not after.errors, name
    assert during.resident_max - before.resident < GROWTH_MAX, name
    assert during.descriptors_max < DESCRIPTORS_MAX, name
    assert after.descriptors <= before.descriptors + SLACK, name
    wait_for(lambda: siege.quiet(0.1).asked, f"it answers after {name}")
    wait_for(lambda: siege.quiet(0.1).blocks, f"blocks are made after {name}")
    return report


def in_peace(siege: Siege) -> Seen:
    """Return what is seen of a node that answers while nobody attacks."""
    wait_for(lambda: siege.quiet(0.1).asked, "it answers")
    before = siege.quiet(1.0)
    assert not before.failed
    return before


def expect(got: Report, *outcomes: str) -> None:
    """Check that nothing but these became of what was offered."""
    assert set(got.got) <= set(outcomes), (got.attack, got.got)


def test_a_node_withstands_all_of_it(siege: Siege) -> None:
    before = in_peace(siege)
    reports = {
        f"{attack.port}: {attack.name}": suffers(siege, attack, SHORT, before)
        for attack in (*RPC_ATTACKS, *P2P_ATTACKS)
        if attack.name not in LONG
    }
    for report in reports.values():
        assert set(row_of(report)) == set(HEADINGS), "the benchmark shows all of it"
    wait_for(lambda: siege.nodes[0].peers() == 3, "the network is whole")
    expect(reports["rpc: garbage"], "HTTP 400", "HTTP 431")
    expect(
        reports["rpc: closed doors"], "HTTP 401", "HTTP 403", "HTTP 415", "error -32601"
    )  # rebinding, wrong tokens, pages, and methods of admins that do not exist
    bombs = reports["rpc: compressed bodies"].got
    assert not [name for name in bombs if name in ("answered", "frame: kept")]
    for name in ("p2p: false names", "p2p: handshakes played back"):
        assert not [each for each in reports[name].got if each.endswith("let in")]
    bombs = reports["p2p: compression bombs"].got
    kept = {name for name in bombs if name.endswith("kept")}
    assert kept <= {"tiny elements: kept"}, "a body within its limit is no offence"
    assert reports["p2p: compression bombs"].reasons["malformed"] >= 6
    assert reports["p2p: huge frames"].got["over the limit: kept"] == 0
    assert reports["p2p: no TLS"].reasons["tls"]


@pytest.mark.slow
def test_crowds_and_full_sizes(siege: Siege, capsys: pytest.CaptureFixture[str]) -> None:
    before = in_peace(siege)
    for attack in (*RPC_ATTACKS, *P2P_ATTACKS):
        size = 1.0 if attack.name in FULL else 0.3
        report = suffers(siege, attack, size, before)
        with capsys.disabled():
            print(  # noqa: T201
                f"\n{attack.port}: {attack.name}: {dict(report.got)}, {dict(report.reasons)},"
                f" {report.during.resident_max // MEBIBYTE} MiB at most,"
                f" p99 {report.during.p99_ms} ms, {report.during.blocks} blocks"
            )
        if attack.name in FULL:
            offered = report.got.total()
            assert report.got["still open"] < 600 <= offered
