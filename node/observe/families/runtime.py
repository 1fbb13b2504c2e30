"""Families of the process: memory, processor, disk, queues, the event loop, timed operations."""

from node.observe.families.family import LIVE, Family, Kind

_US = 1_000
_PROCESS = "psutil.Process"
_DRIVER = "node.runtime.driver"
_JOBS = "node.runtime.scheduler"


def _live(
    name: str,
    kind: Kind,
    meaning: str,
    source: str,
    *,
    unit: str = "",
    labels: tuple[str, ...] = (),
    bounds: tuple[int, ...] = (),
) -> Family:
    return Family(name, kind, meaning, source, unit=unit, labels=labels, worlds=LIVE, bounds=bounds)


MEMORY = Family(
    "blockchain_memory_bytes",
    Kind.GAUGE,
    "Resident memory of the node's process; in virtual time what its pool and tables hold.",
    f"{_PROCESS}; sim.usage",
    unit="bytes",
)
CPU_USAGE = Family(
    "blockchain_cpu_usage",
    Kind.GAUGE,
    "Processor cores that the node kept busy since the sample before.",
    f"{_PROCESS}; sim.usage",
)
CPU = _live(
    "runtime_cpu_seconds",
    Kind.COUNTER,
    "Processor time of the process, by mode.",
    _PROCESS,
    unit="seconds",
    labels=("mode",),
)
THREADS = _live("runtime_threads", Kind.GAUGE, "Threads of the process.", _PROCESS)
OPEN_FILES = _live(
    "runtime_open_files", Kind.GAUGE, "File descriptors of the process, sockets too.", _PROCESS
)
UPTIME = _live(
    "runtime_uptime_seconds", Kind.GAUGE, "Age of the process.", _PROCESS, unit="seconds"
)
HOST_NETWORK = _live(
    "runtime_host_network_bytes",
    Kind.COUNTER,
    "Bytes on all interfaces of the machine, by direction.",
    "psutil.net_io_counters",
    unit="bytes",
    labels=("direction",),
)
TURNS = _live("runtime_turns", Kind.COUNTER, "Turns of the node.", _DRIVER)
BUSY = _live(
    "runtime_busy_seconds",
    Kind.COUNTER,
    "Processor time of turns and their effects on the event loop.",
    _DRIVER,
    unit="seconds",
)
PORTIONS = _live(
    "runtime_portions", Kind.COUNTER, "Times that turns were run, some at a time.", _DRIVER
)
STALLS = _live(
    "runtime_stalls",
    Kind.COUNTER,
    "Portions that ended because the store or the workers had no room.",
    _DRIVER,
)
WORK_UNITS = _live(
    "runtime_work_units",
    Kind.COUNTER,
    "Units of work that turns have counted, by kind of cost.",
    _DRIVER,
    labels=("kind",),
)
JOBS = _live(
    "runtime_jobs", Kind.COUNTER, "Computations done, by priority.", _JOBS, labels=("priority",)
)
JOB_TIME = _live(
    "runtime_job_seconds",
    Kind.COUNTER,
    "Processor time of computations, by priority.",
    _JOBS,
    unit="seconds",
    labels=("priority",),
)
JOB_WAIT = _live(
    "runtime_job_wait_seconds",
    Kind.COUNTER,
    "Time that computations waited for a worker, by priority.",
    _JOBS,
    unit="seconds",
    labels=("priority",),
)
QUEUE_DEPTH = _live(
    "runtime_queue_depth",
    Kind.GAUGE,
    "Entries that wait in a queue of the runtime.",
    "node.runtime's queues",
    labels=("queue",),
)
QUEUE_DEPTH_MAX = _live(
    "runtime_queue_depth_max",
    Kind.GAUGE,
    "Most entries that ever waited in a queue of the runtime.",
    "node.runtime's queues",
    labels=("queue",),
)
QUEUE_DROPPED = _live(
    "runtime_queue_dropped",
    Kind.COUNTER,
    "Entries that found a queue of the runtime full.",
    "node.runtime's queues",
    labels=("queue",),
)
LOOP_LAG = _live(
    "runtime_loop_lag_seconds",
    Kind.HISTOGRAM,
    "How much too late the event loop woke up who asked for it.",
    "a task that sleeps",
    unit="seconds",
    bounds=tuple(
        us * _US for us in (100, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000)
    ),
)
GC_RUNS = _live(
    "runtime_gc_runs",
    Kind.COUNTER,
    "Garbage collections, by generation.",
    "gc.callbacks",
    labels=("generation",),
)
GC_TIME = _live(
    "runtime_gc_seconds",
    Kind.COUNTER,
    "Time that garbage collections took, by generation.",
    "gc.callbacks",
    unit="seconds",
    labels=("generation",),
)
OPERATION_TIME = _live(
    "runtime_operation_seconds",
    Kind.HISTOGRAM,
    "Time of named operations, while the profiler is on.",
    "node.observe.profiler",
    unit="seconds",
    labels=("operation",),
    bounds=tuple(
        us * _US
        for us in (
            *(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000),
            *(50_000, 100_000, 1_000_000),
        )
    ),
)
OPERATION_ERRORS = _live(
    "runtime_operation_errors",
    Kind.COUNTER,
    "Named operations that ended in an error, while the profiler is on.",
    "node.observe.profiler",
    labels=("operation",),
)

FAMILIES = (
    MEMORY,
    CPU_USAGE,
    CPU,
    THREADS,
    OPEN_FILES,
    UPTIME,
    HOST_NETWORK,
    TURNS,
    BUSY,
    PORTIONS,
    STALLS,
    WORK_UNITS,
    JOBS,
    JOB_TIME,
    JOB_WAIT,
    QUEUE_DEPTH,
    QUEUE_DEPTH_MAX,
    QUEUE_DROPPED,
    LOOP_LAG,
    GC_RUNS,
    GC_TIME,
    OPERATION_TIME,
    OPERATION_ERRORS,
)
