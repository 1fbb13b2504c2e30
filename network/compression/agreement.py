"""Which encodings may go from one peer to the other, as both work out from what both announced.

Each direction stands for itself. The receiver names what it understands; the sender takes of
that what it likes best, and the header of each frame says which it was. Only a dictionary is
referred to by its place: for each kind it is the first of those that the sender announced which
the receiver announced too. Names that one side does not know, of newer versions, are passed over.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated

import msgspec

from network.codec import Encoding
from network.compression.policy import Algorithm, CompressionPolicy
from network.messages import Digest

NAME_BYTES_MAX = 64
ALGORITHMS_MAX, DICTIONARIES_MAX = 16, 64

ENCODINGS: Mapping[str, Encoding] = MappingProxyType(
    {
        Algorithm.GZIP: Encoding.GZIP,
        Algorithm.ZSTD: Encoding.ZSTD,
        Algorithm.LZ4: Encoding.LZ4,
    }
)
"""The encoding of each algorithm without a dictionary."""

Name = Annotated[str, msgspec.Meta(max_length=NAME_BYTES_MAX)]


class DictionaryName(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A dictionary that a peer holds."""

    kind: Name
    id: Digest


class CompressionOffer(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a peer announces in the handshake."""

    algorithms: Annotated[tuple[Name, ...], msgspec.Meta(max_length=ALGORITHMS_MAX)] = ()
    """What it understands."""
    dictionaries: Annotated[
        tuple[DictionaryName, ...], msgspec.Meta(max_length=DICTIONARIES_MAX)
    ] = ()
    """What it holds, for each kind the best first. They go with zstandard."""


class Agreement(msgspec.Struct, frozen=True):
    """What holds for one direction of one connection."""

    encodings: tuple[Encoding, ...]
    """What a frame may say, `PLAIN` first."""
    dictionaries: tuple[DictionaryName, ...]
    """At most one for each kind."""


PLAIN_AGREEMENT = Agreement((Encoding.PLAIN,), ())
"""What holds where nothing was agreed on."""


def offer(policy: CompressionPolicy) -> CompressionOffer:
    """Return what a node with this policy announces."""
    names = tuple([DictionaryName(each.kind, each.id) for each in policy.dictionaries])
    return CompressionOffer(tuple([name.value for name in policy.accept]), names)


def agree(sender: CompressionOffer, receiver: CompressionOffer) -> Agreement:
    """Return what may go from one to the other; both call it with the same two offers."""
    understood = [ENCODINGS[name] for name in receiver.algorithms if name in ENCODINGS]
    encodings = [Encoding.PLAIN, *dict.fromkeys(understood)]
    shared = _shared(sender.dictionaries, receiver.dictionaries)
    if Encoding.ZSTD not in encodings:
        shared = ()
    if shared:
        encodings.append(Encoding.ZSTD_DICTIONARY)
    return Agreement(tuple(encodings), shared)


def _shared(
    sender: Sequence[DictionaryName], receiver: Sequence[DictionaryName]
) -> tuple[DictionaryName, ...]:
    found: dict[str, DictionaryName] = {}
    for name in sender:
        if name in receiver:
            found.setdefault(name.kind, name)
    return tuple(found.values())
