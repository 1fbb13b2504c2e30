"""Which logs a caller wants: blocks, addresses and topics.

Reference: execution-apis src/schemas/filter.yaml; go-ethereum eth/filters/api.go.
"""

from collections.abc import Iterable

import msgspec

from node.rpc.arguments import BadArgument, address, hash32, kind, mapping, unfit
from node.rpc.block_id import Tag, block_number
from node.rpc.errors import invalid_params
from primitives.bloom import entry_bits
from primitives.ids import Address, Hash32
from primitives.receipt import Log

ADDRESSES_MAX = 1_000
TOPICS_MAX = 4
CHOICES_MAX = 1_000
"""Values that one topic may have."""


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
    """The same for a bloom: of each group the bits of one must be in it."""

    @property
    def values(self) -> int:
        """How many addresses and topics it names."""
        return len(self.addresses) + sum(map(len, self.topics))

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
        """Whether a block or receipt with this bloom may have a log that is wanted."""
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
    groups = [_bits(addresses)] if addresses else []
    groups += [_bits(wanted) for wanted in topics if wanted]
    found = LogFilter(
        None if first is None else block_number(first),
        None if last is None else block_number(last),
        None if digest is None else Hash32(hash32(digest)),
        addresses,
        topics,
        tuple(groups),
    )
    if isinstance(found.first, int) and isinstance(found.last, int) and found.first > found.last:
        raise invalid_params("invalid block range params")
    return found


def _bits(values: Iterable[bytes]) -> tuple[int, ...]:
    return tuple([entry_bits(each) for each in sorted(values)])


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
