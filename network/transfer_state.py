"""What a node remembers between the first question for a state and its adoption."""

from dataclasses import dataclass, field

import msgspec

from primitives.ids import Hash32, Instant, NodeId


def storage_part(account: bytes, nibbles: str = "") -> str:
    """Return the name of some of an account's slots, as prefixes name some of the accounts.

    Args:
        account: hash of its address.
        nibbles: with which the slots' hashes begin.
    """
    return f"{account.hex()}/{nibbles}"


def split_part(part: str) -> tuple[bytes, str]:
    """Return the account's hash, or nothing for a part of the accounts, and the prefix."""
    account, _, nibbles = part.rpartition("/")
    return bytes.fromhex(account), nibbles


class Asked(msgspec.Struct, frozen=True, gc=False):
    """An open request, or an answer that the node verifies."""

    peer: NodeId
    due: Instant
    prefix: str = ""


@dataclass(slots=True)
class TransferState:
    """One attempt."""

    offers: dict[int, Asked] = field(default_factory=dict)
    """Open questions for offers."""
    verifying: dict[int, NodeId] = field(default_factory=dict)
    """Whose offers the node verifies."""
    questioned: dict[NodeId, None] = field(default_factory=dict)
    """Who was asked for an offer since the last one that was of use."""
    proven: dict[NodeId, tuple[int, Hash32]] = field(default_factory=dict)
    """Offers that are proven: height and digest."""
    height: int = 0
    digest: Hash32 | None = None
    """The block whose state is being fetched; None until one is chosen."""
    wanted: list[str] = field(default_factory=list)
    """Parts to ask for, the last one first: a prefix of hashed addresses, or `storage_part`."""
    chunks: dict[int, Asked] = field(default_factory=dict)
    """Open requests for chunks."""
    checking: dict[int, Asked] = field(default_factory=dict)
    """Chunks that the node verifies."""
    gone: dict[NodeId, None] = field(default_factory=dict)
    """Peers that do not hold this state, or were silent."""
    counts: dict[str, int] = field(default_factory=dict)
    """Weight of each part whose chunk is verified."""
    splits: dict[str, NodeId] = field(default_factory=dict)
    """Who said that a prefix has too many accounts."""
    deferred: dict[str, NodeId] = field(default_factory=dict)
    """Who said that an account has too many slots to stand beside it, by the part that they are."""
    held: dict[str, bytes] = field(default_factory=dict)
    """References of the subtrees that were verified, of this state or of an older one."""
    alarm: Instant | None = None
