"""Where files are written a thousand times."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture
def fast_path(tmp_path: Path) -> Iterator[Path]:
    """Yield a directory in memory where the machine has one, so that syncs take no time."""
    if not SHARED_MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="orrery-files-", dir=SHARED_MEMORY) as name:
        yield Path(name)
