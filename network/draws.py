"""What a core chooses peers with: a generator of its own, which whoever builds it has seeded."""

from typing import TypeAlias

from numpy.random import Generator, default_rng

Draws: TypeAlias = Generator
"""Where random choices come from; no core makes one for itself."""


def seeded_draws(seed: bytes) -> Draws:
    """Return a generator whose draws follow from a seed."""
    return default_rng(int.from_bytes(seed, "big"))
