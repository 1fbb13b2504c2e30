"""Calls take turns with everything else, and are bounded in time and in number."""

import asyncio
from collections.abc import Generator

import pytest

from node.rpc.call_runner import CallLimits, CallRunner, Deadline
from node.rpc.caller import HOST
from node.rpc.errors import RpcError

MILLISECOND = 1_000_000


def steps(count: int, result: object = None) -> Generator[None, None, object]:
    for _ in range(count):
        yield
    return result


def endless() -> Generator[None, None, None]:
    while True:
        yield


def test_a_result_is_what_the_steps_end_in() -> None:
    async def main() -> None:
        runner = CallRunner(CallLimits())
        assert await runner.run(steps(5, "done")) == "done"
        assert runner.open == 0

    asyncio.run(main())


def test_an_error_of_a_step_is_the_callers() -> None:
    def failing() -> Generator[None, None, None]:
        yield
        raise RpcError(3, "execution reverted")

    async def main() -> None:
        runner = CallRunner(CallLimits())
        with pytest.raises(RpcError, match="reverted"):
            await runner.run(failing())
        assert runner.open == 0

    asyncio.run(main())


def test_others_have_their_turns_between_slices() -> None:
    is_told = False

    def listening() -> Generator[None, None, str]:
        while not is_told:
            yield
        return "told"

    async def main() -> None:
        nonlocal is_told
        runner = CallRunner(CallLimits(time_ns=3_600_000 * MILLISECOND, slice_ns=MILLISECOND))
        call = asyncio.ensure_future(runner.run(listening()))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not call.done()
        is_told = True
        assert await call == "told"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("deadline", "message"),
    [
        (None, "execution aborted (timeout = 1e-06s)"),
        (Deadline(None, "too late"), "too late"),
    ],
)
def test_a_call_that_uses_up_its_time_is_ended(deadline: Deadline | None, message: str) -> None:
    async def main() -> None:
        runner = CallRunner(CallLimits(time_ns=1_000, slice_ns=1_000))
        with pytest.raises(RpcError) as caught:
            await runner.run(endless(), deadline)
        assert caught.value.message == message
        assert runner.open == 0

    asyncio.run(main())


@pytest.mark.parametrize("time_ns", [1, 0, -5])
def test_a_caller_may_set_a_deadline_of_his_own(time_ns: int) -> None:
    """The node's own is hours away. With no time at all not a step is run."""
    run = 0

    def counting() -> Generator[None, None, None]:
        nonlocal run
        while True:
            run += 1
            yield

    async def main() -> None:
        runner = CallRunner(CallLimits(time_ns=3_600_000 * MILLISECOND))
        with pytest.raises(RpcError, match="too late"):
            await runner.run(counting(), Deadline(time_ns, "too late"))

    asyncio.run(main())
    assert (run > 0) == (time_ns > 0)


def test_calls_that_take_turns_all_come_to_an_end() -> None:
    """With a slice of no time each call runs one step at a time, the others between."""
    order: list[int] = []

    def noted(name: int) -> Generator[None, None, int]:
        for _ in range(3):
            order.append(name)
            yield
        return name

    async def main() -> None:
        runner = CallRunner(CallLimits(running=3, slice_ns=1))
        results = await asyncio.gather(*[runner.run(noted(name)) for name in range(3)])
        assert results == [0, 1, 2]

    asyncio.run(main())
    assert order.index(1) < len(order) - 1 - order[::-1].index(0), "0 and 1 take turns"
    assert order.index(2) > 3, "2 waits for a place"


def test_more_than_may_wait_are_refused() -> None:
    async def main() -> None:
        runner = CallRunner(CallLimits(running=1, waiting=1, slice_ns=1))
        calls = [asyncio.ensure_future(runner.run(steps(50, name))) for name in range(2)]
        await asyncio.sleep(0)
        closed = steps(1)
        with pytest.raises(RpcError) as caught:
            await runner.run(closed)
        assert caught.value.code == -32005
        assert list(closed) == [], "what is refused is closed"
        assert [await call for call in calls] == [0, 1]
        assert await runner.run(steps(1, "again")) == "again"

    asyncio.run(main())


def test_a_caller_that_leaves_frees_its_place() -> None:
    async def main() -> None:
        runner = CallRunner(CallLimits(running=1, waiting=0, slice_ns=1))
        call = asyncio.ensure_future(runner.run(endless()))
        await asyncio.sleep(0)
        assert runner.open == 1
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert runner.open == 0
        assert await runner.run(steps(1, "free")) == "free"

    asyncio.run(main())


def test_an_address_with_endless_calls_keeps_nobody_else_waiting() -> None:
    async def main() -> None:
        runner = CallRunner(CallLimits(running=3, waiting=10, slice_ns=1))

        async def asked(host: str, work: Generator[None, None, object]) -> object:
            HOST.set(host)
            return await runner.run(work)

        flood = [asyncio.ensure_future(asked("flooder", endless())) for _ in range(12)]
        await asyncio.sleep(0)
        refused = [call for call in flood if call.done()]
        assert len(refused) == 12 - 2 - 5, "two take turns, and half of what may wait"
        assert await asked("friend", steps(50, "done")) == "done"
        for call in flood:
            call.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
        assert runner.open == 0
        assert await asked("flooder", steps(2, "now")) == "now"

    asyncio.run(main())


def test_a_call_that_is_cancelled_while_it_waits_leaves_its_place_to_the_next() -> None:
    async def main() -> None:
        runner = CallRunner(CallLimits(running=1, slice_ns=1))
        first = asyncio.ensure_future(runner.run(endless()))
        second = asyncio.ensure_future(runner.run(endless()))
        third = asyncio.ensure_future(runner.run(steps(3, "done")))
        await asyncio.sleep(0)
        second.cancel()
        first.cancel()
        assert await third == "done"
        assert runner.open == 0

    asyncio.run(main())
