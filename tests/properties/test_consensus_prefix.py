"""Why commit certificates can stand in for checkpoints: a COMMIT says what a CHECKPOINT would.

Who signs COMMIT(n) has n and everything below on its own disk, in its log or in its chain, or
knows from a certificate on its disk that a quorum has signed for it. So whoever shows Q COMMITs
may forget everything up to n: f+1 correct replicas hold it, whatever crashes.
"""

from consensus.certificate import Certificate
from consensus.log import BASE, BLOCK, LoggedBlock, epoch_key
from consensus.messages import Commit
from primitives.codec import decode_canonical
from primitives.machine import Message
from tests.properties.consensus_chaos import play
from tests.unit.consensus.harness import Network, SafetyViolation
from tests.unit.consensus.toy_node import ToyNode
from tests.unit.consensus.toys import GENESIS


class Witness(Network):
    """Looks at the disk of whoever signs a COMMIT, at the moment when it leaves."""

    def _check_vote(self, node: ToyNode, message: Message) -> None:
        super()._check_vote(node, message)
        if isinstance(message, Commit):
            _check_disk(node, message)


def _check_disk(node: ToyNode, vote: Commit) -> None:
    raw = node.disk.get(epoch_key(0, BASE))
    base = None if raw is None else decode_canonical(raw, Certificate)
    digest, sequence = vote.digest, int(vote.sequence)
    while sequence > len(node.disk_chain):
        if base is not None and sequence == base.sequence and sequence < vote.sequence:
            if digest != base.digest:
                raise SafetyViolation(f"{node.index} commits {vote.sequence} on another base")
            return
        value = node.disk.get(epoch_key(0, BLOCK + sequence.to_bytes(8, "big") + digest))
        if value is None:
            raise SafetyViolation(f"{node.index} commits {vote.sequence} without {sequence}")
        digest, sequence = decode_canonical(value, LoggedBlock).parent, sequence - 1
    below = node.disk_chain[sequence - 1][0].digest if sequence else GENESIS
    if digest != below:
        raise SafetyViolation(f"{node.index} commits {vote.sequence} beside its chain")


def test_who_commits_holds_the_whole_prefix_durably() -> None:
    for n, seed in ((4, 0), (4, 1), (4, 2), (5, 3), (7, 4)):
        net = play(n, seed, chaos_ms=1_500, network=Witness)
        assert net.sent["Commit"] > 0
        assert min(net.heights()) > 5
