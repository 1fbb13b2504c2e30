"""Two ends agree, or both know why not; one test for each reason."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from network.codec import HANDSHAKE_VERSION, HEADER_BYTES, Codec, Encoding
from network.compression import Algorithm, CompressionOffer
from network.frames import FrameReader
from network.handshake import (
    Channel,
    Established,
    Handshake,
    HandshakeConfig,
    HandshakeEffect,
    Mismatch,
    Refused,
    Session,
    Side,
    Tell,
    proof_payload,
)
from network.handshake_messages import (
    Feature,
    FeatureVersion,
    Hello,
    PeerRole,
    Proof,
    Reason,
    Refusal,
    handshake_codec,
)
from network.messages import LIMITS, GetStatus
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.ids import Hash32, NodeId
from primitives.keccak import keccak256
from primitives.keys import Ed25519Verifier, ValidatorKey
from primitives.machine import Message

KEYS = {NodeId(node): ValidatorKey(bytes([node + 1]) * 32) for node in range(4)}
VALIDATORS = {node: key.public_key for node, key in KEYS.items()}
GENESIS = Hash32(b"g" * 32)
BINDING = b"b" * 48


def config(node: int, **changes: Any) -> HandshakeConfig:
    role = PeerRole.VALIDATOR if NodeId(node) in KEYS else PeerRole.FOLLOWER
    made = HandshakeConfig(GENESIS, NodeId(node), role, VALIDATORS)
    return msgspec.structs.replace(made, **changes)


def end(
    side: Side,
    own: HandshakeConfig,
    *,
    binding: bytes = BINDING,
    key: bytes = b"",
    signer: ValidatorKey | None = None,
    **more: Any,
) -> Handshake:
    nonce = keccak256(b"nonce" + side.value + bytes([own.node]))
    signer = signer or KEYS.get(own.node)
    return Handshake(own, Channel(side, binding, key), nonce, signer, Ed25519Verifier(), **more)


def dialler(own: HandshakeConfig | None = None, **more: Any) -> Handshake:
    return end(Side.DIALLER, own or config(0), **more)


def listener(own: HandshakeConfig | None = None, **more: Any) -> Handshake:
    return end(Side.LISTENER, own or config(1), **more)


def converse(
    first: Handshake,
    second: Handshake,
    change: Callable[[Message], Message] = lambda message: message,
) -> tuple[HandshakeEffect, HandshakeEffect]:
    """Carry messages to and fro, as frames; return how it ends for each."""
    codec = handshake_codec()
    ends = (first, second)
    outcome: list[HandshakeEffect | None] = [None, None]
    queue = [(0, effect) for effect in first.start()]
    assert not second.start()
    while queue:
        at, effect = queue.pop(0)
        if isinstance(effect, Tell):
            message = codec.decode(codec.encode(change(effect.message)))
            queue += [(1 - at, each) for each in ends[1 - at].on_message(message)]
        else:
            assert outcome[at] is None
            outcome[at] = effect
    assert first.over
    assert second.over
    assert outcome[0] is not None
    assert outcome[1] is not None
    return outcome[0], outcome[1]


def session_of(effect: HandshakeEffect) -> Session:
    assert isinstance(effect, Established)
    return effect.session


def refused(
    first: Handshake,
    second: Handshake,
    reason: Reason,
    change: Callable[[Message], Message] = lambda message: message,
) -> str:
    """Check that the second refuses, that the first is told the same; return the second's line."""
    told, own = converse(first, second, change)
    assert isinstance(told, Refused)
    assert isinstance(own, Refused)
    assert (told.reason, told.by_peer) == (reason, True)
    assert (own.reason, own.by_peer) == (reason, False)
    assert (told.expected, told.actual) == (own.expected, own.actual)
    return str(own)


def test_two_validators_agree() -> None:
    first, second = map(session_of, converse(dialler(), listener()))
    assert (first.node, first.role, first.key) == (1, PeerRole.VALIDATOR, VALIDATORS[NodeId(1)])
    assert (second.node, second.role, second.key) == (0, PeerRole.VALIDATOR, VALIDATORS[NodeId(0)])
    assert first.version == second.version == 1


