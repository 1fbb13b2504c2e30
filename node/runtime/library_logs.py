"""Lets what libraries and servers say by the standard `logging` stand in the node's log."""

import logging

from node.runtime.logs import Level, Log


class LibraryHandler(logging.Handler):
    """Writes records of `logging` as lines.

    Args:
        log: of the process.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; an exception's last words go with it."""
        level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARNING
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {record.exc_info[1]!r}"
        self._log.write(level, f"log.{record.name}", text=text)


def take_over(log: Log) -> LibraryHandler:
    """Let all warnings and errors of libraries go into a log; `give_back` ends that."""
    handler = LibraryHandler(log)
    logging.getLogger().addHandler(handler)
    return handler


def give_back(handler: LibraryHandler) -> None:
    """Let a log be written to no more."""
    logging.getLogger().removeHandler(handler)
