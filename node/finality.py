"""A final block's certificate as a file that stands alone.

Whoever holds the file and knows the genesis hash needs nothing else to check that a block is
final. The header of block 0 hashes to the genesis hash; its extra data is the hash of the chain's
parameters and committee; a quorum of that committee has signed a COMMIT for the hash of the
block's header; and the header has the roots under which everything in the block can be shown.

The file is JSON. Its fields are described in docs/guides/certificates.md, for those who write a
client in another language; `node.finality_rules` judges what it says.
"""

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consensus.certificate import Certificate
from primitives.codec import decode_canonical, encode_canonical
from primitives.committee import Committee, Member
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.header import Header, decode_header, encode_header
from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.params import ChainParams

FILE_BYTES_MAX = 16 * 1024 * 1024
"""Longest file that is looked at; a certificate of 1,000 validators takes some 300 kB."""

FORM = "docs/guides/certificates.md"

HASH_PATTERN = "^0x[0-9a-f]{64}$"
SIGNATURE_PATTERN = "^0x[0-9a-f]{128}$"
BLS_KEY_PATTERN = "^0x[0-9a-f]{96}$"
BLS_SIGNATURE_PATTERN = "^0x[0-9a-f]{192}$"
BYTES_PATTERN = "^0x([0-9a-f]{2})*$"

WORDS = {
    HASH_PATTERN: "0x and 64 lower-case hexadecimal digits",
    SIGNATURE_PATTERN: "0x and 128 lower-case hexadecimal digits",
    BLS_KEY_PATTERN: "0x and 96 lower-case hexadecimal digits",
    BLS_SIGNATURE_PATTERN: "0x and 192 lower-case hexadecimal digits",
    BYTES_PATTERN: "0x and pairs of lower-case hexadecimal digits",
}
"""What the patterns ask for, in words."""
FAULTS = {
    "Object missing required field": f"all fields of {FORM}",
    "Object contains unknown field": f"only the fields of {FORM}",
    "Invalid enum value": f"a value that this version knows, see {FORM}",
}
"""Faults of another shape, as the start of msgspec's finding, and the rule that each breaks."""

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


class _ProofFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["orrery.finality"]
    version: Literal[1]
    signatures: SignatureKind
    chain: _Chain
    committee: tuple[HexHash, ...]
    header: HexBytes
    certificate: _Certificate
    aggregate_keys: tuple[_AggregateKey, ...] | UnsetType = UNSET


class _CommitteeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["orrery.committee"]
    version: Literal[1]
    genesis_hash: HexHash
    shard: Number32
    epoch: Count
    committee: tuple[HexHash, ...]
    aggregate_keys: tuple[_AggregateKey, ...] | UnsetType = UNSET


class ChainCommittee(msgspec.Struct, frozen=True):
    """Who may certify what: the committee of one epoch of one shard of one chain."""

    genesis_hash: Hash32
    shard: int
    epoch: int
    committee: Committee


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
            _shown(proof),
            _aggregate_keys(source.committee) if proof.aggregated else UNSET,
        )
    )


def _shown(proof: FinalityProof) -> _Certificate:
    certificate = proof.certificate
    place = (certificate.view, certificate.sequence, _hex(certificate.digest))
    if proof.aggregated:
        (aggregate,) = certificate.signatures
        return _Certificate(*place, signers=certificate.signers, aggregate=_hex(aggregate))
    pairs = zip(certificate.signers, certificate.signatures, strict=True)
    return _Certificate(*place, tuple(_Vote(replica, _hex(mark)) for replica, mark in pairs))


def _aggregate_keys(committee: Committee) -> tuple[_AggregateKey, ...]:
    return tuple(
        _AggregateKey(_hex(m.aggregate_key), _hex(m.possession)) for m in committee.members
    )


def decode_proof(data: bytes, name: str) -> FinalityProof:
    """Read a certificate file.

    Args:
        data: its bytes.
        name: how the user calls it, for messages.

    Raises:
        InvalidInput: it is not of that form; where, and what was expected.
    """
    file = _read(data, _ProofFile, name)
    chain, shown = file.chain, file.certificate
    signers, marks = _signed(file, name)
    try:
        return FinalityProof(
            file.signatures,
            _source(
                (chain.genesis_hash, chain.shard, chain.epoch), file.committee, file.aggregate_keys
            ),
            _header(chain.genesis_header, "chain.genesis_header"),
            _params(chain.params),
            _header(file.header, "header"),
            Certificate(
                chain.epoch,
                View(shown.view),
                Sequence(shown.sequence),
                Hash32(_bytes(shown.digest)),
                signers,
                marks,
            ),
        )
    except InvalidInput as error:
        raise InvalidEncoding(f"{name}: {error.where}", error.expected, error.actual) from error


