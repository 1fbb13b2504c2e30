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
from msgspec import Meta

from consensus.certificate import Certificate
from primitives.codec import decode_canonical, encode_canonical
from primitives.committee import Committee
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.header import Header, decode_header, encode_header
from primitives.ids import Hash32, Sequence, View
from primitives.params import ChainParams

FILE_BYTES_MAX = 16 * 1024 * 1024
"""Longest file that is looked at; a certificate of 1,000 validators takes some 300 kB."""

FORM = "docs/guides/certificates.md"

HASH_PATTERN = "^0x[0-9a-f]{64}$"
SIGNATURE_PATTERN = "^0x[0-9a-f]{128}$"
BYTES_PATTERN = "^0x([0-9a-f]{2})*$"

WORDS = {
    HASH_PATTERN: "0x and 64 lower-case hexadecimal digits",
    SIGNATURE_PATTERN: "0x and 128 lower-case hexadecimal digits",
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
HexBytes = Annotated[str, Meta(pattern=BYTES_PATTERN)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Number32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]

SignatureKind = Literal["ed25519", "modelled"]


class _Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    replica: Count
    signature: HexSignature


class _Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    view: Count
    sequence: Count
    digest: HexHash
    signatures: tuple[_Vote, ...]


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


class _CommitteeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["orrery.committee"]
    version: Literal[1]
    genesis_hash: HexHash
    shard: Number32
    epoch: Count
    committee: tuple[HexHash, ...]


class ChainCommittee(msgspec.Struct, frozen=True):
    """Who may certify what: the committee of one epoch of one shard of one chain."""

    genesis_hash: Hash32
    shard: int
    epoch: int
    committee: Committee


class FinalityProof(msgspec.Struct, frozen=True):
    """What a certificate file says, none of it checked yet."""

    signatures: SignatureKind
    """"modelled" ones only stand for real ones in a simulation."""
    source: ChainCommittee
    """Who is said to have signed."""
    genesis_header: Header
    params: ChainParams
    header: Header
    """Of the block that is said to be final."""
    certificate: Certificate


def encode_proof(proof: FinalityProof) -> bytes:
    """Return the certificate file: indented JSON with a final newline."""
    source, certificate = proof.source, proof.certificate
    votes = tuple(
        _Vote(replica, _hex(mark))
        for replica, mark in zip(certificate.signers, certificate.signatures, strict=True)
    )
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
            _Certificate(certificate.view, certificate.sequence, _hex(certificate.digest), votes),
        )
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
    try:
        return FinalityProof(
            file.signatures,
            _source(chain.genesis_hash, chain.shard, chain.epoch, file.committee),
            _header(chain.genesis_header, "chain.genesis_header"),
            _params(chain.params),
            _header(file.header, "header"),
            Certificate(
                chain.epoch,
                View(shown.view),
                Sequence(shown.sequence),
                Hash32(_bytes(shown.digest)),
                tuple(vote.replica for vote in shown.signatures),
                tuple(_bytes(vote.signature) for vote in shown.signatures),
            ),
        )
    except InvalidInput as error:
        raise InvalidEncoding(f"{name}: {error.where}", error.expected, error.actual) from error


def encode_committee(source: ChainCommittee) -> bytes:
    """Return the committee file: indented JSON with a final newline."""
    keys = tuple(_hex(key) for key in source.committee.public_keys)
    place = (_hex(source.genesis_hash), source.shard, source.epoch)
    return _json(_CommitteeFile("orrery.committee", 1, *place, keys))


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
        return _source(file.genesis_hash, file.shard, file.epoch, file.committee)
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


def _source(genesis_hash: str, shard: int, epoch: int, keys: tuple[str, ...]) -> ChainCommittee:
    committee = Committee.of_keys(_bytes(key) for key in keys)
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
