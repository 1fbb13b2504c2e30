"""Requests of the test cases of execution-apis, on a chain of our own: answers of the same form.

Reference: github.com/ethereum/execution-apis, tests/*/*.io.
"""

from collections.abc import Callable
from typing import Any

import pytest

from node.rpc.transaction_shapes import Place, receipt_shape, transaction_shape
from primitives.blob_schedule import GAS_PER_BLOB
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.receipt import Receipt
from primitives.transaction import (
    Authorization,
    BlobTransaction,
    SetCodeTransaction,
    encode_transaction,
    sign_authorization,
    sign_transaction,
)
from sim.contracts import encode_arguments
from tests.unit.node.rpc import shapes, small_contracts as small
from tests.unit.node.rpc.chain_rig import CHAIN, Rig, hexed, signed
from tests.unit.node.rpc.tokens import TOKEN, deploy, pay
from tests.unit.node.transfers import GWEI, account, private_key, raw_transfer, stranger

NOTHING = "0x" + "00" * 32
UNFIT = "invalid argument 0: json: cannot unmarshal"
BOTH = "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other"
ME, NOBODY, OTHER = hexed(account(0)), "0xaa" + "00" * 19, "0xbb" + "00" * 19
ERROR = bytes.fromhex("08c379a0") + encode_arguments(("string",), ("user error",))
PANIC = bytes.fromhex("4e487b71") + bytes(31) + b"\x01"
ENTRUSTED = {"address": OTHER, "chainId": "0x1", "nonce": "0x0", "r": "0x1", "s": "0x2"}
SIGNED_FOR = {**ENTRUSTED, "yParity": "0x0"}


@pytest.fixture
def chain(make_rig: Callable[..., Rig]) -> Rig:
    rig = make_rig(contracts=small.CONTRACTS)
    deploy(rig)
    pay(rig, 1, 5, 6)
    return rig


@pytest.mark.parametrize(
    ("method", "parameters", "code", "message"),
    [
        ("eth_getStorageAt", (ME, "0xasdf", "latest"), -32000,
         "unable to decode storage key: hex string invalid"),
        ("eth_getStorageAt", (ME, "0x" + "0" * 65, "latest"), -32000,
         "unable to decode storage key: hex string too long, want at most 32 bytes"),
        ("eth_getStorageAt", (ME, "0x 1", "latest"), -32000,
         "unable to decode storage key: hex string invalid"),
        ("eth_getStorageAt", (ME, "0x0X1"), -32000,
         "unable to decode storage key: hex string invalid"),
        ("eth_getStorageAt", (ME, 5), -32602,
         "invalid argument 1: json: cannot unmarshal number into Go value of type string"),
        ("eth_getProof", (ME, ["0x1", "0xG"], "latest"), -32000,
         "unable to decode storage key: hex string invalid"),
        ("eth_getProof", (ME, "0x0", "latest"), -32602,
         "invalid argument 1: json: cannot unmarshal string into Go value of type []string"),
        ("eth_getStorageValues", ({}, "latest"), -32602, "empty request"),
        ("eth_getStorageValues", ({ME: []}, "latest"), -32602, "empty request"),
        ("eth_getStorageValues", ({ME: ["0x0"] * 1_025},), -32602, "too many slots (max 1024)"),
        ("eth_getBalance", (ME, NOTHING), -32000, "header for hash not found"),
        ("eth_getBalance", (ME, {"blockHash": NOTHING}), -32000, "header for hash not found"),
        ("eth_getBalance", (ME, "0x99"), -32000, "header not found"),
        ("eth_getBalance", (ME, {"blockNumber": "0x99"}), -32000, "header not found"),
        ("eth_getBalance", (ME, "0x02"), -32602,
         "invalid argument 1: hex number with leading zero digits"),
        ("eth_getBalance", (ME, "0xzz"), -32602, "invalid argument 1: invalid hex string"),
        ("eth_getBalance", (ME, "0x"), -32602, 'invalid argument 1: hex string "0x"'),
        ("eth_getBalance", (ME, ""), -32602, "invalid argument 1: empty hex string"),
        ("eth_getBalance", (ME, "0x1" + "0" * 16), -32602,
         "invalid argument 1: hex number > 64 bits"),
        ("eth_getBalance", (ME, "0xffffffffffffffff"), -32602,
         "invalid argument 1: block number larger than int64"),
        ("debug_getRawBlock", ("2",), -32602, "invalid argument 0: hex string without 0x prefix"),
        ("debug_getRawTransaction", ("1" + "0" * 63,), -32602,
         f"{UNFIT} hex string without 0x prefix into Go value of type common.Hash"),
        ("debug_traceTransaction", (NOTHING,), -32000, "transaction not found"),
        ("debug_traceCall", ({"to": ME}, "0xfffffffff"), -32000, "block #68719476735 not found"),
        ("eth_getLogs", ({"fromBlock": "0x38", "toBlock": "0x3a"},), -32602,
         "block range extends beyond current head block"),
        ("eth_getLogs", ({"fromBlock": "0x38", "toBlock": "latest"},), -32602,
         "invalid block range params"),
        ("eth_getLogs", ({"address": None, "fromBlock": "0x2", "toBlock": "0x1"},), -32602,
         "invalid block range params"),
        ("eth_getLogs", ({"blockHash": NOTHING, "fromBlock": "0x3", "toBlock": "0x4"},), -32602,
         f"invalid argument 0: {BOTH}"),
        ("eth_feeHistory", ("0x1", "0x99", []), -32000,
         "request beyond head block: requested 153, head 2"),
        ("eth_call", ({"to": ME, "authorizationList": [SIGNED_FOR] * 257},), -32602,
         "invalid argument 0: more than 256 entries of type types.SetCodeAuthorization"),
    ],
)  # fmt: skip
def test_what_is_refused(
    chain: Rig, method: str, parameters: tuple[object, ...], code: int, message: str
) -> None:
    error = chain.refused(method, *parameters)
    assert (error.code, error.message) == (code, message)


