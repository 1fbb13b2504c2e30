"""Each algorithm gives back what it was given, and believes no claim of a peer."""

import contextlib
import gzip
import struct
import tracemalloc
import zlib

import lz4.block
import pytest
import zstandard

from network.codec import Encoding
from network.compression.bodies import BodyCompressor
from network.compression.gzip_body import GzipBodies
from network.compression.lz4_body import Lz4Bodies
from network.compression.training import train
from network.compression.zstd_body import ZstdBodies
from primitives.errors import InvalidEncoding

TEXT = b"to whom it may concern, " * 40
LIMIT = 4096
ZLIB_BYTES = 1 << 16
"""What zlib takes for itself: a window of 32 KiB and tables."""
SAMPLES = [
    b"kind of message %d: amount %d, to whom it may concern" % (i, i * i) for i in range(400)
]
TRAINED = ZstdBodies(3, train("Status", SAMPLES, 1024).content)
ALL: list[BodyCompressor] = [GzipBodies(6), ZstdBodies(3), Lz4Bodies(), TRAINED]

every = pytest.mark.parametrize("bodies", ALL, ids=lambda bodies: bodies.encoding.name)


def refusal(bodies: BodyCompressor, body: bytes, limit: int = LIMIT) -> str:
    with pytest.raises(InvalidEncoding) as caught:
        bodies.decompress(body, limit)
    return str(caught.value)


def peak_of_refusal(bodies: BodyCompressor, body: bytes, limit: int) -> int:
    tracemalloc.start()
    try:
        refusal(bodies, body, limit)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@every
def test_what_was_compressed_comes_back(bodies: BodyCompressor) -> None:
    packed = bodies.compress(TEXT)
    assert len(packed) < len(TEXT) / 4
    assert bodies.decompress(packed, len(TEXT)) == TEXT
    assert bodies.decompress(memoryview(packed), len(TEXT)) == TEXT


@every
def test_the_limit_is_one_of_the_plain_length(bodies: BodyCompressor) -> None:
    told = refusal(bodies, bodies.compress(TEXT), len(TEXT) - 1)
    where = f"body.{bodies.encoding.name.lower()}"
    assert told == f"{where}: expected at most {len(TEXT) - 1} bytes when plain, got {len(TEXT)}"


@every
def test_a_bomb_costs_nothing_but_a_look(bodies: BodyCompressor) -> None:
    bomb = bodies.compress(bytes(64 << 20))
    assert len(bomb) < 1 << 20
    assert "at most 4096 bytes when plain" in refusal(bodies, bomb)
    assert peak_of_refusal(bodies, bomb, LIMIT) < 16_384


@every
def test_a_body_that_got_longer_is_refused(bodies: BodyCompressor) -> None:
    noise = bytes(range(256))[::-1]
    packed = bodies.compress(noise)
    assert len(packed) > len(noise)
    assert "more than its" in refusal(bodies, packed)


@every
@pytest.mark.parametrize("body", [b"", b"\x00", b"\xff" * 40, TEXT])
def test_what_is_not_compressed_is_refused(bodies: BodyCompressor, body: bytes) -> None:
    refusal(bodies, body)


@every
def test_nothing_may_follow_or_be_missing(bodies: BodyCompressor) -> None:
    packed = bodies.compress(TEXT)
    refusal(bodies, packed + b"\x00")
    refusal(bodies, packed[:-1])
    refusal(bodies, packed + packed)


def test_no_empty_body_is_compressed() -> None:
    for bodies in ALL:
        refusal(bodies, bodies.compress(b""))


def lying_gzip(content: bytes, claimed: int) -> bytes:
    return gzip.compress(content)[:-4] + struct.pack("<I", claimed)


@pytest.mark.parametrize("claimed", [1_000, 961, 959, 500])
def test_gzip_that_claims_another_length_is_refused(claimed: int) -> None:
    refusal(GzipBodies(6), lying_gzip(TEXT, claimed))


