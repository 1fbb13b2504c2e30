"""Degrees, delays, limits and weights of a mesh.

Reference: Ethereum's consensus p2p interface (D 8, 6, 12; lazy 6; heartbeat 700 ms; caches of 6
and 3 windows; seen for two epochs); gossipsub v1.1 and go-libp2p for what that leaves open.
"""

from enum import StrEnum

import msgspec

from network.mesh.messages import PAYLOAD_BYTES_MAX
from primitives.errors import InvalidInput
from primitives.ids import Duration

MEBIBYTE = 1 << 20
SECOND_NS = 1_000_000_000


class MeshTimer(StrEnum):
    """Names of the timers of the mesh core."""

    HEARTBEAT = "mesh.heartbeat"


class ScoreConfig(msgspec.Struct, frozen=True):
    """What the behaviour of a peer weighs. Points are counted in thousandths, as integers.

    One set of counters serves all topics. The penalty of v1.1 for delivering too little (P3) is
    left out: Ethereum's clients turned it off for blocks, because a network whose rate is low
    makes honest peers look idle.
    """

    beat_points: int = 10
    """P1, for each heartbeat in a mesh, in thousandths of a point."""
    beat_points_max: int = 3_000
    delivery_points: int = 1_000
    """P2, for each message that this peer was the first to bring, in thousandths of a point."""
    deliveries_max: int = 20
    invalid_points: int = 10_000
    """P4, times the square of invalid messages, in thousandths of a point."""
    fault_points: int = 5_000
    """P7, times the square of the faults beyond `faults_free`, in thousandths of a point."""
    faults_free: int = 4
    """Broken promises and early grafts that cost nothing: loss and crashes look the same."""
    delivery_keep: int = 990
    """Thousandths of the counter that are left after each heartbeat; likewise below."""
    invalid_keep: int = 999
    fault_keep: int = 985
    gossip_threshold: int = -10_000
    """Score below which ids are neither sent nor listened to."""
    publish_threshold: int = -50_000
    """Score below which a peer gets nothing of one's own."""
    graylist_threshold: int = -80_000
    """Score below which a peer is not listened to at all."""
    opportunistic_threshold: int = 1_000
    """Median score of a mesh below which better peers are grafted although it is full enough."""


class MeshConfig(msgspec.Struct, frozen=True):
    """Limits and delays of the mesh; each is one node's own choice."""

    degree: int = 8
    """D: links that a mesh is filled up or cut down to."""
    degree_low: int = 6
    degree_high: int = 12
    degree_score: int = 4
    """How many links a mesh that is cut down keeps for their score; the others by chance."""
    degree_lazy: int = 6
    """Least number of peers outside the mesh that hear ids at each heartbeat."""
    lazy_percent: int = 25
    """Share of the peers outside the mesh that hear ids, if that is more."""
    heartbeat: Duration = Duration(700_000_000)
    windows: int = 6
    """Heartbeats for which a message can be asked for."""
    windows_gossip: int = 3
    """Heartbeats for which its id is told."""
    cache_bytes: int = 64 * MEBIBYTE
    """Most bytes of messages that can be asked for; the oldest go first."""
    seen_ttl: Duration = Duration(768 * SECOND_NS)
    """How long an id is remembered. Ethereum: two epochs."""
    seen_max: int = 65_536
    fanout_ttl: Duration = Duration(60 * SECOND_NS)
    """How long the peers are kept for a topic that is published to and not joined."""
    backoff: Duration = Duration(60 * SECOND_NS)
    """How long two peers do not graft after a prune."""
    backoff_leave: Duration = Duration(10 * SECOND_NS)
    """The same when the topic was left."""
    backoff_max: Duration = Duration(3_600 * SECOND_NS)
    """Longest back-off that a peer may ask for."""
    backoffs_max: int = 16_384
    graft_flood_window: Duration = Duration(10 * SECOND_NS)
    """A graft within this time after a prune is a second fault."""
    opportunistic_beats: int = 86
    """Heartbeats between two looks at the median score: a minute."""
    opportunistic_grafts: int = 2
    promise: Duration = Duration(3 * SECOND_NS)
    """After which a message that was promised and asked for counts as withheld."""
    promises_per_peer: int = 4
    """Promises of one peer that are watched at a time: as many as may be broken without a cost.
    Behind a cut that is over its ids of many heartbeats come at once, and messages of most of them
    are not kept any more."""
    retransmissions: int = 3
    """How often one peer gets the same message on demand."""
    haves_per_beat: int = 10
    """`MeshHave`s of one peer that are read between two heartbeats."""
    ids_per_beat: int = 5_000
    """Ids asked of one peer between two heartbeats."""
    unwanted_bytes_min: int = 1_024
    """Length from which on a message's arrival is told to the mesh, so that nobody sends it too."""
    unwanted_beats: int = 3
    """Heartbeats for which it is remembered that a peer does not want a message."""
    unwanted_max: int = 256
    """Of how many messages, for each peer."""
    served_bytes_per_beat: int = 16 * MEBIBYTE
    """Bytes that one peer gets on demand between two heartbeats."""
    pending_bytes_per_peer: int = 2 * PAYLOAD_BYTES_MAX
    """Bytes of one peer's messages that wait for the node's verdict."""
    pending_bytes_max: int = 64 * MEBIBYTE
    pending_per_peer: int = 256
    """Messages of one peer that wait for it."""
    refused_max: int = 4_096
    """Ids of messages that were not valid, and are remembered as such."""
    topics_per_peer: int = 32
    """Subscriptions of a peer that are remembered."""
    retained_max: int = 1_024
    """Peers whose bad score is remembered after they have gone."""
    retained_ttl: Duration = Duration(3_600 * SECOND_NS)
    flood_publish: bool = False
    """Whether one's own messages go to every subscriber. Safe against an eclipse, but a block's
    leader would send its block as often as it has peers."""
    scores: ScoreConfig = ScoreConfig()

    def __post_init__(self) -> None:
        """Refuse degrees that contradict each other.

        Raises:
            InvalidInput: no mesh can keep them.
        """
        if not 0 < self.degree_low <= self.degree <= self.degree_high:
            raise InvalidInput(
                "network.mesh.degree",
                "0 < degree_low <= degree <= degree_high",
                (self.degree_low, self.degree, self.degree_high),
            )
        if not 0 <= self.degree_score <= self.degree:
            raise InvalidInput("network.mesh.degree_score", "at most degree", self.degree_score)
        if not 0 < self.windows_gossip <= self.windows:
            raise InvalidInput("network.mesh.windows_gossip", "1 to windows", self.windows_gossip)