@pytest.mark.parametrize(
    ("method", "parameters", "answer"),
    [
        ("eth_getStorageAt", (ME, "0", "latest"), NOTHING),
        ("eth_getStorageAt", (ME, "0X" + "0" * 63), NOTHING),
        ("eth_getStorageValues", ({NOBODY: [NOTHING, "0x1"]},), {NOBODY: [NOTHING] * 2}),
        ("eth_call", ({"from": NOBODY, "to": OTHER}, "latest"), "0x"),
        ("eth_call", ({"to": OTHER, "maxFeePerBlobGas": "0x1"}, "latest"), "0x"),
        ("eth_call", ({"to": OTHER, "type": "0x7f"}, "latest"), "0x"),
        ("eth_estimateGas", ({"from": NOBODY, "to": OTHER},), "0x5208"),
        ("eth_estimateGas", ({"from": ME, "to": OTHER, "value": "0x1", "nonce": "0x0"},), "0x5208"),
        ("eth_estimateGas",
         ({"from": ME, "to": OTHER, "value": "0x1", "authorizationList": [SIGNED_FOR]},), "0xb52e"),
        ("eth_estimateGas",
         ({"from": ME, "to": OTHER, "value": "0x1", "input": NOTHING,
           "authorizationList": [SIGNED_FOR]},), "0xb5ae"),
        ("eth_createAccessList", ({"from": NOBODY, "to": OTHER}, "latest"),
         {"accessList": [], "gasUsed": "0x5208"}),
        ("eth_createAccessList",
         ({"from": NOBODY, "maxFeePerBlobGas": "0x1", "to": OTHER}, "latest"),
         {"accessList": [], "gasUsed": "0x5208"}),
        ("eth_feeHistory", ("0x0", "0x99", []), {"oldestBlock": "0x0", "gasUsedRatio": []}),
        ("eth_getBlockByNumber", ("0x3e8", True), None),
        ("eth_getBlockReceipts", ("0x37",), None),
        ("eth_getBlockReceipts", (NOTHING,), None),
        ("debug_getRawReceipts", ("0x0",), []),
        ("debug_getRawTransaction", (NOTHING,), None),
        ("eth_getTransactionReceipt", (NOTHING,), None),
    ],
)  # fmt: skip
def test_what_is_answered(
    chain: Rig, method: str, parameters: tuple[object, ...], answer: object
) -> None:
    assert chain.ask(method, *parameters) == answer


def test_a_list_of_accesses_says_that_the_call_failed_and_no_more(chain: Rig) -> None:
    for data in (ERROR, PANIC, b""):
        request = {"to": hexed(small.REVERTING), "input": hexed(data)}
        found = chain.ask("eth_createAccessList", request)
        assert sorted(found) == ["accessList", "error", "gasUsed"]
        assert found["error"] == "execution reverted"
        error = chain.refused("eth_call", request)
        assert (error.code, error.data) == (3, hexed(data))
        assert chain.refused("eth_estimateGas", request).data == hexed(data)


def test_rewards_are_there_if_percentiles_are(chain: Rig) -> None:
    plain = {
        "oldestBlock",
        "baseFeePerGas",
        "gasUsedRatio",
        "baseFeePerBlobGas",
        "blobGasUsedRatio",
    }
    assert set(chain.ask("eth_feeHistory", "0x1", "0x2", [])) == plain
    assert set(chain.ask("eth_feeHistory", "0x1", "0x2", None)) == plain
    history = chain.ask("eth_feeHistory", "0x1", "0x2", [95, 99])
    assert set(history) == {*plain, "reward"}
    assert history["reward"] == [["0x3b9aca00", "0x3b9aca00"]]


