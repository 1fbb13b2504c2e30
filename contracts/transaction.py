"""Executing one transaction: from its checks against the state to the fee recipient's tip."""

from contracts.authorizations import apply_authorizations
from contracts.context import BlockContext, TransactionContext
from contracts.creation import begin_creation, is_taken
from contracts.evm import Evm
from contracts.frame import Frame
from contracts.gas import BLOB
from contracts.halts import AddressCollision, PrecompileFailure
from contracts.machine import run
from contracts.precompile_call import answer
from contracts.program import Program
from contracts.result import ExecutionResult
from contracts.state import State
from contracts.validity import take_worst_cost, worst_cost
from primitives.address import contract_address
from primitives.ids import Address, Gas, Wei
from primitives.transaction import IntrinsicGas, Transaction, effective_gas_price


def execute_transaction(
    evm: Evm,
    state: State,
    tx: Transaction,
    sender: Address,
    block: BlockContext,
    gas_left: int,
    blob_gas_left: int,
) -> ExecutionResult:
    """Execute a transaction on the state. Whoever calls ends the state's transaction afterwards.

    Args:
        evm: of the block's fork.
        state: at the transaction's begin: nothing is warm, no transient slot is set.
        tx: has passed `primitives.transaction.check_static`.
        sender: who signed it.
        block: the block that it stands in.
        gas_left: the block's gas limit less what the transactions before have used.
        blob_gas_left: likewise.

    Raises:
        InvalidTransaction: it may not stand there; the state is unchanged.

    Reference: Yellow Paper, section 6; EIP-1559, EIP-2929, EIP-4844, EIP-7623, EIP-7702.
    """
    intrinsic = take_worst_cost(evm, state, tx, sender, block, gas_left, blob_gas_left)
    price = effective_gas_price(tx, block.base_fee)
    frame, refund, is_pending = begin_transaction(evm, state, tx, sender, block, intrinsic, price)
    if is_pending:
        assert frame is not None, "something that is to be run"
        run(frame)
    return finish_transaction(evm, state, tx, sender, block, intrinsic, price, frame, refund)


def begin_transaction(
    evm: Evm,
    state: State,
    tx: Transaction,
    sender: Address,
    block: BlockContext,
    intrinsic: IntrinsicGas,
    price: Wei,
) -> tuple[Frame | None, int, bool]:
    """Do what comes before the first instruction, once the worst cost has been taken.

    Args:
        evm: as for `execute_transaction`, as the next four are.
        state: likewise.
        tx: likewise.
        sender: likewise.
        block: likewise.
        intrinsic: gas of the transaction.
        price: that it pays for a unit of gas.

    Returns:
        The outermost frame, None if nothing is to run; the refund so far; and whether the frame
        is still to be run.
    """
    blob_gas = _blob_gas(tx)
    blob_fee = blob_gas * block.blob_base_fee if blob_gas else 0
    state.add_balance(sender, worst_cost(tx) - tx.gas_limit * price - blob_fee)
    state.set_nonce(sender, tx.nonce + 1)
    refund = 0
    if tx.authorizations:
        state.warm_address(sender)
        refund = apply_authorizations(state, tx.authorizations, block.chain_id)
    gas = tx.gas_limit - intrinsic.required
    frame, is_pending = _open(evm, state, tx, sender, block, price, gas)
    return frame, refund, is_pending


