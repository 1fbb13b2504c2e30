import msgspec
import pytest

from network.codec import HEADER_BYTES, VIEW_BYTES_MIN, WIRE_VERSION, Codec
from network.messages import (
    LIMITS,
    AnnounceBlock,
    GetBlocks,
    GetTransactions,
    PooledTransactions,
    Status,
)
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.machine import Message

DIGEST = bytes(range(32))


@pytest.fixture
def codec() -> Codec:
    return Codec(LIMITS, LIMITS)


def reframe(frame: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + frame[4:HEADER_BYTES] + body


def refusal(codec: Codec, frame: bytes) -> str:
    with pytest.raises(InvalidEncoding) as caught:
        codec.decode(frame)
    return str(caught.value)


def test_a_frame_is_header_and_canonical_body(codec: Codec) -> None:
    frame = codec.encode(AnnounceBlock(5, DIGEST))
    body = b"\x93\xadAnnounceBlock\x05\xc4\x20" + DIGEST
    assert frame[HEADER_BYTES:] == body
    kind = [entry.type for entry in codec.kinds].index(AnnounceBlock)
    assert frame[:HEADER_BYTES] == bytes([0, 0, 0, len(body), WIRE_VERSION, kind, 0, 0])
    assert codec.decode(frame) == AnnounceBlock(5, DIGEST)


def test_size_is_the_length_of_the_frame(codec: Codec) -> None:
    message = GetTransactions(1, (DIGEST,) * 3)
    assert codec.size(message) == len(codec.encode(message))


def test_short_header_is_refused(codec: Codec) -> None:
    assert refusal(codec, b"\x00" * 7) == "frame.header: expected 8 bytes, got 7 bytes"


def test_other_version_is_refused(codec: Codec) -> None:
    frame = bytearray(codec.encode(Status(1, DIGEST)))
    frame[4] = 9
    assert refusal(codec, bytes(frame)) == "frame.version: expected 1, got 9"


def test_unknown_kind_is_refused(codec: Codec) -> None:
    frame = bytearray(codec.encode(Status(1, DIGEST)))
    frame[5] = 200
    assert refusal(codec, bytes(frame)) == "frame.kind: expected a number below 12, got 200"


def test_unknown_flag_is_refused(codec: Codec) -> None:
    frame = bytearray(codec.encode(Status(1, DIGEST)))
    frame[7] = 1
    assert refusal(codec, bytes(frame)) == "frame.flags: expected 0, got 1"


def test_a_claimed_length_beyond_the_limit_is_refused_by_the_header_alone(codec: Codec) -> None:
    header = b"\xff\xff\xff\xff" + codec.encode(Status(1, DIGEST))[4:HEADER_BYTES]
    with pytest.raises(InvalidEncoding) as caught:
        codec.decode_header(header)
    expected = "Status.body: expected at most 128 bytes, got 4294967295 bytes"
    assert str(caught.value) == expected


def test_a_whole_frame_beyond_the_limit_is_refused_too() -> None:
    frame = Codec((GetTransactions,)).encode(GetTransactions(1, (DIGEST,) * 100))
    told = refusal(Codec((GetTransactions,), {GetTransactions: 3_000}), frame)
    assert told == f"GetTransactions.body: expected at most 3000 bytes, got {len(frame) - 8} bytes"


def test_a_sender_refuses_its_own_oversized_message(codec: Codec) -> None:
    with pytest.raises(InvalidEncoding) as caught:
        codec.encode(GetTransactions(1, (DIGEST,) * 1000))
    assert "GetTransactions.body: expected at most 16384 bytes, got 34" in str(caught.value)


def test_truncated_body_is_refused(codec: Codec) -> None:
    frame = codec.encode(Status(1, DIGEST))
    told = f"Status.body: expected {len(frame) - 8} bytes, got {len(frame) - 9} bytes"
    assert refusal(codec, frame[:-1]) == told


def test_body_cut_within_its_claimed_length_is_malformed(codec: Codec) -> None:
    frame = codec.encode(Status(1, DIGEST))
    told = refusal(codec, reframe(frame, frame[HEADER_BYTES:-1]))
    assert told == "Status: expected a well-formed message, got Input data was truncated"


def test_trailing_bytes_are_malformed(codec: Codec) -> None:
    frame = codec.encode(Status(1, DIGEST))
    told = refusal(codec, reframe(frame, frame[HEADER_BYTES:] + b"\x00"))
    assert told.startswith("Status: expected a well-formed message, got MessagePack data is mal")


def test_an_extra_field_is_not_canonical(codec: Codec) -> None:
    frame = codec.encode(Status(1, DIGEST))
    body = b"\x95" + frame[HEADER_BYTES + 1 :] + b"\x00"
    told = "Status: expected the canonical encoding, got another encoding of it"
    assert refusal(codec, reframe(frame, body)) == told


def test_a_padded_integer_is_not_canonical(codec: Codec) -> None:
    frame = codec.encode(Status(1, DIGEST))
    body = frame[HEADER_BYTES:].replace(b"\x01", b"\xcc\x01", 1)
    told = "Status: expected the canonical encoding, got another encoding of it"
    assert refusal(codec, reframe(frame, body)) == told


def test_a_body_of_another_kind_is_malformed(codec: Codec) -> None:
    status, announcement = codec.encode(Status(1, DIGEST)), codec.encode(AnnounceBlock(1, DIGEST))
    told = refusal(codec, reframe(status, announcement[HEADER_BYTES:]))
    assert told.startswith("Status: expected a well-formed message, got Invalid value 'AnnounceBl")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ([1, b"short"], "length >= 32"),
        ([-1, DIGEST], ">= 0"),
        ([1 << 53, DIGEST], "<= 9007199254740991"),
        (["1", DIGEST], "got `str`"),
        ([1], "length 3, got 2"),
    ],
)
def test_fields_outside_their_range_are_malformed(
    codec: Codec, fields: list[object], fault: str
) -> None:
    frame = codec.encode(Status(1, DIGEST))
    body = msgspec.msgpack.encode(["Status", *fields])
    assert fault in refusal(codec, reframe(frame, body))


