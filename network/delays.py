"""How long what is sent over a wide network takes: laws that both worlds share."""

import math
from enum import Enum
from statistics import NormalDist

TIMEOUT_FLOOR_NS = 200_000_000
"""Linux's minimum retransmission timeout (TCP_RTO_MIN, 200 ms); a lost copy waits for it plus
one round trip, doubled for each further loss of the same copy."""
TIMEOUT_MAX_NS = 120_000_000_000
"""Linux's maximum (TCP_RTO_MAX, 120 s): a timeout is not doubled beyond it."""
LOSSES_MAX = 15
"""A copy is not lost more often than this. Linux gives a connection up here (tcp_retries2)."""


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


def quantile(law: JitterLaw, spread: float, u: float) -> float:
    """Return what a delay has above the base latency, as a share of that.

    Args:
        law: the shape.
        spread: the law's size as a share of the base latency, for example 0.05.
        u: above 0 and below 1, the probability of less.
    """
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
