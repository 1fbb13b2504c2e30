"""A mix of sources, in given proportions."""

from collections.abc import Iterator, Sequence

from sim.workload.calls import Call, CallSource, Payments
from sim.workload.chores import Grinding, Mints, Shelving
from sim.workload.options import TransferOptions
from sim.workload.options_contracts import MainnetLikeOptions
from sim.workload.setting import Setting
from sim.workload.skew import weighted_stream
from sim.workload.swaps import Swaps
from sim.workload.tokens import TokenTransfers


class Mix:
    """Calls of several sources.

    Args:
        choices: indexes of sources, for ever.
        sources: to choose from.
    """

    __slots__ = ("_choices", "_sources", "gas_limit_max")

    def __init__(self, choices: Iterator[int], sources: Sequence[CallSource]) -> None:
        self._choices = choices
        self._sources = sources
        self.gas_limit_max = max(source.gas_limit_max for source in sources)

    def call(self, sender: int) -> Call:
        """Return what the chosen source says."""
        return self._sources[next(self._choices)].call(sender)


def mainnet_like(options: MainnetLikeOptions, setting: Setting) -> Mix:
    """Return a mix in the proportions of `options.shares`, without what has no share."""
    shares = options.shares
    payments = TransferOptions(
        rate=1.0,
        receiver_skew=options.receiver_skew,
        value_min=options.value_min,
        value_max=options.value_max,
    )
    parts: list[tuple[float, CallSource]] = []
    if shares.transfers:
        parts.append((shares.transfers, Payments(payments, setting.addresses, setting.generator)))
    if shares.erc20:
        tokens = TokenTransfers(
            setting, options.tokens, options.token_skew, None, options.receiver_skew
        )
        parts.append((shares.erc20, tokens))
    if shares.amm:
        parts.append((shares.amm, Swaps(setting, options.pairs, options.pair_skew)))
    if shares.nft:
        parts.append((shares.nft, Mints(setting, options.collections, 1.0)))
    if shares.storage:
        parts.append((shares.storage, Shelving(setting, options.slots, fresh=True)))
    if shares.compute:
        parts.append((shares.compute, Grinding(setting, options.rounds)))
    weights = [weight for weight, _ in parts]
    choices = weighted_stream(setting.generator, weights)
    return Mix(choices, [source for _, source in parts])
