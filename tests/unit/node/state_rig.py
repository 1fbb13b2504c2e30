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
from primitives.genesis import Genesis, GenesisContract
from primitives.ids import Wei
from primitives.keys import Ed25519Verifier
from primitives.params import ChainParams
from tests.unit.node.harness import MILLISECOND, PARAMS, Harness, transfers, validator_key
from tests.unit.node.transfers import ETHER, GWEI, account, raw_transfer, stranger

CHAIN = ChainParams(base_fee_rule="fixed", base_fee_initial=Wei(GWEI), checkpoint_interval=4)
FEW, MANY = 0, 2_500
"""Accounts beside those that send: one chunk, and sixteen."""


COUNTER, LARGE = stranger(501), stranger(502)
COUNTING = bytes.fromhex("5f54600101805f554355")
"""Adds 1 to slot 0, and notes the sum in the slot of the block's number."""
SMALL_SLOTS, LARGE_SLOTS = 5, 1_200
"""Slots of the contracts: beside the account, and in chunks of their own."""


def slots_up_to(count: int) -> tuple[tuple[int, int], ...]:
    return tuple((2**200 + slot, 1 + slot) for slot in range(count))


CONTRACTS = (
    GenesisContract(COUNTER, COUNTING, storage=slots_up_to(SMALL_SLOTS)),
    GenesisContract(LARGE, COUNTING + b"\x00", storage=slots_up_to(LARGE_SLOTS)),
    GenesisContract(stranger(503), COUNTING, nonce=7),
)


def environment(accounts: int, contracts: tuple[GenesisContract, ...] = ()) -> Environment:
    committee = Committee.of_keys(validator_key(index).public_key for index in range(4))
    rich = [(account(index), Wei(10 * ETHER)) for index in range(5)]
    others = [(stranger(1_000 + index), Wei(1 + index)) for index in range(accounts)]
    genesis = Genesis(CHAIN, (*rich, *others), committee, contracts=contracts)
    block = genesis_executed(genesis)
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


def network(
    accounts: int = FEW,
    followers: int = 0,
    contracts: tuple[GenesisContract, ...] = (),
    **config: object,
) -> Harness:
    own = environment(accounts, contracts)
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


def call(harness: Harness, blocks: int, sender: int = 1, first: int = 0) -> None:
    """Let both contracts count in each of some blocks."""
    for block in range(blocks):
        calls = [
            raw_transfer(sender, first + 2 * block + index, to, 0, gas=100_000)
            for index, to in enumerate((COUNTER, LARGE))
        ]
        harness.submit(0, *calls)
        harness.run(100 * MILLISECOND)


def away(harness: Harness, blocks: int, node: int = 3) -> None:
    harness.crash(node)
    advance(harness, blocks)


def adopted(harness: Harness, node: int = 3) -> list[int]:
    return [event.height for event in harness.traced("sync.snapshot_adopted", node)]  # type: ignore[attr-defined]


def refused(harness: Harness, node: int = 3) -> list[int]:
    return [event.peer for event in harness.traced("sync.chunk_refused", node)]  # type: ignore[attr-defined]
