"""`[node]`: which node of its network this is, and what is its own."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from node.settings.quantities import Count, FileName
from primitives.ids import Address, NodeId
from primitives.keccak import keccak256

RoleName = Literal["validator", "follower"]
"""What a live node can be when its chain begins; committees change."""

AddressText = Annotated[str, Meta(pattern="^0[xX][0-9a-fA-F]{40}$")]
"""An account's address in hexadecimal."""


class OwnSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One node."""

    index: Count
    """Number of the node in its network, which committees know it by."""
    role: RoleName = "validator"
    """What the node is when the chain begins."""
    data: FileName = "data"
    """The data directory: store, lock, token. It is made if it is not there."""
    key: FileName = "node.key"
    """File with the seed of the node's Ed25519 key, 64 hexadecimal digits, which only its owner
    may read. A follower has one too: connections are authenticated with it."""
    vote_key: FileName | None = None
    """Likewise of its BLS key, on a chain whose certificates are `bls`."""
    spare_keys: tuple[FileName, ...] = ()
    """Further keys of this node, for when a committee will know it under another one. On a chain
    whose certificates are `bls` each has a vote key beside it, its name with `.vote` behind."""
    fee_recipient: AddressText | None = None
    """Account that gets the tips of the blocks that this node builds; if left out, one of the
    node's number that nobody has the key of."""


def fee_recipient(node: NodeId | int) -> Address:
    """Return the address that a validator's tips go to unless it names one; nobody has its key."""
    return Address(keccak256(b"orrery/fee-recipient/%d" % node)[-20:])
