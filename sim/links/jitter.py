"""The jitter laws (`network.delays`) as integer quantile tables.

A link's delay is its base latency plus a random share of it. The share is looked up in a table
of quantiles in 1/65536 units, so that a draw is one integer, a broadcast draws all its delays
together, and no result depends on how a platform rounds floating point at run time.
"""

import numpy as np
import numpy.typing as npt

from network.delays import JitterLaw, quantile

QUANTILES = 4096
"""Entries of a table; a draw is a uniform integer below this."""
ONE = 1 << 16
"""The fixed-point unit of a table entry: `ONE` means one base latency."""


def quantile_table(law: JitterLaw, spread: float) -> npt.NDArray[np.int64]:
    """Return `QUANTILES` ascending shares of the base latency, in units of 1/`ONE`.

    Args:
        law: the shape.
        spread: the law's size as a share of the base latency, for example 0.05.
    """
    points = ((k + 0.5) / QUANTILES for k in range(QUANTILES))
    return np.array([round(quantile(law, spread, u) * ONE) for u in points], dtype=np.int64)
