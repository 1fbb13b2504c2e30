"""eth_sendRawTransaction: what is taken, and the words in which the rest is refused."""

from collections.abc import Callable

import msgspec
import pytest

from node.mempool_types import MempoolLimits
from primitives.genesis import GenesisContract
from primitives.ids import Gas, Wei
from primitives.params import ChainParams
from primitives.transaction import (
    DynamicFeeTransaction,
    encode_transaction,
    sign_transaction,
    transaction_hash,
)
from tests.unit.node.rpc.chain_rig import CHAIN, Rig, hexed, signed
from tests.unit.node.transfers import ETHER, GWEI, account, private_key, raw_transfer, stranger

HALF = 2**255
ABOVE = "max priority fee per gas higher than max fee per gas: "


def raw(**fields: object) -> bytes:
    """A signed transfer with some fields changed before it is signed."""
    plain = DynamicFeeTransaction(
        chain_id=1337,
        nonce=0,
        max_priority_fee_per_gas=Wei(GWEI),
        max_fee_per_gas=Wei(10 * GWEI),
        gas_limit=Gas(21_000),
        to=stranger(1),
        value=Wei(1),
        data=b"",
    )
    changed = msgspec.structs.replace(plain, **fields)
    return encode_transaction(sign_transaction(changed, private_key(0)))


def refusal(rig: Rig, encoded: bytes) -> str:
    error = rig.refused("eth_sendRawTransaction", hexed(encoded))
    assert error.code == -32000
    return error.message


def test_a_transaction_is_taken_and_named_by_its_hash(rig: Rig) -> None:
    encoded = raw_transfer(0, 0, stranger(1), 1)
    assert rig.send(encoded) == hexed(transaction_hash(encoded))
    assert len(rig.backend.node.pool) == 1


def test_words_for_what_only_the_chain_knows(rig: Rig) -> None:
    rig.mine(raw_transfer(0, 0, stranger(1), 1), raw_transfer(0, 1, stranger(1), 1))
    old = raw_transfer(0, 0, stranger(1), 2)
    assert refusal(rig, old) == "nonce too low: next nonce 2, tx nonce 0"
    dear = raw_transfer(2, 0, stranger(1), 11 * ETHER)
    cost = 11 * ETHER + 21_000 * 10 * GWEI
    assert refusal(rig, dear) == (
        "insufficient funds for gas * price + value: "
        f"balance {10 * ETHER}, tx cost {cost}, overshot {cost - 10 * ETHER}"
    )
    rig.send(raw_transfer(3, 0, stranger(1), 6 * ETHER))
    cost = 6 * ETHER + 21_000 * 10 * GWEI
    assert refusal(rig, raw_transfer(3, 1, stranger(1), 6 * ETHER)) == (
        "insufficient funds for gas * price + value: "
        f"balance {10 * ETHER}, queued cost {cost}, tx cost {cost}, "
        f"overshot {2 * cost - 10 * ETHER}"
    )


def test_words_for_what_the_pool_holds_already(rig: Rig) -> None:
    encoded = raw_transfer(0, 0, stranger(1), 1)
    rig.send(encoded)
    assert refusal(rig, encoded) == "already known"
    assert refusal(rig, raw_transfer(0, 0, stranger(1), 2)) == (
        "replacement transaction underpriced"
    )
    rig.send(raw_transfer(0, 0, stranger(1), 2, cap=20 * GWEI, tip=2 * GWEI))


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (raw(gas_limit=Gas(20_000)), "intrinsic gas too low: gas 20000, minimum needed 21000"),
        (raw(chain_id=5), "invalid sender: invalid chain id for signer: have 5 want 1337"),
        (
            raw(max_priority_fee_per_gas=Wei(11 * GWEI)),
            ABOVE + f"maxPriorityFeePerGas: {11 * GWEI}, maxFeePerGas: {10 * GWEI}",
        ),
        (
            raw(gas_limit=Gas(16_777_217)),
            "transaction gas limit too high (cap: 16777216, tx: 16777217)",
        ),
        (raw(nonce=2**64 - 1), "nonce has max value"),
        (
            raw(to=None, data=bytes(49_153), gas_limit=Gas(10_000_000)),
            "max initcode size exceeded: code size 49153, limit 49152",
        ),
        (
            raw(data=bytes(140_000), gas_limit=Gas(10_000_000)),
            "oversized data: transaction size 140118, limit 131072",
        ),
        (b"\x05" + raw()[1:], "transaction type not supported"),
    ],
)
def test_words_for_what_breaks_a_rule(rig: Rig, encoded: bytes, message: str) -> None:
    assert refusal(rig, encoded) == message


def test_words_for_signatures_of_nobody(rig: Rig) -> None:
    signature = raw()[-32:]
    encoded = raw()[:-32] + HALF.to_bytes(32, "big")
    assert len(signature) == 32
    assert refusal(rig, encoded) == "invalid sender"


@pytest.mark.parametrize("encoded", [b"", b"\x02", b"\xc0", bytes.fromhex("02c0"), raw()[:-1]])
def test_words_for_what_is_no_transaction(rig: Rig, encoded: bytes) -> None:
    assert refusal(rig, encoded).startswith("rlp: not a canonical transaction")


@pytest.mark.parametrize("text", ["", "12", "0x1", "0xzz", 5, None])
def test_what_is_not_even_bytes(rig: Rig, text: object) -> None:
    assert rig.refused("eth_sendRawTransaction", text).code == -32602


def test_words_for_a_full_pool(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(mempool=MempoolLimits(count=2, queued=1, per_sender=2))
    rig.send(raw_transfer(0, 0, stranger(1), 1))
    rig.send(raw_transfer(0, 1, stranger(1), 1))
    assert refusal(rig, raw_transfer(0, 2, stranger(1), 1)) == "account limit exceeded"
    assert refusal(rig, raw_transfer(1, 0, stranger(1), 1, tip=1)) == "txpool is full"
    assert refusal(rig, raw_transfer(1, 1, stranger(1), 1)) == "txpool is full"


def test_words_for_fees_that_never_suffice(make_rig: Callable[..., Rig]) -> None:
    fixed = ChainParams(base_fee_rule="fixed", base_fee_initial=Wei(GWEI), checkpoint_interval=4)
    rig = make_rig(chain=fixed)
    low = raw_transfer(0, 0, stranger(1), 1, cap=GWEI - 1, tip=1)
    assert refusal(rig, low) == (
        f"transaction underpriced: gas fee cap {GWEI - 1}, minimum needed {GWEI}"
    )


def test_words_for_senders_that_are_contracts(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(contracts=(GenesisContract(account(7), b"\x00"),))
    assert refusal(rig, raw_transfer(7, 0, stranger(1), 1)) == "sender not an eoa"


def test_the_chain_of_these_transactions_is_the_rigs() -> None:
    assert CHAIN.chain_id == 1337
    assert signed(0, 0, stranger(1))[:1] == b"\x02"
