"""What executing a block took, counted from what its transactions did.

Gas is a price, and no measure of time: a cold slot costs as much as 700 additions, which take far
longer. So the gas of a transaction is split. Its fixed part, its data, its accesses and its events
come off; what is left was computed by code and is charged by gas. Accesses are charged by number.
For the loads of `sim.workload` the charge adds up to what execution takes. Computing is priced by
arithmetic and hashing, though, and much code of the main chain moves memory and jumps instead: two
of its blocks took 1.4 and 1.9 times their charge.

A tally follows from the block alone. Nodes of a process share it (`Tallies`), each pays by its own
schedule.
"""

import msgspec

from contracts import gas as prices
from node.execution import ExecutedBlock
from node.execution_transaction import TransactionRun
from node.schedule import RAW, Graph, build_graph, shape
from node.shared import Memo
from node.validation import PooledTransaction
from primitives.access import AccessSet
from primitives.fork import LATEST
from primitives.ids import Hash32
from primitives.keccak import EMPTY_KECCAK
from primitives.transaction.gas import intrinsic_gas

TALLIES_MAX = 256
"""Blocks that a `Tallies` remembers."""

LOG_TOPIC = 375
"""Gas of an event, and of each of its topics (Yellow Paper, appendix G)."""
PLAIN_ACCOUNTS = 3
"""Accounts that a transfer touches: sender, recipient, fee recipient."""


class Tally(msgspec.Struct, frozen=True):
    """What a block's transactions took. Entries are in block order."""

    gas: tuple[int, ...]
    """Gas that each used."""
    calls: tuple[int, ...]
    """Contracts whose code each ran, an account once; creating one counts."""
    computed: tuple[int, ...]
    """The part of the gas for which code computed."""
    cells: tuple[int, ...]
    """Accounts and slots that each looked at beside those of a transfer, slots that it changed,
    and events that it wrote."""
    accesses: tuple[AccessSet, ...]
    accounts: int
    """Accounts that the block changed."""
    slots: int
    """Slots that it changed."""
    graph: Graph
    """Who reads what others wrote."""
    critical_path: int
    """Gas of the dearest chain of transactions that depend on one another."""

    @property
    def is_planned(self) -> bool:
        """Whether it pays to plan the transactions: some call contracts."""
        return any(self.calls)

    @property
    def access_count(self) -> int:
        """Accesses of all transactions, which building a graph takes one by one."""
        return sum([len(a.reads) + len(a.writes) + len(a.deltas) for a in self.accesses])


def tally(block: ExecutedBlock) -> Tally:
    """Count what executing a block took."""
    parts = [
        part(transaction, run)
        for transaction, run in zip(block.transactions, block.runs, strict=True)
    ]
    accesses = block.accesses
    gas = tuple([int(run.result.gas_used) for run in block.runs])
    graph = build_graph(accesses, kinds=RAW)
    changes = block.state.all_changes
    return Tally(
        gas=gas,
        calls=tuple([each.calls for each in parts]),
        computed=tuple([each.computed for each in parts]),
        cells=tuple([each.cells for each in parts]),
        accesses=accesses,
        accounts=len(changes.accounts),
        slots=sum([len(slots) for slots in changes.slots.values()]),
        graph=graph,
        critical_path=shape(graph, gas).critical_path,
    )


class Part(msgspec.Struct, frozen=True, gc=False):
    """What one transaction took beside what every transfer takes."""

    calls: int
    computed: int
    cells: int


PLAIN = Part(0, 0, 0)


def part(transaction: PooledTransaction, run: TransactionRun) -> Part:
    """Return what one transaction took.

    Two things make the computed gas an estimate. Refunds have come off the gas that a block knows,
    so who clears slots computes a little less here than it did. And an exceptional halt takes all
    gas that was left, which counts as computed.
    """
    outcome, plain = run.outcome, transaction.transaction
    # At the prices of the newest fork: what takes how long does not change with the rules.
    gas = run.result.gas_used - intrinsic_gas(plain, LATEST).required
    if gas <= 0:
        return PLAIN
    accounts = max(0, len(outcome.touched) - PLAIN_ACCOUNTS)
    gas -= accounts * prices.COLD_ACCOUNT
    before: dict[tuple[bytes, int], int] = {}
    coded = 0
    for sight in outcome.sights:
        coded += sight.code_hash not in (None, EMPTY_KECCAK)
        for slot, value in sight.slots:
            before[sight.address, slot] = value
    stored = 0
    for change in outcome.changes:
        for slot, value in change.slots:
            stored += 1
            is_set = value and not before.get((change.address, slot), 0)
            gas -= prices.STORAGE_SET if is_set else prices.STORAGE_RESET - prices.COLD_SLOT
            before.setdefault((change.address, slot), 0)
        if change.code is not None:
            gas -= prices.CODE_DEPOSIT_BYTE * len(change.code)
    fresh = sum([len(slots) for _, slots in outcome.fresh_slots])
    gas -= (len(before) + fresh) * prices.COLD_SLOT
    for log in outcome.logs:
        gas -= LOG_TOPIC * (1 + len(log.topics)) + prices.LOG_BYTE * len(log.data)
    cells = accounts + len(before) + fresh + stored + len(outcome.logs)
    return Part(max(1, coded), max(0, gas), cells)


class Tallies:
    """The tallies of the last blocks, computed once for all nodes of a process."""

    __slots__ = ("_memo",)

    def __init__(self) -> None:
        self._memo: Memo[Hash32, Tally] = Memo(TALLIES_MAX)

    def of(self, block: ExecutedBlock) -> Tally:
        """Return what executing a block took."""
        known = self._memo.get(block.digest)
        if known is None:
            known = tally(block)
            self._memo.put(block.digest, known)
        return known
