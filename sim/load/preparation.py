"""Before a load: the right chain, accounts with money, contracts in their place.

Contracts are looked for where scenarios put them in genesis, with tokens for these very accounts.
Where they are not, an account that belongs to this mix and these accounts creates them; its nonce
tells how far an earlier load with the same mix and accounts has come, so nothing is done twice.
"""

from collections.abc import Callable, Sequence

from primitives.account_key import AccountKey
from primitives.address import format_address
from primitives.genesis import GenesisContract
from primitives.ids import Address
from primitives.keccak import keccak256
from sim.load.accounts import (
    FUND_TIMES,
    Wallet,
    fund,
    needed_balance,
    poor_accounts,
    refuse_poor,
)
from sim.load.blocks import HASHES_ONLY, read_block
from sim.load.chain import ask_balances, ask_code, ask_nonces, read_number
from sim.load.errands import Errands
from sim.load.errors import LoadRefused
from sim.load.fees import ask_fees
from sim.load.mixes import make_source
from sim.load.plan import LoadPlan
from sim.load.rpc import RpcClient, result_of
from sim.load.signing import SigningSetup
from sim.workload.calls import CallSource
from sim.workload.site import Site

MARGIN_PERCENT = 150
"""What the account that creates contracts gets, of what its gas can cost at the offer."""
SLOTS_LOOKED_AT = 8
"""So many slots of each contract of genesis are compared."""

Stage = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and how much there is."""


class Preparation:
    """Makes a chain ready for a load.

    Args:
        client: to a node.
        plan: the load.
        wallet: its accounts.
        chain_id: of the chain.
        payer: who pays accounts that have too little; nobody if None.
        on_stage: is told how it goes.
    """

    def __init__(
        self,
        client: RpcClient,
        plan: LoadPlan,
        wallet: Wallet,
        chain_id: int,
        payer: AccountKey | None,
        on_stage: Stage,
    ) -> None:
        self._client = client
        self._plan = plan
        self._wallet = wallet
        self._chain_id = chain_id
        self._payer = payer
        self._on_stage = on_stage

    async def prepare(self) -> SigningSetup:
        """Return what signing begins with, once everything is on the chain.

        Raises:
            LoadRefused: accounts have too little money, or contracts cannot be created.
            InvalidInput: what the accounts should hold is too much to be set up.
            RpcError: the node does not answer.
        """
        self._on_stage("looking at the accounts", 0, 0)
        deployer = None if await self._has_contracts() else self._deployer()
        site = Site(None if deployer is None else deployer.address)
        source = self._source(site, [0] * len(self._wallet.addresses))
        gas_limits = [source.gas_limit_max, *[step.gas_limit for step in site.steps]]
        await refuse_small_blocks(self._client, max(gas_limits))
        await self._pay(source.gas_limit_max)
        if deployer is not None:
            await self._deploy(deployer, site)
        nonces = await ask_nonces(self._client, self._wallet.addresses)
        return SigningSetup(
            secrets=list(self._wallet.secrets),
            chain_id=self._chain_id,
            mix=self._plan.mix,
            seed=self._plan.seed,
            nonces=[nonces[address] for address in self._wallet.addresses],
            deployer=None if deployer is None else bytes(deployer.address),
        )

    def _source(self, site: Site, sent: Sequence[int]) -> CallSource:
        return make_source(self._plan.mix, self._wallet.addresses, self._plan.seed, site, sent)

    def _deployer(self) -> AccountKey:
        accounts = keccak256(b"".join(self._wallet.addresses)).hex()
        text = f"orrery/load/{self._plan.seed}/{self._plan.mix.text}/{accounts}"
        return AccountKey(keccak256(text.encode()))

    # ------------------------------------------------------------------ contracts

    async def _has_contracts(self) -> bool:
        """Tell whether genesis has all contracts that are needed, for these accounts."""
        if self._plan.mix.is_plain:
            return True
        site = Site(None)
        self._source(site, [0] * len(self._wallet.addresses))
        contracts = site.contracts
        codes = await ask_code(self._client, [contract.address for contract in contracts])
        if any(code != contract.code for code, contract in zip(codes, contracts, strict=True)):
            return False
        return await self._has_holdings(contracts)

    async def _has_holdings(self, contracts: Sequence[GenesisContract]) -> bool:
        """Compare the first and last slots of each contract: load changes values, not zeros."""
        calls = []
        for contract in contracts:
            slots = [slot for slot, _ in contract.storage]
            for slot in dict.fromkeys(slots[:SLOTS_LOOKED_AT] + slots[-SLOTS_LOOKED_AT:]):
                place = (format_address(contract.address), hex(slot), "latest")
                calls.append(("eth_getStorageAt", place))
        url = self._client.url
        for start in range(0, len(calls), 100):
            replies = await self._client.batch(calls[start : start + 100])
            if not all(read_number(url, result_of(url, reply)) for reply in replies):
                return False
        return True

    async def _deploy(self, deployer: AccountKey, site: Site) -> None:
        """Do what an earlier load has not done yet."""
        done = (await ask_nonces(self._client, [deployer.address]))[deployer.address]
        steps = site.steps[done:]
        if not steps:
            return
        quote = await ask_fees(self._client, self._plan.tip)
        gas = sum(step.gas_limit for step in steps)
        needed = gas * quote.max_fee * MARGIN_PERCENT // 100
        has = (await ask_balances(self._client, [deployer.address]))[deployer.address]
        if has < needed:
            # The load's own accounts pay for its contracts where nobody else does.
            payer = self._payer or AccountKey(self._wallet.secrets[0])
            await self._fund(payer, {deployer.address: needed - has})
        total = len(steps)

        def tell(count: int) -> None:
            self._on_stage("creating contracts", count, total)

        tell(0)
        errands = Errands(self._client, deployer, self._chain_id, done, self._plan.tip)
        await errands.do(steps, tell)

    # ------------------------------------------------------------------ money

    async def _pay(self, gas_limit: int) -> None:
        quote = await ask_fees(self._client, self._plan.tip)
        needed = needed_balance(gas_limit, quote.max_fee, self._plan.in_flight_max)
        addresses = self._wallet.addresses
        poor = await poor_accounts(self._client, addresses, needed)
        if not poor:
            return
        if self._payer is None:
            raise refuse_poor(poor, addresses, needed)
        payments = {address: FUND_TIMES * needed - has for address, has in poor.items()}
        await self._fund(self._payer, payments)

    async def _fund(self, payer: AccountKey, payments: dict[Address, int]) -> None:
        total = len(payments)

        def tell(count: int) -> None:
            self._on_stage("funding accounts", count, total)

        tell(0)
        await fund(self._client, payer, self._chain_id, payments, self._plan.tip, tell)


async def refuse_small_blocks(client: RpcClient, gas_limit: int) -> None:
    """Check that a block has room for the largest transaction of a load.

    Raises:
        LoadRefused: none would ever be included.
        RpcError: the node does not answer.
    """
    block = await client.call("eth_getBlockByNumber", "latest", HASHES_ONLY)
    limit = read_block(client.url, block, 0).gas_limit
    if gas_limit > limit:
        expected = f"blocks with room for {gas_limit:,} gas"
        raise LoadRefused(client.url, expected, f"a limit of {limit:,}")
