"""A light client: is this block final? Needs no part of Orrery, only this file.

It reads a certificate file (docs/guides/certificates.md) and believes nothing in it but what
follows from one hash that its user has from elsewhere, that of block 0:

    genesis hash -> header of block 0 -> committee -> signatures of a quorum -> header -> roots
                                             ^                                    |
                                             +--- the committee changes there? ---+

    python examples/light_client.py certificate.json --genesis 0x...

Exit code: 0 the block is final; 1 the file does not prove it, with the reason; 2 it is no
certificate file. Needs Python 3.11, PyNaCl, msgspec and py-arkworks-bls12381.
"""

import argparse
import re
import struct
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import msgspec
from msgspec import Meta
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from py_arkworks_bls12381 import GT, G1Point, G2Point

Hash = Annotated[str, Meta(pattern="^0x[0-9a-f]{64}$")]
Mark = Annotated[str, Meta(pattern="^0x[0-9a-f]{128}$")]
BlsKey = Annotated[str, Meta(pattern="^0x[0-9a-f]{96}$")]
BlsMark = Annotated[str, Meta(pattern="^0x[0-9a-f]{192}$")]
Bytes = Annotated[str, Meta(pattern="^0x([0-9a-f]{2})*$")]
Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Shard = Annotated[int, Meta(ge=0, le=2**32 - 1)]


class Vote(msgspec.Struct, forbid_unknown_fields=True):
    """One validator's signature over the COMMIT."""

    replica: Number
    signature: Mark


class Certificate(msgspec.Struct, forbid_unknown_fields=True):
    """Who has signed what: each for himself, or all together in one sum."""

    view: Number
    sequence: Number
    digest: Hash
    signatures: list[Vote] | None = None
    signers: list[Number] | None = None
    aggregate: BlsMark | None = None

    @property
    def replicas(self) -> list[int]:
        """Those who have signed, by their place in the committee."""
        return [vote.replica for vote in self.signatures or ()] + (self.signers or [])


class AggregateKey(msgspec.Struct, forbid_unknown_fields=True):
    """A validator's BLS key, and the proof that somebody holds its secret."""

    key: BlsKey
    possession: BlsMark


class Chain(msgspec.Struct, forbid_unknown_fields=True):
    """Where the block belongs."""

    genesis_hash: Hash
    genesis_header: Bytes
    params: Bytes
    shard: Shard
    epoch: Number


class Handover(msgspec.Struct, forbid_unknown_fields=True):
    """The end of an epoch: its committee, and the last block that it has decided."""

    committee: list[Hash]
    header: Bytes
    certificate: Certificate
    nodes: list[Shard] | None = None
    aggregate_keys: list[AggregateKey] | None = None


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """A certificate file."""

    format: Literal["orrery.finality"]
    version: Literal[1]
    signatures: Literal["ed25519", "bls", "modelled", "modelled-bls"]
    chain: Chain
    committee: list[Hash]
    header: Bytes
    certificate: Certificate
    nodes: list[Shard] | None = None
    aggregate_keys: list[AggregateKey] | None = None
    handovers: list[Handover] = []

    @property
    def aggregated(self) -> bool:
        """Whether all have signed together."""
        return self.signatures in {"bls", "modelled-bls"}


class Malformed(Exception):
    """Not a certificate file."""


class Forged(Exception):
    """A certificate file that does not prove its block final; the first word is the reason."""


# ---------------------------------------------------------------- Ethereum's hash and encoding

ROUNDS, MASK = 24, 2**64 - 1
RATE = 136


def round_constants() -> list[int]:
    """Return the constants of Keccak's rounds, from its shift register."""
    constants, state = [], 1
    for _ in range(ROUNDS):
        constant = 0
        for power in range(7):
            if state & 1:
                constant |= 1 << ((1 << power) - 1)
            state = state << 1 ^ (0x171 if state & 0x80 else 0)
        constants.append(constant)
    return constants


CONSTANTS = round_constants()


def rotate(lane: int, by: int) -> int:
    """Rotate 64 bits to the left."""
    by %= 64
    return (lane << by | lane >> (64 - by)) & MASK


