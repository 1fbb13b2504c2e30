"""Blocks, transactions and receipts: where they come from, and what they look like."""

from collections.abc import Callable

import pytest

from primitives.address import contract_address
from primitives.transaction import Transaction, decode_transaction
from tests.unit.node.harness import MILLISECOND
from tests.unit.node.rpc import shapes
from tests.unit.node.rpc.chain_rig import FLAT, Rig, hexed, signed
from tests.unit.node.transfers import account, raw_transfer, stranger

RETURNS_CODE = bytes.fromhex("600580600b6000396000f3") + bytes.fromhex("6001600155")
"""Initcode; what it leaves sets slot 1 when it is called."""


def filled(rig: Rig) -> list[str]:
    """Let a block have a transfer of each type, and another one a creation; return the hashes."""
    raws = [raw_transfer(0, nonce, stranger(1), 5, tx_type=nonce) for nonce in range(3)]
    hashes = [rig.send(raw) for raw in raws]
    rig.harness.run(200 * MILLISECOND)
    hashes.append(rig.send(signed(1, 0, None, RETURNS_CODE)))
    rig.harness.run(200 * MILLISECOND)
    assert rig.height == 2
    return hashes


def test_shapes_are_those_of_the_specification(rig: Rig) -> None:
    hashes = filled(rig)
    for height in ("0x0", "0x1", "0x2"):
        block = rig.ask("eth_getBlockByNumber", height)
        shapes.check_block(block)
        assert block["number"] == height
    full = rig.ask("eth_getBlockByNumber", "0x1", True)
    assert [each["hash"] for each in full["transactions"]] == hashes[:3]
    assert [each["type"] for each in full["transactions"]] == ["0x0", "0x1", "0x2"]
    for each in full["transactions"]:
        shapes.check_transaction(each)
    for digest in hashes:
        shapes.check_receipt(rig.ask("eth_getTransactionReceipt", digest))


def test_a_block_is_the_same_by_number_by_hash_and_by_tag(rig: Rig) -> None:
    filled(rig)
    block = rig.ask("eth_getBlockByNumber", "0x2", True)
    assert rig.ask("eth_getBlockByHash", block["hash"], True) == block
    for tag in ("latest", "safe", "finalized"):
        assert rig.ask("eth_getBlockByNumber", tag, True) == block
    first = rig.ask("eth_getBlockByNumber", "0x1")
    assert block["parentHash"] == first["hash"]
    assert rig.ask("eth_getBlockByHash", first["hash"]) == first
    genesis = rig.ask("eth_getBlockByNumber", "earliest")
    assert genesis == rig.ask("eth_getBlockByHash", first["parentHash"])


def test_what_is_not_there_is_null(rig: Rig) -> None:
    filled(rig)
    nowhere = hexed(b"\x11" * 32)
    assert rig.ask("eth_getBlockByNumber", "0x3") is None
    assert rig.ask("eth_getBlockByHash", nowhere) is None
    assert rig.ask("eth_getTransactionByHash", nowhere) is None
    assert rig.ask("eth_getTransactionReceipt", nowhere) is None
    assert rig.ask("eth_getBlockReceipts", "0x3") is None
    assert rig.ask("eth_getBlockTransactionCountByNumber", "0x3") is None
    assert rig.ask("eth_getTransactionByBlockNumberAndIndex", "0x1", "0x3") is None
    assert rig.ask("eth_getUncleByBlockNumberAndIndex", "0x1", "0x0") is None


def test_transactions_are_found_by_place(rig: Rig) -> None:
    hashes = filled(rig)
    block = rig.ask("eth_getBlockByNumber", "0x1", True)
    for index, digest in enumerate(hashes[:3]):
        found = rig.ask("eth_getTransactionByHash", digest)
        assert found == block["transactions"][index]
        place = ("0x1", hex(index))
        assert rig.ask("eth_getTransactionByBlockNumberAndIndex", *place) == found
        place = (block["hash"], hex(index))
        assert rig.ask("eth_getTransactionByBlockHashAndIndex", *place) == found
    assert rig.ask("eth_getBlockTransactionCountByNumber", "0x1") == "0x3"
    assert rig.ask("eth_getBlockTransactionCountByHash", block["hash"]) == "0x3"
    assert rig.ask("eth_getUncleCountByBlockNumber", "0x1") == "0x0"
    assert rig.ask("eth_getUncleCountByBlockHash", block["hash"]) == "0x0"


