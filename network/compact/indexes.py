"""Ascending places of a list, each as its distance from the one before.

Places that are asked for or prefilled are few and often close together: distances are small
numbers, which take one byte. And they cannot be out of order or twice, by their form.

Reference: BIP 152, "Differential encoding of indexes".
"""

from collections.abc import Iterable, Sequence

from primitives.errors import InvalidEncoding


def to_differences(indexes: Iterable[int]) -> tuple[int, ...]:
    """Return each index less the one before and less one; the first as it is.

    Args:
        indexes: ascending, none twice.
    """
    differences: list[int] = []
    expected = 0
    for index in indexes:
        differences.append(index - expected)
        expected = index + 1
    return tuple(differences)


def from_differences(differences: Sequence[int], count: int, where: str) -> list[int]:
    """Return the indexes that `differences` stand for.

    Args:
        differences: not negative.
        count: length of the list that the indexes are of.
        where: what is read, for the error.

    Raises:
        InvalidEncoding: an index is beyond the list. Sums are never cut to some width: one that
            wraps around would name another transaction than its sender's.
    """
    indexes: list[int] = []
    index = -1
    for difference in differences:
        index += difference + 1
        if index >= count:
            raise InvalidEncoding(where, f"indexes below {count}", index)
        indexes.append(index)
    return indexes
