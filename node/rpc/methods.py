"""What a method is to the server: a name, a handler, and what a call of it may cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from node.rpc.caller import Caller

if TYPE_CHECKING:
    from node.rpc.backend import Backend

Parameters: TypeAlias = Sequence[object]
"""The call's `params`: decoded JSON, at most `Method.arguments` of them."""

Handler: TypeAlias = "Callable[[Backend, Parameters], object]"
"""Answers with what `msgspec.json` encodes, or an awaitable of that; raises `RpcError`.

It runs on the event loop's thread, between the node's own turns: what takes longer than a
millisecond or two is done in portions, between which it awaits. Where it awaits, it ends if its
caller leaves or has waited too long; so what changes something is an `UnderWay`.
"""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The answer of a handler whose work goes on whether or not anybody awaits it."""

    coming: Awaitable[Any]
    """What is waited for."""
    finish: Callable[[Any], object]
    """Makes the answer of what has come, or raises `RpcError`."""

    def __await__(self) -> Generator[Any, None, object]:
        """Wait, and return the answer."""
        return self.finish((yield from self.coming.__await__()))


@dataclass(frozen=True, slots=True)
class Method:
    """One method."""

    name: str
    """As callers write it."""
    handler: Handler
    arguments: int = 0
    """How many there may be; more are refused before the handler sees them."""
    admin: bool = False
    """Only for callers with the token."""
    cost: int = 1
    """Tokens of the caller's bucket; 1 is what eth_blockNumber takes (about 50 us)."""
    overlaps: bool = False
    """Whether calls of it that follow one another in a batch may be under way together. They begin
    in order, and what stands before or after them in the batch does not overlap with them."""


@dataclass(frozen=True, slots=True)
class SessionMethod:
    """One method of the server's own, which concerns the caller's connection."""

    name: str
    handler: Callable[[Caller, Parameters], object]
    arguments: int = 0
    cost: int = 1


def method_table(*groups: Iterable[Method]) -> Mapping[str, Method]:
    """Return the methods by name.

    Raises:
        ValueError: two have the same name.
    """
    table: dict[str, Method] = {}
    for method in (method for group in groups for method in group):
        if method.name in table:
            raise ValueError(f"two methods are called {method.name}")
        table[method.name] = method
    return MappingProxyType(table)
