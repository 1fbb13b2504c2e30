"""A corpus of every kind of frame, broken in many ways: refused, and at no great cost.

Frames of all messages that nodes exchange, plain and compressed, are changed at random, before
or behind the compressor, and read as a connection reads them. Nothing but `InvalidEncoding` may
come of it, and never more memory than a fixed multiple of the limit of the kind.
"""

import tracemalloc
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from consensus.messages import MESSAGE_TYPES
from network.codec import HEADER_BYTES, Codec, Encoding, Kind, frame_of
from network.compression import Compression, CompressionPolicy, LinkCodec, agree, train
from network.compression.bodies import BodyCompressor
from network.handshake_messages import HANDSHAKE_LIMITS
from network.messages import (
    CHUNK_ACCOUNTS,
    LIMITS,
    AnnounceTransactions,
    CertifiedBlocks,
    Chunk,
    GetTransactions,
    PooledTransactions,
)
from node.confirmation_messages import CONFIRMATION_MESSAGES
from node.wire import BLOCK_RELAY, RECONCILIATION, SPREAD
from primitives.errors import InvalidEncoding
from primitives.machine import Message
from tests.properties.message_samples import sample

KINDS = (
    *MESSAGE_TYPES,
    *LIMITS,
    *BLOCK_RELAY,
    *CONFIRMATION_MESSAGES,
    *SPREAD,
    *RECONCILIATION,
    *HANDSHAKE_LIMITS,
)
LIMIT = 4_096
GROWTH_MAX = 20
"""Objects by the bytes of their encoding: 17 were found, and what the tests add."""
FIXED_BYTES = 192 * 1_024
"""What libraries take at their first use: windows, tables, the text of an error."""
CODEC = Codec(KINDS, dict.fromkeys(KINDS, LIMIT))
HOSTILE = (
    b"\xdd\xff\xff\xff\xff",
    b"\xdc\xff\xff",
    b"\xdf\x7f\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdb\x00\x10\x00\x00",
    b"\xc9\xff\xff\xff\xff\x01",
    b"\xcf" + b"\xff" * 8,
    b"\xd3" + b"\x80" * 8,
    b"\x91" * 2_000,
    b"\x90" * 3_000,
    b"\xc1",
    b"\xca\x7f\xc0\x00\x00",
    b"\xa2\xff\xfe",
)
"""What a decoder of MessagePack may stumble over: lengths, depth, types, text."""


def corpus() -> list[tuple[Kind, bytes]]:
    """Return three plain bodies of each kind."""
    random = Random(1)
    return [CODEC.encode_body(sample(kind, random)) for kind in KINDS for _ in range(3)]


def dictionary():
    random = Random(2)
    samples = [CODEC.encode_body(sample(PooledTransactions, random))[1] for _ in range(300)]
    return train("PooledTransactions", samples, 512)


CORPUS = corpus()
COMPRESSION = Compression(CompressionPolicy(dictionaries=(dictionary(),)))
AGREEMENT = agree(COMPRESSION.offer, COMPRESSION.offer)
LINK = LinkCodec(CODEC, COMPRESSION, AGREEMENT, AGREEMENT)
OPENERS = COMPRESSION.openers(AGREEMENT)

Changes = list[tuple[str, int]]
CHANGES = ("flip", "cut", "insert", "repeat", "splice", "hostile")
changes = st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 1 << 16)), max_size=4)


def changed(body: bytes, ops: Changes) -> bytes:
    """Apply random changes to a body."""
    for op, number in ops:
        at, more = number % (len(body) + 1), number // 7
        match op:
            case "flip" if at < len(body):
                body = body[:at] + bytes([body[at] ^ (1 << more % 8)]) + body[at + 1 :]
            case "cut":
                body = body[:at] + body[at + 1 + more % 40 :]
            case "insert":
                body = body[:at] + Random(number).randbytes(more % 9) + body[at:]
            case "repeat":
                body = body[:at] + body[at : at + 30] * (more % 50) + body[at + 30 :]
            case "splice":
                body = body[:at] + CORPUS[more % len(CORPUS)][1][at:]
            case "hostile":
                body = body[:at] + HOSTILE[more % len(HOSTILE)] + body[at:]
    return body


def read(data: bytes, random: Random) -> None:
    """Read as a connection does, in pieces."""
    reader = LINK.reader()
    while data:
        size = random.randint(1, len(data))
        for frame in reader.feed(data[:size]):
            try:
                message = LINK.decode(frame)
            except InvalidEncoding:
                continue
            assert isinstance(message, Message)
            assert len(CODEC.encode_body(message)[1]) <= LIMIT
        data = data[size:]


def peak_of(action: Callable[[], object]) -> int:
    """Return how many bytes were taken at once, at most."""
    started = not tracemalloc.is_tracing()
    if started:
        tracemalloc.start()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    try:
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if started:
            tracemalloc.stop()


def opener_of(kind: Kind, encoding: Encoding) -> BodyCompressor | None:
    return OPENERS.get((encoding, kind.type.__name__)) or OPENERS.get((encoding, ""))


def check_broken(pick: int, encoding: Encoding, inner: Changes, outer: Changes, seed: int) -> None:
    kind, body = CORPUS[pick % len(CORPUS)]
    body = changed(body, inner)
    opener = opener_of(kind, encoding)
    body = changed(opener.compress(body) if opener else body, outer)
    broken = frame_of(kind, encoding, body)
    stream = changed(CODEC.encode(sample(kind.type, Random(seed))) + broken, outer[:1]) + broken
    peak = peak_of(lambda: read(stream, Random(seed)))
    assert peak <= GROWTH_MAX * (LIMIT + len(stream)) + FIXED_BYTES


