"""eth_call, eth_estimateGas and eth_createAccessList.

Reference: execution-apis src/eth/execute.yaml; go-ethereum eth/gasestimator, whose search this
one follows so that the answers are the same.
"""

from collections.abc import Container, Generator
from typing import Any

import msgspec

from contracts.gas import CALL_STIPEND
from contracts.sliced import SlicedResult
from node.rpc.backend import Backend
from node.rpc.call_errors import REVERTED, failed, halt_text
from node.rpc.call_runner import CallRunner
from node.rpc.errors import RpcError, server_error
from node.rpc.hexes import data_hex, quantity_hex
from node.rpc.methods import Method, Parameters
from node.rpc.recording import RecordingJournal
from node.rpc.simulation import Scene, Simulator, simulate
from node.rpc.transaction_shapes import access_list_shape
from primitives.ids import Address, Hash32
from primitives.keccak import EMPTY_KECCAK
from primitives.transaction import AccessListEntry
from primitives.transaction.errors import IntrinsicGasTooLow
from storage.account import ABSENT

TRANSFER_GAS = 21_000
OUT_OF_GAS = "OutOfGas"
ERROR_RATIO = 0.015
"""How much too high an estimate may be: finding the last unit takes many more executions."""
ROUNDS_MAX = 16
"""In which an access list comes to rest; it has always done so after two or three."""


