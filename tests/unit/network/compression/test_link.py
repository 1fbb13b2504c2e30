"""A link compresses what is worth it, as agreed, and opens what its peer has compressed."""

from itertools import count
from random import Random

import pytest
from zstandard import ZstdCompressor

from network.codec import HEADER_BYTES, Codec, Encoding, frame_of
from network.compression import (
    Algorithm,
    Compression,
    CompressionPolicy,
    LinkCodec,
    SharedMessage,
    agree,
    train,
)
from network.frames import Frame
from network.messages import LIMITS, GetStatus, PooledTransactions, Status
from primitives.errors import InvalidEncoding
from primitives.machine import Message

CODEC = Codec(LIMITS, LIMITS)
WORDY = PooledTransactions(1, (b"the same words again, " * 400,))
NOISE = PooledTransactions(1, (Random(1).randbytes(3_000),))
SMALL = PooledTransactions(1, (b"to whom it may concern " * 4,))
SAMPLES = [
    CODEC.encode_body(PooledTransactions(i, (b"to whom it may concern %d" % i,) * 3))[1]
    for i in range(300)
]
DICTIONARY = train("PooledTransactions", SAMPLES, 1024)
ZSTD = CompressionPolicy(prefer=(Algorithm.ZSTD,))
TRAINED = CompressionPolicy(prefer=(Algorithm.ZSTD,), dictionaries=(DICTIONARY,))


def pair(sender: CompressionPolicy, receiver: CompressionPolicy) -> tuple[LinkCodec, LinkCodec]:
    ours, theirs = Compression(sender), Compression(receiver)
    out, back = agree(ours.offer, theirs.offer), agree(theirs.offer, ours.offer)
    return LinkCodec(CODEC, ours, out, back), LinkCodec(CODEC, theirs, back, out)


def encoding_of(frame: bytes) -> Encoding:
    return Encoding(int.from_bytes(frame[6:HEADER_BYTES], "big"))


def received(link: LinkCodec, data: bytes) -> list[Message]:
    reader = link.reader()
    messages = [link.decode(frame) for frame in reader.feed(data)]
    assert reader.fault is None
    return messages


@pytest.mark.parametrize("algorithm", [Algorithm.ZSTD, Algorithm.LZ4])
def test_the_beginning_of_a_body_tells_how_long_it_becomes(algorithm: Algorithm) -> None:
    sender, receiver = pair(CompressionPolicy(prefer=(algorithm,)), CompressionPolicy())
    whole = sender.encode(WORDY)
    told = []
    for end in range(HEADER_BYTES, len(whole)):
        reader = receiver.reader()
        assert not reader.feed(whole[:end])
        assert reader.begun is not None
        told.append(receiver.size_ahead(*reader.begun))
    assert told == sorted(told)
    assert set(told) == {0, CODEC.size(WORDY)}
    assert told.count(0) <= 18


def test_a_body_that_tells_at_its_end_may_become_as_long_as_its_kind() -> None:
    sender, receiver = pair(CompressionPolicy(prefer=(Algorithm.GZIP,)), CompressionPolicy())
    reader = receiver.reader()
    reader.feed(sender.encode(WORDY)[:-1])
    assert reader.begun is not None
    assert receiver.size_ahead(*reader.begun) == HEADER_BYTES + LIMITS[PooledTransactions]


def test_a_body_that_says_less_than_it_has_takes_what_it_has() -> None:
    _, receiver = pair(ZSTD, ZSTD)
    kind = next(kind for kind in CODEC.kinds if kind.type is PooledTransactions)
    lie = ZstdCompressor().compress(b"x")
    reader = receiver.reader()
    whole = frame_of(kind, Encoding.ZSTD, lie + bytes(1_000))
    reader.feed(whole[:-1])
    assert reader.begun is not None
    assert receiver.size_ahead(*reader.begun) == len(whole)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_each_algorithm_goes_from_end_to_end(algorithm: Algorithm) -> None:
    sender, receiver = pair(CompressionPolicy(prefer=(algorithm,)), CompressionPolicy())
    frame = sender.encode(WORDY)
    assert encoding_of(frame).name.lower() == algorithm
    assert len(frame) < CODEC.size(WORDY) / 10
    sent = [WORDY, SMALL, GetStatus(), WORDY]
    assert received(receiver, sender.encode_joined(sent)) == sent
    assert receiver.encode(WORDY) == CODEC.encode(WORDY), "its own policy sends plain"
    assert received(sender, receiver.encode_joined(sent)) == sent


