"""How blocks are sent and bodies compressed, by the names that scenarios and live nodes share."""

from collections.abc import Iterator
from typing import Literal, Protocol

from network.compact.modes import HIGH_BANDWIDTH_MAX
from network.compact.state import CompactConfig
from network.compression import Algorithm, CompressionPolicy, Dictionary
from network.compression.policy import GZIP_LEVELS, ZSTD_LEVELS
from node.relay_config import RelayConfig
from node.settings.findings import Finding
from node.settings.mistakes import Path
from primitives.ids import NodeId

BlocksName = Literal["full", "compact"]
"""Whole blocks, or short ids of the transactions that the receiver already holds."""

CompactModeName = Literal["high", "low"]
"""Pushed by up to three peers, or after an announcement and for the asking; see BIP 152."""

CompressionName = Literal["none", "gzip", "zstd", "lz4"]
"""What long bodies are sent with. Every node understands all of them."""

DictionaryKind = Literal["PooledTransactions", "AnnounceTransactions"]
"""Kinds of small messages that a trained dictionary makes shorter."""

LEVELS: dict[str, tuple[int, int]] = {"gzip": GZIP_LEVELS, "zstd": ZSTD_LEVELS}


class PackingNames(Protocol):
    """The keys, as a section of a file has them."""

    @property
    def blocks(self) -> BlocksName:
        """How blocks are sent."""
        ...

    @property
    def compact_mode(self) -> CompactModeName:
        """How followers get compact ones."""
        ...

    @property
    def compression(self) -> CompressionName:
        """What long bodies are compressed with."""
        ...

    @property
    def compression_level(self) -> int | None:
        """By the algorithm; None for the usual one."""
        ...

    @property
    def compression_threshold(self) -> int:
        """The shortest body in bytes that is compressed."""
        ...


def relay_config(
    names: PackingNames, peers: tuple[NodeId, ...] = (), *, proposes: bool = True
) -> RelayConfig | None:
    """Return how a node uses compact blocks; None for one that does not.

    Args:
        names: its keys.
        peers: who understands compact blocks from the beginning.
        proposes: whether its own proposals leave in compact form.
    """
    if names.blocks == "full":
        return None
    pushing = HIGH_BANDWIDTH_MAX if names.compact_mode == "high" else 0
    return RelayConfig(CompactConfig(high_bandwidth_max=pushing), proposes, peers)


def compression_policy(
    names: PackingNames, dictionaries: tuple[Dictionary, ...] = ()
) -> CompressionPolicy:
    """Return what a node compresses with, and when."""
    level, default = names.compression_level, CompressionPolicy()
    return CompressionPolicy(
        prefer=() if names.compression == "none" else (Algorithm(names.compression),),
        zstd_level=default.zstd_level if level is None else level,
        gzip_level=level
        if level is not None and names.compression == "gzip"
        else default.gzip_level,
        bytes_min=names.compression_threshold,
        dictionaries=dictionaries,
    )


def check_packing(names: PackingNames, path: Path) -> Iterator[Finding]:
    """Yield what does not fit together; `path` leads to the section."""
    level, name = names.compression_level, names.compression
    if level is None:
        return
    if name not in LEVELS:
        yield Finding(
            (*path, "compression_level"), f'no level with compression = "{name}"', str(level)
        )
        return
    low, high = LEVELS[name]
    if not low <= level <= high:
        expected = f'{low} to {high} with compression = "{name}"'
        yield Finding((*path, "compression_level"), expected, str(level))
