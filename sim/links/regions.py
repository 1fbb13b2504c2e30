"""Latency and bandwidth between regions, from published tables.

Latencies are one-way, in milliseconds, row = from, column = to. `one_way` builds the integer
nanosecond matrix. Bandwidths are Mbit/s.

Sources:
* SimBlock: dsg-titech/simblock, NetworkConfiguration.java (Apache-2.0). The table does not say
  whether it is one-way; SimBlock applies it one-way to each message, and so do we.
* AWS: cometbft/cometbft, test/e2e/pkg/files/aws-latencies.csv (Apache-2.0). One-way is our
  reading: the values are about half of published round-trip times.
"""

from types import MappingProxyType

import msgspec

NANOSECONDS_PER_MILLISECOND = 1_000_000


class RegionTable(msgspec.Struct, frozen=True):
    """A named set of regions with one-way latencies."""

    name: str
    source: str
    regions: tuple[str, ...]
    latency_ms: tuple[tuple[int, ...], ...]
    """Square, row = from; the diagonal is the latency inside a region."""
    download_mbit: tuple[float, ...] = ()
    """Access bandwidth down, one for each region, or empty when the source has none."""
    upload_mbit: tuple[float, ...] = ()
    share: tuple[float, ...] = ()
    """Share of nodes in each region, or empty."""

    def one_way_ns(self, origin: str, destination: str) -> int:
        """Return the latency between two regions in nanoseconds."""
        row = self.latency_ms[self.regions.index(origin)]
        milliseconds = row[self.regions.index(destination)]
        return max(milliseconds * NANOSECONDS_PER_MILLISECOND, SAME_ZONE_NS)


SAME_ZONE_NS = 250_000
"""One-way latency inside a zone where a table says 0: a quarter of a millisecond."""

_SIMBLOCK_REGIONS = (
    "North_America",
    "Europe",
    "South_America",
    "Asia_Pacific",
    "Japan",
    "Australia",
)

_SIMBLOCK_2019 = RegionTable(
    name="simblock-6-2019",
    source="dsg-titech/simblock NetworkConfiguration.java (Apache-2.0), 2019 values",
    regions=_SIMBLOCK_REGIONS,
    latency_ms=(
        (32, 124, 184, 198, 151, 189),
        (124, 11, 227, 237, 252, 294),
        (184, 227, 88, 325, 301, 322),
        (198, 237, 325, 85, 58, 198),
        (151, 252, 301, 58, 12, 126),
        (189, 294, 322, 198, 126, 16),
    ),
    download_mbit=(52, 40, 18, 22.8, 22.8, 29.9),
    upload_mbit=(19.2, 20.7, 5.8, 15.7, 10.2, 11.3),
    share=(0.3316, 0.4998, 0.0090, 0.1177, 0.0224, 0.0195),
)

_SIMBLOCK_2015 = RegionTable(
    name="simblock-6-2015",
    source="dsg-titech/simblock NetworkConfiguration.java (Apache-2.0), 2015 values",
    regions=_SIMBLOCK_REGIONS,
    latency_ms=(
        (36, 119, 255, 310, 154, 208),
        (119, 12, 221, 242, 266, 350),
        (255, 221, 137, 347, 256, 269),
        (310, 242, 347, 99, 172, 278),
        (154, 266, 256, 172, 9, 163),
        (208, 350, 269, 278, 163, 22),
    ),
    download_mbit=(25, 24, 6.5, 10, 17.5, 14),
    upload_mbit=(4.7, 8.1, 1.8, 5.3, 3.4, 5.2),
    share=(0.3869, 0.5159, 0.0113, 0.0574, 0.0119, 0.0166),
)

_AWS_13 = RegionTable(
    name="aws-13",
    source="cometbft/cometbft test/e2e/pkg/files/aws-latencies.csv (Apache-2.0)",
    regions=(
        "N_Virginia",
        "Canada",
        "N_California",
        "London",
        "Oregon",
        "Ireland",
        "Frankfurt",
        "S_Paulo",
        "Tokyo",
        "Mumbai",
        "Sydney",
        "Seoul",
        "Singapore",
    ),
    latency_ms=(
        (0, 7, 30, 38, 39, 33, 44, 58, 73, 93, 98, 87, 105),
        (7, 0, 38, 39, 29, 35, 46, 63, 70, 94, 97, 85, 103),
        (30, 39, 0, 68, 10, 68, 75, 88, 54, 116, 69, 67, 86),
        (38, 39, 68, 0, 63, 5, 8, 94, 104, 56, 131, 118, 82),
        (39, 29, 10, 63, 0, 59, 68, 88, 49, 109, 69, 63, 84),
        (33, 35, 68, 5, 59, 0, 13, 88, 100, 61, 127, 114, 90),
        (44, 46, 75, 8, 68, 13, 0, 101, 111, 60, 143, 109, 77),
        (58, 63, 88, 94, 88, 89, 101, 0, 128, 151, 155, 142, 161),
        (73, 70, 54, 104, 49, 100, 111, 128, 0, 60, 57, 16, 39),
        (93, 94, 116, 56, 109, 61, 60, 151, 60, 0, 76, 57, 27),
        (98, 97, 69, 131, 69, 127, 143, 155, 57, 76, 0, 69, 45),
        (87, 84, 67, 118, 63, 114, 109, 142, 17, 57, 69, 0, 36),
        (105, 103, 86, 82, 81, 90, 77, 161, 39, 27, 45, 36, 0),
    ),
)

TABLES = MappingProxyType({t.name: t for t in (_SIMBLOCK_2019, _SIMBLOCK_2015, _AWS_13)})
"""The region tables that ship, by name."""
