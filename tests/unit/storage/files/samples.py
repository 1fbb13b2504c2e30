"""Small archive files whose content is known."""

from pathlib import Path

from storage.files import ArchiveReader, ArchiveWriter, Zstandard

KINDS = ("block", "certificate")
Records = list[tuple[str, int, bytes]]


def records(count: int, first: int = 0) -> Records:
    """Return pairs of records with payloads that compress, that do not, and that are empty."""
    made: Records = []
    for number in range(first, first + count):
        payload = (b"", b"block %d " % number * 20, bytes(range(number % 200)))[number % 3]
        made += [("block", number, payload), ("certificate", number, b"c%d" % number)]
    return made


def write(path: Path, batches: list[Records], *, seal: bool = True) -> list[int]:
    """Write a file, synced after each batch, and return the size after each sync."""
    sizes = []
    with ArchiveWriter.create(path, KINDS, {"chain": "test"}, Zstandard()) as writer:
        for batch in batches:
            for record in batch:
                writer.append(*record)
            sizes.append(writer.sync())
        if seal:
            writer.seal()
    return sizes


def content(path: Path) -> Records:
    """Return what a sealed file holds, read from end to end."""
    with ArchiveReader(path) as reader:
        return [(each.kind, each.number, each.payload) for each in reader.entries()]
