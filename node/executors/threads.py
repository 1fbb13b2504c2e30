"""Worker threads: for work that lets go of the interpreter, such as arithmetic on curves.

An edge: threads touch the world. Whoever drives nodes makes the pool and hands it in.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Lock
from types import TracebackType

from node.execution_setting import ExecutionEngine
from node.executors.pool import FUNCTIONS
from node.executors.versions import MultiVersion
from node.executors.work import BlockWork, End, try_transaction
from primitives.ids import Hash32
from storage.changes import StateChanges


class ThreadPool:
    """A pool of threads of this process; a `Pool` and a `Backend`. Use it in a `with`, or close it.

    Args:
        workers: threads, at least 1.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="orrery")
        self._engines = [ExecutionEngine() for _ in range(workers)]
        """A virtual machine serves one thread at a time."""
        self._running: dict[Future[list[End]], int] = {}
        """What is under way, and on which worker."""
        self._recording = Lock()
        self._work: BlockWork | None = None
        self._versions: MultiVersion | None = None

    @property
    def workers(self) -> int:
        """How many attempts or tasks it makes at a time."""
        return self._workers

    def map(self, name: str, tasks: Iterable[bytes]) -> Sequence[bytes]:
        """Return the result of the function `name` for each task, in order."""
        function = FUNCTIONS[name]
        started = [self._threads.submit(function, task) for task in tasks]
        return [future.result() for future in started]

    def follow(self, block: Hash32, parent: Hash32, changes: StateChanges) -> None:
        """Do nothing: whoever works here sees the state itself."""

    def begin(self, work: BlockWork, versions: MultiVersion) -> None:
        """Turn to a block."""
        # A block that was given up in the middle may have left something under way.
        wait(self._running)
        self._running = {}
        self._work, self._versions = work, versions

    def idle(self) -> Sequence[int]:
        """Return the workers that have nothing to do."""
        busy = set(self._running.values())
        return [worker for worker in range(self._workers) if worker not in busy]

    def start(self, worker: int, indexes: Sequence[int]) -> None:
        """Let an idle worker run transactions one after the other."""
        self._running[self._threads.submit(self._run, worker, indexes)] = worker

    def wait(self) -> Sequence[End]:
        """Return attempts that have ended; wait for one. Nothing if none is under way."""
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        ends: list[End] = []
        for future in [each for each in self._running if each in done]:
            del self._running[future]
            ends += future.result()
        return ends

    def _run(self, worker: int, indexes: Sequence[int]) -> list[End]:
        work, versions = self._work, self._versions
        assert work is not None, "a block is begun before it is run"
        assert versions is not None
        setting = work.setting
        evm = self._engines[worker].evm(setting.context.fork)
        ends = []
        for index in indexes:
            job, view = work.job(index), versions.view(index)
            end = try_transaction(job, view, evm, setting.context, setting.blob_gas_max)
            if end.blocked is None:
                with self._recording:
                    versions.record(index, end.outcome)
            ends.append(end)
        return ends

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def __enter__(self) -> "ThreadPool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
