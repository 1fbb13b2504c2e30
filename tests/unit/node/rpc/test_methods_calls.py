"""eth_call, eth_estimateGas and eth_createAccessList."""

from collections.abc import Callable
from typing import Any

import pytest

from node.rpc.call_runner import CallLimits
from node.rpc.errors import RpcError
from node.rpc.node_methods import MethodLimits
from node.rpc.simulation import RecentHashes
from primitives.ids import Address, Hash32
from primitives.system_contracts import HISTORY_ADDRESS
from sim.contracts import encode_arguments, encode_call, load_artifact, mapping_slot
from tests.unit.node.rpc import small_contracts as small
from tests.unit.node.rpc.chain_rig import Rig, hexed, signed
from tests.unit.node.rpc.tokens import HOLDERS, SUPPLY, TOKEN, deploy, transfer_data, view
from tests.unit.node.transfers import ETHER, GWEI, account, raw_transfer, stranger

ME = hexed(account(0))
ERROR = bytes.fromhex("08c379a0")
PANIC = bytes.fromhex("4e487b71")


@pytest.fixture
def contracts(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig(contracts=small.CONTRACTS)


def request(to: Address | None, data: bytes = b"", **fields: Any) -> dict[str, Any]:
    target = {} if to is None else {"to": hexed(to)}
    return {"from": ME, **target, "input": hexed(data), **fields}


def shown(rig: Rig, *parameters: object) -> list[int]:
    answer = bytes.fromhex(rig.ask("eth_call", *parameters)[2:])
    return [int.from_bytes(answer[at : at + 32], "big") for at in range(0, len(answer), 32)]


def panic(code: int) -> bytes:
    return PANIC + encode_arguments(("uint256",), (code,))


# ---------------------------------------------------------------- eth_call


def test_a_call_answers_and_changes_nothing(rig: Rig) -> None:
    deploy(rig)
    before = rig.backend.node.ledger.tip.state.root()
    call = request(TOKEN, transfer_data(HOLDERS[0], 5))
    assert int(rig.ask("eth_call", call), 16) == 1
    assert int(rig.ask("eth_call", view("balanceOf(address)", HOLDERS[0])), 16) == 0
    assert rig.backend.node.ledger.tip.state.root() == before


@pytest.mark.parametrize("name", ["data", "input"])
def test_the_input_has_two_names(contracts: Rig, name: str) -> None:
    call = {"to": hexed(small.ECHO), name: "0x1234"}
    assert contracts.ask("eth_call", call, "latest") == "0x1234"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (ERROR + encode_arguments(("string",), ("no way",)), "execution reverted: no way"),
        (panic(0x11), "execution reverted: arithmetic underflow or overflow"),
        (panic(0x77), "execution reverted: unknown panic code: 0x77"),
        (b"", "execution reverted"),
        (bytes.fromhex("cafebabe"), "execution reverted"),
        (ERROR + b"\x00" * 40, "execution reverted"),
        (ERROR + encode_arguments(("uint256",), (2**255,)) + bytes(32), "execution reverted"),
    ],
)  # fmt: skip
def test_reverts_come_with_reason_and_data(contracts: Rig, output: bytes, message: str) -> None:
    for method in ("eth_call", "eth_estimateGas"):
        error = contracts.refused(method, request(small.REVERTING, output))
        assert (error.code, error.message, error.data) == (3, message, hexed(output))


def test_custom_errors_of_solidity_come_as_data(rig: Rig) -> None:
    deploy(rig)
    error = rig.refused("eth_call", request(TOKEN, transfer_data(HOLDERS[0], SUPPLY + 1)))
    signature = "InsufficientBalance(address,uint256,uint256)"
    data = encode_call(signature, account(0), SUPPLY, SUPPLY + 1)
    assert (error.code, error.message, error.data) == (3, "execution reverted", hexed(data))


