"""What a store on disk does with batches, scans, snapshots, checkpoints and versions."""

import subprocess
import sys
from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from pathlib import Path

import pytest
from rocksdict import Options, Rdict

from primitives.machine import Record
from storage.rocks import (
    CHAIN_SCHEMA,
    PROFILES,
    CorruptStore,
    Durability,
    Family,
    ForeignStore,
    NewerStore,
    RocksStore,
    Schema,
    StoreClosed,
    StoreError,
    StoreFailed,
    StoreInUse,
    Table,
    UnknownTable,
    profile,
    restore,
    shared_cache,
)
from storage.rocks.errors import StoreFull, translated
from storage.rocks.reading import CHUNK_ROWS, prefix_end
from storage.store import Store

SMALL = profile("small")
ACCOUNTS, TRIE, CONSENSUS = "state.accounts", "state.trie", "consensus"


def opened(path: Path, **changes) -> RocksStore:
    return RocksStore(path, replace(SMALL, **changes))


def put(store: Store, table: str, rows: dict[bytes, bytes]) -> None:
    store.write(Record(table, key, value) for key, value in rows.items())


def test_a_batch_goes_over_all_tables_and_its_last_word_counts(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as store:
        store.write(Record(table.name, b"k", b"1") for table in CHAIN_SCHEMA.tables)
        store.write([Record(TRIE, b"k", None), Record(ACCOUNTS, b"k", None)])
        store.write([Record(TRIE, b"k", b"2"), Record(TRIE, b"l", b"3"), Record(TRIE, b"l", None)])
        assert store.get(TRIE, b"k") == b"2"
        assert store.get(TRIE, b"l") is None
        assert store.get(ACCOUNTS, b"k") is None
        assert store.get_many(TRIE, [b"k", b"l", b"k"]) == [b"2", None, b"2"]
        assert all(
            store.get(table.name, b"k") == b"1"
            for table in CHAIN_SCHEMA.tables
            if table.name not in (TRIE, ACCOUNTS)
        )


def test_a_batch_that_cannot_be_made_changes_nothing(tmp_path: Path) -> None:
    def half() -> Iterable[Record]:
        yield Record(TRIE, b"k", b"1")
        raise KeyError("no more")

    with opened(tmp_path / "s") as store:
        with pytest.raises(KeyError):
            store.write(half())
        with pytest.raises(UnknownTable, match=r"state\.trie.*'other'"):
            store.write([Record(TRIE, b"k", b"1"), Record("other", b"k", b"1")])
        with pytest.raises(UnknownTable):
            store.write([Record("", b"k", b"1")])
        assert store.get(TRIE, b"k") is None
        with pytest.raises(UnknownTable):
            store.scan("other")
        with pytest.raises(UnknownTable):
            store.get("other", b"")


def test_tables_of_one_family_do_not_see_each_other(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as store:
        names = [table.name for table in CHAIN_SCHEMA.tables if table.family is Family.ACCOUNTS]
        assert len(names) > 2
        for name in names:
            put(store, name, {b"": name.encode(), b"\xff" * 40: b"last"})
        for name in names:
            assert list(store.scan(name)) == [(b"", name.encode()), (b"\xff" * 40, b"last")]
            assert list(store.scan(name, b"\xff" * 41)) == []


def test_scans_have_bounds_and_prefixes(tmp_path: Path) -> None:
    keys = [bytes((first, second)) for first in (0, 1, 254, 255) for second in (0, 7, 255)]
    with opened(tmp_path / "s") as store:
        put(store, CONSENSUS, {key: b"v" + key for key in keys})
        assert [key for key, _ in store.scan(CONSENSUS)] == keys
        assert [key for key, _ in store.scan(CONSENSUS, keys[1], keys[4])] == keys[1:4]
        assert list(store.scan(CONSENSUS, keys[4], keys[1])) == []
        assert [key for key, _ in store.scan_prefix(CONSENSUS, b"\x01")] == keys[3:6]
        assert [key for key, _ in store.scan_prefix(CONSENSUS, b"\xff")] == keys[9:]
        assert [key for key, _ in store.scan_prefix(CONSENSUS, b"")] == keys
    assert prefix_end(b"a\xff\xff") == b"b"
    assert prefix_end(b"\xff") is None


def test_a_scan_is_of_the_moment_it_was_asked_for(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as store:
        put(store, TRIE, {b"a": b"1", b"c": b"1"})
        scan = store.scan(TRIE)
        put(store, TRIE, {b"a": b"2", b"b": b"2"})
        assert list(scan) == [(b"a", b"1"), (b"c", b"1")]


def test_a_closed_store_says_so_and_leaves_nothing_locked(tmp_path: Path) -> None:
    store = opened(tmp_path / "s")
    put(store, TRIE, {bytes((number,)): b"v" for number in range(3 * CHUNK_ROWS)})
    begun, untouched, snapshot = store.scan(TRIE), store.scan(TRIE), store.snapshot()
    of_snapshot = snapshot.scan(TRIE)
    next(begun)
    with pytest.raises(StoreInUse):
        opened(tmp_path / "s")
    store.close()
    store.close()
    for scan in (begun, untouched, of_snapshot):
        with pytest.raises(StoreClosed):
            list(scan)
    for use in (
        lambda: store.get(TRIE, b"k"),
        lambda: store.get_many(TRIE, [b"k"]),
        lambda: store.write([]),
        lambda: store.scan(TRIE),
        lambda: snapshot.get(TRIE, b"k"),
        store.snapshot,
        store.sync,
        store.compact,
        store.statistics,
    ):
        with pytest.raises(StoreClosed):
            use()
    with opened(tmp_path / "s") as again:
        assert len(list(again.scan(TRIE))) == 3 * CHUNK_ROWS


def test_a_snapshot_does_not_move(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as store:
        put(store, TRIE, {b"a": b"1", b"b": b"1"})
        with store.snapshot() as snapshot:
            store.write([Record(TRIE, b"a", None), Record(TRIE, b"c", b"2")])
            put(store, ACCOUNTS, {b"a": b"2"})
            store.compact()
            assert snapshot.get(TRIE, b"a") == b"1"
            assert snapshot.get(TRIE, b"c") is None
            assert snapshot.get(ACCOUNTS, b"a") is None
            assert list(snapshot.scan(TRIE)) == [(b"a", b"1"), (b"b", b"1")]
            assert list(snapshot.scan(TRIE, b"b", b"c")) == [(b"b", b"1")]
            one, other = snapshot.scan(TRIE), snapshot.scan(TRIE)
            assert [next(one), next(other), next(one), next(other)] == [
                (b"a", b"1"),
                (b"a", b"1"),
                (b"b", b"1"),
                (b"b", b"1"),
            ]
            with pytest.raises(UnknownTable):
                snapshot.get("other", b"")
        with pytest.raises(StoreClosed):
            snapshot.get(TRIE, b"a")
        assert list(store.scan(TRIE)) == [(b"b", b"1"), (b"c", b"2")]


@pytest.mark.parametrize("durability", Durability)
def test_every_level_keeps_what_a_clean_end_has_written(
    tmp_path: Path, durability: Durability
) -> None:
    with opened(tmp_path / "s", durability=durability, group_batches=3) as store:
        for number in range(5):
            put(store, TRIE, {bytes((number,)): b"v"})
        expected = {Durability.FSYNC: 5, Durability.GROUP: 3}.get(durability, 0)
        assert (store.written, store.durable) == (5, expected)
        store.sync()
        assert store.durable == 5
        put(store, TRIE, {b"last": b"v"})
    with opened(tmp_path / "s") as store:
        assert len(list(store.scan(TRIE))) == 6
        assert store.torn is None


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_opens_what_another_has_written(tmp_path: Path, name: str) -> None:
    with opened(tmp_path / "s") as store:
        put(store, TRIE, {bytes((number,)): b"v" * 500 for number in range(200)})
        store.compact()
    with RocksStore(tmp_path / "s", PROFILES[name]) as store:
        put(store, TRIE, {b"new": b"v"})
        store.compact()
        assert len(list(store.scan(TRIE))) == 201
        assert store.get(TRIE, b"new") == b"v"


def test_a_checkpoint_is_a_store_and_can_be_restored_twice(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as store:
        put(store, TRIE, {b"a": b"1"})
        store.checkpoint(tmp_path / "c")
        put(store, TRIE, {b"a": b"2"})
        with pytest.raises(StoreFailed):
            store.checkpoint(tmp_path / "c")
    (tmp_path / "r1.restoring").mkdir()
    for name in ("r1", "r2"):
        restore(tmp_path / "c", tmp_path / name, SMALL)
        with opened(tmp_path / name) as store:
            assert list(store.scan(TRIE)) == [(b"a", b"1")]
            put(store, TRIE, {b"a": b"3"})
    assert not list(tmp_path.glob("*.restoring"))
    with pytest.raises(ForeignStore):
        restore(tmp_path / "c", tmp_path / "s", SMALL)
    with pytest.raises(ForeignStore):
        restore(tmp_path / "missing", tmp_path / "r3", SMALL)


def test_a_damaged_checkpoint_is_not_restored(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as store:
        put(store, TRIE, {bytes((number,)): b"v" * 5_000 for number in range(100)})
        store.checkpoint(tmp_path / "c")
    table = max((tmp_path / "c").glob("*.sst"), key=lambda path: path.stat().st_size)
    content = bytearray(table.read_bytes())
    content[len(content) // 3] ^= 1
    table.unlink()
    table.write_bytes(content)
    with pytest.raises(CorruptStore, match=table.name):
        restore(tmp_path / "c", tmp_path / "r", SMALL)
    assert not (tmp_path / "r").exists()
    assert not list(tmp_path.glob("*.restoring"))


def test_statistics_are_plain_numbers(tmp_path: Path) -> None:
    cache = shared_cache(1 << 20)
    with RocksStore(tmp_path / "s", replace(SMALL, statistics=True), cache=cache) as store:
        put(store, TRIE, {bytes((number,)): b"v" * 100 for number in range(100)})
        before = store.statistics()
        store.compact()
        store.get(TRIE, b"\x01")
        after = store.statistics()
    assert all(type(value) is int for value in after.values())
    assert before["family.trie.rows"] == after["family.trie.rows"] == 100
    assert before["engine.wal.synced"] >= 1
    assert after["store.table_bytes"] > before["store.table_bytes"]
    assert after["store.cache_bytes"] == cache.get_usage() > 0
    assert after["store.background_errors"] == 0


def test_a_store_of_another_process_is_in_use(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from storage.rocks import RocksStore\n"
        "store = RocksStore(pathlib.Path(sys.argv[1])); print('open', flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "s")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(StoreInUse):
            opened(tmp_path / "s")
        child.communicate("\n")
    opened(tmp_path / "s").close()


# Versions


def test_a_new_table_needs_no_migration_and_an_old_program_refuses_it(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as store:
        put(store, TRIE, {b"a": b"1"})
    wider = Schema(1, (*CHAIN_SCHEMA.tables, Table("extra", Family.TRIE, 200)))
    with RocksStore(tmp_path / "s", SMALL, wider) as store:
        put(store, "extra", {b"a": b"2"})
        assert list(store.scan(TRIE)) == [(b"a", b"1")]
    with pytest.raises(ForeignStore, match="extra"):
        opened(tmp_path / "s")


def test_migrations_run_in_order_and_once(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as store:
        put(store, TRIE, {b"a": b"1"})

    def doubled(store: Store) -> Iterable[Record]:
        return [Record(TRIE, key, value * 2) for key, value in store.scan(TRIE)]

    def moved(store: Store) -> Iterable[Record]:
        for key, value in store.scan(TRIE):
            yield Record(TRIE, key, None)
            yield Record(ACCOUNTS, key, value)

    third = Schema(3, CHAIN_SCHEMA.tables, {1: doubled, 2: moved})
    for _ in range(2):
        with RocksStore(tmp_path / "s", SMALL, third) as store:
            assert list(store.scan(TRIE)) == []
            assert list(store.scan(ACCOUNTS)) == [(b"a", b"11")]
    with pytest.raises(NewerStore, match="at most version 1, got 3"):
        opened(tmp_path / "s")


def test_a_migration_that_fails_leaves_the_last_whole_step(tmp_path: Path) -> None:
    with opened(tmp_path / "s") as store:
        put(store, TRIE, {b"a": b"1"})

    def fails(store: Store) -> Iterable[Record]:
        yield Record(TRIE, b"a", b"half")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        RocksStore(tmp_path / "s", SMALL, Schema(2, CHAIN_SCHEMA.tables, {1: fails}))
    with pytest.raises(StoreError, match="a way from version 1"):
        RocksStore(tmp_path / "s", SMALL, Schema(2, CHAIN_SCHEMA.tables))
    with opened(tmp_path / "s") as store:
        assert store.get(TRIE, b"a") == b"1"


def test_foreign_directories_are_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "letter.txt").write_text("dear")
    for raw in (True, False):
        made = Rdict(str(tmp_path / f"rocks-{raw}"), Options(raw_mode=raw))
        made[b"k"] = b"v"
        made.close()
    for name in ("files", "rocks-True", "rocks-False"):
        before = sorted(path.name for path in (tmp_path / name).glob("[a-z]*"))
        with pytest.raises(ForeignStore):
            opened(tmp_path / name)
        assert sorted(path.name for path in (tmp_path / name).glob("[a-z]*")) == before
    engine = Rdict(str(tmp_path / "rocks-True"), Options(raw_mode=True))
    assert engine[b"k"] == b"v"
    engine.close()


def test_tables_keep_their_numbers() -> None:
    numbers = [table.number for table in CHAIN_SCHEMA.tables]
    assert len(set(numbers)) == len(numbers)
    assert all(1 <= number <= 254 for number in numbers)
    assert {table.family for table in CHAIN_SCHEMA.tables} == set(Family)
    places = {table.name: (table.family.value, table.number) for table in CHAIN_SCHEMA.tables}
    assert places["chain.blocks"] == ("bodies", 1)
    assert places["chain.certificates"] == ("headers", 2)
    assert places["chain.snapshot"] == ("accounts", 3)
    assert places["chain.accounts"] == ("accounts", 4)
    assert places["consensus"] == ("consensus", 5)


def test_statuses_become_errors_of_their_own() -> None:
    path = Path("store")
    full = translated(path, Exception("IO error: No space left on device: While appending: a.log"))
    assert isinstance(full, StoreFull)
    assert "room on the disk" in str(full)
    assert isinstance(translated(path, Exception("IO error: odd")), StoreFailed)
    for error in (CorruptStore(path, "1.sst", "bad"), StoreClosed(path), full):
        again = copy(error)
        assert (type(again), str(again)) == (type(error), str(error))
