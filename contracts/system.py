"""Calls that a block makes itself, and the requests that it collects for the consensus layer.

At its start a block stores its parent's hash and its parent beacon root in two contracts; at its
end it reads withdrawal and consolidation requests out of two others. The contracts stand in the
state like any other; a chain without them has none of it.

Reference: EIP-2935, EIP-4788, EIP-7002, EIP-7251, EIP-7685.
"""

from hashlib import sha256

from contracts.context import BlockContext, TransactionContext
from contracts.evm import Evm
from contracts.frame import Frame
from contracts.gas import SYSTEM_CALL
from contracts.machine import run
from contracts.state import State
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.ids import Address, Hash32
from primitives.system_contracts import (
    BEACON_ROOTS_ADDRESS,
    CONSOLIDATION_REQUESTS_ADDRESS,
    HISTORY_ADDRESS,
    SYSTEM_ADDRESS,
    WITHDRAWAL_REQUESTS_ADDRESS,
)

DEPOSIT_TYPE = b"\x00"
WITHDRAWAL_TYPE = b"\x01"
CONSOLIDATION_TYPE = b"\x02"
"""First bytes of requests (EIP-6110, EIP-7002, EIP-7251)."""


class SystemCallFailed(InvalidInput):
    """A system contract that must answer is missing, or its call failed: the block is invalid."""


def system_call(
    evm: Evm, state: State, block: BlockContext, target: Address, data: bytes
) -> bytes | None:
    """Call a contract as `SYSTEM_ADDRESS`, with gas that counts towards no limit.

    An account that delegates runs its delegate's code, as in any call (EIP-7702).

    Returns:
        What it returned; None if it failed, or has no code.
    """
    program = evm.program_of(state, target)
    if program is None:
        return None
    if program.delegate is not None and evm.rules.has_delegation:
        state.warm_address(program.delegate)
        program = evm.program_of(state, program.delegate)
        if program is None:
            return b""
    call = TransactionContext(SYSTEM_ADDRESS, block.base_fee, is_of_block=True)
    world = evm, state, block, call
    mark = state.snapshot()
    frame = Frame(world, program, SYSTEM_ADDRESS, target, SYSTEM_CALL, 0, data, mark)
    run(frame)
    return None if frame.has_failed else frame.output


def store_parent_root(evm: Evm, state: State, block: BlockContext, root: Hash32) -> None:
    """Store the parent beacon block's root (EIP-4788). A failed call changes nothing."""
    if evm.fork >= Fork.CANCUN:
        system_call(evm, state, block, BEACON_ROOTS_ADDRESS, root)


def store_parent_hash(evm: Evm, state: State, block: BlockContext, parent_hash: Hash32) -> None:
    """Store the parent block's hash (EIP-2935). A failed call changes nothing."""
    if evm.fork >= Fork.PRAGUE:
        system_call(evm, state, block, HISTORY_ADDRESS, parent_hash)


def read_withdrawal_requests(evm: Evm, state: State, block: BlockContext) -> bytes:
    """Return and clear the withdrawal requests of the block, concatenated (EIP-7002).

    Raises:
        SystemCallFailed: the contract is missing, or failed.
    """
    return _must_answer(evm, state, block, WITHDRAWAL_REQUESTS_ADDRESS)


def read_consolidation_requests(evm: Evm, state: State, block: BlockContext) -> bytes:
    """Return and clear the consolidation requests of the block, concatenated (EIP-7251).

    Raises:
        SystemCallFailed: the contract is missing, or failed.
    """
    return _must_answer(evm, state, block, CONSOLIDATION_REQUESTS_ADDRESS)


def requests_hash(requests: tuple[bytes, ...]) -> Hash32:
    """Return the header's hash of requests, each a type byte and data (EIP-7685).

    Those without data do not count. The order is that of the types.
    """
    digests = [sha256(request).digest() for request in requests if len(request) > 1]
    return Hash32(sha256(b"".join(digests)).digest())


def _must_answer(evm: Evm, state: State, block: BlockContext, target: Address) -> bytes:
    output = system_call(evm, state, block, target, b"")
    if output is None:
        raise SystemCallFailed(f"system contract 0x{target.hex()}", "an answer", "none")
    return output
