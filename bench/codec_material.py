"""What `orrery bench codec` encodes and compresses: votes, and blocks of payments and of calls.

The generated blocks are what the repository's own workloads sign. The real ones are blocks of
mainnet from the public test data; without those (`ORRERY_VECTORS`) their rows are left out.
"""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from types import MappingProxyType

import numpy as np

from bench.peers.cases import mainnet_case, vectors_directory
from consensus.messages import Prepare, PrePrepare
from network.messages import AnnounceTransactions, PooledTransactions
from primitives.errors import InvalidInput
from primitives.ids import Hash32, Instant, NodeId, Sequence, View, Wei
from primitives.machine import Message
from primitives.params import ChainParams
from primitives.rlp import encode_bytes, encode_list
from sim.workload.contracts import make_amm, make_erc20, make_mainnet_like
from sim.workload.transfers import make_transfers
from sim.workload.workload import WorkloadContext, WorkloadFactory

SECOND = 1_000_000_000
WORKLOADS: Mapping[str, WorkloadFactory] = MappingProxyType(
    {
        "transfers": make_transfers,
        "token transfers": make_erc20,
        "swaps": make_amm,
        "mainnet-like mix": make_mainnet_like,
    }
)
"""By what the table calls them; the first makes payments, the others call contracts."""


class _Everywhere:
    """A network in which every node takes what clients send."""

    def is_live(self, node: NodeId) -> bool:
        return True

    def base_fee(self) -> Wei:
        return Wei(SECOND)


def signed(name: str, count: int) -> list[bytes]:
    """Return transactions that a workload has signed, in the order in which clients send them."""
    context = WorkloadContext(
        generator=np.random.default_rng(1),
        seed=1,
        params=ChainParams(),
        nodes=(NodeId(0),),
        stop_at=Instant(SECOND),
        directory=Path(),
    )
    options = {"accounts": 5 * count, "rate": float(2 * count), "spacing": "fixed"}
    workload = WORKLOADS[name](options, context)
    found = [each.raw for each in workload.due(Instant(SECOND), _Everywhere())]
    return found[:count]


def mainnet() -> dict[str, list[bytes]]:
    """Return the transactions of the public test blocks, by what the table calls the block."""
    try:
        folders = sorted((vectors_directory() / "blocks").iterdir())
    except InvalidInput:
        return {}
    return {
        f"mainnet {folder.name}": [
            bytes.fromhex(str(each["raw"])) for each in mainnet_case(folder)["transactions"]
        ]
        for folder in folders
    }


def proposal(transactions: list[bytes]) -> PrePrepare:
    """Return a proposal whose payload is the body of a block, by Ethereum's encoding."""
    items = [raw if raw[0] >= 0xC0 else encode_bytes(raw) for raw in transactions]
    return _proposal(encode_list(items), Random(1))


def block_of(size: int) -> PrePrepare:
    """Return a proposal with a payload of random bytes."""
    random = Random(1)
    return _proposal(random.randbytes(size), random)


def _proposal(payload: bytes, random: Random) -> PrePrepare:
    digests = Hash32(random.randbytes(32)), Hash32(random.randbytes(32))
    return PrePrepare(View(3), Sequence(123_456), *digests, payload, random.randbytes(64))


def votes(count: int) -> list[Message]:
    """Return PREPAREs of one sequence after the other."""
    random = Random(2)
    return [
        Prepare(
            View(3),
            Sequence(123_456 + number // 100),
            Hash32(random.randbytes(32)),
            Hash32(random.randbytes(32)),
            number % 100,
            random.randbytes(64),
        )
        for number in range(count)
    ]


def small_messages(count: int) -> dict[str, list[Message]]:
    """Return messages that are too small to be compressed by themselves."""
    payments, tokens = signed("transfers", count), signed("token transfers", count)
    random = Random(3)
    announcements: list[Message] = [
        AnnounceTransactions(b"\x02" * 4, (111, 112, 176, 177), _digests(random, 4))
        for _ in range(count)
    ]
    return {
        "Prepare": votes(count),
        "AnnounceTransactions, 4": announcements,
        "PooledTransactions, a payment": [
            PooledTransactions(number, (raw,)) for number, raw in enumerate(payments)
        ],
        "PooledTransactions, a call": [
            PooledTransactions(number, (raw,)) for number, raw in enumerate(tokens)
        ],
    }


def _digests(random: Random, count: int) -> tuple[bytes, ...]:
    return tuple([random.randbytes(32) for _ in range(count)])
