"""What a scenario may say about load that calls contracts."""

from typing import Literal

import msgspec

from sim.workload.options import LoopOptions, check_skew, require

Deployment = Literal["genesis", "transaction"]

TOKENS_MAX = 1_000
"""Most tokens, pairs or collections of one workload."""
HOLDINGS_MAX = 1_000_000
"""Most balances of tokens that a workload sets up: accounts times tokens."""
SLOTS_MAX = 600
"""Most slots of one call, and most rounds: what fits under the cap of a transaction's gas."""
ROUNDS_MAX = 100_000


class ContractOptions(LoopOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Load that calls contracts."""

    deploy: Deployment = "genesis"
    """Whether genesis has the contracts, or transactions create them before the load begins."""


class Erc20Options(ContractOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Transfers of tokens."""

    tokens: int = 1
    """How many tokens there are; every account holds each."""
    token_skew: float = 0.0
    """Zipf exponent of the choice of a token."""
    receivers: int | None = None
    """How many of the accounts receive; all when absent. Few make hot load."""
    receiver_skew: float | None = None
    """Zipf exponent of the choice among them; as `skew` when absent."""


class AmmOptions(ContractOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Swaps at constant-product exchanges."""

    pairs: int = 1
    """How many pairs there are, each of two tokens of its own."""
    pair_skew: float = 0.0
    """Zipf exponent of the choice of a pair."""


class NftOptions(ContractOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Mints of non-fungible tokens."""

    collections: int = 1
    """How many collections there are."""
    collection_skew: float = 0.0
    """Zipf exponent of the choice of a collection."""


class StorageOptions(ContractOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Calls that write storage."""

    slots: int = 20
    """How many slots a call writes."""
    fresh: bool = True
    """Whether they are new ones each time; else a sender's are the same in all its calls."""


class ComputeOptions(ContractOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Calls that compute."""

    rounds: int = 2_000
    """How long: arithmetic and one hash a round."""


class Shares(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often each kind of transaction occurs; they are put in proportion.

    The defaults follow mainnet block 19932148 (May 2024), of whose 227 transactions 85 are plain
    transfers, 87 call transfer, transferFrom or approve of an ERC-20, and at least 25 go to the
    routers of exchanges. How the rest divides is our guess, and so are the skews beside it: they
    make 60 to 80 % of the transactions independent in storage, the span that EIP-7928 gives.
    """

    transfers: float = 0.37
    erc20: float = 0.38
    amm: float = 0.15
    nft: float = 0.03
    storage: float = 0.03
    compute: float = 0.04


class MainnetLikeOptions(ContractOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mix of everything."""

    shares: Shares = Shares()
    receiver_skew: float = 1.1
    """Zipf exponent of receivers, of ether and of tokens."""
    value_min: int = 1
    """Smallest amount of a plain transfer, in wei."""
    value_max: int = 10**15
    """Largest amount of a plain transfer, in wei."""
    tokens: int = 20
    token_skew: float = 1.3
    """Zipf exponent of the choice of a token. The first ones are traded at the pairs too."""
    pairs: int = 8
    pair_skew: float = 1.0
    """Zipf exponent of the choice of a pair."""
    collections: int = 10
    slots: int = 8
    """How many slots a storage-heavy call writes."""
    rounds: int = 800
    """How long a compute-heavy call computes."""


def check_contracts(options: ContractOptions) -> None:
    """Check what load that calls contracts may say.

    Raises:
        InvalidInput: names the key and the rule.
    """
    for key in ("receiver_skew", "token_skew", "pair_skew", "collection_skew"):
        if hasattr(options, key):
            check_skew(options, key)
    for key, most in _COUNTS.items():
        count = getattr(options, key, None)
        rule = f"from 1 to {most}"
        require(count is None or 1 <= count <= most, key, rule, count)
    _check_holdings(options)
    if isinstance(options, Erc20Options) and options.receivers is not None:
        rule = f"from 1 to the {options.accounts} accounts"
        require(1 <= options.receivers <= options.accounts, "receivers", rule, options.receivers)
    if isinstance(options, MainnetLikeOptions):
        _check_shares(options.shares)


_COUNTS = {
    "tokens": TOKENS_MAX,
    "pairs": TOKENS_MAX,
    "collections": TOKENS_MAX,
    "slots": SLOTS_MAX,
    "rounds": ROUNDS_MAX,
}


def _check_holdings(options: ContractOptions) -> None:
    tokens = max(getattr(options, "tokens", 0), 2 * getattr(options, "pairs", 0))
    key = "pairs" if isinstance(options, AmmOptions) else "tokens"
    rule = f"at most {HOLDINGS_MAX} balances, accounts times tokens"
    actual = f"{options.accounts} accounts and {tokens} tokens"
    require(tokens * options.accounts <= HOLDINGS_MAX, key, rule, actual)


def _check_shares(shares: Shares) -> None:
    for key, share in msgspec.structs.asdict(shares).items():
        require(0 <= share < 1e9, f"shares.{key}", "0 or more", share)
    require(sum(msgspec.structs.astuple(shares)) > 0, "shares", "at least one above 0", "none")
