"""A stream cut anywhere gives the frames that a naive reader finds in the whole of it."""

from itertools import pairwise

from hypothesis import given, settings, strategies as st

from network.codec import HEADER_BYTES, Codec, Encoding, frame_of
from network.compression import (
    Algorithm,
    Compression,
    CompressionPolicy,
    Dictionary,
    LinkCodec,
    agree,
    train,
)
from network.frames import FrameReader
from network.messages import LIMITS
from primitives.errors import InvalidEncoding
from primitives.machine import Message
from tests.properties.test_network_codec import CODEC, messages

SMALL = Codec(LIMITS, dict.fromkeys(LIMITS, 64))
"""With limits that drawn lengths often break."""

policies = st.builds(
    CompressionPolicy,
    prefer=st.lists(st.sampled_from(Algorithm), unique=True).map(tuple),
    accept=st.lists(st.sampled_from(Algorithm), unique=True).map(tuple),
    bytes_min=st.integers(0, 64),
    dictionary_bytes_min=st.integers(0, 64),
    saving_percent_min=st.integers(1, 30),
    dictionaries=st.sets(st.integers(0, 2)).map(lambda chosen: tuple(map(dictionary, chosen))),
)


def dictionary(index: int) -> Dictionary:
    kind = ("PooledTransactions", "Status", "GetTransactions")[index]
    return train(kind, [b"%s of kind %d, %d" % (kind.encode(), n % 7, n) for n in range(99)], 512)


def naive(codec: Codec, data: bytes) -> tuple[list[tuple[int, bytes]], bytes, bool]:
    """Return the frames, the rest, and whether something is wrong, of all bytes at once."""
    frames: list[tuple[int, bytes]] = []
    while len(data) >= HEADER_BYTES:
        length, version, index = int.from_bytes(data[:4], "big"), data[4], data[5]
        known = version == 1 and index < len(codec.kinds) and data[6:8] == b"\x00\x00"
        if not known or length > codec.kinds[index].limit:
            return frames, b"", True
        if len(data) < HEADER_BYTES + length:
            break
        frames.append((index, data[HEADER_BYTES : HEADER_BYTES + length]))
        data = data[HEADER_BYTES + length :]
    return frames, data, False


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=70).map(lambda body: frame_of(SMALL.kinds[1], Encoding.PLAIN, body)),
            st.binary(max_size=12),
        ),
        max_size=6,
    ).map(b"".join),
    st.lists(st.integers(0, 1_000), max_size=8),
)
def test_the_reader_finds_what_a_naive_one_finds(data: bytes, cuts: list[int]) -> None:
    reader = FrameReader(SMALL)
    got = []
    for piece in pieces_of(data, cuts):
        got += [(frame.kind.index, bytes(frame.body)) for frame in reader.feed(piece)]
        assert reader.buffered <= HEADER_BYTES + 64
    frames, rest, wrong = naive(SMALL, data)
    assert got == frames
    assert (reader.fault is not None) == wrong
    assert reader.buffered == len(rest)


@given(st.lists(messages, max_size=6), st.lists(st.integers(0, 5_000), max_size=8))
def test_what_is_joined_comes_out_again_however_it_is_cut(
    sent: list[Message], cuts: list[int]
) -> None:
    reader = FrameReader(CODEC)
    frames = [
        frame
        for piece in pieces_of(CODEC.encode_joined(sent), cuts)
        for frame in reader.feed(piece)
    ]
    assert [CODEC.decode_plain(frame.kind, frame.body) for frame in frames] == sent
    assert reader.fault is None


@settings(max_examples=30)
@given(policies, policies, st.lists(messages, max_size=6))
def test_whatever_two_policies_agree_on_carries_every_message(
    ours: CompressionPolicy, theirs: CompressionPolicy, sent: list[Message]
) -> None:
    one, two = Compression(ours), Compression(theirs)
    out, back = agree(one.offer, two.offer), agree(two.offer, one.offer)
    links = LinkCodec(CODEC, one, out, back), LinkCodec(CODEC, two, back, out)
    for sender, receiver in (links, links[::-1]):
        data = sender.encode_joined(sent)
        reader = receiver.reader()
        assert [receiver.decode(frame) for frame in reader.feed(data)] == sent
        assert reader.fault is None
        assert len(data) <= len(CODEC.encode_joined(sent))


@given(st.binary(max_size=400), st.integers(0, 4), st.integers(0, 2_000))
def test_garbage_in_any_encoding_is_refused_and_nothing_worse(
    body: bytes, flag: int, claim: int
) -> None:
    policy = CompressionPolicy(dictionaries=(dictionary(0),))
    compression = Compression(policy)
    agreement = agree(compression.offer, compression.offer)
    link = LinkCodec(CODEC, compression, agreement, agreement)
    claims = (body, claim.to_bytes(4, "little") + body, body + claim.to_bytes(4, "little"))
    for kind in CODEC.kinds:
        for claiming in claims:
            reader = link.reader()
            for frame in reader.feed(frame_of(kind, Encoding(flag), claiming)):
                try:
                    message = link.decode(frame)
                except InvalidEncoding:
                    continue
                assert CODEC.encode_body(message)[0] is kind
