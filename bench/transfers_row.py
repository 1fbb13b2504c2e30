"""One row of `orrery bench transfers`: plain payments, from bytes to roots, in the node's own code.

A chain of blocks with payments between accounts drawn evenly. `execute_block` validates each block
twice, as a node does it: once with senders that are known already, as they are for a block
whose transactions came through the pool, and once with senders that are recovered one by one. Then
its parts are done one after another and timed apart. All of it is processor time of one core.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from random import Random
from statistics import median

from node.builder import BuildContext, build_block
from node.execution import BlockExecution, ExecutedBlock, execute_serially, genesis_executed
from node.execution_setting import ExecutionEngine, block_setting
from node.validation import PooledTransaction, finish_transaction, prepare_transaction
from node.validation_block import execute_block
from primitives.account_key import AccountKey
from primitives.block import decode_block, transactions_root
from primitives.committee import Committee
from primitives.genesis import Genesis
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.params import ChainParams
from primitives.transaction import (
    DynamicFeeTransaction,
    encode_transaction,
    recover_sender,
    sign_transaction,
)
from sim.workload.accounts import account_secret, equal_alloc

GWEI, ETHER = 10**9, 10**18
PARAMS = ChainParams(base_fee_rule="fixed", base_fee_initial=Wei(GWEI), gas_limit=Gas(60_000_000))
RECIPIENT = Address(b"\xfe" * 20)
MICRO = 1_000_000
PARTS = ("decode", "execute", "body_roots", "state_root")


class _Chain:
    """Accounts, and blocks of payments between them, built as a proposer does."""

    def __init__(self, accounts: int, engine: ExecutionEngine) -> None:
        self._generator = Random(accounts)
        self._engine = engine
        self._secrets = [account_secret(0, index) for index in range(accounts)]
        self._addresses = [AccountKey(secret).address for secret in self._secrets]
        self._nonces = [0] * accounts
        alloc = equal_alloc(self._addresses, Wei(1_000 * ETHER))
        self.tip = genesis_executed(Genesis(PARAMS, alloc, Committee.of_keys([bytes(32)])))
        self.tip.state.root()

    def grow(self, transactions: int) -> ExecutedBlock:
        """Build the next block."""
        chosen = [self._payment() for _ in range(transactions)]
        context = BuildContext(RECIPIENT, self.tip.number + 1)
        self.tip = build_block(self.tip, chosen, context, PARAMS, self._engine)
        assert len(self.tip.transactions) == transactions, "every payment has its place"
        return self.tip

    def _payment(self) -> PooledTransaction:
        draw = self._generator.randrange
        sender, receiver = draw(len(self._addresses)), draw(len(self._addresses))
        unsigned = DynamicFeeTransaction(
            chain_id=PARAMS.chain_id,
            nonce=self._nonces[sender],
            max_priority_fee_per_gas=Wei(GWEI + draw(GWEI)),
            max_fee_per_gas=Wei(10 * GWEI),
            gas_limit=Gas(21_000),
            to=self._addresses[receiver],
            value=Wei(1 + draw(ETHER)),
            data=b"",
        )
        self._nonces[sender] += 1
        raw = encode_transaction(sign_transaction(unsigned, self._secrets[sender]))
        return finish_transaction(prepare_transaction(raw, PARAMS), self._addresses[sender], PARAMS)


def run(accounts: int, transactions: int, blocks: int) -> dict[str, object]:
    """Validate a chain of payments, block by block, and return the row.

    Args:
        accounts: in the state.
        transactions: in each block.
        blocks: measured, after one that is not.
    """
    engine = ExecutionEngine()
    chain = _Chain(accounts, engine)
    known: list[float] = []
    recovered: list[float] = []
    parts: dict[str, list[float]] = {name: [] for name in PARTS}
    recovery: list[float] = []
    gc.freeze()
    for _ in range(blocks + 1):
        parent = chain.tip
        block = chain.grow(transactions)
        senders = {each.raw: each.sender for each in block.transactions}

        def check(
            raws: Sequence[bytes], rules: ChainParams, senders: dict[bytes, Address] = senders
        ) -> list[PooledTransaction]:
            return [
                finish_transaction(prepare_transaction(raw, rules), senders[raw], rules)
                for raw in raws
            ]

        for times, checker in ((known, check), (recovered, None)):
            gc.collect()
            start = time.process_time()
            executed = execute_block(parent, block.payload, PARAMS, checker, engine)
            times.append(time.process_time() - start)
            assert executed.digest == block.digest, "the same block"
        _time_parts(parent, block, engine, parts, recovery)
    per = MICRO / transactions
    row: dict[str, object] = {
        "accounts": accounts,
        "transactions": transactions,
        "known_per_second": round(transactions / median(known[1:])),
        "recovered_per_second": round(transactions / median(recovered[1:])),
        "known_us": round(per * median(known[1:]), 1),
        "recovery_us": round(per * median(recovery[1:]), 1),
    }
    for name in PARTS:
        row[f"{name}_us"] = round(per * median(parts[name][1:]), 1)
    return row


def _time_parts(
    parent: ExecutedBlock,
    block: ExecutedBlock,
    engine: ExecutionEngine,
    parts: dict[str, list[float]],
    recovery: list[float],
) -> None:
    """Do the parts of validating a block one after another."""

    def timed(times: list[float], work: Callable[[], object]) -> None:
        start = time.process_time()
        work()
        times.append(time.process_time() - start)

    checked: list[PooledTransaction] = []
    senders = [each.sender for each in block.transactions]

    def decode() -> None:
        raws = decode_block(block.payload, PARAMS.max_block_bytes).transactions
        for raw, sender in zip(raws, senders, strict=True):
            prepared = prepare_transaction(raw, PARAMS)
            checked.append(finish_transaction(prepared, sender, PARAMS))

    def execute() -> None:
        execution.begin()
        execute_serially(execution, checked)
        execution.finish()

    def body_roots() -> tuple[Hash32, Hash32, bytes]:
        raws = block.block.transactions
        return transactions_root(raws), execution.receipts_root(), execution.logs_bloom()

    gc.collect()
    timed(parts["decode"], decode)
    timed(recovery, lambda: [recover_sender(each.transaction, each.raw) for each in checked])
    setting = block_setting(block.block.header, parent.child_ancestors(), PARAMS, engine)
    execution = BlockExecution(parent.state, parent.epoch, setting)
    timed(parts["execute"], execute)
    timed(parts["body_roots"], body_roots)
    timed(parts["state_root"], lambda: execution.commit().root())


def main() -> None:
    """Measure what the first argument says (a JSON object) and print the row."""
    print(json.dumps(run(**json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