def test_other_failures_have_the_names_that_libraries_know(contracts: Rig) -> None:
    error = contracts.refused("eth_call", request(small.INVALID))
    assert (error.code, error.message) == (-32000, "invalid opcode")
    error = contracts.refused("eth_call", request(small.LOOPING, gas=hex(100_000)))
    assert (error.code, error.message) == (-32000, "out of gas")


def test_what_a_call_must_own(contracts: Rig) -> None:
    poor = hexed(stranger(55))
    error = contracts.refused("eth_call", {"from": poor, "to": ME, "value": "0x5"})
    assert error.message == (
        "err: insufficient funds for gas * price + value: "
        f"address {poor} have 0 want 5 (supplied gas 50000000)"
    )
    error = contracts.refused("eth_call", {"from": ME, "to": ME, "gas": "0x64"})
    assert error.message == "err: intrinsic gas too low: have 100, want 21000 (supplied gas 100)"
    call = {"from": ME, "to": ME, "maxFeePerGas": "0x1", "gas": "0x5208"}
    assert "max fee per gas less than block base fee" in contracts.refused("eth_call", call).message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"gasPrice": "0x1", "maxFeePerGas": "0x1"}, "both gasPrice and"),
        ({"maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}, "maxFeePerGas (1) <"),
        ({"data": "0x01", "input": "0x02"}, 'both "data" and "input" are set'),
        ({"value": "5"}, "hex string without 0x prefix"),
        ({"to": "0x12"}, "hex string has length 2, want 40"),
        ({"input": hexed(bytes(50_000))}, "max initcode size exceeded"),
        (5, "cannot unmarshal number"),
    ],
)
def test_requests_that_make_no_sense(rig: Rig, call: object, message: str) -> None:
    assert message in rig.refused("eth_call", call).message


def test_the_block_is_the_one_that_was_named(contracts: Rig) -> None:
    contracts.mine(raw_transfer(0, 0, stranger(1), 1))
    contracts.mine(raw_transfer(0, 1, stranger(1), 1))
    call = request(small.SHOWING)
    for named in ("0x1", "0x2"):
        header = contracts.ask("eth_getBlockByNumber", named)
        number, timestamp, base_fee, miner, gas_limit, randao, blob_fee, price, origin, chain = (
            shown(contracts, call, named)
        )
        assert (number, timestamp) == (int(named, 16), int(header["timestamp"], 16))
        assert (base_fee, price) == (0, 0), "who pays nothing for gas sees no base fee"
        assert miner == int(header["miner"], 16)
        assert gas_limit == int(header["gasLimit"], 16)
        assert randao == int(header["mixHash"], 16)
        assert (blob_fee, chain) == (1, 1337)
        assert origin == int(ME, 16)
    paid = shown(contracts, {**call, "maxFeePerGas": hex(10 * GWEI), "gas": hex(100_000)}, "0x2")
    assert paid[2] == int(contracts.ask("eth_getBlockByNumber", "0x2")["baseFeePerGas"], 16)
    assert shown(contracts, call, "pending")[0] == 3
    assert shown(contracts, call, "earliest")[0] == 0


def test_block_hashes_are_those_of_the_chain(contracts: Rig) -> None:
    for nonce in range(3):
        contracts.mine(raw_transfer(0, nonce, stranger(1), 1))
    for asked, named in ((2, "0x3"), (1, "0x3"), (0, "0x3"), (0, "0x1"), (3, "pending")):
        found = shown(contracts, request(small.HASHES, asked.to_bytes(32, "big")), named)
        block = contracts.ask("eth_getBlockByNumber", hex(asked))
        assert found == [int(block["hash"], 16)]
    for asked in (3, 4):
        assert shown(contracts, request(small.HASHES, asked.to_bytes(32, "big")), "0x3") == [0]


def test_old_block_hashes_stand_in_a_ring() -> None:
    """EIP-2935: the state serves the last 8,191 blocks, each in the slot of its remainder."""

    class Ring:
        def slot(self, address: Address, slot: int) -> int:
            assert address == HISTORY_ADDRESS
            return slot

    hashes = RecentHashes(Ring(), 9_000, Hash32(b"\x07" * 32))  # type: ignore[arg-type]
    assert hashes(9_000) == b"\x07" * 32
    assert int.from_bytes(hashes(8_999), "big") == 8_999 - 8_191
    assert int.from_bytes(hashes(8_191), "big") == 0


