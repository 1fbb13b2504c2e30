"""What a node is made from: its own choices, and what it shares with the others of its network.

What all nodes of a chain must agree on is in `Genesis` (with its `ChainParams`) and in
`ConsensusParams`. `Environment` carries these and the services that a process hands to its nodes.
`NodeConfig` is one node's own.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum

from consensus.engine import ConsensusEngine
from consensus.params import ConsensusParams
from consensus.pbft import Pbft
from consensus.signing import MessageVerifier
from network.draws import Draws
from network.gossip_state import GossipConfig
from network.sync_state import SNAPSHOT_GAP, SyncConfig
from node.block_layout import EthereumBlocks
from node.certificates import CertificateReader
from node.charging import Charging
from node.demand import ExecutionConfig
from node.execution import ExecutedBlock
from node.flat_library import FlatLibrary
from node.hints import Hints
from node.mempool_types import MempoolLimits
from node.outlines import Outlines
from node.relay_config import RelayConfig
from node.shared import ComputeCache
from node.snapshot import SnapshotLibrary
from node.spread_config import SpreadConfig
from node.storage_config import StorageConfig
from node.tally import Tallies
from node.verifiers import Keys, LaterVerifiers
from primitives.bls import AggregateSigner
from primitives.epoch import Epoch
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.genesis import Genesis
from primitives.ids import Address, Duration, NodeId
from primitives.keys import Signer
from primitives.system_contracts import HISTORY_ADDRESS, SYSTEM_CODE


class Role(Enum):
    """What a node does in its network when the chain begins; committees change."""

    VALIDATOR = "validator"
    FOLLOWER = "follower"
    GATEWAY = "gateway"
    """It holds no chain: clients submit through it, and it collects answers (`node.gateway`)."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One node's own choices."""

    index: NodeId
    """Number of the node in its network, which committees know it by."""
    role: Role
    fee_recipient: Address = Address(bytes(20))
    """Gets the tips of the blocks that this node builds."""
    announce_blocks: bool = False
    """Whether to tell the neighbours of each new block. Of use where there are followers."""
    serves_gateways: bool = False
    """Whether this validator answers gateways; see `node.confirmations`."""
    answers_clients: bool = False
    """Whether the driver is told what becomes of each transaction that a client hands over
    (`ClientsAnswered`). Of use where clients wait for it."""
    intake_batch: int = 256
    """Most transactions that are checked in one computation."""
    intake_queue: int = 16_384
    """Most transactions that wait to be checked; more are refused."""
    waiting_proposals: int = 64
    """Most proposals that wait for their parent's execution."""
    clock_drift_max: Duration = Duration(15_000_000_000)
    """How far in the future a proposal's timestamp may be, in ns."""
    execution: ExecutionConfig = field(default_factory=ExecutionConfig)
    mempool: MempoolLimits = field(default_factory=MempoolLimits)
    gossip: GossipConfig = field(default_factory=GossipConfig)
    history: int | None = 1_024
    """Final blocks that are kept for others, at least; None for all. Two checkpoint intervals
    are kept in any case."""
    storage: StorageConfig = field(default_factory=StorageConfig)
    """How chain and state are kept durable."""
    index_transactions: bool = False
    """Form flat: whether transactions and receipts of blocks can be found by hash, as those who
    answer wallets need it (`node.transaction_index`)."""
    sync: SyncConfig | None = None
    """Of block exchange; `sync_config` if None."""
    relay: RelayConfig | None = None
    """Of compact blocks; None in a node that sends and understands blocks as they are only."""

    spread: SpreadConfig | None = None
    """Of meshes and coded trees; None in a node that sends blocks directly and announces."""

    def __post_init__(self) -> None:
        """Refuse an index where there is nothing to index.

        Raises:
            InvalidInput: the form of the store has no receipts.
        """
        if self.index_transactions and not self.storage.is_flat:
            found = self.storage.form.value
            raise InvalidInput("index_transactions", "a store of form flat", f"form {found}")


