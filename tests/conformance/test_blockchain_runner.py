"""The runner of public blockchain tests notices each thing that can be wrong."""

import copy
from pathlib import Path
from typing import Any

import pytest

from node.builder import BuildContext, build_block
from node.execution import ExecutedBlock, genesis_executed
from node.execution_setting import ExecutionEngine
from node.validation import check_transaction
from primitives.fork import Fork
from primitives.genesis import Genesis
from primitives.ids import Wei
from storage.state import StateLayer
from tests.conformance.blockchain_cases import (
    ChainTest,
    LeftOut,
    UnreadableTest,
    read_params,
    read_tests,
)
from tests.conformance.test_blockchain import problems_of
from tests.unit.node.full_block import STORE_AND_LOG, call
from tests.unit.node.transfers import COMMITTEE, ETHER, account, stranger

PARAMS = read_params("own", "Osaka", {"chainid": "1337"})
ENGINE = ExecutionEngine()


def dump(state: StateLayer) -> dict[str, Any]:
    slots = state.everything().slots
    return {
        "0x" + address.hex(): {
            "nonce": hex(each.nonce),
            "balance": hex(each.balance),
            "code": "0x" + state.code(each.code_hash).hex(),
            "storage": {hex(slot): hex(value) for slot, value in slots.get(address, {}).items()},
        }
        for address, each in state.accounts().items()
    }


def child(parent: ExecutedBlock, *raws: bytes) -> ExecutedBlock:
    candidates = [check_transaction(raw, PARAMS) for raw in raws]
    context = BuildContext(stranger(1), parent.block.header.timestamp + 12)
    block = build_block(parent, candidates, context, PARAMS, ENGINE)
    assert len(block.transactions) == len(raws)
    return block


def written() -> dict[str, Any]:
    """A test as execution-spec-tests writes one: two valid blocks, then one that is not."""
    alloc = ((account(0), Wei(ETHER)),)
    genesis = genesis_executed(Genesis(PARAMS, alloc, COMMITTEE))
    first = child(genesis, call(0, 0, None, STORE_AND_LOG))
    second = child(first, call(0, 1, stranger(2), value=5))
    return {
        "network": "Osaka",
        "sealEngine": "NoProof",
        "config": {"network": "Osaka", "chainid": "1337"},
        "genesisRLP": "0x" + genesis.payload.hex(),
        "genesisBlockHeader": {"hash": "0x" + genesis.digest.hex()},
        "pre": dump(genesis.state),
        "blocks": [
            *[
                {
                    "rlp": "0x" + each.payload.hex(),
                    "blockHeader": {"hash": "0x" + each.digest.hex()},
                }
                for each in (first, second)
            ],
            {
                "rlp": "0x" + second.payload[:-1].hex(),
                "expectException": "BlockException.RLP_STRUCTURES_ENCODING",
            },
        ],
        "lastblockhash": "0x" + second.digest.hex(),
        "postState": dump(second.state),
    }


TEST = written()


def read(test: dict[str, Any]) -> ChainTest | LeftOut:
    [found] = read_tests(Path("own.json"), {"own": test})
    return found


def problems(test: dict[str, Any]) -> list[str]:
    found = read(test)
    assert isinstance(found, ChainTest)
    return list(problems_of(found, ENGINE))


def changed(*path: str | int, to: object) -> dict[str, Any]:
    """The test with another value at a place; None removes it."""
    test = copy.deepcopy(TEST)
    place: Any = test
    for key in path[:-1]:
        place = place[key]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return test


def test_a_right_test_passes() -> None:
    assert problems(TEST) == []


OWNER = "0x" + account(0).hex()


@pytest.mark.parametrize(
    ("path", "to", "says"),
    [
        (("genesisBlockHeader", "hash"), "0x" + "13" * 32, "genesis has the hash"),
        (("pre", OWNER, "balance"), "0x1", "the state of genesis has the root"),
        (("blocks", 0, "blockHeader", "hash"), "0x" + "13" * 32, "has the hash"),
        (("blocks", 1), None, "ends with block 1"),
        (("blocks", 0), None, "refused, WrongParent"),
        (("blocks", 1, "expectException"), "BlockException.INVALID_GASLIMIT", "accepted, not"),
        (("blocks", 2, "expectException"), None, "refused, MalformedBlock"),
        (("blocks", 2, "expectException"), "BlockException.INVALID_GAS_USED", "MalformedBlock ("),
        (("blocks", 2, "expectException"), "BlockException.NEW_ONE", "unknown errors ['NEW_ONE']"),
        (("lastblockhash",), "0x" + "13" * 32, "ends with block 2"),
        (("postState", OWNER, "nonce"), "0x7", "instead of (7, "),
        (("postState", OWNER), None, "should not exist"),
        (("postState", OWNER, "storage"), {"0x1": "0x1"}, "other slots"),
        (("postState", "0x" + "13" * 20), TEST["pre"][OWNER], "does not exist"),
    ],
)
def test_each_thing_that_is_wrong_is_found(
    path: tuple[str | int, ...], to: object, says: str
) -> None:
    found = problems(changed(*path, to=to))
    assert any(says in problem for problem in found), found


def test_a_root_may_stand_for_the_last_state() -> None:
    test = changed("postState", to=None)
    root = genesis_executed(Genesis(PARAMS, (), COMMITTEE)).state.root()
    test["postStateHash"] = "0x" + root.hex()
    assert any("the last state has the root" in problem for problem in problems(test))


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("network",), "Nowhere"),
        (("network",), "OsakaToNowhereAtTime15k"),
        (("sealEngine",), "Ethash"),
        (("surprise",), 1),
        (("blocks", 0, "surprise"), 1),
        (("config", "surprise"), 1),
        (("pre", OWNER, "surprise"), "0x"),
    ],
)
def test_what_is_not_known_is_an_error(path: tuple[str | int, ...], to: object) -> None:
    with pytest.raises(UnreadableTest, match="unknown"):
        read(changed(*path, to=to))


@pytest.mark.parametrize("network", ["Berlin", "BerlinToLondonAt5", "Amsterdam"])
def test_rules_that_are_not_there_are_left_out_with_a_reason(network: str) -> None:
    found = read(changed("network", to=network))
    assert isinstance(found, LeftOut)
    assert found.reason


@pytest.mark.parametrize(
    ("network", "before", "after"),
    [
        ("ParisToShanghaiAtTime15k", Fork.PARIS, Fork.SHANGHAI),
        ("CancunToPragueAtTime15k", Fork.CANCUN, Fork.PRAGUE),
        ("OsakaToBPO1AtTime15k", Fork.OSAKA, Fork.OSAKA),
    ],
)
def test_networks_change_their_rules_at_a_second(network: str, before: Fork, after: Fork) -> None:
    schedule = {"target": "0x0a", "max": "0x0f", "baseFeeUpdateFraction": "0x7f5a51"}
    params = read_params("own", network, {"blobSchedule": {"BPO1": schedule}})
    assert (params.at(14_999).fork, params.at(15_000).fork) == (before, after)
    if "BPO1" in network:
        assert (params.at(0).blob_schedule.most, params.at(15_000).blob_schedule.most) == (9, 15)


def test_networks_change_their_rules_at_a_total_difficulty() -> None:
    found = read(changed("network", to="ArrowGlacierToParisAtDiffC0000"))
    assert isinstance(found, ChainTest)
    assert found.terminal_params is not None
    assert (found.params.fork, found.terminal_params.fork) == (Fork.LONDON, Fork.PARIS)
