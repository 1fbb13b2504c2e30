"""The rows of `orrery bench runtime`: plain payments through live nodes in one process.

Each node is whole: its own driver, executor, mempool, RocksDB with fsync, and TLS connections to
the others. Clients are a closed loop in the same process, with signed payments made before: so many
wait for their block at any time. No RPC is in it. All nodes share one interpreter; what is said of
one payment is processor time of all of them together.
"""

import asyncio
import dataclasses
import gc
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

from bench.rows import measure
from consensus.params import ConsensusParams
from consensus.signing import CommitteeVerifier, MemoVerifier
from network.handshake import HandshakeConfig
from network.handshake_messages import PeerRole
from network.transport import Address, Transport, TransportConfig, new_event_loop
from node.config import Environment, NodeConfig, Role
from node.execution import genesis_executed
from node.flat_library import FlatLibrary
from node.runtime.limits import DriverLimits
from node.runtime.live import LiveNode, LiveOptions
from node.runtime.scheduler import Priority
from node.runtime.validators import KnownValidators
from node.shared import ComputeCache
from node.snapshot import SnapshotLibrary
from node.storage_config import SERVED_MAX, StateForm, StorageConfig
from node.trace import BlockCommitted
from node.wire import node_codec
from primitives.account_key import AccountKey
from primitives.committee import Committee
from primitives.genesis import Genesis
from primitives.ids import Address as Account, Duration, Gas, Instant, NodeId, Wei
from primitives.keccak import keccak256
from primitives.keys import Ed25519Verifier, ValidatorKey
from primitives.machine import TraceEvent
from primitives.params import ChainParams
from primitives.transaction import DynamicFeeTransaction, encode_transaction, sign_transaction
from sim.workload.accounts import account_secret, equal_alloc
from storage.rocks import Committer, RocksStore, profile

GWEI, ETHER = 10**9, 10**18
NANO, MICRO = 1e9, 1e6
MILLISECOND_NS = 1_000_000
ACCOUNTS = 500
BATCH = 500
WARM_UP = 0.2
"""Part of the payments that are not counted."""
PROBE_NS = 2 * MILLISECOND_NS
WAITING = 4 * BATCH
"""Payments that clients have under way."""
CHAIN = ChainParams(base_fee_rule="fixed", base_fee_initial=Wei(GWEI), gas_limit=Gas(60_000_000))
CONSENSUS = ConsensusParams(
    batch_size=BATCH,
    batch_delay=Duration(50 * MILLISECOND_NS),
    request_timeout=Duration(20_000 * MILLISECOND_NS),
    view_change_timeout=Duration(20_000 * MILLISECOND_NS),
)

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "nodes": "nodes",
        "job_workers": "workers",
        "payments": "payments",
        "payments_per_second": "per s",
        "cpu_us": "CPU us each",
        "turns_us": "turns",
        "block_jobs_us": "blocks",
        "check_jobs_us": "checks",
        "commit_us": "commit",
        "rest_us": "rest",
        "ceiling_per_second": "per s of 2 cores",
        "late_ms_p50": "late p50 ms",
        "late_ms_p99": "p99 ms",
    }
)


def bench_runtime() -> dict[str, Any]:
    """Payments through one and through four live nodes in one process."""
    rows = [
        measure("bench.runtime_row", {"nodes": nodes, "workers": workers, "payments": payments})
        for nodes, payments in ((1, 30_000), (4, 10_000))
        for workers in (0, 1)
    ]
    return {"rows": rows}