def test_slots_of_several_accounts(chain: Rig) -> None:
    word = "0x" + "00" * 31 + "07"
    requests = {hexed(small.COUNTING): [NOTHING, "0x1"], NOBODY: ["0x01"]}
    found = chain.ask("eth_getStorageValues", requests, "latest")
    assert found == {hexed(small.COUNTING): [word, NOTHING], NOBODY: [NOTHING]}
    for address, keys in requests.items():
        assert found[address] == [chain.ask("eth_getStorageAt", address, key) for key in keys]


def test_keys_of_a_proof_come_back_as_words_or_quantities(chain: Rig) -> None:
    long = "0x" + "0A" * 32
    keys = [NOTHING, "0x00", "0x01", long, long[:-1], "F"]
    found = chain.ask("eth_getProof", hexed(TOKEN), keys, "latest")["storageProof"]
    shown = [NOTHING, "0x0", "0x1", long.lower(), "0x0" + "0a" * 31 + "0", "0xf"]
    assert [each["key"] for each in found] == shown


def test_a_transaction_says_when_its_block_was_made(chain: Rig) -> None:
    block = chain.ask("eth_getBlockByNumber", "0x2", True)
    for index, each in enumerate(block["transactions"]):
        shapes.check_transaction(each)
        assert each["blockTimestamp"] == block["timestamp"]
        assert chain.ask("eth_getTransactionByHash", each["hash"]) == each
        place = (block["hash"], hex(index))
        assert chain.ask("eth_getTransactionByBlockHashAndIndex", *place) == each
    waiting = chain.send(raw_transfer(1, 5, stranger(1), 1))
    shown = chain.ask("eth_getTransactionByHash", waiting)
    assert [shown[name] for name in ("blockHash", "blockNumber", "blockTimestamp")] == [None] * 3


def set_code() -> SetCodeTransaction:
    entrusted = sign_authorization(
        Authorization(CHAIN.chain_id, Address(stranger(3)), 0), private_key(1)
    )
    return SetCodeTransaction(
        CHAIN.chain_id, 3, Wei(GWEI), Wei(9 * GWEI), Gas(200_000), stranger(1), Wei(0), b"", (),
        (entrusted,),
    )  # fmt: skip


def test_a_transaction_that_sets_code(chain: Rig) -> None:
    digest = chain.send(encode_transaction(sign_transaction(set_code(), private_key(0))))
    chain.mine()
    shown = chain.ask("eth_getTransactionByHash", digest)
    shapes.check_transaction(shown)
    (each,) = shown["authorizationList"]
    assert sorted(each) == sorted(SIGNED_FOR)
    assert (each["chainId"], each["nonce"]) == (hex(CHAIN.chain_id), "0x0")
    receipt = chain.ask("eth_getTransactionReceipt", digest)
    shapes.check_receipt(receipt)
    assert (receipt["type"], receipt["status"]) == ("0x4", "0x1")


def test_a_blob_transaction(chain: Rig) -> None:
    """None comes into a block of this node's own making, but others may make such blocks."""
    names = tuple(Hash32(b"\x01" + bytes([n]) * 31) for n in range(2))
    unsigned = BlobTransaction(
        CHAIN.chain_id, 3, Wei(GWEI), Wei(9 * GWEI), Gas(21_000), stranger(1), Wei(0), b"", (),
        Wei(7), names,
    )  # fmt: skip
    blob = sign_transaction(unsigned, private_key(0))
    header = chain.backend.node.ledger.tip.block.header
    place = Place(header, Hash32(bytes(32)), 0)
    shown: dict[str, Any] = transaction_shape(blob, Hash32(bytes(32)), account(0), place)
    fields = {name: shown.pop(name) for name in ("maxFeePerBlobGas", "blobVersionedHashes")}
    assert fields == {"maxFeePerBlobGas": "0x7", "blobVersionedHashes": [hexed(n) for n in names]}
    shapes.check_transaction(shown)
    receipt = Receipt(3, 1, Gas(21_000), bytes(256), ())
    shape = receipt_shape(
        blob, receipt, Hash32(bytes(32)), account(0), place, 21_000, [], blob_base_fee=5
    )
    extra = {name: shape.pop(name) for name in ("blobGasUsed", "blobGasPrice")}
    assert extra == {"blobGasUsed": hex(2 * GAS_PER_BLOB), "blobGasPrice": "0x5"}
    shapes.check_receipt(shape)


def test_creations_name_what_they_have_made(chain: Rig) -> None:
    digest = chain.send(signed(0, 3, None, b"", gas=100_000))
    chain.mine()
    shown = chain.ask("eth_getTransactionReceipt", digest)
    assert (shown["to"], len(shown["contractAddress"])) == (None, 42)
    (paid, _) = chain.ask("eth_getBlockReceipts", "0x2")
    assert (paid["to"], paid["contractAddress"]) == (hexed(TOKEN), None)
