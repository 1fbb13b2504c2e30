"""Before a load: the right chain, money, contracts; and what cannot be helped is refused."""

import pytest

from primitives.account_key import AccountKey
from primitives.errors import InvalidInput
from sim.load.accounts import Wallet, seeded_wallet
from sim.load.chain import ask_facts
from sim.load.errors import LoadRefused, NodeUnreachable
from sim.load.mixes import make_source, parse_mix
from sim.load.rpc import RpcClient
from sim.workload.site import Site
from tests.unit.sim.load.fake_chain import ETHER, FakeChain
from tests.unit.sim.load.fake_node import FakeNode
from tests.unit.sim.load.scenes import DUE, Scene, play

PAYER = AccountKey(bytes(31) + b"\x07")


def test_accounts_without_money_are_refused_by_name() -> None:
    async def story() -> None:
        scene = Scene(accounts=4)
        scene.chain.balances[bytes(scene.wallet.addresses[2])] = 5
        async with scene.nodes() as (node,):
            with pytest.raises(
                LoadRefused, match=r"\(--fund-from KEY pays it\), got .* ether on 0x"
            ):
                await scene.load([node.url])
            scene.chain.fund(scene.wallet.addresses[:2])
            scene.chain.fund(scene.wallet.addresses[2:], 7)
            why = r"--accounts 2 does without the poor\), got .* on 0x\w+, and .* 1 more of 4"
            with pytest.raises(LoadRefused, match=why):
                await scene.load([node.url])
        assert not scene.chain.known

    play(story)


def test_whoever_has_money_pays_the_others() -> None:
    async def story() -> None:
        scene = Scene(accounts=40)
        scene.chain.balances.clear()
        scene.chain.fund([PAYER.address], 10**6 * ETHER)
        scene.payer = PAYER
        async with scene.nodes() as (node,):
            result = await scene.load([node.url])
        assert result.included == DUE
        assert scene.chain.nonces[bytes(PAYER.address)] == 40
        assert "funding accounts" in scene.stages

    play(story)


def test_a_payer_with_too_little_is_refused_before_it_pays_anybody() -> None:
    async def story() -> None:
        scene = Scene(accounts=4)
        scene.chain.balances.clear()
        scene.chain.fund([PAYER.address], ETHER // 1_000)
        scene.payer = PAYER
        async with scene.nodes() as (node,):
            with pytest.raises(LoadRefused, match=r"--fund-from: expected more than"):
                await scene.load([node.url])
        assert not scene.chain.nonces

    play(story)


@pytest.mark.parametrize(
    "mix",
    [
        "amm",
        "transfers=1,nft=1",
        *[
            pytest.param(kind, marks=pytest.mark.slow)
            for kind in ("erc20", "nft", "storage", "compute", "mainnet-like")
        ],
    ],
)
def test_contracts_are_created_once(mix: str) -> None:
    async def story() -> None:
        scene = Scene(accounts=5)
        scene.set(mix=parse_mix(mix))
        async with scene.nodes() as (node,):
            first = await scene.load([node.url])
            created = [code for code in scene.chain.code.values() if code]
            scene.stages.clear()
            second = await scene.load([node.url])
        assert first.included == second.included == DUE
        assert created
        assert len(scene.chain.code) == len(created)
        assert "creating contracts" not in scene.stages

    play(story)


def test_an_interrupted_creation_is_taken_up() -> None:
    async def story() -> None:
        scene = Scene(accounts=300)
        scene.set(mix=parse_mix("erc20"))
        async with scene.nodes() as (node,):
            scene.chain.failing = True
            with pytest.raises(LoadRefused, match="which prepares the load, got status 0x0"):
                await scene.load([node.url])
            scene.chain.failing = False
            result = await scene.load([node.url])
        assert result.included == DUE
        assert len(scene.chain.code) == 1

    play(story)


def test_contracts_of_genesis_are_used_where_these_accounts_hold_something() -> None:
    async def story() -> None:
        scene = Scene(accounts=5)
        scene.set(mix=parse_mix("erc20"))
        site = Site(None)
        make_source(scene.plan.mix, scene.wallet.addresses, 1, site, [0] * 5)
        for contract in site.contracts:
            scene.chain.code[bytes(contract.address)] = contract.code
            for slot, value in contract.storage:
                key = bytes(contract.address) + slot.to_bytes(32, "big")
                scene.chain.storage[key] = value
        async with scene.nodes() as (node,):
            await scene.load([node.url])
            assert "creating contracts" not in scene.stages
            # Others hold nothing there: theirs has to be created.
            scene.wallet = seeded_wallet(2, 5)
            scene.chain.fund(scene.wallet.addresses)
            await scene.load([node.url])
        assert "creating contracts" in scene.stages

    play(story)


def test_blocks_too_small_for_a_call_are_refused() -> None:
    async def story() -> None:
        scene = Scene(accounts=3, chain=FakeChain(gas_limit=100_000))
        scene.set(mix=parse_mix("storage"))
        async with scene.nodes() as (node,):
            with pytest.raises(
                LoadRefused, match=r"blocks with room for .*, got a limit of 100,000"
            ):
                await scene.load([node.url])

    play(story)


def test_another_chain_is_refused() -> None:
    async def story() -> None:
        one, other = FakeNode(FakeChain()), FakeNode(FakeChain(chain_id=8))
        async with one.serve(0), other.serve(0):
            clients = [RpcClient(node.url) for node in (one, other)]
            assert (await ask_facts(clients[:1], 7)).software == "fake/1.0"
            with pytest.raises(LoadRefused, match="expected chain 9, got chain 7"):
                await ask_facts(clients[:1], 9)
            with pytest.raises(LoadRefused, match=r"expected the chain of .*, 7 from .*, got 8"):
                await ask_facts(clients, None)
            for client in clients:
                await client.close()

    play(story)


def test_a_node_that_is_not_there_is_told() -> None:
    async def story() -> None:
        scene = Scene()
        async with scene.nodes() as (node,):
            gone = node.url
        with pytest.raises(NodeUnreachable, match="connection refused"):
            await scene.load([gone])

    play(story)


def test_a_mix_that_no_setting_can_hold_is_refused() -> None:
    addresses = seeded_wallet(1, 3).addresses
    wallet = Wallet((), addresses * 20_000)
    with pytest.raises(InvalidInput, match="at most 1000000 balances"):
        make_source(parse_mix("mainnet-like"), wallet.addresses, 1, Site(None), ())
