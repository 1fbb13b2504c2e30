"""What is looked at: one block's transactions with what each accessed and took."""

import msgspec

from node.validation import PooledTransaction
from primitives.access import AccessSet
from primitives.ids import Address


class Subject(msgspec.Struct, frozen=True):
    """A block that has been executed. Tuples have one entry for each transaction, in order."""

    name: str
    """In words: "block 19932148 of Ethereum's main network"."""
    label: str
    """For file names: "19932148"."""
    transactions: tuple[PooledTransaction, ...]
    accesses: tuple[AccessSet, ...]
    gas: tuple[int, ...]
    """Gas used."""
    fee_recipient: Address
