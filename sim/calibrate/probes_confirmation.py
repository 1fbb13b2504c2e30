"""What is timed for fast confirmation: watching, proving, checking proofs."""

from node.confirmation_messages import BlockResults
from node.confirmation_proofs import ProvenResults, check_results, prove_results
from node.confirmations import Watcher
from node.costs import CHECK_RESULT, PROVE, WATCH
from sim.calibrate.material import Material
from sim.calibrate.sampling import Probe, Trial, Work

KECCAK = ("safe-pysha3",)
RESULTS = 20
"""Transactions of one block that a gateway typically waits for."""


def watch(material: Material) -> Trial:
    """Note transactions for a gateway, and find each of them in a block."""
    block = material.block
    places = {transaction.hash: i for i, transaction in enumerate(block.transactions)}
    names = [transaction.hash for transaction in block.transactions]

    def prepare() -> Work:
        watcher = Watcher()

        def work() -> list[int]:
            watched = watcher.watched
            for name in names:
                watched[name] = watched.get(name, False)
            return [places[name] for name in watched if name in places]

        return work

    return Trial(2 * len(names), prepare)


def prove(material: Material) -> Trial:
    """Make both tries of a full block, and the proofs that one gateway wants."""
    block = material.block
    wanted = range(0, len(block.receipts), len(block.receipts) // RESULTS)

    def work() -> BlockResults:
        return prove_results(block.block, block.receipts, wanted)

    return Trial(len(block.receipts), lambda: work)


def check(material: Material) -> Trial:
    """Check the proofs that one gateway gets of a full block."""
    block = material.block
    wanted = range(0, len(block.receipts), len(block.receipts) // RESULTS)
    message = prove_results(block.block, block.receipts, wanted)

    def work() -> ProvenResults:
        return check_results(message)

    return Trial(len(message.indexes), lambda: work)


PROBES = (
    Probe(WATCH, watch),
    Probe(PROVE, prove, KECCAK),
    Probe(CHECK_RESULT, check, KECCAK),
)
