"""Public blockchain tests: whole blocks, valid and invalid, on a genesis that each test gives.

What is compared: the hash of genesis and the root of its state, every valid block with all its
header commits to, the reason for which an invalid one is refused, the last block, and the state.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.execution import ExecutedBlock
from node.execution_setting import ExecutionEngine
from node.validation_block import execute_block
from node.validation_errors import InvalidBlock, InvalidBlockTransaction
from primitives.block import decode_block
from primitives.committee import Committee
from primitives.epoch import first_epoch
from primitives.errors import InvalidEncoding
from primitives.fork import Fork
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.params import ChainParams
from primitives.rlp import split_list
from storage.account import Account
from storage.changes import StateChanges
from storage.state import StateLayer
from tests.conformance.blockchain_cases import (
    NO_LIMIT,
    TERMINAL_DIFFICULTY,
    ChainBlock,
    ChainTest,
    LeftOut,
    read_tests,
)
from tests.conformance.blockchain_errors import is_expected, unknown_names
from tests.conformance.material import NOT_DATA, from_hex, number, read_file
from tests.conformance.tally import Tally
from tests.vectors import vectors_directory

FOLDERS = ("ethereum/blockchain", "eip4844")
EPOCH = first_epoch(Committee.of_keys([bytes(32)]))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each folder with files, so that several processes can share them."""
    if "folder" in metafunc.fixturenames:
        metafunc.parametrize("folder", list(_folders()) or [""])


def _folders() -> Iterator[str]:
    top = vectors_directory()
    for name in FOLDERS:
        below = {path.parent for path in (top / name).rglob("*") if path.is_file()}
        yield from sorted(str(path.relative_to(top)) for path in below)


def test_blockchain_tests(
    vectors: Path, folder: str, record_property: Callable[[str, object], None]
) -> None:
    if not folder:
        pytest.skip("this set of vectors has no blockchain tests")
    tally = Tally("blockchain tests")
    engine = ExecutionEngine()
    for path in sorted((vectors / folder).iterdir()):
        if path.is_dir():
            continue
        if path.name in NOT_DATA:
            tally.leave_out(f"{path.name} is no test")
            continue
        for test in read_tests(path, read_file(path)):
            if isinstance(test, LeftOut):
                tally.leave_out(test.reason)
            else:
                tally.add(problems_of(test, engine))
    tally.report(record_property)


def problems_of(test: ChainTest, engine: ExecutionEngine) -> Iterator[str]:
    """Run a test, and say what came out wrong."""
    genesis = genesis_of(test)
    header = genesis.block.header
    if genesis.digest != test.genesis_hash:
        yield f"{test.name}: genesis has the hash {genesis.digest.hex()}"
    if genesis.state.root() != header.state_root:
        yield f"{test.name}: the state of genesis has the root {genesis.state.root().hex()}"
    chain = Chain(test, genesis)
    for block in test.blocks:
        outcome = chain.offer(block, engine)
        yield from _wrong_outcome(block, outcome)
    last = chain.head
    if last.digest != test.last_hash:
        yield f"{test.name}: ends with block {last.number}, {last.digest.hex()}"
    elif test.post_root is not None and last.state.root() != test.post_root:
        yield f"{test.name}: the last state has the root {last.state.root().hex()}"
    elif test.post is not None:
        yield from [f"{test.name}: {each}" for each in _differences(last.state, test.post)]


def _wrong_outcome(block: ChainBlock, outcome: ExecutedBlock | InvalidBlock) -> Iterator[str]:
    if isinstance(outcome, ExecutedBlock):
        if block.errors:
            yield f"{block.name}: accepted, not {block.errors}"
        if block.header is not None and outcome.digest != from_hex(block.header["hash"]):
            yield f"{block.name}: has the hash {outcome.digest.hex()}"
    elif not block.errors:
        yield f"{block.name}: refused, {type(outcome).__name__}: {_why(outcome)}"
    elif unknown := unknown_names(block.errors):
        yield f"{block.name}: unknown errors {unknown}"
    elif not is_expected(outcome, block.errors):
        kind = type(outcome).__name__
        yield f"{block.name}: {kind} ({_why(outcome)}), not {block.errors}"