def test_a_gzip_bomb_that_claims_little_is_cut_at_what_it_claims() -> None:
    bomb = lying_gzip(bytes(8 << 20), LIMIT * 4)
    assert len(bomb) < LIMIT * 4
    assert peak_of_refusal(GzipBodies(6), bomb, LIMIT * 4) < LIMIT * 12 + ZLIB_BYTES


def lying_zstd(content: bytes, claimed: int) -> bytes:
    """Give a frame of single-segment form another content size."""
    frame = zstandard.ZstdCompressor(level=3, write_checksum=False).compress(content)
    assert frame[4] >> 6 == 1
    assert frame[4] & 32
    return frame[:5] + struct.pack("<H", claimed - 256) + frame[7:]


@pytest.mark.parametrize("claimed", [1_000, 961, 959, 500])
def test_zstandard_that_claims_another_length_is_refused(claimed: int) -> None:
    assert zstandard.frame_content_size(lying_zstd(TEXT, claimed)) == claimed
    refusal(ZstdBodies(3), lying_zstd(TEXT, claimed))


def test_a_zstandard_bomb_that_claims_little_is_cut_at_what_it_claims() -> None:
    content = bytes(60_000)
    bomb = lying_zstd(content, LIMIT)
    assert peak_of_refusal(ZstdBodies(3), bomb, LIMIT) < LIMIT * 4


def test_zstandard_without_a_content_size_is_refused() -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    frame = compressor.compress(TEXT) + compressor.flush()
    assert refusal(ZstdBodies(3), frame).endswith("compressed body, got no content size")


def test_a_skippable_frame_of_zstandard_is_refused() -> None:
    refusal(ZstdBodies(3), struct.pack("<II", 0x184D2A50, 4) + b"skip")


def test_zstandard_of_another_dictionary_is_refused() -> None:
    other = ZstdBodies(3, train("Status", [each[::-1] for each in SAMPLES], 1024).content)
    packed = TRAINED.compress(SAMPLES[7] * 3)
    assert TRAINED.decompress(packed, LIMIT) == SAMPLES[7] * 3
    with contextlib.suppress(InvalidEncoding):
        assert other.decompress(packed, LIMIT) != SAMPLES[7] * 3
    refusal(ZstdBodies(3), zstandard.ZstdCompressor(dict_data=_known()).compress(SAMPLES[7] * 3))


def _known() -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(train("Status", SAMPLES, 1024).content)


@pytest.mark.parametrize("claimed", [1_000, 961, 959, 500])
def test_lz4_that_claims_another_length_is_refused(claimed: int) -> None:
    packed = struct.pack("<I", claimed) + lz4.block.compress(TEXT, store_size=False)
    refusal(Lz4Bodies(), packed)


def test_lz4_cannot_claim_more_than_its_form_allows() -> None:
    packed = struct.pack("<I", 8 << 20) + lz4.block.compress(TEXT, store_size=False)
    assert "a claim of 8388608 bytes" in refusal(Lz4Bodies(), packed, 8 << 20)
    assert peak_of_refusal(Lz4Bodies(), packed, 8 << 20) < 16_384


def test_lz4_grows_by_less_than_is_allowed_for() -> None:
    content = bytes(16 << 20)
    packed = Lz4Bodies().compress(content)
    assert Lz4Bodies().decompress(packed, len(content)) == content


def test_gzip_is_what_other_programs_read() -> None:
    packed = GzipBodies(9).compress(TEXT)
    assert gzip.decompress(packed) == TEXT
    assert packed[4:8] == bytes(4), "no time"
    assert GzipBodies(1).decompress(gzip.compress(TEXT), LIMIT) == TEXT
    raw = zlib.compress(TEXT)
    refusal(GzipBodies(6), raw)


def test_zstandard_frames_carry_neither_checksum_nor_dictionary_number() -> None:
    packed = TRAINED.compress(TEXT)
    parameters = zstandard.get_frame_parameters(packed)
    assert (parameters.dict_id, parameters.has_checksum) == (0, False)
    assert parameters.content_size == len(TEXT)
    assert TRAINED.encoding is Encoding.ZSTD_DICTIONARY
