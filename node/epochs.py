"""Which replica a node runs: one for each epoch that it is a validator of.

When the block that closes an epoch is final here, the replica of that epoch is retired and, if the
next committee has this node and one of its keys, another takes its place. Both the node that is
added and the one that is removed go on as they did otherwise: followers fetch what they are
told of, validators what consensus does not bring.

The order of what is written makes a crash harmless: the closing block comes first, then what
deletes the old replica's records. Whoever restarts finds itself before the block, with the
records of its epoch, or behind it, with those of the next.
"""

from collections.abc import Sequence as Seq

import msgspec

from consensus.engine import ConsensusCore
from consensus.origin import Origin
from consensus.params import ReplicaConfig
from consensus.trace import EpochBegun
from network.sync import Sync
from node.commits import Commits
from node.config import Environment, NodeConfig, Role, sync_config
from node.ledger import Ledger
from node.seat import Seat
from node.verifiers import Keys
from primitives.epoch import Epoch
from primitives.header import decode_header, header_hash
from primitives.ids import Instant, Sequence
from primitives.machine import Effect, Emit, Record, Started


class Place(msgspec.Struct, frozen=True):
    """Where a node stands in a committee."""

    index: int
    keys: Keys
    """Those of its own that the committee knows."""


class Epochs:
    """The replicas of one node, one after another.

    Args:
        config: the node's own choices.
        environment: what it shares with its network.
        ledger: its blocks.
        sync: fetches blocks; validators and followers differ in how.
        commits: makes blocks final; so they do there.
        records: the replica's log, as the store has it.

    Raises:
        ValueError: a validator without a signer.
    """

    __slots__ = (
        "_commits",
        "_config",
        "_environment",
        "_ledger",
        "_log",
        "_sync",
        "epoch",
        "replica",
    )

    def __init__(
        self,
        config: NodeConfig,
        environment: Environment,
        ledger: Ledger,
        sync: Sync,
        commits: Commits,
        records: Seq[Record],
    ) -> None:
        if config.role is Role.VALIDATOR and environment.signer is None:
            raise ValueError(f"validator {config.index} has no signer")
        self._config = config
        self._environment = environment
        self._ledger = ledger
        self._sync = sync
        self._commits = commits
        self._log = records
        """As this life found it; with promises of later epochs, if the node has lost blocks."""
        self.epoch: Epoch = ledger.tip.epoch
        """What the next block belongs to."""
        self.replica: ConsensusCore | None = self._begin()
        """None while the node is no validator."""

    def advance(self, now: Instant) -> list[Effect]:
        """Follow the head into a later epoch."""
        epoch = self._ledger.tip.epoch
        if epoch.number == self.epoch.number:
            return []
        self.epoch = epoch
        begun = EpochBegun(epoch.number, epoch.committee.size, epoch.since)
        effects: list[Effect] = [Emit(begun)]
        if self.replica is not None:
            effects += self.replica.retire()
        self.replica = self._begin()
        if self.replica is not None:
            effects += self.replica.step(now, Started())
        return effects

    def place(self) -> Place | None:
        """Return where this node stands in the committee; None if it is no validator.

        A node that the committee knows under keys which it does not have is none either.
        """
        index = self.epoch.committee.index_of(self._config.index)
        if index is None:
            return None
        known = self.epoch.committee.members[index]
        for keys in self._environment.keys:
            votes = keys.vote_signer
            fits = votes is None or votes.public_key == known.aggregate_key
            if fits and keys.signer.public_key == known.public_key:
                return Place(index, keys)
        return None

    def origin(self) -> Origin | None:
        """Return the block that closed the epoch before; None in the first one."""
        if self.epoch.number == 0:
            return None
        header = decode_header(self._ledger.checkpoints.closings[-1].header)
        return Origin(Sequence(header.number), header_hash(header))

    def _begin(self) -> ConsensusCore | None:
        place = self.place()
        validates = place is not None
        self._commits.validates = validates
        exchange = sync_config(self._config, self._environment, self.epoch, validates=validates)
        self._sync.configure(exchange)
        return None if place is None else self._replica(place)

    def _replica(self, place: Place) -> ConsensusCore:
        epoch, shared = self.epoch, self._environment
        height, digest = self._ledger.head()
        config = ReplicaConfig(
            index=place.index,
            committee=epoch.committee,
            genesis_hash=shared.genesis_block.digest,
            signer=place.keys.signer,
            vote_signer=place.keys.vote_signer,
            verifier=shared.verifier_of(epoch),
            params=shared.consensus,
            sequence=Sequence(height),
            digest=digest,
            trail=tuple(c for c in self._ledger.trail() if c.epoch == epoch.number),
            epoch=epoch.number,
            origin=self.origin(),
            group=group_of(epoch.number),
        )
        core = shared.engine.create(config, self._log)
        if epoch.number == 0 and epoch.committee.nodes == tuple(range(epoch.committee.size)):
            return core
        return Seat(core, epoch.committee, place.index, epoch.number)


def group_of(epoch: int) -> str:
    """Return the name of the group that the committee of an epoch makes."""
    return "committee" if epoch == 0 else f"committee/{epoch}"
