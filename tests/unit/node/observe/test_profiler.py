"""Named operations, timed only while the profiler is on."""

import threading
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import pytest

from node.observe import profiler as module
from node.observe.families import runtime
from node.observe.profile_table import rows, table
from node.observe.profiler import OPERATIONS_MAX, OTHER, Operation, Profiler


class Owner:
    """Lends a method and an attribute."""

    def __init__(self) -> None:
        self.held: Callable[[int], int] = abs
        self.calls = 0

    def method(self, number: int) -> int:
        self.calls += 1
        if number < 0:
            raise ValueError(number)
        return number * 2


class Slotted:
    """Lends a slot."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held: Callable[[int], int] = abs


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A clock that shows what stands in it, and then the next."""
    times: list[int] = []
    monkeypatch.setattr(module, "perf_counter_ns", lambda: times.pop(0))
    return times


def named(operations: list[Operation]) -> dict[str, int]:
    return {each.name: each.calls for each in operations}


def test_off_the_plain_functions_stand_in_their_places() -> None:
    """That is why it costs nothing: there is nothing of the profiler to run."""
    owner, slotted, profiler = Owner(), Slotted(), Profiler()
    before = dict(vars(owner))
    for each, attribute in ((owner, "method"), (owner, "held"), (slotted, "held")):
        profiler.instrument(each, attribute, attribute)
    assert vars(owner) == before
    assert owner.held is abs
    assert slotted.held is abs
    profiler.start()
    assert owner.held is not abs
    assert "method" in vars(owner)
    profiler.stop()
    assert vars(owner) == before
    assert owner.held is abs
    assert slotted.held is abs


def test_on_calls_are_counted_and_answer_as_before() -> None:
    owner, profiler = Owner(), Profiler()
    profiler.instrument(owner, "method", "double")
    profiler.start()
    assert [owner.method(number) for number in (1, 2)] == [2, 4]
    assert named(profiler.operations()) == {"double": 2}


def test_the_name_may_come_from_the_arguments() -> None:
    owner, profiler = Owner(), Profiler()
    profiler.instrument(owner, "held", lambda number: f"abs.{number}")
    profiler.start()
    for number in (3, 4, 4):
        owner.held(number)
    assert named(profiler.operations()) == {"abs.3": 1, "abs.4": 2}


def test_who_lends_while_it_is_on_is_timed_at_once() -> None:
    owner, profiler = Owner(), Profiler()
    profiler.start()
    profiler.instrument(owner, "held", "abs")
    owner.held(1)
    profiler.stop()
    assert named(profiler.operations()) == {"abs": 1}
    assert owner.held is abs


def test_a_function_lent_twice_is_put_back() -> None:
    owner, profiler = Owner(), Profiler()
    profiler.instrument(owner, "held", "inner")
    profiler.instrument(owner, "held", "outer")
    profiler.start()
    owner.held(1)
    profiler.stop()
    assert owner.held is abs
    assert named(profiler.operations()) == {"inner": 1, "outer": 1}


def test_an_error_counts_and_goes_on_to_the_caller() -> None:
    owner, profiler = Owner(), Profiler()
    profiler.instrument(owner, "method", "double")
    profiler.start()
    with pytest.raises(ValueError, match="-1"):
        owner.method(-1)
    (operation,) = profiler.operations()
    assert (operation.calls, operation.errors) == (1, 1)


def test_times_are_summed_and_the_extremes_kept(clock: list[int]) -> None:
    profiler = Profiler()
    profiler.start()
    for spent in (30, 10, 20):
        clock.extend((1_000, 1_000 + spent))
        with profiler.span("work"):
            pass
    (row,) = rows(profiler.operations())
    assert (row.calls, row.total_ns, row.mean_ns, row.min_ns, row.max_ns) == (3, 60, 20, 10, 30)


def test_a_span_does_nothing_while_it_is_off() -> None:
    profiler = Profiler()
    with profiler.span("work"):
        pass
    assert profiler.span("a") is profiler.span("b")
    assert profiler.operations() == []


def test_starting_twice_times_once() -> None:
    owner, profiler = Owner(), Profiler()
    profiler.instrument(owner, "held", "abs")
    profiler.start()
    profiler.start()
    owner.held(1)
    profiler.stop()
    profiler.stop()
    assert named(profiler.operations()) == {"abs": 1}
    assert owner.held is abs


def test_what_was_timed_stays_until_it_is_reset() -> None:
    profiler = Profiler()
    for _ in range(2):
        profiler.start()
        with profiler.span("work"):
            pass
        profiler.stop()
    assert named(profiler.operations()) == {"work": 2}
    profiler.reset()
    assert profiler.operations() == []