def test_the_corpus_has_every_kind_and_decodes() -> None:
    assert {kind.type for kind, _ in CORPUS} == set(KINDS)
    for kind, body in CORPUS:
        assert CODEC.encode_body(CODEC.decode_plain(kind, body))[1] == body


@settings(max_examples=600)
@given(st.integers(0, 1 << 16), st.sampled_from(Encoding), changes, changes, st.integers(0, 999))
def test_broken_frames_are_refused_at_no_great_cost(
    pick: int,
    encoding: Encoding,
    inner: Changes,
    outer: Changes,
    seed: int,
) -> None:
    check_broken(pick, encoding, inner, outer, seed)


@pytest.mark.soak
@settings(max_examples=20_000)
@given(st.integers(0, 1 << 16), st.sampled_from(Encoding), changes, changes, st.integers(0, 999))
def test_broken_frames_are_refused_at_no_great_cost_for_long(
    pick: int,
    encoding: Encoding,
    inner: Changes,
    outer: Changes,
    seed: int,
) -> None:
    check_broken(pick, encoding, inner, outer, seed)


def array(element: bytes, count: int) -> bytes:
    return b"\xdd" + count.to_bytes(4, "big") + element * count


def body_of(kind: type[Message], *fields: bytes) -> bytes:
    name = kind.__name__.encode()
    return bytes([0x91 + len(fields), 0xA0 + len(name)]) + name + b"".join(fields)


TINY = 400_000
PAIR = b"\x92\xc4\x02ab\xc4\x02ab"
SWELLING = [
    body_of(PooledTransactions, b"\x01", array(b"\xc4\x02ab", TINY)),
    body_of(CertifiedBlocks, b"\x01", array(b"\x92\xc4\x02ab\xc4\x02ab", TINY), b"\x01"),
    body_of(AnnounceTransactions, b"\xc4\x00", array(b"\xcd\xff\x00", TINY), b"\x90"),
    body_of(GetTransactions, b"\x01", array(b"\xc4\x00", TINY)),
    body_of(Chunk, b"\x01", b"\x01", array(PAIR, TINY), b"\x90", b"\x90", b"\x90"),
    body_of(Chunk, b"\x01", b"\x01", b"\x90", array(b"\xc4\x02ab", TINY), b"\x90", b"\x90"),
    body_of(Chunk, b"\x01", b"\x01", b"\x90", b"\x90", b"\x90", array(PAIR, TINY)),
]


@pytest.mark.parametrize("body", SWELLING, ids=lambda body: body[2 : 2 + body[1] % 32].decode())
def test_a_body_of_tiny_elements_makes_no_objects(body: bytes) -> None:
    codec = Codec(LIMITS, dict.fromkeys(LIMITS, len(body)))
    (kind,) = [
        kind for kind in codec.kinds if kind.type.__name__.encode() == body[2 : 2 + body[1] % 32]
    ]

    def refuse() -> None:
        with pytest.raises(InvalidEncoding, match="`array` of length <="):
            codec.decode_plain(kind, body)

    assert peak_of(refuse) < 64 * 1_024


def test_no_body_makes_objects_of_more_than_seventeen_times_its_length() -> None:
    # Slots beside accounts are counted when all of them are there; then the message is refused.
    row = b"\x93\xc4\x00\xc4\x00" + array(PAIR, CHUNK_ACCOUNTS)
    body = body_of(Chunk, b"\x01", b"\x01", b"\x90", b"\x90", array(row, 400), b"\x90")
    codec = Codec(LIMITS, dict.fromkeys(LIMITS, len(body)))
    (kind,) = [kind for kind in codec.kinds if kind.type is Chunk]

    def refuse() -> None:
        with pytest.raises(InvalidEncoding, match="at most 1024 slots"):
            codec.decode_plain(kind, body)

    assert 14 * len(body) < peak_of(refuse) < 17 * len(body)


@pytest.mark.parametrize("encoding", [each for each in Encoding if each])
def test_a_frame_of_a_bomb_costs_no_more_than_its_limit(encoding: Encoding) -> None:
    (kind,) = [kind for kind in CODEC.kinds if kind.type is PooledTransactions]
    opener = opener_of(kind, encoding)
    assert opener is not None
    bomb = opener.compress(bytes(LIMIT * 50))
    assert len(bomb) <= LIMIT
    frame = frame_of(kind, encoding, bomb)
    (whole,) = LINK.reader().feed(frame)
    with pytest.raises(InvalidEncoding, match="at most 4096 bytes when plain"):
        LINK.decode(whole)
    assert peak_of(lambda: read(frame, Random(1))) < LIMIT * 4


def test_a_header_that_claims_much_costs_nothing_until_it_comes() -> None:
    codec = Codec(LIMITS, LIMITS)
    (kind,) = [kind for kind in codec.kinds if kind.type is CertifiedBlocks]
    link = LinkCodec(codec, COMPRESSION)
    header = kind.limit.to_bytes(4, "big") + kind.word(Encoding.PLAIN).to_bytes(4, "big")
    readers = [link.reader() for _ in range(100)]

    def greet() -> None:
        for reader in readers:
            assert reader.feed(header + b"x") == []

    assert peak_of(greet) < 100 * 1_024
    reader = readers[0]
    piece = bytes(64 * 1_024)

    def pour() -> None:
        for _ in range(kind.limit // len(piece) - 1):
            reader.feed(piece)

    assert peak_of(pour) < 1.2 * kind.limit + len(piece)
    assert reader.buffered < HEADER_BYTES + kind.limit
