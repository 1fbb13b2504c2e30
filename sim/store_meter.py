"""Looks at what the nodes of a world have on disk, and at the memory that all of this takes.

Rows are counted when the run has ended. Files and memory are looked at as it goes, so that one can
see whether they grow with the chain; no run depends on what is seen.
"""

import os
from pathlib import Path

import msgspec

from sim.hosts.rocks_drive import RocksDrive
from sim.hosts.volatile import VolatileStore
from sim.kernel.host import Host
from sim.report.storage import StorageFigures, StoreFiles, StoreMark
from sim.scenario import StoreSpec
from sim.world import World
from storage.memory import MemoryStore

STATM = Path("/proc/self/statm")
"""Pages of this process; the second number is those that are resident (proc(5))."""


class StoreMeter:
    """Takes marks of a world.

    Args:
        world: with its nodes' files, if they have any.
        spec: what the nodes keep their rows in.
    """

    def __init__(self, world: World, spec: StoreSpec) -> None:
        self._world = world
        self._spec = spec
        self.marks: list[StoreMark] = []
        """In order of time."""

    def mark(self) -> None:
        """Look at files and memory."""
        mark = StoreMark(
            at_seconds=self._world.now / 1e9,
            height=self._world.head.number,
            file_bytes=sum(drive.file_bytes() for drive in self._drives()),
            process_bytes=resident_bytes(),
        )
        self.marks.append(mark)

    def figures(self, counted: StorageFigures | None) -> StorageFigures | None:
        """Return what was counted, with what there is to see now, and all marks."""
        if counted is None:
            return None
        sizes = [_held(host) for host in self._world.kernel.hosts]
        return msgspec.structs.replace(
            counted,
            engine=self._spec.engine,
            state=self._spec.form,
            rows=sum(rows for rows, _ in sizes),
            row_bytes=sum(size for _, size in sizes),
            files=self._files(),
            marks=tuple(self.marks),
        )

    def _files(self) -> StoreFiles | None:
        drives = self._drives()
        if not drives:
            return None
        written = [drive.written() for drive in drives]
        return StoreFiles(
            file_bytes=sum(drive.file_bytes() for drive in drives),
            asked_bytes=sum(each.asked for each in written),
            written_bytes=sum(each.log + each.tables for each in written),
        )

    def _drives(self) -> list[RocksDrive]:
        media = [host.medium for host in self._world.kernel.hosts if host.medium is not None]
        return [medium.drive for medium in media if isinstance(medium.drive, RocksDrive)]


def _held(host: Host) -> tuple[int, int]:
    """Return rows, and bytes of their keys and values, that a node has on its disk."""
    if host.medium is not None:
        return host.medium.held()
    store = host.store.store if isinstance(host.store, VolatileStore) else host.store
    assert isinstance(store, MemoryStore)
    return store.row_count(), store.byte_count()


def resident_bytes() -> int:
    """Return the memory of this process, in bytes; 0 where the system does not tell."""
    try:
        pages = STATM.read_text("ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
