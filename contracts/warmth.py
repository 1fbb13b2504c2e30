"""What a first access costs more than a later one (EIP-2929)."""

from contracts.frame import Frame
from contracts.gas import COLD_ACCOUNT, WARM_ACCESS
from contracts.halts import OutOfGas
from primitives.ids import Address

COLD_SURCHARGE = COLD_ACCOUNT - WARM_ACCESS


def access_surcharge(f: Frame, address: Address) -> int:
    """Mark an account as accessed; return what it costs above a warm access.

    Precompiles are warm from the start of a transaction. They are not put among the warm addresses
    of each, because hardly any looks at them.
    """
    if f.state.warm_address(address):
        return 0
    if address in f.evm.precompiles and not f.transaction.is_of_block:
        return 0
    return COLD_SURCHARGE


def pay_account_access(f: Frame, address: Address) -> None:
    """Mark an account as accessed and charge what it costs above a warm access.

    Raises:
        OutOfGas: it cannot be paid.
    """
    left = f.gas - access_surcharge(f, address)
    if left < 0:
        raise OutOfGas
    f.gas = left
