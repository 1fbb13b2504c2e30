"""Any change to a row of chain and state is found, whichever row and bit it is."""

from functools import cache

from hypothesis import given, settings, strategies as st

from node.config import Environment
from node.durable_runs import RUNS
from node.ledger import height_key
from node.storage_config import StateForm, StorageConfig
from node.upkeep.check import StoreCheck
from primitives.machine import Record
from storage.memory import MemoryStore
from tests.unit.node.state_rig import CONTRACTS, advance, call, network

HEIGHT = 9
Place = tuple[str, bytes]


@cache
def chain(form: StateForm) -> tuple[MemoryStore, Environment, list[Place]]:
    """Return the store of an archive, its chain, and where its rows are.

    Left out are values of an older run that a newer one replaces: nobody would miss them.
    """
    storage = StorageConfig(form=form, state_history=None)
    harness = network(contracts=CONTRACTS[:1], history=None, storage=storage)
    call(harness, 2)
    advance(harness, HEIGHT - 2)
    store = harness.places[1].store
    places = [
        (table, key)
        for table in sorted(store._tables)
        for key, _ in store.scan(table)
        if (table, key) != (RUNS, height_key(4)) and table != "consensus"
    ]
    return store, harness.environment, places


def damages(store: MemoryStore, environment: Environment) -> bool:
    return any(each.is_damage for each in StoreCheck(store, environment).findings())


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([StateForm.FLAT, StateForm.FLAT, StateForm.RUNS]), st.data())
def test_a_flipped_bit_is_found_in_any_row(form: StateForm, data: st.DataObject) -> None:
    whole, environment, places = chain(form)
    table = data.draw(st.sampled_from(sorted({table for table, _ in places})))
    place = data.draw(st.sampled_from([each for each in places if each[0] == table]))
    store = whole.copy()
    row = store.get(*place)
    assert row is not None
    if row:
        bit = data.draw(st.integers(0, 8 * len(row) - 1))
        changed = bytearray(row)
        changed[bit // 8] ^= 1 << bit % 8
        store.write([Record(*place, bytes(changed))])
    else:
        store.write([Record(*place, b"\x00")])
    assert damages(store, environment)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([StateForm.FLAT, StateForm.FLAT, StateForm.RUNS]), st.data())
def test_a_row_that_is_missing_is_found(form: StateForm, data: st.DataObject) -> None:
    whole, environment, places = chain(form)
    table = data.draw(st.sampled_from(sorted({table for table, _ in places})))
    place = data.draw(st.sampled_from([each for each in places if each[0] == table]))
    store = whole.copy()
    store.write([Record(*place, None)])
    assert damages(store, environment)


def test_nothing_is_found_in_what_a_node_has_written() -> None:
    for form in StateForm:
        store, environment, _ = chain(form)
        assert list(StoreCheck(store, environment).findings()) == []
