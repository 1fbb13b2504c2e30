"""What the tests of checkers share: a real chain with real certificates, and a world to lie with.

Blocks are built and executed by the node's own code and signed by a real committee. A test writes
down a history as a list of observations and bends block, certificate or order where it wants.
"""

from collections.abc import Sequence
from functools import cache

import msgspec

from consensus.certificate import Certificate
from consensus.messages import Commit
from consensus.signing import CommitteeVerifier, MemoVerifier, binding, signed_payload
from node.builder import BuildContext, build_block
from node.execution import ExecutedBlock, genesis_executed
from node.trace import BlockCommitted
from node.validation import check_transaction
from primitives.committee import Committee
from primitives.genesis import Genesis
from primitives.ids import Address, Hash32, Instant, NodeId, Sequence as Height, View
from primitives.keys import Ed25519Verifier, ValidatorKey
from primitives.machine import TraceEvent
from primitives.params import ChainParams
from sim.checkers import CheckContext, Checker, CheckerSuite, Violation, certificate_verifier
from sim.trace import Observation
from sim.trace_events import Crashed, Healed, Partitioned, Restarted
from sim.workload.minting import Mint, transfer_mint
from sim.workload.options import TransferOptions
from tests.unit.sim.workload_worlds import GWEI, context as workload_context

VALIDATORS, NODES = 4, 6
"""Nodes 4 and 5 are followers."""
FEE_RECIPIENT = Address(b"\xfe" * 20)
LENGTH = 8
"""Blocks of the shared chain."""

KEYS = [ValidatorKey(bytes([number]) * 32) for number in range(1, VALIDATORS + 1)]
COMMITTEE = Committee.of_keys(key.public_key for key in KEYS)
PARAMS = ChainParams(base_fee_rule="fixed")


def new_mint() -> Mint:
    return transfer_mint(TransferOptions(rate=1.0, accounts=4), workload_context())


MINT = new_mint()
GENESIS = genesis_executed(Genesis(PARAMS, MINT.alloc, COMMITTEE))


def build(parent: ExecutedBlock, raws: Sequence[bytes], fork: int = 0) -> ExecutedBlock:
    """Build a block of all `raws`; blocks that differ in `fork` alone differ in their digest."""
    pooled = [check_transaction(raw, PARAMS) for raw in raws]
    choices = BuildContext(FEE_RECIPIENT, 0, bytes([fork]))
    block = build_block(parent, pooled, choices, PARAMS)
    assert len(block.transactions) == len(raws)
    return block


@cache
def chain() -> tuple[ExecutedBlock, ...]:
    """Return genesis and `LENGTH` blocks of three transfers each."""
    mint, blocks = new_mint(), [GENESIS]
    for height in range(LENGTH):
        raws = [mint.next((height + k) % 4, GWEI)[0] for k in (0, 1, 1)]
        blocks.append(build(blocks[-1], raws))
    return tuple(blocks)


def certify(
    block: ExecutedBlock, signers: Sequence[int] = (0, 1, 2), view: int = 0, height: int = 0
) -> Certificate:
    """Return a certificate by the given validators, signed as the protocol does."""
    sequence = Height(height or block.number)
    votes = [Commit(View(view), sequence, block.digest, replica, b"") for replica in signers]
    bound = binding(GENESIS.digest)
    marks = tuple(KEYS[vote.replica].sign(signed_payload(bound, vote)) for vote in votes)
    return Certificate(0, View(view), sequence, block.digest, tuple(signers), marks)


class World:
    """Knows blocks and certificates; a test may replace either."""

    def __init__(self, blocks: Sequence[ExecutedBlock]) -> None:
        self.now = Instant(0)
        self.blocks = {block.digest: block for block in blocks}
        self.certificates: dict[tuple[int, int], Certificate] = {}
        self.down: list[int] = []
        self.liars: list[int] = []
        self.lookups: list[Hash32] = []

    def block(self, digest: Hash32) -> ExecutedBlock:
        self.lookups.append(digest)
        return self.blocks[digest]

    def certificate(self, node: NodeId, height: int) -> Certificate:
        return self.certificates[node, height]

    def is_live(self, node: NodeId) -> bool:
        return node not in self.down

    def is_honest(self, node: NodeId) -> bool:
        return node not in self.liars


VOTES = MemoVerifier(CommitteeVerifier(COMMITTEE, GENESIS.digest, Ed25519Verifier()))


def check_context() -> CheckContext:
    return CheckContext(
        GENESIS.digest, PARAMS, certificate_verifier(lambda epoch: VOTES), MINT.alloc, NODES
    )


class History:
    """Observations in the order in which a test writes them, one millisecond apart."""

    def __init__(self, blocks: Sequence[ExecutedBlock] | None = None) -> None:
        self.blocks = list(chain() if blocks is None else blocks)
        self.world = World(self.blocks)
        self.observations: list[Observation] = []
        self.at_ns = 0

    def add(self, node: int, event: TraceEvent) -> None:
        self.at_ns += 1_000_000
        self.observations.append(Observation(self.at_ns, node, event))

    def commit(self, node: int, height: int, block: ExecutedBlock | None = None) -> None:
        block = self.blocks[height] if block is None else block
        self.world.blocks.setdefault(block.digest, block)
        self.world.certificates.setdefault((node, height), certify(block))
        header = block.block.header
        count, size = len(block.transactions), len(block.payload)
        self.add(
            node,
            BlockCommitted(
                height, block.digest, header.parent_hash, 0, count, header.gas_used, size
            ),
        )

    def commit_all(self, nodes: Sequence[int], heights: Sequence[int]) -> None:
        for height in heights:
            for node in nodes:
                self.commit(node, height)

    def crash(self, node: int) -> None:
        self.add(node, Crashed())

    def restart(self, node: int) -> None:
        self.add(node, Restarted())

    def partition(self, *groups: tuple[int, ...]) -> None:
        self.add(-1, Partitioned(groups))

    def heal(self) -> None:
        self.add(-1, Healed())

    def wait(self, seconds: float) -> None:
        self.at_ns += round(seconds * 1e9)

    def judge(self, *checkers: Checker) -> Violation | None:
        """Return the first objection of the checkers to this history or to its end."""
        suite = CheckerSuite(checkers)
        for observation in self.observations:
            self.world.now = Instant(observation.at_ns)
            violation = suite.observe(observation, self.world)
            if violation is not None:
                return violation
        self.world.now = Instant(self.at_ns)
        return suite.finish(self.world)


def right_history() -> History:
    """A run with all that may happen to honest nodes, of which no checker may complain.

    Node 3 crashes, loses its last two blocks and commits them again; follower 5 joins late and
    catches up at once; node 2 is cut off for a while; heights come interleaved.
    """
    history = History()
    history.commit_all([0, 1, 2, 3, 4], [1, 2])
    history.commit(3, 3)
    history.crash(3)
    history.commit_all([1, 0, 4, 2], [3])
    history.restart(3)
    history.commit_all([3], [2, 3])
    history.partition((2,), (0, 1, 3, 4, 5))
    history.commit_all([0, 1, 3, 4], [4, 5])
    history.commit_all([5], [1, 2, 3, 4, 5])
    history.heal()
    history.commit(0, 6)
    history.commit_all([2], [4, 5, 6])
    history.commit_all([1, 3, 4, 5], [6])
    history.commit_all(range(NODES), [7, 8])
    return history


def replaced(block: ExecutedBlock, /, **changes: object) -> ExecutedBlock:
    """Return the block with some fields changed behind its digest's back."""
    return msgspec.structs.replace(block, **changes)
