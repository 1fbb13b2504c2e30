import pytest

from network.codec import HEADER_BYTES, VIEW_BYTES_MIN, Codec, Encoding, frame_of
from network.frames import Frame, FrameReader
from network.messages import LIMITS, GetStatus, GetTransactions, PooledTransactions, Status
from primitives.machine import Message

DIGEST = bytes(range(32))


@pytest.fixture
def codec() -> Codec:
    return Codec(LIMITS, LIMITS)


def messages_of(codec: Codec, frames: list[Frame]) -> list[Message]:
    return [codec.decode_plain(frame.kind, frame.body) for frame in frames]


def test_many_frames_of_one_read_come_in_order(codec: Codec) -> None:
    sent = [Status(height, DIGEST) for height in range(50)]
    reader = FrameReader(codec)
    assert messages_of(codec, reader.feed(codec.encode_joined(sent))) == sent
    assert (reader.buffered, reader.missing, reader.fault) == (0, HEADER_BYTES, None)


def test_a_frame_may_come_byte_by_byte(codec: Codec) -> None:
    reader = FrameReader(codec)
    data = codec.encode_joined([Status(1, DIGEST), GetStatus(), Status(2, DIGEST)])
    frames = [frame for at in range(len(data)) for frame in reader.feed(data[at : at + 1])]
    assert messages_of(codec, frames) == [Status(1, DIGEST), GetStatus(), Status(2, DIGEST)]
    assert reader.buffered == 0


def test_what_is_missing_is_known(codec: Codec) -> None:
    reader = FrameReader(codec)
    data = codec.encode(Status(1, DIGEST))
    assert reader.feed(data[:3]) == []
    assert (reader.buffered, reader.missing) == (3, HEADER_BYTES - 3)
    assert reader.feed(data[3:20]) == []
    assert (reader.buffered, reader.missing) == (20, len(data) - 20)
    assert reader.feed(b"") == []
    assert len(reader.feed(data[20:] + data[:11])) == 1
    assert (reader.buffered, reader.missing) == (11, len(data) - 11)


def test_who_feeds_what_is_missing_feeds_nothing_of_the_next_frame(codec: Codec) -> None:
    first, rest = codec.encode(Status(1, DIGEST)), b"of another version"
    data, reader = first + rest, FrameReader(codec)
    frames: list[Frame] = []
    while not frames:
        piece, data = data[: reader.missing], data[reader.missing :]
        frames = reader.feed(piece)
    assert messages_of(codec, frames) == [Status(1, DIGEST)]
    assert (data, reader.buffered) == (rest, 0)


def test_an_empty_body_needs_nothing_more_than_its_header() -> None:
    reader = FrameReader(Codec((GetStatus,)))
    header = bytes([0, 0, 0, 0, 1, 0, 0, 0])
    assert [bytes(frame.body) for frame in reader.feed(header[:5])] == []
    assert [bytes(frame.body) for frame in reader.feed(header[5:] + header)] == [b"", b""]


@pytest.mark.parametrize("cut", [0, 1, HEADER_BYTES, 100, VIEW_BYTES_MIN])
def test_long_bodies_are_views_and_short_ones_bytes(codec: Codec, cut: int) -> None:
    long = PooledTransactions(1, (bytes(VIEW_BYTES_MIN),))
    data = codec.encode(long)
    reader = FrameReader(codec)
    frames = reader.feed(data[:cut]) + reader.feed(data[cut:] + codec.encode(GetStatus()))
    assert [type(frame.body) for frame in frames] == [memoryview, bytes]
    assert messages_of(codec, frames) == [long, GetStatus()]


def test_a_view_of_a_pieced_frame_outlives_the_next_read(codec: Codec) -> None:
    long = PooledTransactions(1, (bytes(VIEW_BYTES_MIN),))
    data = codec.encode(long)
    reader = FrameReader(codec)
    reader.feed(data[:50])
    (frame,) = reader.feed(data[50:])
    reader.feed(data[:-1])
    assert messages_of(codec, [frame]) == [long]


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_whatever_holds_bytes_may_be_fed(codec: Codec, make) -> None:
    sent = [Status(1, DIGEST), PooledTransactions(1, (bytes(VIEW_BYTES_MIN),)), GetStatus()]
    data = codec.encode_joined(sent)
    reader = FrameReader(codec)
    got = messages_of(codec, reader.feed(make(data[:100])))
    assert got + messages_of(codec, reader.feed(make(data[100:]))) == sent


@pytest.mark.parametrize("at", [0, 5])
def test_a_bad_header_spoils_what_follows_and_not_what_was_before(codec: Codec, at: int) -> None:
    good = codec.encode(Status(1, DIGEST))
    bad = b"\x00\x00\x00\x00\x01\xc8\x00\x00"
    reader = FrameReader(codec)
    data = good + bad + good
    cut = len(good) + at
    frames = reader.feed(data[:cut]) + reader.feed(data[cut:])
    assert len(frames) == 1
    assert str(reader.fault) == "frame.kind: expected a number below 12, got 200"
    assert reader.feed(good) == []
    assert reader.buffered == 0


@pytest.mark.parametrize("split", [3, 8])
def test_a_length_beyond_the_limit_is_a_fault_before_a_byte_of_the_body(
    codec: Codec, split: int
) -> None:
    header = b"\xff\xff\xff\xff" + codec.encode(Status(1, DIGEST))[4:HEADER_BYTES]
    reader = FrameReader(codec)
    assert reader.feed(header[:split]) + reader.feed(header[split:]) == []
    told = "Status.body: expected at most 128 bytes, got 4294967295 bytes"
    assert str(reader.fault) == told


def test_only_what_was_agreed_on_is_welcome(codec: Codec) -> None:
    (kind,) = [each for each in codec.kinds if each.type is GetTransactions]
    frame = frame_of(kind, Encoding.ZSTD, b"abc")
    plain = FrameReader(codec)
    assert plain.feed(frame) == []
    assert str(plain.fault) == "frame.flags: expected 0, got 2"
    agreed = FrameReader(codec, (Encoding.PLAIN, Encoding.ZSTD))
    assert agreed.feed(frame) == [Frame(kind, Encoding.ZSTD, b"abc")]
    assert agreed.feed(frame_of(kind, Encoding.LZ4, b"abc")) == []
    assert str(agreed.fault) == "frame.flags: expected 0 or 2, got 3"


def test_joined_frames_are_those_written_one_by_one(codec: Codec) -> None:
    sent = [Status(1, DIGEST), GetTransactions(1, (DIGEST,)), GetStatus()]
    assert codec.encode_joined(sent) == b"".join(codec.encode(message) for message in sent)
    assert codec.encode_joined(()) == b""
