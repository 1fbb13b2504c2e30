"""The run directory: what a run leaves behind on disk.

A directory is born partial. `begin_run_directory` puts a marker file there before the first event,
and only `write_run_directory` takes it away, as its last step and only for a run that went to its
end. So whoever finds a directory with the marker knows that the run was killed, stopped by a
violation or interrupted, whichever of its files are there. Each file appears under its name only
when it is whole.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from primitives.errors import InvalidInput
from sim.report.collect import Collector
from sim.report.metrics import write_metrics
from sim.report.page.document import render_report
from sim.report.picture import NetworkPicture
from sim.report.result import RunResult, encode_result

PARTIAL_MARKER = "PARTIAL"
SUMMARY = "summary.json"
SCENARIO = "scenario.toml"
METRICS = "metrics.om"
TRACE = "trace.jsonl.zst"
REPORT = "report.html"

_NOTE = "This run did not reach its end: the files beside this one cover a part of it, or none.\n"


def begin_run_directory(
    path: Path,
    scenario_text: str,
    extra: Sequence[str] = (),
    beside: Mapping[str, str] | None = None,
) -> None:
    """Make the directory, clear what an earlier run left there, and mark it partial.

    Only files of the names above are removed, and those of the names in `extra`.

    Args:
        path: the run directory.
        scenario_text: the resolved scenario as TOML.
        extra: names of more files to remove.
        beside: files that the scenario names, by name: what it takes to run it again.

    Raises:
        InvalidInput: the directory cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / PARTIAL_MARKER).write_text(_NOTE, "utf-8")
        texts = beside or {}
        for name in (SUMMARY, REPORT, METRICS, TRACE, *extra):
            if name not in texts:
                (path / name).unlink(missing_ok=True)
        for name, text in texts.items():
            _write_whole(path / name, text)
        _write_whole(path / SCENARIO, scenario_text)
    except OSError as error:
        raise _unwritable(path, error) from error


def write_run_directory(
    path: Path,
    result: RunResult,
    collector: Collector,
    *,
    scenario_text: str,
    network: NetworkPicture | None = None,
    seeds: Sequence[RunResult] = (),
    epoch_s: int = 0,
    extra: Mapping[str, str] | None = None,
) -> None:
    """Write everything but the trace (`TraceWriter` has written that) and settle the marker.

    May be called again for the same run, e.g. with `seeds` once all of them are known.

    Args:
        path: the run directory; made if `begin_run_directory` was not called.
        result: figures; `result.partial` keeps the marker.
        collector: finished.
        scenario_text: the resolved scenario as TOML.
        network: what to draw of the network.
        seeds: results of all seeds of this invocation, this one included.
        epoch_s: Unix time that stands for virtual time 0 in `metrics.om`.
        extra: more files to write, by name.

    Raises:
        InvalidInput: the directory cannot be written to.
    """
    page = render_report(
        result, collector, network=network, scenario_text=scenario_text, seeds=seeds
    )
    metrics = io.StringIO()
    write_metrics(collector, metrics, epoch_s, network)
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / PARTIAL_MARKER).write_text(_NOTE, "utf-8")
        _write_whole(path / SCENARIO, scenario_text)
        _write_whole(path / METRICS, metrics.getvalue())
        _write_whole(path / REPORT, page)
        for name, text in (extra or {}).items():
            _write_whole(path / name, text)
        _write_whole(path / SUMMARY, encode_result(result).decode())
        if not result.partial:
            (path / PARTIAL_MARKER).unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def is_partial(path: Path) -> bool:
    """Return whether a run directory holds less than a whole run."""
    return (path / PARTIAL_MARKER).exists() or not (path / SUMMARY).exists()


def _write_whole(path: Path, content: str) -> None:
    """Write beside the place and move into it: readers see the old file or the new one."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(content, "utf-8")
    draft.replace(path)


def _unwritable(path: Path, error: OSError) -> InvalidInput:
    return InvalidInput(str(path), "a run directory that can be written to", error.strerror)
