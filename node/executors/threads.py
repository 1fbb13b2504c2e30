"""Worker threads: for work that lets go of the interpreter, such as arithmetic on curves.

An edge: threads touch the world. Whoever drives nodes makes the pool and hands it in.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from node.executors.pool import FUNCTIONS


class ThreadPool:
    """A pool of threads of this process. Use it in a `with`, or close it.

    Args:
        workers: threads, at least 1.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="orrery")

    @property
    def workers(self) -> int:
        """How many tasks it does at a time."""
        return self._workers

    def map(self, name: str, tasks: Iterable[bytes]) -> Sequence[bytes]:
        """Return the result of the function `name` for each task, in order."""
        function = FUNCTIONS[name]
        started = [self._threads.submit(function, task) for task in tasks]
        return [future.result() for future in started]

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
