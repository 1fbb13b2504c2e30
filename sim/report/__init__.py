"""What a run leaves behind: figures, metrics, trace file, report page.

A caller makes a `Collector` (and a `TraceWriter`), subscribes their methods to the trace, runs the
world, calls `Collector.finish`, builds the result and writes the directory.
"""

from sim.report.collect import Collector
from sim.report.figures import RunIdentity, build_result
from sim.report.page.document import render_report
from sim.report.picture import LinkPicture, NetworkPicture, NodePicture
from sim.report.result import (
    Breach,
    Expectation,
    Percentiles,
    RunResult,
    encode_result,
    read_result,
)
from sim.report.seeds import Interval, intervals
from sim.report.stream import BlockTransactions, RunShape
from sim.report.tracefile import TraceLine, TraceWriter, read_trace
from sim.report.writer import begin_run_directory, is_partial, write_run_directory

__all__ = [
    "BlockTransactions",
    "Breach",
    "Collector",
    "Expectation",
    "Interval",
    "LinkPicture",
    "NetworkPicture",
    "NodePicture",
    "Percentiles",
    "RunIdentity",
    "RunResult",
    "RunShape",
    "TraceLine",
    "TraceWriter",
    "begin_run_directory",
    "build_result",
    "encode_result",
    "intervals",
    "is_partial",
    "read_result",
    "read_trace",
    "render_report",
    "write_run_directory",
]
