"""Counts of caches as an exporter takes them."""

from io import StringIO

from primitives.machine import Record
from sim.report.openmetrics import OpenMetricsWriter
from storage.cache import CachedTable, CacheOptions, Counters, Kind, Limits, TableCounters
from storage.cache.metrics import LEVEL_FAMILIES, TABLE_FAMILIES, cache_families
from storage.memory import MemoryStore


def table(name: str) -> CachedTable[bytes]:
    store = MemoryStore()
    store.write([Record(name, b"%d" % number, b"x") for number in range(4)])
    options = CacheOptions(Limits(2, 10_000), Limits(4, 10_000))
    return CachedTable(Kind[bytes](name, bytes, bytes, len), store, options)


def test_each_level_of_each_table_has_its_samples() -> None:
    accounts, code = table("state.accounts"), table("state.code")
    for number in (0, 0, 1, 2, 0, 9):
        accounts.read(b"%d" % number)
    families = {
        each.name: dict(each.samples)
        for each in cache_families([accounts.counters(), code.counters()])
    }
    decoded = (("level", "decoded"), ("kind", "state.accounts"))
    encoded = (("level", "encoded"), ("kind", "state.accounts"))
    assert families["storage_cache_hits"][decoded] == 1
    assert families["storage_cache_hits"][encoded] == 1
    assert families["storage_cache_entries"][decoded] == 2
    assert families["storage_cache_loads"][("kind", "state.accounts"),] == 4
    assert families["storage_cache_absent"][("kind", "state.accounts"),] == 1
    assert families["storage_cache_misses"][("level", "decoded"), ("kind", "state.code")] == 0
    assert all(len(samples) in (2, 4) for samples in families.values())


def test_every_count_is_exported() -> None:
    assert {field for *_, field in LEVEL_FAMILIES} == set(Counters.__struct_fields__)
    others = set(TableCounters.__struct_fields__) - {"table", "decoded", "encoded"}
    assert {field for *_, field in TABLE_FAMILIES} == others


def test_the_writer_of_reports_takes_them() -> None:
    out = StringIO()
    writer = OpenMetricsWriter(out, [0])
    for family in cache_families([table("state.code").counters()]):
        writer.family(family.name, family.type, family.meaning)
        ending = "_total" if family.type == "counter" else ""
        for labels, value in family.samples:
            writer.series(family.name + ending, labels, [value])
    writer.end()
    assert 'storage_cache_hits_total{level="decoded",kind="state.code"} 0' in out.getvalue()
