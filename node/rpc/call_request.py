"""The transaction object of eth_call and its kin.

Reference: execution-apis src/schemas/transaction.yaml (GenericTransaction); go-ethereum
internal/ethapi/transaction_args.go, whose words the refusals have.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from node.rpc.arguments import (
    BadArgument,
    address,
    data,
    hash32,
    kind,
    mapping,
    quantity,
    quantity64,
    unfit,
)
from node.rpc.errors import invalid_params, server_error
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.transaction import (
    AccessListEntry,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    SetCodeTransaction,
    Transaction,
)

Value = TypeVar("Value")

ZERO_ADDRESS = Address(bytes(20))
INITCODE_BYTES_MAX = 49_152
"""EIP-3860."""
ENTRIES_MAX = 10_000
"""Of an access list, or blobs."""
AUTHORIZATIONS_MAX = 256
"""Their signers are recovered in one go, in 40 us each."""


class CallRequest(msgspec.Struct, frozen=True):
    """What a caller wants to be executed. What is left out is None."""

    sender: Address
    to: Address | None
    """None: it creates a contract."""
    data: bytes
    value: int
    gas: int | None
    max_fee: int
    """Wei per gas; 0: nothing is paid."""
    priority_fee: int
    nonce: int | None
    access_list: tuple[AccessListEntry, ...] | None
    authorizations: tuple[Authorization, ...]
    blob_hashes: tuple[Hash32, ...]
    max_fee_per_blob_gas: int
    chain_id: int | None = None
    """That the caller takes the node's chain to have."""

    def transaction(self, chain_id: int, gas: int, nonce: int) -> Transaction:
        """Return the transaction, without a signature.

        Args:
            chain_id: of the chain.
            gas: its limit.
            nonce: that it has.
        """
        fields = {
            "chain_id": chain_id,
            "nonce": nonce,
            "max_priority_fee_per_gas": Wei(self.priority_fee),
            "max_fee_per_gas": Wei(self.max_fee),
            "gas_limit": Gas(gas),
            "value": Wei(self.value),
            "data": self.data,
            "access_list": self.access_list or (),
        }
        if self.to is not None and self.blob_hashes:
            return BlobTransaction(
                **fields,  # type: ignore[arg-type]
                to=self.to,
                max_fee_per_blob_gas=Wei(self.max_fee_per_blob_gas),
                blob_versioned_hashes=self.blob_hashes,
            )
        if self.to is not None and self.authorizations:
            return SetCodeTransaction(
                **fields,  # type: ignore[arg-type]
                to=self.to,
                authorizations=self.authorizations,
            )
        return DynamicFeeTransaction(**fields, to=self.to)  # type: ignore[arg-type]


def call_request(value: object) -> CallRequest:
    """Decode a transaction object.

    Raises:
        BadArgument: a field is not what it should be.
        RpcError: the fields contradict one another.
    """
    given = mapping(value, "ethapi.TransactionArgs")
    max_fee, priority_fee = _fees(given)
    request = CallRequest(
        sender=Address(_optional(given, "from", address) or ZERO_ADDRESS),
        to=None if (to := _optional(given, "to", address)) is None else Address(to),
        data=_input(given),
        value=_optional(given, "value", quantity) or 0,
        gas=_optional(given, "gas", quantity64),
        max_fee=max_fee,
        priority_fee=priority_fee,
        nonce=_optional(given, "nonce", quantity64),
        access_list=_optional(given, "accessList", access_list),
        authorizations=_optional(given, "authorizationList", _authorizations) or (),
        blob_hashes=_optional(given, "blobVersionedHashes", _hashes) or (),
        max_fee_per_blob_gas=_optional(given, "maxFeePerBlobGas", quantity) or 0,
        chain_id=_optional(given, "chainId", quantity),
    )
    if request.to is None and (request.blob_hashes or request.authorizations):
        raise invalid_params('missing "to" in a transaction that cannot create a contract')
    if request.to is None and len(request.data) > INITCODE_BYTES_MAX:
        found = f"code size {len(request.data)}, limit {INITCODE_BYTES_MAX}"
        raise server_error(f"max initcode size exceeded: {found}")
    return request


def access_list(value: object) -> tuple[AccessListEntry, ...]:
    """Decode an access list (EIP-2930).

    Raises:
        BadArgument: it is none.
    """
    return tuple([_access_entry(each) for each in _list(value, "types.AccessList")])


def _access_entry(value: object) -> AccessListEntry:
    entry = mapping(value, "types.AccessTuple")
    keys = _optional(entry, "storageKeys", _hashes) or ()
    return AccessListEntry(Address(address(entry.get("address"))), keys)


def _fees(given: dict[str, object]) -> tuple[int, int]:
    """Return fee cap and priority fee."""
    price = _optional(given, "gasPrice", quantity)
    cap = _optional(given, "maxFeePerGas", quantity)
    tip = _optional(given, "maxPriorityFeePerGas", quantity)
    if price is not None and (cap is not None or tip is not None):
        raise server_error("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    if price is not None:
        return price, price
    if cap is not None and tip is not None and cap < tip:
        raise server_error(f"maxFeePerGas ({cap}) < maxPriorityFeePerGas ({tip})")
    return cap or 0, min(tip or 0, cap or 0)


def _input(given: dict[str, object]) -> bytes:
    old, new = _optional(given, "data", data), _optional(given, "input", data)
    if old is not None and new is not None and old != new:
        raise server_error(
            'both "data" and "input" are set and not equal. '
            'Please use "input" to pass transaction call data'
        )
    return new if new is not None else old or b""


def _authorizations(value: object) -> tuple[Authorization, ...]:
    return tuple(
        [
            _authorization(each)
            for each in _list(value, "types.SetCodeAuthorization", AUTHORIZATIONS_MAX)
        ]
    )


def _authorization(value: object) -> Authorization:
    given = mapping(value, "types.SetCodeAuthorization")
    return Authorization(
        chain_id=quantity(given.get("chainId")),
        address=Address(address(given.get("address"))),
        nonce=quantity64(given.get("nonce")),
        y_parity=quantity64(given.get("yParity")),
        r=quantity(given.get("r")),
        s=quantity(given.get("s")),
    )


def _hashes(value: object) -> tuple[Hash32, ...]:
    return tuple([Hash32(hash32(each)) for each in _list(value, "common.Hash")])


def _list(value: object, name: str, most: int = ENTRIES_MAX) -> list[object]:
    if not isinstance(value, list):
        raise unfit(kind(value), f"[]{name}")
    if len(value) > most:
        raise BadArgument(f"more than {most} entries of type {name}")
    return value


def _optional(
    given: dict[str, object], name: str, decode: Callable[[object], Value]
) -> Value | None:
    value = given.get(name)
    return None if value is None else decode(value)
