"""A final block's certificate as a file that stands alone.

Whoever holds the file and knows the genesis hash needs nothing else to check that a block is
final. The header of block 0 hashes to the genesis hash; its extra data is the hash of the chain's
parameters and committee; a quorum of that committee has signed a COMMIT for the hash of the
block's header; and the header has the roots under which everything in the block can be shown.
Where the committee has changed since genesis, the file also has each block that closed an epoch,
certified by the committee that it ends and committing to the one that it begins.

The file is JSON. Its fields are described in docs/guides/certificates.md, for those who write a
client in another language; `node.finality_rules` judges what it says.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consensus.certificate import Certificate
from node.finality_form import (
    BLS_KEY_PATTERN,
    BLS_SIGNATURE_PATTERN,
    BYTES_PATTERN,
    HASH_PATTERN,
    SIGNATURE_PATTERN,
    read_file,
)
from primitives.codec import decode_canonical, encode_canonical
from primitives.committee import Committee, Member
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.header import Header, decode_header, encode_header
from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.params import ChainParams

HexHash = Annotated[str, Meta(pattern=HASH_PATTERN)]
HexSignature = Annotated[str, Meta(pattern=SIGNATURE_PATTERN)]
HexBlsKey = Annotated[str, Meta(pattern=BLS_KEY_PATTERN)]
HexBlsSignature = Annotated[str, Meta(pattern=BLS_SIGNATURE_PATTERN)]
HexBytes = Annotated[str, Meta(pattern=BYTES_PATTERN)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Number32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]

SignatureKind = Literal["ed25519", "bls", "modelled", "modelled-bls"]


class _Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    replica: Count
    signature: HexSignature


class _AggregateKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: HexBlsKey
    possession: HexBlsSignature


class _Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    view: Count
    sequence: Count
    digest: HexHash
    signatures: tuple[_Vote, ...] | UnsetType = UNSET
    signers: tuple[Count, ...] | UnsetType = UNSET
    aggregate: HexBlsSignature | UnsetType = UNSET


class _Chain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    genesis_hash: HexHash
    genesis_header: HexBytes
    params: HexBytes
    shard: Number32
    epoch: Count


class _Handover(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    committee: tuple[HexHash, ...]
    header: HexBytes
    certificate: _Certificate
    nodes: tuple[Number32, ...] | UnsetType = UNSET
    aggregate_keys: tuple[_AggregateKey, ...] | UnsetType = UNSET


class _ProofFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    format: Literal["orrery.finality"]
    version: Literal[1]
    signatures: SignatureKind
    chain: _Chain
    committee: tuple[HexHash, ...]
    header: HexBytes
    certificate: _Certificate
    nodes: tuple[Number32, ...] | UnsetType = UNSET
    aggregate_keys: tuple[_AggregateKey, ...] | UnsetType = UNSET
    handovers: tuple[_Handover, ...] = ()


class _CommitteeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["orrery.committee"]
    version: Literal[1]
    genesis_hash: HexHash
    shard: Number32
    epoch: Count
    committee: tuple[HexHash, ...]
    nodes: tuple[Number32, ...] | UnsetType = UNSET
    aggregate_keys: tuple[_AggregateKey, ...] | UnsetType = UNSET


class ChainCommittee(msgspec.Struct, frozen=True):
    """Who may certify what: the committee of one epoch of one shard of one chain."""

    genesis_hash: Hash32
    shard: int
    epoch: int
    committee: Committee


class Handover(msgspec.Struct, frozen=True):
    """The end of an epoch."""

    committee: Committee
    """The one that ends."""
    header: Header
    """Of the closing block, whose extra data commits to the next committee."""
    certificate: Certificate
    """Of that block, by the committee that ends."""


class FinalityProof(msgspec.Struct, frozen=True):
    """What a certificate file says, none of it checked yet."""

    signatures: SignatureKind
    """"bls" is one that all signers have made together; "modelled" ones, of either form, only
    stand for real ones in a simulation."""
    source: ChainCommittee
    """Who is said to have signed."""
    genesis_header: Header
    params: ChainParams
    header: Header
    """Of the block that is said to be final."""
    certificate: Certificate
    handovers: tuple[Handover, ...] = ()
    """The ends of all epochs before that of the certificate, from the first one on."""

    @property
    def aggregated(self) -> bool:
        """Whether its certificate holds one signature for all signers."""
        return is_aggregate(self.signatures)


def is_aggregate(kind: SignatureKind) -> bool:
    """Tell whether certificates of a kind hold one signature for all signers."""
    return kind in {"bls", "modelled-bls"}


def encode_proof(proof: FinalityProof) -> bytes:
    """Return the certificate file: indented JSON with a final newline."""
    source = proof.source
    return _json(
        _ProofFile(
            "orrery.finality",
            1,
            proof.signatures,
            _Chain(
                _hex(source.genesis_hash),
                _hex(encode_header(proof.genesis_header)),
                _hex(encode_canonical(proof.params)),
                source.shard,
                source.epoch,
            ),
            tuple(_hex(key) for key in source.committee.public_keys),
            _hex(encode_header(proof.header)),
            _shown(proof.certificate, proof.signatures),
            *_members(source.committee),
            tuple(_handover(each, proof.signatures) for each in proof.handovers),
        )
    )


def _handover(handover: Handover, kind: SignatureKind) -> _Handover:
    committee = handover.committee
    return _Handover(
        tuple(_hex(key) for key in committee.public_keys),
        _hex(encode_header(handover.header)),
        _shown(handover.certificate, kind),
        *_members(committee),
    )


def _shown(certificate: Certificate, kind: SignatureKind) -> _Certificate:
    place = (certificate.view, certificate.sequence, _hex(certificate.digest))
    if is_aggregate(kind):
        (aggregate,) = certificate.signatures
        return _Certificate(*place, signers=certificate.signers, aggregate=_hex(aggregate))
    pairs = zip(certificate.signers, certificate.signatures, strict=True)
    return _Certificate(*place, tuple(_Vote(replica, _hex(mark)) for replica, mark in pairs))


def _members(
    committee: Committee,
) -> tuple[tuple[int, ...] | UnsetType, tuple[_AggregateKey, ...] | UnsetType]:
    """Return what stands beside the keys of a committee, where it is not the plainest one."""
    nodes: tuple[int, ...] | UnsetType = committee.nodes
    if nodes == tuple(range(committee.size)):
        nodes = UNSET
    if not committee.members[0].aggregate_key:
        return nodes, UNSET
    pairs = [_AggregateKey(_hex(m.aggregate_key), _hex(m.possession)) for m in committee.members]
    return nodes, tuple(pairs)


def decode_proof(data: bytes, name: str) -> FinalityProof:
    """Read a certificate file.

    Args:
        data: its bytes.
        name: how the user calls it, for messages.

    Raises:
        InvalidInput: it is not of that form; where, and what was expected.
    """
    file = read_file(data, _ProofFile, name)
    chain, shown = file.chain, file.certificate
    kind = file.signatures
    parts = [("", file.aggregate_keys, shown)]
    for index, each in enumerate(file.handovers):
        parts.append((f"handovers[{index}].", each.aggregate_keys, each.certificate))
    for where, keys, certificate in parts:
        _check_kind(f"{name}: {where}", kind, keys, certificate)
    try:
        place = (chain.genesis_hash, chain.shard, chain.epoch)
        return FinalityProof(
            kind,
            _source(place, _committee(file.committee, file.nodes, file.aggregate_keys)),
            _header(chain.genesis_header, "chain.genesis_header"),
            _params(chain.params),
            _header(file.header, "header"),
            _certificate(shown, chain.epoch),
            tuple(_decoded_handover(epoch, each) for epoch, each in enumerate(file.handovers)),
        )
    except InvalidInput as error:
        raise InvalidEncoding(f"{name}: {error.where}", error.expected, error.actual) from error


def _decoded_handover(epoch: int, each: _Handover) -> Handover:
    return Handover(
        _committee(each.committee, each.nodes, each.aggregate_keys),
        _header(each.header, f"handovers[{epoch}].header"),
        _certificate(each.certificate, epoch),
    )


def _check_kind(
    name: str,
    kind: SignatureKind,
    keys: tuple[_AggregateKey, ...] | UnsetType,
    shown: _Certificate,
) -> None:
    """Check that a certificate has the fields of the kind of signatures, and no others.

    Raises:
        InvalidEncoding: a field of it is missing, or one of the other kind is there.
    """
    fields = {
        "certificate.signatures": shown.signatures is not UNSET,
        "certificate.signers": shown.signers is not UNSET,
        "certificate.aggregate": shown.aggregate is not UNSET,
        "aggregate_keys": keys is not UNSET,
    }
    aggregated = is_aggregate(kind)
    for where, present in fields.items():
        needed = aggregated != (where == "certificate.signatures")
        if present != needed:
            expected = f"{'a' if needed else 'no'} field where signatures are {kind}"
            raise InvalidEncoding(f"{name}{where}", expected, "one" if present else "none")


def _certificate(shown: _Certificate, epoch: int) -> Certificate:
    place = (epoch, View(shown.view), Sequence(shown.sequence), Hash32(_bytes(shown.digest)))
    if isinstance(shown.signatures, UnsetType):
        assert not isinstance(shown.signers, UnsetType), "checked before"
        assert not isinstance(shown.aggregate, UnsetType), "checked before"
        return Certificate(*place, shown.signers, (_bytes(shown.aggregate),))
    signers = tuple(vote.replica for vote in shown.signatures)
    return Certificate(*place, signers, tuple(_bytes(vote.signature) for vote in shown.signatures))


def encode_committee(source: ChainCommittee) -> bytes:
    """Return the committee file: indented JSON with a final newline."""
    keys = tuple(_hex(key) for key in source.committee.public_keys)
    place = (_hex(source.genesis_hash), source.shard, source.epoch)
    beside = _members(source.committee)
    return _json(_CommitteeFile("orrery.committee", 1, *place, keys, *beside))


def decode_committee(data: bytes, name: str) -> ChainCommittee:
    """Read a committee file.

    Args:
        data: its bytes.
        name: how the user calls it, for messages.

    Raises:
        InvalidInput: it is not of that form; where, and what was expected.
    """
    file = read_file(data, _CommitteeFile, name)
    try:
        place = (file.genesis_hash, file.shard, file.epoch)
        return _source(place, _committee(file.committee, file.nodes, file.aggregate_keys))
    except InvalidInput as error:
        raise InvalidEncoding(f"{name}: {error.where}", error.expected, error.actual) from error


def _source(place: tuple[str, int, int], committee: Committee) -> ChainCommittee:
    genesis_hash, shard, epoch = place
    return ChainCommittee(Hash32(_bytes(genesis_hash)), shard, epoch, committee)


def _committee(
    keys: tuple[str, ...],
    nodes: tuple[int, ...] | UnsetType,
    aggregate_keys: tuple[_AggregateKey, ...] | UnsetType,
) -> Committee:
    """Put together what stands in several fields of a file."""
    numbers = tuple(range(len(keys))) if isinstance(nodes, UnsetType) else nodes
    if len(numbers) != len(keys):
        raise InvalidInput("nodes", f"one for each of {len(keys)} validators", len(numbers))
    pairs = [(b"", b"")] * len(keys)
    if not isinstance(aggregate_keys, UnsetType):
        pairs = [(_bytes(other.key), _bytes(other.possession)) for other in aggregate_keys]
    if len(pairs) != len(keys):
        raise InvalidInput("aggregate_keys", f"one for each of {len(keys)} validators", len(pairs))
    members = zip(numbers, keys, pairs, strict=True)
    return Committee(tuple(Member(NodeId(node), _bytes(key), *pair) for node, key, pair in members))


def _header(text: str, where: str) -> Header:
    try:
        return decode_header(_bytes(text))
    except InvalidInput as error:
        place = error.where.replace("header", where, 1)
        raise InvalidEncoding(
            place if where in place else f"{where} ({error.where})", error.expected, error.actual
        ) from error


def _params(text: str) -> ChainParams:
    try:
        return decode_canonical(_bytes(text), ChainParams)
    except InvalidInput as error:
        raise InvalidEncoding("chain.params", error.expected, error.actual) from error


def _json(value: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
