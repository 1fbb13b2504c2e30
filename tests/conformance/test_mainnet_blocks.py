"""Mainnet blocks, executed: header, gas, accesses and state must be those of the chain.

The header gives gas used, bloom and receipts root; the state root cannot be compared, because only
the touched part of the state is given. `oracle.json` gives what a reference client saw of each
transaction, by names of accounts ("address") and slots ("address:slot"). How these are ours:

- A name stands under "writes" if the client wrote it at all, to whatever effect, also in a call
  that was taken back, else under "reads". So only both together can be equal to ours: slots that we
  read or changed, and accounts that we touched. They are equal, not one part of the other.
- Our writes are net: a slot that ends as it began was read, and so was one that was written with
  the value it had. They must be among the client's writes, and what more it has among our reads.
- Our cells of accounts are finer. A balance, nonce, code or existence that we read or changed, or
  a balance that an amount was moved to or from, belongs to an account that the client names. An
  account that we write is written by the client; one that only the client writes ends as it began.
- The accounts afterwards are all there are in the state, with all their slots: they are equal.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from node.executors.executor import NO_HINTS, BlockHints
from primitives.access import ADDRESS_BYTES, SLOT_KEY_BYTES
from primitives.block import transactions_root, withdrawals_root
from primitives.bloom import logs_bloom, merge_blooms
from primitives.fork import Fork
from primitives.ids import Address, Gas
from primitives.receipt import Receipt, encode_receipt
from primitives.transaction import encode_transaction, recover_sender, transaction_hash
from primitives.trie import ordered_root
from storage.outcome import Outcome
from storage.state import StateLayer
from tests.conformance.bal_state import state_by_list
from tests.conformance.mainnet import (
    AccountAfter,
    Expected,
    MainnetBlock,
    block_folders,
    read_block,
)
from tests.conformance.mainnet_runs import (
    PARALLEL_WAYS,
    SERIAL_WAYS,
    WAYS,
    BlockRun,
    true_hints,
    wrong_hints,
)
from tests.conformance.material import from_hex, number
from tests.conformance.state_benches import genesis_layer
from tests.conformance.tally import Tally
from tests.vectors import vectors_directory


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each folder with a block."""
    if "height" in metafunc.fixturenames:
        folders = block_folders(vectors_directory())
        heights = [folder.name for folder in folders] or [""]
        metafunc.parametrize("height", heights, scope="module")


@pytest.fixture(scope="module", name="block")
def fixture_block(vectors: Path, height: str) -> MainnetBlock:
    if not height:
        pytest.skip("this set of vectors has no mainnet blocks")
    [folder] = [path for path in block_folders(vectors) if path.name == height]
    return read_block(folder)


@pytest.fixture(scope="module", name="hints")
def fixture_hints(block: MainnetBlock) -> BlockHints:
    return true_hints(block)


def receipts_of(block: MainnetBlock, run: BlockRun) -> list[Receipt]:
    receipts, total = [], 0
    for transaction, result, outcome in zip(
        block.transactions, run.results, run.outcomes, strict=True
    ):
        total += result.gas_used
        bloom = logs_bloom(outcome.logs)
        receipts.append(
            Receipt(transaction.tx_type, int(result.succeeded), Gas(total), bloom, outcome.logs)
        )
    return receipts


def test_bodies_of_mainnet_blocks_have_the_roots_of_their_headers(block: MainnetBlock) -> None:
    raws = tuple([encode_transaction(each) for each in block.transactions])
    assert tuple([transaction_hash(raw) for raw in raws]) == block.hashes
    assert transactions_root(raws) == from_hex(block.fields["transactionsRoot"])
    if "withdrawalsRoot" in block.fields:
        root = from_hex(block.fields["withdrawalsRoot"])
        assert withdrawals_root(block.withdrawals) == root


QUICK = (*SERIAL_WAYS, *PARALLEL_WAYS["lockstep"])
SLOW = (*PARALLEL_WAYS["threads"], *PARALLEL_WAYS["processes"])


@pytest.mark.parametrize("way", [*QUICK, *[pytest.param(w, marks=pytest.mark.slow) for w in SLOW]])
def test_mainnet_blocks_end_as_on_mainnet(
    block: MainnetBlock,
    hints: BlockHints,
    way: str,
    record_property: Callable[[str, object], None],
) -> None:
    tally = Tally(f"transactions of mainnet blocks, {way}")
    if block.fork < Fork.SPURIOUS_DRAGON:
        tally.leave_out(f"{block.name}, whose fork keeps empty accounts")
        tally.report(record_property)
        return
    check(tally, block, WAYS[way](block, hints), record_property)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["no", "wrong"])
