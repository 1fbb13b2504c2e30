"""Dictionaries for the small messages of a run, trained on transactions as workloads sign them.

The same chain and kinds always give the same dictionary, so that nodes of a live network and of a
simulated one compress alike, whatever transactions follow.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from network.compression import Dictionary, train
from network.messages import AnnounceTransactions, PooledTransactions
from primitives.ids import Instant, NodeId, Wei
from primitives.machine import Message
from primitives.params import ChainParams
from primitives.transaction import transaction_hash
from sim.randomness import generator
from sim.workload.contracts import make_amm, make_erc20, make_mainnet_like
from sim.workload.transfers import make_transfers
from sim.workload.workload import WorkloadContext

SEED = 1
SIGNED = 200
"""Transactions of each workload that samples are made of."""
ANNOUNCED = 4
"""Transactions of one announcement among the samples."""
SECOND = 1_000_000_000
GWEI = Wei(1_000_000_000)
WORKLOADS = (make_transfers, make_erc20, make_amm, make_mainnet_like)


class _Everywhere:
    """A network in which every node takes what clients send."""

    def is_live(self, node: NodeId) -> bool:
        return True

    def base_fee(self) -> Wei:
        return GWEI


def _pooled(raws: Sequence[bytes]) -> list[Message]:
    return [PooledTransactions(number, (raw,)) for number, raw in enumerate(raws)]


def _announced(raws: Sequence[bytes]) -> list[Message]:
    return [
        AnnounceTransactions(
            bytes([raw[0] if raw[0] < 0xC0 else 0 for raw in some]),
            tuple([len(raw) for raw in some]),
            tuple([transaction_hash(raw) for raw in some]),
        )
        for some in (raws[at : at + ANNOUNCED] for at in range(0, len(raws), ANNOUNCED))
    ]


SAMPLES: dict[str, Callable[[Sequence[bytes]], list[Message]]] = {
    PooledTransactions.__name__: _pooled,
    AnnounceTransactions.__name__: _announced,
}
"""The kinds that a dictionary is of use for, each with what makes samples of it."""


def trained(kinds: Sequence[str], params: ChainParams) -> tuple[Dictionary, ...]:
    """Return a dictionary for each kind of message.

    Args:
        kinds: among `SAMPLES`.
        params: of the chain whose transactions they carry.
    """
    if not kinds:
        return ()
    raws = [raw for make in WORKLOADS for raw in _signed(make, params)]
    encode = msgspec.msgpack.encode
    return tuple([train(kind, [encode(each) for each in SAMPLES[kind](raws)]) for kind in kinds])


def _signed(make: Callable[..., object], params: ChainParams) -> list[bytes]:
    context = WorkloadContext(
        generator=generator(SEED, "dictionaries"),
        seed=SEED,
        params=params,
        nodes=(NodeId(0),),
        stop_at=Instant(SECOND),
        directory=Path(),
    )
    options = {"accounts": 5 * SIGNED, "rate": float(2 * SIGNED), "spacing": "fixed"}
    workload = make(options, context)
    return [each.raw for each in workload.due(Instant(SECOND), _Everywhere())][:SIGNED]  # type: ignore[attr-defined]
