"""Both ends of a link work out the same, whatever the other announces."""

import pytest

from network.codec import Encoding
from network.compression.agreement import (
    PLAIN_AGREEMENT,
    CompressionOffer,
    DictionaryName,
    agree,
    offer,
)
from network.compression.policy import Algorithm, CompressionPolicy, Dictionary
from network.compression.training import train
from primitives.errors import InvalidInput
from primitives.keccak import keccak256

FIRST, SECOND = DictionaryName("Status", bytes([1]) * 32), DictionaryName("Status", bytes([2]) * 32)
OTHER = DictionaryName("Chunk", bytes([3]) * 32)


def test_a_node_announces_what_it_understands_and_holds() -> None:
    dictionary = Dictionary("Status", b"content")
    assert dictionary.id == keccak256(b"content")
    policy = CompressionPolicy(accept=(Algorithm.LZ4,), dictionaries=(dictionary,))
    assert offer(policy) == CompressionOffer(
        ("lz4",), (DictionaryName("Status", keccak256(b"content")),)
    )
    assert offer(CompressionPolicy()).algorithms == ("gzip", "zstd", "lz4")


def test_without_a_common_algorithm_all_is_plain() -> None:
    nothing = CompressionOffer()
    assert agree(offer(CompressionPolicy()), nothing) == PLAIN_AGREEMENT
    assert agree(nothing, nothing) == PLAIN_AGREEMENT


def test_the_receiver_says_what_it_understands() -> None:
    agreement = agree(CompressionOffer(), CompressionOffer(("lz4", "gzip", "lz4")))
    assert agreement.encodings == (Encoding.PLAIN, Encoding.LZ4, Encoding.GZIP)


def test_names_of_a_newer_version_are_passed_over() -> None:
    agreement = agree(CompressionOffer(), CompressionOffer(("brotli", "zstd")))
    assert agreement.encodings == (Encoding.PLAIN, Encoding.ZSTD)


def test_for_each_kind_the_first_dictionary_of_the_sender_that_both_hold_is_taken() -> None:
    sender = CompressionOffer((), (FIRST, SECOND, OTHER))
    receiver = CompressionOffer(("zstd",), (OTHER, SECOND, FIRST))
    agreement = agree(sender, receiver)
    assert agreement.dictionaries == (FIRST, OTHER)
    assert agreement.encodings[-1] is Encoding.ZSTD_DICTIONARY
    other = CompressionOffer(("zstd",), (SECOND,))
    assert agree(sender, other).dictionaries == (SECOND,)


def test_dictionaries_go_with_zstandard_only() -> None:
    holds = CompressionOffer(("lz4",), (FIRST,))
    agreement = agree(holds, holds)
    assert agreement.dictionaries == ()
    assert Encoding.ZSTD_DICTIONARY not in agreement.encodings


def test_a_dictionary_of_the_same_content_for_another_kind_is_another() -> None:
    sender = CompressionOffer((), (DictionaryName("Chunk", FIRST.id),))
    assert agree(sender, CompressionOffer(("zstd",), (FIRST,))).dictionaries == ()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("zstd_level", 0, "compression.zstd_level: expected 1 to 22, got 0"),
        ("zstd_level", 23, "compression.zstd_level: expected 1 to 22, got 23"),
        ("gzip_level", 10, "compression.gzip_level: expected 1 to 9, got 10"),
        ("saving_percent_min", 101, "compression.saving_percent_min: expected 1 to 100, got 101"),
        ("saving_percent_min", 0, "compression.saving_percent_min: expected 1 to 100, got 0"),
        ("bytes_min", -1, "compression.bytes_min: expected 0 or more, got -1"),
        ("dictionary_bytes_max", -1, "compression.dictionary_bytes_max: expected 0 or more, got"),
    ],
)
def test_a_policy_is_within_what_the_libraries_have(field: str, value: int, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        CompressionPolicy(**{field: value})  # type: ignore[arg-type]
    assert str(caught.value).startswith(told)


def test_the_same_samples_train_the_same_dictionary() -> None:
    samples = [b"kind of message %d: to whom it may concern %d" % (i, i * i) for i in range(200)]
    first, again = train("Status", samples, 512), train("Status", samples, 512)
    assert first == again
    assert len(first.content) <= 512
    assert train("Status", samples[:100], 512).id != first.id


def test_too_few_samples_train_nothing() -> None:
    with pytest.raises(InvalidInput, match=r"dictionary\.Status: expected at least 16 samples"):
        train("Status", [b"one"] * 15)
    with pytest.raises(InvalidInput, match="something in common"):
        train("Status", [b""] * 16)
