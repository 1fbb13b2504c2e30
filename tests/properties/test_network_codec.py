"""Whatever is sent comes back equal; whatever else arrives is refused, and only refused."""

from hypothesis import given, strategies as st

from network.codec import HEADER_BYTES, Codec
from network.messages import (
    LIMITS,
    AnnounceBlock,
    AnnounceTransactions,
    CertifiedBlock,
    CertifiedBlocks,
    Chunk,
    Content,
    GetBlocks,
    GetChunk,
    GetSnapshot,
    GetStatus,
    GetTransactions,
    PooledTransactions,
    SnapshotOffer,
    Status,
)
from primitives.errors import InvalidEncoding
from primitives.machine import Message

CODEC = Codec(LIMITS, LIMITS)

naturals = st.integers(0, (1 << 53) - 1)
digests = st.binary(min_size=32, max_size=32)
bodies = st.binary(max_size=200)
prefixes = st.binary(max_size=64)
pairs = st.lists(st.tuples(bodies, bodies), max_size=3).map(tuple)
contracts = st.lists(st.tuples(bodies, bodies, pairs), max_size=3).map(tuple)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        AnnounceTransactions,
        st.binary(max_size=8),
        st.lists(naturals, max_size=8).map(tuple),
        st.lists(digests, max_size=8).map(tuple),
    ),
    st.builds(GetTransactions, naturals, st.lists(digests, max_size=8).map(tuple)),
    st.builds(PooledTransactions, naturals, st.lists(bodies, max_size=8).map(tuple)),
    st.builds(AnnounceBlock, naturals, digests),
    st.builds(GetBlocks, naturals, naturals, naturals),
    st.builds(
        CertifiedBlocks,
        naturals,
        st.lists(st.builds(CertifiedBlock, bodies, bodies), max_size=4).map(tuple),
    ),
    st.builds(GetStatus),
    st.builds(GetSnapshot, naturals, naturals),
    st.builds(SnapshotOffer, naturals, naturals, digests, bodies),
    st.builds(GetChunk, naturals, digests, prefixes, prefixes.map(lambda each: each[:33]), digests),
    st.builds(
        Chunk, naturals, st.sampled_from(Content), pairs, st.tuples(bodies), contracts, pairs
    ),
    st.builds(Status, naturals, digests),
)


@given(messages)
def test_round_trip(message: Message) -> None:
    frame = CODEC.encode(message)
    assert CODEC.decode(frame) == message
    assert CODEC.size(message) == len(frame)


@given(messages, st.data())
def test_every_proper_prefix_is_refused(message: Message, data: st.DataObject) -> None:
    frame = CODEC.encode(message)
    cut = frame[: data.draw(st.integers(0, len(frame) - 1))]
    assert_refused_or_canonical(cut, refused=True)


@given(messages, st.data())
def test_a_changed_byte_is_refused_or_means_another_message(
    message: Message, data: st.DataObject
) -> None:
    frame = bytearray(CODEC.encode(message))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    decoded = assert_refused_or_canonical(bytes(frame), refused=False)
    assert decoded != message


@given(st.binary(max_size=300))
def test_garbage_behind_a_good_header_is_refused_or_canonical(body: bytes) -> None:
    for kind in CODEC.kinds:
        frame = len(body).to_bytes(4, "big") + bytes([1, kind.index, 0, 0]) + body
        assert_refused_or_canonical(frame, refused=False)


def assert_refused_or_canonical(frame: bytes, *, refused: bool) -> Message | None:
    try:
        message = CODEC.decode(frame)
    except InvalidEncoding:
        return None
    assert not refused
    assert CODEC.encode(message) == frame
    assert len(frame) >= HEADER_BYTES
    return message
