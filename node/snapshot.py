"""The state after a checkpoint, in the three forms that it takes outside of memory's layers.

* **Stored**, as sorted runs of changed accounts, slots and codes: each checkpoint writes what
  changed since the one before, merged into older runs when it has grown to half their size, as
  `storage.state` does in memory. A restart reads the runs, and blocks only from there on.
* **Offered**, as a manifest: the block's header, whose state root commits to every account, and
  the certificate that makes the header final.
* **Served**, as chunks: all accounts below a prefix of the hashed address with the trie's nodes on
  the way, and some of the slots of large contracts (`node.snapshot_view`, `node.snapshot_chunks`).

What follows from content alone (a run, a state, a view to serve from) is made once for all nodes
of a process, like other results; each node is charged for its own.

Reference: O'Neil et al. 1996, "The log-structured merge-tree".
"""

from collections.abc import Sequence

import msgspec

from node.execution import ExecutedBlock
from node.execution_setting import ANCESTORS_MAX
from node.shared import Memo
from node.snapshot_chunks import Piece
from node.snapshot_view import SnapshotView
from primitives.block import Block
from primitives.committee import Committee
from primitives.epoch import Epoch
from primitives.header import Header, header_hash
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.system_contracts import HISTORY_ADDRESS, HISTORY_SERVED
from storage.change_rows import decode_run, encode_run
from storage.changes import StateChanges, merged_all, settled, settled_over
from storage.state import StateLayer

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


class SnapshotLibrary:
    """What nodes of a process share of the states that they store, restore and serve."""

    __slots__ = ("_decoded", "_merged", "_runs", "_states", "_views")

    def __init__(self, count_max: int = MEMO_MAX) -> None:
        self._runs: Memo[bytes, bytes] = Memo(count_max)
        self._merged: Memo[tuple[bytes, bytes, bool, bytes], bytes] = Memo(count_max)
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

    def merged(
        self, older: bytes, newer: bytes, *, is_bottom: bool, genesis: StateLayer | None = None
    ) -> bytes:
        """Return two runs as one; at the bottom of all, what is deleted leaves no trace.

        Args:
            older: a run.
            newer: the one after it.
            is_bottom: whether no run is below.
            genesis: what is there instead; None for nothing.
        """
        key = (older, newer, is_bottom, b"" if genesis is None else genesis.root())
        known = self._merged.get(key)
        if known is None:
            both = merged_all((self._read(newer), self._read(older)))
            if is_bottom:
                both = settled(both) if genesis is None else settled_over(both, genesis)
            known = encode_run(both)
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
            slots: dict[Address, dict[int, int]] = {}
            for piece in pieces:
                for key, values in piece.slots:
                    slots.setdefault(key, {}).update(values)
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
