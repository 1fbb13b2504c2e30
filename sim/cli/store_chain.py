"""Which chain a store is of, as far as its user can say: where it lies, a run, or a committee.

A store lies in the directory of a run, or in the data directory of a live node; each says what its
chain begins with.
"""

from argparse import Namespace
from pathlib import Path

import msgspec

from consensus.params import ConsensusParams
from node.config import Environment
from node.execution import genesis_executed
from node.finality import ChainCommittee, decode_committee
from node.finality_form import FILE_BYTES_MAX
from node.settings import read_genesis
from node.shared import ComputeCache
from node.verifiers import first_verifier
from primitives.errors import InvalidInput
from sim.assembly import build_world
from sim.report.writer import SCENARIO, SUMMARY
from sim.scenario import load_scenario
from sim.scenario.store import StoreSpec

RUN_ABOVE_MAX = 4
"""How far above a store the directory of its run is looked for."""


NODE = "node.json"
"""Stands in the data directory of a live node (`node.runtime.datadir`), beside the next."""
GENESIS = "genesis.json"


class Chain(msgspec.Struct, frozen=True):
    """What is known of a store's chain beside the store itself."""

    environment: Environment | None
    """Block 0, parameters and committees, from a run or from a live node's genesis."""
    trusted: ChainCommittee | None
    """A committee that the user names."""
    run: Path | None
    """Where the first is from."""


class _Seed(msgspec.Struct, frozen=True):
    """What is needed of a run's summary, or of its scenario while it has none."""

    seed: int


def find_chain(arguments: Namespace, path: Path) -> Chain:
    """Return what the command line says of the chain, or the run's directory around a store.

    Args:
        arguments: with `run` and `committee`.
        path: of the store, or of what was exported from one.

    Raises:
        InvalidInput: the run or the committee is none.
    """
    run = arguments.run
    if run is None:
        above = [path, *path.resolve().parents[:RUN_ABOVE_MAX]]
        run = next((each for each in above if _says_chain(each)), None)
        if run is not None and not (run / SCENARIO).is_file():
            return Chain(chain_of_node(run), _committee(arguments.committee), run)
    elif not (run / SCENARIO).is_file():
        raise InvalidInput("--run", f"the directory of a run, with {SCENARIO}", str(run))
    environment = None if run is None else chain_of_run(run)
    return Chain(environment, _committee(arguments.committee), run)


def chain_of_node(data: Path) -> Environment:
    """Return the chain of a live node's data directory.

    Raises:
        InvalidInput: its genesis is malformed, or cannot be read.
    """
    file = data / GENESIS
    try:
        genesis = read_genesis(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(str(file), "the genesis of the node's chain", found) from error
    block = genesis_executed(genesis)
    return Environment(
        genesis=genesis,
        genesis_block=block,
        consensus=ConsensusParams(),
        cache=ComputeCache(genesis.params),
        verifier=first_verifier(genesis, block.digest),
    )


def _says_chain(directory: Path) -> bool:
    return (directory / SCENARIO).is_file() or (directory / NODE).is_file()


def chain_of_run(run: Path) -> Environment:
    """Return the chain of a run: block 0 with its state, and who signs in its first epoch.

    Raises:
        InvalidInput: its files are malformed.
    """
    # Whatever holds the nodes' rows is no part of the chain.
    scenario = msgspec.structs.replace(load_scenario(run / SCENARIO, ()), store=StoreSpec())
    seed = scenario.seed
    summary = run / SUMMARY
    if summary.is_file():
        try:
            seed = msgspec.json.decode(summary.read_bytes(), type=_Seed).seed
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(str(summary), "the summary of a run", str(error)) from error
    world = build_world(scenario, seed, with_clients=False)
    world.close()
    return world.environment


def _committee(file: Path | None) -> ChainCommittee | None:
    if file is None:
        return None
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise InvalidInput(str(file), "a file that can be read", error.strerror) from error
    return decode_committee(content, str(file))
