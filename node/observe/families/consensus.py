"""Families of agreement and execution: `consensus_*`, `execution_*`."""

from node.observe.families.family import BOTH, VIRTUAL, Family, Kind, World

EXECUTED = "execution.block_executed"

BUILDING, VALIDATION = "building", "validation"
TASKS = (BUILDING, VALIDATION)
"""Values of the label `task`."""

VIEW = Family(
    "consensus_view",
    Kind.GAUGE,
    "View this replica works in.",
    "consensus.view_entered, consensus.epoch_begun",
)
VIEW_CHANGES = Family(
    "consensus_view_changes",
    Kind.COUNTER,
    "Times this replica gave up its view.",
    "consensus.view_change_started",
)
EPOCH = Family(
    "consensus_epoch",
    Kind.GAUGE,
    "Epoch of the committee that decides at this node.",
    "consensus.epoch_begun",
)
DECISION_TIME = Family(
    "consensus_decision_seconds",
    Kind.HISTOGRAM,
    "From a replica's first accepted proposal of a sequence to its commit.",
    "consensus.pre_prepared to consensus.committed",
    unit="seconds",
    bounds=tuple(
        ms * 1_000_000
        for ms in (1, 2, 5, 10, 20, 50, 100, 200, 400, 800, 1_500, 3_000, 6_000, 15_000)
    ),
)
EVIDENCE = Family(
    "consensus_evidence",
    Kind.COUNTER,
    "Proofs this node has found that a replica lied, by what it said.",
    "consensus.evidence",
    labels=("kind",),
)


def _by_task(name: str, meaning: str, unit: str = "", worlds: tuple[World, ...] = BOTH) -> Family:
    labels = ("task",)
    return Family(name, Kind.COUNTER, meaning, EXECUTED, unit=unit, labels=labels, worlds=worlds)


EXECUTED_BLOCKS = _by_task(
    "execution_blocks", "Blocks with transactions that this node has executed."
)
EXECUTED_TRANSACTIONS = _by_task("execution_transactions", "Transactions in them.")
REPEATS = _by_task(
    "execution_repeats", "Executions beside the first of each transaction.", worlds=VIRTUAL
)
EXECUTED_GAS = _by_task("execution_gas", "Gas that they used.")
CRITICAL_PATH = _by_task(
    "execution_critical_path",
    "Gas of the dearest chains of transactions that depend on others.",
    worlds=VIRTUAL,
)
WORK = _by_task(
    "execution_work_seconds",
    "Time of one core for all transactions, each once.",
    unit="seconds",
    worlds=VIRTUAL,
)
SPAN = _by_task(
    "execution_span_seconds",
    "Time that the transactions took on the cores that were free.",
    unit="seconds",
    worlds=VIRTUAL,
)

FAMILIES = (
    VIEW,
    VIEW_CHANGES,
    EPOCH,
    DECISION_TIME,
    EVIDENCE,
    EXECUTED_BLOCKS,
    EXECUTED_TRANSACTIONS,
    REPEATS,
    EXECUTED_GAS,
    CRITICAL_PATH,
    WORK,
    SPAN,
)
