"""The directory of a load: `summary.json` and `report.html`, born partial like a run's."""

from pathlib import Path
from tempfile import TemporaryFile

from primitives.errors import InvalidInput
from sim.load.histogram import LatencyHistogram
from sim.load.page import render_load_report
from sim.load.result import LoadResult, encode_load
from sim.report.writer import PARTIAL_MARKER, REPORT, SUMMARY

_NOTE = "This load did not reach its end: the files beside this one cover a part of it, or none.\n"


def check_writable(parent: Path) -> None:
    """Make sure, before a load, that its directory can be made in the end.

    Raises:
        InvalidInput: it cannot.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise _unwritable(parent, error.strerror) from error


def begin_load_directory(parent: Path, stamp: str) -> Path:
    """Make a directory of a new name and mark it partial.

    Args:
        parent: where it goes.
        stamp: its time; a number is added where that is taken.

    Raises:
        InvalidInput: it cannot be made or written to.
    """
    number = 1
    while True:
        path = parent / (f"load-{stamp}" + (f"-{number}" if number > 1 else ""))
        try:
            path.mkdir(parents=True)
            (path / PARTIAL_MARKER).write_text(_NOTE, "utf-8")
        except FileExistsError:
            if not path.is_dir():
                raise _unwritable(parent, "a file of that name") from None
            number += 1
        except OSError as error:
            raise _unwritable(parent, error.strerror) from error
        else:
            return path


def write_load_directory(path: Path, result: LoadResult, inclusion: LatencyHistogram) -> None:
    """Write everything, and take the marker away if the load went to its end.

    Raises:
        InvalidInput: the directory cannot be written to.
    """
    try:
        _write_whole(path / REPORT, render_load_report(result, inclusion).encode())
        _write_whole(path / SUMMARY, encode_load(result))
        if not result.partial:
            (path / PARTIAL_MARKER).unlink()
    except OSError as error:
        raise _unwritable(path, error.strerror) from error


def _write_whole(path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + ".draft")
    draft.write_bytes(content)
    draft.replace(path)


def _unwritable(path: Path, reason: object) -> InvalidInput:
    return InvalidInput(str(path), "a directory that can be written to", reason)
