"""eth_ methods about the state: accounts, code, storage and their proofs."""

import asyncio
from collections.abc import Callable
from string import hexdigits
from typing import Any, TypeVar

from node.rpc.arguments import address, kind, mapping, optional, required, text, unfit
from node.rpc.backend import Backend
from node.rpc.block_id import BlockId, Tag, block_id
from node.rpc.errors import invalid_params, server_error
from node.rpc.hexes import data_hex, quantity_hex, word_hex
from node.rpc.methods import Method, Parameters
from node.rpc.states import ProvenState, States
from primitives.ids import Address
from storage.account import ABSENT
from storage.proof import proof_json, prove_account

Result = TypeVar("Result")

SLOTS_MAX = 1_024
"""Of one eth_getProof or eth_getStorageValues: for a proof each takes the hashing of a way through
a trie."""
SLOTS_AT_ONCE = 16
"""That are proven before everything else that waits has its turn."""
KEY_BYTES_MAX = 32


class StateMethods:
    """Methods about the state.

    Args:
        states: finds it.
    """

    def __init__(self, states: States) -> None:
        self._states = states

    def methods(self) -> tuple[Method, ...]:
        """Return them."""
        return (
            Method("eth_getBalance", self.balance, 2),
            Method("eth_getCode", self.code, 2, cost=2),
            Method("eth_getStorageAt", self.slot, 3),
            Method("eth_getStorageValues", self.slots, 2, cost=20),
            Method("eth_getTransactionCount", self.nonce, 2),
            Method("eth_getProof", self.proof, 3, cost=50),
        )

    def balance(self, backend: Backend, parameters: Parameters) -> object:
        """eth_getBalance."""
        who = Address(required(parameters, 0, address))
        return self._ask(
            backend,
            parameters,
            1,
            lambda state: quantity_hex((state.account(who) or ABSENT).balance),
        )

    def code(self, backend: Backend, parameters: Parameters) -> object:
        """eth_getCode."""
        who = Address(required(parameters, 0, address))
        return self._ask(
            backend,
            parameters,
            1,
            lambda state: data_hex(state.code((state.account(who) or ABSENT).code_hash)),
        )

    def slot(self, backend: Backend, parameters: Parameters) -> object:
        """eth_getStorageAt."""
        who = Address(required(parameters, 0, address))
        slot = required(parameters, 1, storage_key)
        return self._ask(backend, parameters, 2, lambda state: word_hex(state.slot(who, slot)))

    async def slots(self, backend: Backend, parameters: Parameters) -> dict[str, list[str]]:
        """eth_getStorageValues: slots of several accounts."""
        wanted = required(parameters, 0, slot_requests)
        _, state = await self._states.at(backend, named(parameters, 1))
        found: dict[str, list[str]] = {}
        for who, slots in wanted.items():
            values = found[data_hex(who)] = []
            for first in range(0, len(slots), SLOTS_AT_ONCE):
                some = slots[first : first + SLOTS_AT_ONCE]
                values += [word_hex(state.slot(who, slot)) for slot in some]
                await asyncio.sleep(0)
        return found

    def nonce(self, backend: Backend, parameters: Parameters) -> object:
        """eth_getTransactionCount; for `pending` what waits in the pool without a gap counts."""
        who = Address(required(parameters, 0, address))
        if named(parameters, 1) is Tag.PENDING:
            queue = backend.node.pool.queue(who)
            if queue is not None:
                return quantity_hex(queue.pending_end)
        return self._ask(
            backend, parameters, 1, lambda state: quantity_hex((state.account(who) or ABSENT).nonce)
        )

    async def proof(self, backend: Backend, parameters: Parameters) -> dict[str, Any]:
        """eth_getProof (EIP-1186)."""
        who = Address(required(parameters, 0, address))
        slots = required(parameters, 1, storage_keys)
        _, state = await self._states.at(backend, named(parameters, 2))
        trie = state.trie()
        shown = proof_json(prove_account(trie, who))
        for first in range(0, len(slots), SLOTS_AT_ONCE):
            some = slots[first : first + SLOTS_AT_ONCE]
            shown["storageProof"] += proof_json(prove_account(trie, who, some))["storageProof"]
            await asyncio.sleep(0)
        for entry, key in zip(shown["storageProof"], _keys(parameters[1]), strict=True):
            entry["key"] = key
        return shown

    def _ask(
        self,
        backend: Backend,
        parameters: Parameters,
        place: int,
        answer: Callable[[ProvenState], Result],
    ) -> object:
        return self._states.ask(backend, named(parameters, place), answer)


def named(parameters: Parameters, place: int) -> BlockId:
    """Return the block that is named at a place; the latest if it is left out."""
    return optional(parameters, place, block_id, Tag.LATEST)


def storage_key(value: object) -> int:
    """Decode a slot: up to 32 bytes, leading zeros or not, with 0x or not.

    Raises:
        BadArgument: it is no string.
        RpcError: it is no slot.
    """
    digits = _digits(text(value))
    if len(digits) > 2 * KEY_BYTES_MAX:
        raise server_error(
            "unable to decode storage key: hex string too long, want at most 32 bytes"
        )
    if not frozenset(hexdigits).issuperset(digits):
        raise server_error("unable to decode storage key: hex string invalid")
    return int(digits, 16) if digits else 0


def storage_keys(value: object) -> list[int]:
    """Decode the slots of eth_getProof.

    Raises:
        BadArgument: they are none.
        RpcError: there are too many.
    """
    if not isinstance(value, list):
        raise unfit(kind(value), "[]string")
    if len(value) > SLOTS_MAX:
        raise invalid_params(f"too many keys ({len(value)}, at most {SLOTS_MAX})")
    return [storage_key(each) for each in value]


def slot_requests(value: object) -> dict[Address, list[int]]:
    """Decode the slots of eth_getStorageValues, by address.

    Raises:
        BadArgument: they are none.
        RpcError: there are none or too many.
    """
    given = mapping(value, "map[common.Address][]common.Hash")
    count = sum(len(keys) for keys in given.values() if isinstance(keys, list))
    if count > SLOTS_MAX or len(given) > SLOTS_MAX:
        raise invalid_params(f"too many slots (max {SLOTS_MAX})")
    wanted = {Address(address(who)): storage_keys(keys) for who, keys in given.items()}
    if not count:
        raise invalid_params("empty request")
    return wanted


def _digits(key: str) -> str:
    """Return the digits of whole bytes."""
    digits = key[2:] if key.startswith(("0x", "0X")) else key
    return "0" + digits if len(digits) % 2 else digits


def _keys(value: object) -> list[str]:
    """Return the slots as go-ethereum echoes them: as words if they came so, else as quantities."""
    assert isinstance(value, list), "it has been decoded"
    return [
        word_hex(storage_key(each))
        if len(_digits(each)) == 2 * KEY_BYTES_MAX
        else quantity_hex(storage_key(each))
        for each in value
    ]
