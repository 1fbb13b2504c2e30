"""Making RocksDB's write-ahead logs durable from outside of it.

A synced write of rocksdict holds the interpreter's lock for as long as the disk takes. `fdatasync`
of the log by ourselves does not, and means the same, because of how RocksDB treats its logs (read
off its system calls, and held to by `tests/unit/storage/rocks/test_log_sync.py`):

- a batch is one `write` to one log, shared by all families, and has reached the file when the call
  returns (as long as `manual_wal_flush` and memory-mapped writing are off);
- a log is begun by a batch that finds a full buffer, under a number higher than all before it. Its
  name is durable only after an `fsync` of the directory;
- a log is deleted only after its rows are in tables and those, the directory and the manifest that
  names them are synced. So a log that has vanished needs no sync;
- logs are not written a second time under another number (`recycle_log_file_num` is 0).

Reference: RocksDB wiki, "Write Ahead Log" and "WAL Recovery Modes"; Linux, `fsync(2)`.
"""

import os
from pathlib import Path

LOG_SUFFIX = ".log"


class LogSync:
    """Syncs what was written to the logs of one open store since it was last asked to.

    Args:
        directory: the store's.
    """

    __slots__ = ("_directory", "_newest", "directory_syncs", "log_syncs", "path")

    def __init__(self, directory: Path) -> None:
        self.path = directory
        self.log_syncs = 0
        """Logs synced so far, each time counted."""
        self.directory_syncs = 0
        """Syncs of the directory so far, one for each log that was new."""
        self._newest = -1
        """Number of the newest log whose bytes and name have been synced."""
        self._directory = os.open(directory, os.O_RDONLY)

    def sync(self) -> None:
        """Return once every byte that the logs hold now survives the end of the machine.

        Older logs go first: the end of one is never missing before a newer one that survived.

        Raises:
            OSError: the disk did not take it. What is durable then is unknown, and a second try
                would not tell: the system marks pages clean that it could not write.
        """
        logs = self._logs_from(self._newest)
        for number, name in logs:
            self._sync_log(name)
            if number > self._newest:
                os.fsync(self._directory)
                self.directory_syncs += 1
                self._newest = number

    def close(self) -> None:
        """Let the directory go; a second call does nothing."""
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1

    def _logs_from(self, least: int) -> list[tuple[int, str]]:
        """Return number and name of the logs from one number on, ascending."""
        with os.scandir(self._directory) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(LOG_SUFFIX)]
        found = sorted((int(name[: -len(LOG_SUFFIX)]), name) for name in names)
        return [entry for entry in found if entry[0] >= least]

    def _sync_log(self, name: str) -> None:
        try:
            log = os.open(name, os.O_RDONLY, dir_fd=self._directory)
        except FileNotFoundError:
            return  # its rows are in synced tables
        try:
            os.fdatasync(log)
            self.log_syncs += 1
        finally:
            os.close(log)
