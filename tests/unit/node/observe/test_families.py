"""The table of families: what every entry has to keep, and what DESIGN section 5 asks for."""

import pytest

from node.observe.families import BY_NAME, COMMON_LABELS, FAMILIES, Family, Kind, World

PREFIXES = (
    "blockchain_",
    "consensus_",
    "execution_",
    "network_",
    "rpc_",
    "runtime_",
    "storage_",
    "sync_",
    "txpool_",
)
DESIGN = (
    "blockchain_transactions_total",
    "blockchain_blocks_total",
    "blockchain_tps",
    "blockchain_block_time_seconds",
    "blockchain_confirmation_time_seconds",
    "blockchain_block_size_bytes",
    "blockchain_network_latency_seconds",
    "blockchain_memory_bytes",
    "blockchain_cpu_usage",
    "blockchain_disk_io_bytes_total",
)
RESERVED = {"le", "quantile", "job", "instance", "network", "role", *COMMON_LABELS}
"""Labels that somebody else sets: Prometheus, `targets.json`, every series."""


def test_the_families_of_the_design_are_there() -> None:
    assert set(DESIGN) <= {family.sample for family in FAMILIES}


def test_each_name_occurs_once() -> None:
    assert len(BY_NAME) == len(FAMILIES)


def test_no_name_is_taken_by_samples_of_another_family() -> None:
    """OpenMetrics, "MetricFamily": names of samples must not clash."""
    taken: dict[str, str] = {}
    for family in FAMILIES:
        endings = {
            Kind.COUNTER: ("", "_total", "_created"),
            Kind.GAUGE: ("",),
            Kind.HISTOGRAM: ("", "_bucket", "_count", "_sum", "_created"),
        }[family.kind]
        for ending in endings:
            name = family.name + ending
            assert taken.setdefault(name, family.name) == family.name


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family.name))
def test_an_entry_is_well_formed(family: Family) -> None:
    assert family.name.startswith(PREFIXES)
    assert not family.name.endswith(("_total", "_count", "_sum", "_bucket", "_created", "_info"))
    assert family.unit in ("", "seconds", "bytes")
    assert not family.unit or family.name.endswith("_" + family.unit)
    assert family.meaning[0].isupper() or family.meaning[0].isdigit()
    assert family.meaning.endswith(".")
    assert "\n" not in family.meaning
    assert family.source
    assert family.worlds
    own = set(family.labels)
    assert len(own) == len(family.labels)
    assert not own & RESERVED
    assert bool(family.bounds) == (family.kind is Kind.HISTOGRAM)
    assert list(family.bounds) == sorted(set(family.bounds))


def test_only_stores_that_no_node_has_open_stand_alone() -> None:
    for family in FAMILIES:
        assert World.STORE not in family.worlds or family.worlds == (World.STORE,)


def test_the_ends_of_buckets_are_in_the_unit_of_the_family() -> None:
    seconds = Family("a_seconds", Kind.HISTOGRAM, "A.", "x", unit="seconds", bounds=(5, 10**9))
    size = Family("a_bytes", Kind.HISTOGRAM, "A.", "x", unit="bytes", bounds=(1024,))
    assert seconds.ends == ("5e-09", "1.0", "+Inf")
    assert size.ends == ("1024.0", "+Inf")


def test_a_counter_and_its_samples_differ_in_name() -> None:
    assert Family("a", Kind.COUNTER, "A.", "x").sample == "a_total"
    assert Family("a", Kind.GAUGE, "A.", "x").sample == "a"
