"""What this chain has beside Ethereum's: certificates, confirmations, faults, views; steering."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from network.conditions import Conditions
from network.delays import JitterLaw
from node.finality import decode_proof
from node.finality_reasons import NotFinal
from node.finality_rules import Trust, check_proof
from node.peer_scores import Misdeed
from node.rpc.backend import Peer
from primitives.ids import Hash32, Instant, NodeId
from primitives.keccak import keccak256
from primitives.trie_proof import index_nodes, proven_value
from tests.unit.node.harness import MILLISECOND, PARAMS, SECOND
from tests.unit.node.rpc.chain_rig import Rig, hexed
from tests.unit.node.transfers import raw_transfer, stranger


def raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


@pytest.fixture
def four(make_rig: Callable[..., Rig]) -> Rig:
    fast = replace(PARAMS, fast_confirmation=True)
    return make_rig(validators=4, consensus=fast, serves_gateways=True)


def test_a_certificate_convinces_who_knows_the_genesis(four: Rig) -> None:
    for nonce in range(3):
        four.mine(raw_transfer(0, nonce, stranger(1), 1))
    trust = Trust(four.backend.environment.genesis_block.digest, None)
    for named in ("latest", "0x1", "0x2"):
        shown = four.ask("orrery_getCertificate", named)
        block = four.ask("eth_getBlockByNumber", named)
        proof = decode_proof(msgspec.json.encode(shown), "answer")
        check_proof(proof, trust)
        assert keccak256(raw(shown["header"])) == raw(block["hash"])
        shown["certificate"]["digest"] = hexed(b"\x11" * 32)
        with pytest.raises(NotFinal):
            check_proof(decode_proof(msgspec.json.encode(shown), "answer"), trust)
    assert four.ask("orrery_getCertificate") == four.ask("orrery_getCertificate", "latest")


def test_certificates_that_there_are_none_of(rig: Rig) -> None:
    error = rig.refused("orrery_getCertificate", "0x0")
    assert error.message == "genesis is final without a certificate"
    assert rig.refused("orrery_getCertificate", "0x9").message == "header not found"


def test_a_confirmation_proves_transaction_and_receipt(four: Rig) -> None:
    raws = [raw_transfer(sender, 0, stranger(1), 1) for sender in range(3)]
    hashes = [four.send(each) for each in raws]
    assert four.ask("orrery_getConfirmation", hashes[0])["status"] == "pending"
    four.harness.run(200 * MILLISECOND)
    for encoded, digest in zip(raws, hashes, strict=True):
        shown = four.ask("orrery_getConfirmation", digest)
        assert shown["status"] == "final"
        assert raw(shown["transaction"]) == encoded
        header = four.ask("eth_getBlockByHash", shown["blockHash"])
        assert keccak256(raw(shown["header"])) == raw(shown["blockHash"])
        index = int(shown["transactionIndex"], 16)
        for root, name, value in (
            ("transactionsRoot", "transactionProof", encoded),
            ("receiptsRoot", "receiptProof", raw(shown["receipt"])),
        ):
            nodes = index_nodes(map(raw, shown[name]))
            assert proven_value(Hash32(raw(header[root])), index, nodes) == value
        proof = decode_proof(msgspec.json.encode(shown["certificate"]), "answer")
        check_proof(proof, Trust(four.backend.environment.genesis_block.digest, None))


def test_a_validator_tells_what_it_has_signed_before_it_is_final(four: Rig) -> None:
    digest = four.send(raw_transfer(0, 0, stranger(1), 1))
    seen: list[str] = []
    for _ in range(2_000):
        four.harness.run(MILLISECOND // 20)
        status = four.ask("orrery_getConfirmation", digest)["status"]
        if not seen or seen[-1] != status:
            seen.append(status)
        if status == "tentative":
            shown = four.ask("orrery_getConfirmation", digest)
            assert shown["tentative"]["digest"] == shown["blockHash"]
            assert shown["tentative"]["sequence"] == 1
    assert seen == ["pending", "tentative", "final"]


def test_what_nobody_knows_is_unknown(rig: Rig) -> None:
    digest = hexed(b"\x07" * 32)
    shown = rig.ask("orrery_getConfirmation", digest)
    assert shown == {"transactionHash": digest, "status": "unknown"}


def test_the_status_of_a_node(four: Rig) -> None:
    four.backend.connected = (Peer(NodeId(2), "validator", "127.0.0.1:9", True, 1_500_000),)
    four.mine(raw_transfer(0, 0, stranger(1), 1))
    four.send(raw_transfer(0, 1, stranger(1), 1))
    four.send(raw_transfer(0, 3, stranger(1), 1))
    status = four.ask("orrery_status")
    assert (status["node"], status["role"], status["height"]) == (0, "validator", 1)
    assert status["head"] == four.ask("eth_getBlockByNumber", "latest")["hash"]
    assert (status["view"], status["epoch"], status["primary"]) == (0, 0, 0)
    assert (status["pool"]["pending"], status["pool"]["queued"]) == (1, 1)
    (peer,) = status["peers"]
    assert (peer["node"], peer["roundTrip"]) == (2, 0.0015)
    assert four.ask("net_peerCount") == "0x1"
    assert status["syncing"] is False


def test_views_are_told_as_they_change(four: Rig) -> None:
    (history,) = four.backend.sinks
    four.harness.crash(0)
    four.harness.submit(1, raw_transfer(0, 0, stranger(1), 1))
    four.harness.run(10 * SECOND)
    four.backend.index = 1
    for at, node, event in four.harness.trace:
        if node == 1:
            history.event(Instant(at), event)
    shown = four.ask("orrery_getViews")
    assert (shown["view"], shown["primary"], shown["quorum"]) == (1, 1, 3)
    assert shown["committee"] == [0, 1, 2, 3]
    assert [each["kind"] for each in shown["changes"]][-2:] == ["asked for", "entered"]
    assert shown["changes"][-1]["primary"] == 1


def test_faults_are_told_with_scores(four: Rig) -> None:
    four.backend.node.parts.scores.count(Instant(0), NodeId(2), Misdeed.EQUIVOCATION)
    shown = four.ask("orrery_getFaults")
    scores = {each["node"]: each["score"] for each in shown["scores"]}
    assert set(scores) == {1, 2, 3}
    assert scores[2] < scores[1] == shown["fullScore"]
    assert shown["evidence"] == []


def test_operators_steer(rig: Rig) -> None:
    assert rig.ask("orrery_blockPeers", [1, 3]) is True
    assert rig.ask("orrery_ignorePeers", [2]) is True
    assert rig.ask("orrery_unblockPeers") is True
    assert rig.ask("orrery_profile", "on") == {"state": "on"}
    assert rig.ask("orrery_stop") is True
    assert rig.backend.asked == [
        *(("block", [1, 3]), ("ignore", [2]), "unblock", ("profile", "on"), "stop")
    ]
    for bad in ("x", [True], [-1], ["1"]):
        assert rig.refused("orrery_blockPeers", bad).code == -32602


def test_operators_lengthen_links(rig: Rig) -> None:
    far = {"latencyNs": 80_000_000, "jitter": "lognormal", "jitterSize": 0.03, "loss": 0.001}
    rough = {"duplicate": 0.1, "duplicateNs": 5, "reorder": 0.2, "reorderNs": 6, "clogged": True}
    orders = [{"nodes": [0, 2], "conditions": far}, {"nodes": [3], "conditions": rough}]
    assert rig.ask("orrery_setLinks", orders) is True
    two = Conditions(
        latency_ns=80_000_000, jitter=JitterLaw.LOGNORMAL, jitter_size=0.03, loss=0.001
    )
    one = Conditions(duplicate=0.1, duplicate_ns=5, reorder=0.2, reorder_ns=6, clogged=True)
    assert rig.backend.asked == [("links", {0: two, 2: two, 3: one})]


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        ("x", "Expected `array`"),
        ([{"nodes": [1]}], "missing required field `conditions`"),
        ([{"nodes": [-1], "conditions": {}}], "node numbers from 0 upward, got -1"),
        ([{"nodes": [1, 1], "conditions": {}}], "expected each node once, got 1 again"),
        ([{"nodes": [1], "conditions": {"latencyNs": -1}}], r"$[0].conditions.latencyNs"),
        ([{"nodes": [1], "conditions": {"latencyNs": 10**14}}], r"$[0].conditions.latencyNs"),
        ([{"nodes": [1], "conditions": {"loss": 1.0}}], r"$[0].conditions.loss"),
        ([{"nodes": [1], "conditions": {"jitter": "wild"}}], "Invalid enum value 'wild'"),
        ([{"nodes": [1], "conditions": {"latency": 1}}], "unknown field `latency`"),
    ],
)
def test_links_that_make_no_sense_are_refused(rig: Rig, orders: object, words: str) -> None:
    refused = rig.refused("orrery_setLinks", orders)
    assert refused.code == -32602
    assert words in refused.message
    assert not rig.backend.asked


def test_only_steering_wants_the_token(rig: Rig) -> None:
    assert rig.node_methods is not None
    admin = {method.name for method in rig.node_methods.methods() if method.admin}
    assert admin >= {
        *("orrery_blockPeers", "orrery_ignorePeers", "orrery_unblockPeers"),
        *("orrery_setLinks", "orrery_stop", "orrery_profile"),
    }
    assert all(name.startswith("orrery_") for name in admin)