class Chain:
    """The blocks of a test that were accepted, and which of them is the last one."""

    def __init__(self, test: ChainTest, genesis: ExecutedBlock) -> None:
        self._test = test
        self._genesis = genesis
        self._blocks = {genesis.digest: genesis}
        self._difficulty = {genesis.digest: genesis.block.header.difficulty}
        self.head = genesis

    def offer(self, block: ChainBlock, engine: ExecutionEngine) -> ExecutedBlock | InvalidBlock:
        """Execute a block on the one that it names as its parent; on genesis if that is unknown."""
        parent, params = self._genesis, self._test.params
        try:
            header = decode_block(block.payload, NO_LIMIT).header
        except InvalidEncoding:
            pass
        else:
            parent = self._blocks.get(header.parent_hash, parent)
            params = self._params(parent, header.timestamp)
        try:
            executed = execute_block(parent, block.payload, params, engine=engine)
        except InvalidBlock as error:
            return error
        self._add(parent, executed)
        return executed

    def _params(self, parent: ExecutedBlock, timestamp: int) -> ChainParams:
        params, later = self._test.params, self._test.terminal_params
        if later is not None and self._difficulty[parent.digest] >= TERMINAL_DIFFICULTY:
            params = later
        if params.at(timestamp).fork < Fork.OSAKA:
            params = replace(params, max_block_bytes=NO_LIMIT)
        return params

    def _add(self, parent: ExecutedBlock, block: ExecutedBlock) -> None:
        """Take in a block. Before Paris the head is the first of the heaviest, later the newest."""
        own = block.block.header.difficulty
        self._blocks[block.digest] = block
        total = self._difficulty[block.digest] = self._difficulty[parent.digest] + own
        if not own or total > self._difficulty[self.head.digest]:
            self.head = block


def genesis_of(test: ChainTest) -> ExecutedBlock:
    """Return the block that a test begins with."""
    block = decode_block(test.genesis)
    accounts: dict[Address, Account | None] = {}
    slots: dict[Address, Mapping[int, int]] = {}
    codes: dict[Hash32, bytes] = {}
    for name, fields in test.pre.items():
        address, code = Address(from_hex(name)), from_hex(fields["code"])
        digest = keccak256(code)
        accounts[address] = Account(number(fields["nonce"]), Wei(number(fields["balance"])), digest)
        if code:
            codes[digest] = code
        storage = _slots(fields)
        if storage:
            slots[address] = storage
    state = StateLayer(None, StateChanges(accounts, slots, {}, codes))
    digest = keccak256(split_list(test.genesis)[0])
    return ExecutedBlock(block, test.genesis, digest, (), (), state, Wei(0), Wei(0), EPOCH)


def _slots(fields: Mapping[str, Any]) -> dict[int, int]:
    pairs = {number(slot): number(value) for slot, value in fields["storage"].items()}
    return {slot: value for slot, value in pairs.items() if value}


def _differences(state: StateLayer, post: Mapping[str, Any]) -> Iterator[str]:
    accounts, slots = state.accounts(), state.everything().slots
    for address in sorted(set(accounts) - {from_hex(name) for name in post}):
        yield f"{address.hex()} should not exist"
    for name, fields in post.items():
        address = Address(from_hex(name))
        account = accounts.get(address)
        if account is None:
            yield f"{name} does not exist"
            continue
        actual = (account.nonce, account.balance, state.code(account.code_hash))
        expected = (number(fields["nonce"]), number(fields["balance"]), from_hex(fields["code"]))
        if actual != expected:
            yield f"{name}: {actual} instead of {expected}"
        if dict(slots.get(address, {})) != _slots(fields):
            yield f"{name}: other slots"


def _why(error: InvalidBlock) -> str:
    if isinstance(error, InvalidBlockTransaction):
        return f"{type(error.reason).__name__} {error.reason}"
    return str(error)
