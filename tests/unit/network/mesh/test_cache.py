from hypothesis import given, strategies as st

from network.mesh.cache import MessageCache, SeenCache
from primitives.ids import Duration, Instant


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=60))
def test_the_seen_cache_beside_a_list_of_times(steps: list[tuple[int, int]]) -> None:
    cache, known, now = SeenCache(Duration(7), 4), dict[bytes, int](), 0
    for passed, number in steps:
        now += passed
        known = {name: at for name, at in known.items() if at + 7 > now}
        name = bytes([number])
        assert cache.add(Instant(now), name) == (name not in known)
        if name not in known:
            if len(known) == 4:
                del known[min(known, key=lambda entry: (known[entry], list(known).index(entry)))]
            known[name] = now
        assert {entry for entry in map(bytes, ([n] for n in range(10))) if entry in cache} == set(
            known
        )
        assert len(cache) == len(known)


@given(st.lists(st.one_of(st.none(), st.integers(0, 12)), max_size=60))
def test_the_message_cache_beside_a_list_of_windows(steps: list[int | None]) -> None:
    """None is a heartbeat, a number a message of so many bytes."""
    cache = MessageCache(3, 20)
    held: list[tuple[bytes, int, int]] = []  # name, bytes, age in heartbeats
    for step in steps:
        if step is None:
            cache.shift()
            held = [(name, size, age + 1) for name, size, age in held if age < 2]
        else:
            name = b"m%d" % step
            cache.put(name, b"even" if step % 2 == 0 else b"odd", bytes(step))
            if name not in [other for other, _, _ in held]:
                while sum(size for _, size, _ in held) + step > 20:
                    held.pop(0)
                held.append((name, step, 0))
        assert len(cache) == len(held)
        assert cache.bytes_held == sum(size for _, size, _ in held) <= 20
        recent = sorted(name for name, size, age in held if size % 2 == 0 and age < 2)
        assert sorted(cache.recent(b"even", 2)) == recent
        assert all(cache.get(name) is not None for name, _, _ in held)


def test_a_message_larger_than_all_room_is_not_kept() -> None:
    cache = MessageCache(2, 5)
    cache.put(b"small", b"t", b"12345")
    cache.put(b"large", b"t", b"123456")
    assert cache.get(b"large") is None
    assert cache.get(b"small") is not None