def test_by_default_all_is_plain() -> None:
    sender, receiver = pair(CompressionPolicy(), CompressionPolicy())
    sent = [WORDY, SMALL]
    assert sender.encode_joined(sent) == CODEC.encode_joined(sent)
    assert received(receiver, sender.encode_joined(sent)) == sent


def test_the_first_preference_that_the_peer_understands_is_taken() -> None:
    wants = CompressionPolicy(prefer=(Algorithm.ZSTD, Algorithm.GZIP))
    sender, _ = pair(wants, CompressionPolicy(accept=(Algorithm.LZ4, Algorithm.GZIP)))
    assert encoding_of(sender.encode(WORDY)) is Encoding.GZIP
    sender, _ = pair(wants, CompressionPolicy(accept=()))
    assert encoding_of(sender.encode(WORDY)) is Encoding.PLAIN


def test_what_was_not_agreed_on_is_refused_by_its_header() -> None:
    sender, _ = pair(ZSTD, CompressionPolicy())
    _, receiver = pair(ZSTD, CompressionPolicy(accept=(Algorithm.LZ4,)))
    reader = receiver.reader()
    assert reader.feed(sender.encode(WORDY)) == []
    assert str(reader.fault) == "frame.flags: expected 0 or 3, got 2"


@pytest.mark.parametrize("extra", [-1, 0])
def test_the_threshold_is_the_shortest_body_that_is_compressed(extra: int) -> None:
    size = CODEC.size(WORDY) - HEADER_BYTES
    policy = CompressionPolicy(prefer=(Algorithm.ZSTD,), bytes_min=size - extra)
    sender, _ = pair(policy, policy)
    wanted = Encoding.PLAIN if extra else Encoding.ZSTD
    assert encoding_of(sender.encode(WORDY)) is wanted


def test_what_saves_too_little_goes_plain() -> None:
    saving = CompressionPolicy(prefer=(Algorithm.ZSTD,), saving_percent_min=1)
    assert encoding_of(pair(saving, saving)[0].encode(NOISE)) is Encoding.PLAIN
    packed = len(pair(saving, saving)[0].encode(WORDY)) - HEADER_BYTES
    percent = 100 - 100 * packed / (CODEC.size(WORDY) - HEADER_BYTES)
    for least, wanted in ((int(percent), Encoding.ZSTD), (int(percent) + 1, Encoding.PLAIN)):
        policy = CompressionPolicy(prefer=(Algorithm.ZSTD,), saving_percent_min=least)
        assert encoding_of(pair(policy, policy)[0].encode(WORDY)) is wanted


def test_a_dictionary_serves_its_kind_and_small_bodies() -> None:
    sender, receiver = pair(TRAINED, TRAINED)
    frame = sender.encode(SMALL)
    assert encoding_of(frame) is Encoding.ZSTD_DICTIONARY
    assert len(frame) < len(CODEC.encode(SMALL)) / 2
    assert received(receiver, frame) == [SMALL]
    long = PooledTransactions(1, (b"the same words again, " * 4_000,))
    assert encoding_of(sender.encode(long)) is Encoding.ZSTD
    assert received(receiver, sender.encode(long)) == [long]
    assert encoding_of(sender.encode(Status(1, bytes(32)))) is Encoding.PLAIN


def test_a_dictionary_that_only_one_end_holds_is_not_used() -> None:
    for ours, theirs in ((TRAINED, ZSTD), (ZSTD, TRAINED)):
        sender, receiver = pair(ours, theirs)
        assert encoding_of(sender.encode(SMALL)) is Encoding.PLAIN
        assert received(receiver, sender.encode(WORDY)) == [WORDY]


def test_a_dictionary_does_not_go_with_another_algorithm_that_is_preferred() -> None:
    policy = CompressionPolicy(
        prefer=(Algorithm.LZ4, Algorithm.ZSTD), dictionaries=(DICTIONARY,), bytes_min=0
    )
    sender, receiver = pair(policy, policy)
    assert encoding_of(sender.encode(SMALL)) is Encoding.LZ4
    assert received(receiver, sender.encode(SMALL)) == [SMALL]


