"""Compression of the bodies of frames, as each pair of peers has agreed on it.

`policy` says what a node wants, `agreement` what two peers make of it, `compression` holds the
compressors (`gzip_body`, `zstd_body`, `lz4_body`), and `link` joins them with a codec.
"""

from network.compression.agreement import (
    PLAIN_AGREEMENT,
    Agreement,
    CompressionOffer,
    agree,
    offer,
)
from network.compression.compression import Compression
from network.compression.link import LinkCodec, SharedMessage
from network.compression.policy import Algorithm, CompressionPolicy, Dictionary
from network.compression.statistics import CompressionStatistics, KindStatistics
from network.compression.training import train

__all__ = [
    "PLAIN_AGREEMENT",
    "Agreement",
    "Algorithm",
    "Compression",
    "CompressionOffer",
    "CompressionPolicy",
    "CompressionStatistics",
    "Dictionary",
    "KindStatistics",
    "LinkCodec",
    "SharedMessage",
    "agree",
    "offer",
    "train",
]
