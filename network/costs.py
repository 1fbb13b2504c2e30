"""Kinds of processor cost that network causes."""

from primitives.costs import CostKind

ANNOUNCED = "network.announced_transaction"
HASHED = "network.fetched_transaction"
SERVED = "network.served_byte"
MATCHED = "network.short_id"
REBUILT = "network.rebuilt_transaction"
COMPRESS_GZIP_1 = "network.compress_gzip_1"
COMPRESS_GZIP_6 = "network.compress_gzip_6"
COMPRESS_GZIP_9 = "network.compress_gzip_9"
COMPRESS_ZSTD_1 = "network.compress_zstd_1"
COMPRESS_ZSTD_3 = "network.compress_zstd_3"
COMPRESS_ZSTD_9 = "network.compress_zstd_9"
COMPRESS_ZSTD_19 = "network.compress_zstd_19"
COMPRESS_LZ4 = "network.compress_lz4"
COMPRESS_TRAINED = "network.compress_trained"
DECOMPRESS_GZIP = "network.decompress_gzip"
DECOMPRESS_ZSTD = "network.decompress_zstd"
DECOMPRESS_LZ4 = "network.decompress_lz4"
DECOMPRESS_TRAINED = "network.decompress_trained"
CODED = "network.coded_byte"
RECOVERED = "network.recovered_byte"
PROVEN = "network.proven_byte"
SKETCHED = "network.sketched_transaction"
SKETCH_CELL = "network.sketch_cell"


def _compressing(kind: str, what: str) -> CostKind:
    return CostKind(kind, "byte", f"Compress one byte of a long body with {what}.")


def _decompressing(kind: str, what: str) -> CostKind:
    return CostKind(kind, "byte", f"Make one byte of a long body that came compressed with {what}.")


COSTS: tuple[CostKind, ...] = (
    CostKind(
        ANNOUNCED,
        "transaction",
        "Look up one announced transaction among those known and wanted.",
    ),
    CostKind(
        HASHED,
        "transaction",
        "Hash one fetched transaction and compare it with what was asked for.",
    ),
    CostKind(SERVED, "byte", "Collect one byte of an answer to a request of a peer."),
    CostKind(
        MATCHED,
        "transaction",
        "Look for one transaction in a block, or among those of a round, by its short id.",
    ),
    CostKind(
        REBUILT,
        "transaction",
        "Put one transaction into a rebuilt block and under the root of its body.",
    ),
    _compressing(COMPRESS_GZIP_1, "gzip, level 1"),
    _compressing(COMPRESS_GZIP_6, "gzip, level 6"),
    _compressing(COMPRESS_GZIP_9, "gzip, level 9"),
    _compressing(COMPRESS_ZSTD_1, "zstandard, level 1"),
    _compressing(COMPRESS_ZSTD_3, "zstandard, level 3"),
    _compressing(COMPRESS_ZSTD_9, "zstandard, level 9"),
    _compressing(COMPRESS_ZSTD_19, "zstandard, level 19"),
    _compressing(COMPRESS_LZ4, "LZ4"),
    CostKind(
        COMPRESS_TRAINED,
        "byte",
        "Compress one byte of a short body with zstandard and a trained dictionary.",
    ),
    _decompressing(DECOMPRESS_GZIP, "gzip"),
    _decompressing(DECOMPRESS_ZSTD, "zstandard"),
    _decompressing(DECOMPRESS_LZ4, "LZ4"),
    CostKind(
        DECOMPRESS_TRAINED,
        "byte",
        "Make one byte of a short body that came compressed by a trained dictionary.",
    ),
    CostKind(
        CODED, "byte", "Cut one byte of a block into shreds with as much parity, and hash it."
    ),
    CostKind(
        RECOVERED,
        "byte",
        "Recover one byte of a block, half of which is missing, and cut it again as a check.",
    ),
    CostKind(PROVEN, "byte", "Hash one byte of a part of a block, or of what came over a mesh."),
    CostKind(SKETCHED, "transaction", "Name one transaction and put it into a sketch of them."),
    CostKind(
        SKETCH_CELL, "cell", "Take one cell of a peer's sketch from one's own, and both apart."
    ),
)
"""Every kind, with its unit and meaning."""
