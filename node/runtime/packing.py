"""What a live node compresses with, and what it tells its peers that it understands."""

from collections.abc import Sequence
from pathlib import Path

from network.compact.messages import COMPACT_VERSION
from network.compression import Compression, Dictionary
from network.handshake import Session
from network.handshake_messages import Feature, FeatureVersion
from network.reconcile import RECONCILE_VERSION
from node.settings import NodeSettings
from node.settings.network import DictionarySettings
from node.settings.packing import compression_policy
from primitives.errors import InvalidInput

DICTIONARY_BYTES_MAX = 1 << 20


def read_dictionaries(
    named: Sequence[DictionarySettings], directory: Path
) -> tuple[Dictionary, ...]:
    """Return the dictionaries that a configuration names.

    Args:
        named: by kind of message.
        directory: where relative file names start.

    Raises:
        InvalidInput: one cannot be read.
    """
    found = []
    for position, each in enumerate(named):
        path = directory / each.file
        where = f"network.dictionaries[{position}].file"
        try:
            content = path.read_bytes()
        except OSError as error:
            expected = "a file that `orrery up` wrote"
            raise InvalidInput(where, expected, f"{error.strerror}: {path}") from error
        if not 0 < len(content) <= DICTIONARY_BYTES_MAX:
            expected = f"1 to {DICTIONARY_BYTES_MAX} bytes"
            raise InvalidInput(where, expected, f"{len(content)} in {path}")
        found.append(Dictionary(each.kind, content))
    return tuple(found)


def make_compression(settings: NodeSettings, dictionaries: tuple[Dictionary, ...]) -> Compression:
    """Return a node's compressors."""
    return Compression(compression_policy(settings.network, dictionaries))


def features(settings: NodeSettings) -> tuple[FeatureVersion, ...]:
    """Return what a node announces beside the messages that all know."""
    spoken = []
    if settings.network.blocks != "full":
        spoken.append(FeatureVersion(Feature.COMPACT_BLOCKS, COMPACT_VERSION))
    if settings.network.gossip == "reconcile":
        spoken.append(FeatureVersion(Feature.RECONCILIATION, RECONCILE_VERSION))
    return tuple(spoken)


def speaks(session: Session, feature: Feature) -> bool:
    """Tell whether both ends of a connection speak something."""
    return any(each.name == feature for each in session.features)