def test_deep_nesting_is_malformed_and_nothing_worse() -> None:
    class Nested(Message, frozen=True, gc=False):
        content: object

    codec = Codec((Nested,), {Nested: 1 << 20})
    frame = codec.encode(Nested(b""))
    told = refusal(codec, reframe(frame, b"\x92\xa6Nested" + b"\x91" * 100_000 + b"\xc0"))
    assert told == "Nested: expected a well-formed message, got too deep a nesting"


class Pair(msgspec.Struct, frozen=True):
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise InvalidInput("pair.high", f"at least {self.low}", self.high)


class Paired(Message, frozen=True, gc=False, tag="paired"):
    core = "test"
    pair: Pair


def test_a_part_whose_own_rules_refuse_it_is_malformed_and_nothing_worse() -> None:
    codec = Codec((Paired,))
    good = codec.encode(Paired(Pair(1, 2)))
    assert codec.decode(good) == Paired(Pair(1, 2))
    bad = good.replace(b"low\x01", b"low\x05")
    with pytest.raises(InvalidEncoding, match="their own rules"):
        codec.decode(bad)


def test_text_that_is_not_utf8_is_malformed() -> None:
    class Named(Message, frozen=True, gc=False):
        content: str

    codec = Codec((Named,))
    told = refusal(codec, reframe(codec.encode(Named("")), b"\x92\xa5Named\xa1\xff"))
    assert told.startswith("Named: expected a well-formed message, got 'utf-8' codec")


def test_a_kind_without_a_limit_gets_the_default() -> None:
    codec = Codec((GetBlocks,))
    assert codec.kinds[0].limit == 16 * 1024


def test_a_table_names_each_kind_once() -> None:
    with pytest.raises(ValueError, match="distinct message types"):
        Codec((GetBlocks, GetBlocks))


@pytest.mark.parametrize("size", [10, VIEW_BYTES_MIN, 3 * VIEW_BYTES_MIN])
def test_a_message_keeps_nothing_of_the_view_it_came_in(codec: Codec, size: int) -> None:
    message = PooledTransactions(1, (bytes(size), DIGEST))
    frame = codec.encode(message)
    memory = bytearray(frame)
    with memoryview(memory) as view, view[HEADER_BYTES:] as body:
        decoded = codec.decode_body(codec.decode_header(frame), body)
    memory.clear()
    assert decoded == message == codec.decode(frame)


@pytest.mark.parametrize("size", [10, VIEW_BYTES_MIN])
def test_long_bodies_must_be_canonical_too(codec: Codec, size: int) -> None:
    frame = codec.encode(PooledTransactions(1, (bytes(size),)))
    start = HEADER_BYTES + 1 + 1 + len("PooledTransactions")
    assert frame[start] == 1
    body = frame[HEADER_BYTES:start] + b"\xcc\x01" + frame[start + 1 :]
    with memoryview(body) as view:
        changed = reframe(frame, body)
        with pytest.raises(InvalidEncoding, match="canonical"):
            codec.decode_body(codec.decode_header(changed), view)
    assert "canonical" in refusal(codec, changed)
