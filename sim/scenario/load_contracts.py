"""`[workload]` of kinds that call contracts."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from primitives.ids import Wei
from sim.scenario.load import DrawnAmount, Load, Skew

Deployment = Literal["genesis", "transaction"]

Things = Annotated[int, Meta(ge=1, le=1_000)]
"""Tokens, pairs or collections."""
Slots = Annotated[int, Meta(ge=1, le=600)]
Rounds = Annotated[int, Meta(ge=1, le=100_000)]
Part = Annotated[float, Meta(ge=0, lt=1e9)]
"""A share; shares are put in proportion."""


class ContractLoad(Load, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Load that calls contracts."""

    deploy: Deployment = "genesis"
    """Whether genesis has the contracts, or transactions create them before the load begins."""


class Erc20(
    ContractLoad,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="erc20",
):
    """Transfers of tokens."""

    tokens: Things = 1
    """How many tokens there are; every account holds each."""
    token_skew: Skew = 0.0
    """How unevenly a token is chosen."""
    receivers: Annotated[int, Meta(ge=1)] | None = None
    """How many of the accounts receive; all if left out. Few make hot load."""
    receiver_skew: Skew | None = None
    """How unevenly these are chosen; as `skew` if left out."""


class Amm(
    ContractLoad, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="amm"
):
    """Swaps at constant-product exchanges."""

    pairs: Things = 1
    """How many pairs there are, each of two tokens of its own."""
    pair_skew: Skew = 0.0
    """How unevenly a pair is chosen."""


class Nft(
    ContractLoad, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="nft"
):
    """Mints of non-fungible tokens."""

    collections: Things = 1
    collection_skew: Skew = 0.0
    """How unevenly a collection is chosen."""


class Storage(
    ContractLoad,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="storage",
):
    """Calls that write storage."""

    slots: Slots = 20
    """How many slots a call writes."""
    fresh: bool = True
    """Whether they are new ones each time; else a sender's are the same in all its calls."""


class Compute(
    ContractLoad,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="compute",
):
    """Calls that compute."""

    rounds: Rounds = 2_000
    """How long: arithmetic and one hash a round."""


class Shares(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often each kind of transaction occurs; `sim.workload` says where these are from."""

    transfers: Part = 0.37
    erc20: Part = 0.38
    amm: Part = 0.15
    nft: Part = 0.03
    storage: Part = 0.03
    compute: Part = 0.04


class MainnetLike(
    ContractLoad,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="mainnet-like",
):
    """A mix of everything."""

    shares: Shares = Shares()
    receiver_skew: Skew = 1.1
    value_min: DrawnAmount = Wei(1)
    value_max: DrawnAmount = Wei(10**15)
    tokens: Things = 20
    token_skew: Skew = 1.3
    pairs: Things = 8
    pair_skew: Skew = 1.0
    collections: Things = 10
    slots: Slots = 8
    """How many slots a storage-heavy call writes."""
    rounds: Rounds = 800
    """How long a compute-heavy call computes."""
