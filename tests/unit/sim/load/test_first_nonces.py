"""Workloads on a chain that has a past begin where their accounts stand."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from primitives.errors import InvalidInput
from primitives.ids import Address, Hash32, Instant, NodeId, Wei
from primitives.params import ChainParams
from primitives.transaction import Transaction, decode_transaction
from sim.randomness import generator
from sim.workload import Workload, WorkloadContext, make_erc20, make_replay, make_storage
from sim.workload.accounts import derive_accounts
from sim.workload.deploying import deployer_key

SECOND = 1_000_000_000
SEED = 1
ACCOUNTS = derive_accounts(SEED, 2)


class View:
    """A network where everybody is up."""

    def is_live(self, node: NodeId) -> bool:
        return True

    def base_fee(self) -> Wei:
        return Wei(7)


def context(nonces: Mapping[Address, int], directory: Path = Path()) -> WorkloadContext:
    return WorkloadContext(
        generator(SEED, "workload"),
        SEED,
        ChainParams(chain_id=7),
        (NodeId(0),),
        Instant(10 * SECOND),
        directory,
        nonces,
    )


def due(workload: Workload, at_ns: int = SECOND) -> list[Transaction]:
    return [decode_transaction(each.raw) for each in workload.due(Instant(at_ns), View())]


def test_slots_that_earlier_calls_have_filled_are_left_alone() -> None:
    options = {"accounts": 2, "rate": 10.0, "slots": 5, "spacing": "fixed"}
    nonces = {ACCOUNTS[0].address: 3}
    calls = due(make_storage(options, context(nonces)), SECOND)
    firsts = {(call.nonce, int.from_bytes(bytes(call.data)[4:36], "big")) for call in calls}
    assert {(nonce, 5 * nonce) for nonce, _ in firsts} == firsts
    assert (3, 15) in firsts


def test_a_deployer_goes_on_after_its_last_step() -> None:
    options = {"accounts": 2, "rate": 10.0, "deploy": "transaction", "spacing": "fixed"}
    deployer = deployer_key(SEED).address
    steps = due(make_erc20(options, context({})), 0)
    assert [step.nonce for step in steps] == [0, 1]
    (last,) = due(make_erc20(options, context({deployer: 1})), 0)
    assert (last.nonce, last.to, last.data) == (1, steps[1].to, steps[1].data)
    ready = make_erc20(options, context({deployer: 2}))
    assert len(due(ready)) == 10
    ready.on_committed(Instant(0), [Hash32(bytes(32))])
    with pytest.raises(InvalidInput, match="a deployer that has sent no more than 2 transactions"):
        make_erc20(options, context({deployer: 3}))


def test_a_replay_leaves_out_what_is_on_the_chain(tmp_path: Path) -> None:
    options = {"accounts": 2, "rate": 10.0, "spacing": "fixed", "tokens": 1}
    workload = make_erc20(options, context({}))
    raws = [each.raw for each in workload.due(Instant(SECOND), View())]
    (tmp_path / "signed.txt").write_text("\n".join(raw.hex() for raw in raws))
    replay = {"replay": "signed.txt", "rate": 1_000.0}
    nonces = {key.address: 2 for key in ACCOUNTS}
    left = due(make_replay(replay, context(nonces, tmp_path)))
    assert len(left) == len(raws) - 4
    assert all(each.nonce >= 2 for each in left)
