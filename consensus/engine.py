"""A consensus protocol as its node sees it: the door that a protocol of your own goes through.

A node asks an engine for a core, hands that core the events of `consensus.effects`, its own
timers and the messages of its kinds, and performs what it answers. It knows nothing else about
the protocol, neither views nor phases. What every protocol has to keep to:

* A block is final by a `Certificate` that `consensus.signing.verify_certificate` accepts: COMMIT
  signatures of a quorum of the committee. Followers, state transfer, checkers and light clients
  live on these, and none of them knows the protocol.
* `Deliver` comes in the order of sequences, each once. `RequestBlock` and `ValidateBlock` name a
  parent that is delivered, or was built or found valid before.
* The protocol's messages, `Persist`s and looped-back events name the core "consensus", so what
  it must remember is durable before it speaks (`primitives.machine`, rule 2). Its records stand
  in `table`, which nobody else writes to.
* A core lives for one epoch. What `BlockBuilt` and `BlockValidated` call `closing` is the last
  block that it may decide; nothing above it is proposed or voted for, and its records name the
  epoch, so that the core of the next one can tell them from its own (`primitives.epoch`).
* A core is a pure turn: it reads no clock, draws no lots, and a node may replace it by a new one
  of the same engine at any time.

`consensus.pbft` is the engine that ships.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence as Seq
from typing import Any, Protocol

from consensus.params import ReplicaConfig
from primitives.ids import Instant, NodeId, Sequence, View
from primitives.machine import Effect, Event, Message, Record

MessageHandler = Callable[[Instant, NodeId, Any], Seq[Effect]]
"""(now, sender, message) -> effects."""


class ConsensusCore(Protocol):
    """One replica: a machine that also shows how far it is."""

    @property
    def handlers(self) -> Mapping[type[Message], MessageHandler]:
        """What to call for each kind of message.

        The node puts these into its own table, so that a vote costs one look-up. An answer that
        is `consensus.effects.VERIFIED` itself passes through the node unexamined.
        """
        ...

    @property
    def view(self) -> View:
        """The view, round or term that it works in."""
        ...

    @property
    def delivered(self) -> Sequence:
        """The last sequence that it has delivered."""
        ...

    @property
    def scores(self) -> Mapping[int, int]:
        """How many lies it can prove of each peer that has told any."""
        ...

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn: `Started`, a timer, an answer of the node or a looped-back event.

        Events that the protocol does not know it ignores.
        """
        ...

    def retire(self) -> Seq[Effect]:
        """End its life: its epoch is over, and its node is about to make a core for the next one.

        Returns:
            What disarms all of its alarms and deletes its records; nothing else. The node has
            put the closing block before it, so a crash between the two finds the records, or
            the next epoch.
        """
        ...


class ConsensusEngine(Protocol):
    """A protocol, by name."""

    @property
    def name(self) -> str:
        """What `[consensus] protocol` calls it."""
        ...

    @property
    def table(self) -> str:
        """The table of the store that its log is in."""
        ...

    @property
    def messages(self) -> Mapping[type[Message], int]:
        """Its kinds of messages in wire order, each with the longest body in bytes."""
        ...

    @property
    def timers(self) -> tuple[Hashable, ...]:
        """The names of its alarms, which its core cancels when it retires."""
        ...

    def create(self, config: ReplicaConfig, records: Iterable[Record]) -> ConsensusCore:
        """Make a replica.

        Args:
            config: its place in the committee, its key, the chain it starts from.
            records: the durable rows of `table`; none at birth.

        Raises:
            InvalidEncoding: the records are not the protocol's.
        """
        ...
