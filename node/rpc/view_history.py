"""The last views that a node has entered: a sink of its hub."""

from collections import deque
from typing import Any

from consensus.trace import ViewChangeStarted, ViewEntered
from primitives.ids import Instant
from primitives.machine import TraceEvent

CHANGES_KEPT = 64


class ViewHistory:
    """Remembers view changes.

    Args:
        kept: how many; the oldest go first.
    """

    __slots__ = ("_changes",)

    def __init__(self, kept: int = CHANGES_KEPT) -> None:
        self._changes: deque[tuple[Instant, ViewChangeStarted | ViewEntered]] = deque(maxlen=kept)

    def event(self, at: Instant, event: TraceEvent) -> None:
        """Take in one protocol event."""
        if isinstance(event, ViewChangeStarted | ViewEntered):
            self._changes.append((at, event))

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        """Of no interest."""

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        """Of no interest."""

    def shown(self) -> list[dict[str, Any]]:
        """Return them, the oldest first; `at` in seconds since the chain's genesis."""
        return [
            {
                "at": at / 1e9,
                "kind": "entered" if isinstance(event, ViewEntered) else "asked for",
                "view": int(event.view),
                "epoch": event.epoch,
                "primary": int(event.primary) if isinstance(event, ViewEntered) else None,
            }
            for at, event in self._changes
        ]
