"""Load that calls contracts: what is sent, what genesis has for it, what a deployer does."""

from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from primitives.account_key import AccountKey
from primitives.genesis import GenesisContract
from primitives.ids import Address
from primitives.transaction import Transaction, decode_transaction, recover_sender
from sim.contracts import load_artifact, mapping_slot, selector
from sim.scenario.workload import BUILT_IN
from sim.workload import WorkloadContext, derive_accounts
from sim.workload.contracts import (
    ContractLoad,
    make_amm,
    make_compute,
    make_erc20,
    make_mainnet_like,
    make_nft,
    make_storage,
)
from sim.workload.deploying import deployer_key
from sim.workload.site import Site, created_address
from sim.workload.tokens import HOLDING
from tests.unit.sim.workload_worlds import context, drive

Maker = Callable[[Mapping[str, object], WorkloadContext], ContractLoad]

MAKERS: dict[str, Maker] = {
    "erc20": make_erc20,
    "amm": make_amm,
    "nft": make_nft,
    "storage": make_storage,
    "compute": make_compute,
    "mainnet-like": make_mainnet_like,
}
SMALL: dict[str, object] = {"accounts": 20, "rate": 50.0}


def sent(workload: ContractLoad) -> list[Transaction]:
    return [decode_transaction(each.raw) for each in drive(workload)]


def genesis_of(workload: ContractLoad) -> dict[Address, GenesisContract]:
    return {contract.address: contract for contract in workload.contracts}


@pytest.mark.parametrize("kind", MAKERS)
def test_calls_go_to_contracts_of_genesis(kind: str) -> None:
    workload = MAKERS[kind](SMALL, context())
    contracts = genesis_of(workload)
    calls = [each for each in sent(workload) if each.data]
    assert len(calls) > 200
    assert {call.to for call in calls} <= set(contracts)
    assert all(contract.code for contract in contracts.values())
    assert not set(contracts) & {address for address, _ in workload.alloc}
    senders = {key.address for key in derive_accounts(1, 20)}
    assert {recover_sender(call) for call in calls} <= senders


@pytest.mark.parametrize("kind", MAKERS)
def test_the_same_seed_gives_the_same_load(kind: str) -> None:
    first, second = (MAKERS[kind](SMALL, context()) for _ in range(2))
    assert first.contracts == second.contracts
    assert drive(first) == drive(second)
    other = MAKERS[kind](SMALL, context(seed=2))
    assert drive(other) != drive(MAKERS[kind](SMALL, context()))


@pytest.mark.parametrize("kind", MAKERS)
def test_a_closed_loop_calls_too(kind: str) -> None:
    workload = MAKERS[kind]({"accounts": 5, "clients": 5}, context())
    assert len(sent(workload)) >= 5 * 18


def test_every_kind_is_tested() -> None:
    assert set(BUILT_IN) == {"transfers", "replay", *MAKERS}


def test_a_token_of_genesis_adds_up() -> None:
    """The supply is what all hold together, the pair's reserves included."""
    artifact = load_artifact("Token")
    for workload in (make_erc20(SMALL, context()), make_amm(SMALL, context())):
        tokens = [each for each in workload.contracts if each.code == artifact.runtime_code]
        holders = [address for address, _ in workload.alloc]
        holders += [each.address for each in workload.contracts if each not in tokens]
        assert tokens
        for token in tokens:
            slots = dict(token.storage)
            balances = artifact.slot("balanceOf")
            held = [slots.get(mapping_slot(balances, holder), 0) for holder in holders]
            assert all(held)
            assert sum(held) == slots[artifact.slot("totalSupply")]


def test_a_pair_of_genesis_has_what_it_says() -> None:
    workload = make_amm({**SMALL, "pairs": 3}, context())
    artifact, token = load_artifact("Pair"), load_artifact("Token")
    contracts = genesis_of(workload)
    pairs = [each for each in workload.contracts if each.code == artifact.runtime_code]
    assert len(pairs) == 3
    assert len(contracts) == 9
    for pair in pairs:
        slots = dict(pair.storage)
        word = slots[artifact.slot("reserve0")]
        reserves = word % 2**112, word >> 112
        for label, reserve in zip(("token0", "token1"), reserves, strict=True):
            address = Address(slots[artifact.slot(label)].to_bytes(20, "big"))
            owned = mapping_slot(token.slot("balanceOf"), pair.address)
            assert dict(contracts[address].storage)[owned] == reserve > 0


def test_hot_tokens_have_few_receivers() -> None:
    def receivers(**options: object) -> Counter[bytes]:
        workload = make_erc20({**SMALL, "rate": 100.0, **options}, context())
        return Counter(call.data[4:36] for call in sent(workload))

    assert len(receivers()) == 20
    assert len(receivers(receivers=2)) == 2
    skewed = receivers(receiver_skew=3.0)
    assert skewed.most_common(1)[0][1] > skewed.total() / 2


def test_nobody_sends_tokens_to_itself() -> None:
    keys = {key.address.rjust(32, b"\x00"): key.address for key in derive_accounts(1, 20)}
    for call in sent(make_erc20({**SMALL, "receivers": 3}, context())):
        assert keys[call.data[4:36]] != recover_sender(call)


def test_tokens_are_chosen_as_told() -> None:
    workload = make_erc20({**SMALL, "tokens": 5, "token_skew": 2.0}, context())
    counts = Counter(call.to for call in sent(workload))
    assert len(counts) == 5
    assert counts.most_common(1)[0][1] > counts.total() / 2


