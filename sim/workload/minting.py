"""Making signed transactions, fast.

Signing costs more than everything else that a simulated transaction needs, so the path to it is
short: keys are prepared once, random draws come a thousand at a time, and the fields that never
change are encoded once. The bytes are those of `primitives.transaction`; a test holds the two
side by side.
"""

from collections.abc import Mapping, Sequence

from primitives.account_key import AccountKey
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.rlp import EMPTY_LIST, EMPTY_STRING, encode_bytes, encode_int, list_header
from sim.workload.accounts import derive_accounts, equal_alloc
from sim.workload.calls import Call, CallSource, Payments
from sim.workload.options import LoopOptions, TransferOptions, fee_ceiling
from sim.workload.skew import uniform_stream
from sim.workload.workload import WorkloadContext

TYPE_BYTE = b"\x02"
HEADROOM_UNIT = 1_000
"""The fee headroom is kept in thousandths: fees are integers, on every machine the same."""


class Purse:
    """Accounts with their keys and nonces.

    Args:
        keys: of the accounts.
        chain_id: what is signed is valid there only.
        first_nonces: of accounts that have sent something before.
    """

    __slots__ = ("_chain_id", "_nonces", "keys")

    def __init__(
        self,
        keys: Sequence[AccountKey],
        chain_id: int,
        first_nonces: Mapping[Address, int] | None = None,
    ) -> None:
        self.keys = keys
        self._nonces = [(first_nonces or {}).get(key.address, 0) for key in keys]
        self._chain_id = encode_int(chain_id)

    def sign(self, account: int, call: Call, tip: int, max_fee: int) -> tuple[bytes, Hash32]:
        """Return the next transaction of `account`, signed, and its hash.

        Args:
            account: index of the sender.
            call: what it does.
            tip: most for the fee recipient, in wei per gas.
            max_fee: most in all, in wei per gas.
        """
        nonce = self._nonces[account]
        self._nonces[account] = nonce + 1
        return self.sign_at(account, nonce, call, tip, max_fee)

    def sign_at(
        self, account: int, nonce: int, call: Call, tip: int, max_fee: int
    ) -> tuple[bytes, Hash32]:
        """Return a transaction of `account` at a nonce of one's own choice; see `sign`."""
        fields = b"".join(
            (
                self._chain_id,
                encode_int(nonce),
                encode_int(tip),
                encode_int(max_fee),
                encode_int(call.gas_limit),
                EMPTY_STRING if call.to is None else encode_bytes(call.to),
                encode_int(call.value),
                encode_bytes(call.data),
                EMPTY_LIST,
            )
        )
        raw = self._signed(account, fields)
        return raw, keccak256(raw)

    def _signed(self, account: int, fields: bytes) -> bytes:
        """Reference: EIP-1559, the signature over the fields and the fields with it."""
        digest = keccak256(TYPE_BYTE + list_header(len(fields)) + fields)
        signature = self.keys[account].sign(digest)
        parity = b"\x01" if signature[64] else EMPTY_STRING
        # Leading zeros go, as in any RLP integer.
        r, s = signature[:32].lstrip(b"\x00"), signature[32:64].lstrip(b"\x00")
        payload = fields + parity + encode_bytes(r) + encode_bytes(s)
        return TYPE_BYTE + list_header(len(payload)) + payload


class Mint:
    """Makes the transactions of a workload.

    Args:
        options: what fees to offer.
        context: chain id, seed and generator.
        keys: of the accounts.
        source: what they do.
    """

    __slots__ = ("_fee_ceiling", "_headroom", "_purse", "_source", "_tips", "alloc")

    def __init__(
        self,
        options: LoopOptions,
        context: WorkloadContext,
        keys: Sequence[AccountKey],
        source: CallSource,
    ) -> None:
        self._purse = Purse(keys, context.params.chain_id, context.first_nonces)
        self._source = source
        self.alloc = equal_alloc([key.address for key in keys], Wei(options.balance))
        """Genesis balances of the accounts."""
        self._headroom = round(options.fee_headroom * HEADROOM_UNIT)
        self._fee_ceiling = fee_ceiling(options, source.gas_limit_max)
        self._tips = uniform_stream(context.generator, options.tip_min, options.tip_max)

    def address(self, account: int) -> Address:
        """Return the address of an account."""
        return self._purse.keys[account].address

    def next(self, account: int, base_fee: int) -> tuple[bytes, Hash32]:
        """Return the next transaction of `account`, signed, and its hash.

        Args:
            account: index of the sender.
            base_fee: of the moment, in wei per gas; the fee cap follows from it.
        """
        tip = next(self._tips)
        max_fee = min(tip + base_fee * self._headroom // HEADROOM_UNIT, self._fee_ceiling)
        return self._purse.sign(account, self._source.call(account), min(tip, max_fee), max_fee)


def transfer_mint(options: TransferOptions, context: WorkloadContext) -> Mint:
    """Return what makes the payments between the accounts of a seed."""
    keys = derive_accounts(context.seed, options.accounts)
    source = Payments(options, [key.address for key in keys], context.generator)
    return Mint(options, context, keys, source)
