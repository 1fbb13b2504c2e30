"""Executing what a caller asks for on some state, in some block, without changing anything."""

from collections.abc import Generator
from typing import TypeVar

import msgspec

from contracts.context import BlockContext
from contracts.evm import Evm
from contracts.sliced import Runner, SlicedResult, execute_sliced, run_sliced
from contracts.validity import worst_cost
from node.builder import BuildContext, draft_header
from node.execution_setting import ExecutionEngine, block_setting
from node.rpc.arguments import optional, required
from node.rpc.backend import ChainBackend
from node.rpc.block_id import BlockId, Tag, block_id
from node.rpc.call_errors import insufficient_funds, refused
from node.rpc.call_request import CallRequest, call_request
from node.rpc.errors import server_error
from node.rpc.overrides import OverriddenState, block_overridden, state_overrides
from node.rpc.states import States
from primitives.header import Header
from primitives.ids import Hash32, Wei
from primitives.system_contracts import HISTORY_ADDRESS
from primitives.transaction import InvalidTransaction, Transaction
from primitives.transaction.errors import InsufficientFunds
from storage.account import ABSENT
from storage.journal import Journal
from storage.reader import StateReader

Result = TypeVar("Result")

HISTORY_SERVED = 8_191
"""Blocks whose hashes the state holds (EIP-2935)."""


class RecentHashes:
    """Answers BLOCKHASH from the state, where every block puts its parent's hash (EIP-2935).

    Args:
        state: after some block, or on it.
        head: height of that block.
        digest: its hash, which the state does not hold yet.
    """

    __slots__ = ("_digest", "_head", "_state")

    def __init__(self, state: StateReader, head: int, digest: Hash32) -> None:
        self._state = state
        self._head = head
        self._digest = digest

    def __call__(self, number: int) -> Hash32:
        """Return the hash of a block; zero for one that is not known."""
        if number == self._head:
            return self._digest
        value = self._state.slot(HISTORY_ADDRESS, number % HISTORY_SERVED)
        return Hash32(value.to_bytes(32, "big"))


class Scene(msgspec.Struct, frozen=True):
    """What a call is executed on."""

    request: CallRequest
    header: Header
    """Of the block that the caller has named."""
    context: BlockContext
    state: StateReader
    max_transaction_gas: int
    """Most that a transaction of the chain may ask for."""

    def transaction(self, gas: int) -> Transaction:
        """Return what is asked for, with a gas limit."""
        request = self.request
        nonce = request.nonce
        if nonce is None:
            nonce = (self.state.account(request.sender) or ABSENT).nonce
        return request.transaction(self.context.chain_id, gas, nonce)

    def balance(self) -> int:
        """Return what the sender has, in wei."""
        return (self.state.account(self.request.sender) or ABSENT).balance


class Simulator:
    """Executes calls on the states of one node.

    Args:
        states: finds them.
        engine: has the virtual machines; they are the caller's own, not those that execute blocks.
    """

    def __init__(self, states: States, engine: ExecutionEngine | None = None) -> None:
        self.states = states
        self.engine = engine or ExecutionEngine()

    async def scene(
        self,
        backend: ChainBackend,
        parameters: object,
        state: object = None,
        block: object = None,
        *,
        place: object = None,
    ) -> Scene:
        """Return what a call is executed on.

        Args:
            backend: the node.
            parameters: the transaction object.
            state: the state override set, if any.
            block: the block overrides, if any.
            place: the block; the latest if it is left out.

        Raises:
            RpcError: something cannot be decoded, or there is no such block or state.
        """
        params = backend.environment.genesis.params
        request = required([parameters], 0, call_request)
        if request.chain_id not in (None, params.chain_id):
            shown = f"have={request.chain_id}, want={params.chain_id}"
            raise server_error(f"chainId does not match node's ({shown})")
        changes = optional([None, None, state], 2, state_overrides, {})
        named: BlockId = optional([None, place], 1, block_id, Tag.LATEST)
        header, found = await self.states.at(backend, named)
        reader: StateReader = OverriddenState(found, changes) if changes else found
        digest = Hash32(bytes(32))
        if named is Tag.PENDING:
            tip = backend.node.ledger.tip
            digest = tip.digest
            header = self.pending(backend)
        context = self.context(backend, header, reader, digest)
        context = optional(
            [None, None, None, block], 3, lambda value: block_overridden(value, context), context
        )
        if not request.max_fee:
            context = msgspec.structs.replace(context, base_fee=Wei(0))
        if request.blob_hashes and not request.max_fee_per_blob_gas:
            context = msgspec.structs.replace(context, blob_base_fee=Wei(0))
        return Scene(request, header, context, reader, params.max_transaction_gas)

    def pending(self, backend: ChainBackend) -> Header:
        """Return the header of the next block, as far as it is known before execution."""
        ledger, params = backend.node.ledger, backend.environment.genesis.params
        context = BuildContext(backend.config.fee_recipient, ledger.tip.block.header.timestamp)
        return draft_header(ledger.tip, context, params)

    def context(
        self, backend: ChainBackend, header: Header, state: StateReader, digest: Hash32
    ) -> BlockContext:
        """Return a block as instructions see it.

        Args:
            backend: the node.
            header: of the block.
            state: on it or after it.
            digest: hash of the block below, where the state does not hold it.
        """
        params = backend.environment.genesis.params
        context = block_setting(header, (), params, self.engine).context
        hashes = RecentHashes(state, header.number - 1 if any(digest) else -1, digest)
        return msgspec.structs.replace(context, block_hash=hashes)

    def steps(self, scene: Scene, transaction: Transaction) -> Generator[None, None, SlicedResult]:
        """Return the steps of a call, which end in its result.

        Raises:
            RpcError: when they begin: the call may not be executed at all.
        """
        journal = Journal(scene.state)
        return simulate(self.engine.evm(scene.context.fork), journal, scene, transaction)


def simulate(
    evm: Evm,
    journal: Journal,
    scene: Scene,
    transaction: Transaction,
    run: Runner = run_sliced,
) -> Generator[None, None, SlicedResult]:
    """Execute a call, a slice at a time.

    Args:
        evm: of the block's fork.
        journal: over the scene's state.
        scene: what it is executed on.
        transaction: what is executed.
        run: what runs the frames.

    Raises:
        RpcError: the call may not be executed at all.
    """
    sender = scene.request.sender
    try:
        return (
            yield from execute_sliced(
                evm, journal, transaction, sender, scene.context, checks_sender=False, run=run
            )
        )
    except InsufficientFunds as error:
        want = worst_cost(transaction)
        reason = insufficient_funds(sender, scene.balance(), want)
        supplied = transaction.gas_limit
        raise server_error(f"err: {reason} (supplied gas {supplied})") from error
    except InvalidTransaction as error:
        raise refused(error, transaction) from error
