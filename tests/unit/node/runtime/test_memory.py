"""Memory that nobody has needed for a while goes back to the system, and no other."""

import asyncio

import pytest

from node.runtime.memory import FREE_BYTES_MIN, LOOKS, MEBIBYTE, Glibc, Trimmer, allocator


class Memory:
    """An allocator of which a test says what it keeps."""

    def __init__(self) -> None:
        self.free = self.resident = 0
        self.trims = 0

    def free_bytes(self) -> int:
        return self.free

    def resident_bytes(self) -> int:
        return self.resident

    def trim(self) -> None:
        self.trims += 1
        # Free lists do not get shorter by it.
        self.resident -= self.free


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def trimmer(memory: Memory) -> Trimmer:
    loop = asyncio.new_event_loop()
    loop.close()
    return Trimmer(loop, memory)


def looks(trimmer: Trimmer, count: int = LOOKS) -> list[bool]:
    return [trimmer.is_due() for _ in range(count)]


def test_what_was_free_all_the_time_goes_back(trimmer: Trimmer, memory: Memory) -> None:
    memory.free, memory.resident = FREE_BYTES_MIN, 200 * MEBIBYTE
    assert looks(trimmer) == [False] * (LOOKS - 1) + [True]


def test_what_is_needed_now_and_then_stays(trimmer: Trimmer, memory: Memory) -> None:
    memory.resident = 200 * MEBIBYTE
    for _ in range(5):
        memory.free = 2 * FREE_BYTES_MIN
        assert not any(looks(trimmer, LOOKS - 1))
        memory.free = FREE_BYTES_MIN - 1
        assert not any(looks(trimmer, 1))


def test_what_has_gone_back_already_is_no_reason_to_do_it_again(
    trimmer: Trimmer, memory: Memory
) -> None:
    memory.free, memory.resident = 100 * MEBIBYTE, 200 * MEBIBYTE
    assert looks(trimmer)[-1]
    trimmer.give_back()
    assert not any(looks(trimmer, 4 * LOOKS))
    memory.resident += FREE_BYTES_MIN
    assert looks(trimmer, 1) == [True]


def test_what_was_in_use_the_last_time_goes_back_when_it_is_free(
    trimmer: Trimmer, memory: Memory
) -> None:
    memory.free, memory.resident = FREE_BYTES_MIN, 500 * MEBIBYTE
    assert looks(trimmer)[-1]
    trimmer.give_back()
    memory.free += FREE_BYTES_MIN - 1
    assert not any(looks(trimmer))
    memory.free += 300 * MEBIBYTE
    assert looks(trimmer)[-1]
    trimmer.give_back()
    assert not any(looks(trimmer, 4 * LOOKS))


def test_what_has_gone_back_and_is_taken_again_counts_when_it_is_free_again(
    trimmer: Trimmer, memory: Memory
) -> None:
    memory.free, memory.resident = 300 * MEBIBYTE, 400 * MEBIBYTE
    assert looks(trimmer)[-1]
    trimmer.give_back()
    memory.free = 100 * MEBIBYTE
    assert not any(looks(trimmer))
    memory.free = 200 * MEBIBYTE
    assert looks(trimmer)[-1]


def test_the_allocator_of_this_process_gives_back_what_lies_between_what_is_used() -> None:
    found = allocator()
    if not isinstance(found, Glibc):
        pytest.skip("this process has another allocator")
    count, size = 2_000, 32 << 10
    kept, dropped = [], []
    for _ in range(count):
        dropped.append(bytearray(size))
        kept.append(bytearray(size))  # or they would lie at the end, which goes back by itself
    before = found.free_bytes()
    dropped.clear()
    assert found.free_bytes() >= before + count * size // 2
    resident = found.resident_bytes()
    found.trim()
    assert found.resident_bytes() <= resident - count * size // 4
    assert len(kept) == count


def test_it_looks_until_it_is_stopped(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.runtime.memory.LOOK_SECONDS", 0.001)
    memory.free, memory.resident = FREE_BYTES_MIN, 200 * MEBIBYTE

    async def main() -> None:
        trimmer = Trimmer(asyncio.get_running_loop(), memory)
        trimmer.start()
        async with asyncio.timeout(30):
            while not memory.trims:
                await asyncio.sleep(0.001)
        await trimmer.stop()

    asyncio.run(main())
    assert memory.trims == 1
