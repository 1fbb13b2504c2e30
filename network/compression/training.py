"""Dictionaries for small messages, trained from samples of them.

A small body has too little in common with itself for compression to find anything. What bodies of
one kind have in common with each other can be learnt beforehand: names, the shape of the encoding,
addresses and selectors that return. Signatures and hashes stay what they are, so that transfers
gain next to nothing (`orrery bench codec`).
"""

from collections.abc import Sequence

import zstandard

from network.compression.policy import Dictionary
from primitives.errors import InvalidInput

DICTIONARY_BYTES = 8 * 1_024
"""Usual size of a dictionary."""
SAMPLES_MIN = 16
SEGMENT_BYTES, MATCH_BYTES = 200, 8
"""Parameters k and d of the cover algorithm; fixed, so that the same samples give the same."""


def train(kind: str, samples: Sequence[bytes], size: int = DICTIONARY_BYTES) -> Dictionary:
    """Return a dictionary for a kind of message; the same for the same samples in their order.

    Args:
        kind: name of the message type.
        samples: plain bodies, as `Codec.encode_body` returns them; some hundred times `size` in
            all is best.
        size: most bytes of the dictionary.

    Raises:
        InvalidInput: too few samples, or nothing that they have in common.
    """
    where = f"compression.dictionary.{kind}"
    if len(samples) < SAMPLES_MIN:
        raise InvalidInput(where, f"at least {SAMPLES_MIN} samples", len(samples))
    try:
        trained = zstandard.train_dictionary(
            size, list(samples), k=SEGMENT_BYTES, d=MATCH_BYTES, threads=0
        )
    except zstandard.ZstdError as error:
        raise InvalidInput(where, "samples that have something in common", error) from error
    return Dictionary(kind, trained.as_bytes())