def test_fresh_slots_are_never_written_twice() -> None:
    def firsts(*, fresh: bool) -> list[tuple[bytes, int]]:
        workload = make_storage({**SMALL, "slots": 7, "fresh": fresh}, context())
        return [
            (recover_sender(call), int.from_bytes(call.data[4:36], "big"))
            for call in sent(workload)
        ]

    written = firsts(fresh=True)
    assert len(set(written)) == len(written)
    assert all(first % 7 == 0 for _, first in written)
    assert {first for _, first in firsts(fresh=False)} == {0}


def test_gas_limits_follow_the_size_of_a_call() -> None:
    few, many = (make_compute({**SMALL, "rounds": n}, context()) for n in (10, 10_000))
    small, large = sent(few)[0].gas_limit, sent(many)[0].gas_limit
    assert small < 50_000 < 1_500_000 < large < 16_777_216


def test_a_mix_has_the_shares_it_is_told() -> None:
    workload = make_mainnet_like({"accounts": 50, "rate": 1_000.0}, context())
    kinds = Counter(call.data[:4] for call in sent(workload))
    total = kinds.total()
    assert kinds[b""] / total == pytest.approx(0.37, abs=0.02)
    assert kinds[selector("transfer(address,uint256)")] / total == pytest.approx(0.38, abs=0.02)
    assert kinds[selector("swap(bool,uint256,uint256)")] / total == pytest.approx(0.15, abs=0.02)
    assert len(kinds) == 6


def test_what_has_no_share_is_not_set_up() -> None:
    shares = {"transfers": 1.0, "erc20": 0.0, "amm": 0.0, "storage": 0.0, "compute": 0.0}
    workload = make_mainnet_like({**SMALL, "shares": {**shares, "nft": 3.0}}, context())
    codes = {contract.code for contract in workload.contracts}
    assert codes == {load_artifact("Collectible").runtime_code}
    kinds = Counter(bool(call.data) for call in sent(workload))
    assert kinds[True] > 2 * kinds[False] > 0


# ---------------------------------------------------------------- by transaction


@pytest.mark.parametrize("kind", MAKERS)
def test_a_deployer_creates_what_is_called(kind: str) -> None:
    options = {**SMALL, "deploy": "transaction", "start": 1_000_000_000}
    workload = MAKERS[kind](options, context())
    assert workload.contracts == ()
    deployer = deployer_key(1)
    assert deployer.address in dict(workload.alloc)
    submissions = drive(workload)
    transactions = [decode_transaction(each.raw) for each in submissions]
    first = [each for each in transactions if recover_sender(each) == deployer.address]
    assert transactions[: len(first)] == first
    assert [each.nonce for each in first] == list(range(len(first)))
    created = {created_address(deployer.address, each.nonce) for each in first if each.to is None}
    assert created
    rest = transactions[len(first) :]
    assert {each.to for each in rest if each.data} <= created
    assert min(each.at_ns for each in submissions) == 1_000_000_000
    begun = min(each.at_ns for each in submissions[len(first) :])
    assert begun >= 1_500_000_000, "the load begins when all of it is final"


def test_the_deployer_gives_everybody_tokens() -> None:
    workload = make_erc20(
        {"accounts": 450, "rate": 1.0, "deploy": "transaction"}, context(seconds=3)
    )
    creation, *gifts = [each for each in sent(workload) if recover_sender(each) not in accounts()]
    assert creation.data.endswith((HOLDING * 451).to_bytes(32, "big"))
    lengths = [int.from_bytes(each.data[68:100], "big") for each in gifts]
    assert lengths == [200, 200, 50]


def accounts() -> set[Address]:
    return {key.address for key in derive_accounts(1, 450)}


def test_who_never_approved_does_so_before_the_first_swap() -> None:
    workload = make_amm({**SMALL, "accounts": 4, "deploy": "transaction"}, context())
    approved: dict[tuple[Address, Address], None] = {}
    swaps = 0
    tokens = [created_address(deployer_key(1).address, nonce) for nonce in range(20)]
    for call in sent(workload):
        sender = recover_sender(call)
        if sender == deployer_key(1).address:
            continue
        assert call.to is not None
        if call.data[:4] == selector("approve(address,uint256)"):
            assert call.to in tokens
            assert (sender, call.to) not in approved
            approved[sender, call.to] = None
        else:
            swaps += 1
            assert any(owner == sender for owner, _ in approved)
    assert len(approved) == 8
    assert swaps > 100


def test_what_is_lost_of_the_deployment_is_sent_again() -> None:
    options = {**SMALL, "deploy": "transaction", "resend_after": 2_000_000_000}
    submissions = drive(make_nft(options, context()), commit_after=None)
    assert len({each.raw for each in submissions}) == 1
    assert [each.at_ns // 10**9 for each in submissions] == [0, 2, 6]


def test_a_created_address_is_ethereums() -> None:
    """The example of the Yellow Paper's rule that wallets print for this well-known key."""
    sender = AccountKey(
        bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
    )
    assert created_address(sender.address, 0).hex() == "5fbdb2315678afecb367f032d93f642f64180aa3"


def test_a_site_takes_each_label_once() -> None:
    site = Site(None)
    site.place("a", load_artifact("Mill"))
    with pytest.raises(AssertionError, match="there already"):
        site.place("a", load_artifact("Mill"))