def test_a_follower_needs_no_key_and_may_have_one() -> None:
    _, seen = map(session_of, converse(dialler(config(9)), listener()))
    assert (seen.node, seen.role, seen.key) == (9, PeerRole.FOLLOWER, b"")
    key = ValidatorKey(b"f" * 32)
    _, seen = map(session_of, converse(dialler(config(9), signer=key), listener()))
    assert seen.key == key.public_key


def test_who_was_dialled_says_nothing_to_who_does_not_greet() -> None:
    assert listener().start() == ()
    told, refusal = listener().on_message(GetStatus())
    assert told == Tell(Refusal(Reason.ORDER, "Hello", "GetStatus"))
    assert isinstance(refusal, Refused)


def test_both_ends_work_out_the_same_compression_and_features() -> None:
    ours = config(
        0,
        compression=CompressionOffer(("zstd", "newer")),
        features=(
            FeatureVersion(Feature.COMPACT_BLOCKS, 2),
            FeatureVersion(Feature.MESH, 1),
            FeatureVersion("newer", 7),
        ),
    )
    theirs = config(
        1,
        compression=CompressionOffer(("lz4", Algorithm.GZIP)),
        features=(FeatureVersion(Feature.RECONCILIATION, 1), FeatureVersion("compact", 1)),
    )
    first, second = map(session_of, converse(dialler(ours), listener(theirs)))
    assert first.outgoing == second.incoming
    assert first.incoming == second.outgoing
    assert first.outgoing.encodings == (Encoding.PLAIN, Encoding.LZ4, Encoding.GZIP)
    assert first.incoming.encodings == (Encoding.PLAIN, Encoding.ZSTD)
    assert first.features == second.features == (FeatureVersion("compact", 1),)
    assert (first.version_of("compact"), first.version_of("mesh")) == (1, 0)


@pytest.mark.parametrize(
    ("ours", "theirs", "version"), [((1, 3), (2, 5), 3), ((2, 2), (1, 2), 2), ((1, 9), (4, 4), 4)]
)
def test_the_highest_common_version_is_spoken(
    ours: tuple[int, int], theirs: tuple[int, int], version: int
) -> None:
    first = dialler(config(0, version_min=ours[0], version_max=ours[1]))
    second = listener(config(1, version_min=theirs[0], version_max=theirs[1]))
    assert [session_of(each).version for each in converse(first, second)] == [version] * 2


@pytest.mark.parametrize("theirs", [(1, 2), (6, 9)])
def test_no_common_version(theirs: tuple[int, int]) -> None:
    second = listener(config(1, version_min=theirs[0], version_max=theirs[1]))
    told = refused(dialler(config(0, version_min=3, version_max=5)), second, Reason.VERSION)
    expected = f"a wire version within {theirs[0]} to {theirs[1]}"
    assert told == f"refused (version): expected {expected}, got 3 to 5"


def test_another_genesis() -> None:
    other = Hash32(b"o" * 32)
    told = refused(dialler(config(0, genesis=other)), listener(), Reason.GENESIS)
    assert told == f"refused (genesis): expected {GENESIS.hex()}, got {other.hex()}"


def test_a_node_that_reaches_itself() -> None:
    refused(dialler(config(1)), listener(config(1)), Reason.SELF)


def test_somebody_who_repeats_what_the_node_says() -> None:
    own = dialler()
    (hello,) = own.start()
    assert isinstance(hello, Tell)
    echoed = msgspec.structs.replace(hello.message, node=1, key=VALIDATORS[NodeId(1)])
    assert refusal_of(own.on_message(echoed)).reason is Reason.SELF


def refusal_of(effects: Any) -> Refused:
    told, refusal = effects
    assert isinstance(told, Tell)
    assert isinstance(told.message, Refusal)
    assert isinstance(refusal, Refused)
    assert told.message.reason == refusal.reason
    return refusal


def test_another_node_than_was_dialled() -> None:
    own, peer = converse(dialler(expected=NodeId(2)), listener())
    assert isinstance(own, Refused)
    assert str(own) == "refused (node): expected node 2, got 1"
    assert isinstance(peer, Refused)
    assert str(peer) == "refused by the peer (node): expected node 2, got 1"


