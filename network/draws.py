"""What a core chooses peers with: a generator of its own, which whoever builds it has seeded."""

from typing import Protocol, TypeAlias

from numpy.random import Generator, default_rng

Draws: TypeAlias = Generator
"""Where random choices come from; no core makes one for itself."""


class Draw(Protocol):
    """A random generator, as the standard library and numpy have it."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...


def seeded_draws(seed: bytes) -> Draws:
    """Return a generator whose draws follow from a seed."""
    return default_rng(int.from_bytes(seed, "big"))
