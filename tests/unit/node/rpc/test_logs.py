"""eth_getLogs: what matches, in which blocks, and where it ends."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from node.rpc.arguments import BadArgument
from node.rpc.errors import RpcError
from node.rpc.log_filter import LogFilter, log_filter, log_keys
from node.rpc.logs import LogLimits
from node.rpc.node_methods import MethodLimits
from primitives.bloom import entry_bits, logs_bloom
from primitives.ids import Address, Hash32
from primitives.receipt import Log
from sim.contracts import encode_call
from tests.unit.node.rpc import shapes, small_contracts as small
from tests.unit.node.rpc.chain_rig import Rig, hexed, signed
from tests.unit.node.rpc.tokens import (
    APPROVAL_TOPIC,
    HOLDERS,
    TOKEN,
    TRANSFER_TOPIC,
    deploy,
    pay,
    word,
)
from tests.unit.node.transfers import account, raw_transfer, stranger

ALL = {"fromBlock": "earliest", "toBlock": "latest"}


def amounts(logs: list[dict[str, Any]]) -> list[int]:
    return [int(log["data"], 16) for log in logs]


@pytest.fixture
def tokens(rig: Rig) -> Rig:
    """Block 1 creates 1,000,000; blocks 2 and 3 move 1, 2, 3 and 4, 5; block 4 approves 9."""
    deploy(rig)
    pay(rig, 1, 1, 2, 3)
    pay(rig, 4, 4, 5)
    approve = encode_call("approve(address,uint256)", HOLDERS[0], 9)
    rig.mine(signed(0, 6, TOKEN, approve), raw_transfer(1, 0, stranger(1), 1))
    assert rig.height == 4
    return rig


def test_logs_are_in_order_and_of_the_right_shape(tokens: Rig) -> None:
    logs = tokens.ask("eth_getLogs", ALL)
    assert amounts(logs) == [1_000_000, 1, 2, 3, 4, 5, 9]
    for log in logs:
        shapes.check_log(log)
        receipt = tokens.ask("eth_getTransactionReceipt", log["transactionHash"])
        assert log in receipt["logs"]
    assert [log["logIndex"] for log in logs] == ["0x0", "0x0", "0x1", "0x2", "0x0", "0x1", "0x0"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"fromBlock": "0x2", "toBlock": "0x2"}, [1, 2, 3]),
        ({"fromBlock": "0x3", "toBlock": "0x4"}, [4, 5, 9]),
        ({"fromBlock": "0x3", "toBlock": "pending"}, [4, 5, 9]),
        ({"fromBlock": "0x3"}, [4, 5, 9]),
        ({}, [9]),
        ({**ALL, "address": hexed(TOKEN)}, [1_000_000, 1, 2, 3, 4, 5, 9]),
        ({**ALL, "address": [hexed(stranger(1)), hexed(TOKEN)]}, [1_000_000, 1, 2, 3, 4, 5, 9]),
        ({**ALL, "address": hexed(stranger(1))}, []),
        ({**ALL, "topics": [TRANSFER_TOPIC]}, [1_000_000, 1, 2, 3, 4, 5]),
        ({**ALL, "topics": [APPROVAL_TOPIC]}, [9]),
        ({**ALL, "topics": [[APPROVAL_TOPIC, TRANSFER_TOPIC]]}, [1_000_000, 1, 2, 3, 4, 5, 9]),
        ({**ALL, "topics": [None, None, word(HOLDERS[0])]}, [1, 4, 9]),
        ({**ALL, "topics": [TRANSFER_TOPIC, None, word(HOLDERS[0])]}, [1, 4]),
        ({**ALL, "topics": [None, None, [word(HOLDERS[0]), word(HOLDERS[2])]]}, [1, 3, 4, 9]),
        ({**ALL, "topics": [None, [word(account(0)), None]]}, [1_000_000, 1, 2, 3, 4, 5, 9]),
        ({**ALL, "topics": []}, [1_000_000, 1, 2, 3, 4, 5, 9]),
        ({**ALL, "topics": [None, None, None, None]}, []),
    ],
)
def test_filters(tokens: Rig, chosen: dict[str, Any], expected: list[int]) -> None:
    assert amounts(tokens.ask("eth_getLogs", chosen)) == expected


def test_one_block_by_its_hash(tokens: Rig) -> None:
    block = tokens.ask("eth_getBlockByNumber", "0x3")
    assert amounts(tokens.ask("eth_getLogs", {"blockHash": block["hash"]})) == [4, 5]
    error = tokens.refused("eth_getLogs", {"blockHash": hexed(b"\x44" * 32)})
    assert (error.code, error.message) == (-32000, "unknown block")


def test_what_was_written_by_a_call_that_failed_is_no_log(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(contracts=small.CONTRACTS)
    topic = b"\x05" * 32
    rig.mine(signed(0, 0, small.EMITTING, topic), signed(1, 0, small.EMITTING, topic, gas=21_600))
    (log,) = rig.ask("eth_getLogs", {"topics": [hexed(topic)]})
    assert log["transactionIndex"] == "0x0"


def test_ranges_are_bounded(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(limits=MethodLimits(logs=LogLimits(blocks=3, logs=4)))
    deploy(rig)
    pay(rig, 1, 1, 2, 3)
    pay(rig, 4, 4, 5)
    error = rig.refused("eth_getLogs", ALL)
    assert error.code == -32005
    assert error.message == "query exceeds max block range 3, 4 blocks were asked for"
    error = rig.refused("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x3"})
    assert error.code == -32005
    assert error.message == (
        "query returned more than 4 results. Try with this block range [0x1, 0x2]."
    )
    two = {"fromBlock": "0x1", "toBlock": "0x2"}
    assert amounts(rig.ask("eth_getLogs", two)) == [1_000_000, 1, 2, 3]
    fewer = Rig.over(rig, MethodLimits(logs=LogLimits(logs=3)))
    assert fewer.refused("eth_getLogs", two).code == -32005
    only = {"fromBlock": "0x2", "toBlock": "0x2"}
    least = Rig.over(rig, MethodLimits(logs=LogLimits(logs=1)))
    error = least.refused("eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x3"})
    assert error.message.endswith("Try with this block range [0x2, 0x2].")
    assert amounts(least.ask("eth_getLogs", only)) == [1, 2, 3], "a block cannot be halved"
    for each in (fewer, least):
        each.close()


def test_queries_are_bounded_in_time(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(limits=MethodLimits(logs=LogLimits(time_ns=0, slice_ns=0)))
    deploy(rig)
    error = rig.refused("eth_getLogs", ALL)
    assert error.code == -32005
    assert error.message.startswith("query timeout exceeded, 1 of 2 blocks looked through")


def test_ranges_over_blocks_that_were_let_go(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(history=0)
    deploy(rig)
    for nonce in range(14):
        pay(rig, 1 + nonce, nonce)
    lowest = rig.backend.node.ledger.lowest
    assert lowest > 1
    fresh = Rig.over(rig)
    assert fresh.refused("eth_getLogs", ALL).code == 4444
    kept = fresh.ask("eth_getLogs", {"fromBlock": hex(lowest)})
    assert amounts(kept) == list(range(lowest - 2, 14))
    fresh.close()


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"fromBlock": "0x3", "toBlock": "0x2"}, "invalid block range params"),
        ({"fromBlock": "0x63"}, "invalid block range params"),
        ({"fromBlock": "0x3", "toBlock": "0x5"}, "block range extends beyond current head block"),
        ({"fromBlock": "0x63", "toBlock": "0x64"}, "block range extends beyond current head"),
        ({"blockHash": hexed(bytes(32)), "fromBlock": "0x1"}, "cannot specify both BlockHash"),
        ({"topics": [None] * 5}, "exceed max topics"),
        ({"topics": ["0x12"]}, "want 64"),
        ({"topics": [5]}, "invalid topic(s)"),
        ({"topics": 5}, "cannot unmarshal number"),
        ({"address": 5}, "invalid addresses in query"),
        ({"address": "0x12"}, "want 40"),
        ({"fromBlock": "yesterday"}, "without 0x prefix"),
    ],
)
def test_filters_that_make_no_sense(tokens: Rig, chosen: object, message: str) -> None:
    error = tokens.refused("eth_getLogs", chosen)
    assert error.code == -32602
    assert message in error.message


def test_subscriptions_see_the_same(tokens: Rig) -> None:
    assert tokens.node_methods is not None
    feed = tokens.node_methods.feed(tokens.backend)
    wanted = feed.criteria({"topics": [TRANSFER_TOPIC]})
    assert feed.height() == 4
    assert amounts(list(feed.logs(wanted, 2, 3))) == [1, 2, 3, 4, 5]
    assert amounts(tokens.wait(feed.all_logs(feed.criteria(ALL)))) == [1_000_000, 1, 2, 3, 4, 5, 9]
    later = feed.criteria({"fromBlock": "0x3", "topics": [TRANSFER_TOPIC]})
    assert amounts(list(feed.logs(later, 1, 4))) == [4, 5]
    for height in range(1, 5):
        block = tokens.ask("eth_getBlockByNumber", hex(height))
        assert feed.block_hash(height) == block["hash"]
        head = feed.head(height)
        assert {name: block[name] for name in head} == head
    digest = tokens.send(raw_transfer(2, 0, stranger(1), 1))
    shown = feed.pending(bytes.fromhex(digest[2:]))
    assert shown == tokens.ask("eth_getTransactionByHash", digest)
    assert feed.pending(bytes(32)) is None


def test_who_follows_is_told_all_logs_of_a_block(make_rig: Callable[..., Rig]) -> None:
    """What is left out would be missed; a caller that cannot take it all is told so otherwise."""
    rig = make_rig(limits=MethodLimits(logs=LogLimits(logs=1)))
    deploy(rig)
    pay(rig, 1, 1, 2, 3)
    assert rig.node_methods is not None
    feed = rig.node_methods.feed(rig.backend)
    assert amounts(list(feed.logs(feed.criteria({}), 2, 2))) == [1, 2, 3]


ADDRESSES = tuple(Address(bytes([n]) * 20) for n in range(3))
TOPICS = tuple(Hash32(bytes([n]) * 32) for n in range(3))


@given(st.integers(0, 2**32))
@settings(max_examples=300)
def test_blooms_never_hide_a_match(seed: int) -> None:
    """A filter that matches a log may match the bloom of any logs that it is among."""
    random = Random(seed)
    logs = [
        Log(random.choice(ADDRESSES), tuple(random.choices(TOPICS, k=random.randrange(5))), b"")
        for _ in range(random.randrange(1, 5))
    ]
    chosen: dict[str, object] = {}
    if random.random() < 0.5:
        picked = random.sample(ADDRESSES, random.randrange(1, 3))
        chosen["address"] = [hexed(each) for each in picked]
    chosen["topics"] = [
        random.choice((None, hexed(random.choice(TOPICS)), [hexed(each) for each in TOPICS[:2]]))
        for _ in range(random.randrange(4))
    ]
    wanted = log_filter(chosen)
    naive = [log for log in logs if naively_matches(log, chosen)]
    assert [log for log in logs if wanted.matches(log)] == naive
    if naive:
        assert wanted.may_match(logs_bloom(logs))
        assert wanted.may_be_among(log_keys(logs))


def test_large_filters_find_what_small_ones_find(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bits of their values are computed for long ranges only, a few at a time."""
    rig = make_rig(contracts=small.CONTRACTS)
    topics = [bytes([0, number]) * 16 for number in range(24)]
    for nonce, topic in enumerate(topics):
        rig.mine(signed(0, nonce, small.EMITTING, topic))
    computed: list[bytes] = []

    def counted(value: bytes) -> int:
        computed.append(value)
        return entry_bits(value)

    monkeypatch.setattr("node.rpc.logs.entry_bits", counted)
    crowd = [hexed(number.to_bytes(32, "big")) for number in range(200)]
    chosen = [hexed(each) for each in topics[::5]]
    few = rig.ask("eth_getLogs", {**ALL, "topics": [chosen]})
    many = rig.ask("eth_getLogs", {**ALL, "topics": [crowd + chosen]})
    assert [log["topics"] for log in few] == [[each] for each in chosen]
    assert many == few
    assert len(computed) == len({*crowd, *chosen})
    computed.clear()
    short = {"fromBlock": "0x1", "toBlock": "0x8", "topics": [crowd + chosen]}
    assert rig.ask("eth_getLogs", short) == few[:2]
    assert not computed


