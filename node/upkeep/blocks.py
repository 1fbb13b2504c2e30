"""Whether the blocks of a store make a chain, and whether each has a certificate that is for it."""

from collections.abc import Iterator, Sequence

import msgspec

from consensus.certificate import Certificate, InvalidCertificate
from consensus.signing import verify_commits
from node.certificates import CertificateReader
from node.ledger import BLOCKS, CERTIFICATES, height_key
from node.upkeep.committees import Committees
from node.upkeep.finding import Finding, Watch, faulty
from node.validation_ommers import ommers_hash
from primitives.block import (
    Block,
    block_hash,
    decode_block,
    transactions_root,
    withdrawals_root,
)
from primitives.errors import InvalidEncoding
from primitives.header import header_hash
from primitives.ids import Hash32
from primitives.params import MAX_BLOCK_BYTES
from storage.store import Store

HEIGHT_BYTES = 8


class Link(msgspec.Struct, frozen=True):
    """A block that another one may stand on."""

    height: int
    digest: Hash32


class ChainFound(msgspec.Struct):
    """What a walk over the blocks has seen; filled while it goes on."""

    lowest: int = 0
    """Height of the first block; 0 without any."""
    head: Link | None = None
    """The last block of the chain without gaps that begins at `lowest`."""
    blocks: int = 0
    is_whole: bool = False
    """Whether the walk came to the end; it stops where a row cannot be read."""
    unjudged: int = 0
    """Certificates whose signatures nobody could check."""


def check_blocks(
    store: Store,
    known: Sequence[Link],
    committees: Committees,
    found: ChainFound,
    watch: Watch,
) -> Iterator[Finding]:
    """Yield what is wrong with the blocks and certificates of a store, lowest first.

    Args:
        store: what is looked at.
        known: blocks that the chain may stand on: genesis, and that of a checkpoint.
        committees: who may certify.
        found: filled with what was seen.
        watch: told of the progress.
    """
    reader = CertificateReader(0)
    last: Link | None = None
    for key, payload in store.scan(BLOCKS):
        watch(BLOCKS, found.blocks)
        if len(key) != HEIGHT_BYTES:
            yield Finding(BLOCKS, key.hex(), f"a height in {HEIGHT_BYTES} bytes", f"{len(key)}")
            continue
        height = int.from_bytes(key, "big")
        name = str(height)
        if not found.blocks:
            found.lowest = height
            last = next((each for each in known if each.height == height - 1), None)
        elif last is None or height != last.height + 1:
            after = found.lowest if last is None else last.height
            yield Finding(BLOCKS, name, f"the block after {after}", "a gap before it")
            last = None
        found.blocks += 1
        try:
            block = decode_block(payload, MAX_BLOCK_BYTES)
        except InvalidEncoding as error:
            yield faulty(BLOCKS, name, error)
            last = Link(height, Hash32(b""))
            continue
        yield from _check_block(block, height, last)
        digest = block_hash(block)
        last = found.head = Link(height, digest)
        encoded = store.get(CERTIFICATES, key)
        yield from _check_certificate(encoded, last, committees, reader, found)
    found.is_whole = True
    yield from _check_lone(store)


def _check_block(block: Block, height: int, last: Link | None) -> Iterator[Finding]:
    """Yield what a block contradicts: its key, the block before it, or itself."""
    header, name = block.header, str(height)
    if header.number != height:
        yield Finding(BLOCKS, name, f"the block of height {height}", f"that of {header.number}")
    follows = last is not None and last.height + 1 == height and bool(last.digest)
    if follows and last is not None and header.parent_hash != last.digest:
        expected = f"a child of block {last.height} 0x{last.digest.hex()}"
        yield Finding(BLOCKS, name, expected, f"parent hash 0x{header.parent_hash.hex()}")
    root = transactions_root(block.transactions)
    if root != header.transactions_root:
        expected = f"transactions under the header's root 0x{header.transactions_root.hex()}"
        yield Finding(BLOCKS, name, expected, f"others, 0x{root.hex()}")
    ommers = ommers_hash(block.ommers)
    if ommers != header.ommers_hash:
        expected = f"ommers under the header's hash 0x{header.ommers_hash.hex()}"
        yield Finding(BLOCKS, name, expected, f"others, 0x{ommers.hex()}")
    promised = header.withdrawals_root
    if promised is not None and withdrawals_root(block.withdrawals) != promised:
        yield Finding(BLOCKS, name, f"withdrawals under 0x{promised.hex()}", "others")


def _check_certificate(
    encoded: bytes | None,
    block: Link,
    committees: Committees,
    reader: CertificateReader,
    found: ChainFound,
) -> Iterator[Finding]:
    name = str(block.height)
    if encoded is None:
        yield Finding(CERTIFICATES, name, "a certificate for the block", "none")
        return
    try:
        certificate = reader.read(encoded)
    except InvalidEncoding as error:
        yield faulty(CERTIFICATES, name, error)
        return
    wrong = misfit(certificate, block)
    if wrong is not None:
        yield wrong
        return
    try:
        if not verify_certificate(certificate, block.height, committees):
            found.unjudged += 1
    except InvalidCertificate as error:
        yield faulty(CERTIFICATES, name, error)


def misfit(certificate: Certificate, block: Link, place: str = CERTIFICATES) -> Finding | None:
    """Return in what a certificate is for another block, if it is."""
    name = str(block.height)
    if certificate.sequence != block.height:
        return Finding(place, name, f"sequence {block.height}", str(certificate.sequence))
    if certificate.digest != block.digest:
        expected = f"the digest of the block, 0x{block.digest.hex()}"
        return Finding(place, name, expected, f"0x{certificate.digest.hex()}")
    return None


def verify_certificate(certificate: Certificate, height: int, committees: Committees) -> bool:
    """Check the signatures of a certificate; return False if nobody knows who should have signed.

    Raises:
        InvalidCertificate: it proves nothing.
    """
    signature = certificate.signatures[0] if certificate.signatures else b""
    judge = committees.judge(height, signature)
    if judge is None:
        return False
    verify_commits(certificate, judge.committee, judge.epoch, judge.verifier)
    return True


def _check_lone(store: Store) -> Iterator[Finding]:
    """Yield certificates without a block."""
    for key, _ in store.scan(CERTIFICATES):
        if store.get(BLOCKS, key) is None:
            name = str(int.from_bytes(key, "big"))
            yield Finding(CERTIFICATES, name, "a block for the certificate", "none")


def stored_link(store: Store, height: int) -> Link | None:
    """Return a stored block as a link, or None if it is not held or is none."""
    payload = store.get(BLOCKS, height_key(height))
    if payload is None:
        return None
    try:
        header = decode_block(payload, MAX_BLOCK_BYTES).header
    except InvalidEncoding:
        return None
    return Link(height, header_hash(header))
