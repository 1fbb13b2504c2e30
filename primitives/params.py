"""What all nodes of a chain must agree on."""

from dataclasses import dataclass
from typing import Literal

from primitives.address import ADDRESS_BYTES, ZERO_ADDRESS
from primitives.errors import InvalidInput
from primitives.fork import LATEST, Fork
from primitives.ids import Address, Gas, Wei

MAX_BLOCK_BYTES = 8_388_608
"""Largest encoded block (EIP-7934: 10 MiB less 2 MiB for what stands beside it)."""
MAX_TRANSACTION_GAS = Gas(16_777_216)
"""Largest gas limit of one transaction (EIP-7825)."""
BLOCK_GAS = Gas(30_000_000)
"""Gas limit of a block unless the chain says otherwise."""
INITIAL_BASE_FEE = Wei(1_000_000_000)
"""Base fee of the genesis block unless the chain says otherwise (EIP-1559: 1 gwei)."""

CHECKPOINT_INTERVAL = 64
"""Blocks from one checkpoint to the next unless the chain says otherwise."""

BaseFeeRule = Literal["ethereum", "fixed"]
CertificateForm = Literal["ed25519", "bls"]
TimestampRule = Literal["nondecreasing", "strict"]


@dataclass(frozen=True, slots=True)
class ChainParams:
    """The parameters of a chain. They enter its genesis hash."""

    chain_id: int = 1337
    gas_limit: Gas = BLOCK_GAS
    """Of every block."""
    base_fee_rule: BaseFeeRule = "ethereum"
    """`ethereum` follows EIP-1559; `fixed` keeps the initial fee, for measuring capacity."""
    base_fee_initial: Wei = INITIAL_BASE_FEE
    elasticity: int = 2
    """Gas limit over gas target (EIP-1559)."""
    base_fee_change_denominator: int = 8
    """A full block raises the base fee by at most 1 / denominator (EIP-1559)."""
    timestamp_rule: TimestampRule = "nondecreasing"
    """`strict` is Ethereum's; `nondecreasing` allows several blocks a second."""
    fork: Fork = LATEST
    max_transaction_gas: Gas = MAX_TRANSACTION_GAS
    max_block_bytes: int = MAX_BLOCK_BYTES
    checkpoint_interval: int = CHECKPOINT_INTERVAL
    """Every so many blocks is a checkpoint (`primitives.epoch`)."""
    governance: Address = ZERO_ADDRESS
    """The account that may change the committee; nobody has the key of the zero address."""
    certificates: CertificateForm = "ed25519"
    """What proves a block final: a signature of each signer, or one that is the sum of all.
    `bls` asks every validator for an aggregate key and a proof of its possession."""

    def __post_init__(self) -> None:
        """Refuse parameters that no chain can run with.

        Raises:
            InvalidInput: which one, and what it must be.
        """
        _require("chain_id", self.chain_id, 1, 2**63 - 1)
        _require("gas_limit", self.gas_limit, 21_000, 2**63 - 1)
        _require("base_fee_initial", self.base_fee_initial, 0, 2**128 - 1)
        _require("elasticity", self.elasticity, 1, 1_000)
        _require("base_fee_change_denominator", self.base_fee_change_denominator, 1, 10_000)
        _require("max_transaction_gas", self.max_transaction_gas, 21_000, 2**63 - 1)
        _require("max_block_bytes", self.max_block_bytes, 1_024, 2**31 - 1)
        _require("checkpoint_interval", self.checkpoint_interval, 1, 2**31 - 1)
        if len(self.governance) != ADDRESS_BYTES:
            raise InvalidInput("chain.governance", "an address of 20 bytes", self.governance.hex())
        if self.certificates not in ("ed25519", "bls"):
            raise InvalidInput("chain.certificates", "ed25519 or bls", self.certificates)
        if self.base_fee_rule not in ("ethereum", "fixed"):
            raise InvalidInput("chain.base_fee_rule", "ethereum or fixed", self.base_fee_rule)
        if self.timestamp_rule not in ("nondecreasing", "strict"):
            raise InvalidInput(
                "chain.timestamp_rule", "nondecreasing or strict", self.timestamp_rule
            )


def _require(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidInput(f"chain.{name}", f"a value from {low} to {high}", value)
