"""What is timed for compression and for shreds: bodies as nodes send them.

A long body is a block of signed transfers, the usual one and the hardest to shorten. A short one
is a single transaction on its way between pools, with a dictionary trained on others.
"""

from collections.abc import Callable

import msgspec
import numpy as np

from network import costs
from network.compression import train
from network.compression.bodies import BodyCompressor
from network.compression.gzip_body import GzipBodies
from network.compression.lz4_body import Lz4Bodies
from network.compression.zstd_body import ZstdBodies
from network.dissemination.merkle import MerkleTree, proves
from network.dissemination.messages import BlockShred, Commitment
from network.dissemination.policy import Place
from network.dissemination.reed_solomon import ReedSolomon
from network.dissemination.shreds import cut, rebuild
from network.messages import PooledTransactions
from sim.calibrate.material import Material
from sim.calibrate.sampling import Probe, Trial, Work

USUAL_LEVEL = 3
SHORT_BODIES = 200
CODE = ReedSolomon(32, 32)
"""As a Turbine-like tree cuts blocks by default."""
DOMAIN = b"calibrate"
CODED_BYTES = 256 * 1024


def compressing(compressor: Callable[[], BodyCompressor]) -> Callable[[Material], Trial]:
    """Return a probe's set-up: compress a block."""

    def set_up(material: Material) -> Trial:
        body, bodies = material.block.payload, compressor()
        return Trial(len(body), lambda: lambda: bodies.compress(body))

    return set_up


def decompressing(compressor: Callable[[], BodyCompressor]) -> Callable[[Material], Trial]:
    """Return a probe's set-up: make a block of its compressed form, by the byte of the block."""

    def set_up(material: Material) -> Trial:
        body, bodies = material.block.payload, compressor()
        packed = bodies.compress(body)
        return Trial(len(body), lambda: lambda: bodies.decompress(packed, len(body)))

    return set_up


def short_bodies(material: Material) -> tuple[ZstdBodies, list[bytes]]:
    """Return a compressor trained on half of the transfers, and messages with the others."""
    encode = msgspec.msgpack.encode
    bodies = [
        encode(PooledTransactions(number, (transfer.raw,)))
        for number, transfer in enumerate(material.transfers[: 2 * SHORT_BODIES])
    ]
    learnt = train(PooledTransactions.__name__, bodies[::2])
    return ZstdBodies(USUAL_LEVEL, learnt.content), bodies[1::2]


def compress_trained(material: Material) -> Trial:
    """Compress short bodies one by one."""
    trained, bodies = short_bodies(material)
    return Trial(sum(map(len, bodies)), lambda: lambda: [trained.compress(body) for body in bodies])


def decompress_trained(material: Material) -> Trial:
    """Decompress short bodies one by one."""
    trained, bodies = short_bodies(material)
    packed = [(trained.compress(body), len(body)) for body in bodies]
    return Trial(
        sum(map(len, bodies)),
        lambda: lambda: [trained.decompress(body, size) for body, size in packed],
    )


def coded_payload() -> bytes:
    """Return a long payload."""
    return np.random.default_rng(1).bytes(CODED_BYTES)


def coded_byte(material: Material) -> Trial:
    """Cut a block into signed shreds with their proofs."""
    payload, signer = coded_payload(), material.keys[0]
    return Trial(len(payload), lambda: lambda: cut(CODE, DOMAIN, Place(1, 0), payload, signer))


def recovered_byte(material: Material) -> Trial:
    """Rebuild a block from its parity alone, which is the most work."""
    payload = coded_payload()
    shreds = cut(CODE, DOMAIN, Place(1, 0), payload, material.keys[0])
    commitment: Commitment = shreds[0].commitment
    parity: dict[int, BlockShred] = {each.index: each for each in shreds[CODE.data :]}

    def prepare() -> Work:
        return lambda: rebuild(CODE, commitment, parity)

    return Trial(len(payload), prepare)


def proven_byte(material: Material) -> Trial:
    """Hash shreds of a block of transfers up to the root."""
    pieces = CODE.encode(material.block.payload)
    tree = MerkleTree(pieces)
    shown = [(index, data, tree.proof(index)) for index, data in enumerate(pieces)]

    def work() -> list[bool]:
        return [proves(tree.root, index, data, way, len(pieces)) for index, data, way in shown]

    return Trial(sum(map(len, pieces)), lambda: work)


def _usual_zstd() -> ZstdBodies:
    return ZstdBodies(USUAL_LEVEL)


PROBES = (
    Probe(costs.COMPRESS_GZIP_1, compressing(lambda: GzipBodies(1))),
    Probe(costs.COMPRESS_GZIP_6, compressing(lambda: GzipBodies(6))),
    Probe(costs.COMPRESS_GZIP_9, compressing(lambda: GzipBodies(9))),
    Probe(costs.COMPRESS_ZSTD_1, compressing(lambda: ZstdBodies(1)), ("zstandard",)),
    Probe(costs.COMPRESS_ZSTD_3, compressing(_usual_zstd), ("zstandard",)),
    Probe(costs.COMPRESS_ZSTD_9, compressing(lambda: ZstdBodies(9)), ("zstandard",)),
    Probe(costs.COMPRESS_ZSTD_19, compressing(lambda: ZstdBodies(19)), ("zstandard",)),
    Probe(costs.COMPRESS_LZ4, compressing(Lz4Bodies), ("lz4",)),
    Probe(costs.COMPRESS_TRAINED, compress_trained, ("zstandard",)),
    Probe(costs.DECOMPRESS_GZIP, decompressing(lambda: GzipBodies(6))),
    Probe(costs.DECOMPRESS_ZSTD, decompressing(_usual_zstd), ("zstandard",)),
    Probe(costs.DECOMPRESS_LZ4, decompressing(Lz4Bodies), ("lz4",)),
    Probe(costs.DECOMPRESS_TRAINED, decompress_trained, ("zstandard",)),
    Probe(costs.CODED, coded_byte, ("numpy", "safe-pysha3")),
    Probe(costs.RECOVERED, recovered_byte, ("numpy", "safe-pysha3")),
    Probe(costs.PROVEN, proven_byte, ("safe-pysha3",)),
)
