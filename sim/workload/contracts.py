"""Load that calls contracts: from the options of a kind to a workload of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from primitives.errors import InvalidInput
from primitives.genesis import GenesisContract
from primitives.ids import Address, Hash32, Instant, Wei
from sim.workload.accounts import derive_accounts
from sim.workload.calls import CallSource
from sim.workload.chores import Grinding, Mints, Shelving
from sim.workload.closed_loop import ClosedLoop
from sim.workload.deploying import Deploying, deployer_key
from sim.workload.minting import Mint
from sim.workload.mix import mainnet_like
from sim.workload.open_loop import OpenLoop
from sim.workload.options import decode_options
from sim.workload.options_contracts import (
    AmmOptions,
    ComputeOptions,
    ContractOptions,
    Erc20Options,
    MainnetLikeOptions,
    NftOptions,
    StorageOptions,
    check_contracts,
)
from sim.workload.outbox import Outbox
from sim.workload.setting import Setting
from sim.workload.site import Site
from sim.workload.swaps import Swaps
from sim.workload.tokens import TokenTransfers
from sim.workload.workload import NetworkView, Submission, Workload, WorkloadContext

Options = TypeVar("Options", bound=ContractOptions)


class ContractLoad:
    """A workload together with the contracts that genesis has for it."""

    __slots__ = ("_workload", "contracts")

    def __init__(self, workload: Workload, contracts: tuple[GenesisContract, ...]) -> None:
        self._workload = workload
        self.contracts = contracts
        """In genesis; empty where transactions create them."""

    @property
    def alloc(self) -> Sequence[tuple[Address, Wei]]:
        """Accounts that genesis must fund."""
        return self._workload.alloc

    def next_at(self) -> Instant | None:
        """When `due` has something to say next."""
        return self._workload.next_at()

    def due(self, now: Instant, view: NetworkView) -> Sequence[Submission]:
        """Take the submissions up to `now`."""
        return self._workload.due(now, view)

    def on_committed(self, now: Instant, hashes: Sequence[Hash32]) -> None:
        """Learn what is final."""
        self._workload.on_committed(now, hashes)


def _make(
    kind: type[Options],
    source_of: Callable[[Options, Setting], CallSource],
    options: Mapping[str, object],
    context: WorkloadContext,
) -> ContractLoad:
    decoded = decode_options(kind, options)
    check_contracts(decoded)
    keys = derive_accounts(context.seed, decoded.accounts)
    deployer = deployer_key(context.seed) if decoded.deploy == "transaction" else None
    site = Site(None if deployer is None else deployer.address)
    addresses = [key.address for key in keys]
    sent = [context.first_nonces.get(address, 0) for address in addresses]
    setting = Setting(addresses, context.generator, site, sent)
    source = source_of(decoded, setting)
    mint = Mint(decoded, context, keys, source)
    _check_room(source, site, context.params.gas_limit)
    loop: OpenLoop | ClosedLoop
    if decoded.clients is not None:
        loop = ClosedLoop(decoded, context, mint)
    else:
        loop = OpenLoop(decoded, context, mint)
    if deployer is None:
        return ContractLoad(loop, site.contracts)
    outbox = Outbox(context.nodes, decoded.resend_after)
    deploying = Deploying(loop, site.steps, deployer, context, decoded.start, outbox)
    return ContractLoad(deploying, ())


def _check_room(source: CallSource, site: Site, gas_limit: int) -> None:
    """Refuse load of which no block has room for a single call: every node would reject it."""
    most = max([source.gas_limit_max, *[step.gas_limit for step in site.steps]])
    if most > gas_limit:
        expected = f"transactions that chain.gas_limit, {gas_limit}, has room for"
        raise InvalidInput("workload", expected, f"one with a gas limit of {most}")


def make_erc20(options: Mapping[str, object], context: WorkloadContext) -> ContractLoad:
    """Make transfers of tokens. Entry point `erc20`."""

    def source(decoded: Erc20Options, setting: Setting) -> TokenTransfers:
        skew = decoded.skew if decoded.receiver_skew is None else decoded.receiver_skew
        return TokenTransfers(setting, decoded.tokens, decoded.token_skew, decoded.receivers, skew)

    return _make(Erc20Options, source, options, context)


def make_amm(options: Mapping[str, object], context: WorkloadContext) -> ContractLoad:
    """Make swaps. Entry point `amm`."""
    return _make(
        AmmOptions,
        lambda each, setting: Swaps(setting, each.pairs, each.pair_skew),
        options,
        context,
    )


def make_nft(options: Mapping[str, object], context: WorkloadContext) -> ContractLoad:
    """Make mints. Entry point `nft`."""
    return _make(
        NftOptions,
        lambda each, setting: Mints(setting, each.collections, each.collection_skew),
        options,
        context,
    )


def make_storage(options: Mapping[str, object], context: WorkloadContext) -> ContractLoad:
    """Make calls that write storage. Entry point `storage`."""
    return _make(
        StorageOptions,
        lambda each, setting: Shelving(setting, each.slots, fresh=each.fresh),
        options,
        context,
    )


def make_compute(options: Mapping[str, object], context: WorkloadContext) -> ContractLoad:
    """Make calls that compute. Entry point `compute`."""
    return _make(
        ComputeOptions, lambda each, setting: Grinding(setting, each.rounds), options, context
    )


def make_mainnet_like(options: Mapping[str, object], context: WorkloadContext) -> ContractLoad:
    """Make a mix of everything. Entry point `mainnet-like`."""
    return _make(MainnetLikeOptions, mainnet_like, options, context)
