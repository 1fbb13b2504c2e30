"""A chunk of a state has no more entries than the protocol puts into one, be they ever so small."""

import msgspec
import pytest

from network.codec import Codec, Encoding
from network.frames import Frame
from network.messages import CHUNK_ACCOUNTS, LIMITS, PREFIX_NIBBLES_MAX, Chunk, Content
from primitives.errors import InvalidEncoding

CODEC = Codec(LIMITS, LIMITS)
KIND = next(kind for kind in CODEC.kinds if kind.type is Chunk)
PAIR = (b"", b"")


def decoded(accounts: int, way: int, contracts: tuple[int, ...], slots: int) -> Chunk:
    """Return what a codec makes of a chunk with so many entries of each sort."""
    rows = [(b"", b"", [PAIR] * count) for count in contracts]
    fields = ["Chunk", 1, Content.WHOLE, [PAIR] * accounts, [b""] * way, rows, [PAIR] * slots]
    body = msgspec.msgpack.encode(fields)
    assert len(body) <= KIND.limit
    found = CODEC.decode_plain(KIND, Frame(KIND, Encoding.PLAIN, body).body)
    assert isinstance(found, Chunk)
    return found


def test_a_full_chunk_is_taken() -> None:
    half = CHUNK_ACCOUNTS // 2
    chunk = decoded(CHUNK_ACCOUNTS, PREFIX_NIBBLES_MAX + 1, (half, half), 0)
    assert len(chunk.accounts) == CHUNK_ACCOUNTS
    assert len(decoded(0, 0, (), CHUNK_ACCOUNTS).slots) == CHUNK_ACCOUNTS


@pytest.mark.parametrize(
    ("accounts", "way", "contracts", "slots"),
    [
        (CHUNK_ACCOUNTS + 1, 0, (), 0),
        (0, PREFIX_NIBBLES_MAX + 2, (), 0),
        (0, 0, (0,) * (CHUNK_ACCOUNTS + 1), 0),
        (0, 0, (CHUNK_ACCOUNTS // 2, CHUNK_ACCOUNTS // 2 + 1), 0),
        (0, 0, (), CHUNK_ACCOUNTS + 1),
        (800_000, 0, (), 0),
    ],
)
def test_one_entry_more_is_not(
    accounts: int, way: int, contracts: tuple[int, ...], slots: int
) -> None:
    with pytest.raises(InvalidEncoding):
        decoded(accounts, way, contracts, slots)
