"""File systems that are small, so that they can be filled up; made where the test may mount one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEBIBYTE = 1 << 20
BALLAST = "ballast"
"""A file that takes room, and gives it back when it is removed."""


class CannotMount(Exception):
    """This process may not mount a file system here."""


@contextmanager
def small_disk(kind: str, place: Path, size_mib: int, inodes: int = 0) -> Iterator[Path]:
    """Mount a file system of its own below `place`.

    Args:
        kind: "tmpfs" or "ext4" (in a file of `place`).
        place: an empty directory.
        size_mib: of it.
        inodes: how many files it may have; 0 for as many as there is room for. Only tmpfs.

    Raises:
        CannotMount: why there is none.
    """
    mounted = place / kind
    mounted.mkdir()
    options = f"size={size_mib}m" + (f",nr_inodes={inodes}" if inodes else "")
    if kind == "tmpfs":
        _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(mounted))
    else:
        image = place / "image"
        with image.open("wb") as file:
            file.truncate(size_mib * MEBIBYTE)
        _run("mkfs.ext4", "-q", "-m", "0", str(image))
        _run("mount", "-o", "loop", str(image), str(mounted))
    try:
        yield mounted
    finally:
        # Lazily: where the test has failed, files are still open, and that must not hide it.
        subprocess.run(["umount", "--lazy", str(mounted)], check=True, capture_output=True)


def fill(disk: Path, left_bytes: int) -> None:
    """Take all room but so much."""
    done = subprocess.run(["df", "-B1", "--output=avail", disk], capture_output=True, check=True)
    size = int(done.stdout.split()[-1]) - left_bytes
    (disk / BALLAST).write_bytes(bytes(max(0, size)))


def free(disk: Path) -> None:
    """Give the room back."""
    (disk / BALLAST).unlink()


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise CannotMount(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise CannotMount(f"{' '.join(command[:3])}: {error.stderr.strip()}") from error
