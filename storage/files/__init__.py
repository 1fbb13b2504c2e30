"""Files that only grow: batched positioned input and output, archives, state snapshots."""

from storage.files.archive import (
    Archive as Archive,
    ArchiveLimits as ArchiveLimits,
    Mark as Mark,
)
from storage.files.batched import FileIO as FileIO, FileStatistics as FileStatistics
from storage.files.compression import (
    Compressor as Compressor,
    Plain as Plain,
    Zstandard as Zstandard,
)
from storage.files.errors import (
    CorruptFile as CorruptFile,
    EmptyFile as EmptyFile,
    NotSealed as NotSealed,
    OutOfOrder as OutOfOrder,
    ShortFile as ShortFile,
)
from storage.files.frozen import (
    FROZEN_TABLES as FROZEN_TABLES,
    FrozenSnapshot as FrozenSnapshot,
    FrozenStore as FrozenStore,
)
from storage.files.layout import Range as Range, Seal as Seal
from storage.files.positioned import PositionedFile as PositionedFile
from storage.files.reader import ArchiveReader as ArchiveReader, Entry as Entry
from storage.files.recovery import Tear as Tear
from storage.files.snapshots import (
    SnapshotFile as SnapshotFile,
    write_snapshot as write_snapshot,
)
from storage.files.walking import Progress as Progress
from storage.files.writer import ArchiveWriter as ArchiveWriter
