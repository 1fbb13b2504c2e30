"""Threads that step on each other's toes as often as the interpreter can make them."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TypeVar

Result = TypeVar("Result")


@contextmanager
def restless() -> Iterator[None]:
    """Let the interpreter change threads whenever it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def together(count: int, work: Callable[[int], Result]) -> list[Result]:
    """Return what `work` returns for each of so many numbers, all begun at one moment."""
    start = Barrier(count)

    def begun(number: int) -> Result:
        start.wait()
        return work(number)

    with restless(), ThreadPoolExecutor(count) as pool:
        return list(pool.map(begun, range(count)))
