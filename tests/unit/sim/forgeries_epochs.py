"""A certificate of a run whose committee has changed twice, and what a forger makes of it.

The forger has the keys of all validators, of before and of later: what he shows are true
signatures. What he lacks is a quorum of the committee of *each* epoch that would sign for him.
"""

import json
from collections.abc import Callable
from functools import cache

import msgspec

from consensus.messages import Commit
from consensus.signing import binding, signed_payload
from node.finality import FinalityProof, Handover, decode_proof, encode_committee, encode_proof
from node.finality_reasons import Reason
from primitives.committee import Committee
from primitives.epoch import epoch_commitment
from primitives.header import header_hash
from primitives.ids import Duration, Hash32
from primitives.keys import Signer
from primitives.params import CertificateForm
from sim.assembly import build_world
from sim.certificates import head_proof, world_committee
from sim.scenario import Chain, ChangeCommittee, Consensus, Network, Scenario, Transfers
from sim.signatures import member_keys
from sim.world import World
from tests.unit.sim.forgeries import Document

SECOND = 1_000_000_000
SEED = 3


@cache
def changing_world(certificates: CertificateForm = "ed25519") -> World:
    """Return six nodes whose committee of five has changed at blocks 4 and 8."""
    plan = Scenario(
        name="changing",
        duration=Duration(60 * SECOND),
        network=Network(validators=5, followers=1, latency="aws-13"),
        consensus=Consensus(
            empty_blocks=True, block_interval=Duration(SECOND), certificates=certificates
        ),
        chain=Chain(checkpoint_interval=4),
        workload=Transfers(
            accounts=1, rate=0.001, start=Duration(SECOND), stop=Duration(SECOND + 1)
        ),
        events=(
            ChangeCommittee(at=Duration(SECOND), add=(5,), remove=(1,)),
            ChangeCommittee(at=Duration(7 * SECOND), rekey=(0,)),
        ),
    )
    world = build_world(plan, seed=SEED, with_clients=False)
    world.run_until(15 * SECOND)
    return world


@cache
def proof() -> FinalityProof:
    found = head_proof(changing_world(), "real")
    assert found is not None
    return found


def text(changed: FinalityProof) -> bytes:
    return encode_proof(changed)


def document(changed: FinalityProof) -> Document:
    found: Document = json.loads(encode_proof(changed))
    return found


def genesis_hash() -> Hash32:
    return changing_world().environment.genesis_block.digest


def committee_text() -> bytes:
    return encode_committee(world_committee(changing_world()))


def signer(key: bytes) -> Signer:
    """Return who signs under a key, of all that this run has."""
    for node in range(6):
        for generation in (0, 1):
            keys, member = member_keys(SEED, node, generation, True, "ed25519")
            if member.public_key == key:
                return keys.signer
    raise KeyError(key.hex())


def signed(handover: Handover, committee: Committee, epoch: int, shard: int = 0) -> Handover:
    """Let a committee certify the header of a handover, under the name of whatever epoch."""
    header, certificate = handover.header, handover.certificate
    digest = header_hash(header)
    message = Commit(certificate.view, certificate.sequence, digest, 0, b"")
    payload = signed_payload(binding(genesis_hash(), shard, epoch), message)
    places = tuple(range(committee.quorum))
    marks = tuple(signer(committee.members[place].public_key).sign(payload) for place in places)
    forged = msgspec.structs.replace(certificate, digest=digest, signers=places, signatures=marks)
    return msgspec.structs.replace(handover, certificate=forged)


def with_handovers(*handovers: Handover, **changes: object) -> FinalityProof:
    return msgspec.structs.replace(proof(), handovers=handovers, **changes)


def renumbered(changed: FinalityProof, epoch: int) -> FinalityProof:
    source = msgspec.structs.replace(changed.source, epoch=epoch)
    return msgspec.structs.replace(changed, source=source)


def of_shard(shard: int, successors: Committee) -> FinalityProof:
    """A head that `successors` have certified, after the first epoch's end, all in one shard."""
    true = proof()
    first, _ = true.handovers
    head = Handover(successors, true.header, msgspec.structs.replace(true.certificate, epoch=1))
    source = msgspec.structs.replace(true.source, shard=shard, epoch=1, committee=successors)
    return with_handovers(
        signed(first, first.committee, 0, shard),
        source=source,
        certificate=signed(head, successors, 1, shard).certificate,
    )


# ---------------------------------------------------------------- the forgeries


def no_handovers() -> FinalityProof:
    """Let the committee of epoch 2 speak for itself."""
    return with_handovers()


