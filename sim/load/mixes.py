"""What the transactions of a load do: one kind, or several in proportion."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

import msgspec

from primitives.errors import InvalidInput
from primitives.ids import Address
from sim.randomness import generator
from sim.workload.calls import CallSource, Payments
from sim.workload.chores import Grinding, Mints, Shelving
from sim.workload.mix import mainnet_like
from sim.workload.options import TransferOptions
from sim.workload.options_contracts import MainnetLikeOptions, Shares, check_contracts
from sim.workload.setting import Setting
from sim.workload.site import Site
from sim.workload.swaps import Swaps
from sim.workload.tokens import TokenTransfers

MAINNET_LIKE = "mainnet-like"
TRANSFERS = "transfers"
SLOTS = 20
"""Slots that a call of `storage` writes."""
ROUNDS = 2_000
"""Rounds of a call of `compute`."""

KINDS: Mapping[str, Callable[[Setting], CallSource]] = MappingProxyType(
    {
        TRANSFERS: lambda setting: Payments(
            TransferOptions(rate=1.0), setting.addresses, setting.generator
        ),
        "erc20": lambda setting: TokenTransfers(setting, 1, 0.0, None, 0.0),
        "amm": lambda setting: Swaps(setting, 1, 0.0),
        "nft": lambda setting: Mints(setting, 1, 0.0),
        "storage": lambda setting: Shelving(setting, SLOTS, fresh=True),
        "compute": lambda setting: Grinding(setting, ROUNDS),
        MAINNET_LIKE: lambda setting: mainnet_like(MainnetLikeOptions(rate=1.0), setting),
    }
)
"""One kind alone, with what scenarios have as its defaults."""


class Mix(msgspec.Struct, frozen=True):
    """Kinds with their weights."""

    shares: tuple[tuple[str, float], ...]
    """One kind with any weight, or several."""

    @property
    def text(self) -> str:
        """Return it as on the command line."""
        if len(self.shares) == 1:
            return self.shares[0][0]
        return ",".join(f"{kind}={weight:g}" for kind, weight in self.shares)

    @property
    def is_plain(self) -> bool:
        """Whether it needs no contract."""
        return all(kind == TRANSFERS for kind, _ in self.shares)


def parse_mix(text: str) -> Mix:
    """Read "transfers", or "transfers=8,erc20=2".

    Raises:
        InvalidInput: an unknown kind, a kind twice, or a weight that is none.
    """
    if "=" not in text:
        return Mix(((_known(text.strip(), KINDS), 1.0),))
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.partition("=")
        kind = _known(name.strip(), [each for each in KINDS if each != MAINNET_LIKE])
        if kind in shares:
            raise InvalidInput("--mix", "each kind once", kind)
        shares[kind] = _weight(kind, weight.strip())
    return Mix(tuple(shares.items()))


def make_source(
    mix: Mix, addresses: Sequence[Address], seed: int, site: Site, sent: Sequence[int]
) -> CallSource:
    """Return who says what the accounts do; the contracts that it needs are placed in `site`.

    Args:
        mix: which kinds.
        addresses: of the accounts.
        seed: of all draws.
        site: where contracts are.
        sent: how many transactions each account has sent before.

    Raises:
        InvalidInput: so many accounts that what they hold could not be set up.
    """
    setting = Setting(addresses, generator(seed, "load"), site, sent)
    if len(mix.shares) == 1:
        kind = mix.shares[0][0]
        if kind == MAINNET_LIKE:
            check_contracts(MainnetLikeOptions(rate=1.0, accounts=len(addresses)))
        return KINDS[kind](setting)
    none = dict.fromkeys(Shares.__struct_fields__, 0.0)
    shares = msgspec.convert({**none, **dict(mix.shares)}, Shares)
    options = MainnetLikeOptions(rate=1.0, accounts=len(addresses), shares=shares)
    check_contracts(options)
    return mainnet_like(options, setting)


def _known(name: str, kinds: Sequence[str] | Mapping[str, object]) -> str:
    if name in kinds:
        return name
    close = get_close_matches(name, list(kinds), n=1)
    hint = f' (did you mean "{close[0]}"?)' if close else ""
    expected = f'one of {", ".join(kinds)}, or weights as in "transfers=8,erc20=2"{hint}'
    raise InvalidInput("--mix", expected, f'"{name}"')


def _weight(kind: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = 0.0
    if not 0 < weight < 1e9:
        raise InvalidInput("--mix", f"a weight above 0 for {kind}", f'"{text}"')
    return weight
