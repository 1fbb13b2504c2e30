"""Keys and blocks that cost nothing, for tests of consensus alone."""

import hashlib
from dataclasses import dataclass

from consensus.certificate import Certificate, PreparedCertificate
from consensus.messages import Commit, Prepare
from consensus.params import ConsensusParams, ReplicaConfig
from consensus.replica import Replica
from consensus.signing import CommitteeVerifier, MemoVerifier, binding, signed_payload
from primitives.codec import decode_canonical, encode_canonical
from primitives.committee import Committee
from primitives.ids import Duration, Hash32, Sequence, View

GENESIS = Hash32(b"g" * 32)
MS = 1_000_000


@dataclass(frozen=True)
class ToyKey:
    """Signs with a hash. Whoever knows the public key could forge; no test here does."""

    public_key: bytes

    def sign(self, payload: bytes) -> bytes:
        return hashlib.blake2b(payload, key=self.public_key).digest()


class ToyVerifier:
    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        return hashlib.blake2b(payload, key=public_key).digest() == signature


def public_keys(n: int) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(b"validator %d" % i).digest() for i in range(n))


def keys(n: int) -> list[ToyKey]:
    return [ToyKey(key) for key in public_keys(n)]


def toy_verifier(committee: Committee, genesis: Hash32 = GENESIS) -> MemoVerifier:
    return MemoVerifier(CommitteeVerifier(committee, genesis, ToyVerifier()))


PARAMS = ConsensusParams(
    request_timeout=Duration(400 * MS),
    view_change_timeout=Duration(400 * MS),
    repair_interval=Duration(100 * MS),
    batch_size=4,
    batch_delay=Duration(5 * MS),
    pipeline_depth=3,
    window=12,
)


def config(index: int, n: int, **changes: object) -> ReplicaConfig:
    committee = changes.pop("committee", None) or Committee.of_keys(public_keys(n))
    assert isinstance(committee, Committee)
    fields: dict[str, object] = {
        "index": index,
        "committee": committee,
        "genesis_hash": GENESIS,
        "signer": keys(n)[index],
        "verifier": toy_verifier(committee),
        "params": PARAMS,
    }
    return ReplicaConfig(**(fields | changes))  # type: ignore[arg-type]


def replica(index: int, n: int, **changes: object) -> Replica:
    return Replica(config(index, n, **changes))


def signed_prepare(
    n: int, replica: int, view: int, sequence: int, digest: bytes, parent: bytes
) -> Prepare:
    fields = (View(view), Sequence(sequence), Hash32(digest), Hash32(parent), replica)
    payload = signed_payload(binding(GENESIS), Prepare(*fields, b""))
    return Prepare(*fields, keys(n)[replica].sign(payload))


def signed_commit(n: int, replica: int, view: int, sequence: int, digest: bytes) -> Commit:
    fields = (View(view), Sequence(sequence), Hash32(digest), replica)
    payload = signed_payload(binding(GENESIS), Commit(*fields, b""))
    return Commit(*fields, keys(n)[replica].sign(payload))


def commit_certificate(
    n: int, signers: list[int], view: int, sequence: int, digest: bytes
) -> Certificate:
    marks = tuple(signed_commit(n, i, view, sequence, digest).signature for i in signers)
    place = View(view), Sequence(sequence), Hash32(digest)
    return Certificate(0, *place, tuple(signers), marks)


def prepared_certificate(
    n: int, signers: list[int], view: int, sequence: int, digest: bytes, parent: bytes
) -> PreparedCertificate:
    votes = [signed_prepare(n, i, view, sequence, digest, parent) for i in signers]
    place = View(view), Sequence(sequence), Hash32(digest), Hash32(parent)
    marks = tuple(vote.signature for vote in votes)
    return PreparedCertificate(*place, tuple(signers), marks)


@dataclass(frozen=True)
class ToyBlock:
    """A block whose digest is the hash of its payload."""

    sequence: int
    parent: Hash32
    builder: int
    transactions: tuple[int, ...]

    @property
    def payload(self) -> bytes:
        return encode_canonical((self.sequence, self.parent, self.builder, self.transactions))

    @property
    def digest(self) -> Hash32:
        return digest_of(self.payload)


def digest_of(payload: bytes) -> Hash32:
    return Hash32(hashlib.sha256(payload).digest())


def decode_block(payload: bytes) -> ToyBlock:
    fields = decode_canonical(payload, tuple[int, bytes, int, tuple[int, ...]])
    return ToyBlock(fields[0], Hash32(fields[1]), fields[2], fields[3])
