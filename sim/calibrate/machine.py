"""Which machine this is."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from sim.profile import MachineFacts

CPUINFO = Path("/proc/cpuinfo")
UNKNOWN = "unknown"


def machine_facts(cpuinfo: Path = CPUINFO) -> MachineFacts:
    """Return what a reader of a profile must know of the machine; nothing that names it."""
    return MachineFacts(
        processor=processor_model(cpuinfo),
        cores=os.cpu_count() or 1,
        memory_bytes=memory_bytes(),
        system=f"{platform.system()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        measured_on=datetime.now(UTC).date().isoformat(),
    )


def processor_model(cpuinfo: Path = CPUINFO) -> str:
    """Return the processor's name: as Linux tells it, else as the platform does."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine() or UNKNOWN


def memory_bytes() -> int:
    """Return the size of the main memory; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0
