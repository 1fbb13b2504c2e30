"""The parts that decide, without a socket: buckets, waits, health, gates, certificates."""

import random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from network.compression import CompressionOffer
from network.handshake_messages import Hello, PeerRole, Reason
from network.messages import AnnounceBlock, AnnounceTransactions, GetBlocks
from network.outbox import Traffic, traffic_of_kind
from network.transport import Patience, Rates, Redial, Slots
from network.transport.admission import Gate, Places, Visit
from network.transport.certificates import _FROM, _UNTIL, _name, key_of, make_credentials
from network.transport.control import Ping
from network.transport.health import Finding, Health
from network.transport.redial import Breaker, DialPlan
from network.transport.tls import dialling_context, listening_context
from primitives.errors import CryptoError
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.keys import ValidatorKey
from tests.unit.network.transport.world import Vote

SECOND = 1_000_000_000
GENESIS = Hash32(b"g" * 32)


class Steady:
    """Draws the same number each time."""

    def __init__(self, value: float) -> None:
        self.value = value

    def random(self) -> float:
        return self.value


# Waits and the breaker.


@pytest.mark.parametrize(("draw", "share"), [(0.0, 0.5), (0.999_999, 1.0)])
def test_waits_double_up_to_the_last_and_between_half_and_all_of_each_is_drawn(
    draw: float, share: float
) -> None:
    config = Redial(Duration(100), Duration(1_000), failures=100)
    plan = DialPlan(config, Steady(draw))
    waits = [plan.failed(Instant(0)) for _ in range(6)]
    assert waits == pytest.approx([share * full for full in (100, 200, 400, 800, 1_000, 1_000)], 1)


def test_enough_failures_open_the_breaker_and_one_try_decides() -> None:
    plan = DialPlan(Redial(Duration(10), Duration(10), 3, Duration(1_000)), Steady(0.0))
    for _ in range(2):
        plan.failed(Instant(0))
        assert plan.breaker is Breaker.CLOSED
    assert plan.failed(Instant(0)) == 500
    assert (plan.breaker, plan.wait(Instant(499))) == (Breaker.OPEN, 1)
    assert plan.wait(Instant(500)) == 0
    assert plan.breaker is Breaker.HALF_OPEN
    assert plan.failed(Instant(500)) == 500
    assert (plan.breaker, plan.wait(Instant(600))) == (Breaker.OPEN, 400)
    assert plan.wait(Instant(1_000)) == 0
    plan.succeeded()
    assert (plan.breaker, plan.failures, plan.wait(Instant(1_000))) == (Breaker.CLOSED, 0, 0)


def test_many_failures_do_not_make_a_wait_of_many_digits() -> None:
    plan = DialPlan(Redial(failures=10_000), random.Random(1))
    assert max(plan.failed(Instant(0)) for _ in range(1_000)) <= Redial().last


# Health.


def test_a_ping_is_due_answered_and_timed() -> None:
    health = Health(Patience(ping=Duration(100), pong=Duration(50)), Instant(0))
    assert health.look(Instant(99), 0) is Finding.WELL
    assert health.look(Instant(100), 0) is Finding.PING
    assert health.look(Instant(120), 0) is Finding.WELL
    assert not health.on_pong(Instant(120), health.number + 1)
    assert health.on_pong(Instant(130), health.number)
    assert health.round_trip == 30
    assert not health.on_pong(Instant(131), health.number), "once"
    assert health.look(Instant(199), 0) is Finding.WELL
    assert health.look(Instant(200), 0) is Finding.PING
    assert health.look(Instant(250), 0) is Finding.SILENT


def test_progress_earns_time_and_a_trickle_does_not() -> None:
    patience = Patience(ping=Duration(100), pong=Duration(50), progress_bytes=1_000)
    health = Health(patience, Instant(0))
    assert health.look(Instant(100), 5_000) is Finding.PING
    assert health.look(Instant(150), 6_000) is Finding.WELL
    assert health.look(Instant(200), 7_000) is Finding.WELL
    assert health.look(Instant(250), 7_999) is Finding.SILENT


def test_what_this_node_did_not_read_is_not_held_against_the_peer() -> None:
    health = Health(Patience(ping=Duration(100), pong=Duration(50)), Instant(0))
    assert health.look(Instant(100), 0) is Finding.PING
    health.on_resumed(Instant(10_000))
    assert health.look(Instant(10_049), 0) is Finding.WELL
    assert health.look(Instant(10_050), 0) is Finding.SILENT


# Admission.


def visit(address: str, evicted: list[str]) -> Visit:
    return Visit(address, lambda: evicted.append(address))


def test_the_oldest_of_the_address_with_most_is_driven_out() -> None:
    gate = Gate(Rates(), Slots(pending=4, pending_per_address=3))
    made = [visit(address, []) for address in ("x", "y", "y", "z")]
    assert [gate.enter(order, each) for order, each in enumerate(made)] == [None] * 4
    assert gate.enter(4, visit("z", [])) is made[1]
    gate.leave(1, "y")
    for order in (5, 6):
        gate.enter(order, visit("y", []))
    assert gate.enter(7, visit("y", [])) is made[2], "three of its own are under way"