def permute(lanes: list[int]) -> list[int]:
    """Apply Keccak-f[1600]; lane x, y stands at x + 5 y."""
    for constant in CONSTANTS:
        parity = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        mixed = [parity[(x - 1) % 5] ^ rotate(parity[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ mixed[place % 5] for place, lane in enumerate(lanes)]
        x, y, moving = 1, 0, lanes[1]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            place = x + 5 * y
            moving, lanes[place] = lanes[place], rotate(moving, (step + 1) * (step + 2) // 2)
        lanes = [
            lanes[x + y] ^ (~lanes[(x + 1) % 5 + y] & lanes[(x + 2) % 5 + y] & MASK)
            for y in range(0, 25, 5)
            for x in range(5)
        ]
        lanes[0] ^= constant
    return lanes


def keccak256(data: bytes) -> bytes:
    """Return Ethereum's hash; `hashlib.sha3_256` pads differently."""
    padding = bytearray(RATE - len(data) % RATE)
    padding[0] |= 0x01
    padding[-1] |= 0x80
    padded = data + padding
    lanes = [0] * 25
    for start in range(0, len(padded), RATE):
        for place, word in enumerate(struct.unpack_from("<17Q", padded, start)):
            lanes[place] ^= word
        lanes = permute(lanes)
    return struct.pack("<4Q", *lanes[:4])


def header_fields(data: bytes, where: str) -> list[bytes]:
    """Return the 21 fields of a header in RLP: a list of byte strings, nothing else."""
    fields, position, end = [], *span(data, 0, 0xC0, where)
    if end != len(data):
        raise Malformed(f"{where}: expected one RLP list, got bytes behind it")
    while position < end:
        start, position = span(data, position, 0x80, where)
        fields.append(data[start:position])
    if position != end or len(fields) != 21:
        raise Malformed(f"{where}: expected 21 fields, got {len(fields)}")
    sizes = {0: 32, 3: 32, 8: None, 11: None, 12: None}
    for index, size in sizes.items():
        field = fields[index]
        if size is not None and len(field) != size:
            raise Malformed(f"{where}: expected {size} bytes in field {index}, got {len(field)}")
        if index in {8, 11} and field[:1] == b"\0":
            raise Malformed(f"{where}: expected a number without leading zeros in field {index}")
    return fields


def span(data: bytes, position: int, base: int, where: str) -> tuple[int, int]:
    """Return where the content of an RLP item begins and ends; canonical lengths only."""
    prefix = data[position] if position < len(data) else -1
    if base == 0x80 and 0 <= prefix < 0x80:
        return position, position + 1
    if not base <= prefix < base + 0x40:
        raise Malformed(f"{where}: expected canonical RLP, got prefix {prefix}")
    length, start = prefix - base, position + 1
    if length > 55:
        digits = data[start : start + length - 55]
        start, length = start + length - 55, int.from_bytes(digits, "big")
        if length <= 55 or digits[:1] == b"\0":
            raise Malformed(f"{where}: expected canonical RLP, got a long form of a short length")
    if start + length > len(data) or (base == 0x80 and length == 1 and data[start] < 0x80):
        raise Malformed(f"{where}: expected canonical RLP, got a cut or padded item")
    return start, start + length


# ---------------------------------------------------------------- the argument


def raw(text: str) -> bytes:
    """Return the bytes that "0x..." spells."""
    return bytes.fromhex(text[2:])


def read(data: bytes) -> Document:
    """Return what a certificate file says, not judged."""
    try:
        document = msgspec.json.decode(data, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"expected a certificate file, got {error}") from error
    parts: list[Document | Handover] = [document, *document.handovers]
    for part in parts:
        check_fields(part, document.signatures, document.aggregated)
    return document


def check_fields(part: Document | Handover, kind: str, aggregated: bool) -> None:
    """Check that a committee and its certificate have the fields of their kind."""
    size = len(part.committee)
    if not size or len(set(part.committee)) != size:
        raise Malformed("committee: expected at least one validator, each key once")
    if part.nodes is not None and {size} != {len(part.nodes), len(set(part.nodes))}:
        raise Malformed("nodes: expected one for each validator, each once")
    shown, keys = part.certificate, part.aggregate_keys
    sums = [shown.signers, shown.aggregate, keys]
    present = [shown.signatures is None, *(field is not None for field in sums)]
    if present != [aggregated] * 4:
        raise Malformed(f"certificate: expected the fields of {kind} signatures")
    counts = {size, len(keys or []), len({pair.key for pair in keys or []})}
    if keys is not None and len(counts) > 1:
        raise Malformed("aggregate_keys: expected one for each validator, each once")


def refuse(reason: str, detail: str) -> NoReturn:
    """Say why the file proves nothing."""
    raise Forged(f"{reason}: {detail}")


def verify(document: Document, trusted_genesis: str) -> dict[str, object]:
    """Check that the block is final on the chain with the trusted genesis hash.

    Returns:
        What the proof shows: height, hash, state root and the rest of the header's roots.
    """
    check_chain(document, trusted_genesis)
    proofs = [*closings(document), document]
    blocks = [check_block(proof) for proof in proofs]
    heights = [int.from_bytes(block[8], "big") for block in blocks]
    check_order(document, heights)
    if document.signatures in {"modelled", "modelled-bls"}:
        refuse("modelled_signatures", "anybody can make them; run with real ones")
    for proof, block in zip(proofs, blocks, strict=True):
        if document.aggregated:
            check_aggregate(proof, parent=block[0])
        else:
            check_signatures(proof, parent=block[0])
    shown, block, height = document.certificate, blocks[-1], heights[-1]
    return {
        "height": height,
        "block_hash": shown.digest,
        "state_root": f"0x{block[3].hex()}",
        "timestamp": int.from_bytes(block[11], "big"),
        "signers": shown.replicas,
    }


def closings(document: Document) -> list[Document]:
    """Return each handover as the proof that it would be by itself, of its closing block."""
    return [
        msgspec.structs.replace(
            document,
            chain=msgspec.structs.replace(document.chain, epoch=epoch),
            committee=handover.committee,
            nodes=handover.nodes,
            aggregate_keys=handover.aggregate_keys,
            header=handover.header,
            certificate=handover.certificate,
        )
        for epoch, handover in enumerate(document.handovers)
    ]


def check_block(proof: Document) -> list[bytes]:
    """Check that a quorum is said to have certified this header; return the header's fields."""
    check_form(proof)
    shown = proof.certificate
    block = header_fields(raw(proof.header), "header")
    height = int.from_bytes(block[8], "big")
    if shown.sequence != height:
        refuse("other_sequence", f"the header is of height {height}, not {shown.sequence}")
    block_hash = keccak256(raw(proof.header))
    if raw(shown.digest) != block_hash:
        refuse("other_block", f"the header hashes to {block_hash.hex()}, not {shown.digest}")
    check_signers(shown, len(proof.committee))
    return block


def check_order(document: Document, heights: list[int]) -> None:
    """Check that the epochs follow upon one another at checkpoints, and the block upon them."""
    interval = msgspec.msgpack.decode(raw(document.chain.params))["checkpoint_interval"]
    for below, height in zip([0, *heights], heights, strict=False):
        if height <= below:
            refuse("broken_handover", f"block {height} does not come after {below}")
    for height in heights[:-1]:
        if height % interval:
            refuse("broken_handover", f"block {height} is no checkpoint")


def check_chain(document: Document, trusted_genesis: str) -> None:
    """Check that the trusted genesis hash stands for this committee."""
    chain = document.chain
    if chain.genesis_hash != trusted_genesis:
        refuse("other_chain", f"expected {trusted_genesis}, got {chain.genesis_hash}")
    genesis = header_fields(raw(chain.genesis_header), "chain.genesis_header")
    found = keccak256(raw(chain.genesis_header))
    if found != raw(trusted_genesis):
        refuse("other_chain", f"the header of block 0 hashes to {found.hex()}")
    if chain.shard:
        refuse("other_shard", f"expected 0, got {chain.shard}")
    if chain.epoch != len(document.handovers):
        refuse("other_epoch", f"expected {len(document.handovers)}, got {chain.epoch}")
    first, *later = *document.handovers, document
    if genesis[12] != commitment(chain.params, first, 0):
        refuse("other_committee", "the header of block 0 commits to another committee")
    for epoch, (handover, part) in enumerate(zip(document.handovers, later, strict=True), 1):
        closing = header_fields(raw(handover.header), f"handovers[{epoch - 1}].header")
        if closing[12] != commitment(chain.params, part, epoch):
            refuse("broken_handover", f"it does not commit to the committee of epoch {epoch}")


def commitment(params: str, part: Document | Handover, epoch: int) -> bytes:
    """Return what a checkpoint says of the committee that decides the block after it.

    MessagePack of (parameters, committee, epoch): an array of three, each in its own form.
    """
    size = len(part.committee)
    pairs = [(raw(pair.key), raw(pair.possession)) for pair in part.aggregate_keys or ()]
    numbered = zip(part.nodes or range(size), part.committee, strict=True)
    members = [
        [node, raw(key), *(pairs[place] if pairs else (b"", b""))]
        for place, (node, key) in enumerate(numbered)
    ]
    committee = msgspec.msgpack.encode({"members": members})
    number = msgspec.msgpack.encode(epoch)
    return keccak256(b"\x93" + raw(params) + committee + number)


def check_signers(shown: Certificate, size: int) -> None:
    """Check that distinct validators, in order, make a quorum.

    Any two quorums share a correct validator, who commits to one block of a view and height only.
    """
    previous = -1
    for replica in shown.replicas:
        if replica >= size:
            refuse("unknown_signer", f"validator {replica} of {size}")
        if replica == previous:
            refuse("repeated_signer", f"validator {replica}")
        if replica < previous:
            refuse("unsorted_signers", f"validator {replica} after {previous}")
        previous = replica
    faults = (size - 1) // 3
    quorum = (size + faults + 2) // 2
    if len(shown.replicas) < quorum:
        refuse("too_few_signatures", f"{len(shown.replicas)}, and it takes {quorum}")


def commit_payload(genesis: bytes, shard: int, epoch: int, view: int, shown: Certificate) -> bytes:
    """Return what a validator signs when it commits to a block."""
    binding = b"orrery.consensus/1" + genesis + struct.pack(">IQ", shard, epoch)
    return binding + struct.pack(">BQQ32s", 3, view, shown.sequence, raw(shown.digest))


def signed(key: str, payload: bytes, signature: str) -> bool:
    """Tell whether the Ed25519 signature is that of `key`."""
    try:
        VerifyKey(raw(key)).verify(payload, raw(signature))
    except BadSignatureError:
        return False
    return True


def check_signatures(document: Document, parent: bytes) -> None:
    """Check every signature."""
    genesis, shown = raw(document.chain.genesis_hash), document.certificate
    payload = commit_payload(genesis, 0, document.chain.epoch, shown.view, shown)
    for vote in shown.signatures or ():
        if not signed(document.committee[vote.replica], payload, vote.signature):
            reason = diagnosis(document, vote, parent)
            refuse(reason, f"validator {vote.replica} has not signed this COMMIT")


def diagnosis(document: Document, vote: Vote, parent: bytes) -> str:
    """Say what a bad signature is really over, if that lies near."""
    key = document.committee[vote.replica]
    for reason, payload in nearby(document, parent):
        if signed(key, payload, vote.signature):
            return reason
    genesis, shown = raw(document.chain.genesis_hash), document.certificate
    payload = commit_payload(genesis, 0, document.chain.epoch, shown.view, shown)
    if any(signed(other_key, payload, vote.signature) for other_key in document.committee):
        return "other_signer"
    return "bad_signature"


def nearby(document: Document, parent: bytes) -> list[tuple[str, bytes]]:
    """Return what else a validator may have signed near this COMMIT, with its reason."""
    genesis, shown = raw(document.chain.genesis_hash), document.certificate
    view, epoch = shown.view, document.chain.epoch
    prepare = b"orrery.consensus/1" + genesis + struct.pack(">IQ", 0, epoch)
    prepare += struct.pack(">BQQ32s32s", 2, view, shown.sequence, raw(shown.digest), parent)
    near = [("prepare_not_commit", prepare)]
    for other in range(8):
        near.append(("other_shard", commit_payload(genesis, other, epoch, view, shown)))
        near.append(("other_epoch", commit_payload(genesis, 0, other, view, shown)))
    for other in range(max(0, view - 8), view + 9):
        near.append(("other_view", commit_payload(genesis, 0, epoch, other, shown)))
    return near


# ---------------------------------------------------------------- one signature for all

VOTE_TAG = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
POSSESSION_TAG = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"


def check_form(document: Document) -> None:
    """Check that the chain has such certificates, and that somebody holds each key's secret.

    A key that nobody holds could make the sum of all keys an attacker's own. The parameters are
    believed by now: the genesis header commits to them.
    """
    params = msgspec.msgpack.decode(raw(document.chain.params))
    form = "bls" if document.aggregated else "ed25519"
    if params["certificates"] != form:
        refuse("other_form", f"{form}, and the chain has {params['certificates']}")
    for index, pair in enumerate(document.aggregate_keys or ()):
        key = bls_key(pair.key)
        if key is None or not fits(key, raw(pair.key), pair.possession, POSSESSION_TAG):
            refuse("unproven_key", f"of validator {index}")


def bls_key(key: str) -> G1Point | None:
    """Return the point of a key; None for what is none, and for the identity."""
    try:
        return None if raw(key)[0] & 0x40 else G1Point.from_compressed_bytes(raw(key))
    except ValueError:
        return None


def fits(key: G1Point, payload: bytes, signature: str, tag: bytes) -> bool:
    """Tell whether a BLS signature is that of a key, or of all whose sum it is."""
    if raw(signature)[0] & 0x40 or key == G1Point.identity():
        return False
    try:
        mark = G2Point.from_compressed_bytes(raw(signature))
    except ValueError:
        return False
    return bool(GT.pairing_check([key, -G1Point()], [G2Point.hash_to_curve(payload, tag), mark]))


def check_aggregate(document: Document, parent: bytes) -> None:
    """Check the one signature under the sum of the signers' keys."""
    genesis, shown = raw(document.chain.genesis_hash), document.certificate
    signers, aggregate = shown.signers or [], shown.aggregate or ""
    points = [G1Point.from_compressed_bytes(raw(p.key)) for p in document.aggregate_keys or ()]

    def made(replicas: list[int], payload: bytes) -> bool:
        total = G1Point.identity()
        for replica in replicas:
            total = total + points[replica]
        return fits(total, payload, aggregate, VOTE_TAG)

    payload = commit_payload(genesis, 0, document.chain.epoch, shown.view, shown)
    if made(signers, payload):
        return
    for reason, other in nearby(document, parent):
        if made(signers, other):
            refuse(reason, "all signers together have not signed this COMMIT")
    for index in range(len(points)):
        others = [replica for replica in signers if replica != index]
        if made(others if index in signers else [*signers, index], payload):
            refuse("other_signer", f"validator {index} makes the difference")
    refuse("bad_signature", "no sum of these validators' signatures")


def main() -> int:
    """Judge one file and return the exit code."""
    parser = argparse.ArgumentParser(description="Check that a block is final.")
    parser.add_argument("file", type=Path, help="certificate.json of a run directory")
    parser.add_argument("--genesis", required=True, help="hash of block 0, from whom you trust")
    arguments = parser.parse_args()
    if not re.fullmatch("0x[0-9a-f]{64}", arguments.genesis.lower()):
        parser.error(f"--genesis: expected 0x and 64 digits, got {arguments.genesis!r}")
    try:
        shown = verify(read(arguments.file.read_bytes()), arguments.genesis.lower())
    except Forged as error:
        print(f"NOT FINAL  {error}")
        return 1
    except (Malformed, OSError) as error:
        print(f"{arguments.file}: {error}", file=sys.stderr)
        return 2
    print("FINAL")
    for name, value in shown.items():
        print(f"  {name}: {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
