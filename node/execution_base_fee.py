"""The base fee of the next block."""

from primitives.header import Header
from primitives.ids import Wei
from primitives.params import ChainParams


def next_base_fee(parent: Header, params: ChainParams) -> Wei:
    """Return the base fee, in wei per gas, of the block on `parent`.

    Under the rule `ethereum` a block above its gas target (gas limit / elasticity) raises the
    fee in proportion, by at least one wei, and one below it lowers the fee. A chain that
    measures capacity keeps the fee `fixed`, since every full block raises it by an eighth.

    Reference: EIP-1559.
    """
    fee = parent.base_fee_per_gas
    if params.base_fee_rule == "fixed":
        return params.base_fee_initial
    target = parent.gas_limit // params.elasticity
    excess = parent.gas_used - target
    if excess == 0:
        return fee
    change = fee * abs(excess) // target // params.base_fee_change_denominator
    return Wei(fee + max(change, 1)) if excess > 0 else Wei(fee - change)