class CallMethods:
    """Methods that execute what a caller asks for.

    Args:
        simulator: executes it.
        runner: gives it time.
    """

    def __init__(self, simulator: Simulator, runner: CallRunner) -> None:
        self._simulator = simulator
        self._runner = runner

    def methods(self) -> tuple[Method, ...]:
        """Return them."""
        return (
            Method("eth_call", self.call, 4, cost=20),
            Method("eth_estimateGas", self.estimate, 4, cost=50),
            Method("eth_createAccessList", self.access_list, 3, cost=50),
        )

    async def call(self, backend: Backend, parameters: Parameters) -> str:
        """eth_call."""
        scene = await self._scene(backend, parameters)
        gas = min(scene.request.gas or self._runner.limits.gas, self._runner.limits.gas)
        found = await self._runner.run(self._simulator.steps(scene, scene.transaction(gas)))
        result = found.result
        if not result.succeeded:
            raise failed(result.failure, result.output)
        return data_hex(result.output)

    async def estimate(self, backend: Backend, parameters: Parameters) -> str:
        """eth_estimateGas."""
        scene = await self._scene(backend, parameters)
        wanted = scene.request.gas or 0
        highest = min(
            wanted if wanted >= TRANSFER_GAS else scene.context.gas_limit,
            self._runner.limits.gas,
            scene.max_transaction_gas,
        )
        return quantity_hex(await self._runner.run(self._estimated(scene, highest)))

    async def access_list(self, backend: Backend, parameters: Parameters) -> dict[str, Any]:
        """eth_createAccessList."""
        scene = await self._scene(backend, parameters)
        return await self._runner.run(self._listed(scene))

    async def _scene(self, backend: Backend, parameters: Parameters) -> Scene:
        given: list[object] = [*parameters, None, None, None, None]
        request, place, state, block = given[:4]
        return await self._simulator.scene(backend, request, state, block, place=place)

    def _estimated(self, scene: Scene, highest: int) -> Generator[None, None, int]:
        """Find the least gas limit with which a call succeeds, or a little more."""
        highest = min(highest, _affordable(scene))
        is_payment = _is_payment(scene) and highest >= TRANSFER_GAS
        if is_payment and (yield from self._attempt(scene, TRANSFER_GAS)) is not None:
            return TRANSFER_GAS
        found = yield from self._with_most(scene, highest)
        lowest = found.result.gas_used - 1
        likely = (found.gas_before_refund + CALL_STIPEND) * 64 // 63
        if likely < highest:
            if (yield from self._attempt(scene, likely)) is None:
                lowest = likely
            else:
                highest = likely
        while lowest + 1 < highest and (highest - lowest) / highest >= ERROR_RATIO:
            middle = min((highest + lowest) // 2, lowest * 2)
            if (yield from self._attempt(scene, middle)) is None:
                lowest = middle
            else:
                highest = middle
        return highest

    def _with_most(self, scene: Scene, gas: int) -> Generator[None, None, SlicedResult]:
        """Execute with the highest gas limit that there is.

        Raises:
            RpcError: it is not enough, or the call fails for another reason.
        """
        try:
            found = yield from self._simulator.steps(scene, scene.transaction(gas))
        except RpcError as error:
            if isinstance(error.__cause__, IntrinsicGasTooLow):
                raise _above_allowance(gas) from error
            raise
        result = found.result
        if result.failure == OUT_OF_GAS:
            raise _above_allowance(gas)
        if not result.succeeded:
            raise failed(result.failure, result.output)
        return found

    def _attempt(self, scene: Scene, gas: int) -> Generator[None, None, SlicedResult | None]:
        """Execute with a gas limit; return None if that is not enough, or fails for another reason.

        A limit below what the call costs before it runs is not enough either.
        """
        try:
            found = yield from self._simulator.steps(scene, scene.transaction(gas))
        except RpcError:
            return None
        return found if found.result.succeeded else None

    def _listed(self, scene: Scene) -> Generator[None, None, dict[str, Any]]:
        """Execute with ever longer access lists until one has all that the call accesses."""
        limits = self._runner.limits
        gas = min(scene.request.gas or scene.context.gas_limit, limits.gas)
        request, evm = scene.request, self._simulator.engine.evm(scene.context.fork)
        listed = request.access_list or ()
        rounds = 0
        while True:
            asked = msgspec.structs.replace(request, access_list=listed)
            scene = msgspec.structs.replace(scene, request=asked)
            journal = RecordingJournal(scene.state)
            found = yield from simulate(evm, journal, scene, scene.transaction(gas), journal.run)
            accessed = _entries(journal, evm.precompiles, listed)
            rounds += 1
            if accessed == listed or rounds == ROUNDS_MAX:
                return _shown(listed, found)
            listed = accessed


def _shown(listed: tuple[AccessListEntry, ...], found: SlicedResult) -> dict[str, Any]:
    result = found.result
    shown: dict[str, Any] = {
        "accessList": access_list_shape(listed),
        "gasUsed": quantity_hex(result.gas_used),
    }
    if not result.succeeded:
        shown["error"] = REVERTED if result.failure is None else halt_text(result.failure)
    return shown


def _entries(
    journal: RecordingJournal, precompiles: Container[Address], given: tuple[AccessListEntry, ...]
) -> tuple[AccessListEntry, ...]:
    """Return what was accessed as an access list, what was given included, by address.

    Precompiles are left out, as they are warm from the start; naming them would only cost.
    """
    slots: dict[Address, set[int]] = {
        address: set() for address in journal.addresses if address not in precompiles
    }
    for entry in given:
        keys = [int.from_bytes(key, "big") for key in entry.storage_keys]
        slots.setdefault(entry.address, set()).update(keys)
    for address, slot in journal.slots:
        slots.setdefault(address, set()).add(slot)
    return tuple(
        AccessListEntry(
            address,
            tuple([Hash32(slot.to_bytes(32, "big")) for slot in sorted(slots[address])]),
        )
        for address in sorted(slots)
    )


def _above_allowance(gas: int) -> RpcError:
    return server_error(f"gas required exceeds allowance ({gas})")


def _affordable(scene: Scene) -> int:
    """Return how much gas the sender can pay for.

    Raises:
        RpcError: not even the value.
    """
    request = scene.request
    if not request.max_fee:
        return 1 << 63
    available = scene.balance() - request.value
    if available < 0:
        raise server_error("insufficient funds for transfer")
    return available // request.max_fee


def _is_payment(scene: Scene) -> bool:
    """Whether a call does nothing but move value to an account without code."""
    request = scene.request
    if request.to is None or request.data or request.authorizations or request.access_list:
        return False
    return (scene.state.account(request.to) or ABSENT).code_hash == EMPTY_KECCAK
