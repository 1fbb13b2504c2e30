"""`[consensus]` and `[chain]`: what all validators agree on before the first block."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from node.settings.consensus import ConsensusSettings
from node.settings.quantities import Amount, Kept, PositiveCount
from primitives.ids import Wei
from primitives.params import CertificateForm

GWEI = 10**9

BlockHistory = Kept
"""Final blocks that are kept, or all of them."""


class Consensus(ConsensusSettings, frozen=True, forbid_unknown_fields=True):
    """The protocol by which the validators agree, and what their signatures are."""

    signatures: Literal["real", "modelled"] = "real"
    """"real" makes and verifies every signature; "modelled" charges their virtual cost only."""
    certificates: CertificateForm = "ed25519"
    """What proves a block final: "ed25519", a signature of each signer; "bls", one that is the sum
    of all signers', small and dearer to make (docs/guides/certificates.md)."""


class Chain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The chain's parameters, which genesis fixes."""

    genesis: Annotated[str, Meta(min_length=1)] | None = None
    """A genesis in go-ethereum's form. It says what rules are in force from when, adds its accounts
    to those of the workload, and sets `chain_id`, `gas_limit` and `base_fee_initial`. Relative to
    the scenario's directory in the scenario file, absolute after decoding."""
    accounts: tuple[str, ...] = ()
    """Accounts that genesis funds beside those of the workload, as "0x12...=1000 ether"."""
    chain_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] = 1337
    gas_limit: Annotated[int, Meta(ge=21_000, le=2**63 - 1)] = 30_000_000
    """Gas of one block at most; a plain transfer takes 21,000."""
    base_fee: Literal["ethereum", "fixed"] = "ethereum"
    """"ethereum" follows EIP-1559; "fixed" keeps the first base fee, which is what a scenario
    that measures capacity wants: full blocks raise Ethereum's by 12.5 % each."""
    base_fee_initial: Amount = Wei(GWEI)
    """Base fee of the first block, wei for one gas."""
    elasticity: PositiveCount = 2
    """Gas limit divided by the gas that leaves the base fee unchanged (EIP-1559)."""
    base_fee_change_denominator: PositiveCount = 8
    """The base fee moves by at most one part in so many a block (EIP-1559)."""
    timestamp_rule: Literal["nondecreasing", "strict"] = "nondecreasing"
    """Whether blocks of the same second are allowed, or each needs a later one."""
    max_block_bytes: Annotated[int, Meta(gt=0, le=8_388_608, extra={"unit": "bytes"})] = 8_388_608
    """Size of a block at most."""
    block_access_list: bool = False
    """Whether a block commits to all that it accesses, and what is there afterwards (EIP-7928)."""
    checkpoint_interval: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 64
    """Blocks from one checkpoint to the next. Changes of the committee take effect there."""
    history: BlockHistory = 1_024
    """Final blocks that each node keeps at least, beside the state of its last checkpoints;
    "archive" keeps all. Not a rule of the chain: it does not enter genesis."""
