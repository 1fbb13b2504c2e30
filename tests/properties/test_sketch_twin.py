"""Sketches beside plain sets: a difference is told exactly, or not at all."""

from hypothesis import given, strategies as st

from network.reconcile.sketch import (
    CELL_BYTES,
    CELLS_MAX,
    CHECK_BYTES,
    NAME_BYTES,
    PARTS,
    Sketch,
    cells_for,
    decode,
)

SEEDS = (bytes(16), b"\x01" * 16)
names = st.sets(st.integers(0, (1 << 48) - 1), max_size=60)


def sketch(seed: bytes, cells: int, elements: set[int]) -> Sketch:
    made = Sketch(seed, cells)
    made.add(sorted(elements))
    return made


def difference(seed: bytes, cells: int, mine: set[int], theirs: set[int]) -> Sketch:
    return sketch(seed, cells, mine).minus(sketch(seed, cells, theirs).pack())


@given(names, names, names, st.integers(1, 60))
def test_what_is_told_is_the_difference(
    shared: set[int], mine: set[int], theirs: set[int], part: int
) -> None:
    cells = part * PARTS
    ours, others = shared | mine, shared | theirs
    told = decode([difference(SEEDS[0], cells, ours, others)])
    if told is not None:
        assert told.mine == tuple(sorted(ours - others))
        assert told.theirs == tuple(sorted(others - ours))


@given(names, names, names)
def test_with_cells_in_plenty_it_is_told(
    shared: set[int], mine: set[int], theirs: set[int]
) -> None:
    told = decode([difference(SEEDS[0], 900, shared | mine, shared | theirs)])
    assert told is not None
    assert told.mine == tuple(sorted((shared | mine) - (shared | theirs)))


@given(names, names, names, st.integers(1, 20))
def test_two_sketches_tell_what_either_tells(
    shared: set[int], mine: set[int], theirs: set[int], part: int
) -> None:
    def pair() -> list[Sketch]:
        return [
            difference(seed, part * PARTS * (place + 1), shared | mine, shared | theirs)
            for place, seed in enumerate(SEEDS)
        ]

    alone = [decode([each]) for each in pair()]
    both = decode(pair())
    for told in alone:
        assert told is None or told == both


@given(st.binary(min_size=30 * CELL_BYTES, max_size=30 * CELL_BYTES), names)
def test_hostile_cells_end_in_nothing_or_in_names_that_fit(cells: bytes, mine: set[int]) -> None:
    """What is told takes the hostile sketch to zero, so it is what its sender has said."""
    told = decode([sketch(SEEDS[0], 30, mine).minus(cells)])
    if told is not None:
        claimed = (mine - set(told.mine)) | set(told.theirs)
        assert not any(difference_cells(sketch(SEEDS[0], 30, claimed).pack(), cells))


@given(st.integers(0, (1 << 48) - 1), st.integers(0, 2), names)
def test_an_element_in_too_few_of_its_cells_tells_nothing(
    name: int, spared: int, mine: set[int]
) -> None:
    """A decoder that took it out and put it in again would never end."""
    hostile = sketch(SEEDS[0], 900, set())
    cell = hostile.cells_of(name)[spared]
    whole = sketch(SEEDS[0], 900, {name}).pack()
    cells = bytearray(900 * CELL_BYTES)
    cells[cell] = 1
    for start, width in ((900, NAME_BYTES), (900 * (1 + NAME_BYTES), CHECK_BYTES)):
        at = start + cell * width
        cells[at : at + width] = whole[at : at + width]
    ours = mine - {name}
    assert decode([sketch(SEEDS[0], 900, ours).minus(bytes(cells))]) is None


def test_a_count_without_names_tells_nothing() -> None:
    cells = bytes([2]) + bytes(30 * CELL_BYTES - 1)
    assert decode([sketch(SEEDS[0], 30, {1, 2}).minus(cells)]) is None


def difference_cells(one: bytes, other: bytes) -> list[int]:
    return [a ^ b for a, b in zip(one, other, strict=True)]


@given(st.integers(0, 100_000))
def test_the_number_of_cells_suits_the_parts_and_the_limit(expected: int) -> None:
    cells = cells_for(expected)
    assert cells % PARTS == 0
    assert cells <= CELLS_MAX
    assert cells == CELLS_MAX or cells >= 1.3 * expected
