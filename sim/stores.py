"""Where the nodes of a world keep what is durable, and the machines that they run on."""

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from primitives.interning import Interning
from sim.hosts.disk import Disk, DiskSpec
from sim.hosts.medium import Medium
from sim.hosts.processors import Processors
from sim.hosts.rocks_drive import RocksDrive
from sim.hosts.space import Space
from sim.kernel.host import Host
from sim.profile import Profile
from sim.scenario import BitRot, FullDisk, NodePlan, Scenario
from storage.memory import MemoryStore
from storage.rocks import RocksStore, profile as rocks_profile, shared_cache

STORES = "store"
"""Directory below a run's, in which each node has one of its own."""


class Stores:
    """What the nodes of one world keep, and in what.

    Args:
        scenario: checked.
        directory: where the nodes' directories shall be, if they have any; what is there goes.
            None: in a temporary one, which is removed with the world.
    """

    def __init__(self, scenario: Scenario, directory: Path | None = None) -> None:
        self._spec = scenario.store
        self._limited = [event.node for event in scenario.events if isinstance(event, FullDisk)]
        rotting = [event.node for event in scenario.events if isinstance(event, BitRot)]
        self.fragile = tuple(dict.fromkeys(rotting))
        """Nodes that are going to read damage: each computes from what it has itself."""
        self.interning = None if scenario.fidelity == "isolated" else Interning()
        """Of rows in memory: what the nodes write alike is held once."""
        self._drives: list[RocksDrive] = []
        self._temporary: TemporaryDirectory[str] | None = None
        self._opened: Callable[..., RocksStore] | None = None
        self._directory = directory
        if self._spec.engine == "rocksdb":
            cache = shared_cache(rocks_profile(self._spec.profile).block_cache_bytes)
            self._opened = partial(RocksStore, cache=cache)
            if directory is None:
                self._temporary = TemporaryDirectory(prefix="orrery-store-")
                self._directory = Path(self._temporary.name)
            else:
                shutil.rmtree(directory, ignore_errors=True)

    def hosts(self, plans: Sequence[NodePlan], profile: Profile) -> list[Host]:
        """Return the nodes' places, those of one machine with the same cores and disk."""
        processors: dict[int, Processors] = {}
        disks: dict[int, Disk] = {}
        spaces: dict[int, Space] = {}
        full = {plans[node].machine for node in self._limited}
        for plan in plans:
            processors.setdefault(plan.machine, Processors(plan.cores))
            spec = DiskSpec(plan.disk.latency, plan.disk.fsync, plan.disk.throughput)
            disks.setdefault(plan.machine, Disk(spec))
            if plan.disk.capacity is not None or plan.machine in full:
                spaces.setdefault(plan.machine, Space(plan.disk.capacity))
        hosts = []
        for plan in plans:
            space = spaces.get(plan.machine)
            rows = MemoryStore() if plan.gateway else self._rows(plan.node)
            medium = self._medium(plan.node, rows, space)
            host = Host(
                index=plan.node,
                base_costs=profile.table(plan.cpu_speed),
                processors=processors[plan.machine],
                disk=disks[plan.machine],
                store=rows if medium is None else medium,
                medium=medium,
                ahead=space is None and plan.node not in self.fragile,
            )
            hosts.append(host)
        return hosts

    def _rows(self, node: int) -> MemoryStore | RocksDrive:
        if self._opened is None or self._directory is None:
            return MemoryStore(interning=self.interning)
        name = f"node-{node:03}"
        options = rocks_profile(self._spec.profile)
        # What errors say may stand in the trace, which knows no path of this machine.
        opened = partial(self._opened, named=Path(name))
        drive = RocksDrive(self._directory / name, options, opened)
        self._drives.append(drive)
        return drive

    def _medium(
        self, node: int, rows: MemoryStore | RocksDrive, space: Space | None
    ) -> Medium | None:
        if isinstance(rows, RocksDrive):
            return Medium(rows, rows, space)
        if space is None and node not in self.fragile:
            return None
        return Medium(rows, None, space)

    def close(self) -> None:
        """Let go of all files; those in a temporary directory are removed."""
        for drive in self._drives:
            drive.close()
        self._drives.clear()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None
