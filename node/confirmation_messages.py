"""What gateways and validators say to one another about the results of transactions.

A validator's word on a block is one signature, however many transactions of the block a gateway
waits for; what ties a single result to it is a proof, and that is long. So PBFT's digest replies
are done here with blocks: all validators send the signature, and the one that the gateway has
named as its prover sends header and proofs as well.

Reference: Castro & Liskov, TOCS 20(4), 2002, section 5.1.1 (digest replies).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec

from network.messages import Digest, Natural
from primitives.machine import Message

TRANSACTIONS_PER_WATCH = 1024
"""Most transactions in one `Watch`."""
RESULTS_PER_MESSAGE = 1024
"""Most results in one `BlockResults`."""
RESULTS_BYTES = 2 * 1024 * 1024
"""Transactions that one `BlockResults` proves at most, in bytes, one transaction apart. Proofs
and receipts come on top of that."""

Reason = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
"""An error's code in ASCII, filled up with zero bytes."""


class Watch(Message, frozen=True, gc=False):
    """A gateway wants to know what becomes of transactions. Asking again is how it insists."""

    core = "confirmation"

    transactions: tuple[bytes, ...]
    """Canonical encodings, for the receiver's pool."""
    hashes: tuple[Digest, ...]
    """Those whose encodings other validators get, or have got."""
    prove: bool
    """The receiver is to send proofs and the certificate too."""
    epoch: Natural
    """The epoch whose committee the gateway knows."""


class TentativeBlock(Message, frozen=True, gc=False, array_like=True, tag=True):
    """The sender has signed a block that holds something which the receiver waits for."""

    core = "confirmation"

    epoch: Natural
    view: Natural
    sequence: Natural
    digest: Digest
    signature: bytes
    """As of a `consensus.messages.TentativeVote`."""


class BlockResults(Message, frozen=True, gc=False):
    """Proof of what stands in a block: its header and, for some transactions, tries' nodes."""

    core = "confirmation"

    header: bytes
    """RLP; its hash names the block."""
    indexes: tuple[Natural, ...]
    """Places of the transactions in the block."""
    transaction_nodes: tuple[bytes, ...]
    """Of the proofs under the header's transactions root, each node once."""
    receipt_nodes: tuple[bytes, ...]
    """The same under the receipts root."""


class FinalBlock(Message, frozen=True, gc=False):
    """A block that holds something which the receiver waits for is committed."""

    core = "confirmation"

    certificate: bytes
    """Canonical encoding of its commit certificate."""


class RefusedTransaction(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One transaction that the sender does not take."""

    hash: Digest
    reason: Reason
    signature: bytes
    """As of a `consensus.messages.Refusal`."""


class Refusals(Message, frozen=True, gc=False):
    """Transactions that the receiver has sent and the sender does not take."""

    core = "confirmation"

    refused: tuple[RefusedTransaction, ...]


class Succession(Message, frozen=True, gc=False):
    """The ends of the epochs that the receiver does not know of, in order."""

    core = "confirmation"

    closings: tuple[bytes, ...]
    """Canonical encoding of each `node.snapshot.Closing`."""


CONFIRMATION_MESSAGES: Mapping[type[Message], int] = MappingProxyType(
    {
        Watch: 4 * 1024 * 1024,
        TentativeBlock: 512,
        BlockResults: 4 * 1024 * 1024,
        FinalBlock: 1024 * 1024,
        Refusals: 256 * 1024,
        Succession: 16 * 1024 * 1024,
    }
)
"""The messages in wire order, each with its longest body in bytes."""
