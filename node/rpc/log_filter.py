"""Which logs a caller wants: blocks, addresses and topics.

Reference: execution-apis src/schemas/filter.yaml; go-ethereum eth/filters/api.go.
"""

from collections.abc import Sequence

import msgspec

from node.rpc.arguments import BadArgument, address, hash32, kind, mapping, unfit
from node.rpc.block_id import Tag, block_number
from node.rpc.errors import invalid_params
from primitives.bloom import EMPTY_BLOOM, entry_bits
from primitives.ids import Address, Hash32
from primitives.receipt import Log

ADDRESSES_MAX = 1_000
TOPICS_MAX = 4
PLACES = range(TOPICS_MAX)
CHOICES_MAX = 1_000
"""Values that one topic may have."""
BLOOMED_MAX = 64
"""Values of one group for which bits of blooms are computed at once: some 80 us."""


class LogKeys(msgspec.Struct, frozen=True):
    """What the logs of a block can be found by."""

    addresses: frozenset[Address]
    topics: tuple[frozenset[Hash32], ...]
    """By place."""


def log_keys(logs: Sequence[Log]) -> LogKeys:
    """Return what logs can be found by."""
    topics = [{log.topics[place] for log in logs if place < len(log.topics)} for place in PLACES]
    return LogKeys(
        frozenset([log.address for log in logs]),
        tuple([frozenset(each) for each in topics]),
    )


class LogFilter(msgspec.Struct, frozen=True):
    """A filter; what is empty excludes nothing."""

    first: Tag | int | None
    """None: where the caller begins by itself."""
    last: Tag | int | None
    digest: Hash32 | None
    """The one block to look at, instead of a range."""
    addresses: frozenset[Address]
    """Any of them."""
    topics: tuple[frozenset[Hash32], ...]
    """By place, any of each. A log with fewer topics does not match, be they empty or not."""
    blooms: tuple[tuple[int, ...], ...]
    """The same for a bloom: of each group the bits of one must be in it. Of large groups there
    are none at first, for they take milliseconds to compute and exclude little."""

    @property
    def values(self) -> int:
        """How many addresses and topics it names."""
        return len(self.addresses) + sum(map(len, self.topics))

    @property
    def unbloomed(self) -> list[list[bytes]]:
        """The groups that `blooms` does not have."""
        groups = (self.addresses, *self.topics)
        return [sorted(each) for each in groups if len(each) > BLOOMED_MAX]

    def may_be_among(self, keys: LogKeys) -> bool:
        """Whether a block may have a log that is wanted; takes time for what the block has."""
        if self.addresses and self.addresses.isdisjoint(keys.addresses):
            return False
        return not any(
            wanted and wanted.isdisjoint(among)
            for wanted, among in zip(self.topics, keys.topics, strict=False)
        )

    def matches(self, log: Log) -> bool:
        """Whether a log is wanted, whatever block it is in."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        return all(
            not wanted or topic in wanted
            for wanted, topic in zip(self.topics, log.topics, strict=False)
        )

    def may_match(self, bloom: bytes) -> bool:
        """Whether a block with this bloom may have a log that is wanted."""
        if bloom == EMPTY_BLOOM:
            return False
        bits = int.from_bytes(bloom, "big")
        for group in self.blooms:
            for each in group:
                if bits & each == each:
                    break
            else:
                return False
        return True


def log_filter(value: object) -> LogFilter:
    """Decode a filter object.

    Raises:
        BadArgument: it is none.
        RpcError: its parts contradict one another.
    """
    given = mapping(value, "filters.FilterCriteria")
    digest = given.get("blockHash")
    first, last = given.get("fromBlock"), given.get("toBlock")
    if digest is not None and (first is not None or last is not None):
        raise BadArgument(
            "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other"
        )
    addresses = _addresses(given.get("address"))
    topics = _topics(given.get("topics"))
    groups = [each for each in (addresses, *topics) if 0 < len(each) <= BLOOMED_MAX]
    found = LogFilter(
        None if first is None else block_number(first),
        None if last is None else block_number(last),
        None if digest is None else Hash32(hash32(digest)),
        addresses,
        topics,
        tuple([tuple(map(entry_bits, sorted(each))) for each in groups]),
    )
    if isinstance(found.first, int) and isinstance(found.last, int) and found.first > found.last:
        raise invalid_params("invalid block range params")
    return found


def _addresses(value: object) -> frozenset[Address]:
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset((Address(address(value)),))
    if not isinstance(value, list):
        raise BadArgument("invalid addresses in query")
    if len(value) > ADDRESSES_MAX:
        raise invalid_params(f"exceed max addresses ({ADDRESSES_MAX})")
    return frozenset([Address(address(each)) for each in value])


def _topics(value: object) -> tuple[frozenset[Hash32], ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise unfit(kind(value), "[]interface {}")
    if len(value) > TOPICS_MAX:
        raise invalid_params("exceed max topics")
    return tuple([_choices(each) for each in value])


def _choices(value: object) -> frozenset[Hash32]:
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset((Hash32(hash32(value)),))
    if not isinstance(value, list):
        raise BadArgument("invalid topic(s)")
    if len(value) > CHOICES_MAX:
        raise invalid_params("exceed max topics")
    if any(each is None for each in value):
        return frozenset()
    return frozenset([Hash32(hash32(each)) for each in value])
