"""The first states of public blockchain tests have the roots that their headers say."""

from collections.abc import Callable
from pathlib import Path

from node.execution import genesis_executed
from primitives.committee import Committee, Member
from primitives.fork import Fork
from primitives.genesis import Genesis, genesis_state_root
from primitives.genesis_json import read_alloc
from primitives.ids import NodeId
from primitives.params import ChainParams
from tests.conformance.material import from_hex, read_files
from tests.conformance.tally import Tally

OLDEST = ChainParams(fork=Fork.LONDON)
"""Rules without contracts of the protocol, so that the allocation is the whole state."""
COMMITTEE = Committee((Member(NodeId(0), bytes(32)),))


def test_first_states_have_their_known_roots(
    vectors: Path, record_property: Callable[[str, object], None]
) -> None:
    tally = Tally("genesis state roots")
    for path, content in read_files(vectors / "ethereum" / "blockchain"):
        for name, test in content.items():
            balances, contracts = read_alloc(test["pre"], f"{path.name}:{name}.pre")
            genesis = Genesis(OLDEST, balances, COMMITTEE, 0, contracts)
            expected = from_hex(test["genesisBlockHeader"]["stateRoot"])
            found = genesis_state_root(genesis), genesis_executed(genesis).state.root()
            tally.add([f"{name}: {each.hex()}" for each in found if each != expected])
    tally.report(record_property)