def test_a_validator_that_is_none() -> None:
    first = dialler(config(9, role=PeerRole.VALIDATOR), signer=ValidatorKey(b"x" * 32))
    told = refused(first, listener(), Reason.ROLE)
    assert told == "refused (role): expected node 9 to be no validator, got validator"


def test_a_validator_that_pretends_not_to_be() -> None:
    others = {node: key for node, key in VALIDATORS.items() if node != 2}
    pretender = config(2, role=PeerRole.FOLLOWER, validators=others)
    told = refused(dialler(pretender), listener(), Reason.ROLE)
    assert told == "refused (role): expected node 2 to be a validator, got follower"


def test_a_node_that_has_come_to_be_known_calls_itself_a_validator() -> None:
    known = {node: key for node, key in VALIDATORS.items() if node != 2}
    own = config(2, role=PeerRole.FOLLOWER, validators=known)
    before = dialler(own)
    known[NodeId(2)] = VALIDATORS[NodeId(2)]
    refused(before, listener(), Reason.ROLE)
    _, seen = converse(dialler(own), listener())
    assert session_of(seen).role is PeerRole.VALIDATOR


def test_a_validator_with_another_key_than_is_known() -> None:
    first = dialler(config(0), signer=ValidatorKey(b"x" * 32))
    assert VALIDATORS[NodeId(0)].hex() in refused(first, listener(), Reason.KEY)


def test_a_key_of_another_length() -> None:
    def shorten(message: Message) -> Message:
        short = isinstance(message, Hello) and message.node == 9
        return msgspec.structs.replace(message, key=b"short") if short else message

    told = refused(dialler(config(9)), listener(), Reason.KEY, shorten)
    assert told == "refused (key): expected 32 bytes or none, got 5 bytes"


@pytest.mark.parametrize("node", [0, 9])
def test_another_key_than_that_of_the_certificate(node: int) -> None:
    second = listener(key=ValidatorKey(b"c" * 32).public_key)
    assert "its certificate's" in refused(dialler(config(node)), second, Reason.KEY)
    fits = listener(key=VALIDATORS[NodeId(0)])
    assert session_of(converse(dialler(), fits)[0]).node == 1


def test_somebody_in_between_with_a_connection_to_each() -> None:
    own, peer = converse(dialler(), listener(binding=b"another channel" * 4))
    assert isinstance(own, Refused)
    assert (own.reason, own.by_peer) == (Reason.CHANNEL, False)
    assert isinstance(peer, Refused)
    assert (peer.reason, peer.by_peer) == (Reason.CHANNEL, True)


def test_a_recorded_handshake_proves_nothing_on_another_channel() -> None:
    recorded: list[Message] = []

    def record(message: Message) -> Message:
        recorded.append(message)
        return message

    converse(dialler(), listener(), record)
    hello, _, _, proof = recorded
    again = listener(binding=b"of another day..................")
    assert len(again.on_message(hello)) == 2
    assert refusal_of(again.on_message(proof)).reason is Reason.CHANNEL
    nonce = keccak256(b"fresh")
    fresh = Handshake(
        config(1), Channel(Side.LISTENER, BINDING), nonce, KEYS[NodeId(1)], Ed25519Verifier()
    )
    fresh.on_message(hello)
    assert refusal_of(fresh.on_message(proof)).reason is Reason.CHANNEL, "the nonce is another"


def test_the_peers_own_proof_is_not_accepted_back() -> None:
    second = listener()
    (hello,) = dialler().start()
    assert isinstance(hello, Tell)
    _, proof = second.on_message(hello.message)
    assert isinstance(proof, Tell)
    assert refusal_of(second.on_message(proof.message)).reason is Reason.CHANNEL


def test_a_signature_by_somebody_else() -> None:
    def forge(message: Message) -> Message:
        if isinstance(message, Proof):
            return Proof(message.binding, ValidatorKey(b"e" * 32).sign(b"anything"))
        return message

    own, peer = converse(dialler(), listener(), forge)
    assert isinstance(own, Refused)
    assert isinstance(peer, Refused)
    assert (own.reason, peer.by_peer) == (Reason.SIGNATURE, True)


