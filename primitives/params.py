"""What all nodes of a chain must agree on."""

from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from primitives.address import ADDRESS_BYTES, ZERO_ADDRESS
from primitives.blob_schedule import BLOBS_OF_FORK, NO_BLOBS, BlobSchedule
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

GAS_LIMIT_MIN = 5_000
"""Least gas limit of a block under Ethereum's rule."""
GAS_LIMIT_MAX = 2**63 - 1
"""Greatest gas limit of a block under Ethereum's rule (EIP-1985)."""
GAS_LIMIT_QUOTIENT = 1_024
"""Under Ethereum's rule a block's gas limit differs from its parent's by less than this part."""

BaseFeeRule = Literal["ethereum", "fixed"]
BeaconRule = Literal["derived", "given"]
CertificateForm = Literal["ed25519", "bls"]
GasLimitRule = Literal["fixed", "ethereum"]
TimestampRule = Literal["nondecreasing", "strict"]
WithdrawalRule = Literal["none", "given"]


class Upgrade(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A change of the rules at a point in time (EIP-6122)."""

    timestamp: int
    """Seconds. The first block that is not earlier follows the new rules."""
    fork: Fork
    blobs: BlobSchedule | None = None
    """None: those with which the fork began on Ethereum."""


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
    gas_limit_rule: GasLimitRule = "fixed"
    """`fixed`: every block has `gas_limit`. `ethereum`: it may differ from the parent's by less
    than 1/1024, and builders move it towards `gas_limit`."""
    beacon_rule: BeaconRule = "derived"
    """Where prevRandao and the parent beacon block root come from. `derived`: they follow from
    the parent. `given`: whoever makes the block says, as a beacon chain does on Ethereum."""
    withdrawal_rule: WithdrawalRule = "none"
    """Whether a block may have withdrawals. `given`: whoever makes it says, and is believed."""
    block_access_list: bool = False
    """Whether headers commit to all that a block accesses (EIP-7928)."""
    blobs: BlobSchedule | None = None
    """None: those with which the fork began on Ethereum."""
    upgrades: tuple[Upgrade, ...] = ()
    """Later rules, by ascending time. Until the first, `fork` and `blobs` are in force."""

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
        _require_choice("certificates", self.certificates, "ed25519", "bls")
        _require_choice("base_fee_rule", self.base_fee_rule, "ethereum", "fixed")
        _require_choice("timestamp_rule", self.timestamp_rule, "nondecreasing", "strict")
        _require_choice("gas_limit_rule", self.gas_limit_rule, "fixed", "ethereum")
        _require_choice("beacon_rule", self.beacon_rule, "derived", "given")
        _require_choice("withdrawal_rule", self.withdrawal_rule, "none", "given")
        before, fork = -1, self.fork
        for upgrade in self.upgrades:
            if upgrade.timestamp <= before or upgrade.fork < fork:
                raise InvalidInput("chain.upgrades", "ascending times and forks", upgrade)
            before, fork = upgrade.timestamp, upgrade.fork

    @property
    def blob_schedule(self) -> BlobSchedule:
        """The blobs of a block, under the rules until the first upgrade."""
        return self.blobs or BLOBS_OF_FORK.get(self.fork, NO_BLOBS)

    def at(self, timestamp: int) -> "ChainParams":
        """Return the parameters in force for a block, without upgrades.

        Args:
            timestamp: of the block, in seconds.
        """
        if not self.upgrades:
            return self
        fork, blobs = self.fork, self.blobs
        for upgrade in self.upgrades:
            if upgrade.timestamp <= timestamp:
                fork, blobs = upgrade.fork, upgrade.blobs
        return replace(self, fork=fork, blobs=blobs, upgrades=())


def _require_choice(name: str, value: str, *choices: str) -> None:
    if value not in choices:
        raise InvalidInput(f"chain.{name}", " or ".join(choices), value)


def _require(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidInput(f"chain.{name}", f"a value from {low} to {high}", value)