@dataclass(frozen=True, slots=True)
class Environment:
    """What the nodes of one network, or of one process, share."""

    genesis: Genesis
    genesis_block: ExecutedBlock
    """Block 0 of `genesis`, executed (`genesis_executed`)."""
    consensus: ConsensusParams
    cache: ComputeCache
    """Results that the process computes once; `ComputeCache.isolated` shares nothing."""
    verifier: MessageVerifier
    """Checks consensus messages; all nodes of a process may share one that remembers."""
    signer: Signer | None = None
    """Signs for this node; None for one that is never a validator."""
    vote_signer: AggregateSigner | None = None
    """Signs its PREPAREs and COMMITs where certificates are aggregates; else `signer` does."""
    certificates: CertificateReader = field(default_factory=CertificateReader)
    """Certificates that were read and verified by any node that shares this object."""
    engine: ConsensusEngine = field(default_factory=Pbft)
    """The protocol that its validators run."""
    snapshots: SnapshotLibrary = field(default_factory=SnapshotLibrary)
    """States as nodes that share this object store, restore and serve them."""
    outlines: Outlines = field(default_factory=Outlines)
    """Bodies of blocks, split once for all nodes that share this object."""
    tallies: Tallies = field(default_factory=Tallies)
    """What executing blocks took, counted once likewise."""
    hints: Hints = field(default_factory=Hints)
    """Schedule hints, encoded and read once likewise."""
    flat: FlatLibrary = field(default_factory=FlatLibrary)
    """Rows of blocks and loaded states of form flat, made once likewise."""
    reads_store: bool = False
    """Form flat: whether states are read from the node's own store while it runs. Otherwise they
    are in memory, where the nodes of a process share them."""
    blocks: EthereumBlocks = field(default_factory=EthereumBlocks)
    """Blocks taken apart and put together again, once likewise."""
    draw_nonce: Callable[[int], bytes] | None = None
    """Returns so many random bytes, for the short ids of a compact block; a node that sends
    such blocks has its own."""
    draws: Draws | None = None
    """What a node chooses peers with that spreads over meshes or trees; each has its own."""
    state_lock: AbstractContextManager[object] | None = None
    """Taken for each read of such a state; needed where jobs run on other threads than turns."""
    spare_keys: tuple[Keys, ...] = ()
    """Further keys of this node, for when the committee knows it under another one."""
    later_verifiers: LaterVerifiers = field(default_factory=LaterVerifiers)
    """What `verifier` is in the first epoch, in the ones after it."""

    def __post_init__(self) -> None:
        """Refuse a chain on which a state does not say what the blocks before it were.

        A node that begins with a stored or a fetched state has no blocks below, and instructions
        may ask for their hashes. It takes them from the state (EIP-2935). Without them it would
        execute other than all others.

        Raises:
            InvalidInput: what its genesis lacks.
        """
        if self.genesis.params.fork < Fork.PRAGUE:
            found = self.genesis.params.fork.name
            raise InvalidInput("chain.fork", "PRAGUE or later from the beginning (EIP-2935)", found)
        for contract in self.genesis.contracts:
            expected = SYSTEM_CODE[HISTORY_ADDRESS]
            if contract.address == HISTORY_ADDRESS and contract.code != expected:
                where = "genesis.contracts: the history contract"
                raise InvalidInput(where, expected.hex(), contract.code.hex())

    @property
    def keys(self) -> tuple[Keys, ...]:
        """All keys of this node; none in a node that can be no validator."""
        if self.signer is None:
            return self.spare_keys
        return (Keys(self.signer, self.vote_signer), *self.spare_keys)

    def charging(self, config: ExecutionConfig) -> Charging:
        """Return how a node that executes like this is charged."""
        return Charging(config, self.outlines, self.tallies, self.hints)

    def verifier_of(self, epoch: Epoch) -> MessageVerifier:
        """Return what checks the consensus messages of an epoch."""
        if epoch.number == 0:
            return self.verifier
        policy = self.verifier.policy
        return self.later_verifiers.of(epoch, self.genesis_block.digest, policy)


def sync_config(
    config: NodeConfig, environment: Environment, epoch: Epoch, *, validates: bool
) -> SyncConfig:
    """Return how a node exchanges blocks: as it is told, or as its part in an epoch suggests.

    A follower fetches whatever is announced. A validator fetches only what consensus will not
    bring it any more. Both ask validators for their height, beginning behind their own number,
    so that not all ask the same one.
    """
    if config.sync is not None:
        return config.sync
    nodes = epoch.committee.nodes
    others = [nodes[(config.index + step) % len(nodes)] for step in range(1, len(nodes) + 1)]
    return SyncConfig(
        peers=tuple(peer for peer in others if peer != config.index),
        follow_gap=environment.consensus.reach if validates else 0,
        # An archive takes a state only where nobody holds the blocks any more.
        snapshot_gap=SNAPSHOT_GAP if config.history is not None else sys.maxsize,
    )
