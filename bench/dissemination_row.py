"""The dissemination benchmark: one block of 1 MiB from its leader to a committee.

Compared are how long it takes until 95 % of the nodes have it, what the leader and the others
send, and how much comes twice: in a virtual network (`bench.toy_network`), without and with nodes
that take part and pass no blocks on.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy
from numpy.random import Generator, default_rng

from bench.rows import measure
from bench.toy_network import SECOND_NS, ToyNetwork
from network.dissemination import (
    CodedTree,
    Direct,
    DirectConfig,
    Dissemination,
    Meshed,
    Place,
    ReedSolomon,
    TreeConfig,
    TreeRoster,
)
from network.dissemination.galois import multiply
from network.dissemination.merkle import MerkleTree
from network.mesh import Mesh, MeshConfig
from network.offences import Offence
from network.topology import TopologyParams, build_topology
from primitives.ids import Instant, NodeId
from primitives.keccak import keccak256
from primitives.keys import Ed25519Verifier, ValidatorKey
from primitives.machine import Effect

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "dissemination": "policy",
        "silent_percent": "silent %",
        "most_seconds": "95 % s",
        "all_seconds": "all s",
        "leader_mebibytes": "leader MiB",
        "mean_mebibytes": "mean MiB",
        "repeated_blocks": "repeated",
        "repaired_shreds": "asked for",
        "code": "code",
        "encode_mb_per_second": "encode MB/s",
        "decode_mb_per_second": "decode MB/s",
        "rebuild_mb_per_second": "rebuild MB/s",
        "lookup_mb_per_second": "byte by byte",
    }
)
MEBIBYTE = 1 << 20
BLOCK_BYTES = MEBIBYTE
BITS_PER_SECOND = 100_000_000
LEADER = NodeId(0)
PLACE = Place(1, 0)
PEERS = 40
"""Links of each node of a mesh; eight or so of them are in the mesh."""
WARM_UP_NS = 10 * SECOND_NS
LIMIT_NS = 200 * SECOND_NS
MOST = 0.95
COMMITTEES = (16, 100, 400)
SILENT_PERCENTS = (0, 20)
CODES = ((32, 32), (16, 16), (64, 64))
ROUNDS = 15


class NoBook:
    """Notes nothing: nobody lies here."""

    def count(self, now: Instant, peer: NodeId, offence: Offence) -> Sequence[Effect]:
        """Refuse to go on: an offence is a fault of this benchmark."""
        raise AssertionError(f"node {peer}: {offence}")

    def score(self, now: Instant, peer: NodeId) -> int:
        """Return the same for all."""
        return 0

    def ranked(self, now: Instant, peers: list[NodeId]) -> list[NodeId]:
        """Return them as they are."""
        return peers


def direct(nodes: int, generator: Generator) -> list[Dissemination]:
    """The leader sends to all."""
    return [Direct(DirectConfig(), lambda place: LEADER, keccak256, NoBook()) for _ in range(nodes)]


def mesh(nodes: int, generator: Generator) -> list[Dissemination]:
    """A mesh with Ethereum's degrees."""
    config = MeshConfig()
    generators = generator.spawn(nodes)
    return [Meshed(Mesh(config, generators[node], keccak256)) for node in range(nodes)]


def tree(fanout: int) -> Callable[[int, Generator], list[Dissemination]]:
    """Return the maker of coded trees of a fan-out."""

    def make(nodes: int, generator: Generator) -> list[Dissemination]:
        key = ValidatorKey(bytes(32))
        members = tuple(NodeId(node) for node in range(nodes))
        roster = TreeRoster(b"bench", members, {LEADER: key.public_key}, lambda place: LEADER)
        config, verifier = TreeConfig(fanout=fanout), Ed25519Verifier()
        return [
            CodedTree(config, roster, member, key, verifier, own, NoBook())
            for member, own in zip(members, generator.spawn(nodes), strict=True)
        ]

    return make


MAKERS: Mapping[str, Callable[[int, Generator], list[Dissemination]]] = MappingProxyType(
    {"direct": direct, "mesh": mesh, "tree-200": tree(200), "tree-16": tree(16)}
)