@pytest.mark.parametrize("way", PARALLEL_WAYS["lockstep"])
def test_mainnet_blocks_end_as_on_mainnet_whatever_the_hints(
    block: MainnetBlock,
    hints: BlockHints,
    way: str,
    kind: str,
    record_property: Callable[[str, object], None],
) -> None:
    if block.fork < Fork.SPURIOUS_DRAGON:
        pytest.skip(f"{block.name}: its fork keeps empty accounts")
    tally = Tally(f"transactions of mainnet blocks, {way}, {kind} hints")
    given = NO_HINTS if kind == "no" else wrong_hints(hints)
    check(tally, block, WAYS[way](block, given), record_property)


def check(
    tally: Tally,
    block: MainnetBlock,
    run: BlockRun,
    record_property: Callable[[str, object], None],
) -> None:
    for problems in problems_of_transactions(block, run):
        tally.add(problems)
    tally.report(record_property)
    receipts = receipts_of(block, run)
    assert receipts[-1].cumulative_gas_used == number(block.fields["gasUsed"])
    assert merge_blooms([each.bloom for each in receipts]) == from_hex(block.fields["logsBloom"])
    if block.fork >= Fork.BYZANTIUM:  # Before, receipts hold state roots (EIP-658).
        root = ordered_root([encode_receipt(each) for each in receipts])
        assert root == from_hex(block.fields["receiptsRoot"])
    assert state_after(run.state) == dict(block.post)


def test_the_access_list_of_a_mainnet_block_gives_the_state_after_it(
    block: MainnetBlock, hints: BlockHints
) -> None:
    if block.fork < Fork.CANCUN:
        pytest.skip(f"in {block.fork.name.title()} contracts can vanish, which no list tells")
    assert hints.access_list
    after = state_by_list(genesis_layer(block.accounts), hints.access_list)
    assert state_after(after) == dict(block.post)


def state_after(state: StateLayer) -> dict[Address, AccountAfter]:
    everything = state.everything()
    return {
        address: AccountAfter(
            account.nonce,
            account.balance,
            account.code_hash,
            everything.slots.get(address, {}),
        )
        for address, account in everything.accounts.items()
        if account is not None
    }


def problems_of_transactions(block: MainnetBlock, run: BlockRun) -> Iterator[list[str]]:
    """Yield what is wrong with each transaction, as far as that can be said of it alone."""
    for index, transaction in enumerate(block.transactions):
        raw = encode_transaction(transaction)
        expected, outcome = block.expected[index], run.outcomes[index]
        problems = []
        if recover_sender(transaction, raw, block.fork) != expected.sender:
            problems.append("sender")
        if run.results[index].gas_used != expected.gas_used:
            problems.append(f"gas {run.results[index].gas_used}, not {expected.gas_used}")
        problems += problems_of_accesses(outcome, expected)
        yield [f"{block.name}, transaction {index}: {problem}" for problem in problems]


def problems_of_accesses(outcome: Outcome, expected: Expected) -> Iterator[str]:
    """Compare by the rules that this file's docstring states."""
    accesses = outcome.accesses
    named = expected.reads | expected.writes
    slots_named = {name for name in named if ":" in name}
    accounts_named = named - slots_named
    reads, writes = _slot_names(accesses.reads), _slot_names(accesses.writes)
    if reads | writes != slots_named:
        yield f"slots {sorted((reads | writes) ^ slots_named)}"
    if not writes <= expected.writes:
        yield f"changed slots {sorted(writes - expected.writes)}"
    touched = {f"0x{address.hex()}" for address in outcome.touched}
    if touched != accounts_named:
        yield f"touched accounts {sorted(touched ^ accounts_named)}"
    cells = _account_names((*accesses.reads, *accesses.writes, *accesses.deltas))
    if not cells <= accounts_named:
        yield f"cells of accounts {sorted(cells - accounts_named)}"
    changed = _account_names(accesses.writes) | {
        f"0x{change.address.hex()}" for change in outcome.changes if change.delta
    }
    if not changed <= expected.writes:
        yield f"changed accounts {sorted(changed - expected.writes)}"


def _slot_names(keys: Iterable[bytes]) -> set[str]:
    return {
        f"0x{key[:ADDRESS_BYTES].hex()}:0x{key[ADDRESS_BYTES:].hex()}"
        for key in keys
        if len(key) == SLOT_KEY_BYTES
    }


def _account_names(keys: Iterable[bytes]) -> set[str]:
    return {f"0x{key[:ADDRESS_BYTES].hex()}" for key in keys if len(key) != SLOT_KEY_BYTES}
