"""Networks for the tests of state transfer.

Checkpoints are every four blocks, and nobody keeps more than two intervals. No node shares a
result with another: each computes all it knows.
"""

from consensus.signing import CommitteeVerifier, MemoVerifier
from node.certificates import CertificateReader
from node.config import Environment
from node.execution import genesis_executed
from node.shared import ComputeCache
from node.snapshot import SnapshotLibrary
from primitives.committee import Committee
from primitives.genesis import Genesis
from primitives.ids import Wei
from primitives.keys import Ed25519Verifier
from primitives.params import ChainParams
from tests.unit.node.harness import MILLISECOND, PARAMS, Harness, transfers, validator_key
from tests.unit.node.transfers import ETHER, GWEI, account, stranger

CHAIN = ChainParams(base_fee_rule="fixed", base_fee_initial=Wei(GWEI), checkpoint_interval=4)
FEW, MANY = 0, 2_500
"""Accounts beside those that send: one chunk, and sixteen."""


def environment(accounts: int) -> Environment:
    committee = Committee.of_keys(validator_key(index).public_key for index in range(4))
    rich = [(account(index), Wei(10 * ETHER)) for index in range(5)]
    others = [(stranger(1_000 + index), Wei(1 + index)) for index in range(accounts)]
    block = genesis_executed(genesis := Genesis(CHAIN, (*rich, *others), committee))
    plain = CommitteeVerifier(committee, block.digest, Ed25519Verifier())
    cache = ComputeCache.isolated(CHAIN)
    return Environment(
        genesis,
        block,
        PARAMS,
        cache,
        MemoVerifier(plain),
        certificates=CertificateReader(0),
        snapshots=SnapshotLibrary(0),
    )


def network(accounts: int = FEW, followers: int = 0, **config: object) -> Harness:
    own = environment(accounts)
    config.setdefault("history", 0)
    harness = Harness(4, followers, own, **config)  # type: ignore[arg-type]
    harness.first = 0  # type: ignore[attr-defined]
    return harness


def advance(harness: Harness, blocks: int, sender: int = 0) -> None:
    """Let the others decide some blocks of two transfers."""
    for _ in range(blocks):
        first: int = harness.first  # type: ignore[attr-defined]
        harness.submit(0, *transfers(first, 2, sender))
        harness.first = first + 2  # type: ignore[attr-defined]
        harness.run(100 * MILLISECOND)


def away(harness: Harness, blocks: int, node: int = 3) -> None:
    harness.crash(node)
    advance(harness, blocks)


def adopted(harness: Harness, node: int = 3) -> list[int]:
    return [event.height for event in harness.traced("sync.snapshot_adopted", node)]  # type: ignore[attr-defined]


def refused(harness: Harness, node: int = 3) -> list[int]:
    return [event.peer for event in harness.traced("sync.chunk_refused", node)]  # type: ignore[attr-defined]