def test_a_state_may_be_overridden(contracts: Rig) -> None:
    new, token = stranger(900), load_artifact("Token")
    balances = mapping_slot(token.slot("balanceOf"), HOLDERS[0])
    overrides = {
        hexed(new): {
            "code": hexed(token.runtime_code),
            "stateDiff": {f"0x{balances:064x}": f"0x{77:064x}"},
        },
        ME: {"balance": "0x0", "nonce": "0x5"},
    }
    call = {
        "from": ME,
        "to": hexed(new),
        "input": hexed(encode_call("balanceOf(address)", HOLDERS[0])),
    }
    assert int(contracts.ask("eth_call", call, "latest", overrides), 16) == 77
    error = contracts.refused("eth_call", {**call, "value": "0x1"}, "latest", overrides)
    assert "insufficient funds" in error.message
    assert contracts.ask("eth_call", call) == "0x"


def test_whole_storages_may_be_overridden(contracts: Rig) -> None:
    key = f"0x{0:064x}"
    call = request(small.COUNTING)
    trace = {"tracer": ""}
    for override, expected in (
        ({}, 7), ({"state": {}}, 0), ({"stateDiff": {}}, 7), ({"state": {key: f"0x{9:064x}"}}, 9),
    ):  # fmt: skip
        config = {**trace, "stateOverrides": {hexed(small.COUNTING): override}}
        steps = contracts.ask("debug_traceCall", call, "latest", config)["structLogs"]
        (load,) = [step for step in steps if step["op"] == "SLOAD"]
        assert load["storage"] == {key: f"0x{expected:064x}"}


def test_a_block_may_be_overridden(contracts: Rig) -> None:
    overrides = {
        "number": "0x64", "time": "0x65", "gasLimit": "0x66", "feeRecipient": hexed(stranger(3)),
        "prevRandao": "0x" + "07" * 32, "baseFeePerGas": "0x8", "blobBaseFee": "0x9",
        "difficulty": "0x0",
    }  # fmt: skip
    call = request(small.SHOWING, maxFeePerGas="0x9", maxPriorityFeePerGas="0x0", gas="0x186a0")
    number, timestamp, base_fee, miner, gas_limit, randao, blob_fee, price, *_ = shown(
        contracts, call, "latest", {}, overrides
    )
    assert (number, timestamp, base_fee, gas_limit) == (100, 101, 8, 102)
    assert miner == int.from_bytes(stranger(3), "big")
    assert randao == int("07" * 32, 16)
    assert (blob_fee, price) == (9, 8)


@pytest.mark.parametrize(
    ("place", "override", "message"),
    [
        (2, {ME: {"state": {}, "stateDiff": {}}}, "both 'state' and 'stateDiff'"),
        (2, {ME: {"movePrecompileToAddress": ME}}, "is not supported"),
        (2, {"0x12": {}}, "hex string has length 2"),
        (2, {f"0x{4:040x}": {"code": "0x"}}, "precompile"),
        (3, {"beaconRoot": "0x" + "00" * 32}, "block override 'beaconRoot' is not supported"),
        (3, {"number": 5}, "non-string"),
    ],
)
def test_overrides_that_make_no_sense(rig: Rig, place: int, override: object, message: str) -> None:
    parameters = [{"to": ME}, "latest", None, None]
    parameters[place] = override  # type: ignore[call-overload]
    error = rig.refused("eth_call", *parameters)
    assert error.code == -32602
    assert message in error.message
    assert f"argument {place}" in error.message


