"""The gas of blobs, and its price.

Blobs have a fee market of their own. The *excess* sums up by how much blocks have been above the
target, and the price grows exponentially with it.

Reference: EIP-4844, EIP-7691, EIP-7918.
"""

from primitives.blob_schedule import GAS_PER_BLOB
from primitives.fork import Fork
from primitives.header import Header
from primitives.ids import Gas, Wei
from primitives.params import ChainParams

PRICE_MIN = 1
"""Wei per blob gas without excess."""
RESERVE_GAS = 8_192
"""Execution gas that a blob costs at least, from Osaka on (EIP-7918: BLOB_BASE_COST)."""


def blob_gas_max(params: ChainParams) -> Gas:
    """Return the most blob gas of a block.

    Args:
        params: in force for the block.
    """
    return Gas(params.blob_schedule.most * GAS_PER_BLOB)


def blob_base_fee(excess: int, params: ChainParams) -> Wei:
    """Return the price in wei per blob gas; 0 before Cancun.

    Args:
        excess: of the block, in blob gas.
        params: in force for the block.
    """
    if params.fork < Fork.CANCUN:
        return Wei(0)
    return Wei(fake_exponential(PRICE_MIN, excess, params.blob_schedule.update_fraction))


def next_excess_blob_gas(parent: Header, params: ChainParams) -> Gas:
    """Return the excess of the block on `parent`.

    From Osaka on, blobs that cost less than a part of the execution gas that they replace do not
    lower the excess at full speed: the price would have to climb back from nothing.

    Args:
        parent: the header below; its blob gas counts as 0 if it is before Cancun.
        params: in force for the block.
    """
    schedule = params.blob_schedule
    used = parent.blob_gas_used or 0
    excess = (parent.excess_blob_gas or 0) + used
    target = schedule.target * GAS_PER_BLOB
    if excess < target:
        return Gas(0)
    if params.fork >= Fork.OSAKA:
        price = blob_base_fee(parent.excess_blob_gas or 0, params)
        if RESERVE_GAS * parent.base_fee_per_gas > GAS_PER_BLOB * price:
            grown = used * (schedule.most - schedule.target) // schedule.most
            return Gas((parent.excess_blob_gas or 0) + grown)
    return Gas(excess - target)


def fake_exponential(factor: int, numerator: int, denominator: int) -> int:
    """Return factor * e ** (numerator / denominator) in integers, by Taylor's series.

    Reference: EIP-4844, `fake_exponential`.
    """
    term = factor * denominator
    total, index = 0, 1
    while term > 0:
        total += term
        term = term * numerator // (denominator * index)
        index += 1
    return total // denominator
