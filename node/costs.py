"""Kinds of processor cost that the node causes outside consensus and network."""

from primitives.costs import CostKind

DECODE = "node.decode_transaction"
RECOVER = "node.recover_sender"
ADMIT = "node.admit_transaction"
INCLUDE = "node.include_transaction"
SELECT = "node.select_transaction"
EXECUTE = "node.execute_transfer"
CALL = "node.call_contract"
COMPUTE_GAS = "node.compute_gas"
ACCESS = "node.access_cell"
SYSTEM = "node.system_calls"
SCHEDULE = "node.schedule_access"
ACCEPT = "node.accept_transaction"
BODY_ROOTS = "node.body_roots"
STATE_ROOT = "node.state_root"
STORAGE_ROOT = "node.storage_root"
WATCH = "node.watch_transaction"
PROVE = "node.prove_result"
CHECK_RESULT = "node.check_result"
STORE_ROW = "node.store_row"

COSTS: tuple[CostKind, ...] = (
    CostKind(
        DECODE,
        "transaction",
        "Decode one transaction canonically, hash it and check the rules that need no state.",
    ),
    CostKind(RECOVER, "transaction", "Recover the sender of one transaction (secp256k1)."),
    CostKind(
        ADMIT,
        "transaction",
        "Check one recovered transaction against its sender's account and put it into the pool.",
    ),
    CostKind(
        INCLUDE,
        "transaction",
        "Move the pool past one transaction of a committed block.",
    ),
    CostKind(SELECT, "transaction", "Choose one pooled transaction for a block."),
    CostKind(EXECUTE, "transaction", "Execute one value transfer and make its receipt."),
    CostKind(
        CALL,
        "contract",
        "Call one contract: set up a machine for its code, end it, and write an event.",
    ),
    CostKind(
        COMPUTE_GAS,
        "gas",
        "One gas of what contracts compute: neither accesses of the state nor data.",
    ),
    CostKind(
        ACCESS,
        "cell",
        "Look at one account or slot beside those of a transfer, change a slot, or write an event.",
    ),
    CostKind(SYSTEM, "block", "Call the system's contracts before and after the transactions."),
    CostKind(
        SCHEDULE,
        "access",
        "One access's part in reading a schedule hint and building a block's dependency graph.",
    ),
    CostKind(
        ACCEPT,
        "transaction",
        "Check what one transaction saw against the block's state, and take over what it did.",
    ),
    CostKind(
        BODY_ROOTS,
        "transaction",
        "One transaction's and its receipt's part in the ordered tries of a block.",
    ),
    CostKind(
        STATE_ROOT,
        "account",
        "One changed account's part in the update of the state trie.",
    ),
    CostKind(
        STORAGE_ROOT,
        "slot",
        "One changed slot's part in the update of a contract's storage trie.",
    ),
    CostKind(
        WATCH,
        "transaction",
        "Note for a gateway what becomes of one transaction, or look one up in a block for it.",
    ),
    CostKind(
        PROVE,
        "transaction",
        "One transaction's part in making a block's ordered tries with all their nodes.",
    ),
    CostKind(
        CHECK_RESULT,
        "result",
        "Check a transaction's and its receipt's Merkle proofs against a block's header.",
    ),
    CostKind(
        STORE_ROW,
        "row",
        "Make one row of what a block makes of the store where the state is durable in form flat.",
    ),
)
"""Every kind, with its unit and meaning."""
