"""State and block as a caller of eth_call wants them to be, for this call only.

Reference: go-ethereum, eth_call's state override set and block overrides; execution-apis
src/schemas/execute.yaml.
"""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

import msgspec

from contracts.context import BlockContext
from contracts.precompiles import precompiles_for
from node.rpc.arguments import BadArgument, address, data, hash32, mapping, quantity, quantity64
from primitives.fork import Fork
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from storage.account import ABSENT, Account
from storage.reader import StateReader


class AccountOverride(msgspec.Struct, frozen=True):
    """What an account shall be. What is None stays as it is."""

    nonce: int | None
    balance: int | None
    code: bytes | None
    slots: Mapping[int, int]
    is_whole: bool
    """Whether `slots` are all that is set."""


class OverriddenState:
    """A state in which some accounts are other than they are.

    Args:
        base: as it is.
        overrides: by address.
    """

    def __init__(self, base: StateReader, overrides: Mapping[Address, AccountOverride]) -> None:
        self._base = base
        self._overrides = overrides
        codes = [each.code for each in overrides.values() if each.code is not None]
        self._codes = {keccak256(code): code for code in codes}

    def account(self, address: Address) -> Account | None:
        """Return the account, or None when the address has none."""
        override, account = self._overrides.get(address), self._base.account(address)
        if override is None:
            return account
        old = account or ABSENT
        return Account(
            old.nonce if override.nonce is None else override.nonce,
            old.balance if override.balance is None else Wei(override.balance),
            old.code_hash if override.code is None else keccak256(override.code),
        )

    def slot(self, address: Address, slot: int) -> int:
        """Return the value of a storage slot; 0 when it is not set."""
        override = self._overrides.get(address)
        if override is not None:
            value = override.slots.get(slot)
            if value is not None:
                return value
            if override.is_whole:
                return 0
        return self._base.slot(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash; nothing for that of the empty string.

        Raises:
            KeyError: no account has ever had such code.
        """
        code = self._codes.get(code_hash)
        return self._base.code(code_hash) if code is None else code

    def has_storage(self, address: Address, but: Collection[int] = ()) -> bool:
        """Whether any slot is set, other than those of `but`."""
        override = self._overrides.get(address)
        if override is None:
            return self._base.has_storage(address, but)
        if any(value and slot not in but for slot, value in override.slots.items()):
            return True
        if override.is_whole:
            return False
        return self._base.has_storage(address, {*but, *override.slots})


def state_overrides(value: object) -> dict[Address, AccountOverride]:
    """Decode a state override set.

    Raises:
        BadArgument: it is none, or asks for what this node cannot do.
    """
    given = mapping(value, "override.StateOverride")
    return {Address(address(key)): _account(key, each) for key, each in given.items()}


def block_overridden(value: object, context: BlockContext) -> BlockContext:
    """Return a block as a caller wants it.

    Raises:
        BadArgument: the overrides are none, or ask for what this node cannot do.
    """
    given = mapping(value, "override.BlockOverrides")
    changes: dict[str, object] = {}
    for name, each in given.items():
        if each is None or name == WITHOUT_EFFECT:
            continue
        if name not in BLOCK_FIELDS:
            raise BadArgument(f"block override {name!r} is not supported for this RPC method")
        field, decode = BLOCK_FIELDS[name]
        changes[field] = decode(each)
    return msgspec.structs.replace(context, **changes)


WITHOUT_EFFECT = "difficulty"
"""No instruction shows it since Paris (EIP-4399)."""

BLOCK_FIELDS: Mapping[str, tuple[str, Callable[[object], object]]] = MappingProxyType(
    {
        "number": ("number", quantity64),
        "time": ("timestamp", quantity64),
        "gasLimit": ("gas_limit", quantity64),
        "feeRecipient": ("fee_recipient", address),
        "prevRandao": ("prev_randao", hash32),
        "baseFeePerGas": ("base_fee", quantity),
        "blobBaseFee": ("blob_base_fee", quantity),
    }
)
"""What each override changes, and how it is decoded."""


def _account(key: str, value: object) -> AccountOverride:
    given = mapping(value, "override.OverrideAccount")
    whole, part = given.get("state"), given.get("stateDiff")
    if whole is not None and part is not None:
        raise BadArgument(f"account {key} has both 'state' and 'stateDiff'")
    if given.get("movePrecompileToAddress") is not None:
        raise BadArgument("'movePrecompileToAddress' is not supported")
    if given.get("code") is not None and Address(address(key)) in precompiles_for(Fork.OSAKA):
        raise BadArgument(f"account {key} is a precompile, whose code cannot be replaced")
    slots = mapping(whole if whole is not None else part or {}, "map[common.Hash]common.Hash")
    return AccountOverride(
        None if given.get("nonce") is None else quantity64(given["nonce"]),
        None if given.get("balance") is None else quantity(given["balance"]),
        None if given.get("code") is None else data(given["code"]),
        {
            int.from_bytes(hash32(slot), "big"): int.from_bytes(hash32(word), "big")
            for slot, word in slots.items()
        },
        whole is not None,
    )
