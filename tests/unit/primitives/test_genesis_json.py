"""Genesis in go-ethereum's form."""

import json
from typing import Any

import pytest

from primitives.blob_schedule import BlobSchedule
from primitives.committee import Committee, Member
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.genesis import GenesisContract, genesis_contracts, genesis_state_root
from primitives.genesis_json import read_alloc, read_genesis
from primitives.ids import Address, NodeId
from primitives.params import Upgrade
from primitives.system_contracts import SYSTEM_CODE

COMMITTEE = Committee(tuple(Member(NodeId(index), bytes([index]) * 32) for index in range(4)))
RICH = "0x00000000000000000000000000000000000000aa"
CONTRACT = "00000000000000000000000000000000000000bb"
BLOCKS = [
    "homestead",
    "eip150",
    "eip155",
    "eip158",
    "byzantium",
    "constantinople",
    "petersburg",
    "istanbul",
    "berlin",
    "london",
]


def genesis(**changes: Any) -> dict[str, Any]:
    """A genesis of an Osaka chain, with some fields of its parts replaced or, by None, removed."""
    found: dict[str, Any] = {
        "config": {
            "chainId": 7,
            **{f"{name}Block": 0 for name in BLOCKS},
            "terminalTotalDifficulty": 0,
            "terminalTotalDifficultyPassed": True,
            "shanghaiTime": 0,
            "cancunTime": 0,
            "pragueTime": 0,
            "osakaTime": 1_000,
            "bpo1Time": 2_000,
            "blobSchedule": {
                "cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3338477},
                "prague": {"target": 1, "max": 2, "baseFeeUpdateFraction": "0x10"},
                "bpo1": {"target": 10, "max": 15, "baseFeeUpdateFraction": 8346193},
            },
        },
        "timestamp": "0x64",
        "gasLimit": "0x1c9c380",
        "difficulty": "0x0",
        "nonce": "0x0000000000000000",
        "extraData": "0x",
        "baseFeePerGas": "1000",
        "alloc": {
            RICH: {"balance": "0xde0b6b3a7640000"},
            CONTRACT: {
                "balance": "5",
                "nonce": "0x1",
                "code": "0x6001",
                "storage": {"0x01": "0x02", "0x03": "0x00", "0x" + "ff" * 32: "0x" + "ee" * 32},
            },
            **{key.hex(): {"nonce": 1, "code": code.hex()} for key, code in SYSTEM_CODE.items()},
        },
    }
    for path, value in changes.items():
        at = found
        *parts, last = path.split("__")
        for part in parts:
            at = at[part]
        at[last] = value
        if value is None:
            del at[last]
    return found


def read(found: object) -> Any:
    return read_genesis(json.dumps(found), COMMITTEE)


def test_what_the_form_says_is_what_the_chain_starts_from() -> None:
    found = read(genesis())
    params = found.params
    assert (params.chain_id, params.gas_limit, params.base_fee_initial) == (7, 30_000_000, 1_000)
    assert found.timestamp == 100
    assert params.fork is Fork.PRAGUE
    assert params.blobs == BlobSchedule(1, 2, 16)
    assert params.upgrades == (
        Upgrade(1_000, Fork.OSAKA, None),
        Upgrade(2_000, Fork.OSAKA, BlobSchedule(10, 15, 8_346_193)),
    )
    assert dict(found.alloc)[Address(bytes.fromhex(RICH[2:]))] == 10**18
    assert found.contracts[0] == GenesisContract(
        Address(bytes.fromhex(CONTRACT)),
        b"\x60\x01",
        1,
        ((1, 2), (2**256 - 1, int.from_bytes(b"\xee" * 32, "big"))),
    )


def test_the_first_state_is_the_allocation_and_nothing_else() -> None:
    found = read(genesis())
    assert genesis_contracts(found) == found.contracts
    assert len(found.contracts) == 1 + len(SYSTEM_CODE)


def test_the_order_of_accounts_does_not_matter() -> None:
    forward, backward = genesis(), genesis()
    backward["alloc"] = dict(reversed(list(backward["alloc"].items())))
    assert genesis_state_root(read(forward)) == genesis_state_root(read(backward))


def test_times_of_the_past_are_one_fork() -> None:
    assert read(genesis(config__osakaTime=50)).params.fork is Fork.OSAKA
    older = genesis(config__osakaTime=None, config__bpo1Time=None, config__pragueTime=None)
    assert read(older).params.fork is Fork.CANCUN