def _signed(file: _ProofFile, name: str) -> tuple[tuple[int, ...], tuple[bytes, ...]]:
    """Return signers and signatures, from those fields that the kind of signatures has.

    Raises:
        InvalidEncoding: a field of it is missing, or one of the other kind is there.
    """
    shown = file.certificate
    fields = {
        "certificate.signatures": shown.signatures is not UNSET,
        "certificate.signers": shown.signers is not UNSET,
        "certificate.aggregate": shown.aggregate is not UNSET,
        "aggregate_keys": file.aggregate_keys is not UNSET,
    }
    aggregated = is_aggregate(file.signatures)
    for where, present in fields.items():
        needed = aggregated != (where == "certificate.signatures")
        if present != needed:
            expected = f"{'a' if needed else 'no'} field where signatures are {file.signatures}"
            raise InvalidEncoding(f"{name}: {where}", expected, "one" if present else "none")
    if isinstance(shown.signatures, UnsetType):
        assert not isinstance(shown.signers, UnsetType), "checked above"
        assert not isinstance(shown.aggregate, UnsetType), "checked above"
        return shown.signers, (_bytes(shown.aggregate),)
    votes = shown.signatures
    return tuple(vote.replica for vote in votes), tuple(_bytes(vote.signature) for vote in votes)


def encode_committee(source: ChainCommittee) -> bytes:
    """Return the committee file: indented JSON with a final newline."""
    keys = tuple(_hex(key) for key in source.committee.public_keys)
    place = (_hex(source.genesis_hash), source.shard, source.epoch)
    aggregate_keys = (
        UNSET
        if not source.committee.members[0].aggregate_key
        else (_aggregate_keys(source.committee))
    )
    return _json(_CommitteeFile("orrery.committee", 1, *place, keys, aggregate_keys))


def decode_committee(data: bytes, name: str) -> ChainCommittee:
    """Read a committee file.

    Args:
        data: its bytes.
        name: how the user calls it, for messages.

    Raises:
        InvalidInput: it is not of that form; where, and what was expected.
    """
    file = _read(data, _CommitteeFile, name)
    try:
        place = (file.genesis_hash, file.shard, file.epoch)
        return _source(place, file.committee, file.aggregate_keys)
    except InvalidInput as error:
        raise InvalidEncoding(f"{name}: {error.where}", error.expected, error.actual) from error


T = TypeVar("T")


def _read(data: bytes, expected: type[T], name: str) -> T:
    if len(data) > FILE_BYTES_MAX:
        raise InvalidEncoding(name, f"at most {FILE_BYTES_MAX} bytes", "more")
    try:
        return msgspec.json.decode(data, type=expected)
    except msgspec.ValidationError as error:
        raise _mistake(str(error), name) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEncoding(name, "JSON", str(error)) from error
    except RecursionError as error:
        raise InvalidEncoding(name, FORM, "deep nesting") from error


def _mistake(text: str, name: str) -> InvalidEncoding:
    """Say in our words what msgspec found: "Expected `int`, got `str` - at `$.chain.shard`"."""
    finding, _, path = text.partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    where = f"{name}: {key}" if key else name
    expected, _, actual = finding.removeprefix("Expected ").partition(", got ")
    for pattern, words in WORDS.items():
        if pattern in expected:
            return InvalidEncoding(where, words, "something else")
    for found, rule in FAULTS.items():
        if finding.startswith(found):
            return InvalidEncoding(where, rule, _fault(found, finding))
    return InvalidEncoding(where, expected, actual or "a value out of range")


def _fault(kind: str, finding: str) -> str:
    missing = "no field" if "missing" in kind else ""
    return f"{missing}{finding.removeprefix(kind)}".strip()


def _source(
    place: tuple[str, int, int],
    keys: tuple[str, ...],
    aggregate_keys: tuple[_AggregateKey, ...] | UnsetType,
) -> ChainCommittee:
    genesis_hash, shard, epoch = place
    if isinstance(aggregate_keys, UnsetType):
        committee = Committee.of_keys(_bytes(key) for key in keys)
    elif len(aggregate_keys) != len(keys):
        raise InvalidInput("aggregate_keys", f"one for each of {len(keys)}", len(aggregate_keys))
    else:
        pairs = zip(keys, aggregate_keys, strict=True)
        members = (
            Member(NodeId(node), _bytes(key), _bytes(other.key), _bytes(other.possession))
            for node, (key, other) in enumerate(pairs)
        )
        committee = Committee(tuple(members))
    return ChainCommittee(Hash32(_bytes(genesis_hash)), shard, epoch, committee)


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
