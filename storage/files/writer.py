"""Writing one archive file: append, sync, seal; and going on with one that a crash has left.

Until it is sealed, a file is a valid beginning: every record checks itself. What may stand at its
end after a crash depends on what was synced, and the file tells how far that was: the first record
after a sync says so (`Flags.SYNCED`). So damage is told from a torn tail. A torn tail is what lies
behind the last sync; it is cut off. Damage before it means that the disk has lost what it had
taken, and nothing is cut: the error names the place.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType

from primitives.errors import InvalidInput
from storage.files.compression import Compressor, Plain
from storage.files.errors import OutOfOrder
from storage.files.index import Index
from storage.files.layout import Seal, decode_seal, encode_header, encode_seal, is_sealed
from storage.files.positioned import PositionedFile, sync_directory
from storage.files.records import (
    HEAD,
    KIND_MAX,
    NUMBER_MAX,
    PAYLOAD_BYTES_MAX,
    Flags,
    Part,
    encode_head,
)
from storage.files.recovery import Tear, recover
from storage.files.walking import Digest, new_digest
from storage.rocks.errors import StoreClosed, StoreError, StoreFailed, UnknownTable

BUFFER_BYTES = 1 << 20
"""Gathered before a write; a record of 300 bytes costs no system call of its own."""
NO_METADATA: Mapping[str, str] = MappingProxyType({})


class ArchiveWriter:
    """An archive file that is open for appending. Made by `create` or `resume`.

    One thread uses it. After a `StoreFull` it may go on once there is room; after a failed sync it
    is of no use, because the system may have dropped what it could not write: open it again.
    """

    def __init__(
        self, file: PositionedFile, kinds: tuple[str, ...], compressor: Compressor | None
    ) -> None:
        self.path = file.path
        self.kinds = kinds
        self.index = Index()
        self.size = 0
        """Bytes of the file, with those that are not written yet."""
        self.durable = 0
        """How many of them survive the end of the machine."""
        self.torn: Tear | None = None
        """What `resume` has cut off."""
        self._file = file
        self._kinds = {name: kind for kind, name in enumerate(kinds)}
        self._compressor = compressor or Plain()
        self._digest: Digest = new_digest()
        self._pending: list[bytes] = []
        self._written = 0
        self._failed = False

    @classmethod
    def create(
        cls,
        path: Path,
        kinds: tuple[str, ...],
        metadata: Mapping[str, str] = NO_METADATA,
        compressor: Compressor | None = None,
    ) -> "ArchiveWriter":
        """Make a new file; when this returns, its header and its name are durable.

        Args:
            path: of the file; there is none yet.
            kinds: names of the kinds of records that may be put in.
            metadata: told to whoever reads the file.
            compressor: of single payloads; None stores them as they are.

        Raises:
            StoreError: there is such a file, or the disk refuses one.
        """
        if len(set(kinds)) != len(kinds) or len(kinds) > KIND_MAX:
            raise InvalidInput("archive.kinds", f"different names, {KIND_MAX} at most", kinds)
        if path.exists():
            raise StoreError(str(path), "a name that is free", "a file")
        writer = cls(PositionedFile(path, writable=True), kinds, compressor)
        try:
            writer._begin(encode_header(kinds, metadata))
        except BaseException:
            writer.close()
            with suppress(OSError):
                path.unlink()
            raise
        return writer

    @classmethod
    def resume(
        cls, path: Path, durable: int | None = None, compressor: Compressor | None = None
    ) -> "ArchiveWriter":
        """Open a file that is not sealed, and cut off what a crash has torn (`torn` tells).

        Args:
            path: of the file.
            durable: bytes that are known to have been synced; None if nobody knows. Damage before
                is never taken for a torn tail.
            compressor: of single payloads.

        Raises:
            CorruptFile: what was synced is damaged; nothing is cut.
            EmptyFile: the crash came before even a header was durable; remove the file.
            StoreError: it is sealed: nothing may be put in any more.
        """
        file = PositionedFile(path, writable=True)
        try:
            if is_sealed(file):
                raise StoreError(str(path), "a file that may grow", "one that is sealed")
            found = recover(file, durable)
            writer = cls(file, found.header.kinds, compressor)
            writer.index, writer.torn = found.index, found.torn
            writer._digest = found.digest
            writer.size = writer._written = writer.durable = found.size
        except BaseException:
            file.close()
            raise
        return writer

    def append(self, kind: str, number: int, payload: bytes) -> None:
        """Put a record at the end. It is durable after the next `sync`.

        Args:
            kind: one of the file's.
            number: above all others of this kind.
            payload: any bytes.

        Raises:
            OutOfOrder: the number is not above the others.
            StoreFull: the disk is. The record is gathered all the same: a later `sync` tries again.
        """
        self._usable()
        found = self._kinds.get(kind)
        if found is None:
            raise UnknownTable(str(self.path), f"one of {', '.join(self.kinds)}", repr(kind))
        last = self.index.last(found)
        if not (-1 if last is None else last) < number <= NUMBER_MAX:
            raise OutOfOrder(str(self.path), f"a number of {kind} above {last}", number)
        if len(payload) > PAYLOAD_BYTES_MAX:
            expected = f"{PAYLOAD_BYTES_MAX} bytes at most"
            raise InvalidInput(f"{self.path}: {kind} {number}", expected, len(payload))
        stored, flags = self._compressor.compress(payload)
        offset = self.size
        self._put(Part.ENTRY, stored, flags=flags, kind=found, number=number)
        self.index.add(found, number, offset, self.size - offset)
        if self.size - self._written >= BUFFER_BYTES:
            self._flush()

    def sync(self) -> int:
        """Make all that was put in durable, and return the bytes of the file.

        Raises:
            StoreFull: the disk is; try again when there is room.
            StoreFailed: the disk has failed; open the file again.
        """
        self._usable()
        self._flush()
        size = self._written
        if self.durable < size:
            try:
                self._file.sync()
            except StoreError:
                self._failed = True
                raise
            self.durable = size
        return self.durable

    def seal(self) -> Seal:
        """Put index and digest at the end, make all durable, and close the file.

        A crash leaves either a file with a whole seal and all before it, or one to go on with.

        Raises:
            StoreFull: the disk is; the file is as it was after the last record.
        """
        self.sync()
        start = self.size
        index = self.index.encode()
        front = encode_head(start, Part.INDEX, index, flags=Flags.SYNCED)
        digest = self._digest.copy()
        digest.update(front)
        digest.update(index)
        payload = encode_seal(self.index, start, digest.digest())
        at = start + len(front) + len(index)
        try:
            # Two syncs: the seal must not be on the disk while parts of the index are not.
            self._file.write(start, (front, index))
            self._file.sync()
            self._file.write(at, (encode_head(at, Part.SEAL, payload), payload))
            self._file.sync()
        except StoreError:
            self._undo(start)
            raise
        self.size = self.durable = self._written = at + HEAD.size + len(payload)
        self.close()
        seal = decode_seal(payload)
        assert seal is not None, "what was encoded just now"
        return seal

    def flush(self) -> None:
        """Write out what was gathered, so that it can be read from the file.

        Raises:
            StoreFull: the disk is; try again when there is room.
        """
        self._usable()
        self._flush()

    def flush_for(self, kind: int, numbers: Sequence[int]) -> None:
        """Write out what was gathered, if one of these entries is among it.

        Others can be read although the disk is full, or has failed.

        Raises:
            StoreFull: the disk is.
        """
        places = [self.index.find(kind, number) for number in numbers]
        if any(sum(place) > self._written for place in places if place is not None):
            self.flush()

    def last(self, kind: str) -> int | None:
        """Return the highest number of a kind in this file, or None when there is none."""
        found = self._kinds.get(kind)
        return None if found is None else self.index.last(found)

    def kind(self, name: str) -> int | None:
        """Return the number of a kind in this file, or None where there is no such kind."""
        return self._kinds.get(name)

    def close(self) -> None:
        """Let go of the file; what was not synced may be lost. A second call does nothing."""
        self._file.close()

    def __enter__(self) -> "ArchiveWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self, header: bytes) -> None:
        self._pending.append(header)
        self.size = len(header)
        self.sync()
        sync_directory(self.path.parent)

    def _put(
        self, part: Part, payload: bytes, *, flags: int = 0, kind: int = 0, number: int = 0
    ) -> None:
        """Gather a record; the first one after a sync says that there was one."""
        if self.size == self.durable:
            flags |= Flags.SYNCED
        head = encode_head(self.size, part, payload, flags=flags, kind=kind, number=number)
        self._pending += (head, payload)
        self.size += HEAD.size + len(payload)

    def _flush(self) -> None:
        """Write out what was gathered; if the disk refuses, it stays gathered."""
        if not self._pending:
            return
        self._file.write(self._written, self._pending)
        for each in self._pending:
            self._digest.update(each)
        self._written = self.size
        self._pending = []

    def _undo(self, size: int) -> None:
        """Take back a seal that the disk would not have: more may be put in, or it is tried again.

        What stood behind the end would stand behind a later, shorter seal.
        """
        try:
            self._file.truncate(size)
        except StoreError:
            self._failed = True

    def _usable(self) -> None:
        if self._failed:
            raise StoreFailed(str(self.path), "a file that was opened again", "a failed sync")
        if self._file.closed:
            raise StoreClosed(self.path)
