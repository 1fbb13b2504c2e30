"""What a crash has left of an archive file that was not sealed: find it, and cut the rest off."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from storage.files.errors import CorruptFile, EmptyFile
from storage.files.index import Index
from storage.files.layout import Header, decode_header
from storage.files.positioned import PositionedFile
from storage.files.records import Flags, Part
from storage.files.walking import (
    Digest,
    Fault,
    Stored,
    Window,
    has_synced_record,
    new_digest,
    walk,
)


class Tear(msgspec.Struct, frozen=True):
    """What was cut off the end of a file."""

    file: str
    """Its name."""
    offset: int
    """Of the first byte that was of no use."""
    reason: str
    lost_bytes: int
    """From there to what was the end."""


class Recovered(msgspec.Struct, frozen=True):
    """A file to go on with."""

    header: Header
    index: Index
    digest: Digest
    """Of all its bytes."""
    size: int
    torn: Tear | None


def recover(file: PositionedFile, durable: int | None) -> Recovered:
    """Cut the torn tail of a file off, and an index and seal that were not finished.

    What stays is synced: it may have been in the page cache only.

    Args:
        file: writable.
        durable: bytes that are known to have been synced: damage before is damage, what comes
            after the first record behind it that is not whole is cut off. None if nobody knows;
            then the records themselves say what had been synced before them.

    Raises:
        CorruptFile: what was synced is damaged; nothing is cut.
        EmptyFile: there is not even a header, and nothing had been synced behind it.
    """
    window = Window(file)
    walked = _Walked(file.path)
    for found in walk(window):
        walked.take(found)
    fault, stop = walked.fault, walked.stop
    if fault is not None and durable is None and not walked.synced_behind and stop is not None:
        walked.synced_behind = has_synced_record(window, max(stop.offset, fault.offset + 1))
    if window.size < (durable or 0):
        reason = f"the file ends before byte {durable}, the last one synced"
        raise CorruptFile(file.path, window.size, reason)
    if fault is not None and (walked.synced_behind if durable is None else fault.offset < durable):
        raise CorruptFile(file.path, fault.offset, fault.reason)
    if walked.header is None:
        raise EmptyFile(str(file.path), "an archive file", fault.reason if fault else "no bytes")
    file.truncate(walked.size)
    torn = None
    if fault is not None:
        torn = Tear(file.path.name, fault.offset, fault.reason, window.size - fault.offset)
    return Recovered(walked.header, walked.index, walked.digest, walked.size, torn)


@dataclass(slots=True)
class _Walked:
    """What a walk over a file has found so far."""

    path: Path
    header: Header | None = None
    index: Index = field(default_factory=Index)
    digest: Digest = field(default_factory=new_digest)
    size: int = 0
    """Where the last record ends before which all are good."""
    fault: Fault | None = None
    """The first one."""
    stop: Fault | None = None
    """The one at which the walk had to end."""
    synced_behind: bool = False
    """Whether a record behind the fault says that all before it had been synced."""

    def take(self, found: Stored | Fault) -> None:
        """Go on by a record."""
        if isinstance(found, Fault):
            self.fault = self.fault or found
            self.stop = found if found.last else None
        elif self.fault is not None:
            self.synced_behind |= bool(found.head.flags & Flags.SYNCED)
        elif self._belongs(found):
            self.digest.update(found.data)
            self.size = found.end
        else:
            self.fault = Fault(found.offset, _unfinished(found), last=False)

    def _belongs(self, found: Stored) -> bool:
        head = found.head
        if self.header is None:
            if head.part == Part.HEADER and not found.offset:
                self.header = decode_header(self.path, bytes(found.payload))
            return self.header is not None
        last = self.index.last(head.kind)
        if head.part != Part.ENTRY or head.kind >= len(self.header.kinds):
            return False
        if last is not None and head.number <= last:
            return False
        self.index.add(head.kind, head.number, found.offset, len(found.data))
        return True


def _unfinished(found: Stored) -> str:
    if found.head.part == Part.INDEX:
        return "the file was not closed to the end"
    return f"a record that does not belong here: {found.head}"