def test_an_address_that_knocks_too_often_waits() -> None:
    gate = Gate(Rates(connections_per_second=2, connections_burst=3), Slots())
    assert [gate.admits(Instant(0), "x") for _ in range(4)] == [True, True, True, False]
    assert gate.admits(Instant(0), "y")
    assert [gate.admits(Instant(SECOND), "x") for _ in range(3)] == [True, True, False]


def test_an_address_has_only_so_many_connections() -> None:
    gate = Gate(Rates(), Slots(per_address=2))
    for order in range(2):
        assert gate.admits(Instant(0), "x")
        gate.enter(order, visit("x", []))
        gate.settle(order, "x")
    assert not gate.admits(Instant(0), "x")
    gate.leave(0, "x")
    assert gate.admits(Instant(0), "x")
    assert gate.pending == 0


def test_what_is_remembered_of_addresses_is_bounded() -> None:
    gate = Gate(Rates(connections_burst=1), Slots(addresses=10))
    for number in range(1_000):
        assert gate.admits(Instant(0), str(number))
    assert not gate.admits(Instant(0), "999")
    assert gate.admits(Instant(0), "1"), "forgotten"
    assert len(gate._buckets) == 10


def hello(node: int, key: bytes, role: PeerRole = PeerRole.FOLLOWER) -> Hello:
    return Hello(1, 1, bytes(32), node, role, key, bytes(32), CompressionOffer(), ())


def test_a_follower_holds_its_place_and_its_name() -> None:
    places = Places(Slots(followers=1), lambda: 0)
    assert places.mismatch(hello(9, b"k" * 32)) is None
    assert places.hold(NodeId(9), PeerRole.FOLLOWER, b"k" * 32)
    assert places.mismatch(hello(9, b"k" * 32)) is None, "it may come again"
    assert (places.mismatch(hello(9, b"o" * 32)) or "")[0] is Reason.KEY
    assert (places.mismatch(hello(8, b"o" * 32)) or "")[0] is Reason.SLOTS
    assert not places.hold(NodeId(8), PeerRole.FOLLOWER, b"o" * 32)
    assert not places.hold(NodeId(9), PeerRole.FOLLOWER, b"o" * 32)
    assert places.mismatch(hello(1, b"v" * 32, PeerRole.VALIDATOR)) is None
    places.free(NodeId(9))
    assert places.mismatch(hello(8, b"o" * 32)) is None


def test_who_has_no_key_is_nobody() -> None:
    assert (Places(Slots(), lambda: 0).mismatch(hello(9, b"")) or "")[0] is Reason.KEY


def test_a_ban_ends() -> None:
    now = [0]
    places = Places(Slots(addresses=2), lambda: now[0])
    places.ban(b"k" * 32, Duration(100))
    assert (places.mismatch(hello(9, b"k" * 32)) or "")[0] is Reason.BANNED
    assert not places.hold(NodeId(9), PeerRole.FOLLOWER, b"k" * 32)
    now[0] = 100
    assert places.mismatch(hello(9, b"k" * 32)) is None
    for key in (b"1", b"2", b"3"):
        places.ban(key, Duration(100))
    assert [places.is_banned(key) for key in (b"1", b"2", b"3")] == [False, True, True]


# Certificates.


def test_credentials_follow_from_seed_and_genesis_and_show_the_key() -> None:
    made = make_credentials(b"s" * 32, GENESIS)
    assert made == make_credentials(b"s" * 32, GENESIS)
    assert made.authority != make_credentials(b"s" * 32, Hash32(b"h" * 32)).authority
    (own,) = x509.load_pem_x509_certificates(made.chain)
    assert key_of(own.public_bytes(Encoding.DER)) == ValidatorKey(b"s" * 32).public_key
    assert own.not_valid_after_utc.year == 9_999
    assert "BEGIN" not in repr(made)
    for context in (listening_context(made), dialling_context(made)):
        assert context.minimum_version == context.maximum_version


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(CryptoError, match="32 bytes, got 31"):
        make_credentials(bytes(31), GENESIS)


def test_a_certificate_with_another_kind_of_key_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(_name("somebody"))
        .issuer_name(_name("somebody"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .sign(key, SHA256())
    )
    with pytest.raises(CryptoError, match="an Ed25519 key"):
        key_of(made.public_bytes(Encoding.DER))
    with pytest.raises(CryptoError, match=r"X\.509 in DER"):
        key_of(b"nonsense")


# Traffic.


def test_votes_before_blocks_before_transactions_before_the_rest() -> None:
    kinds = (Vote, AnnounceBlock, AnnounceTransactions, GetBlocks)
    assert [traffic_of_kind(kind) for kind in kinds] == list(Traffic)
    assert Ping.core == "transport"
