"""Blocks of the main network from a folder: executed here, and compared with their header."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from node.schedule import build_graph
from primitives.access import BALANCE, EXISTENCE, NONCE, slot_key
from primitives.errors import InvalidInput
from primitives.fork import Fork
from sim.graph.block_folder import read_block_folder
from sim.graph.mainnet import mainnet_params
from tests.unit.sim.graph_blocks import COUNTER, HEIGHT, block_files, standard, write_folder


def test_a_block_is_executed_and_its_accesses_are_those_of_the_machine(tmp_path: Path) -> None:
    subject = read_block_folder(write_folder(tmp_path, block_files()))
    assert subject.label == str(HEIGHT)
    assert subject.gas == standard()[1]
    counted = subject.accesses[0]
    sender = subject.transactions[0].sender
    assert counted.writes == tuple(sorted((sender + NONCE, slot_key(COUNTER, 0))))
    assert slot_key(COUNTER, 0) in counted.reads
    assert subject.fee_recipient + BALANCE in counted.deltas
    receiver = b"\x55" * 20
    assert receiver + EXISTENCE in subject.accesses[1].deltas


def test_counting_and_one_sender_make_the_edges(tmp_path: Path) -> None:
    """The first payment brings the receiver into being; the payments commute all the same."""
    subject = read_block_folder(write_folder(tmp_path, block_files()))
    graph = build_graph(subject.accesses)
    assert set(zip(graph.sources, graph.targets, strict=True)) == {(0, 2), (1, 4)}


def broken(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    files = block_files()
    change(files)
    return files


def poor(files: dict[str, Any]) -> None:
    for account in files["pre_state.json"].values():
        account["balance"] = "0x1"


def other_code(files: dict[str, Any]) -> None:
    (name,) = files["bytecodes.json"]
    files["bytecodes.json"][name] = "0x00"


MISTAKES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no state": (lambda f: f.pop("pre_state.json"), r"pre_state.json: expected a file"),
    "no code": (lambda f: f.pop("bytecodes.json"), r"bytecodes.json: expected a file"),
    "no JSON": (lambda f: f.update({"block.json": "{"}), r"block.json: expected a block in the"),
    "no number": (lambda f: f["block.json"].pop("number"), "missing required field `number`"),
    "hashes only": (
        lambda f: f["block.json"].update(transactions=["0x" + "00" * 32]),
        r"with whole transactions, got Expected `object`, got `str`",
    ),
    "another nonce": (
        lambda f: f["block.json"]["transactions"][1].update(nonce="0x5"),
        r"transactions\[1\].hash: expected 0x[0-9a-f]{64}, which its fields give",
    ),
    "an unknown type": (
        lambda f: f["block.json"]["transactions"][0].update(type="0x9"),
        r"transactions\[0\].type: expected a transaction type from 0 to 4, got 0x9",
    ),
    "no fee": (
        lambda f: f["block.json"]["transactions"][0].pop("maxFeePerGas"),
        r"transactions\[0\].maxFeePerGas: expected a value for type 2, got nothing",
    ),
    "no money": (poor, r"transactions\[0\]: expected a transaction that may stand there"),
    "wrong code": (other_code, r"expected the code of this hash"),
    "missing code": (
        lambda f: f.update({"bytecodes.json": {}}),
        r"expected code that bytecodes.json has",
    ),
    "other gas": (
        lambda f: f["block.json"].update(gasUsed="0x1"),
        r"gasUsed: expected \d+, as executed, got 1",
    ),
    "other receipts": (
        lambda f: f["block.json"].update(receiptsRoot="0x" + "12" * 32),
        r"receiptsRoot: expected 0x[0-9a-f]{64}, as executed",
    ),
}


@pytest.mark.parametrize(("change", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_folder_that_is_no_block_is_refused_with_the_place(
    change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_block_folder(write_folder(tmp_path, broken(change)))


@pytest.mark.parametrize(
    ("number", "timestamp", "fork", "blobs"),
    [
        (46_147, 1_438_918_233, Fork.FRONTIER, 0),
        (7_279_999, 1_551_383_501, Fork.BYZANTIUM, 0),
        (7_280_000, 1_551_383_524, Fork.PETERSBURG, 0),
        (12_964_999, 1_628_166_812, Fork.BERLIN, 0),
        (13_287_210, 1_632_469_340, Fork.LONDON, 0),
        (15_537_393, 1_663_224_162, Fork.LONDON, 0),
        (15_537_394, 1_663_224_179, Fork.PARIS, 0),
        (19_426_586, 1_710_338_123, Fork.SHANGHAI, 0),
        (19_426_587, 1_710_338_135, Fork.CANCUN, 6),
        (22_431_084, 1_746_612_311, Fork.PRAGUE, 9),
        (23_935_694, 1_764_798_551, Fork.OSAKA, 9),
        (23_975_778, 1_765_290_071, Fork.OSAKA, 15),
        (24_179_383, 1_767_747_671, Fork.OSAKA, 21),
    ],
)
def test_blocks_of_the_main_network_follow_the_rules_of_their_time(
    number: int, timestamp: int, fork: Fork, blobs: int
) -> None:
    params = mainnet_params(number, timestamp)
    assert params.fork is fork
    assert params.blob_schedule.most == blobs
