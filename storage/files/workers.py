"""Threads for calls that wait on a disk, with a limit to what is under way."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore, Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """A bounded pool of threads.

    Args:
        count: threads; they start when they are needed.
        batches_max: batches under way at most; who submits one more waits.
    """

    def __init__(self, count: int, batches_max: int) -> None:
        self.count = count
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="orrery-files")
        self._room = BoundedSemaphore(batches_max)

    def submit(self, call: Callable[[], Result]) -> "Future[Result]":
        """Run a call in one thread."""
        return self.spread((None,), lambda _: None, call)

    def spread(
        self, items: Iterable[Item], work: Callable[[Item], None], finish: Callable[[], Result]
    ) -> "Future[Result]":
        """Work on items in all threads; the future has what `finish` returns after the last one.

        The first error ends the batch and is the future's; items not begun are dropped.
        """
        batch = _Batch(items, work, finish)
        self._room.acquire()
        batch.future.add_done_callback(lambda _: self._room.release())
        for _ in range(batch.start(self.count)):
            self._executor.submit(batch.run)
        return batch.future

    def close(self) -> None:
        """Wait for what is under way, and end the threads; a second call does nothing."""
        self._executor.shutdown(wait=True)


class _Batch(Generic[Item, Result]):
    """Items that several threads take from one list."""

    def __init__(
        self, items: Iterable[Item], work: Callable[[Item], None], finish: Callable[[], Result]
    ) -> None:
        self.future: Future[Result] = Future()
        self._items = deque(items)
        self._work = work
        self._finish = finish
        self._lock = Lock()
        self._threads = 0
        self._error: BaseException | None = None

    def start(self, threads_max: int) -> int:
        """Return how many threads have to call `run`."""
        self.future.set_running_or_notify_cancel()
        self._threads = max(1, min(threads_max, len(self._items)))
        return self._threads

    def run(self) -> None:
        """Take items until there are none; the last thread to see that answers."""
        result: Result | None = None
        try:
            while self._items:
                try:
                    item = self._items.popleft()
                except IndexError:
                    break
                self._work(item)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it
            self._fail(error)
        with self._lock:
            self._threads -= 1
            last = not self._threads
        if not last:
            return
        try:
            if self._error is None:
                result = self._finish()
        except BaseException as error:  # noqa: BLE001 - likewise
            self._fail(error)
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(result)  # type: ignore[arg-type]

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._error = self._error or error
        self._items.clear()
