"""The state after a checkpoint, in the three forms that it takes outside of memory's layers.

* **Stored**, as sorted runs of changed accounts, slots and codes: each checkpoint writes what
  changed since the one before, merged into older runs when it has grown to half their size, as
  `storage.state` does in memory. A restart reads the runs, and blocks only from there on.
* **Offered**, as a manifest: the block's header, whose state root commits to every account, and
  the certificate that makes the header final.
* **Served**, as chunks: all accounts below a prefix of the hashed address, with the trie's nodes
  on the way (`storage.subtree`). An account's code and slots come with it, all at once: its leaf
  commits to them. A message is bounded, so a contract of more than some 200,000 slots cannot be
  sent.

What follows from content alone (a run, a state, a view to serve from) is made once for all nodes
of a process, like other results; each node is charged for its own.

Reference: O'Neil et al. 1996, "The log-structured merge-tree".
"""

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from network.messages import Chunk, Content
from network.transfer import CHUNK_ACCOUNTS
from node.execution import ExecutedBlock
from node.execution_setting import ANCESTORS_MAX
from node.shared import Memo
from node.snapshot_rows import contract_row, decode_run, encode_run, read_address, read_slots
from primitives.block import Block
from primitives.committee import Committee
from primitives.epoch import Epoch
from primitives.header import Header, header_hash
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.system_contracts import HISTORY_ADDRESS, HISTORY_SERVED
from primitives.trie import EMPTY_ROOT
from storage.account import Account, account_leaf, decode_slim, encode_slim, has_code
from storage.changes import StateChanges, merged_all, settled
from storage.commitment import empty_storage, storage_root, updated_storage
from storage.state import StateLayer
from storage.subtree import InvalidSubtree, check_subtree, find_subtree, walk

MEMO_MAX = 4
"""States, runs and views that a process remembers."""


