"""Results of loads that nobody has run."""

from typing import Any

from sim.load.histogram import LatencyHistogram, Quantiles
from sim.load.result import Blocks, LoadResult, Series

SECONDS = 30


def latencies(count: int = 3_000) -> LatencyHistogram:
    """Return latencies from 50 ms to 3 s."""
    histogram = LatencyHistogram()
    for at in range(count):
        histogram.add(50_000_000 + (at * at * 400_000_000) // (count * 1_000) % 3_000_000_000)
    return histogram


def load_result(**changes: Any) -> LoadResult:
    """Return a load of half a minute in which much went wrong."""
    inclusion = latencies()
    ramp = [min(20 * second, 400) for second in range(SECONDS)] + [0, 0]
    values: dict[str, Any] = {
        "urls": ("http://127.0.0.1:8545", "http://127.0.0.1:8546"),
        "software": "node/1.0",
        "chain_id": 1337,
        "genesis": "0x" + "ab" * 32,
        "began": "2026-01-02T03:04:05.678+00:00",
        "mix": "transfers=8,erc20=2",
        "loop": "open",
        "offered": "0..400/20s tx/s",
        "accounts": 1_000,
        "seed": 1,
        "planned_seconds": float(SECONDS),
        "seconds": float(SECONDS),
        "measured_seconds": 25.0,
        "drain_seconds": 1.4,
        "intended": 3_400,
        "sent": 3_390,
        "accepted": 3_300,
        "included": 3_000,
        "final": 2_990,
        "unconfirmed": 300,
        "dropped": 10,
        "resent": 77,
        "repriced": 5,
        "reorganised": 0,
        "looked_at": 200,
        "failed": 3,
        "errors": {"pool full": 50, "underpriced": 20, "timeout": 7},
        "offered_tps": 113.3,
        "tps": 100.1,
        "acceptance_seconds": inclusion.summary(),
        "inclusion_seconds": inclusion.summary(),
        "finality_seconds": inclusion.summary(),
        "lateness_seconds": inclusion.summary(),
        "has_finality": True,
        "presigned": 3_400,
        "client_cpu_seconds": 1.5,
        "blocks": Blocks(60, 3_100, 65_000_000, 0.036, 0.5, 10**9, 2 * 10**9),
        "series": Series(
            intended=ramp,
            sent=ramp,
            accepted=ramp,
            included=[0, *ramp[:-1]],
            final=[0, *ramp[:-1]],
            dropped=[0] * len(ramp),
            errors={
                "pool full": [0] * 10 + [10] * 5,
                "timeout": [0] * 12 + [7],
                "underpriced": [20],
            },
            inclusion_p50=[None] + [0.1 * second for second in range(1, SECONDS)] + [None, None],
            inclusion_p99=[None] + [0.2 * second for second in range(1, SECONDS)] + [None, None],
        ),
    }
    return LoadResult(**(values | changes))


def nothing_came() -> LoadResult:
    """Return a load of which nothing came into a block."""
    none = Quantiles()
    return load_result(
        included=0,
        final=0,
        looked_at=0,
        failed=0,
        tps=0.0,
        errors={},
        inclusion_seconds=none,
        finality_seconds=none,
        acceptance_seconds=none,
        lateness_seconds=none,
        has_finality=False,
        blocks=Blocks(0, 0, 0, None, None, None, None),
        series=Series([], [], [], [], [], [], {}, [], []),
    )