def test_signatures_and_prices_are_as_they_were_signed(rig: Rig) -> None:
    hashes = filled(rig)
    legacy, listed, dynamic = [rig.ask("eth_getTransactionByHash", each) for each in hashes[:3]]
    assert int(legacy["v"], 16) in (35 + 2 * 1337, 36 + 2 * 1337)
    assert listed["v"] == listed["yParity"]
    base_fee = int(rig.ask("eth_getBlockByNumber", "0x1")["baseFeePerGas"], 16)
    assert int(dynamic["gasPrice"], 16) == base_fee + 10**9
    assert legacy["gasPrice"] == hex(10 * 10**9)
    receipt = rig.ask("eth_getTransactionReceipt", hashes[2])
    assert receipt["effectiveGasPrice"] == dynamic["gasPrice"]


def test_receipts_add_up(rig: Rig) -> None:
    hashes = filled(rig)
    receipts = rig.ask("eth_getBlockReceipts", "0x1")
    assert receipts == [rig.ask("eth_getTransactionReceipt", each) for each in hashes[:3]]
    assert [each["gasUsed"] for each in receipts] == [hex(21_000)] * 3
    assert [int(each["cumulativeGasUsed"], 16) for each in receipts] == [21_000, 42_000, 63_000]
    assert {each["contractAddress"] for each in receipts} == {None}
    created = rig.ask("eth_getTransactionReceipt", hashes[3])
    assert created["to"] is None
    assert created["contractAddress"] == hexed(contract_address(account(1), 0))
    assert rig.ask("eth_getCode", created["contractAddress"]) == "0x6001600155"


@pytest.mark.parametrize("reads_store", [False, True])
def test_a_node_that_has_restarted_answers_the_same(
    make_rig: Callable[..., Rig], reads_store: bool
) -> None:
    rig = make_rig(reads_store=reads_store)
    hashes = filled(rig)

    def all_answers() -> list[object]:
        blocks = [rig.ask("eth_getBlockByNumber", hex(height), True) for height in range(3)]
        receipts = [rig.ask("eth_getTransactionReceipt", each) for each in hashes]
        found = [rig.ask("eth_getTransactionByHash", each) for each in hashes]
        by_hash = [rig.ask("eth_getBlockByHash", block["hash"], True) for block in blocks]
        return [blocks, receipts, found, by_hash]

    before = all_answers()
    rig.restart()
    fresh = Rig.over(rig)
    assert fresh.height == 2
    after = [
        [fresh.ask("eth_getBlockByNumber", hex(height), True) for height in range(3)],
        [fresh.ask("eth_getTransactionReceipt", each) for each in hashes],
        [fresh.ask("eth_getTransactionByHash", each) for each in hashes],
    ]
    assert after == before[:3]
    fresh.close()