SYSTEM = next(iter(SYSTEM_CODE)).hex()


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"config": None}, "genesis.config"),
        ({"alloc": None}, "genesis.alloc"),
        ({"gasLimit": None}, "genesis.gasLimit"),
        ({"gasLimit": "many"}, "genesis.gasLimit"),
        ({"difficulty": "0x20000"}, "genesis.difficulty"),
        ({"coinbase": "0x" + "11" * 20}, "genesis.coinbase"),
        ({"extraData": "0x00"}, "genesis.extraData"),
        ({"timestamp": -1}, "genesis.timestamp"),
        ({"timestamp": True}, "genesis.timestamp"),
        ({"other": 1}, "genesis.other"),
        ({"config__chainId": None}, "genesis.config.chainId"),
        ({"config__clique": {}}, "genesis.config.clique"),
        ({"config__londonBlock": 5}, "genesis.config.londonBlock"),
        ({"config__berlinBlock": None}, "genesis.config.berlinBlock"),
        ({"config__grayGlacierBlock": 1}, "genesis.config.grayGlacierBlock"),
        ({"config__terminalTotalDifficulty": 1}, "genesis.config.terminalTotalDifficulty"),
        ({"config__cancunTime": None}, "genesis.config.pragueTime"),
        ({"config__osakaTime": None}, "genesis.config.bpo1Time"),
        ({"config__osakaTime": 3_000}, "genesis.config.bpo1Time"),
        ({"config__blobSchedule__later": {}}, "genesis.config.blobSchedule.later"),
        ({"config__blobSchedule__bpo1__max": 1}, "genesis.config.blobSchedule.bpo1"),
        ({"config__blobSchedule__bpo1__max": None}, "genesis.config.blobSchedule.bpo1.max"),
        ({"alloc__0x12": {}}, "genesis.alloc.0x12"),
        ({f"alloc__{RICH}": []}, f"genesis.alloc.{RICH}"),
        ({f"alloc__{RICH[2:]}": {}}, f"genesis.alloc.{RICH[2:]}"),
        ({f"alloc__{RICH}__balance": "1" * 80}, f"genesis.alloc.{RICH}.balance"),
        ({f"alloc__{RICH}__balance": "1_000"}, f"genesis.alloc.{RICH}.balance"),
        ({f"alloc__{RICH}__balance": " 1"}, f"genesis.alloc.{RICH}.balance"),
        ({f"alloc__{RICH}__balance": "+1"}, f"genesis.alloc.{RICH}.balance"),
        ({f"alloc__{RICH}__balance": "0x_1"}, f"genesis.alloc.{RICH}.balance"),
        ({f"alloc__{RICH}__balance": "\u0663"}, f"genesis.alloc.{RICH}.balance"),
        ({f"alloc__{RICH}__code": "0x60 00"}, f"genesis.alloc.{RICH}.code"),
        ({"config__blobSchedule__bpo1": None}, "genesis.config.blobSchedule.bpo1"),
        ({f"alloc__{RICH}__nonce": 2**64}, f"genesis.alloc.{RICH}.nonce"),
        ({f"alloc__{RICH}__code": "0x0"}, f"genesis.alloc.{RICH}.code"),
        ({f"alloc__{RICH}__code": "0x" + "00" * 24_577}, f"genesis.alloc.{RICH}.code"),
        ({f"alloc__{RICH}": {"storage": {"1": "1"}}}, f"genesis.alloc.{RICH}.storage"),
        ({f"alloc__{RICH}__secret": 1}, f"genesis.alloc.{RICH}.secret"),
        ({f"alloc__{CONTRACT}__storage__0x1": 1}, f"genesis.alloc.{CONTRACT}.storage.0x1"),
        ({f"alloc__{CONTRACT}__storage__zz": 1}, f"genesis.alloc.{CONTRACT}.storage.zz"),
        ({f"alloc__{SYSTEM}": None}, "genesis.alloc"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(genesis(**changes))
    assert caught.value.where == where


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidInput, match="expected JSON"):
        read_genesis("{", COMMITTEE)
    with pytest.raises(InvalidInput, match="a JSON object"):
        read_genesis("[]", COMMITTEE)
    for text in ("1" * 5_000, "[" * 100_000, '{"gasLimit": 1, "gasLimit": 2}'):
        with pytest.raises(InvalidInput, match="expected JSON"):
            read_genesis(text, COMMITTEE)


def test_an_allocation_alone_can_be_read() -> None:
    balances, contracts = read_alloc({RICH: {"balance": 3}, CONTRACT: {"nonce": 2}})
    assert [amount for _, amount in balances] == [3, 0]
    assert contracts == (GenesisContract(Address(bytes.fromhex(CONTRACT)), b"", 2, ()),)
