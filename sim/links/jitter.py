"""Jitter laws as integer quantile tables.

A link's delay is its base latency plus a random share of it. The share is looked up in a table
of quantiles in 1/65536 units, so that a draw is one integer, a broadcast draws all its delays
together, and no result depends on how a platform rounds floating point at run time.
"""

import math
from enum import Enum
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

QUANTILES = 4096
"""Entries of a table; a draw is a uniform integer below this."""
ONE = 1 << 16
"""The fixed-point unit of a table entry: `ONE` means one base latency."""


class JitterLaw(Enum):
    """How delays spread above the base latency. `spread` is in shares of the base latency."""

    NONE = "none"
    """Every delay is the base latency."""
    NORMAL = "normal"
    """Half-normal with scale `spread`."""
    EXPONENTIAL = "exponential"
    """Exponential with mean `spread`."""
    LOGNORMAL = "lognormal"
    """Lognormal, median `spread`, sigma 1: a long but thin tail."""
    PARETO = "pareto"
    """Pareto (Lomax) with shape 3 and mean `spread`: a heavy tail."""


def _quantile(law: JitterLaw, spread: float, u: float) -> float:
    match law:
        case JitterLaw.NONE:
            return 0.0
        case JitterLaw.NORMAL:
            return spread * NormalDist().inv_cdf(0.5 + u / 2)
        case JitterLaw.EXPONENTIAL:
            return -spread * math.log1p(-u)
        case JitterLaw.LOGNORMAL:
            return spread * math.exp(NormalDist().inv_cdf(u))
        case JitterLaw.PARETO:
            return 2 * spread * (math.pow(1 - u, -1 / 3) - 1)


def quantile_table(law: JitterLaw, spread: float) -> npt.NDArray[np.int64]:
    """Return `QUANTILES` ascending shares of the base latency, in units of 1/`ONE`.

    Args:
        law: the shape.
        spread: the law's size as a share of the base latency, for example 0.05.
    """
    points = ((k + 0.5) / QUANTILES for k in range(QUANTILES))
    return np.array([round(_quantile(law, spread, u) * ONE) for u in points], dtype=np.int64)
