"""What can be done to the disks of a world's nodes."""

from collections.abc import Callable, Sequence

from sim.hosts.medium import Medium
from sim.hosts.space import Space
from sim.kernel.engine import Kernel
from sim.trace_events import DiskFilled, DiskLied, DiskSlowed, Rotted

SLOWNESS_UNIT = 1_000
"""Factors are kept in thousandths: virtual time knows no floating point."""


class Disks:
    """The disks of a world. Nodes of one machine share theirs.

    Args:
        kernel: runs the nodes.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def slow(self, node: int, factor: float) -> None:
        """Let writes handed over from now on take `factor` times as long; 1 is its own speed."""
        device = self._kernel.hosts[node].device
        device.slow(max(1, round(factor * SLOWNESS_UNIT)), SLOWNESS_UNIT)
        self._kernel.observe(node, DiskSlowed(round(factor * 100)))

    def fill(self, node: int, room: int) -> None:
        """Let a node's disk take `room` more bytes of rows, or what it still takes if that is less.

        The world must have been built for a scenario that limits this disk.
        """
        free = self._space(node).free
        self.limit(node, room if free is None else min(room, free))

    def limit(self, node: int, room: int | None) -> None:
        """Let a node's disk take only `room` more bytes of rows; None: any number.

        The world must have been built for a scenario that limits this disk.
        """
        self._space(node).limit(room)
        self._kernel.observe(node, DiskFilled(-1 if room is None else room))

    def free(self, node: int) -> None:
        """Let a node's disk take again what it took at first."""
        self._space(node).restore()
        self._kernel.observe(node, DiskFilled(-1))

    def stopped(self, node: int) -> tuple[int, ...]:
        """Return the nodes of its machine that are down because the disk was full."""
        device = self._kernel.hosts[node].device
        hosts = enumerate(self._kernel.hosts)
        return tuple(k for k, host in hosts if host.device is device and host.filled)

    def first(self, node: int) -> int:
        """Return the lowest number of a node that shares the disk of this one."""
        device = self._kernel.hosts[node].device
        return next(k for k, host in enumerate(self._kernel.hosts) if host.device is device)

    def rot(
        self, node: int, choose: Callable[[int], Sequence[int]], table: str | None = None
    ) -> None:
        """Flip bits of some rows of a node, of one table or of all.

        The world must have been built for a scenario in which this node's disk rots.

        Args:
            node: whose.
            choose: given the number of rows, returns the positions of those that are struck.
            table: to choose from; None: all tables.
        """
        self._kernel.observe(node, Rotted(self._medium(node).rot(choose, table)))

    def lie(self, node: int, cache_ns: int) -> None:
        """Let a node's disk acknowledge what a crash within `cache_ns` loses; 0 ends that."""
        host = self._kernel.hosts[node]
        if cache_ns:
            host.lie_about_writes(cache_ns, lambda: self._kernel.now)
        else:
            host.be_honest_about_writes()
        self._kernel.observe(-1, DiskLied(node, cache_ns))

    def _space(self, node: int) -> Space:
        space = self._medium(node).space
        assert space is not None, f"the disk of node {node} was built without a limit"
        return space

    def _medium(self, node: int) -> Medium:
        medium = self._kernel.hosts[node].medium
        assert medium is not None, f"the disk of node {node} was built to last"
        return medium