def no_handovers_renamed() -> FinalityProof:
    """Call it the first committee."""
    return renumbered(with_handovers(), 0)


def skipped() -> FinalityProof:
    """Leave out the first epoch's end."""
    return with_handovers(proof().handovers[1])


def skipped_renamed() -> FinalityProof:
    """Leave it out, and count anew."""
    return renumbered(with_handovers(proof().handovers[1]), 1)


def last_skipped() -> FinalityProof:
    """Show how the first epoch ended, and let the third committee stand for the second."""
    return renumbered(with_handovers(proof().handovers[0]), 1)


def swapped() -> FinalityProof:
    return with_handovers(*reversed(proof().handovers))


def repeated() -> FinalityProof:
    first, second = proof().handovers
    return renumbered(with_handovers(first, first, second), 3)


def wrong_epoch() -> FinalityProof:
    return renumbered(proof(), 3)


def old_committee() -> FinalityProof:
    """Let the committee of the first epoch certify the head, which it has nothing to say about."""
    true = proof()
    return FinalityProof(
        true.signatures,
        msgspec.structs.replace(true.source, committee=true.handovers[0].committee),
        true.genesis_header,
        true.params,
        true.header,
        true.certificate,
        true.handovers,
    )


def certified_by_the_new_committee_only() -> FinalityProof:
    """Let the committee that comes say that the one before has handed over to it."""
    first, second = proof().handovers
    return with_handovers(signed(first, second.committee, 0), second)


def certified_under_the_next_epoch() -> FinalityProof:
    """Let the committee that ends sign, but as if its epoch were the next one."""
    first, second = proof().handovers
    return with_handovers(signed(first, first.committee, 1), second)


def other_committee_follows() -> FinalityProof:
    """Hand over to a committee of the forger's, in a header that nobody has certified."""
    first, second = proof().handovers
    mine = Committee.of_keys(signer(key).public_key for key in first.committee.public_keys[::-1])
    header = msgspec.structs.replace(
        first.header, extra_data=epoch_commitment(proof().params, mine, 1)
    )
    certificate = msgspec.structs.replace(first.certificate, digest=header_hash(header))
    forged = msgspec.structs.replace(first, header=header, certificate=certificate)
    return with_handovers(forged, msgspec.structs.replace(second, committee=mine))


def too_few() -> FinalityProof:
    first, second = proof().handovers
    few = msgspec.structs.replace(
        first.certificate,
        signers=first.certificate.signers[:3],
        signatures=first.certificate.signatures[:3],
    )
    return with_handovers(msgspec.structs.replace(first, certificate=few), second)


def other_certificate() -> FinalityProof:
    """Show the certificate of another block for the closing one."""
    first, second = proof().handovers
    other = msgspec.structs.replace(first, certificate=second.certificate)
    return with_handovers(other, second)


def other_nodes() -> FinalityProof:
    """Give a validator of the last committee another number."""
    true = proof()
    members = [
        msgspec.structs.replace(member, node=9) if member.node == 5 else member
        for member in true.source.committee.members
    ]
    source = msgspec.structs.replace(true.source, committee=Committee(tuple(members)))
    return msgspec.structs.replace(true, source=source)


FORGERIES: dict[str, tuple[Callable[[], FinalityProof], Reason]] = {
    "no handovers": (no_handovers, Reason.EPOCH),
    "no handovers, called the first epoch": (no_handovers_renamed, Reason.COMMITTEE),
    "a handover skipped": (skipped, Reason.EPOCH),
    "a handover skipped, counted anew": (skipped_renamed, Reason.COMMITTEE),
    "the last handover skipped, counted anew": (last_skipped, Reason.HANDOVER),
    "handovers swapped": (swapped, Reason.COMMITTEE),
    "a handover shown twice": (repeated, Reason.HANDOVER),
    "wrong epoch": (wrong_epoch, Reason.EPOCH),
    "certified by the first committee": (old_committee, Reason.HANDOVER),
    "handover certified by the new committee only": (
        certified_by_the_new_committee_only,
        Reason.SIGNER,
    ),
    "handover certified under the next epoch": (certified_under_the_next_epoch, Reason.EPOCH),
    "handover to another committee": (other_committee_follows, Reason.SIGNATURE),
    "handover with too few signatures": (too_few, Reason.TOO_FEW),
    "handover with another block's certificate": (other_certificate, Reason.SEQUENCE),
    "another node": (other_nodes, Reason.HANDOVER),
}
"""Each forged file, and the reason that a reader who trusts the genesis hash must give."""


def decoded(changed: FinalityProof) -> FinalityProof:
    return decode_proof(text(changed), "certificate.json")