@pytest.mark.parametrize(("node", "signature"), [(0, b""), (9, b"s" * 64)])
def test_a_signature_where_there_is_no_key_and_none_where_there_is(
    node: int, signature: bytes
) -> None:
    second = listener()
    (tell,) = dialler(config(node)).start()
    assert isinstance(tell, Tell)
    hello = tell.message
    assert isinstance(hello, Hello)
    answer, _ = second.on_message(hello)
    assert isinstance(answer, Tell)
    assert isinstance(answer.message, Hello)
    payload = proof_payload(Side.DIALLER, BINDING, hello, answer.message)
    effects = second.on_message(Proof(keccak256(payload), signature))
    assert refusal_of(effects).reason is Reason.SIGNATURE


def test_the_doorkeeper_has_the_last_word() -> None:
    class Full:
        def mismatch(self, hello: Hello) -> Mismatch | None:
            return (Reason.SLOTS, "a free place", f"node {hello.node}")

    told = refused(dialler(), listener(doorkeeper=Full()), Reason.SLOTS)
    assert told == "refused (slots): expected a free place, got node 0"


@pytest.mark.parametrize("make", [dialler, listener])
def test_messages_out_of_order(make: Callable[[], Handshake]) -> None:
    proof = Proof(bytes(32), b"")
    assert refusal_of(make().on_message(proof)).reason is Reason.ORDER
    own, hello = make(), msgspec.structs.replace(greeting(2), nonce=bytes(32))
    own.on_message(hello)
    assert str(refusal_of(own.on_message(hello))) == "refused (order): expected Proof, got Hello"


def greeting(node: int) -> Hello:
    (tell,) = dialler(config(node)).start()
    assert isinstance(tell, Tell)
    assert isinstance(tell.message, Hello)
    return tell.message


def test_a_refusal_is_not_answered_and_ends_it() -> None:
    own = dialler()
    (effect,) = own.on_message(Refusal(Reason.BANNED, "better", "\x1b[31mworse"))
    assert str(effect) == "refused by the peer (banned): expected better, got ?[31mworse"
    assert own.over
    assert own.on_message(greeting(1)) == ()
    assert own.refuse(Reason.SILENCE, "an answer", "none") == ()


def test_a_reason_of_a_newer_version_is_another_reason() -> None:
    (effect,) = dialler().on_message(Refusal(999, "this", "that"))
    assert isinstance(effect, Refused)
    assert effect.reason is Reason.OTHER


def test_silence_and_garbage_are_told_too() -> None:
    silence = refusal_of(dialler().refuse(Reason.SILENCE, "an answer in 5 s", "none"))
    assert str(silence) == "refused (silence): expected an answer in 5 s, got none"
    garbage = refusal_of(dialler().on_malformed(InvalidEncoding("frame.kind", "x" * 900, b"\x00")))
    assert garbage.reason is Reason.MALFORMED
    codec = handshake_codec()
    assert len(codec.encode(Refusal(1, garbage.expected, garbage.actual))) < 400


def test_frames_of_the_handshake_have_a_version_of_their_own() -> None:
    frame = handshake_codec().encode(greeting(0))
    assert frame[4] == HANDSHAKE_VERSION == 0
    assert FrameReader(handshake_codec()).feed(frame)[0].kind.type is Hello
    reader = FrameReader(Codec(LIMITS, LIMITS))
    assert reader.feed(frame) == []
    assert str(reader.fault) == "frame.version: expected 1, got 0"
    assert len(frame) < 200 + HEADER_BYTES


def test_what_is_handed_in_is_checked() -> None:
    with pytest.raises(InvalidInput, match=r"handshake\.binding: expected at least 32 bytes"):
        Channel(Side.DIALLER, b"")
    channel, verifier = Channel(Side.DIALLER, BINDING), Ed25519Verifier()
    with pytest.raises(InvalidInput, match=r"handshake\.nonce: expected 32 bytes, got 3 bytes"):
        Handshake(config(9), channel, b"abc", None, verifier)
    with pytest.raises(InvalidInput, match=r"handshake\.signer"):
        Handshake(config(1), channel, bytes(32), None, verifier)