def test_a_call_that_takes_too_long_is_given_up(make_rig: Callable[..., Rig]) -> None:
    limits = MethodLimits(calls=CallLimits(gas=1 << 40, time_ns=20_000_000, slice_ns=1_000_000))
    rig = make_rig(contracts=small.CONTRACTS, limits=limits)
    error = rig.refused("eth_call", request(small.LOOPING))
    assert (error.code, error.message) == (-32000, "execution aborted (timeout = 0.02s)")
    assert rig.node_methods is not None
    assert rig.node_methods.runner.open == 0


def test_gas_is_capped(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(contracts=small.CONTRACTS, limits=MethodLimits(calls=CallLimits(gas=200_000)))
    error = rig.refused("eth_call", request(small.LOOPING, gas=hex(10**12)))
    assert error.message == "out of gas"


# ---------------------------------------------------------------- eth_estimateGas


def sent(rig: Rig, to: Address | None, data: bytes, gas: int, value: int = 0) -> dict[str, Any]:
    """Send what was estimated; return the receipt."""
    nonce = int(rig.ask("eth_getTransactionCount", ME), 16)
    digest = rig.send(signed(0, nonce, to, data, gas=gas, value=value))
    rig.mine()
    receipt: dict[str, Any] = rig.ask("eth_getTransactionReceipt", digest)
    return receipt


def test_an_estimate_is_enough_and_hardly_too_much(contracts: Rig) -> None:
    """A call inside gets 63 of 64 parts of what is left: the estimate must leave room for that."""
    for to, data in ((small.COUNTING, b""), (small.CALLING, b""), (small.ECHO, b"\x01" * 300)):
        gas = int(contracts.ask("eth_estimateGas", request(to, data)), 16)
        assert sent(contracts, to, data, gas)["status"] == "0x1"
        used = int(sent(contracts, to, data, gas)["gasUsed"], 16)
        assert used <= gas <= used * 1.2
    gas = int(contracts.ask("eth_estimateGas", request(small.CALLING)), 16)
    assert sent(contracts, small.CALLING, b"", gas * 96 // 100)["status"] == "0x0"


def least(rig: Rig, call: dict[str, Any], enough: int) -> int:
    """Find the least gas with which a call succeeds, to the last unit, by trying."""
    too_little = 20_000
    while too_little + 1 < enough:
        middle = (too_little + enough) // 2
        try:
            rig.ask("eth_call", {**call, "gas": hex(middle)})
        except RpcError:
            too_little = middle
        else:
            enough = middle
    return enough


def test_an_estimate_is_as_near_as_it_says(contracts: Rig) -> None:
    for to in (small.COUNTING, small.CALLING, small.SHOWING, small.DEMANDING):
        found = int(contracts.ask("eth_estimateGas", request(to)), 16)
        exact = least(contracts, request(to), found)
        assert exact <= found <= exact * 1.0155, to.hex()


def test_a_creation_is_estimated(rig: Rig) -> None:
    code = load_artifact("Token").creation_code + encode_arguments(("uint256",), (5,))
    gas = int(rig.ask("eth_estimateGas", request(None, code)), 16)
    receipt = sent(rig, None, code, gas)
    assert receipt["status"] == "0x1"
    assert int(receipt["gasUsed"], 16) <= gas


def test_a_payment_takes_what_it_always_takes(contracts: Rig) -> None:
    assert contracts.ask("eth_estimateGas", request(stranger(1), value="0x1")) == hex(21_000)
    assert contracts.ask("eth_estimateGas", request(stranger(1), value="0x1"), "latest") == hex(
        21_000
    )


def test_estimates_that_cannot_be_made(contracts: Rig) -> None:
    error = contracts.refused("eth_estimateGas", request(small.LOOPING))
    assert (error.code, error.message) == (-32000, "gas required exceeds allowance (16777216)")
    call = request(small.COUNTING, gas=hex(26_000))
    assert contracts.refused("eth_estimateGas", call).message == (
        "gas required exceeds allowance (26000)"
    )
    call = request(stranger(1), value=hex(11 * ETHER), maxFeePerGas=hex(GWEI))
    assert contracts.refused("eth_estimateGas", call).message == "insufficient funds for transfer"
    call = request(small.PAYING, value="0x0")
    assert contracts.refused("eth_estimateGas", call).code == 3


def test_who_pays_for_gas_cannot_be_told_more_than_he_can_pay(contracts: Rig) -> None:
    price = 10 * ETHER // 25_000
    call = request(small.COUNTING, maxFeePerGas=hex(price), maxPriorityFeePerGas="0x0")
    error = contracts.refused("eth_estimateGas", call)
    assert error.message == "gas required exceeds allowance (25000)"
    call = {"from": hexed(stranger(55)), "to": ME, "maxFeePerGas": hex(GWEI)}
    error = contracts.refused("eth_estimateGas", call)
    assert (error.code, error.message) == (-32000, "gas required exceeds allowance (0)")


def test_an_estimate_needs_no_likely_limit(contracts: Rig) -> None:
    """A limit that no transaction may have is as good as none, as in go-ethereum."""
    call = request(stranger(1), value="0x1", gas=hex(20_999))
    assert contracts.ask("eth_estimateGas", call) == hex(21_000)
    call = request(small.ECHO, b"\xff" * 1_000, gas=hex(30_000))
    error = contracts.refused("eth_estimateGas", call)
    assert error.message == "gas required exceeds allowance (30000)"


@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas", "eth_createAccessList"])
def test_a_call_for_another_chain_is_refused(contracts: Rig, method: str) -> None:
    chain = contracts.ask("eth_chainId")
    contracts.ask(method, request(small.ECHO, chainId=chain))
    error = contracts.refused(method, request(small.ECHO, chainId="0x7"))
    message = f"chainId does not match node's (have=7, want={int(chain, 16)})"
    assert (error.code, error.message) == (-32000, message)


# ---------------------------------------------------------------- eth_createAccessList


def test_an_access_list_names_what_is_accessed(contracts: Rig) -> None:
    found = contracts.ask("eth_createAccessList", request(small.CALLING))
    key = f"0x{0:064x}"
    assert found["accessList"] == [{"address": hexed(small.COUNTING), "storageKeys": [key]}]
    assert "error" not in found
    without = int(contracts.ask("eth_estimateGas", request(small.CALLING)), 16)
    assert int(found["gasUsed"], 16) < without


def test_an_access_list_of_a_call_that_reverts(contracts: Rig) -> None:
    data = ERROR + encode_arguments(("string",), ("no way",))
    found = contracts.ask("eth_createAccessList", request(small.REVERTING, data))
    assert found["error"] == "execution reverted"
    assert found["accessList"] == []


def test_an_access_list_on_another_state(contracts: Rig) -> None:
    code = "0x6005545f5500"
    overrides = {hexed(stranger(3)): {"code": code}}
    found = contracts.ask("eth_createAccessList", request(stranger(3)), "latest", overrides)
    (entry,) = found["accessList"]
    assert entry["storageKeys"] == [f"0x{0:064x}", f"0x{5:064x}"]


def test_an_access_list_leaves_out_what_is_warm_for_nothing(contracts: Rig) -> None:
    """Contracts that the call creates, authorities, and what the callee delegates to."""
    call = request(None, bytes.fromhex("5f5f5ff03b00"))
    assert contracts.ask("eth_createAccessList", call)["accessList"] == []
    overrides = {hexed(stranger(3)): {"code": "0xef0100" + small.COUNTING.hex()}}
    found = contracts.ask("eth_createAccessList", request(stranger(3)), "latest", overrides)
    (entry,) = found["accessList"]
    assert entry == {"address": hexed(stranger(3)), "storageKeys": [f"0x{0:064x}"]}


def test_senders_and_precompiles_are_left_out(rig: Rig) -> None:
    deploy(rig)
    found = rig.ask("eth_createAccessList", request(TOKEN, transfer_data(HOLDERS[0], 5)))
    (entry,) = found["accessList"]
    assert entry["address"] == hexed(TOKEN)
    assert len(entry["storageKeys"]) == 2