def run(dissemination: str, nodes: int, silent_percent: int) -> dict[str, object]:
    """Spread one block and return the row."""
    generator = default_rng(1)
    draws, seeds, payloads = generator.spawn(3)
    silent = frozenset(
        (1 + draws.permutation(nodes - 1)[: (nodes - 1) * silent_percent // 100]).tolist()
    )
    policies = MAKERS[dissemination](nodes, seeds)
    network = ToyNetwork(policies, silent, BITS_PER_SECOND, draws)
    if dissemination == "mesh":
        settle(network, draws)
    before, start = list(network.sent_bytes), network.now
    block = payloads.bytes(BLOCK_BYTES)
    cpu = time.process_time()
    network.act(LEADER, policies[LEADER].publish(Instant(start), PLACE, block))
    network.run(start + LIMIT_NS, nodes - 1)
    if len(network.arrived_ns) < nodes - 1:
        raise AssertionError(f"only {len(network.arrived_ns)} of {nodes - 1} have the block")
    # What is still under way counts as sent, and may be a repetition.
    network.run(network.now + 2 * SECOND_NS)
    cpu = time.process_time() - cpu
    times = sorted(at - start for at in network.arrived_ns.values())
    sent = [now - then for now, then in zip(network.sent_bytes, before, strict=True)]
    return {
        "dissemination": dissemination,
        "nodes": nodes,
        "silent_percent": silent_percent,
        "most_seconds": times[-(-int(100 * MOST) * (nodes - 1) // 100) - 1] / SECOND_NS,
        "all_seconds": times[-1] / SECOND_NS,
        "leader_mebibytes": sent[LEADER] / MEBIBYTE,
        "mean_mebibytes": sum(sent) / nodes / MEBIBYTE,
        "repeated_blocks": repeated_bytes(policies) / BLOCK_BYTES / (nodes - 1),
        "repaired_shreds": sum(
            policy.statistics.repairs_asked for policy in policies if isinstance(policy, CodedTree)
        ),
        "cpu_seconds": round(cpu, 3),
    }


def settle(network: ToyNetwork, generator: Generator) -> None:
    """Link the nodes of a mesh and let it find its links."""
    nodes = len(network.policies)
    params = TopologyParams(degree=min(PEERS, nodes - 1))
    kind = "full" if nodes <= PEERS else "random-regular"
    neighbours = build_topology(kind, nodes, generator, params)
    for node, policy in enumerate(network.policies):
        assert isinstance(policy, Meshed)
        network.act(node, policy.start(Instant(0)))
        for peer in neighbours[node]:
            network.act(node, policy.mesh.connected(Instant(0), NodeId(peer)))
    network.run(WARM_UP_NS)


def repeated_bytes(policies: Sequence[Dissemination]) -> int:
    """Return the bytes of blocks and shreds that came to somebody who had them."""
    total = 0
    for policy in policies:
        match policy:
            case Meshed():
                total += policy.mesh.statistics.duplicate_bytes
            case CodedTree():
                total += policy.statistics.duplicate_bytes
            case _:
                pass
    return total


def coding(data: int, parity: int) -> dict[str, object]:
    """Measure one code on a block of 1 MiB, in MB of block a second of processor time."""
    code = ReedSolomon(data, parity)
    block = default_rng(1).bytes(BLOCK_BYTES)
    shreds = code.encode(block)
    # The worst case: as many data shreds are missing as can be.
    lost = dict(list(enumerate(shreds))[parity:])

    def rebuild() -> object:
        return MerkleTree(code.encode(code.decode(lost, len(block)))).root

    return {
        "code": f"{data}:{parity}",
        "encode_mb_per_second": _rate(lambda: code.encode(block)),
        "decode_mb_per_second": _rate(lambda: code.decode(lost, len(block))),
        "rebuild_mb_per_second": _rate(rebuild),
        "lookup_mb_per_second": _lookup_rate(data, parity, block),
    }


def _rate(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return round(BLOCK_BYTES / sorted(times)[ROUNDS // 2] / 1e6, 1)


def _lookup_rate(data: int, parity: int, block: bytes) -> float:
    """Return what multiplying byte by byte through a table reaches, from one product's time."""
    table = multiply(numpy.full(256, 29, numpy.uint8), numpy.arange(256).astype(numpy.uint8))
    row = numpy.frombuffer(block, numpy.uint8)[: BLOCK_BYTES // data]
    total = numpy.zeros(len(row), numpy.uint8)

    def multiply_all() -> None:
        for _ in range(data * parity):
            numpy.bitwise_xor(total, table[row], out=total)

    return _rate(multiply_all)


def bench_dissemination() -> dict[str, Any]:
    """One block of 1 MiB by each policy, at growing committees, with and without silent nodes."""
    rows = [
        measure(
            "bench.dissemination_row",
            {"dissemination": name, "nodes": nodes, "silent_percent": silent},
        )
        for nodes in COMMITTEES
        for silent in SILENT_PERCENTS
        for name in MAKERS
    ]
    return {"rows": rows}


def bench_shreds() -> dict[str, Any]:
    """The erasure code on a block of 1 MiB, beside multiplying byte by byte."""
    rows = [
        measure("bench.dissemination_row", {"data": data, "parity": parity})
        for data, parity in CODES
    ]
    return {"rows": rows}


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    print(json.dumps(coding(**options) if "data" in options else run(**options)))