def test_a_block_without_what_is_wanted_is_passed_over(
    tokens: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By sets, and not log by log: 5,000 values are no more work than one."""
    asked: list[Log] = []
    plain = LogFilter.matches

    def noted(self: LogFilter, log: Log) -> bool:
        asked.append(log)
        return plain(self, log)

    monkeypatch.setattr(LogFilter, "matches", noted)
    crowd = [hexed(number.to_bytes(32, "big")) for number in range(200)]
    assert tokens.ask("eth_getLogs", {**ALL, "topics": [crowd]}) == []
    assert (
        tokens.ask("eth_getLogs", {**ALL, "address": ["0x" + each[-40:] for each in crowd]}) == []
    )
    assert not asked
    assert len(tokens.ask("eth_getLogs", {**ALL, "topics": [[*crowd, TRANSFER_TOPIC]]})) == 6


def naively_matches(log: Log, chosen: dict[str, Any]) -> bool:
    """By the words of the specification, one topic after the other."""
    if "address" in chosen and hexed(log.address) not in chosen["address"]:
        return False
    for place, topic in enumerate(chosen["topics"]):
        if place >= len(log.topics):
            return False
        choices = topic if isinstance(topic, list) else [topic]
        if topic is not None and hexed(log.topics[place]) not in choices:
            return False
    return True


def test_filters_of_other_kinds_are_refused() -> None:
    for value in (None, 5, "0x1", [1]):
        with pytest.raises((BadArgument, RpcError)):
            log_filter(value)
