"""eth_subscribe: callers on a WebSocket are told of new blocks, logs, pending transactions.

A block of this chain is final before anybody is told of it, and stays where it is. So no log is
ever taken back (`removed` is always false), and no height comes twice.

Reference: go-ethereum rpc/subscription.go, rpc/json.go and eth/filters/api.go, for texts and forms.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from node.rpc.arguments import boolean, optional, required, text
from node.rpc.caller import Caller, Push
from node.rpc.errors import (
    METHOD_NOT_FOUND,
    RpcError,
    invalid_params,
    limit_exceeded,
    server_error,
)
from node.rpc.feed import Feed
from node.rpc.limits import Watching
from node.rpc.methods import Parameters, SessionMethod
from node.rpc.requests import encode_result

_COST = 10

_log = logging.getLogger(__name__)

DrawId: TypeAlias = Callable[[], str]
"""Returns an id that nobody can guess, 0x-hex."""


class Topic(Enum):
    """What can be followed."""

    HEADS = "newHeads"
    LOGS = "logs"
    PENDING = "newPendingTransactions"
    SYNCING = "syncing"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One of one caller."""

    id: str
    owner: int
    """The caller's number."""
    push: Push
    detail: object
    """Of logs their criteria; of pending transactions whether they come in full."""
    weight: int
    """Addresses and topics that the criteria name."""
    since: int
    """The height when it began. A block up to that one may still wait to be told, and is old."""


class Subscriptions:
    """All of one server.

    Args:
        feed: what there is to tell.
        limits: how many there may be.
        draw_id: names a new one.
    """

    __slots__ = ("_by_topic", "_draw_id", "_feed", "_limits")

    def __init__(self, feed: Feed, limits: Watching, draw_id: DrawId) -> None:
        self._feed = feed
        self._limits = limits
        self._draw_id = draw_id
        self._by_topic: dict[Topic, dict[str, Subscription]] = {topic: {} for topic in Topic}

    def __len__(self) -> int:
        return sum(len(each) for each in self._by_topic.values())

    def methods(self) -> tuple[SessionMethod, ...]:
        """Return the methods by which callers come and go."""
        return (
            SessionMethod("eth_subscribe", self.subscribe, arguments=2, cost=_COST),
            SessionMethod("eth_unsubscribe", self.unsubscribe, arguments=1),
        )

    def subscribe(self, caller: Caller, parameters: Parameters) -> str:
        """Answer eth_subscribe: begin, and return the id."""
        if caller.push is None:
            raise RpcError(METHOD_NOT_FOUND, "notifications not supported")
        if not parameters or not isinstance(parameters[0], str):
            raise invalid_params("expected subscription name as first argument")
        topic = _topic(parameters[0])
        detail = self._detail(topic, parameters)
        weight = self._feed.weight(detail) if topic is Topic.LOGS else 0
        self._find_room(caller.number, weight)
        id_ = self._draw_id()
        made = Subscription(id_, caller.number, caller.push, detail, weight, self._feed.height())
        self._by_topic[topic][id_] = made
        if topic is Topic.SYNCING:
            asyncio.get_running_loop().call_soon(self._tell_sync, [made])
        return id_

    def unsubscribe(self, caller: Caller, parameters: Parameters) -> bool:
        """Answer eth_unsubscribe: end one of the caller's own."""
        id_ = required(parameters, 0, text)
        for subscriptions in self._by_topic.values():
            found = subscriptions.get(id_)
            if found is not None and found.owner == caller.number:
                del subscriptions[id_]
                return True
        raise server_error("subscription not found")

    def leave(self, caller: Caller) -> None:
        """End all that a caller has."""
        for subscriptions in self._by_topic.values():
            for id_ in [each.id for each in subscriptions.values() if each.owner == caller.number]:
                del subscriptions[id_]

    def on_block(self, height: int) -> Iterator[None]:
        """Tell of a block that is final, and of its logs: those of equal criteria together."""
        heads = [each for each in self._by_topic[Topic.HEADS].values() if each.since < height]
        logs: dict[object, list[Subscription]] = {}
        for each in self._by_topic[Topic.LOGS].values():
            if each.since < height:
                logs.setdefault(each.detail, []).append(each)
        try:
            if heads:
                _push(heads, encode_result(self._feed.head(height)))
            for criteria, group in logs.items():
                yield
                for log in self._feed.logs(criteria, height, height):
                    _push(self._standing(Topic.LOGS, group), encode_result(log))
                    yield
        except RpcError as error:  # not held any more; the caller sees the gap in heights
            _log.warning("block %d is not told to all: %s", height, error)

    def on_pooled(self, hashes: Sequence[bytes]) -> Iterator[None]:
        """Tell of transactions that have entered the pool."""
        pending = self._by_topic[Topic.PENDING]
        brief = [each for each in pending.values() if each.detail is False]
        full = [each for each in pending.values() if each.detail is True]
        for hash_ in hashes if pending else ():
            if brief:
                brief = self._standing(Topic.PENDING, brief)
                _push(brief, encode_result(f"0x{hash_.hex()}"))
            shown = self._feed.pending(hash_) if full else None
            if shown is not None:
                full = self._standing(Topic.PENDING, full)
                _push(full, encode_result(shown))
            yield

    def on_sync(self) -> Iterator[None]:
        """Tell whether the node catches up."""
        self._tell_sync(list(self._by_topic[Topic.SYNCING].values()))
        yield

    def _tell_sync(self, subscriptions: Sequence[Subscription]) -> None:
        """Tell some whether the node catches up; who has just come is told at once."""
        status = self._feed.syncing()
        shown = {"syncing": True, "status": status} if status else False
        _push(self._standing(Topic.SYNCING, subscriptions), encode_result(shown))

    def _standing(self, topic: Topic, some: Iterable[Subscription]) -> list[Subscription]:
        """Return those of some subscriptions that have not ended meanwhile."""
        standing = self._by_topic[topic]
        return [each for each in some if each.id in standing]

    def _detail(self, topic: Topic, parameters: Parameters) -> object:
        match topic:
            case Topic.HEADS | Topic.SYNCING:
                if len(parameters) > 1:
                    raise invalid_params("too many arguments, want at most 1")
                return None
            case Topic.LOGS:
                criteria = {} if len(parameters) < 2 or parameters[1] is None else parameters[1]
                return required((None, criteria), 1, self._feed.criteria)
            case Topic.PENDING:
                return optional(parameters, 1, boolean, default=False)

    def _find_room(self, owner: int, weight: int) -> None:
        """Make sure that there is room for one more, whose criteria name so many values."""
        if len(self) >= self._limits.subscriptions:
            raise limit_exceeded("this node has too many subscriptions")
        held = sum(each.weight for each in self._by_topic[Topic.LOGS].values())
        if weight + held > self._limits.subscription_values:
            raise limit_exceeded(
                "the subscriptions of this node name too many addresses and topics"
            )
        own = sum(
            each.owner == owner for topic in self._by_topic.values() for each in topic.values()
        )
        if own >= self._limits.subscriptions_per_connection:
            most = self._limits.subscriptions_per_connection
            raise limit_exceeded(f"this connection has {most} subscriptions, and may not have more")


def _topic(name: str) -> Topic:
    try:
        return Topic(name)
    except ValueError:
        shown = name[:64].replace('"', "'")
        reason = f'no "{shown}" subscription in eth namespace'
        raise RpcError(METHOD_NOT_FOUND, reason) from None


def _push(subscriptions: Iterable[Subscription], encoded: bytes) -> None:
    for subscription in subscriptions:
        subscription.push(subscription.id, encoded)
