"""What the system says about the node's process."""

from collections.abc import Callable, Iterable, Iterator

import psutil

from node.observe.families import Family, chain, runtime, storage
from node.observe.reading import Reading, by_label

READ, WRITTEN = "read", "written"
RECEIVED, SENT = "received", "sent"


class ProcessSource:
    """Reads memory, processor, disk and network of this process and machine.

    What the system does not tell (disk figures on some platforms and in some containers) is left
    out rather than shown as 0.
    """

    def __init__(self, process: psutil.Process | None = None) -> None:
        self._process = process or psutil.Process()
        self.cpu_usage = 0.0
        """Cores kept busy between the latest two samples."""
        self._sampled: tuple[int, float] | None = None
        """Instant of the latest sample in ns, and processor seconds used by then."""

    def sample(self, at_ns: int) -> None:
        """Find the processor usage since the sample before."""
        times = self._process.cpu_times()
        used = times.user + times.system
        if self._sampled is not None and at_ns > self._sampled[0]:
            before_ns, before = self._sampled
            self.cpu_usage = (used - before) * 1e9 / (at_ns - before_ns)
        self._sampled = (at_ns, used)

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        process = self._process
        with process.oneshot():
            times = process.cpu_times()
            yield Reading(runtime.MEMORY, process.memory_info().rss)
            yield Reading(runtime.CPU_USAGE, self.cpu_usage)
            yield from by_label(runtime.CPU, (("user", times.user), ("system", times.system)))
            yield Reading(runtime.THREADS, process.num_threads())
            yield from _told(lambda: [Reading(runtime.OPEN_FILES, process.num_fds())])
            yield from _told(lambda: self._disk(storage.DISK_IO))
        yield from _told(_host_network)

    def _disk(self, family: Family) -> Iterable[Reading]:
        io = self._process.io_counters()
        return by_label(family, ((READ, io.read_bytes), (WRITTEN, io.write_bytes)))


def _host_network() -> Iterable[Reading]:
    totals = psutil.net_io_counters()
    if totals is None:
        return ()
    directions = ((RECEIVED, totals.bytes_recv), (SENT, totals.bytes_sent))
    return by_label(runtime.HOST_NETWORK, directions)


def _told(ask: Callable[[], Iterable[Reading]]) -> Iterable[Reading]:
    """Return the readings, or none where the system does not tell them."""
    try:
        return ask()
    except (AttributeError, NotImplementedError, OSError, psutil.Error):
        return ()


class UptimeSource:
    """How long the node's process has been running.

    Args:
        uptime_ns: returns it.
    """

    def __init__(self, uptime_ns: Callable[[], int]) -> None:
        self._uptime_ns = uptime_ns

    def readings(self) -> Iterator[Reading]:
        """Yield the present number."""
        yield Reading(runtime.UPTIME, self._uptime_ns())


class PoolSource:
    """What waits in the node's pool.

    Args:
        pool: returns it: pending and queued transactions, and their bytes.
    """

    def __init__(self, pool: Callable[[], tuple[int, int, int]]) -> None:
        self._pool = pool

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        pending, queued, size = self._pool()
        counts = (("pending", pending), ("queued", queued))
        yield from by_label(chain.POOL_TRANSACTIONS, counts)
        yield Reading(chain.POOL_BYTES, size)