def test_a_body_that_refers_to_a_dictionary_of_another_kind_is_refused() -> None:
    _, receiver = pair(TRAINED, TRAINED)
    (kind,) = [kind for kind in CODEC.kinds if kind.type is Status]
    with pytest.raises(InvalidEncoding, match=r"Status\.body: expected a dictionary agreed on"):
        receiver.decode(Frame(kind, Encoding.ZSTD_DICTIONARY, b"abc"))


def test_the_plain_body_must_be_canonical_too() -> None:
    _, receiver = pair(ZSTD, ZSTD)
    kind, body = CODEC.encode_body(WORDY)
    start = 1 + 1 + len("PooledTransactions")
    assert body[start] == 1
    padded = body[:start] + b"\xcc\x01" + body[start + 1 :]
    packed = Compression(ZSTD).openers(agree(Compression(ZSTD).offer, Compression(ZSTD).offer))
    frame = frame_of(kind, Encoding.ZSTD, packed[Encoding.ZSTD, ""].compress(padded))
    with pytest.raises(InvalidEncoding, match="the canonical encoding"):
        received(receiver, frame)


def test_statistics_count_by_kind_and_direction_with_the_clock_of_who_measures() -> None:
    clock = count(0, 5)
    ours, theirs = Compression(ZSTD, clock.__next__), Compression(ZSTD)
    agreement = agree(ours.offer, theirs.offer)
    sender = LinkCodec(CODEC, ours, agreement, agreement)
    receiver = LinkCodec(CODEC, theirs, agreement, agreement)
    data = sender.encode_joined([WORDY, SMALL, WORDY])
    received(receiver, data)
    sent = ours.statistics.sent["PooledTransactions"]
    assert (sent.frames, sent.compressed, sent.nanoseconds) == (3, 2, 10)
    assert sent.wire_bytes == len(data) - 3 * HEADER_BYTES
    assert sent.plain_bytes == 2 * CODEC.size(WORDY) + CODEC.size(SMALL) - 3 * HEADER_BYTES
    assert sent.ratio == sent.wire_bytes / sent.plain_bytes < 0.1
    got = theirs.statistics.received["PooledTransactions"]
    assert (got.frames, got.compressed, got.nanoseconds) == (3, 2, 0)
    assert (got.plain_bytes, got.wire_bytes) == (sent.plain_bytes, sent.wire_bytes)
    assert theirs.statistics.of_sent("Status").ratio == 1.0


def test_kinds_that_are_never_long_enough_are_not_counted() -> None:
    sender, receiver = pair(ZSTD, ZSTD)
    assert received(receiver, sender.encode(Status(1, bytes(32)))) == [Status(1, bytes(32))]
    assert sender.routes(Status(1, bytes(32))) == ()
    ours = Compression(ZSTD)
    link = LinkCodec(CODEC, ours, *[agree(ours.offer, ours.offer)] * 2)
    received(link, link.encode(Status(1, bytes(32))))
    assert not ours.statistics.sent
    assert not ours.statistics.received
    plain = LinkCodec(CODEC, ours)
    received(plain, plain.encode(WORDY))
    assert not ours.statistics.received


def test_a_message_for_many_is_compressed_once_for_each_form() -> None:
    compression = Compression(ZSTD)
    understands, other = offer_of(CompressionPolicy()), offer_of(CompressionPolicy(accept=()))
    zstd = [LinkCodec(CODEC, compression, agree(compression.offer, understands)) for _ in "abc"]
    plain = [LinkCodec(CODEC, compression, agree(compression.offer, other)) for _ in "ab"]
    shared = SharedMessage(CODEC, compression, WORDY)
    frames = [shared.frame(link) for link in (*zstd, *plain)]
    assert compression.statistics.sent["PooledTransactions"].frames == 1
    assert frames[:3] == [zstd[0].encode(WORDY)] * 3
    assert frames[3:] == [CODEC.encode(WORDY)] * 2


def offer_of(policy: CompressionPolicy):
    return Compression(policy).offer


def test_an_oversized_message_is_refused_before_it_is_compressed() -> None:
    codec = Codec((PooledTransactions,), {PooledTransactions: 1_000})
    compression = Compression(ZSTD)
    link = LinkCodec(codec, compression, agree(compression.offer, compression.offer))
    for encode in (link.encode, lambda each: SharedMessage(codec, compression, each)):
        with pytest.raises(InvalidEncoding, match="at most 1000 bytes"):
            encode(WORDY)