def test_memory_is_the_most_that_one_call_held_on_top() -> None:
    profiler = Profiler()
    profiler.start(memory=True)
    with profiler.span("large"):
        held = bytearray(3_000_000)
        del held
    with profiler.span("small"):
        held = bytearray(1_000)
        del held
    profiler.stop()
    peaks = {row.operation: row.peak_bytes for row in rows(profiler.operations())}
    assert 3_000_000 <= peaks["large"] < 3_200_000
    assert 1_000 <= peaks["small"] < 200_000
    assert not tracemalloc.is_tracing()


def test_an_outer_peak_is_not_lost_to_an_inner_operation() -> None:
    profiler = Profiler()
    profiler.start(memory=True)
    with profiler.span("outer"):
        held = bytearray(4_000_000)
        del held
        with profiler.span("inner"):
            pass
    with profiler.span("around"), profiler.span("within"):
        held = bytearray(2_000_000)
        del held
    profiler.stop()
    peaks = {row.operation: row.peak_bytes for row in rows(profiler.operations())}
    assert peaks["outer"] >= 4_000_000
    assert peaks["inner"] < 200_000
    assert peaks["within"] >= 2_000_000
    assert peaks["around"] >= 2_000_000


def test_memory_is_not_traced_unless_asked() -> None:
    profiler = Profiler()
    profiler.start()
    with profiler.span("work"):
        assert not tracemalloc.is_tracing()
    profiler.stop()
    assert rows(profiler.operations())[0].peak_bytes == 0


def test_tracing_that_somebody_else_began_goes_on() -> None:
    tracemalloc.start()
    try:
        profiler = Profiler()
        profiler.start(memory=True)
        profiler.stop()
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_a_call_that_outlives_the_profiler_is_harmless() -> None:
    profiler = Profiler()
    profiler.start(memory=True)
    with profiler.span("work"):
        profiler.stop()
    assert named(profiler.operations()) == {"work": 1}


def test_threads_count_together() -> None:
    owner, profiler = Owner(), Profiler()
    profiler.instrument(owner, "held", "abs")
    profiler.start()

    def work() -> None:
        for number in range(500):
            owner.held(number)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert named(profiler.operations()) == {"abs": 2_000}


def test_names_are_bounded() -> None:
    profiler = Profiler()
    profiler.start()
    for number in range(OPERATIONS_MAX + 10):
        with profiler.span(f"operation {number}"):
            pass
    counts = named(profiler.operations())
    assert len(counts) == OPERATIONS_MAX + 1
    assert counts[OTHER] == 10


def test_its_histograms_are_readings(clock: list[int]) -> None:
    profiler = Profiler()
    profiler.start()
    clock.extend((0, 3_000))
    with profiler.span("work"):
        pass
    times, errors = profiler.readings()
    assert (times.family, times.labels) == (runtime.OPERATION_TIME, ("work",))
    assert (errors.family, errors.value) == (runtime.OPERATION_ERRORS, 0)


def test_the_table_has_a_line_for_each_operation_the_longest_first(clock: list[int]) -> None:
    profiler = Profiler()
    profiler.start()
    for name, spent in (("vote", 2_500), ("block", 12_345_678), ("vote", 500), ("sleep", 999)):
        clock.extend((0, spent))
        with profiler.span(name):
            pass
    assert table(profiler.operations()).splitlines() == [
        "operation  calls  errors    total     mean      min      max  peak memory",
        "block          1       0  12.3 ms  12.3 ms  12.3 ms  12.3 ms            -",
        "vote           2       0     3 us   1.5 us   500 ns   2.5 us            -",
        "sleep          1       0   999 ns   999 ns   999 ns   999 ns            -",
    ]


def test_numbers_of_the_table_keep_their_size() -> None:
    operation = Operation("work")
    operation.add(4_321_000_000_000, failed=False, peak_bytes=5 << 20)
    (line,) = table([operation]).splitlines()[1:]
    assert line.split() == ["work", "1", "0"] + ["4321", "s"] * 4 + ["5", "MiB"]


def test_an_empty_table_has_heads_only() -> None:
    assert len(table([]).splitlines()) == 1


def test_operations_come_the_longest_first(clock: list[int]) -> None:
    profiler = Profiler()
    profiler.start()
    for spent in (5, 50, 20):
        clock.extend((0, spent))
        with profiler.span(f"for {spent}"):
            pass
    totals = [each.total_ns for each in profiler.operations()]
    assert all(before >= after for before, after in pairwise(totals))
