"""The gas limit of the next block."""

from primitives.header import Header
from primitives.ids import Gas
from primitives.params import GAS_LIMIT_MAX, GAS_LIMIT_MIN, GAS_LIMIT_QUOTIENT, ChainParams


def gas_limit_range(parent: Header, params: ChainParams) -> tuple[int, int]:
    """Return the least and the greatest gas limit that a block on `parent` may have.

    Reference: Yellow Paper, equation 54; EIP-1985.
    """
    if params.gas_limit_rule == "fixed":
        return params.gas_limit, params.gas_limit
    step = parent.gas_limit // GAS_LIMIT_QUOTIENT - 1
    return max(parent.gas_limit - step, GAS_LIMIT_MIN), min(parent.gas_limit + step, GAS_LIMIT_MAX)


def next_gas_limit(parent: Header, params: ChainParams) -> Gas:
    """Return the gas limit that a builder gives the block on `parent`.

    It is as near as it may be to the one that the chain's parameters name.
    """
    least, greatest = gas_limit_range(parent, params)
    return Gas(min(max(params.gas_limit, least), greatest))
