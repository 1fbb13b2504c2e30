"""Making signed transfers, fast.

Signing costs more than everything else that a simulated transaction needs, so the path to it is
short: keys are prepared once, random draws come a thousand at a time, and the fields that never
change are encoded once. The bytes are those of `primitives.transaction`; a test holds the two
side by side.
"""

from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.rlp import EMPTY_LIST, EMPTY_STRING, encode_bytes, encode_int, list_header
from sim.workload.accounts import derive_accounts, equal_alloc
from sim.workload.options import TRANSFER_GAS, TransferOptions, fee_ceiling
from sim.workload.skew import ZipfDraw, uniform_stream
from sim.workload.workload import WorkloadContext

TYPE_BYTE = b"\x02"
HEADROOM_UNIT = 1_000
"""The fee headroom is kept in thousandths: fees are integers, on every machine the same."""


class Mint:
    """Makes the transfers of a workload and counts the nonces of its accounts.

    Args:
        options: what amounts, tips and receivers to draw.
        context: chain id, seed and generator.
    """

    def __init__(self, options: TransferOptions, context: WorkloadContext) -> None:
        generator = context.generator
        self._keys = derive_accounts(context.seed, options.accounts)
        self._nonces = [0] * options.accounts
        self.alloc = equal_alloc([key.address for key in self._keys], Wei(options.balance))
        """Genesis balances of the accounts."""
        self._chain_id = encode_int(context.params.chain_id)
        self._gas = encode_int(TRANSFER_GAS)
        self._recipients = [encode_bytes(key.address) for key in self._keys]
        self._headroom = round(options.fee_headroom * HEADROOM_UNIT)
        self._fee_ceiling = fee_ceiling(options)
        skew = options.skew if options.receiver_skew is None else options.receiver_skew
        order = generator.permutation(options.accounts)
        self._receivers = ZipfDraw(options.accounts, skew, order).stream(generator)
        self._values = uniform_stream(generator, options.value_min, options.value_max)
        self._tips = uniform_stream(generator, options.tip_min, options.tip_max)

    def address(self, account: int) -> Address:
        """Return the address of an account."""
        return self._keys[account].address

    def transfer(self, account: int, base_fee: int) -> tuple[bytes, Hash32]:
        """Return the next transfer of `account`, signed, and its hash.

        Args:
            account: index of the sender.
            base_fee: of the moment, in wei per gas; the fee cap follows from it.
        """
        nonce = self._nonces[account]
        self._nonces[account] = nonce + 1
        tip = next(self._tips)
        max_fee = min(tip + base_fee * self._headroom // HEADROOM_UNIT, self._fee_ceiling)
        fields = b"".join(
            (
                self._chain_id,
                encode_int(nonce),
                encode_int(min(tip, max_fee)),
                encode_int(max_fee),
                self._gas,
                self._recipients[self._receiver(account)],
                encode_int(next(self._values)),
                EMPTY_STRING,
                EMPTY_LIST,
            )
        )
        raw = self._signed(account, fields)
        return raw, keccak256(raw)

    def _receiver(self, sender: int) -> int:
        """Draw a receiver other than the sender, if there is another."""
        receiver = next(self._receivers)
        return receiver if receiver != sender else (receiver + 1) % len(self._keys)

    def _signed(self, account: int, fields: bytes) -> bytes:
        """Reference: EIP-1559, the signature over the fields and the fields with it."""
        digest = keccak256(TYPE_BYTE + list_header(len(fields)) + fields)
        signature = self._keys[account].sign(digest)
        parity = b"\x01" if signature[64] else EMPTY_STRING
        # Leading zeros go, as in any RLP integer.
        r, s = signature[:32].lstrip(b"\x00"), signature[32:64].lstrip(b"\x00")
        payload = fields + parity + encode_bytes(r) + encode_bytes(s)
        return TYPE_BYTE + list_header(len(payload)) + payload
