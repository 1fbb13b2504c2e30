"""A store with files, and what is exported of it."""

import shutil
from pathlib import Path

import pytest

from node.storage_config import StateForm
from sim.cli.entry import main
from storage.rocks import PROFILES, RocksStore
from tests.unit.node.upkeep.stores import chain_store, rows


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of form flat as a crash leaves it: rows in tables, and the last batch in the log."""
    place = tmp_path_factory.mktemp("stores")
    memory, _ = chain_store(StateForm.FLAT)
    records = list(rows(memory))
    with RocksStore(place / "living", PROFILES["small"]) as store:
        store.write(records)
        store.compact()
        store.write(records[-20:])
        shutil.copytree(store.path, place / "store")
    return place / "store"


@pytest.fixture(scope="module")
def exported(whole: Path) -> Path:
    """What is exported of it."""
    out = whole.with_name("exported")
    assert main(["store", "export", str(whole), str(out), "--json"]) == 0
    return out


@pytest.fixture
def out(exported: Path, tmp_path: Path) -> Path:
    """An export that a test may damage."""
    return Path(shutil.copytree(exported, tmp_path / "out"))


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    """A store that a test may damage."""
    return Path(shutil.copytree(whole, tmp_path / "store"))
