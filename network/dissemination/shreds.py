"""Cutting a block into shreds that prove themselves, and checking them."""

from msgspec.structs import replace

from network.dissemination.merkle import MerkleTree, proves
from network.dissemination.messages import BlockShred, Commitment
from network.dissemination.policy import Place
from network.dissemination.reed_solomon import ReedSolomon, shred_bytes
from primitives.keys import Signer


def signed_payload(domain: bytes, commitment: Commitment) -> bytes:
    """Return the bytes that a leader signs: every field under the name of the network and epoch."""
    numbers = (commitment.sequence, commitment.view, commitment.length)
    return b"".join(
        (
            b"orrery/shreds",
            len(domain).to_bytes(2, "big"),
            domain,
            *(number.to_bytes(8, "big") for number in numbers),
            commitment.data.to_bytes(2, "big"),
            commitment.parity.to_bytes(2, "big"),
            commitment.root,
        )
    )


def cut(
    code: ReedSolomon, domain: bytes, place: Place, payload: bytes, signer: Signer, epoch: int = 0
) -> tuple[BlockShred, ...]:
    """Return all shreds of a block, data first, under a commitment that the leader signs.

    Args:
        code: how many shreds.
        domain: what tells this network and epoch from others.
        place: of the block.
        payload: the block.
        signer: of the leader.
        epoch: that the domain belongs to.
    """
    pieces = code.encode(payload)
    tree = MerkleTree(pieces)
    where = (epoch, place.sequence, place.view)
    bare = Commitment(*where, tree.root, len(payload), code.data, code.parity, b"")
    commitment = replace(bare, signature=signer.sign(signed_payload(domain, bare)))
    return tuple(
        [
            BlockShred(commitment, index, tree.proof(index), data)
            for index, data in enumerate(pieces)
        ]
    )


def proves_itself(shred: BlockShred) -> bool:
    """Tell whether a shred has the right length and lies under the root that came with it."""
    commitment = shred.commitment
    if len(shred.data) != shred_bytes(commitment.length, commitment.data):
        return False
    count = commitment.data + commitment.parity
    return proves(commitment.root, shred.index, shred.data, shred.proof, count)


def rebuild(
    code: ReedSolomon, commitment: Commitment, shreds: dict[int, BlockShred]
) -> tuple[bytes, tuple[BlockShred, ...]] | None:
    """Return the block and all its shreds from any `code.data` of them.

    None if they are not shreds of one block. That each lies under the root says only that the
    leader has hashed it; a leader that hashes what is no code word would have those who hold
    different shreds rebuild different blocks. So what was rebuilt is cut again, and must come to
    the same root.

    Reference: Cachin and Tessaro 2005, "Asynchronous Verifiable Information Dispersal".
    """
    pieces = {index: shred.data for index, shred in shreds.items()}
    payload = code.decode(pieces, commitment.length)
    again = code.encode(payload)
    tree = MerkleTree(again)
    if tree.root != commitment.root:
        return None
    return payload, tuple(
        [
            shreds.get(index) or BlockShred(commitment, index, tree.proof(index), data)
            for index, data in enumerate(again)
        ]
    )
