"""The state after a checkpoint, in the three forms that it takes outside of memory's layers.

* **Stored**, as sorted runs of changed accounts: each checkpoint writes what changed since the
  one before, merged into older runs when it has grown to half their size, as `storage.state` does
  in memory. A restart reads the runs, and blocks only from there on.
* **Offered**, as a manifest: the block's header, whose state root commits to every account, and
  the certificate that makes the header final.
* **Served**, as chunks: all accounts below a prefix of the hashed address, with the trie's nodes
  on the way (`storage.subtree`).

What follows from content alone (a run, a state, a view to serve from) is made once for all nodes
of a process, like other results; each node is charged for its own.

Reference: O'Neil et al. 1996, "The log-structured merge-tree".
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

import msgspec

from network.messages import Chunk, Content
from network.transfer import CHUNK_ACCOUNTS
from node.execution import ExecutedBlock
from node.shared import Memo
from primitives.block import Block
from primitives.codec import decode_canonical, encode_canonical
from primitives.committee import Committee
from primitives.epoch import Epoch
from primitives.errors import InvalidEncoding
from primitives.header import Header, header_hash
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from storage.account import Account, account_leaf, decode_slim, encode_slim
from storage.changes import AccountChanges
from storage.state import StateLayer
from storage.subtree import InvalidSubtree, check_subtree, find_subtree, walk

MEMO_MAX = 4
"""States, runs and views that a process remembers."""

ADDRESS_BYTES = 20
RUN_BYTES_MAX = 1 << 32
"""A run is a node's own; only its form is checked."""

Row = tuple[bytes, bytes]
"""Address, and the slim account; nothing where it ceased to exist."""


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


def anchor(header: Header, state: StateLayer, epoch: Epoch) -> ExecutedBlock:
    """Return a block of which only the header and what comes after it are known."""
    digest = header_hash(header)
    return ExecutedBlock(Block(header, ()), b"", digest, (), (), state, Wei(0), Wei(0), epoch)


def encode_run(changes: Mapping[Address, Account | None]) -> bytes:
    """Return changed accounts as they are stored: by address, deleted ones as empty."""
    rows = [(key, changes[key]) for key in sorted(changes)]
    return encode_canonical(
        tuple((key, b"" if account is None else encode_slim(account)) for key, account in rows)
    )


def decode_run(run: bytes) -> dict[Address, Account | None]:
    """Return the accounts of a stored run.

    Raises:
        InvalidEncoding: it is none.
    """
    rows = decode_canonical(run, tuple[Row, ...], RUN_BYTES_MAX)
    return {_address(key): decode_slim(slim)[0] if slim else None for key, slim in rows}


def check_chunk(root: Hash32, prefix: str, chunk: Chunk, held: Piece | None) -> Piece:
    """Return the accounts of a chunk that proves itself under a state root.

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
        if held is None or chunk.accounts or expected != held.reference:
            raise InvalidSubtree("chunk", "another subtree than the one that is held", prefix)
        return held
    accounts = tuple((_address(key), decode_slim(slim)[0]) for key, slim in chunk.accounts)
    leaves: dict[bytes, bytes] = {keccak256(key): account_leaf(acc) for key, acc in accounts}
    if len(leaves) != len(accounts):
        raise InvalidSubtree("chunk.accounts", "each address once", f"{len(accounts)} accounts")
    return Piece(check_subtree(root, prefix, leaves, chunk.way), accounts)


def _address(key: bytes) -> Address:
    if len(key) != ADDRESS_BYTES:
        raise InvalidEncoding("account.address", f"{ADDRESS_BYTES} bytes", key.hex())
    return Address(key)


class SnapshotView:
    """A state as it is served: its accounts by hashed address, beside its trie.

    Args:
        state: the accounts.
    """

    __slots__ = ("_keys", "_rows", "_trie")

    def __init__(self, state: StateLayer) -> None:
        rows = [(keccak256(key).hex(), key, acc) for key, acc in state.accounts().items()]
        rows.sort()
        self._keys = [hashed for hashed, _, _ in rows]
        self._rows = [(key, encode_slim(account)) for _, key, account in rows]
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
        if last - first > CHUNK_ACCOUNTS:
            return Chunk(request, Content.SPLIT, (), ())
        return Chunk(request, Content.WHOLE, tuple(self._rows[first:last]), way)


class SnapshotLibrary:
    """What nodes of a process share of the states that they store, restore and serve."""

    __slots__ = ("_decoded", "_merged", "_runs", "_states", "_views")

    def __init__(self, count_max: int = MEMO_MAX) -> None:
        self._runs: Memo[bytes, bytes] = Memo(count_max)
        self._merged: Memo[tuple[bytes, bytes, bool], bytes] = Memo(count_max)
        self._decoded: Memo[bytes, dict[Address, Account | None]] = Memo(4 * count_max)
        self._states: Memo[tuple[bytes, ...], StateLayer] = Memo(count_max)
        self._views: Memo[Hash32, SnapshotView] = Memo(count_max)

    def run(self, name: bytes, changes: Iterable[AccountChanges]) -> bytes:
        """Return the run of some blocks.

        Args:
            name: what tells it from all others: the digest of a checkpoint, for the blocks since
                the checkpoint before.
            changes: what each of them changed, in order.
        """
        known = self._runs.get(name)
        if known is None:
            merged: dict[Address, Account | None] = {}
            for each in changes:
                merged.update(each)
            known = encode_run(merged)
            self._runs.put(name, known)
        return known

    def merged(self, older: bytes, newer: bytes, *, is_bottom: bool) -> bytes:
        """Return two runs as one; at the bottom of all, what is deleted leaves no trace."""
        key = (older, newer, is_bottom)
        known = self._merged.get(key)
        if known is None:
            both = {**self._read(older), **self._read(newer)}
            if is_bottom:
                both = {key: account for key, account in both.items() if account is not None}
            known = encode_run(both)
            self._merged.put(key, known)
        return known

    def count(self, run: bytes) -> int:
        """Return how many accounts a run holds."""
        return len(self._read(run))

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
            accounts: dict[Address, Account | None] = {}
            if genesis is not None:
                accounts.update(genesis.accounts())
            for run in reversed(runs):
                accounts.update(self._read(run))
            known = StateLayer(None, {k: acc for k, acc in accounts.items() if acc is not None})
            self._states.put(key, known)
        return known

    def assembled(self, root: Hash32, pieces: Iterable[Piece]) -> StateLayer:
        """Return the state that verified pieces under one root make."""
        known = self._states.get((root,))
        if known is None:
            known = StateLayer(None, {k: acc for piece in pieces for k, acc in piece.accounts})
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

    def _read(self, run: bytes) -> dict[Address, Account | None]:
        known = self._decoded.get(run)
        if known is None:
            known = decode_run(run)
            self._decoded.put(run, known)
        return known
