"""Random generators: one for each concern, derived from (run seed, label, node).

A concern that draws more often must not shift the numbers of another, or a change in one part
of the model would change every run. So nobody shares a generator, and nobody uses a global one.
"""

import hashlib

import numpy as np

NETWORK = -1
"""Stands for "no node" in a derivation."""


def derive_seed(seed: int, label: str, node: int = NETWORK) -> int:
    """Return the 128-bit seed of a concern; the same in every process.

    Args:
        seed: the run's seed.
        label: the concern, for example "link.jitter".
        node: the node that draws, or `NETWORK`.
    """
    text = f"orrery/{seed}/{label}/{node}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")


def generator(seed: int, label: str, node: int = NETWORK) -> np.random.Generator:
    """Return the generator of one concern (PCG64, seeded by `derive_seed`)."""
    return np.random.Generator(np.random.PCG64(derive_seed(seed, label, node)))