def test_a_receipt_is_there_before_its_block_is_durable(rig: Rig) -> None:
    """The head is shown as soon as it is final; its batch is written a moment later."""
    digest = rig.send(raw_transfer(0, 0, stranger(1), 5))
    while rig.height == 0:
        rig.harness.run(MILLISECOND // 100)
    ledger = rig.backend.node.ledger
    assert list(ledger.unsettled) == [1]
    receipt = rig.ask("eth_getTransactionReceipt", digest)
    block = rig.ask("eth_getBlockByHash", receipt["blockHash"], True)
    assert block["transactions"][0]["hash"] == digest
    rig.harness.run(10 * MILLISECOND)
    assert not ledger.unsettled
    assert rig.ask("eth_getTransactionReceipt", digest) == receipt


def test_blocks_that_were_let_go_are_named_so(make_rig: Callable[..., Rig]) -> None:
    """A checkpoint every four blocks: what lies below the older of two goes."""
    rig = make_rig(history=0)
    first = rig.send(raw_transfer(0, 0, stranger(1), 5))
    for nonce in range(14):
        rig.mine(raw_transfer(0, nonce, stranger(1), 5))
    lowest = rig.backend.node.ledger.lowest
    assert lowest > 2
    fresh = Rig.over(rig)
    assert fresh.ask("eth_getTransactionReceipt", first) is None
    error = fresh.refused("eth_getBlockByNumber", "0x1")
    assert (error.code, error.message) == (4444, "pruned history unavailable")
    assert fresh.ask("eth_getBlockByNumber", hex(lowest))["number"] == hex(lowest)
    assert fresh.ask("eth_getBlockByNumber", "0x0")["number"] == "0x0"
    fresh.close()


def test_the_pending_block_is_the_next_one_without_transactions(rig: Rig) -> None:
    filled(rig)
    head = rig.ask("eth_getBlockByNumber", "latest")
    pending = rig.ask("eth_getBlockByNumber", "pending")
    shapes.check_block(pending)
    assert (pending["hash"], pending["nonce"], pending["miner"]) == (None, None, None)
    assert pending["parentHash"] == head["hash"]
    assert pending["number"] == "0x3"
    assert pending["transactions"] == []
    rig.send(raw_transfer(0, 9, stranger(1), 5))
    assert rig.ask("eth_getBlockReceipts", "pending") == []
    assert rig.ask("eth_getBlockTransactionCountByNumber", "pending") == "0x0"
    for name in ("Header", "Block", "Receipts"):
        error = rig.refused(f"debug_getRaw{name}", "pending")
        assert (error.code, error.message) == (-32000, "pending block is not available")


def test_a_transaction_that_waits_has_no_place(rig: Rig) -> None:
    digest = rig.send(raw_transfer(0, 1, stranger(1), 5))
    shown = rig.ask("eth_getTransactionByHash", digest)
    shapes.check_transaction(shown)
    assert (shown["blockHash"], shown["blockNumber"], shown["transactionIndex"]) == (None,) * 3
    assert shown["gasPrice"] == shown["maxFeePerGas"]
    assert rig.ask("eth_getTransactionReceipt", digest) is None


def test_an_index_is_built_and_taken_away_when_a_node_starts(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(index_transactions=False)
    hashes = filled(rig)
    error = rig.refused("eth_getTransactionReceipt", hashes[0])
    assert (error.code, error.message) == (-32000, "transaction indexing is disabled")
    rig.reconfigure(index_transactions=True)
    assert rig.ask("eth_getTransactionReceipt", hashes[0])["status"] == "0x1"
    rig.reconfigure(index_transactions=False)
    assert rig.refused("eth_getTransactionReceipt", hashes[0]).code == -32000


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("eth_getBlockByNumber", (), "missing value for required argument 0"),
        ("eth_getBlockByNumber", ("0x01",), "leading zero"),
        ("eth_getBlockByNumber", ("newest",), "without 0x prefix"),
        ("eth_getBlockByNumber", ("0x1", "yes"), "invalid argument 1"),
        ("eth_getBlockByHash", ("0x12",), "invalid argument 0"),
        ("eth_getTransactionReceipt", ("0x" + "z" * 64,), "invalid hex string"),
    ],
)
def test_bad_arguments_are_refused(
    rig: Rig, name: str, parameters: tuple[object, ...], message: str
) -> None:
    error = rig.refused(name, *parameters)
    assert error.code == -32602
    assert message in error.message


def test_the_store_of_a_rig_is_flat(rig: Rig) -> None:
    assert rig.backend.config.storage == FLAT


def test_who_asks_for_one_transaction_has_one_decoded(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block may have thousands, and whoever asks for one of each block would get them all."""
    hashes = filled(rig)
    rig.restart()
    decoded: list[bytes] = []

    def counted(raw: bytes) -> Transaction:
        decoded.append(raw)
        return decode_transaction(raw)

    monkeypatch.setattr("node.rpc.chain.decode_transaction", counted)
    fresh = Rig.over(rig)
    try:
        found = fresh.ask("eth_getTransactionByHash", hashes[1])
        receipt = fresh.ask("eth_getTransactionReceipt", hashes[1])
        assert len(decoded) == 1
        assert found["hash"] == receipt["transactionHash"] == hashes[1]
        block = fresh.ask("eth_getBlockByHash", found["blockHash"], True)
        assert block["transactions"][1] == found
        assert len(decoded) == 3
    finally:
        fresh.close()
