"""What is the same for every instruction of a block, and of a transaction."""

from collections.abc import Callable

import msgspec

from contracts.kzg import KzgVerifier
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei


class BlockContext(msgspec.Struct, frozen=True, gc=False):
    """The block that a transaction runs in, as instructions can see it."""

    fork: Fork
    chain_id: int
    number: int
    timestamp: int
    """Seconds."""
    fee_recipient: Address
    gas_limit: Gas
    base_fee: Wei
    """Wei per gas."""
    prev_randao: Hash32
    """Before Paris the difficulty, as 32 bytes."""
    blob_base_fee: Wei
    """Wei per blob gas; 0 before Cancun."""
    block_hash: Callable[[int], Hash32]
    """Returns the hash of one of the 256 blocks below, by number."""
    kzg: KzgVerifier | None = None
    """Verifies proofs for the point evaluation precompile, which fails without one."""


class TransactionContext(msgspec.Struct, frozen=True, gc=False):
    """The transaction that is running, as instructions can see it."""

    origin: Address
    gas_price: Wei
    """Paid for a unit of gas, base fee included."""
    blob_hashes: tuple[Hash32, ...] = ()
    is_of_block: bool = False
    """Whether it is none, but a call that the block makes itself: nothing is warm at its start, not
    even precompiles, for those are warm by the start of a transaction (EIP-2929)."""