class Closing(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The end of an epoch: whoever knows its committee learns the next one."""

    header: bytes
    """RLP of the closing block's header, whose extra data commits to the next committee."""
    certificate: bytes
    """Canonical encoding of its commit certificate, by the committee that ends."""
    committee: Committee
    """The next one."""


class Manifest(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What proves a state to whoever knows the committee of some epoch."""

    closings: tuple[Closing, ...]
    """The ends of that epoch and of all later ones, in order."""
    header: bytes
    """RLP of the checkpoint's header."""
    certificate: bytes
    """Canonical encoding of its commit certificate."""


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A verified chunk."""

    reference: bytes
    """Of the subtree that these accounts make."""
    accounts: tuple[tuple[Address, Account], ...]
    slots: tuple[tuple[Address, dict[int, int]], ...] = ()
    """Of those accounts that have storage."""
    codes: tuple[bytes, ...] = ()

    @property
    def count(self) -> int:
        """Accounts and slots in it."""
        return len(self.accounts) + sum([len(slots) for _, slots in self.slots])


def anchor(header: Header, state: StateLayer, epoch: Epoch) -> ExecutedBlock:
    """Return a block of which only the header and what comes after it are known.

    The hashes of the blocks below, which instructions may ask for, stand in the state, where the
    blocks themselves have put them (EIP-2935).
    """
    digest = header_hash(header)
    ancestors: list[Hash32] = []
    for number in range(header.number - 1, max(header.number - ANCESTORS_MAX, -1), -1):
        value = state.slot(HISTORY_ADDRESS, number % HISTORY_SERVED)
        if not value:
            break
        ancestors.append(Hash32(value.to_bytes(32, "big")))
    block = Block(header, ())
    return ExecutedBlock(
        block, b"", digest, (), (), state, Wei(0), Wei(0), epoch, ancestors=tuple(ancestors)
    )


def check_chunk(root: Hash32, prefix: str, chunk: Chunk, held: Piece | None) -> Piece:
    """Return what is in a chunk that proves itself under a state root.

    Args:
        root: the certified one.
        prefix: what was asked for.
        chunk: the answer.
        held: this part of an older state, which the peer may call unchanged.

    Raises:
        InvalidEncoding: an account that is none.
        InvalidSubtree: not all accounts below the prefix, or others.
    """
    if chunk.content is Content.UNCHANGED:
        expected, _, _ = walk(root, prefix, chunk.way)
        if held is None or chunk.accounts or chunk.contracts or expected != held.reference:
            raise InvalidSubtree("chunk", "another subtree than the one that is held", prefix)
        return held
    decoded = [(read_address(key), *decode_slim(slim)) for key, slim in chunk.accounts]
    leaves: dict[bytes, bytes] = {
        keccak256(key): account_leaf(account, root) for key, account, root in decoded
    }
    if len(leaves) != len(decoded):
        raise InvalidSubtree("chunk.accounts", "each address once", f"{len(decoded)} accounts")
    reference = check_subtree(root, prefix, leaves, chunk.way)
    slots, codes = _check_contracts(chunk, decoded)
    accounts = tuple([(key, account) for key, account, _ in decoded])
    return Piece(reference, accounts, slots, codes)


def _check_contracts(
    chunk: Chunk, accounts: Sequence[tuple[Address, Account, Hash32]]
) -> tuple[tuple[tuple[Address, dict[int, int]], ...], tuple[bytes, ...]]:
    """Return the slots and codes beside the accounts of a chunk, if they are all and no others.

    Raises:
        InvalidEncoding: a slot that is none.
        InvalidSubtree: code or storage that an account does not commit to.
    """
    due = [each for each in accounts if has_code(each[1]) or each[2] != EMPTY_ROOT]
    if [row[0] for row in chunk.contracts] != [address for address, _, _ in due]:
        expected = f"the {len(due)} accounts with code or storage"
        raise InvalidSubtree("chunk.contracts", expected, f"{len(chunk.contracts)} others")
    storage: list[tuple[Address, dict[int, int]]] = []
    codes: list[bytes] = []
    for (address, account, root), (_, code, rows) in zip(due, chunk.contracts, strict=True):
        if keccak256(code) != account.code_hash:
            raise InvalidSubtree("chunk.contracts", account.code_hash.hex(), keccak256(code).hex())
        slots = read_slots(rows)
        found = updated_storage(empty_storage(), slots).root
        if found != root or len(slots) != len(rows):
            raise InvalidSubtree("chunk.contracts", f"storage of root {root.hex()}", found.hex())
        codes.append(code)
        if slots:
            storage.append((address, slots))
    return tuple(storage), tuple(codes)


class SnapshotView:
    """A state as it is served: its accounts by hashed address, beside its trie.

    Args:
        state: the accounts.
    """

    __slots__ = ("_keys", "_rows", "_slots", "_state", "_trie")

    def __init__(self, state: StateLayer) -> None:
        rows = [(keccak256(key).hex(), key, acc) for key, acc in state.accounts().items()]
        rows.sort()
        self._keys = [hashed for hashed, _, _ in rows]
        self._rows = [(key, account) for _, key, account in rows]
        self._slots = state.everything().slots
        self._state = state
        self._trie = state.trie()

    def chunk(self, request: int, prefix: str, held: bytes) -> Chunk:
        """Return the answer to a request for the accounts below a prefix.

        Args:
            request: its number.
            prefix: nibbles in hexadecimal.
            held: reference of the subtree that the asker holds of an older state, or nothing.
        """
        node, name, way = find_subtree(self._trie, prefix)
        if held == name and node is not None:
            return Chunk(request, Content.UNCHANGED, (), way)
        first = bisect_left(self._keys, prefix)
        last = bisect_left(self._keys, prefix + "g")
        rows = self._rows[first:last]
        count = len(rows) + sum([len(self._slots.get(key, ())) for key, _ in rows])
        if count > CHUNK_ACCOUNTS and len(rows) > 1:
            return Chunk(request, Content.SPLIT, (), ())
        accounts, contracts = [], []
        for key, account in rows:
            slots = self._slots.get(key, {})
            root = storage_root(self._trie.get(keccak256(key))) if slots else EMPTY_ROOT
            accounts.append((key, encode_slim(account, root)))
            if slots or has_code(account):
                code = self._state.code(account.code_hash)
                contracts.append(contract_row(key, code, slots))
        return Chunk(request, Content.WHOLE, tuple(accounts), way, tuple(contracts))


class SnapshotLibrary:
    """What nodes of a process share of the states that they store, restore and serve."""

    __slots__ = ("_decoded", "_merged", "_runs", "_states", "_views")

    def __init__(self, count_max: int = MEMO_MAX) -> None:
        self._runs: Memo[bytes, bytes] = Memo(count_max)
        self._merged: Memo[tuple[bytes, bytes, bool], bytes] = Memo(count_max)
        self._decoded: Memo[bytes, StateChanges] = Memo(4 * count_max)
        self._states: Memo[tuple[bytes, ...], StateLayer] = Memo(count_max)
        self._views: Memo[Hash32, SnapshotView] = Memo(count_max)

    def run(self, name: bytes, changes: Sequence[StateChanges]) -> bytes:
        """Return the run of some blocks.

        Args:
            name: what tells it from all others: the digest of a checkpoint, for the blocks since
                the checkpoint before.
            changes: what each of them changed, in order.
        """
        known = self._runs.get(name)
        if known is None:
            known = encode_run(merged_all(tuple(reversed(changes))))
            self._runs.put(name, known)
        return known

    def merged(self, older: bytes, newer: bytes, *, is_bottom: bool) -> bytes:
        """Return two runs as one; at the bottom of all, what is deleted leaves no trace."""
        key = (older, newer, is_bottom)
        known = self._merged.get(key)
        if known is None:
            both = merged_all((self._read(newer), self._read(older)))
            known = encode_run(settled(both) if is_bottom else both)
            self._merged.put(key, known)
        return known

    def count(self, run: bytes) -> int:
        """Return how many cells a run holds."""
        return self._read(run).size

    def state(self, genesis: StateLayer | None, runs: tuple[bytes, ...]) -> StateLayer:
        """Return the state that runs make.

        Args:
            genesis: what they were written over; None for nothing.
            runs: the newest first.

        Raises:
            InvalidEncoding: one of them is none.
        """
        key = (b"" if genesis is None else genesis.root(), *runs)
        known = self._states.get(key)
        if known is None:
            below = () if genesis is None else (genesis.everything(),)
            changes = merged_all((*[self._read(run) for run in runs], *below))
            known = StateLayer(None, settled(changes))
            self._states.put(key, known)
        return known

    def assembled(self, root: Hash32, pieces: Sequence[Piece]) -> StateLayer:
        """Return the state that verified pieces under one root make."""
        known = self._states.get((root,))
        if known is None:
            accounts = {key: account for piece in pieces for key, account in piece.accounts}
            slots = {key: values for piece in pieces for key, values in piece.slots}
            codes = {keccak256(code): code for piece in pieces for code in piece.codes}
            known = StateLayer(None, StateChanges(accounts, slots, {}, codes))
            self._states.put((root,), known)
        return known

    def view(self, block: ExecutedBlock) -> SnapshotView:
        """Return the state after a block in the form in which it is served."""
        root = block.block.header.state_root
        known = self._views.get(root)
        if known is None:
            known = SnapshotView(block.state)
            self._views.put(root, known)
        return known

    def _read(self, run: bytes) -> StateChanges:
        known = self._decoded.get(run)
        if known is None:
            known = decode_run(run)
            self._decoded.put(run, known)
        return known