class _Clients:
    """A closed loop of payments; a sink of the first node, which tells how many are final."""

    def __init__(self, lives: Sequence[LiveNode], count: int) -> None:
        self.final = 0
        self.whole = asyncio.Event()
        self.warm = asyncio.Event()
        self._lives = lives
        self._count = count
        self._raws = iter(tuple(_payments(count)))
        self._sent = 0
        lives[0].subscribe(self)

    def submit(self) -> None:
        """Hand over as many as may be under way."""
        while self._sent - self.final < WAITING and (raw := next(self._raws, None)) is not None:
            # An account stays with its node, so that its payments arrive in the order of nonces.
            _ = self._lives[self._sent % ACCOUNTS % len(self._lives)].submit(raw)
            self._sent += 1

    def event(self, at: Instant, event: TraceEvent) -> None:
        """Count what is final."""
        if isinstance(event, BlockCommitted):
            self.final += event.transactions
            if self.final >= self._count * WARM_UP:
                self.warm.set()
            if self.final >= self._count:
                self.whole.set()
            self.submit()

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        """Pass over traffic."""

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        """Pass over batches."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Taken:
    """Processor time so far, in ns, all nodes together."""

    final: int
    wall: int
    whole: int
    turns: int
    blocks: int
    checks: int
    commit: int


def run(nodes: int, workers: int, payments: int) -> dict[str, object]:
    """Send payments through nodes and return the row.

    Args:
        nodes: validators, in one process.
        workers: threads of each that compute.
        payments: in all; the first ones are not measured.
    """
    with (
        tempfile.TemporaryDirectory(prefix="orrery-bench-") as directory,
        asyncio.Runner(loop_factory=new_event_loop) as runner,
    ):
        before, after, late = runner.run(_measured(Path(directory), nodes, workers, payments))
    count = after.final - before.final
    spans = {
        each.name: getattr(after, each.name) - getattr(before, each.name)
        for each in dataclasses.fields(_Taken)
    }
    each = {name: span / count / NANO * MICRO for name, span in spans.items()}
    known = sum([each[name] for name in ("turns", "blocks", "checks", "commit")])
    return {
        "nodes": nodes,
        "job_workers": workers,
        "payments": count,
        "payments_per_second": round(count / spans["wall"] * NANO),
        "cpu_us": round(each["whole"]),
        "turns_us": round(each["turns"], 1),
        "block_jobs_us": round(each["blocks"], 1),
        "check_jobs_us": round(each["checks"], 1),
        "commit_us": round(each["commit"], 1),
        "rest_us": round(each["whole"] - known, 1),
        "ceiling_per_second": round(2 * MICRO / each["whole"]),
        "late_ms_p50": round(late[len(late) // 2] / MILLISECOND_NS, 1),
        "late_ms_p99": round(late[len(late) * 99 // 100] / MILLISECOND_NS, 1),
    }


async def _measured(
    directory: Path, nodes: int, workers: int, payments: int
) -> tuple[_Taken, _Taken, list[int]]:
    stores = [RocksStore(directory / f"{node}", profile("default")) for node in range(nodes)]
    lives = await _started(stores, workers)
    clients = _Clients(lives, payments)
    gc.collect()
    gc.freeze()
    clients.submit()
    await clients.warm.wait()
    before, late = _taken(lives, clients), [0]
    probe = asyncio.get_running_loop().create_task(_probe(late))
    await clients.whole.wait()
    after = _taken(lives, clients)
    probe.cancel()
    for live in lives:
        await live.close()
    for store in stores:
        store.close()
    return before, after, sorted(late)


async def _probe(late: list[int]) -> None:
    """Note again and again how late the loop comes to what is due: so late would a vote be."""
    while True:
        due = time.monotonic_ns() + PROBE_NS
        await asyncio.sleep(PROBE_NS / NANO)
        late.append(max(0, time.monotonic_ns() - due))


async def _started(stores: Sequence[RocksStore], workers: int) -> list[LiveNode]:
    """Start all nodes, and wait until each knows all the others."""
    shared = _environment(len(stores))
    addresses: dict[NodeId, Address] = {}
    lives: list[LiveNode] = []
    for number, store in enumerate(stores):
        live = _node(shared, NodeId(number), store, addresses, workers)
        addresses[NodeId(number)] = await live.start()
        lives.append(live)
    while any(len(live.peers()) < len(lives) - 1 for live in lives):
        await asyncio.sleep(0.01)
    return lives


def _environment(validators: int) -> Environment:
    committee = Committee.of_keys([_key(node).public_key for node in range(validators)])
    addresses = [AccountKey(account_secret(0, index)).address for index in range(ACCOUNTS)]
    genesis = Genesis(CHAIN, equal_alloc(addresses, Wei(1_000 * ETHER)), committee)
    block = genesis_executed(genesis)
    verifier = MemoVerifier(CommitteeVerifier(committee, block.digest, Ed25519Verifier()))
    return Environment(genesis, block, CONSENSUS, ComputeCache.isolated(CHAIN), verifier)


def _node(
    shared: Environment,
    node: NodeId,
    store: RocksStore,
    addresses: Mapping[NodeId, Address],
    workers: int,
) -> LiveNode:
    committee = shared.genesis.committee
    verifier = MemoVerifier(
        CommitteeVerifier(committee, shared.genesis_block.digest, Ed25519Verifier())
    )
    environment = dataclasses.replace(
        shared,
        genesis_block=genesis_executed(shared.genesis),
        cache=ComputeCache(CHAIN, blocks=0),
        verifier=verifier,
        snapshots=SnapshotLibrary(SERVED_MAX),
        flat=FlatLibrary.isolated(),
        reads_store=True,
        state_lock=Lock(),
        signer=_key(node),
    )
    known = KnownValidators(committee)
    transport = Transport(
        TransportConfig(),
        HandshakeConfig(shared.genesis_block.digest, node, PeerRole.VALIDATOR, known),
        _seed(node),
        node_codec(shared.engine),
        _Unheard(),
        random.Random(node),
        dict(addresses),
    )
    config = NodeConfig(
        node,
        Role.VALIDATOR,
        storage=StorageConfig(form=StateForm.FLAT),
        answers_clients=True,
    )
    others = [NodeId(each) for each in range(committee.size) if each != node]
    options = LiveOptions(DriverLimits(workers=workers), on_failure=_raised)
    return LiveNode(config, environment, store, transport, known, others, options)


class _Unheard:
    """An observer of a transport that nobody asks."""

    def on_event(self, event: TraceEvent) -> None:
        """Forget it."""


def _raised(error: Exception) -> None:
    raise error


def _seed(node: int) -> bytes:
    return keccak256(b"bench runtime %d" % node)


def _key(node: int) -> ValidatorKey:
    return ValidatorKey(_seed(node))


def _payments(count: int) -> Iterator[bytes]:
    """Yield signed payments to one another; each account in turn."""
    secrets = [account_secret(0, index) for index in range(ACCOUNTS)]
    generator = random.Random(count)
    receivers: list[Account] = [AccountKey(secret).address for secret in secrets]
    for number in range(count):
        unsigned = DynamicFeeTransaction(
            chain_id=CHAIN.chain_id,
            nonce=number // ACCOUNTS,
            max_priority_fee_per_gas=Wei(GWEI),
            max_fee_per_gas=Wei(10 * GWEI),
            gas_limit=Gas(21_000),
            to=generator.choice(receivers),
            value=Wei(1),
            data=b"",
        )
        yield encode_transaction(sign_transaction(unsigned, secrets[number % ACCOUNTS]))


def _taken(lives: Sequence[LiveNode], clients: _Clients) -> _Taken:
    """Return what all nodes together have taken so far."""
    turns = blocks = checks = commit = 0
    for live in lives:
        turns += live.driver.figures.busy_ns
        jobs = live.driver.scheduler.figures.by_priority
        blocks += jobs[Priority.BLOCK].busy_ns + jobs[Priority.CHAIN].busy_ns
        checks += jobs[Priority.TRANSACTIONS].busy_ns
        assert isinstance(live.writer, Committer)
        commits = live.writer.statistics()
        commit += commits.gather_ns + commits.write_ns
    return _Taken(
        clients.final, time.monotonic_ns(), time.process_time_ns(), turns, blocks, checks, commit
    )


def main() -> None:
    """Measure what the first argument says (a JSON object) and print the row."""
    print(json.dumps(run(**json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
