"""Rebuilds a block from what a node holds: one pass over its pool, whatever the block's size.

A short id can be wrong in two ways. Two transactions of the pool have it: then neither is taken,
and the right one is asked for. Or exactly one has it, and is not the one that is meant: that
shows only when the whole does not match what the header commits to. Neither is anybody's fault.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from siphashc import siphash

from network.compact.form import ReadForm
from network.compact.short_ids import SHORT_ID_MASK, short_id
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32


class TransactionPool(Protocol):
    """Where a node keeps transactions that a block may have, in or beside its mempool."""

    def __len__(self) -> int: ...

    def hashes(self) -> Iterable[Hash32]:
        """Return the hashes of all of them; none need be twice."""
        ...

    def get(self, transaction: Hash32) -> bytes | None:
        """Return its canonical encoding, or None when it is not held."""
        ...


@dataclass(slots=True)
class Draft:
    """A block as far as it is known."""

    form: ReadForm
    slots: list[bytes | None]
    """The transactions, by their places."""
    missing: list[int]
    """Places that are empty, ascending."""
    matched: int = 0
    """Transactions that came from the pool. If there is none, no short id can have misled."""
    ambiguous: int = 0
    """Places whose id fits two transactions, of the pool or of the block."""
    fetched: list[Hash32] = field(default_factory=list)
    """What came from a peer."""

    def transactions(self) -> tuple[bytes, ...]:
        """Return all transactions; none is missing."""
        return tuple([raw for raw in self.slots if raw is not None])

    def fill(self, transactions: tuple[bytes, ...], digest: Callable[[bytes], Hash32]) -> None:
        """Put in what was asked for: one transaction for each missing place, in order.

        A transaction that was asked for by its place is known by its id, too: one with another
        was not meant, and was no collision.

        Raises:
            InvalidEncoding: another number of transactions, or one with another short id. The
                draft is as it was.
        """
        if len(transactions) != len(self.missing):
            expected = f"{len(self.missing)} transactions"
            raise InvalidEncoding("compact.transactions", expected, len(transactions))
        hashes = [digest(raw) for raw in transactions]
        ids, key = self.form.ids, self.form.key
        for place, transaction in zip(self.missing, hashes, strict=True):
            if (found := short_id(key, transaction)) != ids[place]:
                raise InvalidEncoding(
                    f"compact.transactions[{place}]", f"short id {ids[place]:012x}", f"{found:012x}"
                )
        for place, raw in zip(self.missing, transactions, strict=True):
            self.slots[place] = raw
        self.fetched = hashes
        self.missing = []


def start_draft(form: ReadForm, pool: TransactionPool) -> Draft:
    """Return the block as far as its form and the pool tell it.

    Linear in the pool and in the block.
    """
    slots: list[bytes | None] = [form.prefilled.get(place) for place in range(form.count)]
    found = matches(form.key, form.ids.values(), pool.hashes())
    places: dict[int, int] = {}
    doubled: dict[int, None] = {}
    for place, short in form.ids.items():
        if places.setdefault(short, place) != place:
            doubled[short] = None
    draft = Draft(form, slots, [])
    for place, short in form.ids.items():
        transaction = found.get(short)
        if short in doubled or (transaction is None and short in found):
            draft.ambiguous += 1
            transaction = None
        slots[place] = None if transaction is None else pool.get(transaction)
        if slots[place] is None:
            draft.missing.append(place)
        else:
            draft.matched += 1
    return draft


def matches(key: bytes, ids: Iterable[int], hashes: Iterable[Hash32]) -> dict[int, Hash32 | None]:
    """Return, by short id, the transaction of the pool that has it; None if several have.

    Args:
        key: of the short ids.
        ids: those of the block.
        hashes: of the transactions of the pool.
    """
    wanted = dict.fromkeys(ids)
    hashed, mask = siphash, SHORT_ID_MASK
    found: dict[int, Hash32 | None] = {}
    # Only here is the whole pool gone through: a call of C and a look into a dict for each.
    for transaction in [each for each in hashes if hashed(key, each) & mask in wanted]:
        short = hashed(key, transaction) & mask
        if found.setdefault(short, transaction) != transaction:
            found[short] = None
    return found