def finish_transaction(
    evm: Evm,
    state: State,
    tx: Transaction,
    sender: Address,
    block: BlockContext,
    intrinsic: IntrinsicGas,
    price: Wei,
    frame: Frame | None,
    refund: int,
) -> ExecutionResult:
    """Do what comes after the last instruction: refunds, and what the fee recipient gets.

    Args:
        evm: as for `execute_transaction`, as the next four are.
        state: likewise.
        tx: likewise.
        sender: likewise.
        block: likewise.
        intrinsic: gas of the transaction.
        price: that it pays for a unit of gas.
        frame: the outermost, which has ended; None if nothing was to run.
        refund: that authorizations gave.
    """
    blob_gas = _blob_gas(tx)
    gas_used: int = tx.gas_limit
    if frame is None:
        gas_used = intrinsic.required
    else:
        gas_used -= frame.gas
        refund += 0 if frame.has_failed else frame.refund
    gas_used -= min(refund, gas_used // evm.rules.refund_divisor)
    gas_used = max(gas_used, intrinsic.floor)
    if gas_used < tx.gas_limit:
        state.add_balance(sender, (tx.gas_limit - gas_used) * price)
    tip = gas_used * (price - block.base_fee)
    state.add_balance(block.fee_recipient, tip)
    has_succeeded = frame is None or not frame.has_failed
    return ExecutionResult(
        succeeded=has_succeeded,
        gas_used=Gas(gas_used),
        output=b"" if frame is None else frame.output,
        created=frame.created if frame is not None and has_succeeded else None,
        failure=None if frame is None else frame.failure,
        tip=Wei(tip),
        burnt=Wei(gas_used * block.base_fee + blob_gas * block.blob_base_fee),
        blob_gas_used=Gas(blob_gas),
    )


def _blob_gas(tx: Transaction) -> int:
    hashes = tx.blob_versioned_hashes
    return BLOB * len(hashes) if hashes else 0


def _open(
    evm: Evm,
    state: State,
    tx: Transaction,
    sender: Address,
    block: BlockContext,
    price: Wei,
    gas: int,
) -> tuple[Frame | None, bool]:
    """Return the frame of what the transaction calls or creates, and whether it is to be run.

    There is none where no code is called.
    """
    program: Program | None
    if tx.to is None:
        program = evm.initcode_program(tx.data)
    else:
        program = evm.program_of(state, tx.to)
        if program is not None and program.delegate is not None and evm.rules.has_delegation:
            state.warm_address(program.delegate)
            program = evm.program_of(state, program.delegate)
        if program is None and tx.to not in evm.precompiles:
            _move(evm, state, sender, tx.to, tx.value)
            return None, False
    world = evm, state, block, TransactionContext(sender, price, tx.blob_versioned_hashes)
    address = contract_address(sender, tx.nonce) if tx.to is None else tx.to
    data = b"" if tx.to is None else tx.data
    program = program or evm.initcode_program(b"")
    frame = Frame(world, program, sender, address, gas, tx.value, data)
    if evm.rules.has_warmth:
        _warm(evm, state, tx, frame)
    frame.mark = state.snapshot()
    if tx.to is None:
        frame.created = address
        return frame, _may_create(frame)
    _move(evm, state, sender, tx.to, tx.value)
    if tx.to in evm.precompiles:
        _run_precompile(frame, tx.to)
        return frame, False
    return frame, True


def _move(evm: Evm, state: State, sender: Address, to: Address, value: int) -> None:
    if value:
        state.take_balance(sender, value)
    if value or evm.rules.touches_empty:
        state.add_balance(to, value)


def _warm(evm: Evm, state: State, tx: Transaction, frame: Frame) -> None:
    """Mark what is warm from the start (EIP-2929, EIP-2930, EIP-3651)."""
    state.warm_address(frame.caller)
    state.warm_address(frame.address)
    if evm.rules.warms_fee_recipient:
        state.warm_address(frame.block.fee_recipient)
    for entry in tx.access_list:
        state.warm_address(entry.address)
        for key in entry.storage_keys:
            state.warm_slot(entry.address, int.from_bytes(key, "big"))


def _may_create(frame: Frame) -> bool:
    if is_taken(frame.state, frame.address):
        frame.fail(AddressCollision.__name__)
        return False
    begin_creation(frame)
    return True


def _run_precompile(frame: Frame, address: Address) -> None:
    precompile = frame.evm.precompiles[address]
    output, left = answer(frame, frame.gas, frame.data, precompile)
    if output is None:
        frame.fail(PrecompileFailure.__name__)
        frame.state.revert(frame.mark)
        return
    frame.gas = left
    frame.output = output
