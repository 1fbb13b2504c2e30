"""A sender is recovered once: from the mempool to the block nothing is verified again."""

import pytest

from network.gossip_state import KnownHashes
from node.costs import RECOVER
from node.demand import block_demand
from node.outlines import Outlines
from node.shared import ComputeCache
from node.shared_jobs import BuildBlock, CheckTransactions, ExecuteBlock
from node.validation import PooledTransaction
from primitives import secp256k1
from primitives.ids import Hash32
from primitives.machine import Tasks
from tests.unit.node.test_shared import CHARGING
from tests.unit.node.transfers import CONTEXT, PARAMS, built, chain, raw_transfer

RAWS = tuple(raw_transfer(sender, nonce) for sender in range(5) for nonce in range(8))


class Counter:
    """Counts what goes through the curve, whichever way it comes."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, *arguments: object) -> object:
        self.count += 1
        return RECOVER_KEY(*arguments)  # type: ignore[arg-type]


RECOVER_KEY = secp256k1.recover


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    monkeypatch.setattr(secp256k1, "recover", counter)
    monkeypatch.setattr("node.executors.recovery.recover", counter)
    return counter


def checked(cache: ComputeCache, raws: tuple[bytes, ...]) -> tuple[PooledTransaction, ...]:
    found = CheckTransactions(raws, cache).run()
    assert all(isinstance(each, PooledTransaction) for each in found)
    return found  # type: ignore[return-value]


def test_a_block_whose_transactions_were_all_seen_re_verifies_none(counted: Counter) -> None:
    cache, parent = ComputeCache(PARAMS), chain()
    pooled = checked(cache, RAWS)
    assert counted.count == len(RAWS)
    block = built(parent, *pooled)
    assert len(block.transactions) == len(RAWS)
    result = ExecuteBlock(parent, block.digest, block.payload, cache, CHARGING).run()
    assert result.digest == block.digest  # type: ignore[union-attr]
    BuildBlock(parent, pooled, CONTEXT, cache, CHARGING).run()
    assert counted.count == len(RAWS)


def test_only_what_was_not_seen_is_verified(counted: Counter) -> None:
    cache, parent = ComputeCache(PARAMS), chain()
    elsewhere = checked(ComputeCache(PARAMS), RAWS)
    block = built(parent, *elsewhere)
    checked(cache, RAWS[:30])
    before = counted.count
    ExecuteBlock(parent, block.digest, block.payload, cache, CHARGING).run()
    assert counted.count - before == len(RAWS) - 30


def test_a_node_is_charged_for_what_it_has_not_recovered_itself() -> None:
    block = built(chain(), *checked(ComputeCache(PARAMS), RAWS))
    hashes = Outlines().hashes(block.payload)
    recovered = KnownHashes(1_000)
    charges: list[int] = []
    for seen in (0, 30, len(RAWS)):
        recovered.update([Hash32(name) for name in hashes[:seen]])
        stages = block_demand(hashes, recovered)
        charges.append(
            sum(len(s.units) for s in stages if isinstance(s, Tasks) and s.kind == RECOVER)
        )
    assert charges == [len(RAWS), len(RAWS) - 30, 0]
