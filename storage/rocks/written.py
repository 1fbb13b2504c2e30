"""What a store has written since it was opened last, from the log that RocksDB keeps for people.

A row is written to the log, once more when its buffer becomes a table, and again each time that
its table is merged. How often is the write amplification, which wears a disk out and takes its
bandwidth from the node. RocksDB counts it while a store is open; of a store that is not, its file
`LOG` tells: it has an event for each table that came up, by the job that made it.

Reference: RocksDB wiki, "RocksDB Event Logger" (`EVENT_LOG_v1`).
"""

from pathlib import Path

import msgspec

LOG = "LOG"
MARK = "EVENT_LOG_v1 "


class _Event(msgspec.Struct, frozen=True):
    """What we read of an event."""

    event: str
    job: int = 0
    file_size: int = 0
    total_data_size: int = 0


class Written(msgspec.Struct, frozen=True):
    """Bytes that went to the disk since the store was opened last."""

    flushed_row_bytes: int
    """Rows that left the write buffers, as they were written."""
    flushed_table_bytes: int
    """The tables that they became."""
    merged_table_bytes: int
    """Tables that were merged from others."""

    @property
    def amplification(self) -> float | None:
        """Bytes written for each byte of rows, the log's one included; None before any flush."""
        if not self.flushed_row_bytes:
            return None
        tables = self.flushed_table_bytes + self.merged_table_bytes
        return 1 + tables / self.flushed_row_bytes


def written(directory: Path) -> Written | None:
    """Return what the file `LOG` of a store tells; None if there is none that can be read."""
    try:
        text = (directory / LOG).read_text(errors="replace")
    except OSError:
        return None
    rows = flushed = merged = 0
    flushes: set[int] = set()
    decoder = msgspec.json.Decoder(_Event)
    for line in text.splitlines():
        _, found, event_text = line.partition(MARK)
        if not found:
            continue
        try:
            event = decoder.decode(event_text)
        except msgspec.DecodeError:
            continue
        if event.event == "flush_started":
            flushes.add(event.job)
            rows += event.total_data_size
        elif event.event == "table_file_creation" and event.job in flushes:
            flushed += event.file_size
        elif event.event == "table_file_creation":
            merged += event.file_size
    return Written(rows, flushed, merged)
