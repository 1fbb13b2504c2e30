"""A node's compressors, and which of them a body takes.

They are made once and shared by all connections: a compressor of zstandard holds a megabyte, and
a message that goes to a hundred peers is compressed once for all that have agreed on the same.
"""

from collections.abc import Callable, Sequence

import msgspec

from network.codec import Encoding, Kind
from network.compression.agreement import ENCODINGS, Agreement, offer
from network.compression.bodies import BodyCompressor
from network.compression.gzip_body import GzipBodies
from network.compression.lz4_body import Lz4Bodies
from network.compression.policy import PERCENT, Algorithm, CompressionPolicy
from network.compression.statistics import CompressionStatistics
from network.compression.zstd_body import ZstdBodies
from primitives.ids import Hash32

NO_DICTIONARY = Hash32(b"")


class Route(msgspec.Struct, frozen=True):
    """A way to compress bodies of some length."""

    encoding: Encoding
    dictionary: Hash32
    """Its id, or empty for none."""
    compressor: BodyCompressor
    bytes_min: int
    bytes_max: int
    """Lengths of plain bodies for which it is taken."""


class Compression:
    """All that one node compresses and decompresses with; one thread at a time.

    Args:
        policy: the node's choice.
        clock: nanoseconds of whoever measures; without it statistics hold no time.
    """

    __slots__ = ("_algorithms", "_clock", "_policy", "_trained", "offer", "statistics")

    def __init__(self, policy: CompressionPolicy, clock: Callable[[], int] | None = None) -> None:
        self._policy = policy
        self._clock = clock
        self.offer = offer(policy)
        """What the handshake announces."""
        self.statistics = CompressionStatistics()
        names = dict.fromkeys((*policy.accept, *policy.prefer))
        self._algorithms = {ENCODINGS[name]: _compressor(name, policy) for name in names}
        self._trained: dict[Hash32, BodyCompressor] = {
            each.id: ZstdBodies(policy.zstd_level, each.content) for each in policy.dictionaries
        }

    @property
    def bytes_min(self) -> int:
        """The shortest body that the policy has compressed, with a dictionary or without."""
        policy = self._policy
        trained = policy.dictionary_bytes_min if policy.dictionaries else policy.bytes_min
        return min(policy.bytes_min, trained)

    def routes(self, kind: Kind, agreement: Agreement) -> tuple[Route, ...]:
        """Return the ways to send bodies of a kind, the first that fits a length to be taken."""
        policy, limit = self._policy, kind.limit
        preferred = [ENCODINGS[name] for name in policy.prefer]
        usable = [encoding for encoding in preferred if encoding in agreement.encodings]
        if not usable:
            return ()
        first = usable[0]
        plain = Route(first, NO_DICTIONARY, self._algorithms[first], policy.bytes_min, limit)
        trained = [
            Route(
                Encoding.ZSTD_DICTIONARY,
                Hash32(name.id),
                self._trained[Hash32(name.id)],
                policy.dictionary_bytes_min,
                policy.dictionary_bytes_max,
            )
            for name in agreement.dictionaries
            if first is Encoding.ZSTD and name.kind == kind.type.__name__
        ]
        return tuple([route for route in (*trained, plain) if route.bytes_min <= limit])

    def openers(self, agreement: Agreement) -> dict[tuple[Encoding, str], BodyCompressor]:
        """Return what opens the bodies of a peer, by encoding and kind; kind "" means any."""
        found = {
            (encoding, ""): compressor
            for encoding, compressor in self._algorithms.items()
            if encoding in agreement.encodings
        }
        for name in agreement.dictionaries:
            found[Encoding.ZSTD_DICTIONARY, name.kind] = self._trained[Hash32(name.id)]
        return found

    def compress(
        self, kind: Kind, body: bytes, routes: Sequence[Route]
    ) -> tuple[Route | None, bytes]:
        """Return the way that a body has taken, None for plain, and what is sent.

        Statistics count what was made, also where several peers get it.
        """
        size = len(body)
        for route in routes:
            if route.bytes_min <= size <= route.bytes_max:
                break
        else:
            self._count_sent(kind, size, size, 0, compressed=False)
            return None, body
        start = self._clock() if self._clock else 0
        packed = route.compressor.compress(body)
        spent = self._clock() - start if self._clock else 0
        worth = PERCENT * len(packed) <= (PERCENT - self._policy.saving_percent_min) * size
        if not worth:
            self._count_sent(kind, size, size, spent, compressed=False)
            return None, body
        self._count_sent(kind, size, len(packed), spent, compressed=True)
        return route, packed

    def decompress(self, kind: Kind, body: bytes | memoryview, opener: BodyCompressor) -> bytes:
        """Return the plain body.

        Raises:
            InvalidEncoding: see `BodyCompressor`.
        """
        start = self._clock() if self._clock else 0
        plain = opener.decompress(body, kind.limit)
        spent = self._clock() - start if self._clock else 0
        counters = self.statistics.of_received(kind.type.__name__)
        counters.count(len(plain), len(body), spent, compressed=True)
        return plain

    def count_plain(self, kind: Kind, size: int) -> None:
        """Count a body that a peer has sent plain, though it might have compressed it."""
        counters = self.statistics.of_received(kind.type.__name__)
        counters.count(size, size, 0, compressed=False)

    def _count_sent(
        self, kind: Kind, plain: int, wire: int, nanoseconds: int, *, compressed: bool
    ) -> None:
        counters = self.statistics.of_sent(kind.type.__name__)
        counters.count(plain, wire, nanoseconds, compressed=compressed)


def _compressor(name: Algorithm, policy: CompressionPolicy) -> BodyCompressor:
    match name:
        case Algorithm.GZIP:
            return GzipBodies(policy.gzip_level)
        case Algorithm.ZSTD:
            return ZstdBodies(policy.zstd_level)
        case Algorithm.LZ4:
            return Lz4Bodies()
