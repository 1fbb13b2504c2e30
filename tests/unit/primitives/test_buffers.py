"""Lent buffers: what is asked for, where it begins, and what comes back."""

import ctypes

import pytest

from primitives.buffers import (
    Buffer,
    BufferPool,
    BufferPoolExhausted,
    BufferReleased,
    BufferStillViewed,
)
from primitives.errors import InvalidInput


def pool(limit: int = 1 << 20) -> BufferPool:
    return BufferPool((4096, 16384), limit)


def start_of(buffer: Buffer) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer.view))


def test_a_buffer_is_as_long_as_asked_and_begins_at_a_page():
    buffers = pool()
    for size in (1, 4095, 4096, 4097, 16384, 20000):
        buffer = buffers.take(size)
        assert len(buffer.view) == size
        assert not buffer.view.readonly
        assert start_of(buffer) % 4096 == 0
        buffers.release(buffer)


def test_what_was_released_is_lent_again():
    buffers = pool()
    first = buffers.take(100)
    first.view[:3] = b"abc"
    place = start_of(first)
    buffers.release(first)
    second = buffers.take(4096)
    assert start_of(second) == place
    statistics = buffers.statistics()
    assert (statistics.hits, statistics.misses) == (1, 1)
    assert buffers.take(100) is not second


def test_a_with_gives_back_also_after_an_error():
    buffers = pool()
    with pytest.raises(ZeroDivisionError), buffers.borrow(10) as view:
        view[0] = 1 // 0
    assert buffers.statistics().borrowed == 0
    with pytest.raises(ValueError, match="released"):
        len(view)


def test_an_error_that_holds_a_slice_is_not_hidden_by_another():
    buffers = pool(4096)
    with pytest.raises(ZeroDivisionError), buffers.borrow(4096) as view:  # noqa: PT012
        kept = view[:1]
        kept[0] = 1 // 0
    assert (buffers.statistics().borrowed, buffers.statistics().held_bytes) == (0, 0)
    kept[0] = 7
    with buffers.borrow(4096) as another:
        another[0] = 8
    assert kept[0] == 7, "memory that somebody may look at is nobody else's"
    with pytest.raises(BufferStillViewed), buffers.borrow(4096) as view:
        kept = view[:1]


def test_an_abandoned_buffer_is_gone():
    buffers = pool()
    buffer = buffers.take(10)
    buffers.abandon(buffer)
    for again in (buffers.abandon, buffers.release):
        with pytest.raises(BufferReleased):
            again(buffer)
    with pytest.raises(InvalidInput, match="of this pool"):
        buffers.abandon(pool().take(10))


def test_a_second_release_and_a_use_after_release_are_caught():
    buffers = pool()
    buffer = buffers.take(10)
    buffers.release(buffer)
    with pytest.raises(BufferReleased):
        buffers.release(buffer)
    with pytest.raises(BufferReleased):
        assert buffer.view
    again = buffers.take(10)
    with pytest.raises(BufferReleased):
        buffers.release(buffer)
    assert buffers.statistics().borrowed == 1
    again.view[0] = 1


def test_a_slice_that_lives_keeps_the_buffer_lent():
    buffers = pool()
    buffer = buffers.take(10)
    part = buffer.view[2:4]
    for _ in range(2):
        with pytest.raises(BufferStillViewed):
            buffers.release(buffer)
    buffer.view[2] = 7
    assert part[0] == 7
    assert buffers.statistics().borrowed == 1
    part.release()
    buffers.release(buffer)
    assert buffers.statistics().borrowed == 0


def test_whoever_fills_the_view_at_that_moment_keeps_the_buffer_lent():
    buffers = pool()
    buffer = buffers.take(3)
    filler = ctypes.c_char.from_buffer(buffer.view)
    with pytest.raises(BufferStillViewed):
        buffers.release(buffer)
    filler.value = b"a"
    assert buffer.view[0] == ord("a")
    del filler
    buffers.release(buffer)


def test_the_limit_refuses_and_says_what_is_lent():
    buffers = pool(limit=8192)
    first, second = buffers.take(1), buffers.take(4096)
    with pytest.raises(BufferPoolExhausted, match="4096 bytes wanted beside 8192") as caught:
        buffers.take(1)
    assert (caught.value.size, caught.value.borrowed, caught.value.limit) == (4096, 8192, 8192)
    assert buffers.statistics().refused == 1
    buffers.release(first)
    buffers.release(buffers.take(1))
    buffers.release(second)


def test_idle_buffers_of_another_class_make_room():
    buffers = pool(limit=16384)
    small = [buffers.take(1) for _ in range(4)]
    for each in small:
        buffers.release(each)
    assert buffers.statistics().held_bytes == 16384
    large = buffers.take(16384)
    assert buffers.statistics().held_bytes == 16384
    buffers.release(large)
    buffers.release(buffers.take(1))
    assert buffers.statistics().held_bytes == 4096


def test_a_buffer_above_all_classes_is_not_kept():
    buffers = pool(limit=32768)
    buffer = buffers.take(20001)
    assert buffers.statistics().borrowed_bytes == 20480
    buffers.release(buffer)
    assert buffers.statistics().held_bytes == 0
    assert buffers.statistics().borrowed_bytes_peak == 20480


def test_trimming_gives_up_what_is_idle_and_nothing_else():
    buffers = pool()
    kept = buffers.take(1)
    buffers.release(buffers.take(5000))
    buffers.trim()
    assert buffers.statistics().held_bytes == 4096
    kept.view[0] = 1


def test_another_pools_buffer_is_not_taken_back():
    ours, theirs = pool(), pool()
    buffer = theirs.take(1)
    with pytest.raises(InvalidInput, match="a buffer of this pool"):
        ours.release(buffer)
    theirs.release(buffer)


@pytest.mark.parametrize(
    ("classes", "limit", "alignment", "field"),
    [
        ((4096,), 1, 3, "alignment"),
        ((4096,), 1, 1 << 30, "alignment"),
        ((4096,), 1, 0, "alignment"),
        ((100,), 1, 512, "classes"),
        ((0,), 1, 512, "classes"),
        ((1024, 512), 1, 512, "classes"),
        ((512, 512), 1, 512, "classes"),
        ((512,), -1, 512, "limit_bytes"),
    ],
)
def test_arguments_that_break_a_rule_are_named(classes, limit, alignment, field):
    with pytest.raises(InvalidInput, match=f"buffer_pool.{field}"):
        BufferPool(classes, limit, alignment)


def test_an_empty_request_is_refused():
    with pytest.raises(InvalidInput, match=r"take\.size"):
        pool().take(0)
