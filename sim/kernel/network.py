"""What the kernel needs of the links."""

from typing import Protocol


class Network(Protocol):
    """The links, and the access links at their ends."""

    def broadcast(self, at: int, sender: int, group: str, size: int) -> tuple[list[int], list[int]]:
        """Return arrival instants, ascending, and receivers, one of them maybe twice."""
        ...

    def send(self, at: int, sender: int, to: int, size: int) -> list[int]:
        """Return the arrival instants of the copies, ascending; none if `to` is out of reach."""
        ...

    def downlink_picoseconds_per_byte(self) -> list[int]:
        """Return each node's receiving time for one byte."""
        ...
