"""Checking many transactions at the same time: chunks for a pool, results in order.

What takes the time is recovering senders, a multiplication of curve points that needs no
interpreter; all around it does. So decoding is done here, chunk by chunk, while workers recover
the senders of earlier chunks. Chunks are large enough to make handing them over cheap and small
enough that all workers end at about the same time.

A bad transaction must not cost its neighbours anything: it is answered by the error itself, where
it stands in the batch.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise

from node.executors.attempt import attempt
from node.executors.pool import RECOVER, Pool
from node.executors.recovery import pack, unpack
from node.validation import (
    PooledTransaction,
    Prepared,
    check_transaction,
    finish_transaction,
    prepare_transaction,
)
from primitives.ids import Address
from primitives.params import ChainParams
from primitives.transaction import InvalidTransaction, recover_sender

CHUNK_MAX = 625
"""Transactions in a chunk. Of 5,000 on two cores this gave 1.9 of 2; larger ones gave less."""
CHUNK_MIN = 32
"""Below that handing over costs more than a second worker gains."""
CHUNKS_PER_WORKER = 4
"""So that a worker that was held up leaves its share to the others."""

Checked = PooledTransaction | InvalidTransaction


def chunk_bounds(count: int, workers: int) -> Sequence[tuple[int, int]]:
    """Return where to cut a batch, as (first, end), into chunks of nearly equal size.

    Args:
        count: items in the batch.
        workers: how many will work on it.
    """
    if workers < 2 or count < 2 * CHUNK_MIN:
        return [(0, count)] if count else []
    size = min(CHUNK_MAX, max(CHUNK_MIN, count // (workers * CHUNKS_PER_WORKER)))
    parts = max(2, -(-count // size))
    return list(pairwise([count * place // parts for place in range(parts + 1)]))


def check_transactions(raws: Sequence[bytes], params: ChainParams, pool: Pool) -> list[Checked]:
    """Return for each encoding the checked transaction, or why it is refused.

    Equal to `check_transaction` one by one, whatever the pool.

    Args:
        raws: encodings (EIP-2718), not trusted.
        params: the chain they are for.
        pool: shares the work out.
    """
    if pool.workers < 2 or len(raws) < 2 * CHUNK_MIN:
        return [
            attempt(InvalidTransaction, partial(check_transaction, raw, params)) for raw in raws
        ]
    batch = _Batch(params)
    results = pool.map(RECOVER, batch.chunks(raws, pool.workers))
    senders = [sender for part in results for sender in unpack(part)]
    return batch.finish(senders)


class _Batch:
    """A batch on its way: what is decoded, and what was refused already."""

    def __init__(self, params: ChainParams) -> None:
        self._params = params
        self._prepared: list[Prepared | InvalidTransaction] = []

    def chunks(self, raws: Sequence[bytes], workers: int) -> Iterator[bytes]:
        """Decode chunk by chunk, and yield for each the signatures to recover, packed."""
        params = self._params
        for first, end in chunk_bounds(len(raws), workers):
            part = [
                attempt(InvalidTransaction, partial(prepare_transaction, raw, params))
                for raw in raws[first:end]
            ]
            self._prepared += part
            yield b"".join(
                [pack(each.transaction, each.raw) for each in part if isinstance(each, Prepared)]
            )

    def finish(self, senders: Sequence[Address | None]) -> list[Checked]:
        """Return the results, given the senders of those that were not refused."""
        order = iter(senders)
        return [
            attempt(InvalidTransaction, partial(self._finished, each, next(order)))
            if isinstance(each, Prepared)
            else each
            for each in self._prepared
        ]

    def _finished(self, prepared: Prepared, sender: Address | None) -> PooledTransaction:
        if sender is None:
            # Nobody signed it. Asking here again gives the error as it is given anywhere else.
            sender = recover_sender(prepared.transaction, prepared.raw, self._params.fork)
        return finish_transaction(prepared, sender, self._params)
