"""What a live node compresses with, and says that it understands."""

from pathlib import Path

import pytest

from network.compact.messages import COMPACT_VERSION
from network.handshake_messages import Feature
from network.reconcile import RECONCILE_VERSION
from node.runtime.packing import features, make_compression, read_dictionaries
from node.settings import DictionarySettings, NetworkSettings, NodeSettings, OwnSettings
from primitives.errors import InvalidInput
from primitives.params import ChainParams
from sim.dictionaries import SAMPLES, trained

NAMED = (DictionarySettings(kind="PooledTransactions", file="shared.dictionary"),)


def settings(**network: object) -> NodeSettings:
    return NodeSettings(node=OwnSettings(index=0), network=NetworkSettings(**network))  # type: ignore[arg-type]


def test_dictionaries_are_read_from_where_the_configuration_is(tmp_path: Path) -> None:
    (learnt,) = trained(["PooledTransactions"], ChainParams())
    (tmp_path / "shared.dictionary").write_bytes(learnt.content)
    read = read_dictionaries(NAMED, tmp_path)
    assert read == (learnt,)
    compression = make_compression(settings(compression="zstd"), read)
    assert [each.id for each in compression.offer.dictionaries] == [learnt.id]


@pytest.mark.parametrize("content", [None, b""])
def test_a_dictionary_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "shared.dictionary").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"network.dictionaries\[0\].file: expected"):
        read_dictionaries(NAMED, tmp_path)


def test_only_who_understands_compact_blocks_says_so() -> None:
    assert features(settings()) == ()
    assert [each.name for each in features(settings(blocks="compact"))] == [Feature.COMPACT_BLOCKS]


def test_only_who_announces_by_reconciling_says_so() -> None:
    spoken = features(settings(blocks="compact", gossip="reconcile"))
    assert [(each.name, each.version) for each in spoken] == [
        (Feature.COMPACT_BLOCKS, COMPACT_VERSION),
        (Feature.RECONCILIATION, RECONCILE_VERSION),
    ]
    assert features(settings(gossip="mesh")) == ()


def test_the_same_chain_gives_the_same_dictionaries() -> None:
    kinds = tuple(SAMPLES)
    assert trained(kinds, ChainParams()) == trained(kinds, ChainParams())
    assert trained((), ChainParams()) == ()
